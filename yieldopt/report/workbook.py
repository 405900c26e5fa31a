"""The answer as one Excel workbook: a summary, then a sheet for each table.

Rows go to disk as they are written, so that large tables need little memory. Text is always text:
what begins with ``=``, ``+``, ``-`` or ``@`` is no formula, and no link is made of it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yieldopt.plan import Result
from yieldopt.report.frames import TABLES, Kind, Row, Table

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

Columns = Sequence[tuple[str, Kind]]  # headers need not differ: a period may be called "route"
Values = Sequence[Any]
Facts = Sequence[tuple[str, Kind, Any]]

FORMATS: dict[Kind, str] = {
    Kind.PACKAGES: "#,##0",
    Kind.USD: "$#,##0.00",
    Kind.PPM: "#,##0.0",
    Kind.FRACTION: "0.0000%",
    Kind.AMOUNT: "#,##0.00",
    Kind.PER_GOOD: "0.000000",
}
_HEADER = {"bold": True, "bg_color": "#DDE6F0", "bottom": 1}
# Excel's own limits: rows and columns of a sheet, UTF-16 units of a cell.
MAX_ROWS, MAX_COLUMNS, MAX_UNITS = 1_048_576, 16_384, 32_767
_NARROW, _WIDE = 10, 60  # columns, in characters


def write_workbook(result: Result, tables: Mapping[str, list[Row]], path: Path) -> None:
    """Write the workbook.

    Parameters
    ----------
    result
        For the summary.
    tables
        As :func:`yieldopt.report.frames.tables` gives them. One that is longer than a sheet goes
        on in a next sheet; text that is longer than a cell is cut, and says so.
    path
        Scratch files stand in a folder beside it until it is done.

    Raises
    ------
    OSError
        It cannot be written.
    """
    written_book(path, lambda sheets: sheets.fill(result, tables))


def write_book(facts: Facts, tables: Iterable[tuple[str, Table, list[Row]]], path: Path) -> None:
    """Write a workbook of a summary and some tables; as :func:`write_workbook`.

    Parameters
    ----------
    facts
        Of the summary: label, kind and value.
    tables
        Name, table and rows of each.
    path
        Where to.
    """

    def fill(sheets: Sheets) -> None:
        sheets.facts(sheets.first(2), facts)
        for name, table, rows in tables:
            values = [tuple(row.values()) for row in rows]
            sheets.table(name, tuple(table.columns.items()), values)

    written_book(path, fill)


def written_book(path: Path, fill: Callable[[Sheets], None]) -> None:
    """Write a workbook that a function fills; faults as of :func:`write_workbook`."""
    from xlsxwriter import Workbook
    from xlsxwriter.exceptions import XlsxFileError

    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".part-") as scratch:
        options = {"constant_memory": True, "tmpdir": scratch}
        try:
            with Workbook(str(path), options) as book:
                fill(Sheets(book))
        except XlsxFileError as error:
            (cause,) = error.args
            raise cause if isinstance(cause, OSError) else OSError(str(error)) from error


class Exact(float):
    """A number that goes into the file with all its digits: xlsxwriter itself keeps sixteen.

    Examples
    --------
    >>> f"{0.1 + 0.2:.16G}", f"{Exact(0.1 + 0.2):.16G}"
    ('0.3', '0.30000000000000004')
    """

    def __format__(self, spec: str) -> str:
        return repr(float(self))


class Sheets:
    """A workbook with its formats."""

    def __init__(self, book: Workbook) -> None:
        self.book = book
        self.header: Format = book.add_format(_HEADER)
        self.formats: dict[Kind, Format] = {
            kind: book.add_format({"num_format": text}) for kind, text in FORMATS.items()
        }

    def fill(self, result: Result, tables: Mapping[str, list[Row]]) -> None:
        """Write the summary and a sheet for each table."""
        self.summary(result, tables["products"])
        self.tables(result, tables)

    def tables(self, result: Result, tables: Mapping[str, list[Row]], before: str = "") -> None:
        """Write a sheet for each table, with something before its name."""
        for key, table in TABLES.items():
            name, rows = before + key, tables[key]
            self.table(name, tuple(table.columns.items()), [tuple(row.values()) for row in rows])
            if table.across is not None:
                columns, spread = across(table, rows, period_order(result))
                if len(columns) <= MAX_COLUMNS:
                    self.table(f"{name} by period", columns, spread)
                else:
                    self.table(f"{name} by period", [("more periods than columns", Kind.TEXT)], [])

    def summary(self, result: Result, products: list[Row]) -> None:
        """Write how the solve ended, what binds, and each product and all of them."""
        sheet = self.first(len(TABLES["products"].columns))
        total = result.overall()
        facts: Facts = [
            ("status", Kind.TEXT, str(result.status)),
            ("objective_usd", Kind.USD, result.objective_usd),
            ("bound_usd", Kind.USD, result.bound_usd),
            ("gap", Kind.FRACTION, result.gap),
            ("cost_per_good_usd, packages alone", Kind.USD, total["cost_per_good_usd"]),
            ("demand", Kind.PACKAGES, total["demand"]),
            ("made", Kind.PACKAGES, total["made"]),
            ("unmet", Kind.PACKAGES, total["unmet"]),
            ("solver", Kind.TEXT, result.solver),
            ("runtime_s", Kind.AMOUNT, result.runtime_s),
            *(("binding", Kind.TEXT, line) for line in result.binding),
        ]
        self.facts(sheet, facts)
        columns = TABLES["products"].columns
        at = len(facts) + 1
        for column, name in enumerate(columns):
            sheet.write_string(at, column, name, self.header)
        for down, row in enumerate(products, at + 1):
            for column, (name, kind) in enumerate(columns.items()):
                self.cell(sheet, down, column, kind, row[name])

    def first(self, columns: int) -> Worksheet:
        """Return the sheet of the summary, with so many columns."""
        sheet = self.book.add_worksheet("Summary")
        sheet.set_column(0, 0, 28)
        sheet.set_column(1, columns - 1, 22)
        return sheet

    def facts(self, sheet: Worksheet, facts: Facts) -> None:
        """Write a row for each fact, from the top."""
        for at, (label, kind, value) in enumerate(facts):
            self.cell(sheet, at, 0, Kind.TEXT, label)
            self.cell(sheet, at, 1, kind, value)

    def table(self, name: str, columns: Columns, rows: Sequence[Values]) -> None:
        """Write a table, over as many sheets as it needs."""
        most = MAX_ROWS - 1
        for part, first in enumerate(range(0, max(len(rows), 1), most), 1):
            title = name if part == 1 else f"{name} ({part})"
            self.sheet(self.book.add_worksheet(title), columns, rows[first : first + most])

    def sheet(self, sheet: Worksheet, columns: Columns, rows: Sequence[Values]) -> None:
        """Write a header, frozen and with filters, and rows below it."""
        for at, (name, kind) in enumerate(columns):
            values = (row[at] for row in rows)
            sheet.set_column(at, at, _width(name, kind, values), self.formats.get(kind))
            sheet.write_string(0, at, fitting(name), self.header)
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, len(rows), len(columns) - 1)
        for down, row in enumerate(rows, 1):
            for at, (_, kind) in enumerate(columns):
                self.cell(sheet, down, at, kind, row[at])

    def cell(self, sheet: Worksheet, row: int, column: int, kind: Kind, value: Any) -> None:
        """Write a value by its kind; nothing where there is none."""
        if value is None:
            return
        if kind is Kind.TEXT:
            sheet.write_string(row, column, fitting(value))  # write() would see formulas in it
        elif kind is Kind.FLAG:
            sheet.write_boolean(row, column, value)
        else:
            sheet.write_number(row, column, Exact(value), self.formats[kind])


def _width(name: str, kind: Kind, values: Iterable[Any]) -> float:
    """Return a column's width in characters: its header with a filter button, its values."""
    if kind is Kind.TEXT:
        longest = max((len(value) for value in values if value is not None), default=0)
    else:
        most = max((abs(value) for value in values if value is not None), default=0.0)
        longest = len(f"{most:,.2f}") + 2
    return min(max(len(name) + 4, longest + 1, _NARROW), _WIDE)


def fitting(text: str) -> str:
    """Return text as a cell takes it: cut, and saying so, where it is longer than a cell holds.

    xlsxwriter takes text between ``<r>`` and ``</r>`` for markup of its own: such text is given to
    it as that markup, a single run of plain text.
    """
    units = text.encode("utf-16-le")
    if len(units) > 2 * MAX_UNITS:
        mark = f" … (cut: {len(text):,} characters in the CSV)"
        text = units[: 2 * (MAX_UNITS - len(mark))].decode("utf-16-le", "ignore") + mark
    if text.startswith("<r>") and text.endswith("</r>"):
        return f'<r><t xml:space="preserve">{escape(text, quote=False)}</t></r>'
    return text


def period_order(result: Result) -> list[str]:
    """Return the periods in order: the case's, or as rows of the result name them."""
    named = (r["period"] for held in (result.resource_use, result.allocation) for r in held)
    return list(dict.fromkeys([*result.periods, *named]))


def across(table: Table, rows: list[Row], periods: Sequence[str]) -> tuple[Columns, list[Values]]:
    """Return a table with a column for each period: of ``table.across``, None where no row is.

    Raises
    ------
    ValueError
        Two rows for one cell, or a row whose period is not among them: a bug.

    Examples
    --------
    >>> table = Table({"who": Kind.TEXT, "period": Kind.TEXT, "n": Kind.PACKAGES}, across="n")
    >>> rows = [{"who": "a", "period": "Q2", "n": 5.0}, {"who": "a", "period": "Q1", "n": 4.0}]
    >>> columns, spread = across(table, rows, ["Q1", "Q2", "Q3"])
    >>> [name for name, _ in columns], spread
    (['who', 'Q1', 'Q2', 'Q3'], [('a', 4.0, 5.0, None)])
    """
    value = str(table.across)
    keys = [name for name in table.columns if name not in ("period", value)]
    place = {period: at for at, period in enumerate(periods)}
    spread: dict[tuple[Any, ...], list[Any]] = {}
    for row in rows:
        cells = spread.setdefault(tuple(row[key] for key in keys), [None] * len(periods))
        at = place.get(row["period"])
        if at is None or cells[at] is not None:
            raise ValueError(f"a second row, or an unknown period: {row}")
        cells[at] = row[value]
    columns = [(key, table.columns[key]) for key in keys]
    columns += [(period, table.columns[value]) for period in periods]
    return columns, [(*key, *cells) for key, cells in spread.items()]
