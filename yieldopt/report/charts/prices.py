"""What one more unit of a resource is worth, period by period."""

from __future__ import annotations

import altair as alt

from yieldopt.plan import Result
from yieldopt.report.charts.picture import Chart, Picture, Rows, inline
from yieldopt.report.charts.style import BLUE, WIDTH, labels, shown
from yieldopt.report.text import usd
from yieldopt.study.digest import scarcities


def shadow_prices(key: str, found: Result) -> Picture | None:
    """Return the shadow prices of scarce resources; ``None`` where none is scarce.

    Parameters
    ----------
    key
        Of the picture.
    found
        The plan.

    Examples
    --------
    >>> from yieldopt import load, solve
    >>> shadow_prices("p", solve(load("plan_from_tables"))).columns
    ('resource', 'period', 'one more unit saves [USD]')
    """
    scarce = scarcities(found)
    if not scarce:
        return None
    named = {one.resource for one in scarce}
    told = [row for row in found.shadow_prices if row["resource"] in named]
    names = labels(row["resource"] for row in told)
    periods = labels([*found.periods, *(row["period"] for row in told)])
    rows: Rows = [
        {
            "resource": names[row["resource"]],
            "period": periods[row["period"]],
            "usd_per_unit": row["usd_per_unit"],
        }
        for row in told
    ]
    top = scarce[0]
    line = (
        f"One more unit of {shown(top.resource)} in {shown(top.worth_in)} saves "
        f"{usd(top.worth_usd_per_unit)} USD, the dearest unit of all."
    )
    heads = ("resource", "period", "one more unit saves [USD]")
    table = tuple((r["resource"], r["period"], r["usd_per_unit"]) for r in found.shadow_prices)
    chart = _chart(rows, list(names.values()), list(periods.values()))
    return Picture(key, "What one more unit of capacity is worth", line, chart, heads, table)


def _chart(rows: Rows, resources: list[str], periods: list[str]) -> Chart:
    bars = (
        alt.Chart(inline(rows))
        .mark_bar(color=BLUE)
        .encode(
            x=alt.X("period:N", sort=periods, title="period"),
            y=alt.Y("usd_per_unit:Q", title="USD per unit"),
            tooltip=[
                alt.Tooltip("resource:N"),
                alt.Tooltip("period:N"),
                alt.Tooltip("usd_per_unit:Q", title="USD per unit", format=",.2f"),
            ],
        )
        .properties(width=WIDTH // 2 - 40, height=90)
    )
    header = alt.Header(labelLimit=WIDTH // 2)
    panel = alt.Facet("resource:N", sort=resources, title=None, header=header)
    chart: Chart = bars.facet(panel, columns=2).resolve_scale(y="independent")
    return chart
