"""What a plan makes of each product on which route, period by period, and what is short."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt

from yieldopt.plan import Result
from yieldopt.report.charts.picture import Chart, Picture, Rows, inline
from yieldopt.report.charts.style import GREY, OUTLINE, PALETTE, WIDTH, labels
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

    Examples
    --------
    >>> from yieldopt import load, solve
    >>> allocation("a", solve(load("minimal"))).line
    '1 good package made, all that is asked.'
    """
    if not found.allocation and not found.unmet:
        return None
    told = (*found.allocation, *found.unmet)
    products = labels([*(p.name for p in found.products), *(row["product"] for row in told)])
    periods = labels([*found.periods, *(row["period"] for row in told)])
    rows, lines = _rows(found, products, periods)
    heads = ("product", "route", "line", "recipe", "period", "good packages")
    made = tuple(
        (r["product"], r["route"], r["line"], r["recipe"], r["period"], r["packages"])
        for r in found.allocation
    )
    short = tuple((r["product"], _UNMET, "", "", r["period"], r["packages"]) for r in found.unmet)
    whole = found.overall()
    made_in_all = whole["made"] or 0.0
    line = f"{quantity(made_in_all)} good package{'' if made_in_all == 1.0 else 's'} made"
    unmet = whole["unmet"] or 0.0
    line += f", demand for {quantity(unmet)} not met." if unmet > 0.0 else ", all that is asked."
    chart = _chart(rows, list(products.values()), lines, list(periods.values()))
    return Picture(key, "What is made where, over time", line, chart, heads, (*made, *short))


def _rows(
    found: Result, products: Mapping[str, str], periods: Mapping[str, str]
) -> tuple[Rows, list[str]]:
    lines = labels(row["line"] or row["route"] for row in found.allocation)
    told = [(lines[row["line"] or row["route"]], row) for row in found.allocation]
    told += [(_UNMET, row) for row in found.unmet]
    place = {line: at for at, line in enumerate([*lines.values(), _UNMET])}
    rows: Rows = [
        {
            "product": products[row["product"]],
            "line": line,
            "period": periods[row["period"]],
            "packages": row["packages"],
            "place": place[line],
        }
        for line, row in told
    ]
    return rows, [*lines.values(), *([_UNMET] if found.unmet else [])]


def _chart(rows: Rows, products: list[str], lines: list[str], periods: list[str]) -> Chart:
    own = [PALETTE[at % (len(PALETTE) - 1)] for at in range(len(lines))]
    colours = [GREY if line == _UNMET else colour for line, colour in zip(lines, own, strict=True)]
    bars = (
        alt.Chart(inline(rows))
        .mark_bar(style=OUTLINE)
        .encode(
            x=alt.X("period:N", sort=periods, title="period", scale=alt.Scale(domain=periods)),
            y=alt.Y("sum(packages):Q", title="good packages"),
            color=alt.Color(
                "line:N",
                title="line",
                scale=alt.Scale(domain=lines, range=colours),
                legend=alt.Legend(orient="top", columns=4),
            ),
            order=alt.Order("place:Q"),
            tooltip=[
                alt.Tooltip("product:N"),
                alt.Tooltip("line:N"),
                alt.Tooltip("period:N"),
                alt.Tooltip("sum(packages):Q", title="good packages", format=",.0f"),
            ],
        )
        .properties(width=WIDTH // 2 - 40, height=120)
    )
    header = alt.Header(labelLimit=WIDTH // 2)
    panel = alt.Facet("product:N", sort=products, title=None, header=header)
    chart: Chart = bars.facet(panel, columns=2).resolve_scale(y="independent")
    return chart
