"""The sheets of a workbook as cells with their places; what nothing can be read from is a fault."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yieldopt.errors import CaseError, Fault, near_miss
from yieldopt.read.book.layout import CASE, INPUTS, LISTS, Cell, is_aside
from yieldopt.read.tables.marks import UNREADABLE, sheet_marks
from yieldopt.read.tables.workbook import LARGEST_SHEET, letters

_SAVE = "save it as .xlsx, without a password"
_ENDINGS = (".xlsx", ".xlsm")
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")  # how .xls begins, and .xlsx with a password


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


@dataclass(frozen=True)
class OpenBook:
    """What has been read of a workbook.

    Parameters
    ----------
    sheets
        Of the case, by name.
    faults
        Of every sheet, merged range and cell that nothing can be read from, by place.
    formulas
        Places of the cells of which the last calculated value was taken.
    """

    sheets: Mapping[str, Sheet]
    faults: tuple[Fault, ...]
    formulas: tuple[str, ...]


def open_book(path: Path) -> OpenBook:
    """Read the sheets of a case from a workbook.

    Parameters
    ----------
    path
        An ``.xlsx`` file, as ``yieldopt export`` and ``yieldopt new --xlsx`` write them.

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
        _refuse_others(path)
        _refuse_huge(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of openpyxl, about what it does not keep
            return _opened(path)
    except CaseError:
        raise
    except refused as error:  # all that openpyxl raises for what is no workbook or a damaged one
        text = f"not a workbook that can be read: {str(error)[:200] or type(error).__name__}"
        raise CaseError(Fault(text, hint=_SAVE, file=str(path))) from None


def _refuse_others(path: Path) -> None:
    """Refuse what spreadsheet programs write besides, in words that they use."""
    with path.open("rb") as file:
        is_old = file.read(len(_OLE)) == _OLE
    if is_old:
        raise CaseError(
            Fault("an older workbook, or one with a password", "", None, _SAVE, str(path))
        )
    if path.suffix.lower() not in _ENDINGS or not zipfile.is_zipfile(path):
        raise CaseError(Fault("no workbook (.xlsx)", "", None, _SAVE, str(path)))


def _refuse_huge(path: Path) -> None:
    with zipfile.ZipFile(path) as book:
        size = sum(entry.file_size for entry in book.infolist())
    if size > LARGEST_SHEET:
        text = f"too large: {size / 1e6:,.0f} MB unpacked, at most {LARGEST_SHEET / 1e6:.0f}"
        raise CaseError(Fault(text, file=str(path)))


def _opened(path: Path) -> OpenBook:
    from openpyxl import load_workbook

    books = [load_workbook(path, read_only=True, data_only=False, keep_links=False)]

    def calculated(name: str) -> Any:
        """Return a sheet with values in place of formulas: the file is opened once more for it."""
        if len(books) == 1:
            books.append(load_workbook(path, read_only=True, data_only=True, keep_links=False))
        return books[1][name]

    try:
        return _read(path, books[0].worksheets, calculated)
    finally:
        for book in books:
            book.close()


def _read(path: Path, sheets: list[Any], calculated: Callable[[str], Any]) -> OpenBook:
    names = [sheet.title for sheet in sheets]
    if CASE not in names and LISTS["products"] not in names:
        hint = "yieldopt new --xlsx writes one to fill in"
        text = f"no workbook of a case: no sheet {CASE}, no sheet {LISTS['products']}"
        raise CaseError(Fault(text, value=", ".join(names)[:200], hint=hint, file=str(path)))
    found: dict[str, Sheet] = {}
    faults: list[Fault] = []
    formulas: list[str] = []
    for sheet in sheets:
        name = sheet.title
        if name in INPUTS:
            cells = _Cells(name)
            cells.read(sheet)
            if cells.formulas:
                cells.calculate(calculated(name))
            found[name], wrong = cells.sheet()
            faults += wrong
            formulas += cells.taken
            for *_, merged in sheet_marks(path, name).merged:
                hint = "unmerge them, and write the value in every one"
                faults.append(Fault("merged cells", f"sheet {name}, cells {merged}", hint=hint))
        elif not is_aside(name):
            hint = f"{near_miss(name, INPUTS)}; a sheet of your own begins with #"
            state = "" if sheet.sheet_state == "visible" else ", and hidden"
            faults.append(Fault(f"no sheet of a case{state}", f"sheet {name}", hint=hint))
    return OpenBook(found, tuple(fault.at(str(path), 0) for fault in faults), tuple(formulas))


class _Cells:
    """The cells of a sheet, as they are read."""

    def __init__(self, name: str) -> None:
        self.blank = Sheet(name, {}, ())
        self.rows: dict[int, dict[int, Cell]] = {}
        self.formulas: dict[tuple[int, int], str] = {}
        self.taken: list[str] = []  # places of formulas with a value
        self.spoilt: set[tuple[int, int]] = set()
        self.faults: list[Fault] = []

    def read(self, sheet: Any) -> None:
        """Take what stands in every cell; formulas are kept apart."""
        sheet.reset_dimensions()  # what the file says of its size may be wrong
        for number, cells in enumerate(sheet.iter_rows(), 1):
            for column, cell in enumerate(cells):
                if cell.data_type == "f":
                    text = str(getattr(cell.value, "text", cell.value))
                    # LibreOffice saves a flag as the formula of one.
                    flag = {"=TRUE()": True, "=FALSE()": False}.get(text)
                    if flag is None:
                        self.formulas[number, column] = text
                    else:
                        self.put(number, column, flag)
                else:
                    self.take(number, column, cell)

    def calculate(self, sheet: Any) -> None:
        """Take the values of formulas from the same sheet with values in their place."""
        sheet.reset_dimensions()
        left = dict(self.formulas)
        for number, cells in enumerate(sheet.iter_rows(), 1):
            for column, cell in enumerate(cells):
                text = left.pop((number, column), None)
                if text is not None and cell.value is not None:
                    self.take(number, column, cell, f"{text} gives ")
                    self.taken.append(self.blank.place(number, column))
                elif text is not None:
                    left[number, column] = text
        hint = "save it in a spreadsheet program, or write its value; text goes in double quotes"
        for (number, column), text in left.items():
            self.spoil(number, column, Fault("a formula without a value", value=text, hint=hint))

    def take(self, number: int, column: int, cell: Any, of: str = "") -> None:
        """Put the value of a cell, or say what is wrong with it."""
        wrong = _wrong(cell, of)
        if wrong is not None:
            self.spoil(number, column, wrong)
        else:
            self.put(number, column, _plain(cell.value))

    def put(self, number: int, column: int, value: Cell) -> None:
        if value is not None:
            self.rows.setdefault(number, {})[column] = value

    def spoil(self, number: int, column: int, fault: Fault) -> None:
        self.rows.setdefault(number, {})
        self.spoilt.add((number, column))
        self.faults.append(fault.under(self.blank.place(number, column)))

    def sheet(self) -> tuple[Sheet, list[Fault]]:
        """Return the sheet, and what is wrong in it."""
        name, faults = self.blank.name, list(self.faults)
        rows = dict(sorted(self.rows.items()))
        if rows and 1 not in rows:
            faults.append(Fault("no header in row 1", f"sheet {name}"))
            return Sheet(name, {}, (), frozenset({(1, 0)})), faults
        cells = rows.pop(1, {})
        header, wrong = _header(cells, self.blank)
        spoilt = self.spoilt | {(1, column) for column in cells.keys() - header.keys()}
        unread = {column for number, column in spoilt if number == 1}
        faults += [*wrong, *_beside(rows, header.keys() | unread, self.blank)]
        return Sheet(name, header, tuple(rows.items()), frozenset(spoilt)), faults


def _plain(value: Any) -> Cell:
    """Return a value of a cell: spreadsheets have one kind of number, and spaces nobody sees."""
    if isinstance(value, str):
        return value.strip() or None
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
    plain: Cell = int(value) if whole else value
    return plain


def _wrong(cell: Any, of: str) -> Fault | None:
    """Return what is wrong with a cell whatever it should be; ``None`` where nothing is."""
    kind, value = cell.data_type, cell.value
    if kind == "e":
        return Fault("an error, not a value", value=f"{of}{value}")
    if value is not None and not isinstance(value, str | int | float | bool):
        hint = "format it as text"
        return Fault("a date, not a number or text", value=f"{of}{value}", hint=hint)
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
    rows: Mapping[int, Mapping[int, Cell]], named: Set[int], blank: Sheet
) -> Iterator[Fault]:
    """Yield a fault for each column with values and no name, at its first one."""
    seen: set[int] = set()
    for number, row in rows.items():
        for column in row:
            if column not in named and column not in seen:
                seen.add(column)
                yield Fault("a value in a column without a name", blank.place(number, column))
