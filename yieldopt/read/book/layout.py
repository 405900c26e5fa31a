"""Which sheet of a workbook holds what of a case, and what else stands in such a workbook."""

from __future__ import annotations

from dataclasses import dataclass

Cell = str | float | bool | None

CASE, PERIODS, SLOTS, OVERRIDES = "Case", "Periods", "Slots", "Overrides"
# A row for each entry of a list of the case.
LISTS = {
    "products": "Products",
    "resources": "Resources",
    "lines": "Lines",
    "expansions": "Expansions",
    "reservations": "Reservations",
    "shares": "Shares",
    "budgets": "Budgets",
    "changes": "Changes",
    "scenarios": "Scenarios",
}
# A row for each entry, a column for each period: the list and the key there.
BY_PERIOD = {
    "Demand": ("products", "demand"),
    "Capacity": ("resources", "capacity"),
    "Offered": ("reservations", "capacity"),
}
EVERY = "every period"  # the column of a number that is the same in each
# Whose overrides a row has: the case's own where both are empty.
OWNERS = {"changes": "begins", "scenarios": "name"}
OVERRIDE_COLUMNS = ("change", "scenario", "key", "value")
SLOT_COLUMNS = ("product", "slot")
INPUTS = (CASE, PERIODS, *LISTS.values(), *BY_PERIOD, SLOTS, OVERRIDES)

# Sheets that are written and not read again.
READ_ME, SUMMARY, CHARTS, WATERFALLS = "Read me", "Summary", "Charts", "Waterfalls"
BARS, FALLING = "Waterfall bars", "Waterfall charts"
ASSUMPTIONS, SOURCES = "Assumptions", "Sources"
OUTPUTS = (READ_ME, SUMMARY, CHARTS, WATERFALLS, BARS, FALLING, ASSUMPTIONS, SOURCES)
PLAN = "Plan "  # what the names of sheets with tables of the plan begin with
ASIDE = "#"  # and those of a planner's own sheets


@dataclass(frozen=True)
class Grid:
    """A sheet: its name, its header, and rows as long as that."""

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def is_aside(sheet: str) -> bool:
    """Return whether a sheet is none of the case's: written with it, or the planner's own.

    Examples
    --------
    >>> [is_aside(name) for name in ("Plan recipes", "#my notes", "Products", "Prodcts")]
    [True, True, False, False]
    """
    return sheet in OUTPUTS or sheet.startswith((PLAN, ASIDE))
