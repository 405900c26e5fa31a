"""The answer as one Excel workbook: a summary, then a sheet for each table.

Rows go to disk as they are written, so that large tables need little memory. Text is always text:
what begins with ``=``, ``+``, ``-`` or ``@`` is no formula, and no link is made of it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yieldopt.plan import Result
from yieldopt.report.cells import (
    MAX_COLUMNS,
    MAX_ROWS,
    Exact,
    Formats,
    Held,
    fitting,
    set_margins,
    set_print,
    width_of,
)
from yieldopt.report.frames import TABLES, Kind, Row, Table

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

Columns = Sequence[tuple[str, Kind]]  # headers need not differ: a period may be called "route"
Values = Sequence[Any]
Facts = Sequence[tuple[str, Kind, Any]]

_FULL, _EMPTY = "#0072B2", "#BFBFBF"  # tabs of the answer's sheets, with rows and without
_LABELS, _FACTS = 36, 22  # columns of the summary, in characters
_SAID = {
    "objective_usd": "all that the plan costs, discounted; less sales where margin is maximised",
    "bound_usd": "no plan costs less than this",
    "gap": "by how much of its cost the plan may be above the least",
    "cost_per_good_usd, packages alone": "mean of all good packages that are made",
    "demand": "good packages, all products and periods",
    "made": "good packages that are made",
    "unmet": "good packages of demand that are not served",
}


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

    held = Held()
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".part-") as scratch:
        options = {"constant_memory": True, "tmpdir": scratch}
        try:
            with Workbook(held, options) as book:
                fill(Sheets(book))
        except XlsxFileError as error:
            (cause,) = error.args
            raise cause if isinstance(cause, OSError) else OSError(str(error)) from error
    path.write_bytes(held.getvalue())


class Sheets:
    """A workbook with its formats."""

    def __init__(self, book: Workbook) -> None:
        self.book = book
        self.formats = Formats(book)

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

    def summary(
        self,
        result: Result,
        products: list[Row],
        heading: str = "",
        sheets: Iterable[tuple[str, str]] = (),
    ) -> None:
        """Write how the solve ended, what binds, and each product and all of them.

        Parameters
        ----------
        result, products
            The plan, and the rows of its table of products.
        heading
            What stands above.
        sheets
            Name and content of each other sheet, for a list with links.
        """
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
        top = 0
        if heading:
            sheet.write_string(0, 0, fitting(heading), self.formats.title)
            sheet.freeze_panes(1, 0)
            top = 2
        self.facts(sheet, facts, top, _SAID)
        top += len(facts) + 1
        columns = tuple(TABLES["products"].columns.items())
        self.rows(sheet, columns, [tuple(row.values()) for row in products], top)
        top += len(products) + 2
        for down, (name, content) in enumerate(sheets):
            place = f"internal:'{name}'!A1"
            sheet.write_url(top + down, 0, place, self.formats.link, name)
            sheet.write_string(top + down, 1, content)

    def first(self, columns: int) -> Worksheet:
        """Return the sheet of the summary, with so many columns."""
        sheet = self.book.add_worksheet("Summary")
        sheet.set_tab_color(_FULL)
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        set_margins(sheet)
        sheet.set_column(0, 0, _LABELS)
        sheet.set_column(1, columns - 1, _FACTS)
        return sheet

    def facts(
        self, sheet: Worksheet, facts: Facts, top: int = 0, said: Mapping[str, str] | None = None
    ) -> None:
        """Write a row for each fact, from a row on, with what is said of some of them."""
        for at, (label, kind, value) in enumerate(facts, top):
            sheet.write_string(at, 0, fitting(label), self.formats.label)
            form = self.formats.of(kind, (value,))
            if kind is Kind.TEXT and value is not None and len(value) < _FACTS:
                form = self.formats.right
            self.cell(sheet, at, 1, kind, value, form)
            if said is not None and label in said:
                sheet.write_string(at, 2, said[label], self.formats.note)

    def table(self, name: str, columns: Columns, rows: Sequence[Values]) -> None:
        """Write a table, over as many sheets as it needs."""
        most = MAX_ROWS - 1
        for part, first in enumerate(range(0, max(len(rows), 1), most), 1):
            title = name if part == 1 else f"{name} ({part})"
            self.sheet(self.book.add_worksheet(title), columns, rows[first : first + most])

    def sheet(self, sheet: Worksheet, columns: Columns, rows: Sequence[Values]) -> None:
        """Write a header, frozen and with filters, and rows below it."""
        widths = []
        for at, (name, kind) in enumerate(columns):
            widths.append(width_of(name, kind, (row[at] for row in rows)))
            form = self.formats.of(kind, (row[at] for row in rows))
            sheet.set_column(at, at, widths[-1], form)
        sheet.set_tab_color(_FULL if rows else _EMPTY)
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, len(rows), len(columns) - 1)
        set_print(sheet, widths)
        self.rows(sheet, columns, rows, 0, widths)

    def rows(
        self,
        sheet: Worksheet,
        columns: Columns,
        rows: Sequence[Values],
        top: int,
        widths: Sequence[float] = (),
    ) -> None:
        """Write a header and rows below it, from a row on; text wider than its column wraps."""
        forms = []
        for at, (name, kind) in enumerate(columns):
            sheet.write_string(top, at, fitting(name), self.formats.head(kind))
            forms.append(self.formats.of(kind, (row[at] for row in rows)))
        texts = [at for at, (_, kind) in enumerate(columns) if widths and kind is Kind.TEXT]
        for down, row in enumerate(rows, top + 1):
            held = [(at, row[at]) for at in texts if row[at] is not None]
            fitted = {at: self.formats.fitted(text, widths[at]) for at, text in held}
            height = self.formats.height((fitted[at], text, widths[at]) for at, text in held)
            if height is not None:
                sheet.set_row(down, height)
            for at, (_, kind) in enumerate(columns):
                form = fitted.get(at) if kind is Kind.TEXT else forms[at]
                self.cell(sheet, down, at, kind, row[at], form)

    @staticmethod
    def cell(
        sheet: Worksheet, row: int, column: int, kind: Kind, value: Any, form: Format | None
    ) -> None:
        """Write a value by its kind; nothing where there is none."""
        if value is None:
            return
        if kind is Kind.TEXT:
            sheet.write_string(row, column, fitting(value), form)  # write() would see formulas
        elif kind is Kind.FLAG:
            sheet.write_boolean(row, column, value, form)
        else:
            sheet.write_number(row, column, Exact(value), form)


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
