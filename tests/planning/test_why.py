"""What explains a plan, against the plan of the case with that number changed.

Every price is a difference of two plans, and each of the ends of its range is one: within it the
plan's cost lies on the line, beyond it above. The plans are solved from the start, searches too.
Costs are known to some 1e-9 of themselves; what is compared is worth far more than that.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from tests.planning.random_plans import random_case
from tests.planning.small_plans import CASE, SOFT, SOFT_SWITCH, enumerated
from yieldopt import load, solve
from yieldopt.cli import main
from yieldopt.optimize.budget import Budget
from yieldopt.planning import why_prices
from yieldopt.planning.branching import Branching
from yieldopt.planning.held import Held, held_node
from yieldopt.planning.master import Master
from yieldopt.planning.pieces import Piece, piece
from yieldopt.planning.programme import programme_of
from yieldopt.planning.setting import setting_of
from yieldopt.planning.why import Why, why
from yieldopt.planning.why_prices import Marginal, Moved, Scarce, marginal, scarce
from yieldopt.report.why import why_text
from yieldopt.schema.case import Case, PerPeriod

EXACT = 2e-8  # of the objective: the rounding of two plans
SMALL = CASE.format(wafers=7.0, asic=SOFT, switch=SOFT_SWITCH)
# Rules without whole decisions: then the plan of the changed case decides nothing else.
RULES: dict[int, set[str]] = {
    1: set(),
    4: {"surcharges", "discount", "margin"},
    5: {"stock", "late", "changes"},
    6: {"budget_all"},
    8: {"bookings", "shares"},
    9: {"pooled", "service", "discount"},
}
CASES = ["small", *map(str, RULES)]


def read(text: str, folder: Path) -> Case:
    path = folder / "case.toml"
    path.write_text(text)
    return load(path)


@pytest.fixture(scope="module", params=CASES)
def explained(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Case, Why]:
    name = request.param
    text = SMALL if name == "small" else random_case(int(name), RULES[int(name)])
    case = read(text, tmp_path_factory.mktemp("why"))
    return case, why(case)


def cost(case: Case) -> float:
    found = solve(case)
    return np.inf if found.objective_usd is None else found.objective_usd


def with_number(case: Case, kind: str, name: str, key: str, period: str, value: float) -> Case:
    """Return a case with another capacity or demand in a period."""
    changed = []
    for held in getattr(case, kind):
        values = list(getattr(held, key).over(len(case.periods)))
        values[case.periods.index(period)] = value
        other = held.model_copy(update={key: PerPeriod(values=tuple(values))})
        changed.append(other if held.name == name else held)
    return replace(case, **{kind: tuple(changed)})


def capacity(case: Case, row: Scarce, value: float) -> float:
    return cost(with_number(case, "resources", row.resource, "capacity", row.period, value))


def demand(case: Case, product: str, period: str, value: float) -> float:
    return cost(with_number(case, "products", product, "demand", period, value))


def picked(rows: tuple[Any, ...], count: int) -> list[Any]:
    """Some of the rows, spread over all."""
    at = np.unique(np.linspace(0, len(rows) - 1, count).astype(int)) if rows else []
    return [rows[i] for i in at]


def test_the_plan_is_that_of_solve(explained: tuple[Case, Why]) -> None:
    case, found = explained
    assert found.objective_usd == pytest.approx(cost(case), rel=EXACT)
    assert str(found.status) == "optimal"
    assert found.held == ()
    assert found.notes == ()
    assert found.demand


def test_a_price_holds_between_its_ends_and_no_further(explained: tuple[Case, Why]) -> None:
    case, found = explained
    base = found.objective_usd or 0.0
    slack = EXACT * abs(base)
    assert all(max(row.usd_per_unit, row.less_usd_per_unit or 1.0) > 0.0 for row in found.scarce)
    for row in picked(found.scarce, 2):
        assert row.low is not None
        assert row.high is not None
        assert row.low < row.capacity < row.high

        def line(at: float, row: Scarce = row) -> float:
            return base - row.usd_per_unit * (at - row.capacity)

        middle = 0.5 * (row.capacity + row.high)
        assert capacity(case, row, middle) == pytest.approx(line(middle), abs=slack)
        assert capacity(case, row, row.high) == pytest.approx(line(row.high), abs=slack)
        beyond = row.high + 0.5 * (row.high - row.low)
        assert capacity(case, row, beyond) > line(beyond) + 10.0 * slack
        assert capacity(case, row, row.low) == pytest.approx(line(row.low), abs=slack)
        if row.low > 0.0:
            below = 0.5 * row.low
            assert capacity(case, row, below) > line(below) + 10.0 * slack


def test_what_is_not_scarce_is_worth_nothing(explained: tuple[Case, Why]) -> None:
    case, found = explained
    scarce = {(row.resource, row.period) for row in found.scarce}
    for held in case.resources:
        more = case
        for t, period in enumerate(case.periods):
            if (held.name, period) not in scarce:
                value = 1.5 * held.capacity.over(len(case.periods))[t]
                more = with_number(more, "resources", held.name, "capacity", period, value)
        if more is not case:
            assert cost(more) == pytest.approx(found.objective_usd, rel=EXACT)


def test_one_more_package_costs_what_it_says_and_no_further(explained: tuple[Case, Why]) -> None:
    case, found = explained
    base = found.objective_usd or 0.0
    slack = EXACT * abs(base)
    for row in picked(found.demand, 3):
        assert row.usd_per_good is not None
        assert row.low is not None
        high = 2.0 * row.demand if row.high is None else row.high

        def line(at: float, row: Any = row) -> float:
            return base + row.usd_per_good * (at - row.demand)

        def here(at: float, row: Any = row) -> float:
            return demand(case, row.product, row.period, at)

        assert here(high) == pytest.approx(line(high), abs=slack)
        if row.high is not None:
            far = row.high + 0.5 * (row.high - row.low)
            assert here(far) > line(far) + 10.0 * slack
        if row.low > 0.0:
            assert here(row.low) == pytest.approx(line(row.low), abs=slack)
            assert here(0.5 * row.low) > line(0.5 * row.low) + 10.0 * slack


def test_what_is_displaced_sums_up(explained: tuple[Case, Why]) -> None:
    """Made, unmet and what is left in stock at the end: one more of the product, none of others."""
    case, found = explained

    def at_end(moved: Moved) -> bool:
        return moved.kind == "stock" and moved.period == case.periods[-1]

    for row in found.demand:
        for product in case.products:
            total = sum(
                -moved.packages if moved.kind == "stock" else moved.packages
                for moved in row.moved
                if moved.product == product.name
                and (moved.kind in ("made", "unmet") or at_end(moved))
            )
            # Moves below 1e-6 are left out, and there are few.
            assert total == pytest.approx(float(product.name == row.product), abs=1e-4)


def test_at_a_corner_one_more_and_one_less_differ(tmp_path: Path) -> None:
    case = read(SMALL, tmp_path)
    row = why(case).scarce[0]
    assert row.high is not None
    # Where the price ends: one more is worth less than one less costs, and both are differences.
    there = with_number(case, "resources", row.resource, "capacity", row.period, row.high)
    again = why(there)
    corner = next(
        (r for r in again.scarce if (r.resource, r.period) == (row.resource, row.period)), None
    )
    step, base = 1e-2, cost(there)
    more = (base - capacity(there, row, row.high + step)) / step
    less = (capacity(there, row, row.high - step) - base) / step
    assert less == pytest.approx(row.usd_per_unit, rel=1e-5)
    assert more < 0.99 * less
    rounding = 2.0 * EXACT * base / step
    assert (corner.usd_per_unit if corner else 0.0) == pytest.approx(more, abs=rounding)
    if corner is not None:
        assert corner.less_usd_per_unit == pytest.approx(less, abs=rounding)


def test_firm_demand_grows_as_far_as_the_wafers_go(tmp_path: Path) -> None:
    """The switch goes on cowos_s alone; the recipe that takes the least of a wafer decides."""
    text = CASE.format(wafers=9.0, asic=SOFT, switch="").replace("[20.0, 25.0]", "200.0")
    firm = read(text, tmp_path)
    rows = enumerated(firm, firm.product("switch"), lambda *_: True)
    most = 9.0 / min(uses["interposer.cowos_s"] for _, uses in rows)

    def last(packages: float) -> Marginal:
        there = why(with_number(firm, "products", "switch", "demand", "q2", packages))
        return next(r for r in there.demand if (r.product, r.period) == ("switch", "q2"))

    some = last(0.999999 * most)
    assert some.usd_per_good is not None
    assert some.high == pytest.approx(most, rel=1e-6)
    # At the last package that the wafers allow, but for the rounding of a row.
    assert last(most * (1.0 - 1e-13)).usd_per_good is None


def test_when_time_is_up_prices_have_no_range(tmp_path: Path) -> None:
    case = read(SMALL, tmp_path)
    setting = setting_of(case, Budget())
    master = Master(setting, programme_of(setting), "highs")
    relaxed = Branching(master, "highs", Budget(), 0.0, None).run().found
    assert relaxed is not None
    held, spent, found = Held(master, held_node(master, relaxed.x)), Budget(1.0, 0.0), why(case)
    for one, two in zip(scarce(held, spent), found.scarce, strict=True):
        assert (one.low, one.high) == (None, None)
        assert one.usd_per_unit == pytest.approx(two.usd_per_unit, rel=1e-6)
    for less, full in zip(marginal(held, spent), found.demand, strict=True):
        assert (less.low, less.high, less.moved) == (None, None, ())
        assert less.usd_per_good == pytest.approx(full.usd_per_good, rel=1e-6)


def test_the_dearest_are_looked_at_first_and_what_is_missing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time ends within the second look: that one is no answer either."""
    case = read(SMALL, tmp_path)
    full, stop, looks = why(case), Event(), []
    assert len(full.scarce) > 2

    def look(*how: Any) -> Piece:
        looks.append(how)
        found = piece(*how)
        if len(looks) > 1:
            stop.set()
        return found

    monkeypatch.setattr(why_prices, "piece", look)
    monkeypatch.setattr(Budget, "of", lambda _: Budget(stop=stop))
    found = why(case)
    assert len(looks) == 2
    assert found.objective_usd == full.objective_usd
    dearest = max(full.scarce, key=lambda row: row.usd_per_unit * row.capacity)
    looked = [row for row in found.scarce if row.low is not None]
    assert looked == [dearest]
    assert len(found.scarce) == len(full.scarce)
    assert len(found.demand) == len(full.demand)
    assert found.unused == ()
    assert found.notes == (
        "time ended, the dearest came first; not looked at: "
        f"{len(full.scarce) - 1} of {len(full.scarce)} ranges of scarce resources; "
        f"{len(full.unused)} of {len(full.unused)} lines that are not used; "
        f"{len(full.demand)} of {len(full.demand)} changes with one more package of demand",
    )
    shown = why_text(found)
    assert f"note: {found.notes[0]}" in shown
    assert "?" in shown


def test_what_no_capacity_is_worth_and_that_none_can_be_taken_away(tmp_path: Path) -> None:
    case = read(SMALL, tmp_path)
    name = "interposer.cowos_s"
    none = with_number(case, "resources", name, "capacity", "q2", 0.0)
    found = why(none)
    row = next(row for row in found.scarce if (row.resource, row.period) == (name, "q2"))
    assert (row.capacity, row.low, row.less_usd_per_unit) == (0.0, 0.0, None)
    step = 0.1
    assert row.high is not None
    assert row.high > step
    usd = (cost(none) - capacity(none, row, step)) / step
    assert row.usd_per_unit == pytest.approx(usd, rel=1e-5)
    (line,) = (line for line in why_text(found).splitlines() if f"{name}  q2" in line)
    assert line.endswith("none is left")


@pytest.mark.parametrize("solver", ["ortools", "pulp"])
def test_the_solver_of_the_plan_changes_nothing(solver: str, tmp_path: Path) -> None:
    case = read(SMALL, tmp_path)
    found, again = why(case), why(case, solver=solver)
    assert again.objective_usd == pytest.approx(found.objective_usd, rel=EXACT)
    assert len(again.scarce) == len(found.scarce)
    for one, two in zip(found.scarce, again.scarce, strict=True):
        assert two.usd_per_unit == pytest.approx(one.usd_per_unit, rel=1e-6)
        assert two.high == pytest.approx(one.high, rel=1e-6)


def test_the_command_prints_both_ways(tmp_path: Path) -> None:
    path = tmp_path / "case.toml"
    path.write_text(SMALL)
    shown = CliRunner().invoke(main, ["why", str(path)])
    assert shown.exit_code == 0, shown.output
    for words in ("interposer.cowos_s  q2", "switch in q2 costs 2,500.00 USD", "would have to be"):
        assert words in shown.output
    data = CliRunner().invoke(main, ["why", str(path), "--json"])
    assert data.exit_code == 0
    assert '"scarce"' in data.output
    path.write_text(CASE.format(wafers=7.0, asic=SOFT, switch=""))
    none = CliRunner().invoke(main, ["why", str(path)])
    assert none.exit_code == 3
    solved = CliRunner().invoke(main, ["solve", str(path)])
    assert solved.exit_code == 3
    assert "rules of which none can be left out: yieldopt why CASE" in solved.output
    assert "of which none can be left out" in none.output
