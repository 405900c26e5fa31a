"""What a sweep of labels promises, whatever its effort and whatever it was told before.

For any sequence of tolerances, caps and lacking limits, each sweep with the references of those
before it, and any known value at or above the optimum: its bound is not above the optimum, and a
sweep of tolerance 0 that was not made coarser finds a plan of the optimum. A review found a bound
that was (a label dropped after it had absorbed another); these tests failed then.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from tests.random_assemblies import random_assembly
from tests.seeds import seeds
from yieldopt import evaluate
from yieldopt.errors import CaseError
from yieldopt.flow import Faults, Input, Step
from yieldopt.optimize import labelled, sweep
from yieldopt.optimize.coverage import Found, best_levels
from yieldopt.optimize.effort import Effort, Goal
from yieldopt.optimize.labelled import best_labelled
from yieldopt.optimize.labels import shipped
from yieldopt.optimize.menus import Purses
from yieldopt.optimize.pricing import Ask
from yieldopt.optimize.problem import Problem, prepare
from yieldopt.optimize.references import Reference
from yieldopt.optimize.search import search
from yieldopt.optimize.sweep import Key, Sweep
from yieldopt.template import Choice, OpenNode, Template

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


@pytest.mark.parametrize("seed", seeds(range(60), 15))
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
                made = Sweep(problem.menus, priced, goal, effort, upper, references)
                labels = made.forward()
                lower, references = made.backward(labels)
                assert min(lower, upper) <= least * (1.0 + RELATIVE)
                if tolerance == lacking == made.coarsened == 0:
                    value, log_q = shipped(labels)
                    total = goal.objective(value, log_q)
                    found = min(total[log_q >= limit], default=math.inf)
                    assert found <= least * (1.0 + RELATIVE)


@pytest.mark.parametrize("seed", seeds(range(100, 160), 15))
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


@pytest.mark.parametrize("seed", seeds(range(200, 260), 15))
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


@pytest.mark.parametrize("seed", seeds(range(260, 290), 10))
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


def two_limits(problem: Problem, rng: np.random.Generator) -> list[tuple[Ask, float]]:
    """Limits on DPPM and hours and the least J: both kept by some plan, and each by itself."""
    choices = problem.template.choices()
    plans = []
    for picks in itertools.product(*(list(choice.options) for choice in choices.values())):
        plans.append(evaluate(problem.template.at(dict(zip(choices, picks, strict=True)))))
    good = [out for out in plans if float(out.quality) > 1e-3]
    hours = np.array([float(out.uses.get("h", 0.0)) / float(out.quality) for out in good])
    dppm = np.array([float(out.dppm) for out in good])
    cost = np.array([float(out.cost_per_good_usd) for out in good])
    some = int(rng.integers(len(good)))
    found = []
    for most, worst in (
        (hours[some] * 1.001, dppm[some] * 1.001),
        (hours.min() * 1.001, dppm.min() * 1.001),
    ):
        kept = (hours <= most * (1 + 1e-11)) & (dppm <= worst * (1 + 1e-11))
        ask = Ask(dppm_limit=float(worst), resource_limits={"h": float(most)})
        found.append((ask, float(cost[kept].min(initial=math.inf))))
    return found


def with_hours(template: Template, rng: np.random.Generator) -> Template:
    """The template with hours of a tester at every level, more for later levels."""

    def used(item: Step | Choice) -> Step | Choice:
        if not isinstance(item, Choice):
            return item
        hour = float(rng.uniform(0.001, 0.01))
        options = {
            name: step if step is None else replace(step, uses={"h": hour * at})
            for at, (name, step) in enumerate(item.options.items())
        }
        return Choice(item.name, options)

    nodes = [replace(n, items=tuple(used(item) for item in n.items)) for n in template.nodes]
    return Template(template.ship, tuple(nodes))


@pytest.mark.parametrize("seed", seeds(range(300, 320), 5))
def test_limits_that_go_together_or_not(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each limit can be kept, both not always: an answer, never a failure of a solver."""
    monkeypatch.setattr(labelled, "_FEW", 0)
    rng = np.random.default_rng([seed, 10])
    problem = prepare(with_hours(random_assembly(seed, hard=False, most=2_000), rng))
    asks = two_limits(problem, rng)
    assert [least < math.inf for _, least in asks] == [True, False]
    for ask, least in asks:
        found = best_labelled(problem.menus, ask)
        assert found.value_usd == pytest.approx(least, rel=RELATIVE)
        assert found.proof.lower_bound_usd == pytest.approx(least, rel=RELATIVE)


@pytest.mark.parametrize("ask", [Ask(dppm_limit=2e4), Ask(resource_limits={"h": 0.05})])
def test_a_search_may_stop_at_any_moment(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that ticks when it is read: wherever time runs out, bound and plan are true."""
    monkeypatch.setattr(labelled, "_FEW", 0)
    problem = prepare(with_hours(random_assembly(1, hard=False), np.random.default_rng(1)))
    best = best_labelled(problem.menus, ask)
    assert best.levels is not None
    ticks = itertools.count()
    monkeypatch.setattr(sweep.time, "perf_counter", lambda: next(ticks))
    seen = set()
    for moment in [*range(0, 60, 3), *range(60, 400, 20), *range(400, 6_000, 400)]:
        ticks = itertools.count()
        found = best_labelled(problem.menus, ask, until=moment)
        seen.add(found.levels is not None)
        assert found.proof.lower_bound_usd <= best.value_usd * (1.0 + RELATIVE)
        assert found.value_usd >= best.value_usd * (1.0 - RELATIVE)
    assert seen == {True, False}


def test_a_plan_of_which_nothing_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """All tests off on dies of forty faults: the plan that needs the fewest hours ships nothing."""
    monkeypatch.setattr(labelled, "_FEW", 0)
    nodes: list[OpenNode] = []
    for number in range(3):
        fab = Step("fab", "process", 10.0, faults={"x": Faults(13.0)})
        options: dict[str, Step | None] = {"off": None}
        for at in range(1, 4):
            covered = 1.0 - 10.0**-at
            options[f"l{at}"] = Step(
                "cp", "test", float(at), coverage={"x": covered}, uses={"h": 0.01 * at}
            )
        nodes.append(OpenNode(f"d{number}", (), (fab, Choice("cp", options))))
    joined = tuple(Input(node.name) for node in nodes)
    problem = prepare(Template("p", (*nodes, OpenNode("p", joined, ()))))
    for most in (0.5, 5e4, 1e7):
        ask = Ask(escape_cost_usd=100.0, resource_limits={"h": most})
        found = best_labelled(problem.menus, ask)
        counted = best_levels(
            problem, escape_cost_usd=100.0, resource_limits={"h": most}, bound=False
        )
        assert found.value_usd == pytest.approx(counted.value_usd, rel=1e-9)


def test_prices_that_are_none() -> None:
    problem = prepare(random_assembly(2, hard=False))
    with pytest.raises(CaseError, match="must be a number"):
        search(problem, {"h": math.nan})
    with pytest.raises(CaseError, match="must be 0 or more"):
        search(problem, escape_cost_usd=-1.0)
    with pytest.raises(CaseError, match="must be 0 or more"):
        best_labelled(problem.menus, Ask({"h": -1.0}))
