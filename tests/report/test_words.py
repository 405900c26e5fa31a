"""The one line of a picture, and the first screen: true also where time ended, or there is none."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tests.report.pages import parsed
from tests.test_cli import scarce
from yieldopt import Result, load, solve
from yieldopt.breakeven import BreakEven, breakeven
from yieldopt.comparison import RouteColumn, compare
from yieldopt.explanation import explain
from yieldopt.optimize.frontier_case import product_frontier
from yieldopt.plan import Status
from yieldopt.planning.why import Why
from yieldopt.planning.why_prices import Scarce
from yieldopt.report.charts.crossover import crossover_map
from yieldopt.report.charts.curves import u_curves
from yieldopt.report.charts.frontier import cost_frontier
from yieldopt.report.charts.routes import routes_side_by_side
from yieldopt.report.page.document import page
from yieldopt.report.text import columns
from yieldopt.report.why import why_text
from yieldopt.study import Study, study_case

_KEY = "routes.osat_2p5d.steps.ship_to_osat.cost_usd"


def said(study: Study) -> str:
    return parsed(page(study, None, lambda: "")).by_id("decision").text


@pytest.fixture(scope="module")
def plain() -> Study:
    return study_case("minimal")


def test_routes_not_reached_are_not_called_dearer_nor_ruled_out() -> None:
    columns = compare(load("minimal"))
    none = RouteColumn("asic", "cowos_l", ("time ended",), None, None, {}, stopped=True)
    out = RouteColumn("asic", "foplp", ("too large",), None, None, {})

    def line(*more: RouteColumn) -> str:
        picture = routes_side_by_side("r", [*columns, *more])
        assert picture is not None
        return picture.line

    assert line(none).startswith("osat_2p5d is cheapest of those known, ")
    assert line(none).endswith("; 1 other not reached in time.")
    assert line(out).startswith("osat_2p5d is cheapest, ")
    assert line(out, out).endswith("; 2 others ruled out, the table says why.")
    opened = [replace(column, gap=0.1) for column in columns]
    assert opened[0].status is Status.FEASIBLE
    picture = routes_side_by_side("r", opened)
    assert picture is not None
    assert "time ended before all levels were tried" in picture.line


def crossing(found: BreakEven) -> str:
    picture = crossover_map("c", found, "USD")
    assert picture is not None
    return picture.line


def test_a_crossing_that_time_may_have_missed_is_not_denied() -> None:
    case, routes = load("minimal"), ("cowos_s", "osat_2p5d")
    found = breakeven(case, _KEY, routes, low=0.0, high=20.0)
    (one,) = found.crossings
    cost = f"{next(iter(one.cost_per_good_usd.values())):,.2f}"
    assert f"both cost {cost} USD: below osat_2p5d is cheaper, above cowos_s" in crossing(found)
    late = replace(found, crossings=(), not_known=(1.0, 2.0))
    assert crossing(late) == (
        "No break-even was found from 0 to 20 USD; 2 values not reached in time."
    )
    low = breakeven(case, _KEY, routes, low=0.0, high=one.value / 2.0)
    assert crossing(low).endswith(": osat_2p5d costs no more throughout.")
    barred = replace(low, scan=(*low.scan, (9.0, None, 1.0)))
    assert crossing(barred).endswith(": osat_2p5d costs no more where both can be made.")
    never = replace(low, scan=((1.0, None, 1.0), (2.0, 5.0, None)))
    assert crossing(never).endswith(": at no value can both be made.")


def test_a_frontier_says_what_it_leaves_out() -> None:
    found = product_frontier(load("minimal"), "asic")
    assert found.frontier is not None
    assert found.chosen is not None
    one = replace(found.frontier, points=(found.frontier.points[found.chosen],))
    short = replace(found, frontier=one, chosen=0, time_ended=True)
    picture = cost_frontier("f", short)
    assert picture is not None
    assert re.fullmatch(
        r"One plan is known: 2,208\.30 USD at 821\.\d+ DPPM\. "
        r"Time ended before the frontier was whole\.",
        picture.line,
    )


def test_savings_not_proved_are_those_of_what_is_known() -> None:
    found = explain(load("minimal"), "asic").explanation
    assert found is not None
    late = u_curves("u", "asic", replace(found, searches_unproved=3))
    whole = u_curves("u", "asic", found)
    assert late is not None
    assert whole is not None
    assert "tpu_die/wafer_sort at p97 saves most: 1,154.07 USD" in whole.line
    assert "saves most of what is known: 1,154.07 USD" in late.line
    assert "time ended before 3 searches were proved" in late.line
    assert "no plan is allowed" not in late.line


@pytest.mark.parametrize(
    ("gap", "words"),
    [
        (0.0579, "Another can be cheaper by 5.8 % at most."),
        (1.0, "How much cheaper another can be is not known."),
        (None, "How much cheaper another can be is not known."),
    ],
)
def test_a_plan_that_is_not_proved(gap: float | None, words: str, plain: Study) -> None:
    result = replace(plain.result, status=Status.FEASIBLE, gap=gap)
    text = said(replace(plain, result=result))
    assert "it is not proved" in text
    assert words in text
    assert "no plan costs less" not in text


def test_what_binds_is_said_no_further_than_it_is_known(plain: Study) -> None:
    (product,) = plain.products
    assert "the limit of 1,000 DPPM; on osat_2p5d by itself 2,208.30 USD" in said(plain)
    assert "The case limits no capacity." in said(plain)
    free = replace(product, frontier=replace(product.frontier, chosen=0))
    assert "No DPPM limit binds." in said(replace(plain, products=(free,)))
    late = replace(product, frontier=replace(product.frontier, chosen=0, time_ended=True))
    text = said(replace(plain, products=(late,)))
    assert "Not known in the time given: whether the DPPM limit of 1 product binds." in text
    assert "No DPPM limit binds." not in text
    alone = said(Study("a result", "", plain.result, ()))
    assert "DPPM limit" not in alone


def test_a_total_says_what_is_in_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    result = solve(load(scarce(tmp_path_factory.mktemp("case"))))
    assert {row["kind"] for row in result.costs} >= {"shortage", "packages"}

    def total(found: Result) -> str:
        return said(Study("a result", "", found, ()))

    assert "USD in all (with the price of unmet demand)." in total(result)
    first, *rest = result.costs
    sold = {**first, "kind": "sales", "discounted_usd": 0.5 * first["usd"]}
    priced = replace(result, costs=(sold, *rest))
    words = "(with the price of unmet demand, less sales, discounted to the first period)"
    assert words in total(priced)
    bare = replace(result, costs=({**first, "kind": "packages"},))
    assert re.search(r"USD in all\.", total(bare))


def test_a_product_that_is_not_made(plain: Study) -> None:
    (product,) = plain.result.products
    # As `solve` has it: the cost is that of the product by itself, nothing of it is made.
    none = replace(product, demand=5.0, made=0.0, unmet=5.0)
    result = replace(plain.result, products=(none,), allocation=(), recipes=())
    text = said(replace(plain, result=result))
    assert text.startswith(
        "The decisionProved: no plan costs less. 2,208.30 USD in all.asicnot made"
    )
    assert "(not where the plan makes it)" in text
    assert "821.5 DPPM;" not in text
    assert "Do not make asic: 5 asked, none served." in text
    assert "USD per good packageDo" not in text
    idle = replace(none, demand=0.0, unmet=0.0)
    text = said(replace(plain, result=replace(result, products=(idle,))))
    assert "Do not make asic: none is asked." in text


def test_why_says_whose_capacity_it_shows_where_more_was_bought() -> None:
    """`solve` shows a resource's capacity with what is bought, `why` the resource's own."""
    row = Scarce("line", "q1", "wafers", 500.0, 10.0, 12.0, 0.0, 600.0)
    found = Why(Status.OPTIMAL, 1.0, 0.0, held=("expansion ordered in q1: 2",), scarce=(row,))
    note = "capacity: the resource's own; what is ordered or booked comes on top"
    assert note in why_text(found)
    assert note not in why_text(replace(found, held=()))
    assert note not in why_text(replace(found, scarce=()))


def test_columns_stand_below_each_other_with_names_of_wide_letters_and_of_accents() -> None:
    rows = [("product", "USD"), ("训练卡/cowos_l/1", "5"), ("cafe\u0301", "10"), ("ｶﾞ", "7")]
    lines = columns(rows, right=[1]).splitlines()
    assert lines == [
        "product" + " " * 11 + "USD",  # 16 places wide, two between, three wide
        "训练卡/cowos_l/1" + " " * 4 + "5",  # 3 x 2 + 10 places
        "cafe\u0301" + " " * 15 + "10",  # 4 places
        "ｶﾞ" + " " * 18 + "7",  # 2 places
    ]
