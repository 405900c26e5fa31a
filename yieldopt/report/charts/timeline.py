"""What a plan decides when, and from when on it counts."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from yieldopt.report.charts.picture import Chart, Picture, Rows, inline, names_down
from yieldopt.report.charts.style import BAND, BLUE, GREEN, RED, WIDTH, counted, labels, shown
from yieldopt.report.text import quantity
from yieldopt.study.timeline import Milestone

_KINDS = {"qualification": BLUE, "expansion": RED, "booking": GREEN}
_LATER = "later"


def decisions_over_time(
    key: str, found: Sequence[Milestone], periods: Sequence[str]
) -> Picture | None:
    """Return the decisions of a plan as bars from order to use; ``None`` without any.

    Parameters
    ----------
    key
        Of the picture.
    found
        The decisions.
    periods
        Of the case, in order.

    Examples
    --------
    >>> one = Milestone("expansion", "line", "", "Q1", "Q3", 2, 1.0, 5e6)
    >>> decisions_over_time("t", [one], ["Q1", "Q2", "Q3"]).line
    '1 decision; the dearest is expansion of line in Q1, 5,000,000 USD.'
    """
    if not found:
        return None
    named = labels(periods)
    texts = [f"{one.name} for {one.product}" if one.product else one.name for one in found]
    tags = [f"{shown(text)}, {shown(one.ordered)}" for text, one in zip(texts, found, strict=True)]
    rows: Rows = [
        {
            "decision": tag,
            "kind": one.kind,
            "ordered": named[one.ordered],
            "ready": named[one.ready] if one.ready else _LATER,
            "amount": one.amount,
            "cost_usd": one.cost_usd,
        }
        for tag, one in zip(_unlike(tags), found, strict=True)
    ]
    dear = max(found, key=lambda one: one.cost_usd)
    line = (
        f"{counted(len(found), 'decision')}; the dearest is {dear.kind} of {shown(dear.name)} in "
        f"{shown(dear.ordered)}, {quantity(dear.cost_usd)} USD."
    )
    heads = ("kind", "name", "product", "decided", "counts from", "amount", "capital [USD]")
    table = tuple(
        (o.kind, o.name, o.product, o.ordered, o.ready or _LATER, o.amount, o.cost_usd)
        for o in found
    )
    shown_periods = [*named.values(), *([_LATER] if any(o.ready is None for o in found) else [])]
    title = "Lines entered, capacity ordered and booked"
    return Picture(key, title, line, _chart(rows, shown_periods), heads, table)


def _unlike(tags: Sequence[str]) -> list[str]:
    """Number what would else be one bar."""
    counts: dict[str, int] = {}
    out = []
    for tag in tags:
        counts[tag] = counts.get(tag, 0) + 1
        out.append(tag if counts[tag] == 1 else f"{tag} ({counts[tag]})")
    return out


def _chart(rows: Rows, periods: list[str]) -> Chart:
    scale = alt.Scale(domain=periods)
    y = names_down("decision", [row["decision"] for row in rows], "decision")
    colour = alt.Color(
        "kind:N",
        title=None,
        scale=alt.Scale(domain=list(_KINDS), range=list(_KINDS.values())),
        legend=alt.Legend(orient="top"),
    )
    tips = [
        alt.Tooltip("decision:N"),
        alt.Tooltip("kind:N"),
        alt.Tooltip("ordered:N", title="decided"),
        alt.Tooltip("ready:N", title="counts from"),
        alt.Tooltip("amount:Q", format=",.4g"),
        alt.Tooltip("cost_usd:Q", title="capital, USD", format=",.0f"),
    ]
    base = alt.Chart(inline(rows)).encode(y=y, color=colour, tooltip=tips)
    x = alt.X("ordered:N", sort=periods, scale=scale, title="period: decided, and counts from")
    bars = base.mark_rule(strokeWidth=4).encode(x=x, x2="ready:N")
    begun = base.mark_point(filled=True, size=80, opacity=1).encode(x=x)
    ready = base.mark_point(shape="diamond", filled=True, size=130, opacity=1).encode(
        x=alt.X("ready:N", sort=periods, scale=scale)
    )
    return alt.layer(bars, begun, ready).properties(width=WIDTH, height=alt.Step(BAND))
