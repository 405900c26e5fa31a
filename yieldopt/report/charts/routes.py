"""Routes of a product side by side: what a good package costs on each, and of what."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from yieldopt.comparison import RouteColumn
from yieldopt.plan import Recipe, Status
from yieldopt.report.charts.picture import Cell, Chart, Picture, Rows, inline, names_down
from yieldopt.report.charts.style import (
    BAND,
    OUTLINE,
    WIDTH,
    category_colour,
    counted,
    labels,
    shown,
)
from yieldopt.report.text import usd


def routes_side_by_side(
    key: str, columns: Sequence[RouteColumn], what: str = "Routes"
) -> Picture | None:
    """Return the routes of a product as bars, cheapest first; ``None`` where it has none.

    Parameters
    ----------
    key
        Of the picture.
    columns
        Of one product; those without a plan are in the table alone, with their reasons.
    what
        What the columns are.

    Examples
    --------
    >>> from yieldopt import load
    >>> from yieldopt.comparison import compare
    >>> routes_side_by_side("r", compare(load("minimal"))).line
    'osat_2p5d is cheapest, 2,208.30 USD per good package; cowos_s costs 2,210.81 USD.'
    """
    taken = [(column, column.recipe) for column in columns if column.recipe is not None]
    if not taken:
        return None
    taken.sort(key=lambda pair: pair[1].cost_per_good_usd)
    names = labels(column.route for column, _ in taken)
    rows: Rows = [
        {"route": names[column.route], "category": category, "usd": part, "place": place}
        for column, recipe in taken
        for place, (category, part) in enumerate(recipe.waterfall_usd.items())
        if part != 0.0
    ]
    table = [_cells(column) for column, _ in taken]
    table += [_cells(column) for column in columns if column.recipe is None]
    recipe = taken[0][1]
    line = _line(taken, [column for column in columns if column.recipe is None])
    heads = ("route", "cost per good [USD]", "DPPM", "composite yield [fraction]", "why not")
    title = f"{what} of {shown(recipe.product)} side by side"
    return Picture(
        key,
        title,
        line,
        _chart(rows, list(names.values()), "recipe" if what == "Recipes" else "route"),
        heads,
        tuple(table),
    )


def _line(taken: Sequence[tuple[RouteColumn, Recipe]], out: Sequence[RouteColumn]) -> str:
    (best, recipe), (dearest, last) = taken[0], taken[-1]
    late = sum(column.stopped for column in out)
    known = " of those known" if late else ""
    cost = usd(recipe.cost_per_good_usd)
    line = f"{shown(best.route)} is cheapest{known}, {cost} USD per good package"
    if len(taken) > 1:
        line += f"; {shown(dearest.route)} costs {usd(last.cost_per_good_usd)} USD"
    if any(column.status is Status.FEASIBLE for column, _ in taken):
        line += "; time ended before all levels were tried"
    if late:
        line += f"; {counted(late, 'other')} not reached in time"
    if len(out) > late:
        line += f"; {counted(len(out) - late, 'other')} ruled out, the table says why"
    return line + "."


def _cells(column: RouteColumn) -> tuple[Cell, ...]:
    recipe, share = column.recipe, column.composite_yield_frac
    if recipe is None:
        return column.route, None, None, None, "; ".join(column.reasons)
    return column.route, recipe.cost_per_good_usd, recipe.dppm, share, ""


def _chart(rows: Rows, routes: list[str], what: str) -> Chart:
    categories = list(dict.fromkeys(str(row["category"]) for row in rows))
    chart: Chart = (
        alt.Chart(inline(rows))
        .mark_bar(style=OUTLINE)
        .encode(
            x=alt.X("usd:Q", title="USD per good package", stack="zero"),
            y=names_down("route", routes, what),
            color=alt.Color(
                "category:N",
                title=None,
                scale=alt.Scale(domain=categories, range=[category_colour(c) for c in categories]),
                legend=alt.Legend(orient="top", columns=8),
            ),
            order=alt.Order("place:Q"),
            tooltip=[
                alt.Tooltip("route:N"),
                alt.Tooltip("usd:Q", title="USD per good", format=",.2f"),
                alt.Tooltip("category:N"),
            ],
        )
        .properties(width=WIDTH, height=alt.Step(BAND))
    )
    return chart
