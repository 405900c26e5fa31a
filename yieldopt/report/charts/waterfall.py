"""Cost per good package, category by category, route by route."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from yieldopt.comparison import RouteColumn
from yieldopt.report.charts.picture import Cell, Chart, Picture, Rows, inline, names_down
from yieldopt.report.charts.style import BAND, BLUE, GREY, LOST, WIDTH, labels, shown
from yieldopt.report.text import usd

_PARTS = {
    "scrap": "lost in scrap",
    "escape": "escapes and one-off",
    "one_off": "escapes and one-off",
}
_KINDS = ("spent on the good package", "lost in scrap", "escapes and one-off")


def waterfall(key: str, routes: Sequence[RouteColumn], what: str = "route") -> Picture | None:
    """Return the waterfall of every route that a product can take; ``None`` where it has none.

    Parameters
    ----------
    key
        Of the picture.
    routes
        Of one product; those without a plan are left out.
    what
        What they are.

    Examples
    --------
    >>> from yieldopt import load
    >>> from yieldopt.comparison import compare
    >>> waterfall("w", compare(load("minimal"))).line
    'On osat_2p5d a good package of asic costs 2,208.30 USD, of which 359.57 USD is scrap.'
    """
    taken = [(column.route, column.recipe) for column in routes if column.recipe is not None]
    if not taken:
        return None
    taken.sort(key=lambda pair: pair[1].cost_per_good_usd)
    names = labels((route for route, _ in taken), 24)
    heads = {route: f"{names[route]}: {usd(r.cost_per_good_usd)} USD" for route, r in taken}
    falls = [fall for _, recipe in taken for fall in recipe.waterfall_usd.items()]
    steps = list(dict.fromkeys(name for name, part in falls if part != 0.0))
    rows: Rows = [
        {
            "route": heads[route],
            "step": step,
            "usd": recipe.waterfall_usd.get(step, 0.0),
            "kind": _PARTS.get(step, _KINDS[0]),
        }
        for route, recipe in taken
        for step in steps
    ]
    table: list[tuple[Cell, ...]] = [
        (route, *(recipe.waterfall_usd.get(step, 0.0) for step in steps), recipe.cost_per_good_usd)
        for route, recipe in taken
    ]
    cheapest, recipe = taken[0]
    scrap = recipe.waterfall_usd.get("scrap", 0.0)
    line = (
        f"On {shown(cheapest)} a good package of {shown(recipe.product)} costs "
        f"{usd(recipe.cost_per_good_usd)} USD, of which {usd(scrap)} USD is scrap."
    )
    columns = (what, *(f"{step} [USD]" for step in steps), "cost per good [USD]")
    title = f"Cost waterfall of {shown(recipe.product)} by {what}"
    chart = _chart(rows, steps, list(heads.values()))
    return Picture(key, title, line, chart, columns, tuple(table))


def _chart(rows: Rows, steps: list[str], routes: list[str]) -> Chart:
    # Where each bar begins is summed by the chart: the data are the waterfall's own numbers.
    kinds = [kind for kind in _KINDS if any(row["kind"] == kind and row["usd"] for row in rows)]
    colours = dict(zip(_KINDS, (BLUE, LOST, GREY), strict=True))
    columns = min(2, len(routes))
    base = (
        alt.Chart(inline(rows))
        .transform_window(end="sum(usd)", groupby=["route"], frame=[None, 0])
        .transform_calculate(start="datum.end - datum.usd")
        .encode(y=names_down("step", steps, "category"))
    )
    tips = [
        alt.Tooltip("route:N"),
        alt.Tooltip("step:N", title="category"),
        alt.Tooltip("usd:Q", title="USD per good", format=",.2f"),
        alt.Tooltip("end:Q", title="summed up", format=",.2f"),
    ]
    bars = base.mark_bar().encode(
        x=alt.X("start:Q", title="USD per good package, summed up", axis=alt.Axis(tickCount=5)),
        x2="end:Q",
        color=alt.Color(
            "kind:N",
            title=None,
            scale=alt.Scale(domain=kinds, range=[colours[kind] for kind in kinds]),
            legend=alt.Legend(orient="top"),
        ),
        tooltip=tips,
    )
    words = base.transform_filter("datum.usd != 0").mark_text(align="left", dx=4, fontSize=11)
    said = words.encode(x="end:Q", text=alt.Text("usd:Q", format=",.2f"))
    room = 40 * columns  # beside the panels, for the numbers of their longest bars
    layers = alt.layer(bars, said).properties(
        width=(WIDTH - room) // columns, height=alt.Step(BAND)
    )
    panel = alt.Facet("route:N", sort=routes, title=None, header=alt.Header(labelLimit=WIDTH // 2))
    chart: Chart = layers.facet(facet=panel, columns=columns, spacing={"column": 75, "row": 25})
    return chart
