"""Where the bad packages that ship come from."""

from __future__ import annotations

import altair as alt

from yieldopt.explanation import Explanation
from yieldopt.report.charts.picture import Picture, inline, names_down
from yieldopt.report.charts.style import BAND, BLUE, WIDTH, counted, labels, shown

_SOURCES = 15  # as many as the chart shows; the table has all


def dppm_by_source(key: str, product: str, found: Explanation) -> Picture | None:
    """Return the DPPM of the best plan by source, largest first; ``None`` where none escapes.

    Parameters
    ----------
    key, product
        Of the picture; for its title.
    found
        The best plan explained.

    Examples
    --------
    >>> from yieldopt import load
    >>> from yieldopt.explanation import explain
    >>> found = explain(load("minimal"), "asic", insertion="package/final_test").explanation
    >>> dppm_by_source("d", "asic", found).line
    'Of 821.5 DPPM, 459.8 come from package/warpage (warp), 56 %.'
    """
    budget = found.dppm_budget
    if not budget:
        return None
    names = labels((f"{row.origin} · {row.fault_class}" for row in budget[:_SOURCES]), 44)
    rows = [
        {"source": name, "dppm": row.dppm, "share": row.share}
        for name, row in zip(names.values(), budget, strict=False)
    ]
    first = budget[0]
    line = (
        f"Of {found.plan.dppm:,.1f} DPPM, {first.dppm:,.1f} come from {shown(first.origin)} "
        f"({shown(first.fault_class)}), {100 * first.share:.0f} %"
    )
    rest = len(budget) - len(rows)
    line += f"; {counted(rest, 'smaller source')} in the table alone." if rest else "."
    heads = ("left by", "fault class", "unseen faults per package", "DPPM", "share [fraction]")
    table = tuple(
        (row.origin, row.fault_class, row.unseen_per_shipped, row.dppm, row.share) for row in budget
    )
    chart = (
        alt.Chart(inline(rows))
        .mark_bar(color=BLUE)
        .encode(
            x=alt.X("dppm:Q", title="DPPM (bad packages per million shipped)"),
            y=names_down("source", list(names.values()), "left by · fault class"),
            tooltip=[
                alt.Tooltip("source:N"),
                alt.Tooltip("dppm:Q", title="DPPM", format=",.2f"),
                alt.Tooltip("share:Q", title="share", format=".1%"),
            ],
        )
        .properties(width=WIDTH, height=alt.Step(BAND))
    )
    title = f"DPPM of {shown(product)} by source"
    return Picture(key, title, line, chart, heads, table)
