"""The search against brute force over every plan through ``evaluate``.

120 random templates with repair, damage, stop-on-fail, several joins and sub-assemblies, mixed
overlap; free of limits, under a DPPM limit, with an escape cost, with priced resources. The search
shares the screening state with the engine but none of its assembly of costs.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.random_templates import all_plans, joins, random_template
from yieldopt import evaluate
from yieldopt.flow import Outcome
from yieldopt.optimize.coverage import best_levels
from yieldopt.optimize.problem import prepare
from yieldopt.template import Template

# Sums of some ten logs and exponentials of either order of operations: 1e-13 each way.
RELATIVE = 1e-11
SEEDS = range(120)


def objective(out: Outcome, escape: float = 0.0, price: float = 0.0) -> float:
    spend = float(out.cost_per_shipped_usd) + price * float(out.uses.get("tester_h", 0.0))
    quality = float(out.quality)
    return (spend + escape * (1.0 - quality)) / quality if quality > 0 else math.inf


def brute(template: Template) -> list[tuple[dict[str, str], Outcome]]:
    return [(plan, evaluate(template.at(plan))) for plan in all_plans(template)]


@pytest.mark.parametrize("seed", SEEDS)
def test_search_equals_brute_force(seed: int) -> None:
    template = random_template(seed)
    problem = prepare(template)
    plans = brute(template)
    assert problem.combinations == len(plans)
    dppm = sorted(float(out.dppm) for _, out in plans)
    for options in (
        {},
        {"escape_cost_usd": 2000.0},
        {"dppm_limit": dppm[len(dppm) // 4] * (1 + 1e-9)},
        {"dppm_limit": dppm[0] * (1 + 1e-9)},
        {"dppm_limit": dppm[len(dppm) // 2] * (1 + 1e-9), "prices": {"tester_h": 300.0}},
    ):
        limit = options.get("dppm_limit", math.inf)
        price = options.get("prices", {}).get("tester_h", 0.0)
        escape = options.get("escape_cost_usd", 0.0)
        least = min(objective(out, escape, price) for _, out in plans if out.dppm <= limit)
        for bound in (True, False):
            found = best_levels(problem, bound=bound, **options)
            assert found.levels is not None
            assert found.value_usd == pytest.approx(least, rel=RELATIVE)
            out = evaluate(template.at(found.levels))
            assert objective(out, escape, price) == pytest.approx(least, rel=RELATIVE)
            assert out.dppm <= limit * (1 + 1e-9)
            assert found.proof.enumerated + found.proof.pruned == problem.combinations
        # A plan known already: a worse one changes nothing, a better one is never beaten.
        again = best_levels(problem, known_usd=least * 1.01 + 1e-6, **options)
        assert again.value_usd == pytest.approx(least, rel=RELATIVE)
        assert again.levels is not None
        beaten = best_levels(problem, known_usd=least * 0.99 - 1e-6, **options)
        assert (beaten.levels, beaten.value_usd) == (None, pytest.approx(least * 0.99 - 1e-6))


def test_no_plan_reaches_the_limit() -> None:
    template = random_template(3)
    lowest = min(float(out.dppm) for _, out in brute(template))
    for bound in (True, False):
        found = best_levels(prepare(template), dppm_limit=0.99 * lowest, bound=bound)
        assert found.levels is None
        assert found.value_usd == math.inf


def test_the_random_problems_are_not_trivial() -> None:
    templates = [random_template(seed) for seed in SEEDS]
    flows = [template.at({}) for template in templates]
    assert sum(joins(flow) >= 2 for flow in flows) >= 20
    assert np.mean([len(t.choices()) for t in templates]) > 3
    pruned = [best_levels(prepare(t)).proof.pruned for t in templates]
    assert sum(n > 0 for n in pruned) > 30
