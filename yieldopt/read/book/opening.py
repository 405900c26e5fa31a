"""The sheets of a workbook as cells with their places; what nothing can be read from is a fault."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yieldopt.errors import CaseError, Fault, near_miss
from yieldopt.read.book.layout import CASE, INPUTS, LISTS, Cell, is_aside
from yieldopt.read.tables.marks import UNREADABLE, sheet_marks
from yieldopt.read.tables.workbook import LARGEST_SHEET, letters


@dataclass(frozen=True)
class Sheet:
    """A sheet of a case: header and rows by column, each with the number that a planner sees.

    Parameters
    ----------
    name
        Of the sheet.
    header
        Text by column, from 0.
    rows
        (row number, cell by column), of rows that have any.
    spoilt
        Cells that hold what no value can be read from; each has its fault.
    """

    name: str
    header: Mapping[int, str]
    rows: tuple[tuple[int, Mapping[int, Cell]], ...]
    spoilt: frozenset[tuple[int, int]] = field(default=frozenset())

    def place(self, row: int, column: int | None = None) -> str:
        """Return how a cell, or a row, is called: ``sheet Products, cell D7``."""
        where = f"row {row}" if column is None else f"cell {letters(column)}{row}"
        return f"sheet {self.name}, {where}"


def open_book(path: Path) -> tuple[dict[str, Sheet], list[Fault]]:
    """Read the sheets of a case from a workbook.

    Parameters
    ----------
    path
        An ``.xlsx`` file, as ``yieldopt export`` and ``yieldopt new --xlsx`` write them.

    Returns
    -------
    dict of str to Sheet, list of Fault
        By name; and every sheet, merged range and cell that nothing can be read from, by place.

    Raises
    ------
    CaseError
        No workbook, too large, or none of a case.
    """
    from openpyxl.utils.exceptions import InvalidFileException

    refused = (*UNREADABLE, InvalidFileException, TypeError, AttributeError, IndexError)
    if not path.is_file():
        text = "is a directory, not a file" if path.is_dir() else "no such file"
        raise CaseError(Fault(text, file=str(path)))
    try:
        _refuse_huge(path)
        return _opened(path)
    except CaseError:
        raise
    except refused as error:  # all that openpyxl raises for what is no workbook or a damaged one
        hint = "save it as .xlsx, without a password"
        text = f"not a workbook that can be read: {str(error)[:200] or type(error).__name__}"
        raise CaseError(Fault(text, hint=hint, file=str(path))) from None


def _refuse_huge(path: Path) -> None:
    with zipfile.ZipFile(path) as book:
        size = sum(entry.file_size for entry in book.infolist())
    if size > LARGEST_SHEET:
        text = f"too large: {size / 1e6:,.0f} MB unpacked, at most {LARGEST_SHEET / 1e6:.0f}"
        raise CaseError(Fault(text, file=str(path)))


def _opened(path: Path) -> tuple[dict[str, Sheet], list[Fault]]:
    from openpyxl import load_workbook

    book = load_workbook(path, read_only=True, data_only=False, keep_links=False)
    try:
        names = [sheet.title for sheet in book.worksheets]
        if CASE not in names and LISTS["products"] not in names:
            hint = "yieldopt new --xlsx writes one to fill in"
            text = f"no workbook of a case: no sheet {CASE}, no sheet {LISTS['products']}"
            raise CaseError(Fault(text, value=", ".join(names)[:200], hint=hint, file=str(path)))
        found: dict[str, Sheet] = {}
        faults: list[Fault] = []
        for sheet in book.worksheets:
            name = sheet.title
            if name in INPUTS:
                found[name], wrong = _sheet(sheet, name)
                faults += wrong
                for *_, merged in sheet_marks(path, name).merged:
                    hint = "unmerge them, and write the value in every one"
                    faults.append(Fault("merged cells", f"sheet {name}, cells {merged}", hint=hint))
            elif not is_aside(name):
                hint = f"{near_miss(name, INPUTS)}; a sheet of your own begins with #"
                faults.append(Fault("no sheet of a case", f"sheet {name}", hint=hint))
    finally:
        book.close()
    return found, [fault.at(str(path), 0) for fault in faults]


def _sheet(sheet: Any, name: str) -> tuple[Sheet, list[Fault]]:
    sheet.reset_dimensions()  # what the file says of its size may be wrong
    faults: list[Fault] = []
    spoilt: set[tuple[int, int]] = set()
    rows: list[tuple[int, dict[int, Cell]]] = []
    blank = Sheet(name, {}, ())
    for number, cells in enumerate(sheet.iter_rows(), 1):
        row: dict[int, Cell] = {}
        for column, cell in enumerate(cells):
            wrong = _wrong(cell)
            if wrong is not None:
                faults.append(wrong.under(blank.place(number, column)))
                spoilt.add((number, column))
            elif cell.value not in (None, ""):
                row[column] = _plain(cell.value)
        if row or any(at == number for at, _ in spoilt):
            rows.append((number, row))
    header: dict[int, str] = {}
    if rows and rows[0][0] == 1:
        cells = rows.pop(0)[1]
        header, wrong_heads = _header(cells, blank)
        faults += wrong_heads
        spoilt |= {(1, column) for column in cells.keys() - header.keys()}
    elif rows:
        faults.append(Fault("no header in row 1", f"sheet {name}"))
    unread = {column for number, column in spoilt if number == 1}
    faults += _beside(rows, header.keys() | unread, blank)
    return Sheet(name, header, tuple(rows), frozenset(spoilt)), faults


def _plain(value: Any) -> Cell:
    """Return a value of a cell, a whole number as such: spreadsheets have one kind of number."""
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
    plain: Cell = int(value) if whole else value
    return plain


def _wrong(cell: Any) -> Fault | None:
    """Return what is wrong with a cell whatever it should be; ``None`` where nothing is."""
    kind, value = cell.data_type, cell.value
    if kind == "f":
        text = getattr(value, "text", value)
        hint = "write its value; text that begins with = goes in double quotes"
        return Fault("a formula; nothing is calculated here", value=str(text), hint=hint)
    if kind == "e":
        return Fault("an error, not a value", value=str(value))
    if value is not None and not isinstance(value, str | int | float | bool):
        return Fault("a date, not a number or text", value=str(value), hint="format it as text")
    return None


def _header(cells: Mapping[int, Cell], blank: Sheet) -> tuple[dict[int, str], list[Fault]]:
    header: dict[int, str] = {}
    faults = []
    for column, cell in cells.items():
        where = blank.place(1, column)
        if not isinstance(cell, str):
            faults.append(Fault("the name of a column must be text", where, cell))
        elif cell in header.values():
            faults.append(Fault("a column of this name is there already", where, cell))
        else:
            header[column] = cell
    return header, faults


def _beside(
    rows: list[tuple[int, dict[int, Cell]]], named: Set[int], blank: Sheet
) -> Iterator[Fault]:
    """Yield a fault for each column with values and no name, at its first one."""
    seen: set[int] = set()
    for number, row in rows:
        for column in row:
            if column not in named and column not in seen:
                seen.add(column)
                yield Fault("a value in a column without a name", blank.place(number, column))
