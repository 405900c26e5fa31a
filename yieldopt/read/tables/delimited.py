"""CSV files."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

from yieldopt.errors import CaseError, Fault
from yieldopt.read.tables.source import LISTED, Cells, Source
from yieldopt.schema.tables import TableShape

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def plain_number(text: str) -> float | str:
    """Return the number that a text is, or the text: nothing that Python alone takes for one.

    Examples
    --------
    >>> plain_number("1200"), plain_number("1_200"), plain_number("1,5"), plain_number("nan")
    (1200.0, '1_200', '1,5', 'nan')
    """
    return float(text) if _NUMBER.fullmatch(text) else text


def _spaced_number(text: str) -> float | str:
    """Return the number between spaces; what is none stays as it stands in the file."""
    number = plain_number(text.strip())
    return text if isinstance(number, str) else number


class Delimited(Source):
    """Records of a CSV file; rows of nothing are passed over."""

    def __init__(self, file: str, records: list[list[str]], lines: list[int], header: int) -> None:
        names = [name or None for name in records[header]]
        super().__init__(file, names, len(records) - header - 1, header + 2)
        self.records, self.lines, self.skipped = records, lines, header + 1

    def texts(self, at: int) -> list[str | None]:
        """Return the cells of a column as names."""
        return [
            (record[at] or None) if at < len(record) else None
            for record in self.records[self.skipped :]
        ]

    def numbers(self, columns: Sequence[int]) -> dict[int, Cells]:
        """Return the cells of columns as numbers, by column."""
        return {at: [_spaced_number(t) if t else None for t in self.texts(at)] for at in columns}

    def _line(self, row: int | None) -> int:
        return self.lines[self.skipped + row] if row is not None else 0


def read_delimited(path: Path, shape: TableShape) -> Delimited:
    """Read a CSV file.

    Raises
    ------
    CaseError
        Not UTF-8, quotes that do not close, no header, rows with another count of fields than it:
        what is in their cells is not sure.
    """
    name, data = str(path), path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        hint = "save the file as 'CSV UTF-8'"
        raise CaseError(Fault("not UTF-8 text", hint=hint, file=name, line=line)) from None
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=shape.separator, strict=True)
    records: list[list[str]] = []
    lines: list[int] = []
    start = 1
    try:
        for record in reader:
            records.append(record)
            lines.append(start)
            start = reader.line_num + 1
    except csv.Error as error:
        raise CaseError(Fault(f"not CSV: {error}", file=name, line=start)) from None
    header = shape.header_row - 1
    if len(records) <= header or not any(records[header]):
        raise CaseError(Fault("no header", f"row {header + 1}", file=name))
    table = Delimited(name, records, lines, header)
    ragged = _ragged(table, len(records[header]))
    if ragged:
        raise CaseError(ragged)
    return table


def _ragged(table: Delimited, width: int) -> list[Fault]:
    hint = "a value that holds the separator goes in quotes"
    records = enumerate(table.records[table.skipped :])
    wrong = [(row, len(record)) for row, record in records if len(record) != width and any(record)]
    found = [
        table.fault(f"has {count} fields, the header {width}", row, hint=hint)
        for row, count in wrong[:LISTED]
    ]
    return found + table.rest(len(wrong) - LISTED)
