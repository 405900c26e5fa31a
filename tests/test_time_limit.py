"""Studies that time ends before their proof: what they still say must be true.

Nothing here waits: a clock runs out at its n-th look, or a search is made to stop.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from click.testing import CliRunner

from tests.random_templates import random_template
from yieldopt import CaseError, Status, load, solve
from yieldopt.cli import main
from yieldopt.explanation import explain
from yieldopt.optimize import budget, frontier_case, robust_pairs, robust_search
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.coverage import Found, Proof
from yieldopt.optimize.frontier import frontier
from yieldopt.optimize.frontier_case import product_frontier
from yieldopt.optimize.problem import prepare
from yieldopt.optimize.refine_case import refine_product
from yieldopt.optimize.robust import Goal, robust_levels
from yieldopt.optimize.robust_case import robust_answer
from yieldopt.optimize.search import search

ROUNDING = 1e-9
AT_ONCE = ("--time-limit", "1e-9")
SHIPPING = "routes.osat_2p5d.steps.ship_to_osat.cost_usd"
BETWEEN = ("--between", "cowos_s", "osat_2p5d")
COMMANDS = {
    "solve": ("minimal",),
    "compare": ("minimal",),
    "breakeven": ("minimal", "--vary", SHIPPING, *BETWEEN, "--low", "0", "--high", "20"),
    "explain": ("minimal", "--product", "asic"),
    "frontier": ("minimal", "--product", "asic"),
    "robust": ("ask_ramp_programme", "--product", "b200"),
    "refine": ("minimal", "--product", "asic"),
}


class Clock:
    """Time is up from the n-th look on."""

    def __init__(self, looks: int) -> None:
        self.left = looks

    def __call__(self) -> float:
        self.left -= 1
        return 0.0 if self.left >= 0 else math.inf


@pytest.mark.parametrize("command", COMMANDS)
def test_no_plan_in_time_is_unknown_and_never_infeasible(command: str) -> None:
    words = (command, *COMMANDS[command], *AT_ONCE)
    out = CliRunner().invoke(main, words)
    assert out.exit_code == 4
    assert "no plan found within 1e-09 s" in out.stdout
    assert "infeasible" not in out.stdout
    assert "excluded" not in out.stdout
    shown = CliRunner().invoke(main, (*words, "--json"))
    found = json.loads(shown.stdout)
    parts = found if isinstance(found, list) else [found]  # routes compared: each has its own
    assert (shown.exit_code, {part["status"] for part in parts}) == (4, {"unknown"})


@pytest.mark.parametrize("command", COMMANDS)
def test_a_limit_that_is_none_is_refused(command: str) -> None:
    for limit in ("0", "-1", "nan", "soon"):
        out = CliRunner().invoke(main, (command, *COMMANDS[command], "--time-limit", limit))
        assert out.exit_code == 2
        assert out.stdout == ""
    with pytest.raises(CaseError, match="time_limit_s: must be above 0"):
        solve(load("minimal"), time_limit_s=0.0)


def test_an_ample_limit_changes_nothing() -> None:
    plain, timed = solve(load("minimal")), solve(load("minimal"), time_limit_s=1e6)
    assert replace(plain, runtime_s=0.0) == replace(timed, runtime_s=0.0)
    case = load("minimal")
    assert explain(case, "asic") == explain(case, "asic", time_limit_s=1e6)
    assert product_frontier(case, "asic") == product_frontier(case, "asic", time_limit_s=1e6)


def stopping(after: int) -> Any:
    """Searches of which those behind the first ``after`` stop without a plan."""
    count = itertools.count()

    def some(*args: Any, **how: Any) -> Found:
        found = search(*args, **how)
        if next(count) < after:
            return found
        return Found(None, math.inf, replace(found.proof, lower_bound_usd=0.0))

    return some


def test_a_search_that_stops_without_a_plan_does_not_rule_its_route_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(budget, "any_search", stopping(0))
    result = solve(load("minimal"))
    assert result.status is Status.UNKNOWN
    for verdict in result.products[0].routes:
        assert verdict.stopped
        assert verdict.reasons == ("no plan found within 120 s",)


def test_a_route_left_open_leaves_the_answer_unproved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "any_search", stopping(1))
    result = solve(load("minimal"))
    assert [verdict.stopped for verdict in result.products[0].routes] == [False, True]
    assert result.status is Status.FEASIBLE
    assert result.objective_usd is not None
    assert result.objective_usd > 0.0
    # The other route may cost nothing, for all that is known.
    assert (result.bound_usd, result.gap) == (pytest.approx(0.0, abs=1e-9), pytest.approx(1.0))


def test_a_bound_that_is_not_closed_is_the_gap_of_the_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def loose(*args: Any, **how: Any) -> Found:
        found = search(*args, **how)
        lower = 0.9 * found.proof.lower_bound_usd
        return replace(found, proof=replace(found.proof, lower_bound_usd=lower))

    monkeypatch.setattr(budget, "any_search", loose)
    result = solve(load("minimal"))
    assert result.status is Status.FEASIBLE
    assert result.gap == pytest.approx(0.1, rel=1e-6)


def test_firm_demand_is_short_only_where_that_is_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Capacity that some plan keeps, but not the first one met: a stop is no proof."""
    demand = {"products.asic.demand": 1.0}
    first = solve(load("minimal", demand)).recipes[0]
    short = []
    for name, used in first.uses_per_good.items():
        resource = {"name": name, "capacity": 0.9 * used, "source": "assumed: for the test"}
        tight = load("minimal", {"resources": [resource], **demand})
        whole = solve(tight)
        with monkeypatch.context() as patch:
            patch.setattr(budget, "any_search", stopping(len(tight.products[0].routes)))
            late = solve(tight)
        if whole.status is Status.OPTIMAL and late.status is not Status.FEASIBLE:
            assert late.status is Status.UNKNOWN
            assert late.binding[-1].startswith(
                "time ended: the plans found leave firm demand short"
            )
            short.append(name)
        else:  # another route keeps the capacity, or nothing does and prices need no search
            assert late.status in (whole.status, Status.FEASIBLE, Status.UNKNOWN)
    assert short


@pytest.mark.parametrize("looks", [1, 2, 3, 5, 8, 13, 21, 34])
def test_explanations_of_any_length_are_true(looks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    case = load("minimal")
    whole = explain(case, "asic", route="osat_2p5d").explanation
    assert whole is not None
    clock = Clock(looks)
    monkeypatch.setattr(Budget, "is_spent", property(lambda _: clock() > 0.0))
    found = explain(case, "asic", route="osat_2p5d")
    if found.explanation is None:
        assert found.status is Status.UNKNOWN
        return
    plan = found.explanation.plan
    best = whole.plan.cost_per_good_usd
    assert plan.cost_per_good_usd >= best * (1.0 - ROUNDING)
    assert plan.cost_per_good_usd * (1.0 - found.explanation.gap) <= best * (1.0 + ROUNDING)
    assert (found.status is Status.OPTIMAL) == (found.explanation == whole)
    for mine, full in zip(found.explanation.insertions, whole.insertions, strict=True):
        for level, known in zip(mine.levels, full.levels, strict=True):
            if level.best is None and known.best is not None:
                assert [reason.kind for reason in level.why_not] == ["time"]
            if level.best is not None:
                assert known.best is not None
                least = known.best.cost_per_good_usd
                assert level.best.cost_per_good_usd >= least * (1.0 - ROUNDING)


@pytest.mark.parametrize("looks", range(6))
def test_points_shown_in_time_are_points_of_the_whole(
    looks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = load("minimal")
    whole = product_frontier(case, "asic")
    assert whole.frontier is not None
    monkeypatch.setattr(frontier_case, "frontier", partial(frontier, most_plans=0.0))
    clock = Clock(len(case.products[0].routes) * 2 + looks)
    monkeypatch.setattr(Budget, "is_spent", property(lambda _: clock() > 0.0))
    found = product_frontier(case, "asic", time_limit_s=1e6)
    assert found.status is Status.FEASIBLE
    assert found.frontier is not None
    assert found.chosen is not None
    assert not found.frontier.complete
    assert "stopped after 1e+06 s" in found.frontier.note
    plans = {tuple(point.levels.items()) for point in whole.frontier.points}
    assert {tuple(point.levels.items()) for point in found.frontier.points} <= plans
    assert len(found.frontier.points) < len(plans)


def problems() -> Iterator[tuple[list[Any], list[float]]]:
    for seed in range(4):
        template = random_template(seed, 100)
        yield [prepare(template)] * 2, [0.25, 0.75]


@pytest.mark.parametrize("measure", ["expected", "fixed_starts", "cvar", "worst"])
def test_a_robust_plan_of_any_moment_is_true(measure: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds off and on: with them off every trunk combination is a moment to stop at."""
    partly = 0
    for (some, p), bound in itertools.product(problems(), (False, True)):
        goal = Goal(measure, escape_cost_usd=500.0)
        best = robust_levels(some, p, goal)
        for looks in (0, 1, 2, 3, 5, 8, 13):
            clock = Clock(looks)
            with monkeypatch.context() as patch:
                for module in (robust_search, robust_pairs):
                    patch.setattr(module, "perf_counter", clock)
                found = robust_levels(some, p, goal, bound=bound, until=1.0)
            lower, value = found.proof.lower_bound_usd, best.value_usd
            assert lower <= value * (1.0 + ROUNDING)
            assert found.value_usd >= value * (1.0 - ROUNDING)
            if found.complete:
                assert found.value_usd == pytest.approx(value, rel=ROUNDING)
            partly += not found.complete and found.levels is not None
    assert partly


def test_robust_and_refine_say_feasible_until_all_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = load("ask_ramp_programme")
    whole = robust_answer(case, "b200")
    assert (whole.status, whole.gap) == ("optimal", pytest.approx(0.0, abs=1e-9))
    refined = refine_product("minimal", "asic")
    assert refined.best is not None
    clock = Clock(1)
    monkeypatch.setattr(Budget, "is_spent", property(lambda _: clock() > 0.0))
    some = refine_product("minimal", "asic")
    assert some.status == "feasible"
    assert some.lower_bound_usd == 0.0
    assert [one.reasons != () for one in some.routes] == [False, True]


def test_a_stop_is_told_from_a_proof() -> None:
    proof = Proof("labels", 9, 0, 0, 5.0)
    assert budget.stopped(Found(None, math.inf, proof))
    assert not budget.stopped(Found(None, math.inf, replace(proof, lower_bound_usd=math.inf)))
    assert not budget.stopped(Found({}, 7.0, proof))
