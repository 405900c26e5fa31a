"""The mean-value plan, and what knowing is worth, against one MILP over every recipe.

The mean-value plan's decisions are taken from the planner (there may be several as good) and met
by the reference; all else is the reference's own. 1e-6: as in test_futures.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.planning import futures_reference as reference
from tests.planning.random_plans import random_case
from tests.planning.test_futures import AGREE, SCENARIOS, SOURCE, case_of
from tests.seeds import seeds
from yieldopt import load
from yieldopt.optimize.budget import Budget
from yieldopt.planning.desk import Desk
from yieldopt.planning.futures import scenario_futures
from yieldopt.planning.joint import Risk, Ties
from yieldopt.planning.resilience import resilience
from yieldopt.planning.scenarios import Scenarios, mean_value_plan, scenarios
from yieldopt.planning.setting import setting_of
from yieldopt.report.resilience import resilience_text
from yieldopt.schema.case import Case, Scenario

TWO_YIELDS = f"""
[[scenarios]]
name = "clean"
probability = 0.6
{SOURCE}
[scenarios.override.processes.n5]
d0_per_cm2 = 0.05
[[scenarios]]
name = "dirty"
probability = 0.4
demand_factor = 1.1
{SOURCE}
[scenarios.override.processes.n5]
d0_per_cm2 = 0.2
"""
EXPECTED = Risk()
KINDS = {"expansion": "built", "booking": "booked", "qualification": "started"}


def check(case: Case, risk: Risk = EXPECTED) -> Scenarios:
    """The mean-value problem's optimum, and both values, as the reference has them."""
    setting, periods = setting_of(case, Budget()), len(case.periods)
    desk = Desk(Ties(periods, 0), "highs", Budget())
    theirs = [reference.Future(s.probability, s.case) for s in case.scenarios]
    futures = list(scenario_futures(setting, Budget()))
    found, first, apart = mean_value_plan(setting, futures, desk)
    assert apart == ()
    best = reference.mean_value(theirs, case)
    assert (first is None) == (best is None)
    held = scenarios(setting, desk, risk)
    if first is None or best is None:
        return held
    assert found.value_usd == pytest.approx(best, rel=AGREE)
    assert found.bound_usd == pytest.approx(best, rel=AGREE)
    fixed: dict[tuple[str, object], float] = {}
    for (kind, number, *rest), decided in first.decisions.items():
        if kind in KINDS:
            listed = {"expansion": case.expansions, "booking": case.reservations,
                      "qualification": case.products}[kind]  # fmt: skip
            key = (listed[number].name, *rest) if rest else listed[number].name
            fixed[KINDS[kind], key] = decided.amount
    for (number, line), levels in first.programmes.items():
        key = (case.products[number].name, line, tuple(sorted(levels.items())))
        fixed["chosen", key] = 1.0
    how = (periods, 0, risk.weight, risk.cvar)
    plan = reference.Joined(theirs, *how).solve()
    mean = reference.Joined(theirs, *how, fixed=fixed).solve()
    known = [reference.Joined([f], periods, 0).solve() for f in theirs]
    if plan is None:
        assert held.plan.objective_usd is None
        return held
    size = AGREE * abs(plan)
    assert held.plan.objective_usd == pytest.approx(plan, rel=AGREE)
    assert (held.stochastic.usd is None) == (mean is None)
    if mean is not None:
        assert held.stochastic.usd == pytest.approx(mean - plan, abs=size)
        assert mean - plan >= -size
    if risk.weight == 0.0 and None not in known:  # each already times its probability
        assert held.information.usd == pytest.approx(plan - sum(known), abs=size)
        assert plan - sum(known) >= -size
    return held


@pytest.mark.parametrize("seed", seeds(range(444, 456), 1))
def test_one_scenario_with_other_yields(seed: int, tmp_path: Path) -> None:
    check(case_of(tmp_path, seed, SCENARIOS))


@pytest.mark.parametrize("seed", seeds(range(470, 478), 2))
def test_yields_that_differ_and_lines_to_enter(seed: int, tmp_path: Path) -> None:
    path = tmp_path / "case.toml"
    path.write_text(random_case(seed, {"qualification", "lumps"}) + TWO_YIELDS)
    check(load(path))


@pytest.mark.parametrize(
    "rule",
    [
        "pooled",
        "bookings",
        *(pytest.param(one, marks=pytest.mark.long) for one in ("one_programme", "changes")),
    ],
)
def test_a_rule_that_asks_more_of_recipes(rule: str, tmp_path: Path) -> None:
    """Quality pooled over recipes; use that is owed; levels to be chosen; learning."""
    path = tmp_path / "case.toml"
    path.write_text(random_case(482, {rule, "lumps"}) + TWO_YIELDS)
    check(load(path))


@pytest.mark.parametrize("seed", seeds(range(460, 463), 1))
def test_by_risk(seed: int, tmp_path: Path) -> None:
    check(case_of(tmp_path, seed, SCENARIOS), Risk(0.4, 0.7))


def test_scenarios_that_differ_in_more_than_numbers(tmp_path: Path) -> None:
    """One without a whole test: there is no mean of that, so the case's own models stand."""
    path = tmp_path / "case.toml"
    path.write_text(random_case(3, {"lumps"}))
    full = load(path)
    text = path.read_text().replace(', "system_level"]', "]")
    text = re.sub(r', "package/system_level" = \[[^]]*\]', "", text)
    path.write_text(text + "\n[override.processes.n5]\nd0_per_cm2 = 0.13\n")
    told = (Scenario("tested", 0.6, full), Scenario("not tested", 0.4, load(path)))
    found = resilience(replace(full, scenarios=told))
    assert found.scenarios is not None
    lines = {f"{p.name} on {route}" for p in full.products for route in p.routes}
    assert set(found.scenarios.not_averaged) == lines
    assert found.scenarios.stochastic.usd is not None
    assert "the case's own models where scenarios differ in more: " in resilience_text(found)
    assert "differ in more" not in resilience_text(resilience(replace(full, scenarios=told[:1])))


def test_a_mean_value_plan_that_is_not_proved_is_called_so(tmp_path: Path) -> None:
    """What a step may be paid for to be done, when use is owed, has no bound over scenarios."""
    path = tmp_path / "case.toml"
    path.write_text(random_case(3, {"lumps"}) + TWO_YIELDS)
    found = resilience(load(path))
    held = found.scenarios
    assert held is not None
    assert "not proved" not in resilience_text(found)
    mean = replace(held.mean_value, status="feasible")
    shown = resilience_text(replace(found, scenarios=replace(held, mean_value=mean)))
    assert "it is not proved to be the best there" in shown
