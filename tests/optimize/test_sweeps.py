"""What a sweep of labels promises, whatever its effort and whatever it was told before.

For any sequence of tolerances, caps and lacking limits, each sweep with the references of those
before it, and any known value at or above the optimum: its bound is not above the optimum, and a
sweep of tolerance 0 that was not made coarser finds a plan of the optimum. A review found a bound
that was (a label dropped after it had absorbed another); these tests failed then.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest

from tests.random_assemblies import random_assembly
from yieldopt import evaluate
from yieldopt.optimize import labelled
from yieldopt.optimize.coverage import Found, best_levels
from yieldopt.optimize.effort import Effort, Goal
from yieldopt.optimize.labelled import best_labelled
from yieldopt.optimize.labels import shipped
from yieldopt.optimize.menus import Purses
from yieldopt.optimize.pricing import Ask
from yieldopt.optimize.problem import Problem, prepare
from yieldopt.optimize.references import Reference
from yieldopt.optimize.sweep import Key, Sweep

RELATIVE = 1e-10


def optimum(problem: Problem, ask: Ask) -> Found:
    return best_levels(
        problem, dppm_limit=ask.dppm_limit, escape_cost_usd=ask.escape_cost_usd, bound=False
    )


def limits(problem: Problem, rng: np.random.Generator) -> list[Ask]:
    """An escape cost, and a DPPM limit that the plan of least cost breaks."""
    escape = float(rng.choice([100.0, 1000.0, 2e4]))
    free = optimum(problem, Ask())
    assert free.levels is not None
    dppm = float(evaluate(problem.template.at(free.levels)).dppm)
    return [Ask(escape_cost_usd=escape), Ask(dppm_limit=dppm * float(rng.choice([0.3, 0.6, 0.9])))]


@pytest.mark.parametrize("seed", range(60))
def test_no_sequence_of_sweeps_breaks_its_promise(seed: int) -> None:
    rng = np.random.default_rng([seed, 8])
    problem = prepare(random_assembly(seed, hard=bool(seed % 2)))
    for ask in limits(problem, rng):
        best = optimum(problem, ask)
        if best.levels is None:
            continue
        least = best.value_usd
        limit = -math.inf if ask.log_q_least is None else ask.log_q_least - 1e-11
        goal = Goal(ask.escape_usd, limit)
        priced = problem.menus.priced(Purses(1.0, {}))
        for _ in range(3):
            upper = least * (1.0 + float(rng.choice([1e-5, 1e-4, 1e-3, 1e-2])))
            references: Mapping[Key, Reference] = {}
            for _ in range(3):
                tolerance = float(rng.choice([0.0, 1e-5, 1e-4, 1e-3, 1e-2]))
                lacking = 0.0 if limit == -math.inf else -limit * float(rng.choice([0, 0.03, 0.3]))
                effort = Effort(tolerance, lacking, int(rng.choice([5, 30, 4000])))
                sweep = Sweep(problem.menus, priced, goal, effort, upper, references)
                labels = sweep.forward()
                lower, references = sweep.backward(labels)
                assert min(lower, upper) <= least * (1.0 + RELATIVE)
                if tolerance == lacking == sweep.coarsened == 0:
                    value, log_q = shipped(labels)
                    total = goal.objective(value, log_q)
                    found = min(total[log_q >= limit], default=math.inf)
                    assert found <= least * (1.0 + RELATIVE)


@pytest.mark.parametrize("seed", range(100, 160))
def test_a_known_value_hides_no_better_plan(seed: int) -> None:
    problem = prepare(random_assembly(seed, hard=bool(seed % 2)))
    for escape in (100.0, 2e4):
        ask = Ask(escape_cost_usd=escape)
        best = optimum(problem, ask).value_usd
        for above in (math.inf, 1e-5, 4e-5, 1e-4, 1e-3):
            found = best_labelled(problem.menus, ask, known_usd=best * (1.0 + above))
            assert found.value_usd == pytest.approx(best, rel=RELATIVE)
            assert found.levels is not None
            assert found.gap == 0.0


@pytest.mark.parametrize("seed", range(200, 260))
def test_prices_of_limits_hide_no_better_plan(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits from the least share of bad packages possible upwards, escapes cheap or dear."""
    monkeypatch.setattr(labelled, "_FEW", 0)
    rng = np.random.default_rng([seed, 9])
    problem = prepare(random_assembly(seed, hard=bool(seed % 2)))
    free = optimum(problem, Ask())
    best = optimum(problem, Ask(escape_cost_usd=1e9))
    assert free.levels is not None
    assert best.levels is not None
    worst = float(evaluate(problem.template.at(free.levels)).dppm)
    least = float(evaluate(problem.template.at(best.levels)).dppm)
    for share in (0.0, 1e-3, 0.05, 0.4, 0.9):
        limit = least * (1.0 + 1e-9) + share * (worst - least)
        ask = Ask(dppm_limit=limit, escape_cost_usd=float(rng.choice([0.0, 500.0, 1e5])))
        known = math.inf if rng.random() < 0.5 else optimum(problem, ask).value_usd * 1.001
        found = best_labelled(problem.menus, ask, known_usd=known)
        assert found.value_usd == pytest.approx(optimum(problem, ask).value_usd, rel=RELATIVE)
        assert found.levels is not None
        assert found.gap == 0.0
        assert float(evaluate(problem.template.at(found.levels)).dppm) <= limit * (1.0 + 1e-9)


@pytest.mark.parametrize("seed", range(260, 290))
def test_limits_that_no_plan_keeps(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelled, "_FEW", 0)
    problem = prepare(random_assembly(seed, hard=bool(seed % 2)))
    best = optimum(problem, Ask(escape_cost_usd=1e9))
    assert best.levels is not None
    least = float(evaluate(problem.template.at(best.levels)).dppm)
    if not least > 0.0:
        assert best_labelled(problem.menus, Ask(dppm_limit=0.0)).levels is not None
        return
    found = best_labelled(problem.menus, Ask(dppm_limit=least * 0.999))
    assert (found.levels, found.value_usd) == (None, math.inf)
    assert found.proof.lower_bound_usd == math.inf
