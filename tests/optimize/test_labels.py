"""The search by labels against brute force over every plan through ``evaluate``.

Labels, exposures and tolerances share nothing with enumeration but the screening walk that fills
the tables. The templates are those of ``tests/random_templates.py`` with repair, damage,
stop-on-fail, mixed overlap, several units and joins, and some with harvested dies.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.random_templates import all_plans, random_template
from yieldopt import Law, evaluate
from yieldopt.flow import Faults, Outcome, Step
from yieldopt.optimize.labelled import best_labelled
from yieldopt.optimize.menus import Menus
from yieldopt.optimize.pricing import Ask
from yieldopt.template import Choice, Template

# Some ten logs and exponentials in another order of operations: 1e-13 each way.
RELATIVE = 1e-11
SEEDS = range(200)


def objective(out: Outcome, ask: Ask) -> float:
    spend = 0.0 if ask.prices_only else float(out.cost_per_shipped_usd)
    spend += sum(price * float(out.uses.get(name, 0.0)) for name, price in ask.prices.items())
    quality = float(out.quality)
    return (spend + ask.escape_usd * (1.0 - quality)) / quality if quality > 0 else math.inf


def allowed(out: Outcome, ask: Ask) -> bool:
    quality = float(out.quality)
    uses = {name: float(out.uses.get(name, 0.0)) / quality for name in ask.resource_limits}
    fits = all(uses[name] <= most * (1 + 1e-11) for name, most in ask.resource_limits.items())
    limit = math.inf if ask.dppm_limit is None else ask.dppm_limit
    return fits and float(out.dppm) <= limit * (1 + 1e-9)


def asks(plans: list[tuple[dict[str, str], Outcome]]) -> list[Ask]:
    """Every kind of objective and limit, limits set at quantiles of the plans."""
    dppm = sorted(float(out.dppm) for _, out in plans)
    hours = sorted(float(out.uses.get("tester_h", 0.0)) / float(out.quality) for _, out in plans)
    quarter, half = len(plans) // 4, len(plans) // 2
    tight = dppm[quarter] * (1 + 1e-9)
    return [
        Ask(),
        Ask(escape_cost_usd=2000.0),
        Ask(dppm_limit=tight),
        Ask(dppm_limit=dppm[0] * (1 + 1e-9)),
        Ask({"tester_h": 300.0}, dppm_limit=dppm[half] * (1 + 1e-9)),
        Ask({"tester_h": 300.0}, prices_only=True, dppm_limit=tight),
        Ask(resource_limits={"tester_h": hours[quarter]}),
        Ask(dppm_limit=dppm[half] * (1 + 1e-9), resource_limits={"tester_h": hours[half]}),
    ]


def harvested(template: Template, seed: int) -> Template:
    """The template with a harvested die at its first leaf."""
    rng = np.random.default_rng([seed, 5])
    law = Law("harvest", alpha=float(rng.uniform(0.5, 3)), blocks=8, spares=2)
    extra = Step("cores", "process", 1.0, faults={"logic": Faults(float(rng.uniform(0.2, 2)), law)})
    first = next(node for node in template.nodes if not node.inputs)
    classes = {
        name
        for item in first.items
        for step in (item.options.values() if isinstance(item, Choice) else (item,))
        if step is not None
        for name, faults in step.faults.items()
        if faults.cluster is not None
    }
    if "logic" in classes:  # a class of a cluster keeps the law of its cluster
        return template
    nodes = tuple(
        replace(node, items=(extra, *node.items)) if node is first else node
        for node in template.nodes
    )
    return Template(template.ship, nodes)


@pytest.mark.parametrize("seed", SEEDS)
def test_labels_equal_brute_force(seed: int) -> None:
    template = random_template(seed, most=250)
    template = harvested(template, seed) if seed % 5 == 0 else template
    plans = [(plan, evaluate(template.at(plan))) for plan in all_plans(template)]
    menus = Menus.of(template)
    for ask in asks(plans):
        least = min((objective(o, ask) for _, o in plans if allowed(o, ask)), default=math.inf)
        found = best_labelled(menus, ask)
        assert found.value_usd == pytest.approx(least, rel=RELATIVE, abs=1e-9)
        assert found.proof.lower_bound_usd == pytest.approx(found.value_usd, rel=RELATIVE)
        assert found.proof.combinations == len(plans)
        if least < math.inf:
            assert found.levels is not None
            out = evaluate(template.at(found.levels))
            assert allowed(out, ask)
            assert objective(out, ask) == pytest.approx(least, rel=RELATIVE, abs=1e-9)
