"""Break-even points, and routes side by side."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.test_assembly import CASE, case_of
from yieldopt import CaseError, UnknownName, load
from yieldopt.breakeven import breakeven
from yieldopt.breakeven.search import Search
from yieldopt.comparison import compare
from yieldopt.optimize.weighing import candidate_on

OTHER = 'extends = "t_pack"\nname = "t_other"\n[steps.bumps]\ncost_usd = 9\n'
KEY = "routes.t_other.steps.bumps.cost_usd"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case with two routes, the second a variant whose bumps cost money but fail less."""
    folder = tmp_path_factory.mktemp("breakeven")
    case_of(folder)
    less = OTHER + "[steps.bumps.faults.joint.bumps]\nfail_ppb = 2\n"
    (folder / "own" / "routes" / "t_other.toml").write_text(less)
    text = CASE.replace('routes = ["t_pack"]', 'routes = ["t_pack", "t_other"]')
    (folder / "case.toml").write_text(text)
    return folder / "case.toml"


def test_a_route_that_extends_another_is_it_but_for_the_change(path: Path) -> None:
    routes = load(path).library.routes
    one, other = routes["t_pack"], routes["t_other"]
    assert other.steps[2].cost_usd.base == 9.0
    assert other.steps[3:] == one.steps[3:]
    assert other.one_off_cost_usd == one.one_off_cost_usd


def cost(path: Path, route: str, value: float) -> float:
    case = load(path, {KEY: value})
    candidate, _ = candidate_on(case, case.products[0], route)
    assert candidate is not None
    return candidate.recipes[0].cost_per_good_usd


def test_both_routes_cost_the_same_at_the_break_even(path: Path) -> None:
    found = breakeven(path, KEY, ("t_pack", "t_other"), low=0.0)
    (crossing,) = found.crossings
    assert (found.low, found.base, found.high) == (0.0, 9.0, 90.0)
    # The value is closed to 1e-7; the cost rises by a few USD per USD of it.
    assert cost(path, "t_other", crossing.value) == pytest.approx(
        cost(path, "t_pack", crossing.value), rel=1e-6
    )
    for meeting in crossing.cost_per_good_usd.values():
        assert meeting == pytest.approx(cost(path, "t_pack", 9.0), rel=1e-6)
    assert not crossing.is_jump
    assert (crossing.cheaper_below, crossing.cheaper_above) == ("t_other", "t_pack")
    assert cost(path, "t_other", 0.9 * crossing.value) < cost(path, "t_pack", 9.0)
    assert set(crossing.recipes) == {"t_pack", "t_other"}


def test_the_levels_are_chosen_anew_at_every_value(path: Path) -> None:
    """The costs at the ends are those of the best plan there, not of today's levels."""
    found = breakeven(path, KEY, ("t_pack", "t_other"), low=0.0, high=500.0)
    assert found.costs["t_other"][2] == pytest.approx(cost(path, "t_other", 500.0), rel=1e-14)
    assert found.costs["t_other"][0] == pytest.approx(cost(path, "t_other", 0.0), rel=1e-14)


def test_a_case_in_memory_gives_what_its_file_gives(path: Path) -> None:
    """Also of a number that the other route inherits: both routes move with it."""
    for key in (KEY, "routes.t_pack.one_off_cost_usd"):
        told = breakeven(path, key, ("t_pack", "t_other"), low=1.0, high=60.0)
        found = breakeven(load(path), key, ("t_pack", "t_other"), low=1.0, high=60.0)
        assert found == told
        assert len(found.scan) >= 18


def test_the_scan_holds_the_costs_at_every_value_looked_at(path: Path) -> None:
    found = breakeven(path, KEY, ("t_pack", "t_other"), low=0.0)
    values = [value for value, _, _ in found.scan]
    assert values == sorted(values)
    assert {0.0, 9.0, 90.0, found.crossings[0].value} <= set(values)
    at = {value: costs for value, *costs in found.scan}
    ends = zip(found.costs["t_pack"], found.costs["t_other"], strict=True)
    assert [at[0.0], at[9.0], at[90.0]] == [list(pair) for pair in ends]


class Stub(Search):
    """Costs as plain functions, to reach what real cases seldom do; None: cannot be taken."""

    def __init__(self, one: Any, other: Any) -> None:
        super().__init__("no file", "key", "product", ("a", "b"))
        self.curves = one, other
        self.looked: set[float] = set()

    def cost(self, value: float, which: int) -> float | None:
        self.looked.add(value)
        cost: float | None = self.curves[which](value)
        return cost

    def candidates(self, value: float) -> Any:
        found = []
        for which in (0, 1):
            recipe = SimpleNamespace(cost_per_good_usd=self.cost(value, which))
            found.append(None if recipe.cost_per_good_usd is None else
                         SimpleNamespace(recipes=[recipe]))  # fmt: skip
        return tuple(found)


def crossings(one: Any, other: Any, low: float = 0.0, high: float = 1.0) -> list[Any]:
    found = Stub(one, other).run(low, 0.5 * (low + high), high).crossings
    return [(round(c.value, 5), c.cheaper_below, c.cheaper_above, c.is_jump) for c in found]


def test_crossings_of_plain_curves() -> None:
    assert crossings(lambda v: v, lambda v: 0.53) == [(0.53, "a", "b", False)]
    assert crossings(lambda v: -v, lambda v: -0.5) == [(0.5, "b", "a", False)]  # at a grid point
    assert crossings(lambda v: abs(v - 0.5), lambda v: 0.2) == [
        (0.3, "b", "a", False), (0.7, "a", "b", False)]  # fmt: skip
    assert crossings(lambda v: 1.0, lambda v: 1.0) == []  # equal throughout
    assert crossings(lambda v: 1.0 + abs(v - 0.5), lambda v: 1.0) == []  # they only touch
    assert crossings(lambda v: v, lambda v: 1.0) == []  # they meet where the range ends


@pytest.mark.parametrize(
    ("curve", "level", "at", "most"),
    [
        (lambda v: v, 0.433, 0.433, 4),
        (lambda v: 3.0 - v, 2.567, 0.433, 4),
        (lambda v: v**9, 0.433**9, 0.433, 48),
        (lambda v: 1.0 if v < 0.4 else 3.0, 2.0, 0.4, 48),
    ],
)
def test_a_crossing_of_lines_takes_few_looks(
    curve: Any, level: float, at: float, most: int
) -> None:
    """22 to 24 halvings close a cell of the scan to 1e-7; of curves, one look of two halves."""
    search = Stub(curve, lambda _: level)
    (crossing,) = search.run(0.0, 0.5, 1.0).crossings
    assert crossing.value - crossing.not_below <= 1e-7 * crossing.value * (1 + 1e-9)
    assert len(search.looked) - 17 <= most
    assert crossing.not_below <= at <= crossing.value


def test_a_jump_is_no_break_even() -> None:
    assert crossings(lambda v: 1.0 if v < 0.4 else 3.0, lambda v: 2.0) == [(0.4, "a", "b", True)]


class Few(Stub):
    """Fails where a search does not end."""

    def cost(self, value: float, which: int) -> float | None:
        assert len(self.looked) < 200
        return super().cost(value, which)


def test_what_happens_at_0_is_found_in_few_looks() -> None:
    """A share of a value that nears 0 is never reached: the last values before it are 5e-324."""
    for most in (1.0, 1e-300, 1e300):
        (found,) = (
            Few(lambda v: 3.0 if v > 0.0 else 1.0, lambda v: 2.0).run(0.0, 0.5, most).crossings
        )
        assert (found.not_below, found.is_jump) == (0.0, True)
        assert 0.0 < found.value <= 1e-19 * most
        alone = Few(lambda v: None if v > 0.0 else 1.0, lambda v: 2.0).run(0.0, 0.5, most)
        assert alone.crossings == ()
        after = Few(lambda v: 1.0 if v > 0.0 else None, lambda v: 2.0).run(0.0, 0.5, most)
        assert after.crossings == ()
    (small,) = Few(lambda v: v, lambda _: 1e-12).run(0.0, 0.5, 1.0).crossings
    assert small.value == pytest.approx(1e-12, rel=1e-7)


def test_stretches_where_a_route_cannot_be_taken() -> None:
    def until(end: float) -> Any:
        return lambda v: 0.53 if v < end else None

    assert crossings(lambda v: v, until(0.55)) == [(0.53, "a", "b", False)]
    assert crossings(lambda v: v, until(0.5)) == []
    assert crossings(lambda v: None, lambda v: None) == []
    hole = crossings(lambda v: None if 0.4 < v < 0.6 else v, lambda v: 0.7)
    assert hole == [(0.7, "a", "b", False)]


def test_a_range_without_a_break_even_says_so(path: Path) -> None:
    assert breakeven(path, KEY, ("t_pack", "t_other"), low=200.0, high=300.0).crossings == ()


def test_where_a_route_cannot_be_taken_its_cost_is_none(path: Path) -> None:
    found = breakeven(path, "products.p.dppm_limit", ("t_pack", "t_other"), low=1.0, high=30000.0)
    assert found.costs["t_pack"][0] is None
    assert found.costs["t_pack"][2] is not None


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"key": "routes.t_other.steps.bump.cost_usd"}, CaseError, "not a number of this case"),
        ({"key": "routes.t_other.title"}, CaseError, "not a number of this case"),
        ({"key": "a b"}, CaseError, "not a dotted key"),
        ({"key": "routes.t_other.steps.bump.cost_usd"}, CaseError, "did you mean 'bumps'"),
        ({"key": "products.p.dppm_limt"}, CaseError, "did you mean 'dppm_limit'"),
        ({"routes": ("t_pack", "t_pack")}, CaseError, "the two routes are one"),
        ({"routes": ("t_pack", "cowos_s")}, UnknownName, "none of the routes of p"),
        ({"product": "q"}, UnknownName, "unknown product"),
        ({"low": 5.0, "high": 2.0}, CaseError, "the range from 5 to 2 is empty"),
        ({"low": -5.0}, CaseError, "must be at least 0"),
    ],
)
def test_refusals(
    changes: dict[str, Any], error: type[CaseError], message: str, path: Path
) -> None:
    wanted: dict[str, Any] = {"key": KEY, "routes": ("t_pack", "t_other"), **changes}
    with pytest.raises(error, match=message):
        breakeven(path, **wanted)


def test_compare_gives_what_solve_gives_and_the_scrap_by_cause(path: Path) -> None:
    columns = compare(load(path))
    assert [column.route for column in columns] == ["t_pack", "t_other"]
    for column in columns:
        assert column.recipe is not None
        assert column.recipe.cost_per_good_usd == pytest.approx(
            cost(path, column.route, 9.0), rel=1e-14
        )
        scrap = column.recipe.waterfall_usd["scrap"]
        assert math.fsum(column.scrap_by_cause_usd.values()) == pytest.approx(scrap, rel=1e-9)
        assert 0.5 < (column.composite_yield_frac or 0.0) < 1.0
    joints = [column.scrap_by_cause_usd["package/bumps"] for column in columns]
    assert joints[1] < 0.2 * joints[0]  # a tenth of the failing joints


def test_an_excluded_route_keeps_its_reasons(tmp_path: Path) -> None:
    (column,) = compare(case_of(tmp_path, CASE.replace("[40.0, 30.0]", "[20.0, 20.0]")))
    assert column.recipe is None
    assert "do not fit" in column.reasons[0]
    assert column.to_dict()["recipe"] is None
