"""What the range of each input does, for people."""

from __future__ import annotations

from collections.abc import Sequence

from yieldopt.plan import Status, binding
from yieldopt.report.text import columns, usd
from yieldopt.study.ends import End
from yieldopt.study.tornado import Tornado, TornadoRow

Rows = list[Sequence[str]]


def tornado_text(found: Tornado) -> str:
    """Return a line for each input, the largest swing first, and what was left out."""
    if found.route is None or found.cost_per_good_usd is None:
        lines = [f"  {line}" for line in binding(found.routes)]
        head = f"infeasible: {found.product} can be made on none of these routes"
        if found.status is Status.UNKNOWN:
            head = f"unknown: no plan of {found.product} was found in time"
        return "\n".join([head, *lines])
    head = (
        f"{found.product} on {found.route}, by itself: {usd(found.cost_per_good_usd)} USD per good "
        "package at base; each input alone over its range, test levels chosen anew"
    )
    parts = [head] + ([_table(found.rows)] if found.rows else []) + _left_out(found)
    if found.status is Status.FEASIBLE and found.gap:
        parts.append(f"other levels may cost less than those shown, by {found.gap:.1e} at most")
    return "\n\n".join(parts)


def _table(rows: Sequence[TornadoRow]) -> str:
    table: Rows = [("input", "unit", "low", "base", "high", "USD at low", "at high", "swing", "")]
    for row in rows:
        one = row.input
        values = (f"{value:.6g}" for value in (row.low.value, one.base, row.high.value))
        swing = "" if row.swing_usd is None else usd(row.swing_usd)
        assumed = "assumed" if one.is_assumed else ""
        table.append((one.key, one.unit, *values, _cost(row.low), _cost(row.high), swing, assumed))
    barred = [(row, end) for row in rows for end in (row.low, row.high) if end.reasons]
    lines = [f"{row.input.key} at {end.value:.6g}: {'; '.join(end.reasons)}" for row, end in barred]
    return "\n".join([columns(table, right=range(2, 8)), *lines])


def _cost(end: End) -> str:
    return "cannot" if end.cost_per_good_usd is None else usd(end.cost_per_good_usd)


def _left_out(found: Tornado) -> list[str]:
    parts = []
    if found.without_effect:
        parts.append("without effect on this cost: " + ", ".join(found.without_effect))
    for key, why in found.alone_refused:
        parts.append(f"not varied alone: {key}: {why}")
    if found.not_done:
        parts.append("time ended before these were varied: " + ", ".join(found.not_done))
    return parts
