"""A plan in few words: against sums by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from yieldopt import Result, Status, load, solve
from yieldopt.plan import ProductResult
from yieldopt.study.digest import decisions, scarcities, weightiest
from yieldopt.study.tornado import tornado


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


def test_the_weightiest_are_assumed_and_each_is_said_once() -> None:
    case = load("accelerators_2026")
    one = tornado(case, "switch_class")
    found = weightiest([one, one], most=4)
    rows = [each for each in one.rows if each.input.is_assumed][:4]
    assert [each.row.input.key for each in found] == [each.input.key for each in rows]
    swings = [each.row.swing_usd for each in found if each.row.swing_usd is not None]
    assert swings == sorted(swings, reverse=True)


@pytest.mark.parametrize("name", ["minimal", "ask_overcapacity"])
def test_shares_of_a_solved_case_are_whole(name: str) -> None:
    result = solve(load(name))
    for decision in decisions(result):
        assert sum(s.share_frac for s in decision.shares) == pytest.approx(1.0, abs=1e-12)
        assert sum(s.packages for s in decision.shares) == pytest.approx(decision.made, rel=1e-9)
