"""Tables of the plan that no picture has: why routes were left, decisions, costs, stock, starts."""

from __future__ import annotations

from yieldopt.plan import Result
from yieldopt.report.frames import COLUMNS, tables
from yieldopt.report.page.markup import Markup, folded, table, tag

_SHOWN = {
    "routes": "Routes weighed, each product by itself",
    "decisions": "Lines entered, capacity ordered and booked",
    "costs": "What the objective is made of",
    "stock": "In stock at the end of a period",
    "late": "Owed at the end of a period",
    "starts": "What to start, order and book",
}
_MOST_ROWS = 500


def plan_tables(result: Result) -> Markup:
    """Return the tables that are not empty, each behind its title."""
    found = tables(result)
    parts = []
    for name, title in _SHOWN.items():
        if rows := found[name]:
            cells = [tuple(row[column] for column in COLUMNS[name]) for row in rows[:_MOST_ROWS]]
            first = f", the first {_MOST_ROWS} shown" if len(rows) > _MOST_ROWS else ""
            words = f"{title} ({len(rows)} rows{first})"
            parts.append(folded(words, table(COLUMNS[name], cells, title)))
    return tag("section", tag("h2", "The plan in tables"), parts, id="plan")
