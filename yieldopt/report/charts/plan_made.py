"""What a plan makes of each product on which route, period by period, and what is short."""

from __future__ import annotations

import altair as alt

from yieldopt.plan import Result
from yieldopt.report.charts.picture import Chart, Picture, Rows, inline
from yieldopt.report.charts.style import GREY, PALETTE, WIDTH, labels, shown
from yieldopt.report.text import quantity

_UNMET = "demand not met"


def allocation(key: str, found: Result) -> Picture | None:
    """Return the packages of a plan by product, line and period; ``None`` without a plan.

    Parameters
    ----------
    key
        Of the picture.
    found
        The plan.
    """
    if not found.allocation and not found.unmet:
        return None
    rows, lines = _rows(found)
    heads = ("product", "route", "line", "recipe", "period", "good packages")
    made = tuple(
        (r["product"], r["route"], r["line"], r["recipe"], r["period"], r["packages"])
        for r in found.allocation
    )
    short = tuple((r["product"], _UNMET, "", "", r["period"], r["packages"]) for r in found.unmet)
    whole = found.overall()
    line = f"{quantity(whole['made'] or 0.0)} good packages are made"
    unmet = whole["unmet"] or 0.0
    line += f", demand for {quantity(unmet)} is not met." if unmet > 0.0 else ", all that is asked."
    periods = [shown(period) for period in found.periods]
    chart = _chart(rows, lines, periods)
    return Picture(key, "What is made where, over time", line, chart, heads, (*made, *short))


def _rows(found: Result) -> tuple[Rows, list[str]]:
    products = labels(product.name for product in found.products)
    lines = labels(row["line"] or row["route"] for row in found.allocation)
    periods = labels(found.periods)
    rows: Rows = [
        {
            "product": products[row["product"]],
            "line": lines[row["line"] or row["route"]],
            "period": periods[row["period"]],
            "packages": row["packages"],
        }
        for row in found.allocation
    ]
    rows += [
        {
            "product": products[row["product"]],
            "line": _UNMET,
            "period": periods[row["period"]],
            "packages": row["packages"],
        }
        for row in found.unmet
    ]
    return rows, [*lines.values(), _UNMET]


def _chart(rows: Rows, lines: list[str], periods: list[str]) -> Chart:
    colours = [PALETTE[at % (len(PALETTE) - 1)] for at in range(len(lines) - 1)]
    bars = (
        alt.Chart(inline(rows))
        .mark_bar()
        .encode(
            x=alt.X("period:N", sort=periods, title="period", scale=alt.Scale(domain=periods)),
            y=alt.Y("packages:Q", title="good packages"),
            color=alt.Color(
                "line:N",
                title="line",
                scale=alt.Scale(domain=lines, range=[*colours, GREY]),
                legend=alt.Legend(orient="top", columns=4),
            ),
            tooltip=[
                alt.Tooltip("product:N"),
                alt.Tooltip("line:N"),
                alt.Tooltip("period:N"),
                alt.Tooltip("packages:Q", title="good packages", format=",.0f"),
            ],
        )
        .properties(width=WIDTH // 2 - 40, height=120)
    )
    panel = alt.Facet("product:N", title=None, header=alt.Header(labelLimit=WIDTH // 2))
    chart: Chart = bars.facet(panel, columns=2).resolve_scale(y="independent")
    return chart
