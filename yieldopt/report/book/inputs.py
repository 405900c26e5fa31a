"""Sheets of a case in a workbook, to be edited and read again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yieldopt.errors import CaseError, Fault
from yieldopt.read.book.fresh import fresh_file
from yieldopt.read.book.grids import grids
from yieldopt.read.book.layout import (
    BY_PERIOD,
    CASE,
    EVERY,
    LISTS,
    OVERRIDES,
    OWNERS,
    PERIODS,
    READ_ME,
    SLOTS,
    Cell,
    Grid,
)
from yieldopt.report.cells import (
    MAX_COLUMNS,
    MAX_ROWS,
    MAX_UNITS,
    Exact,
    Formats,
    fitting,
    set_margins,
    set_print,
)
from yieldopt.report.workbook import Sheets, written_book
from yieldopt.schema.case import CaseShape
from yieldopt.schema.models import ENTRIES
from yieldopt.schema.notes import notes
from yieldopt.schema.planning import ResilienceShape

if TYPE_CHECKING:
    from pydantic import BaseModel
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

_TAB = "#117733"  # of sheets that are read again
_WIDTHS = (12, 48)  # least and most of a column, in characters
_PAGE, _GAP = 100, 6  # of the help: characters of a line, points between its paragraphs
_NOTE = {"author": "yieldopt", "x_scale": 1.6, "font_size": 9}
# What is said of columns that are no keys.
_COLUMNS = {
    PERIODS: {"period": "their names in order, a row each; none: one period"},
    SLOTS: {
        "product": "its name, as on the sheet Products",
        "slot": "of its routes: logic, memory, substrate, ...",
        "part": "yieldopt list parts",
        "count": "how many of it in a package; empty: 1",
    },
    OVERRIDES: {
        "change": "the period in which the change begins; empty: in none",
        "scenario": "its name; empty: in none",
        "key": "of the library: processes.n5.d0_per_cm2",
        "value": "in the unit that the key names",
    },
    **{
        name: {"name": f"as on the sheet {LISTS[kind]}", EVERY: "one number for all periods alike"}
        for name, (kind, _) in BY_PERIOD.items()
    },
}
_HELP = (
    f"Sheets with a green tab are the case: yieldopt import BOOK.xlsx -o CASE.toml reads {CASE} to "
    f"{OVERRIDES}. The others are its answer; they are not read again.",
    "A note on a header says what goes below it, and what is needed.",
    "A sheet of your own begins with #; any other name is refused, lest a misspelt one be lost.",
    "An empty cell is a key that is not given. Columns may be left out, added and put in any order "
    f"(but in {', '.join(BY_PERIOD)}: the name, then every period alike, then the periods).",
    "A column is a key as of a case file: shortage_cost_usd for a plain number, or "
    "shortage_cost_usd.low, .base, .high and .source for a range with its source.",
    "A list or a table is written as in TOML, beginning with [ or {: [\"cowos_s\", \"cowos_l\"]. "
    "Text that begins so, or with a quote, goes in double quotes.",
    "Of a formula the value is taken that was saved with it. Merged cells, dates and errors are "
    "refused. 5 % is the number 0.05. Spaces before and after a text do not count.",
    "Comments of a case file are not here, so a case file made of this workbook is without them.",
    "Overrides replace numbers of the library: of the case, or of one of its changes (named by the "
    "period in which it begins) or scenarios.",
    "yieldopt schema case, and yieldopt list, say what can stand where.",
)  # fmt: skip


def fill_inputs(sheets: Sheets, found: Iterable[Grid]) -> None:
    """Write the sheets of a case, as :func:`checked_grids` gives them."""
    for grid in found:
        sheet = sheets.book.add_worksheet(grid.name)
        sheet.set_tab_color(_TAB)
        said = _said(grid)
        widths = [
            _width(name, (row[at] for row in grid.rows)) for at, name in enumerate(grid.header)
        ]
        for at, name in enumerate(grid.header):
            sheet.set_column(at, at, widths[at], sheets.formats.text)
            sheet.write_string(0, at, fitting(name), sheets.formats.header)
            if name in said:
                sheet.write_comment(0, at, said[name], _NOTE)
        sheet.freeze_panes(1, 1)
        sheet.autofilter(0, 0, max(len(grid.rows), 1), len(grid.header) - 1)
        set_print(sheet, widths)
        told = _told(CaseShape) if grid.name == CASE else {}
        for down, row in enumerate(grid.rows, 1):
            texts = [(at, fitting(cell)) for at, cell in enumerate(row) if isinstance(cell, str)]
            fitted = {at: sheets.formats.fitted(text, widths[at]) for at, text in texts}
            height = sheets.formats.height((fitted[at], text, widths[at]) for at, text in texts)
            if height is not None:
                sheet.set_row(down, height)
            for at, cell in enumerate(row):
                _write(sheet, (down, at), cell, sheets.formats, fitted.get(at))
            if row[0] in told:
                sheet.write_comment(down, 0, told[str(row[0])], _NOTE)


def _said(grid: Grid) -> dict[str, str]:
    """Return what is said of the columns of a sheet, by name: for lists, what the schema says."""
    kind = next((kind for kind, name in LISTS.items() if name == grid.name), None)
    if kind is None:
        return _COLUMNS.get(grid.name, {})
    told = _told(ENTRIES[kind])
    return {name: told[key] for name in grid.header if (key := name.split(".")[0]) in told}


def _told(shape: type[BaseModel]) -> dict[str, str]:
    """Return the note of every key, and whether it must be given."""
    said = notes(shape)
    needed = (
        field.alias or key for key, field in shape.model_fields.items() if field.is_required()
    )
    return said | {key: "; ".join(filter(None, ("needed", said.get(key)))) for key in needed}


def fill_help(sheets: Sheets) -> None:
    """Write the sheet that says how the others are filled in."""
    sheet = sheets.book.add_worksheet(READ_ME)
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, _PAGE)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    set_margins(sheet)
    form = sheets.formats.wrapped
    for at, text in enumerate(_HELP):
        height = sheets.formats.height([(form, text, _PAGE)])
        sheet.set_row(at, None if height is None else height + _GAP)
        sheet.write_string(at, 0, text, form)


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
    # What a list has in common with another is rarely used, and comes last.
    out = {
        kind: sorted(shape.model_fields, key=lambda key: key not in own)
        for kind, shape in ENTRIES.items()
        for own in [shape.__annotations__]
    }
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
    return min(max(len(name) + 4, longest + 4, _WIDTHS[0]), _WIDTHS[1])


def _write(
    sheet: Worksheet, place: tuple[int, int], cell: Cell, formats: Formats, fitted: Format | None
) -> None:
    if isinstance(cell, bool):
        sheet.write_boolean(*place, cell)
    elif isinstance(cell, str):
        sheet.write_string(*place, fitting(cell), fitted)
    elif cell is not None:
        is_whole = cell == int(cell)
        sheet.write_number(*place, Exact(cell), formats.whole if is_whole else None)
