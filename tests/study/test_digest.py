"""A plan in few words: against sums by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from yieldopt import Result, Status, load, solve
from yieldopt.plan import ProductResult
from yieldopt.study.digest import decisions, scarcities, weightiest
from yieldopt.study.ends import End
from yieldopt.study.inputs import Input
from yieldopt.study.tornado import TornadoRow


def plan(**fields: object) -> Result:
    products = tuple(ProductResult(n, 5.0, 9.0, 12.0, 10.0, 2.0, None, ()) for n in ("a", "b"))
    return replace(Result(Status.OPTIMAL, 1.0, 1.0, 0.0, "highs", 0.1, products), **fields)


def row(product: str, route: str, packages: float) -> dict[str, object]:
    return {"product": product, "route": route, "packages": packages, "period": "q"}


def test_shares_are_of_what_is_made_over_recipes_and_periods() -> None:
    made = (row("a", "x", 1.0), row("a", "y", 6.0), row("a", "x", 1.0), row("a", "z", -1e-13))
    first, second = decisions(plan(allocation=made))
    assert [(s.route, s.packages, s.share_frac) for s in first.shares] == [
        ("y", 6.0, 0.75),
        ("x", 2.0, 0.25),
    ]
    assert (first.demand, first.made, first.unmet) == (12.0, 10.0, 2.0)
    assert second.shares == ()


def test_nothing_made_has_no_shares() -> None:
    (first, _) = decisions(plan(allocation=(row("a", "x", 1.0), row("a", "x", -1.0))))
    assert first.shares == ()


def test_the_dearest_unit_is_first_and_rounding_is_no_price() -> None:
    prices = [
        ("r", "p", 2.0),
        ("r", "q", 3.0),
        ("s", "p", 7.0),
        ("t", "p", 1e-12),
        ("u", "p", -4.0),
    ]
    rows = tuple({"resource": r, "period": p, "usd_per_unit": usd} for r, p, usd in prices)
    found = scarcities(plan(shadow_prices=rows))
    said = [(one.resource, one.periods, one.worth_usd_per_unit, one.worth_in) for one in found]
    assert said == [("s", ("p",), 7.0, "p"), ("r", ("p", "q"), 3.0, "q")]


def studied(product: str, route: str, rows: list[TornadoRow], others: dict[str, float]) -> Any:
    """A product that costs 100 on its route, and what it costs on others."""
    columns = [
        SimpleNamespace(route=name, recipe=SimpleNamespace(cost_per_good_usd=cost))
        for name, cost in {route: 100.0, **others}.items()
    ]
    columns.append(SimpleNamespace(route="none", recipe=None))
    tornado = SimpleNamespace(route=route, cost_per_good_usd=100.0, rows=rows)
    return SimpleNamespace(product=product, tornado=tornado, routes=columns)


def varied(key: str, low: float | None, high: float | None, *, assumed: bool = True) -> TornadoRow:
    one = Input(key, "", 1.0, 2.0, 3.0, "assumed: so" if assumed else "a source", assumed)
    known = [cost for cost in (low, high) if cost is not None]
    swing = max(100.0, *known) - min(100.0, *known) if len(known) == 2 else None
    return TornadoRow(one, End(1.0, low), End(3.0, high), swing)


def test_the_weightiest_are_those_of_routes_that_the_plan_takes() -> None:
    made = plan(allocation=(row("a", "x", 1.0), row("b", "y", 1.0)))
    first = studied(
        "a", "x", [varied("k", 90.0, 105.0), varied("s", 1.0, 500.0, assumed=False)], {}
    )
    second = studied("b", "z", [varied("m", 10.0, 500.0)], {"y": 140.0})  # not made on z
    found = weightiest([second, first], made)
    assert [(one.row.input.key, one.is_planned) for one in found] == [("k", True), ("m", False)]
    assert found[0].reach_usd == 15.0


def test_where_a_route_is_barred_the_next_one_is_at_stake() -> None:
    made = plan(allocation=(row("a", "x", 1.0), row("b", "y", 1.0)))
    barred, moved = varied("k", 97.0, None), varied("m", 90.0, 105.0)
    (top, then) = weightiest([studied("a", "x", [barred, moved], {"u": 110.0, "v": 130.0})], made)
    assert (top.row.input.key, top.reach_usd) == ("m", 15.0)
    assert (then.next_route, then.next_usd_per_good, then.reach_usd) == ("u", 110.0, 13.0)
    (top, _) = weightiest([studied("b", "y", [moved, barred], {})], made)
    assert (top.row.input.key, top.reach_usd, top.next_route) == ("k", math.inf, None)
    (one,) = weightiest([studied("a", "x", [varied("k", None, None)], {"u": 104.0})], made)
    assert one.reach_usd == 4.0


def test_an_input_of_several_products_is_said_once() -> None:
    made = plan(allocation=(row("a", "x", 1.0), row("b", "y", 1.0)))
    less, more = varied("k", 99.0, 101.0), varied("k", 95.0, 105.0)
    (one,) = weightiest([studied("a", "x", [less], {}), studied("b", "y", [more], {})], made)
    assert (one.product, one.reach_usd) == ("b", 10.0)


@pytest.mark.parametrize("name", ["minimal", "ask_overcapacity"])
def test_shares_of_a_solved_case_are_whole(name: str) -> None:
    result = solve(load(name))
    for decision in decisions(result):
        assert sum(s.share_frac for s in decision.shares) == pytest.approx(1.0, abs=1e-12)
        assert sum(s.packages for s in decision.shares) == pytest.approx(decision.made, rel=1e-9)
