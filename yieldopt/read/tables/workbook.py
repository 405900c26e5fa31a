"""Excel workbooks, by fastexcel: rows and column letters as the planner sees them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from yieldopt.errors import CaseError, Fault, near_miss
from yieldopt.read.tables.delimited import plain_number
from yieldopt.read.tables.marks import Marks, sheet_bytes, sheet_marks
from yieldopt.read.tables.source import Cells, Source
from yieldopt.read.tables.span import span_over
from yieldopt.schema.tables import TableShape

LARGEST_SPAN = 30_000_000  # cells of the range of all values, which is held: two gigabytes
LARGEST_SHEET = 256_000_000  # bytes unpacked: five million cells, some seconds to read


class Sheet(Source):
    """A sheet of a workbook, its cells as text; what is text in the file itself is looked up."""

    number_hint = "the cell must hold a number, not text; thousands and units go in its format"

    def __init__(
        self,
        path: Path,
        sheet: str,
        columns: list[list[str | None]],
        places: Sequence[int],
        top: int,
        marks: Marks,
    ) -> None:
        header = [column[top] or None for column in columns]
        rows = len(columns[0]) - top - 1
        super().__init__(str(path), header, rows, top + 2)
        self.sheet, self.columns, self.places, self.top = sheet, columns, places, top
        self.marks = marks

    def texts(self, at: int) -> list[str | None]:
        """Return the cells of a column as names; a text of no letters is an empty cell."""
        return [cell or None for cell in self.columns[at][self.top + 1 :]]

    def numbers(self, columns: Sequence[int]) -> dict[int, Cells]:
        """Return the cells of columns as numbers; digits that the file has as text stay text."""
        found: dict[int, Cells] = {
            at: [plain_number(cell) if cell else None for cell in self.texts(at)] for at in columns
        }
        at_letters = {letters(self.places[at]): at for at in columns}
        for name, number, error in self.marks.odd_cells(list(at_letters)):
            at, row = at_letters[name], number - self.first
            if 0 <= row < self.rows:
                found[at][row] = self.columns[at][self.top + 1 + row] or error or None
        return found

    def empty_hint(self, row: int, at: int) -> str:
        """Say where an empty cell belongs to merged ones."""
        merged = self.marks.merged_over(self.first + row, self.places[at])
        if merged:
            return f"{merged} are merged cells: unmerge them, and write the value in every one"
        return "write 0 where there is none; a formula must have been calculated"

    def _sheet(self) -> list[str]:
        return [f"sheet {self.sheet}"]

    def _column(self, at: int) -> str:
        name = self.header[at]
        return f"column {letters(self.places[at])}" + (f" ({name})" if name else "")


def letters(place: int) -> str:
    """Return the letters of a column counted from 0.

    Examples
    --------
    >>> letters(0), letters(25), letters(26), letters(702)
    ('A', 'Z', 'AA', 'AAA')
    """
    out = ""
    place += 1
    while place:
        place, digit = divmod(place - 1, 26)
        out = chr(ord("A") + digit) + out
    return out


def read_workbook(path: Path, shape: TableShape, key: str) -> Sheet:
    """Read a sheet of a workbook.

    Parameters
    ----------
    path
        The file.
    shape
        What the case says of it.
    key
        Where it says so.

    Raises
    ------
    CaseError
        No workbook, no such sheet, no header.
    """
    import fastexcel

    try:
        book = fastexcel.read_excel(path)
        name = _sheet_name(book.sheet_names, shape, key, str(path))
        marks = _marks(path, name)
        loaded = book.load_sheet(name, header_row=None, skip_rows=0, dtypes="string")
        frame = loaded.to_polars()
        places = [column.absolute_index for column in loaded.available_columns()]
    except fastexcel.FastExcelError as error:
        text = str(error).splitlines()[0]
        hint = "one with a password must be saved without"
        raise CaseError(Fault(f"not a workbook: {text}", file=str(path), hint=hint)) from None
    columns = [column.to_list() for column in frame.get_columns()]
    top = shape.header_row - 1
    if frame.height <= top or not any(column[top] for column in columns):
        where = f"sheet {name}, row {top + 1}"
        hint = "header_row is the row with the names of the columns"
        raise CaseError(Fault("no header", where, hint=hint, file=str(path)))
    return Sheet(path, name, columns, places, top, marks)


def _marks(path: Path, sheet: str) -> Marks:
    """Return the marks of a sheet; ``CaseError`` for one that is too large to be held."""
    hint = "a table of millions of cells goes in a Parquet or CSV file"
    size = sheet_bytes(path, sheet)
    if size > LARGEST_SHEET:
        text = f"{size / 1e6:,.0f} MB of cells, at most {LARGEST_SHEET / 1e6:.0f}"
    else:
        marks = sheet_marks(path, sheet)
        count, names = span_over(marks.xml, LARGEST_SPAN)
        if not count:
            return marks
        far = " and ".join(names)
        text = f"values as far out as {far} span {count:,} cells, at most {LARGEST_SPAN:,}"
        hint = f"clear what stands far from the table; {hint}"
    raise CaseError(Fault(f"too large: {text}", f"sheet {sheet}", hint=hint, file=str(path)))


def _sheet_name(names: list[str], shape: TableShape, key: str, file: str) -> str:
    if shape.sheet is None:
        if len(names) == 1:
            return names[0]
        hint = "its sheets: " + ", ".join(names)
        raise CaseError(Fault("needs a sheet of the workbook", key, file, hint))
    if shape.sheet not in names:
        hint = f"{near_miss(shape.sheet, names)} (sheets of {file}: {', '.join(names)})"
        raise CaseError(Fault("no such sheet", f"{key}.sheet", shape.sheet, hint))
    return shape.sheet
