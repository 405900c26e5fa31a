"""The pictures of a study: their data and tables are the numbers of the results, no others."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import pytest

from tests.report.hostile import hostile_case
from yieldopt import load, solve
from yieldopt.explanation import Explanation
from yieldopt.plan import Recipe, Result, Status
from yieldopt.report.charts import Picture, pictures
from yieldopt.report.charts.plan_made import allocation
from yieldopt.study import ProductStudy, Study, study_case
from yieldopt.study.funnel import Funnel
from yieldopt.study.timeline import timeline

KEYS = [
    "p1-routes", "p1-waterfall", "p1-funnel", "p1-curves", "p1-frontier", "p1-dppm", "p1-tornado",
    "p1-crossover", "p1-map", "plan-allocation", "plan-capacity", "plan-prices", "plan-timeline",
]  # fmt: skip


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Of a case that has something for every picture."""
    return study_case(hostile_case(tmp_path_factory.mktemp("charts")))


@pytest.fixture(scope="module")
def drawn(study: Study) -> dict[str, Picture]:
    found = pictures(study)
    assert [picture.key for picture in found] == KEYS
    return {picture.key: picture for picture in found}


@pytest.fixture(scope="module")
def product(study: Study) -> ProductStudy:
    (found,) = study.products
    return found


@pytest.fixture(scope="module")
def explained(product: ProductStudy) -> Explanation:
    assert product.explanation.explanation is not None
    return product.explanation.explanation


def data(picture: Picture, column: str) -> list[list[dict[str, Any]]]:
    """Return the data of a chart that have a column, as they stand in its specification."""
    sets = picture.spec()["datasets"].values()
    return [rows for rows in sets if rows and column in rows[0]]


def one(picture: Picture, column: str) -> list[dict[str, Any]]:
    (rows,) = data(picture, column)
    return rows


def recipes(product: ProductStudy) -> list[Recipe]:
    found = [column.recipe for column in product.routes if column.recipe is not None]
    return sorted(found, key=lambda recipe: recipe.cost_per_good_usd)


def test_a_waterfall_holds_every_category_of_every_route(
    drawn: dict[str, Picture], product: ProductStudy
) -> None:
    rows = one(drawn["p1-waterfall"], "step")
    wanted = [
        (step, usd)
        for recipe in recipes(product)
        for step, usd in recipe.waterfall_usd.items()
        if any(other.waterfall_usd.get(step) for other in recipes(product))
    ]
    assert [(row["step"], row["usd"]) for row in rows] == wanted
    assert {row["kind"] for row in rows if row["step"] == "scrap"} == {"lost in scrap"}
    for cells, recipe in zip(drawn["p1-waterfall"].rows, recipes(product), strict=True):
        assert cells[-1] == recipe.cost_per_good_usd
        parts = [cell for cell in cells[1:-1] if isinstance(cell, float)]
        assert math.fsum(parts) == pytest.approx(recipe.cost_per_good_usd, rel=1e-12)


def test_the_bars_of_a_waterfall_end_at_the_cost(
    drawn: dict[str, Picture], product: ProductStudy
) -> None:
    """As drawn: where a bar ends is summed by the chart. Labels give twelve digits."""
    bars = re.findall(r"step: (\w+); end: ([\d.]+)", drawn["p1-waterfall"].svg())
    steps = list(dict.fromkeys(step for step, _ in bars))
    ends = [float(end) for step, end in bars if step == steps[-1]]
    costs = [recipe.cost_per_good_usd for recipe in recipes(product)]
    assert ends == pytest.approx(costs, rel=1e-10)


def test_routes_side_by_side(drawn: dict[str, Picture], product: ProductStudy) -> None:
    rows = one(drawn["p1-routes"], "category")
    for place, recipe in enumerate(recipes(product)):
        assert drawn["p1-routes"].rows[place][:3] == (
            recipe.route, recipe.cost_per_good_usd, recipe.dppm,
        )  # fmt: skip
    shown = sorted(row["usd"] for row in rows)
    falls = [usd for recipe in recipes(product) for usd in recipe.waterfall_usd.values() if usd]
    assert shown == sorted(falls)


def test_a_funnel_shows_what_is_lost_where(
    drawn: dict[str, Picture], product: ProductStudy
) -> None:
    found = product.funnel
    assert isinstance(found, Funnel)
    losing = [step for step in found.steps if step.pass_frac < 1.0]
    rows = one(drawn["p1-funnel"], "pass_frac")
    passed, lost = rows[::2], rows[1::2]
    assert [row["to"] for row in passed] == [step.leave_per_place for step in losing]
    assert [row["from"] for row in lost] == [step.leave_per_place for step in losing]
    assert [row["to"] for row in lost] == [step.enter_per_place for step in losing]
    scrap = one(drawn["p1-funnel"], "cause")
    assert [row["usd"] for row in scrap] == [*found.scrap_by_cause_usd.values()]
    assert len({row["component"] for row in scrap}) == len(found.scrap_by_component_usd)
    assert len(drawn["p1-funnel"].rows) == len(found.steps)


def test_the_scrap_in_the_table_of_a_funnel_is_that_of_the_waterfall(
    drawn: dict[str, Picture], product: ProductStudy
) -> None:
    """Faults and overkill of all steps together: nothing is left out of the table."""
    parts = [cell for cells in drawn["p1-funnel"].rows for cell in cells[-2:]]
    assert product.best is not None
    assert product.best.recipe is not None
    scrap = product.best.recipe.waterfall_usd["scrap"]
    assert math.fsum(float(part or 0.0) for part in parts) == pytest.approx(scrap, rel=1e-12)
    assert sum(float(cells[-1] or 0.0) for cells in drawn["p1-funnel"].rows) > 0.0
    spent = math.fsum(float(cells[-3] or 0.0) for cells in drawn["p1-funnel"].rows)
    falls = product.best.recipe.waterfall_usd
    other = falls.get("escape", 0.0) + falls.get("one_off", 0.0)
    assert spent + other == pytest.approx(product.best.recipe.cost_per_good_usd, rel=1e-12)


def test_every_specification_is_one_of_vega_lite(drawn: dict[str, Picture]) -> None:
    for picture in drawn.values():
        assert picture.spec(check=True) == picture.spec()


def test_curves_hold_every_level_that_is_allowed_and_mark_the_optimum(
    drawn: dict[str, Picture], explained: Explanation
) -> None:
    rows = one(drawn["p1-curves"], "insertion")
    levels = [level for a in explained.insertions if len(a.levels) > 1 for level in a.levels]
    anew = [row["usd"] for row in rows if row["what"] == "all other levels chosen anew"]
    assert anew == [level.best.cost_per_good_usd for level in levels if level.best]
    held = [row["usd"] for row in rows if row["what"] == "all other levels held"]
    assert held == [
        level.held.cost_per_good_usd for level in levels if level.held and level.held_is_allowed
    ]
    chosen = {row["usd"] for row in rows if row["chosen"]}
    assert min(anew) in chosen
    assert max(chosen) == pytest.approx(explained.plan.cost_per_good_usd, rel=1e-12)
    assert sum(bool(cells[2]) for cells in drawn["p1-curves"].rows) == len(
        {row["insertion"] for row in rows}
    )


def test_the_frontier_marks_the_plan_and_its_limit(
    drawn: dict[str, Picture], product: ProductStudy
) -> None:
    found = product.frontier
    assert found.frontier is not None
    rows = one(drawn["p1-frontier"], "usd")
    points = [(point.value_usd, point.dppm) for point in found.frontier.points]
    assert found.chosen is not None
    seen = [pair for pair in points if pair[0] <= 1.25 * points[found.chosen][0]]
    assert [(row["usd"], row["dppm"]) for row in rows] == seen
    picture, dear = drawn["p1-frontier"], len(points) - len(seen)
    assert dear > 0
    assert f"{dear} points above 1.25 times its cost: table alone" in picture.line
    assert [cells[:2] for cells in picture.rows] == points
    assert [at for at, row in enumerate(rows) if row["chosen"]] == [found.chosen]
    assert one(drawn["p1-frontier"], "what") == [{"dppm": 1000.0, "what": "the product's limit"}]


def test_the_dppm_budget(drawn: dict[str, Picture], explained: Explanation) -> None:
    rows = one(drawn["p1-dppm"], "source")
    budget = explained.dppm_budget
    assert [(row["dppm"], row["share"]) for row in rows] == [(b.dppm, b.share) for b in budget[:15]]
    assert [cells[3] for cells in drawn["p1-dppm"].rows] == [source.dppm for source in budget]


def test_the_tornado_goes_from_the_base_to_both_ends(
    drawn: dict[str, Picture], product: ProductStudy
) -> None:
    found = product.tornado
    rows = one(drawn["p1-tornado"], "input")
    assert {row["base"] for row in rows} == {found.cost_per_good_usd}
    base = found.cost_per_good_usd
    assert base is not None
    ends = []
    for row in found.rows[:20]:
        costs = (row.low.cost_per_good_usd, row.high.cost_per_good_usd)
        moved = [cost for cost in costs if cost not in (None, base)]
        # Where both are on one side the nearer one is drawn last, or it would not be seen.
        ends += sorted(moved, key=lambda cost: -abs((cost or 0.0) - base))
    assert [row["usd"] for row in rows] == ends
    starred = {row["input"] for row in rows if row["input"].endswith(" *")}
    assert len(starred) == sum(row.input.is_assumed for row in found.rows[:20]) > 0
    assert len(drawn["p1-tornado"].rows) == len(found.rows) > 20


def test_an_end_where_nothing_can_be_made_is_said_at_the_base() -> None:
    study = study_case("b200_class")
    (picture,) = [one for one in pictures(study) if one.key == "p1-tornado"]
    _, barred = data(picture, "input")
    assert len(barred) == sum(row.swing_usd is None for row in study.products[0].tornado.rows) > 0
    assert all(row["usd"] == row["base"] and row["why"] for row in barred)
    assert {row["says"] for row in barred} <= {
        "cannot be made at its low", "cannot be made at its high",
    }  # fmt: skip
    assert "it cannot be made on cowos_l" in picture.line
    assert "p1-crossover" not in {each.key for each in pictures(study)}  # it has one route


def test_the_crossover_map(drawn: dict[str, Picture], product: ProductStudy) -> None:
    found = product.crossover
    assert found is not None
    rows = one(drawn["p1-crossover"], "route")
    wanted = [(v, usd) for v, *costs in found.scan for usd in costs if usd is not None]
    assert [(row["value"], row["usd"]) for row in rows] == wanted
    marks = one(drawn["p1-crossover"], "what")
    assert [mark["value"] for mark in marks] == [found.base, *(c.value for c in found.crossings)]
    assert drawn["p1-crossover"].rows == found.scan


def test_the_pictures_of_the_plan(drawn: dict[str, Picture], study: Study) -> None:
    plan = study.result
    made = [row["packages"] for row in (*plan.allocation, *plan.unmet)]
    assert [row["packages"] for row in one(drawn["plan-allocation"], "packages")] == made
    use = [(row["used"], row["capacity"]) for row in plan.resource_use]
    assert [(r["used"], r["capacity"]) for r in one(drawn["plan-capacity"], "used")] == use
    prices = [row["usd_per_unit"] for row in plan.shadow_prices]
    assert [r["usd_per_unit"] for r in one(drawn["plan-prices"], "usd_per_unit")] == prices
    decided = [row["cost_usd"] for row in one(drawn["plan-timeline"], "decision")]
    assert decided == [row.cost_usd for row in study.timeline]
    (bought,) = study.timeline
    assert (bought.kind, bought.periods_between) == ("expansion", 1)


def test_a_decision_counts_from_when_the_plan_uses_it() -> None:
    """Before a lump stands, capacity is less; a line is not used before it is qualified."""
    case = load("accelerators_2026")
    result = solve(case, time_limit_s=60.0)
    found = {one.kind: one for one in timeline(case, result)}
    at = case.periods.index
    entered = found["qualification"]
    used = [
        row["period"]
        for row in result.allocation
        if (row["product"], row["line"]) == (entered.product, entered.name)
    ]
    assert entered.ready is not None and used
    assert min(map(at, used)) == at(entered.ready) == at(entered.ordered) + entered.periods_between
    lump = found["expansion"]
    (shape,) = [one for one in case.expansions if one.name == lump.name]
    capacity = {
        r["period"]: r["capacity"] for r in result.resource_use if r["resource"] == shape.resource
    }
    own = {r.name: r.capacity.over(len(case.periods)) for r in case.resources}[shape.resource]
    for place, period in enumerate(case.periods):
        stands = lump.ready is not None and place >= at(lump.ready)
        more = lump.amount * shape.amount_per_period if stands else 0.0
        assert capacity[period] == pytest.approx(own[place] + more)


@pytest.mark.parametrize("name", ["ask_overcapacity", "ask_shortage_2026"])
def test_of_a_plan_alone_its_recipes_are_shown(name: str) -> None:
    """Each with its own waterfall, though a route has several; and why other routes are out."""
    plan = solve(load(name))
    drawn = {picture.key: picture for picture in pictures(Study("c", "t", plan, ()))}
    for number, product in enumerate(plan.products, 1):
        own = [recipe for recipe in plan.recipes if recipe.product == product.name]
        table = drawn[f"plan-recipes-{number}"].rows
        made = {cells[0]: cells[1] for cells in table if cells[1] is not None}
        assert made == {recipe.id: recipe.cost_per_good_usd for recipe in own}
        out = [verdict.route for verdict in product.routes if not verdict.feasible]
        assert [cells[0] for cells in table if cells[1] is None] == out
        rows = one(drawn[f"plan-waterfall-{number}"], "step")
        falls = [usd for recipe in own for usd in recipe.waterfall_usd.values() if usd]
        assert sorted(row["usd"] for row in rows if row["usd"]) == sorted(falls)
        assert len({row["route"] for row in rows}) == len(own)
    assert "plan-allocation" in drawn


def test_there_is_no_picture_of_nothing() -> None:
    empty = Result(Status.UNKNOWN, None, None, None, "", 0.0, ())
    assert pictures(Study("c", "t", empty, ())) == []
    assert allocation("a", empty) is None


def test_specifications_are_json_and_name_their_axes(drawn: dict[str, Picture]) -> None:
    for picture in drawn.values():
        text = json.dumps(picture.spec(), allow_nan=False)
        assert '"url"' not in text
        assert "vega-lite/v6" in picture.spec()["$schema"]
        titles = [title for title in _titles(picture.spec()) if title]
        assert any(
            word in " ".join(titles) for word in ("USD", "DPPM", "units", "packages", "period")
        )
        assert all(len(cells) == len(picture.columns) for cells in picture.rows)


def _titles(here: Any) -> list[str]:
    if isinstance(here, dict):
        own = [here["title"]] if isinstance(here.get("title"), str) else []
        return own + [title for inner in here.values() for title in _titles(inner)]
    return [title for inner in here for title in _titles(inner)] if isinstance(here, list) else []
