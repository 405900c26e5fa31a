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
from tests.seeds import seeds
from yieldopt import Input, Law, evaluate
from yieldopt.flow import Faults, Outcome, Step
from yieldopt.optimize import labelled, sweeping
from yieldopt.optimize.coverage import best_levels
from yieldopt.optimize.effort import Effort, Goal
from yieldopt.optimize.labelled import best_labelled
from yieldopt.optimize.menus import Menus, Purses
from yieldopt.optimize.pricing import Ask
from yieldopt.optimize.problem import prepare
from yieldopt.optimize.search import is_enumerable, search
from yieldopt.optimize.sweep import Sweep
from yieldopt.template import Choice, OpenNode, Template

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


@pytest.mark.parametrize("seed", seeds(SEEDS, 25))
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


@pytest.mark.parametrize("seed", seeds(range(1, 200, 4), 12))
def test_prices_of_limits_equal_brute_force(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small problems need no prices of their limits; here they get them."""
    monkeypatch.setattr(labelled, "_FEW", 0)
    test_labels_equal_brute_force(seed)


@pytest.mark.parametrize("seed", seeds(range(0, 60, 3), 10))
def test_bounds_hold_however_coarse(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped at any gap, and with room for a few labels only: the bound is never above the best,
    the plan is a plan, and what is said to be proved is."""
    template = random_template(seed, most=250)
    plans = [(plan, evaluate(template.at(plan))) for plan in all_plans(template)]
    menus = Menus.of(template)
    for ask in asks(plans):
        least = min((objective(o, ask) for _, o in plans if allowed(o, ask)), default=math.inf)
        for first, gap in ((0.3, 1.0), (0.1, 0.05), (0.02, 0.0)):
            monkeypatch.setattr(labelled, "_FEW", 0 if seed % 2 else 100_000)
            monkeypatch.setattr(sweeping, "_FIRST", first)
            monkeypatch.setattr(sweeping, "_LABELS", 200 if gap else 3)
            found = best_labelled(menus, ask, gap=gap)
            assert found.proof.lower_bound_usd <= least * (1 + RELATIVE) + 1e-9
            assert found.value_usd >= least * (1 - RELATIVE) - 1e-9
            assert found.gap <= gap + RELATIVE or least < 1e-9
            if found.levels is not None:
                out = evaluate(template.at(found.levels))
                assert allowed(out, ask)
                assert objective(out, ask) == pytest.approx(found.value_usd, rel=RELATIVE, abs=1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_every_bound_on_a_partial_plan_holds(seed: int) -> None:
    """The bound kept with each label of a coarse sweep is not above the best way to complete it."""
    template = random_template(seed, most=150)
    choices = template.choices()
    plans = [(plan, evaluate(template.at(plan))) for plan in all_plans(template)]
    menus = Menus.of(template)
    effort = Effort(0.05, 0.0, 100, math.inf)
    sweep = Sweep(menus, menus.priced(Purses(1.0, {})), Goal(escape=500.0), effort)
    labels = sweep.forward()
    lower, references = sweep.backward(labels)
    ask = Ask(escape_cost_usd=500.0)
    values = [(plan, objective(out, ask)) for plan, out in plans]
    assert lower <= min(value for _, value in values) * (1 + RELATIVE)
    for key, reference in references.items():
        for row, bound in enumerate(reference.bound):
            own = sweep.stages[key].origin.levels(row)
            names = {p: list(choices[p].options)[k] for p, k in own.items()}
            least = min(v for plan, v in values if names.items() <= plan.items())
            assert bound <= least * (1 + RELATIVE)


def test_time_runs_out() -> None:
    template = random_template(1)
    found = best_labelled(Menus.of(template), Ask(escape_cost_usd=100.0), until=0.0)
    assert (found.levels, found.value_usd, found.proof.lower_bound_usd) == (None, math.inf, 0.0)
    stopped = search(prepare(template), escape_cost_usd=100.0, time_limit_s=0.0)
    whole = search(prepare(template), escape_cost_usd=100.0)
    assert stopped.proof.lower_bound_usd <= whole.value_usd <= stopped.value_usd


def test_a_plan_known_already() -> None:
    menus = Menus.of(random_template(2))
    best = best_labelled(menus, Ask())
    again = best_labelled(menus, Ask(), known_usd=best.value_usd * 1.01)
    assert again.value_usd == pytest.approx(best.value_usd, rel=RELATIVE)
    beaten = best_labelled(menus, Ask(), known_usd=best.value_usd * 0.99)
    assert (beaten.levels, beaten.value_usd) == (None, best.value_usd * 0.99)


def long_stack(dies: int) -> Template:
    """A stack of unlike dies, each sorted, each bond tested: trunks that no one enumerates."""
    rng = np.random.default_rng(3)
    nodes: list[OpenNode] = []
    for number in range(dies):
        faults = {"logic": Faults(float(rng.uniform(0.02, 0.3)), Law("negative_binomial", 2.0))}
        fab = Step("fab", "process", float(rng.uniform(10, 60)), faults=faults)
        nodes.append(OpenNode(f"die{number}", (), (fab, coverages("cp", 1.0, rng))))
        if number:
            below = f"s{number - 1}" if number > 1 else "die0"
            bond = Step("bond", "process", 4.0, 0.005, {"joint": Faults(0.02)})
            items = (bond, coverages("mid", 2.0, rng))
            nodes.append(OpenNode(f"s{number}", (Input(below), Input(f"die{number}")), items))
    return Template(nodes[-1].name, tuple(nodes))


def coverages(name: str, cost: float, rng: np.random.Generator) -> Choice:
    options: dict[str, Step | None] = {"off": None}
    for level in range(1, 8):
        covered = 1.0 - float(rng.uniform(0.3, 0.6)) ** level
        coverage = {"logic": covered, "joint": 0.9 * covered}
        options[f"l{level}"] = Step(name, "test", cost * level, coverage=coverage, overkill=1e-3)
    return Choice(name, options)


def test_a_problem_that_cannot_be_enumerated() -> None:
    """8¹⁵ plans: proved to 0.1 %, and no local search from a random plan gets below its bound."""
    template = long_stack(8)
    problem = prepare(template)
    assert problem.combinations == 8**15
    assert not is_enumerable(problem)
    found = search(problem, escape_cost_usd=1500.0, gap=1e-3)
    assert found.levels is not None
    assert found.proof.method == "labels"
    assert 0.0 <= found.gap <= 1e-3
    ask = Ask(escape_cost_usd=1500.0)
    out = evaluate(template.at(found.levels))
    assert objective(out, ask) == pytest.approx(found.value_usd, rel=RELATIVE)
    rng = np.random.default_rng(0)
    for _ in range(6):
        value = descended(template, ask, rng)
        assert value >= found.proof.lower_bound_usd * (1 - RELATIVE)


def descended(template: Template, ask: Ask, rng: np.random.Generator) -> float:
    """Value of a plan from which no change of one level helps, from a random one."""
    choices = template.choices()
    plan = {p: str(rng.choice(list(c.options))) for p, c in choices.items()}
    best = objective(evaluate(template.at(plan)), ask)
    moved = True
    while moved:
        moved = False
        for place, choice in choices.items():
            for level in choice.options:
                value = objective(evaluate(template.at(plan | {place: level})), ask)
                if value < best * (1 - 1e-12):
                    best, plan, moved = value, plan | {place: level}, True
    return best


def test_a_part_without_steps() -> None:
    die = OpenNode("die", (), (Step("fab", "process", 5.0, faults={"logic": Faults(0.1)}),))
    sort = Choice("cp", {"off": None, "on": Step("cp", "test", 1.0, coverage={"logic": 0.9})})
    nodes = (OpenNode("lid", (), ()), die, OpenNode("p", (Input("lid"), Input("die", 3)), (sort,)))
    template = Template("p", nodes)
    ask = Ask(escape_cost_usd=90.0)
    least = min(objective(evaluate(template.at(p)), ask) for p in all_plans(template))
    assert best_labelled(Menus.of(template), ask).value_usd == pytest.approx(least, rel=RELATIVE)


@pytest.mark.parametrize("ask", [Ask(escape_cost_usd=1500.0), Ask(dppm_limit=60_000.0)])
def test_labels_equal_enumeration(ask: Ask) -> None:
    """8⁷ plans of a stack of four: too many for ``evaluate``, not for the matrix product."""
    problem = prepare(long_stack(4))
    assert problem.combinations == 8**7
    counted = best_levels(
        problem, dppm_limit=ask.dppm_limit, escape_cost_usd=ask.escape_cost_usd, bound=False
    )
    found = best_labelled(problem.menus, ask)
    assert found.gap == 0.0
    assert found.value_usd == pytest.approx(counted.value_usd, rel=RELATIVE)


@pytest.mark.parametrize("seed", seeds(range(300, 330), 10))
def test_labels_equal_enumeration_on_larger_problems(seed: int) -> None:
    """Up to 20,000 plans with repair, damage, grades and several units, some harvested."""
    template = random_template(seed, most=20_000)
    template = harvested(template, seed) if seed % 3 == 0 else template
    problem = prepare(template)
    for ask in (Ask(escape_cost_usd=2000.0), Ask(dppm_limit=30_000.0), Ask()):
        counted = best_levels(
            problem, dppm_limit=ask.dppm_limit, escape_cost_usd=ask.escape_cost_usd, bound=False
        )
        found = best_labelled(problem.menus, ask)
        assert found.value_usd == pytest.approx(counted.value_usd, rel=RELATIVE)
        assert found.proof.lower_bound_usd == pytest.approx(counted.value_usd, rel=RELATIVE)
