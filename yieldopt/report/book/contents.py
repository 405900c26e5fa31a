"""What each sheet of a workbook holds, in a line."""

from __future__ import annotations

from collections.abc import Iterator

from yieldopt.read.book.layout import (
    ASSUMPTIONS,
    BARS,
    CASE,
    CHARTS,
    FALLING,
    OVERRIDES,
    PLAN,
    READ_ME,
    SOURCES,
    WATERFALLS,
)
from yieldopt.report.frames import TABLES

# By the name of the table.
PLANNED = {
    "products": "each product: demand, made, unmet; cost and bad parts per million of what is made",
    "routes": "each route of each product by itself: its least cost, or why it cannot be taken",
    "recipes": "what the plan uses: a route with its test levels, its cost and quality",
    "levels": "the test level of each recipe at each insertion",
    "waterfall": "what a good package of each recipe costs, by category",
    "uses": "what a good package of each recipe takes of each resource, in the resource's unit",
    "allocation": "good packages of each recipe in each period",
    "unmet": "good packages of demand that are not served",
    "resource_use": "what is used of each resource and what there is, in the resource's unit",
    "shadow_prices": "what one more unit of a resource would save",
    "stock": "good packages in stock at the end of a period",
    "late": "good packages that are owed at the end of a period",
    "decisions": "what is ordered, entered, booked: when, and what it costs",
    "costs": "what is paid in each period, as paid and discounted",
    "starts": "what to start, order and book in each period, and before the first",
}


def contents() -> Iterator[tuple[str, str]]:
    """Yield name and content of the sheets, in the order in which they stand.

    Examples
    --------
    >>> next(contents())
    ('Charts', 'routes of each product compared, packages by period, use of resources')
    """
    yield CHARTS, "routes of each product compared, packages by period, use of resources"
    yield WATERFALLS, "what a good package costs on each route by itself, by category"
    yield BARS, "where each bar of a waterfall begins: the sum of those before it"
    yield FALLING, "the waterfall of each route"
    yield from ((f"{PLAN}{name}", text) for name, text in PLANNED.items() if name in TABLES)
    yield ASSUMPTIONS, "each number that is assumed, with its range and why"
    yield SOURCES, "the sources of the other numbers"
    yield READ_ME, "how to change the case and read it again"
    yield CASE, f"the case, from here to {OVERRIDES}: these sheets are read again"
