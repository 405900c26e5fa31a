"""Sheets of a case in a workbook, to be edited and read again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yieldopt.errors import CaseError, Fault
from yieldopt.read.book.fresh import fresh_file
from yieldopt.read.book.grids import grids
from yieldopt.read.book.layout import BY_PERIOD, CASE, LISTS, OVERRIDES, OWNERS, READ_ME, Cell, Grid
from yieldopt.report.workbook import (
    MAX_COLUMNS,
    MAX_ROWS,
    MAX_UNITS,
    Exact,
    Sheets,
    fitting,
    written_book,
)
from yieldopt.schema.case import CaseShape, ProductShape, ScenarioShape
from yieldopt.schema.planning import (
    BudgetShape,
    ChangeShape,
    ExpansionShape,
    LineShape,
    ReservationShape,
    ResilienceShape,
    ResourceShape,
    ShareShape,
)

if TYPE_CHECKING:
    from pydantic import BaseModel
    from xlsxwriter.format import Format

_SHAPES: dict[str, type[BaseModel]] = {
    "products": ProductShape,
    "resources": ResourceShape,
    "lines": LineShape,
    "expansions": ExpansionShape,
    "reservations": ReservationShape,
    "shares": ShareShape,
    "budgets": BudgetShape,
    "changes": ChangeShape,
    "scenarios": ScenarioShape,
}
_TAB = "#117733"  # of sheets that are read again
_WIDTHS = (12, 48)  # least and most of a column, in characters
_HELP = (
    f"Sheets with a green tab are the case: yieldopt import BOOK.xlsx -o CASE.toml reads {CASE} to "
    f"{OVERRIDES}. The others are what it is answered with; they are not read again.",
    "A sheet of your own begins with #; any other name is refused, lest a misspelt one be lost.",
    "An empty cell is a key that is not given. Columns may be left out, added and put in any order "
    f"(but in {', '.join(BY_PERIOD)}: the name, then every period alike, then the periods).",
    "A column is a key as of a case file: shortage_cost_usd for a plain number, or "
    "shortage_cost_usd.low, .base, .high and .source for a range with its source.",
    "A list or a table is written as in TOML, beginning with [ or {: [\"cowos_s\", \"cowos_l\"]. "
    "Text that begins so, or with a quote, goes in double quotes.",
    "Formulas are not calculated: write values. Merged cells, dates and errors are refused.",
    "Overrides replace numbers of the library: of the case, or of one of its changes (named by the "
    "period in which it begins) or scenarios.",
    "yieldopt schema case, and yieldopt list, say what can stand where.",
)  # fmt: skip


def fill_inputs(sheets: Sheets, found: Iterable[Grid]) -> None:
    """Write the sheets of a case, as :func:`checked_grids` gives them."""
    whole = sheets.book.add_format({"num_format": "#,##0"})
    for grid in found:
        sheet = sheets.book.add_worksheet(grid.name)
        sheet.set_tab_color(_TAB)
        for at, name in enumerate(grid.header):
            sheet.set_column(at, at, _width(name, (row[at] for row in grid.rows)))
            sheet.write_string(0, at, fitting(name), sheets.header)
        sheet.freeze_panes(1, 1)
        sheet.autofilter(0, 0, max(len(grid.rows), 1), len(grid.header) - 1)
        for down, row in enumerate(grid.rows, 1):
            for at, cell in enumerate(row):
                _write(sheet, down, at, cell, whole)


def fill_help(sheets: Sheets) -> None:
    """Write the sheet that says how the others are filled in."""
    sheet = sheets.book.add_worksheet(READ_ME)
    sheet.set_column(0, 0, 100)
    wrapped = sheets.book.add_format({"text_wrap": True, "valign": "top"})
    for down, line in enumerate(_HELP):
        sheet.write_string(down, 0, line, wrapped)


def checked_grids(data: dict[str, Any], *, blank: bool = False) -> tuple[Grid, ...]:
    """Return the sheets of a case that fit into a workbook.

    Parameters
    ----------
    data
        Of a sound case.
    blank
        With empty columns for every key that there is.

    Raises
    ------
    CaseError
        A text, or a table, is larger than a cell or a sheet can be.

    Examples
    --------
    >>> data = {"name": "a", "products": [{"name": "p"}]}
    >>> len(checked_grids(data)[2].header), len(checked_grids(data, blank=True)[2].header) > 20
    (1, True)
    """
    found = grids(data, _all_keys() if blank else None)
    faults = [fault for grid in found for fault in _oversize(grid)]
    if faults:
        raise CaseError(faults)
    return found


def write_template(data: dict[str, Any], file: Path, argument: str) -> None:
    """Write a workbook to fill in, with a case to start from and a column for every key.

    Raises
    ------
    CaseError
        The file is there already, or cannot be written.
    """
    found = checked_grids(data, blank=True)

    def fill(sheets: Sheets) -> None:
        fill_help(sheets)
        fill_inputs(sheets, found)

    with fresh_file(file, ".xlsx", argument) as part:
        written_book(part, fill)


def _all_keys() -> dict[str, list[str]]:
    out = {kind: list(shape.model_fields) for kind, shape in _SHAPES.items()}
    for kind, key in BY_PERIOD.values():
        out[kind].remove(key)
    for kind in OWNERS:
        out[kind].remove("override")
    out["products"].remove("slots")
    apart = {"periods", "override", "tables", "products", "resilience", *LISTS}
    out[""] = [key for key in CaseShape.model_fields if key not in apart]
    shown = ((key, field.alias or key) for key, field in ResilienceShape.model_fields.items())
    out[""] += [f"resilience.{name}" for _, name in shown]
    return out


def _oversize(grid: Grid) -> Iterator[Fault]:
    where = f"sheet {grid.name}"
    if len(grid.rows) >= MAX_ROWS or len(grid.header) > MAX_COLUMNS:
        yield Fault("more rows or columns than a sheet can have", where)
    for row in (grid.header, *grid.rows):
        for cell in row:
            if isinstance(cell, str) and len(cell.encode("utf-16-le")) > 2 * MAX_UNITS:
                hint = f"at most {MAX_UNITS:,}"
                yield Fault("a text of more signs than a cell can hold", where, cell[:60], hint)


def _width(name: str, cells: Iterable[Cell]) -> int:
    longest = max((len(str(cell)) for cell in cells if cell is not None), default=0)
    return min(max(len(name) + 4, longest + 2, _WIDTHS[0]), _WIDTHS[1])


def _write(sheet: Any, row: int, column: int, cell: Cell, whole: Format) -> None:
    if isinstance(cell, bool):
        sheet.write_boolean(row, column, cell)
    elif isinstance(cell, str):
        sheet.write_string(row, column, fitting(cell))
    elif cell is not None:
        sheet.write_number(row, column, Exact(cell), whole if cell == int(cell) else None)
