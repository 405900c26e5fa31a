"""One plan for many scenarios against brute force over every plan through ``evaluate``.

Random templates with repair, damage, stop-on-fail, several joins and mixed overlap; scenarios scale
every fault mean, scrap, cost, coverage and overkill of a template by its own random factors.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tests.robust_scenarios import Brute, scenarios
from tests.seeds import seeds
from yieldopt.optimize.coverage import best_levels
from yieldopt.optimize.problem import prepare
from yieldopt.optimize.robust import Goal, robust_levels
from yieldopt.optimize.robust_measure import MEASURES

# The search claims 1e-10 of the value; sums in another order add 1e-13.
RELATIVE = 2e-10
SEEDS = range(240)


def goals(brute: Brute, start: str) -> list[Goal]:
    worst = np.sort(brute.dppm.max(axis=1))
    middling = np.sort(np.median(brute.dppm, axis=1))
    tight = float(worst[len(worst) // 8]) * (1 + 1e-9)
    some = float(middling[len(middling) // 4]) * (1 + 1e-9)
    out = []
    for measure in MEASURES:
        more: dict[str, Any] = {"measure": measure, "starts_of": start, "cvar_tail": 0.35}
        out += [
            Goal(**more),
            Goal(**more, escape_cost_usd=3000.0, prices={"tester_h": 200.0}),
            Goal(**more, dppm_limit=tight),
            Goal(**more, dppm_limit=some, dppm_share=0.6),
            Goal(**more, dppm_limit=some, dppm_share=0.3, escape_cost_usd=500.0),
        ]
    return out


@pytest.mark.parametrize("seed", seeds(SEEDS, 60))
def test_every_measure_equals_brute_force(seed: int) -> None:
    templates, p = scenarios(seed)
    names = [node.name for node in templates[0].nodes]
    start = names[seed % len(names)]
    brute = Brute(templates, p, start)
    problems = [prepare(template) for template in templates]
    # All measures, three kinds of limit in five: each kind is met with 144 problems.
    for at, goal in enumerate(goals(brute, start)):
        if (at + seed) % 5 > 2:
            continue
        values = brute.values(goal)
        least = float(values.min())
        found = robust_levels(problems, p, goal)
        proof = found.proof
        assert proof.enumerated + proof.pruned == proof.combinations == len(brute.plans)
        if least == math.inf:
            assert (found.levels, found.value_usd) == (None, math.inf)
            continue
        assert found.levels is not None
        assert found.value_usd == pytest.approx(least, rel=RELATIVE), goal
        at = brute.plans.index(dict(found.levels))
        assert values[at] == pytest.approx(least, rel=RELATIVE)
        assert found.dppm == pytest.approx(tuple(brute.dppm[at]), rel=1e-9)
        assert proof.lower_bound_usd <= least * (1 + 1e-13)
        assert proof.lower_bound_usd >= least - RELATIVE * (least + (goal.escape_cost_usd or 0.0))


def test_the_random_problems_are_not_trivial() -> None:
    """Scenarios disagree about the best plan, and bounds prune some of the problems."""
    regrets, pruned = 0, 0
    for seed in range(40):
        templates, p = scenarios(seed)
        problems = [prepare(template) for template in templates]
        best = {tuple((best_levels(problem).levels or {}).values()) for problem in problems}
        regrets += len(best) > 1
        pruned += robust_levels(problems, p, Goal("worst")).proof.pruned > 0
    assert regrets >= 20
    assert pruned >= 10
