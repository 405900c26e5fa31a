"""Cost per good package against DPPM."""

from __future__ import annotations

import altair as alt

from yieldopt.optimize.frontier import Point
from yieldopt.optimize.frontier_case import ProductFrontier
from yieldopt.report.charts.picture import Cell, Chart, Picture, Rows, inline
from yieldopt.report.charts.style import BLUE, RED, WIDTH, counted, number, shown
from yieldopt.report.text import usd

_DEAR = 1.25  # times the cost of the plan: dearer points are in the table alone


def cost_frontier(key: str, found: ProductFrontier) -> Picture | None:
    """Return the frontier of a product, its plan marked; ``None`` where no route can be taken.

    Parameters
    ----------
    key
        Of the picture.
    found
        The frontier of its best route.

    Examples
    --------
    >>> from yieldopt import load
    >>> from yieldopt.optimize.frontier_case import product_frontier
    >>> picture = cost_frontier("f", product_frontier(load("minimal"), "asic"))
    >>> picture.title, len(picture.rows)
    ('Cost against DPPM of asic on osat_2p5d', 68)
    """
    if found.frontier is None or not found.frontier.points:
        return None
    points = found.frontier.points
    most = points[0 if found.chosen is None else found.chosen].value_usd
    rows: Rows = [
        {
            "dppm": point.dppm,
            "usd": point.value_usd,
            "usd_per_ppm": point.usd_per_ppm,
            "chosen": at == found.chosen,
        }
        for at, point in enumerate(points)
        if point.value_usd <= _DEAR * most
    ]
    table = tuple(_cells(found, at, point) for at, point in enumerate(points))
    heads = ("cost per good [USD]", "DPPM", "next ppm costs [USD]", "chosen", "levels")
    title = f"Cost against DPPM of {shown(found.product)} on {shown(found.route or '')}"
    line = _line(found, points) + _left_out(found, len(points) - len(rows))
    return Picture(key, title, line, _chart(rows, found), heads, table)


def _left_out(found: ProductFrontier, dear: int) -> str:
    """Say which points are not drawn, or not known."""
    said = f" {counted(dear, 'point')} above {_DEAR} times its cost: table alone." if dear else ""
    if found.time_ended:
        return f"{said} Time ended before the frontier was whole."
    if found.hidden is None:
        return f"{said} Further plans between these are not shown."
    return (
        f"{said} {counted(found.hidden, 'plan')} between these not shown." if found.hidden else said
    )


def _line(found: ProductFrontier, points: tuple[Point, ...]) -> str:
    first, last = points[0], points[-1]
    if len(points) == 1:
        return f"One plan is known: {usd(first.value_usd)} USD at {number(first.dppm)} DPPM."
    line = (
        f"From {usd(first.value_usd)} USD at {number(first.dppm)} DPPM to "
        f"{usd(last.value_usd)} USD at {number(last.dppm)} DPPM"
    )
    if found.chosen is None:
        return line + "."
    chosen = points[found.chosen]
    price = chosen.usd_per_ppm
    more = f", where the next ppm would cost {number(price)} USD" if price is not None else ""
    return f"{line}; chosen are {number(chosen.dppm)} DPPM{more}."


def _cells(found: ProductFrontier, at: int, point: Point) -> tuple[Cell, ...]:
    levels = ", ".join(f"{place} {level}" for place, level in point.levels.items())
    return point.value_usd, point.dppm, point.usd_per_ppm, at == found.chosen, levels


def _chart(rows: Rows, found: ProductFrontier) -> Chart:
    some_none = any(not row["dppm"] for row in rows)  # a logarithm has no place for 0
    scale = alt.Scale(type="symlog" if some_none else "log", nice=False)
    x = alt.X("dppm:Q", title="DPPM (bad packages per million shipped)", scale=scale)
    y = alt.Y("usd:Q", title="USD per good package", scale=alt.Scale(zero=False))
    tips = [
        alt.Tooltip("usd:Q", title="USD per good", format=",.2f"),
        alt.Tooltip("dppm:Q", title="DPPM", format=",.2f"),
        alt.Tooltip("usd_per_ppm:Q", title="USD for the next ppm", format=".4g"),
    ]
    base = alt.Chart(inline(rows)).encode(x=x, y=y)
    line = base.mark_line(interpolate="step-after", color=BLUE, opacity=0.5)
    points = base.mark_point(filled=True, size=35, color=BLUE).encode(tooltip=tips)
    marked = base.transform_filter("datum.chosen").mark_point(
        shape="diamond", size=220, color=RED, filled=False, strokeWidth=3
    )
    layers = [line, points, marked.encode(tooltip=tips)]
    if found.dppm_limit is not None:
        limit = alt.Chart(inline([{"dppm": found.dppm_limit, "what": "the product's limit"}]))
        tip = [alt.Tooltip("what:N", title="this"), alt.Tooltip("dppm:Q", title="DPPM")]
        rule = limit.mark_rule(strokeDash=[5, 4], strokeWidth=2)
        layers.append(rule.encode(x="dppm:Q", tooltip=tip))
    return alt.layer(*layers).properties(width=WIDTH, height=260)
