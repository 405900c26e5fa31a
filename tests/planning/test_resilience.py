"""Losses and scenarios of a case: what must hold of the answer, and how it is shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.planning.random_plans import random_case
from yieldopt import CaseError, load, solve
from yieldopt.cli import main
from yieldopt.planning.prepared import at_risk
from yieldopt.planning.resilience import Resilience, resilience
from yieldopt.report.resilience import resilience_text
from yieldopt.schema.case import Case

SOURCE = 'source = "assumed: a test"'
RULES = {"lumps", "qualification"}
SAME = 1e-8  # relative: two solves of the same optimum, each proved to 1e-9
PROBABLE = "probability = 0.1"


def written(folder: Path, more: str, seed: int = 3, rules: set[str] | None = None) -> Path:
    path = folder / "case.toml"
    path.write_text(random_case(seed, RULES if rules is None else rules) + more)
    return path


def asked(*keys: str, begins: str = "q2") -> str:
    lines = ["[resilience]", f'from = "{begins}"', *keys, SOURCE]
    return "\n".join(lines) + "\n"


def scenario(name: str, probability: float, *keys: str) -> str:
    head = ["[[scenarios]]", f'name = "{name}"', f"probability = {probability}", *keys, SOURCE]
    return "\n".join(head) + "\n"


LOW = scenario("low", 0.5, "demand_factor = 0.5")
HIGH = scenario("high", 0.5, "demand_factor = 1.4", "capacity_factor = 0.8")


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Case, Resilience]]:
    folder = tmp_path_factory.mktemp("lost")
    more = asked('lose = "region"', PROBABLE, "service_frac = 0.3")
    case = load(written(folder, more))
    yield case, resilience(case)


def test_the_base_plan_is_the_plan(lost: tuple[Case, Resilience]) -> None:
    case, found = lost
    assert found.losses is not None
    assert found.losses.base.objective_usd == pytest.approx(solve(case).objective_usd, rel=SAME)
    assert found.losses.base.futures[0].cost_usd == found.losses.base.objective_usd


def test_preparing_is_worth_it_and_knowing_more(lost: tuple[Case, Resilience]) -> None:
    held = lost[1].losses
    assert held is not None
    assert held.prepared is not None
    assert held.premium is not None
    chances = [one.probability for one in held.base.futures]
    assert sum(chances) == pytest.approx(1.0)
    unprepared = sum(p * c for p, c in zip(chances, held.base.costs(), strict=True))
    ready = sum(p * c for p, c in zip(chances, held.prepared.costs(), strict=True))
    assert ready == pytest.approx(held.prepared.objective_usd, rel=SAME)
    assert ready <= unprepared * (1.0 + SAME)
    assert held.premium.usd >= -SAME * ready
    for known, loose, prepared in zip(
        held.known, held.base.futures[1:], held.prepared.futures[1:], strict=True
    ):
        assert known.cost_usd is not None
        for other in (loose.cost_usd, prepared.cost_usd):
            assert other is not None
            assert known.cost_usd <= other * (1.0 + SAME)
    # Something is lost here, and preparing changes what it costs: else nothing is tested.
    assert ready < unprepared * (1.0 - 1e-4)


def test_a_service_level_under_any_loss_is_kept(lost: tuple[Case, Resilience]) -> None:
    case, found = lost
    held = found.losses
    assert held is not None
    assert held.surviving is not None
    demand = {p.name: sum(p.demand.over(len(case.periods))) for p in case.products}
    for future in held.surviving.futures[1:]:
        for name, packages in future.unmet.items():
            assert packages <= 0.7 * demand[name] * (1.0 + 1e-6)
    assert held.surviving_premium is not None
    assert held.surviving_premium.least_usd is not None
    assert held.surviving_premium.least_usd <= held.surviving_premium.usd + 1e-3


def test_without_probabilities_the_dearest_loss_is_least(tmp_path: Path) -> None:
    plain = asked('lose = "region"')
    held = resilience(load(written(tmp_path, plain))).losses
    likely = resilience(load(written(tmp_path, asked('lose = "region"', PROBABLE)))).losses
    assert held is not None
    assert likely is not None
    assert held.prepared is not None
    assert likely.prepared is not None
    worst = max(held.prepared.costs())
    assert worst == pytest.approx(held.prepared.objective_usd, rel=SAME)
    assert worst <= max(likely.prepared.costs()) * (1.0 + SAME)
    assert worst <= max(held.base.costs()) * (1.0 + SAME)


@pytest.mark.parametrize("seed", [0, 2, 3, 5])
def test_programmes_left_open_are_chosen_before_the_loss(seed: int, tmp_path: Path) -> None:
    """A line that the base plan does not use has one programme too, whatever is lost."""
    more = asked('lose = "region"', PROBABLE)
    held = resilience(load(written(tmp_path, more, seed, {"one_programme", "late"}))).losses
    assert held is not None
    assert held.prepared is not None
    pairs = list(zip(held.base.futures, held.base.costs(), strict=True))
    assert len(pairs) == 1 + len(held.places)
    unprepared = sum(one.probability * cost for one, cost in pairs)
    assert held.prepared.objective_usd is not None
    assert held.prepared.bound_usd is not None
    assert held.prepared.objective_usd <= unprepared * (1.0 + SAME)
    assert held.prepared.bound_usd <= held.prepared.objective_usd * (1.0 + SAME)


def test_losing_a_place_that_nobody_uses_costs_nothing(tmp_path: Path) -> None:
    found = resilience(load(written(tmp_path, asked('names = ["glass_georgia", "North America"]'))))
    held = found.losses
    assert held is not None
    assert held.prepared is not None
    assert held.premium is not None
    base = held.base.objective_usd
    assert held.base.costs() == pytest.approx([base] * 3, rel=SAME)
    assert held.prepared.costs() == pytest.approx([base] * 3, rel=SAME)
    assert held.premium.usd == pytest.approx(0.0, abs=SAME * (base or 0.0))


def test_what_waits_at_the_loss_may_be_given_up(tmp_path: Path) -> None:
    """All that is made is lost, so all that is asked from then on, and what is owed, is unmet."""
    case = load(written(tmp_path, asked('names = ["Taiwan", "other Asia-Pacific"]'), 5, {"late"}))
    held = resilience(case).losses
    assert held is not None
    assert {one.status for one in held.base.futures} == {"optimal"}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Resilience:
    return resilience(load(written(tmp_path_factory.mktemp("told"), LOW + HIGH)))


def test_values_of_the_stochastic_solution_and_of_information(told: Resilience) -> None:
    held = told.scenarios
    assert held is not None
    for worth in (held.stochastic, held.information):
        assert worth.usd is not None
        assert worth.low_usd is not None
        assert worth.high_usd is not None
        assert 0.0 <= worth.low_usd <= worth.usd + 1e-2
        assert worth.usd <= worth.high_usd
    mean, plan, known = (
        each.expected_usd for each in (held.mean_value_measured, held.measured, held.known_measured)
    )
    assert plan == pytest.approx(held.plan.objective_usd, rel=SAME)
    assert mean is not None
    assert plan is not None
    assert known is not None
    assert mean - plan == pytest.approx(held.stochastic.usd, abs=SAME * plan)
    assert plan - known == pytest.approx(held.information.usd, abs=SAME * plan)
    assert mean > plan * (1.0 + 1e-5)
    assert plan > known * (1.0 + 1e-5)


def test_risk_from_expected_cost_to_the_dearest(told: Resilience, tmp_path: Path) -> None:
    """The more it weighs, the lower the mean of the dearest and the higher the expected cost."""
    case = load(written(tmp_path, LOW + HIGH))
    chances = [0.5, 0.5]
    found = [told] + [resilience(case, cvar=0.8, weight=w) for w in (0.5, 1.0)]
    plans = [one.scenarios.plan for one in found if one.scenarios is not None]
    expected = [sum(p * c for p, c in zip(chances, plan.costs(), strict=True)) for plan in plans]
    tails = [at_risk(plan.costs(), chances, 0.8) for plan in plans]
    assert expected[0] <= expected[1] * (1.0 + SAME) <= expected[2] * (1.0 + 2.0 * SAME)
    assert tails[0] * (1.0 + SAME) >= tails[1] >= tails[2] * (1.0 - SAME)
    worst = resilience(case, cvar=1.0, weight=1.0).scenarios
    assert worst is not None
    assert worst.plan.objective_usd == pytest.approx(max(worst.plan.costs()), rel=SAME)
    assert worst.plan.objective_usd == pytest.approx(tails[2], rel=SAME)  # 0.5 is above 1 - 0.8


def test_one_scenario_is_the_plain_plan(tmp_path: Path) -> None:
    case = load(written(tmp_path, scenario("as it is", 1.0)))
    held = resilience(case).scenarios
    assert held is not None
    value = solve(case).objective_usd
    for cost in (held.plan.objective_usd, held.mean_value.costs()[0], held.known[0].cost_usd):
        assert cost == pytest.approx(value, rel=SAME)
    for worth in (held.stochastic, held.information):
        assert worth.usd == pytest.approx(0.0, abs=SAME * (value or 0.0))


def test_decisions_of_the_mean_may_leave_no_plan(tmp_path: Path) -> None:
    """Firm demand: lumps that are enough for the mean are not for the high scenario."""
    text = written(tmp_path, "").read_text()
    firm = "\n".join(line for line in text.splitlines() if "shortage_cost_usd" not in line)
    (tmp_path / "case.toml").write_text(firm + "\n" + LOW + HIGH)
    found = resilience(load(tmp_path / "case.toml"))
    assert found.scenarios is not None
    assert found.status == "infeasible"
    assert "no plan keeps the rules in every scenario" in resilience_text(found)


def test_large_amounts_are_written_out(tmp_path: Path) -> None:
    """A planner reads 2,500,000 packages, not 2.5e+06."""
    path = written(tmp_path, asked('lose = "region"'))
    path.write_text(re.sub(r"(?m)^demand = .*$", "demand = 2.5e6", path.read_text()))
    found = resilience(load(path))
    assert found.losses is not None
    unmet = [amount for one in found.losses.base.futures for amount in one.unmet.values()]
    assert max(unmet) > 1e6
    text = resilience_text(found)
    assert f"{max(unmet):,.0f}" in text
    assert "e+0" not in text


def test_time_that_ends_leaves_bounds(tmp_path: Path) -> None:
    case = load(written(tmp_path, asked('lose = "region"', PROBABLE) + LOW + HIGH))
    found = resilience(case, time_limit_s=0.3)
    assert found.status in ("optimal", "feasible", "unknown")
    assert resilience_text(found)
    whole = resilience(case)
    for early, late in ((found.losses, whole.losses),):
        assert early is not None
        assert late is not None
        if early.prepared is not None and early.prepared.bound_usd is not None:
            assert late.prepared is not None
            assert late.prepared.objective_usd is not None
            assert early.prepared.bound_usd <= late.prepared.objective_usd * (1.0 + SAME)


@pytest.mark.parametrize("solver", ["ortools", "pulp"])
def test_other_solvers_agree(solver: str, lost: tuple[Case, Resilience]) -> None:
    found = resilience(lost[0], solver=solver)
    for one, other in ((found.losses, lost[1].losses),):
        assert one is not None
        assert other is not None
        assert one.prepared is not None
        assert other.prepared is not None
        assert one.prepared.objective_usd == pytest.approx(other.prepared.objective_usd, rel=1e-6)


def test_what_is_made_and_kept_before_a_loss_is_told(tmp_path: Path) -> None:
    """The prepared plan makes and keeps more before the loss; the text shows the most of it."""
    more = asked('lose = "region"', "probability = 0.3", begins="q3")
    found = resilience(load(written(tmp_path, more, 6, {"stock"})))
    held = found.losses
    assert held is not None
    assert held.prepared is not None
    assert held.premium is not None
    rows = held.premium.differs
    sizes = [abs(row["amount"] - row["base_amount"]) for row in rows]
    assert sizes == sorted(sizes, reverse=True)  # nothing is ordered, entered or booked here
    kept = {row["product"]: row["amount"] for row in rows
            if (row["kind"], row["period"]) == ("stock", "q2")}  # fmt: skip
    assert kept
    assert held.prepared.stock is not None
    assert kept.items() <= held.prepared.stock.items()
    assert {"packages", "stock"} <= {row["kind"] for row in rows}
    text = resilience_text(found)
    assert re.search(r"\w+ in stock in q2: [\d,.]+ in place of [\d,.]+", text)
    assert re.search(r"\w+ made on \w+ in q\d: [\d,.]+ in place of [\d,.]+", text)
    assert ("more amounts differ" in text) == (len(rows) > 6)


def test_the_command(tmp_path: Path) -> None:
    path = written(tmp_path, asked('lose = "region"', PROBABLE) + LOW + HIGH)
    run = CliRunner().invoke
    shown = run(main, ["resilience", str(path)])
    assert shown.exit_code == 0, shown.output
    for words in ("prepared plan (least expected cost)", "value of the stochastic solution: "):
        assert words in shown.output
    data = json.loads(run(main, ["resilience", str(path), "--json"]).stdout)
    assert sorted(data) == ["case", "losses", "runtime_s", "scenarios", "solver", "status"]
    first = data["losses"]["base"]["futures"][0]
    assert sorted(first) == [
        "bound_usd", "cost_usd", "decided", "name", "probability", "status", "unmet",
        "unmet_by_period",
    ]  # fmt: skip
    for options, words in (
        (("--cvar", "0.8"), "--cvar: does nothing without --weight above 0"),
        (("--weight", "2"), "--weight: must be between 0 and 1"),
        (("--weight", "0.5", "--cvar", "1.5"), "--cvar: must be between 0 and 1"),
    ):
        wrong = run(main, ["resilience", str(path), *options])
        assert wrong.exit_code == 2
        assert words in wrong.output
    assert "nothing to prepare for" in run(main, ["resilience", "minimal"]).output


def test_a_weight_without_probabilities_does_nothing(tmp_path: Path) -> None:
    case = load(written(tmp_path, asked('lose = "site"')))
    with pytest.raises(CaseError, match="weight: does nothing"):
        resilience(case, weight=0.5)


def test_a_loss_that_no_plan_survives_is_named_and_the_others_are_survived(tmp_path: Path) -> None:
    more = asked('names = ["other Asia-Pacific", "glass_georgia"]', "service_frac = 0.7")
    found = resilience(load(written(tmp_path, more)))
    held = found.losses
    assert held is not None
    assert held.unsurvivable == ("other Asia-Pacific",)
    assert held.surviving is not None
    assert [one.name for one in held.surviving.futures] == ["nothing lost", "glass_georgia"]
    assert "under any other loss" in resilience_text(found)
