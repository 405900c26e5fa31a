"""How much of each resource's capacity a plan uses, period by period."""

from __future__ import annotations

import altair as alt

from yieldopt.plan import Result
from yieldopt.report.charts.picture import Chart, Picture, Rows, inline, names_down
from yieldopt.report.charts.style import BAND, WIDTH, counted, labels, shown
from yieldopt.study.digest import scarcities

_NAMED = 6  # resources that the line names


def capacity_use(key: str, found: Result) -> Picture | None:
    """Return the use of capacity as a heat map; ``None`` where the case limits none.

    Parameters
    ----------
    key
        Of the picture.
    found
        The plan.

    Examples
    --------
    >>> from yieldopt import load, solve
    >>> picture = capacity_use("c", solve(load("plan_from_tables")))
    >>> picture.rows[0]
    ('interposer.cowos_s', '2026Q1', 17000.0, 17000.0)
    """
    if not found.resource_use:
        return None
    use = found.resource_use
    names = labels(row["resource"] for row in use)
    periods = labels([*found.periods, *(row["period"] for row in use)])
    rows: Rows = [
        {
            "resource": names[row["resource"]],
            "period": periods[row["period"]],
            "used": row["used"],
            "capacity": row["capacity"],
        }
        for row in use
    ]
    scarce = [shown(one.resource) for one in scarcities(found)]
    line = "No capacity is scarce: one more unit saves nothing."
    if scarce:
        rest = counted(len(scarce) - _NAMED, "other") if len(scarce) > _NAMED else ""
        first = ", ".join(scarce[:_NAMED]) + (f" and {rest}" if rest else "")
        line = f"Scarce, worth having more of, the dearest unit first: {first}."
    heads = ("resource", "period", "used", "capacity, bought and booked in it")
    table = tuple((r["resource"], r["period"], r["used"], r["capacity"]) for r in use)
    chart = _chart(rows, list(names.values()), list(periods.values()))
    return Picture(key, "Use of capacity", line, chart, heads, table)


def _chart(rows: Rows, resources: list[str], periods: list[str]) -> Chart:
    # The share is formed by the chart: the data are the plan's use and capacity.
    base = (
        alt.Chart(inline(rows))
        .transform_calculate(share="datum.capacity > 0 ? datum.used / datum.capacity : null")
        .encode(
            x=alt.X("period:N", sort=periods, title="period"),
            y=names_down("resource", resources, "resource"),
        )
    )
    fill = alt.Color(
        "share:Q",
        title="share of capacity used",
        scale=alt.Scale(scheme="cividis", domain=[0, 1], clamp=True),
        legend=alt.Legend(orient="top", format=".0%"),
    )
    tips = [
        alt.Tooltip("resource:N"),
        alt.Tooltip("period:N"),
        alt.Tooltip("used:Q", format=",.4~f"),
        alt.Tooltip("capacity:Q", format=",.4~f"),
        alt.Tooltip("share:Q", format=".1%"),
    ]
    cells = base.mark_rect().encode(color=fill, tooltip=tips)
    some = base.transform_filter("datum.capacity > 0").mark_text(fontSize=10)
    share = some.encode(
        text=alt.Text("share:Q", format=".0%"),
        color=alt.condition("datum.share > 0.6", alt.value("black"), alt.value("white")),
    )
    none = base.transform_filter("!(datum.capacity > 0)").mark_text(fontSize=10, text="none")
    return alt.layer(cells, share, none).properties(width=WIDTH, height=alt.Step(BAND))
