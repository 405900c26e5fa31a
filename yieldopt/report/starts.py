"""The start and buy plan, for people."""

from __future__ import annotations

from collections.abc import Sequence

from yieldopt.report.text import columns
from yieldopt.start_plan import Excess, StartPlan, StartRow

_HEADS = {
    "start": "wafers and panels to start",
    "order": "to order: parts, and packages or parts from lines",
    "book": "to book",
}


def starts_text(plan: StartPlan) -> str:
    """Return a table for each of starts, orders and bookings, all products together."""
    if not plan.rows:
        lines = "\n".join(f"  {line}" for line in plan.binding)
        return f"{plan.status}: there is no plan, so nothing to start\n{lines}"
    parts = [
        f"{_status(plan)}; packages are shipped evenly over each period of {plan.period_weeks:g} "
        "weeks; what later periods need is not in it"
    ]
    for what, head in _HEADS.items():
        if rows := [row for row in plan.rows if row.what == what]:
            parts.append(f"{head}\n{_table(rows, plan.periods)}")
    if any(row.weeks_before is not None for row in plan.rows):
        parts.append("weeks: how long before the horizon begins the first of it falls due")
    if plan.beyond:
        head = "to start or book, more than the capacity of the period: use counts at shipment"
        parts.append(f"{head}\n{_beyond(plan)}")
    if plan.without_time:
        parts.append("no cycle or lead time given, 0 weeks taken: " + ", ".join(plan.without_time))
    return "\n\n".join(parts)


def _status(plan: StartPlan) -> str:
    if plan.status != "feasible":
        return plan.status
    known = "no bound in the time" if plan.gap is None else f"gap {plan.gap:.1e}"
    return f"{plan.status}, {known}"


def _table(rows: Sequence[StartRow], periods: Sequence[str]) -> str:
    before = f"before {periods[0]}"
    heads = (before, *periods)
    table: list[Sequence[str]] = [("", "unit", "weeks", *heads)]
    for name, unit in dict.fromkeys((row.name, row.unit) for row in rows):
        own = [row for row in rows if (row.name, row.unit) == (name, unit)]
        amounts = [sum(row.amount for row in own if row.period == head) for head in heads]
        early = max((row.weeks_before or 0.0 for row in own), default=0.0)
        shown = (_amount(amount) for amount in amounts)
        table.append((name, unit, f"{early:.1f}" if early else "", *shown))
    return columns(table, right=range(2, len(heads) + 3))


def _beyond(plan: StartPlan) -> str:
    shares = {(row.name, row.period): row for row in plan.beyond}
    table: list[Sequence[str]] = [("of capacity", *plan.periods)]
    for name in dict.fromkeys(row.name for row in plan.beyond):
        found = [shares.get((name, period)) for period in plan.periods]
        table.append((name, *(_share(row) for row in found)))
    return columns(table, right=range(1, len(plan.periods) + 1))


def _share(row: Excess | None) -> str:
    if row is None:
        return ""
    return f"{row.amount / row.capacity:.0%}" if row.capacity > 0.0 else "none there"


def _amount(value: float) -> str:
    if value == 0.0:
        return ""
    return f"{value:,.0f}" if value >= 1000.0 else f"{value:.4g}"
