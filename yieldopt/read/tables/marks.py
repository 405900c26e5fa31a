"""What a workbook's own text tells beyond values: cells that are text or errors, merged ranges.

A reader of values gives a number and digits written as text alike, and a merged range as one value
among empty cells. Both are looked up in the sheet's XML; where it is written in a way that is not
understood, nothing is found, and cells are taken as their values are.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

# All that zipfile and the XML parser raise for a file that is damaged or encrypted.
UNREADABLE = (
    OSError,
    KeyError,
    StopIteration,
    EOFError,
    ValueError,
    RuntimeError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
    ElementTree.ParseError,
)
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]+)(\d+):([A-Z]+)(\d+)"')
_FEW = 32  # columns that a pattern tries one by one


@dataclass(frozen=True)
class Marks:
    """The XML of a sheet, and its merged ranges: (top row, left, bottom row, right, name)."""

    xml: bytes = b""
    merged: tuple[tuple[int, int, int, int, str], ...] = field(default=())

    def odd_cells(self, columns: Sequence[str]) -> Iterator[tuple[str, int, str]]:
        """Yield (column, row, name of an error or nothing) of cells that hold no number."""
        names = "|".join(columns) if len(columns) <= _FEW else "[A-Z]+"
        wanted = {name.encode() for name in columns}
        cell = (
            rb"<(?:\w+:)?c\s+r=\"(" + names.encode() + rb")(\d+)\""
            rb"[^>]*?\st=\"(\w+)\"[^>/]*>(.*?)</(?:\w+:)?c>"
        )
        for found in re.finditer(cell, self.xml, re.DOTALL):
            column, row, kind, inside = found.groups()
            if kind != b"n" and column in wanted:
                yield column.decode(), int(row), _error(kind, inside)

    def merged_over(self, row: int, place: int) -> str:
        """Return the name of the merged range that holds a cell, or empty."""
        for top, left, bottom, right, name in self.merged:
            if top <= row <= bottom and left <= place <= right:
                return name
        return ""


def _error(kind: bytes, inside: bytes) -> str:
    value = re.search(rb"<(?:\w+:)?v>([^<]*)<", inside)
    return value[1].decode(errors="replace") if kind == b"e" and value else ""


def sheet_marks(path: Path, sheet: str) -> Marks:
    """Return the marks of a sheet; none where they cannot be read."""
    try:
        with zipfile.ZipFile(path) as book:
            xml = book.read(_member(book, sheet))
    except UNREADABLE:
        return Marks()
    tail = xml[xml.rfind(b"sheetData") :]
    return Marks(xml, tuple(_range(*found.groups()) for found in _MERGED.finditer(tail)))


def sheet_bytes(path: Path, sheet: str) -> int:
    """Return how large the text of a sheet is, unpacked; 0 where that cannot be read."""
    try:
        with zipfile.ZipFile(path) as book:
            return book.getinfo(_member(book, sheet)).file_size
    except UNREADABLE:
        return 0


def _range(left: bytes, top: bytes, right: bytes, bottom: bytes) -> tuple[int, int, int, int, str]:
    name = f"{left.decode()}{top.decode()}:{right.decode()}{bottom.decode()}"
    return int(top), place_of(left), int(bottom), place_of(right), name


def place_of(letters: bytes) -> int:
    """Return a column's place from 0: A is 0, AA is 26."""
    place = 0
    for letter in letters:
        place = 26 * place + letter - ord("A") + 1
    return place - 1


def _member(book: zipfile.ZipFile, sheet: str) -> str:
    """Return the file inside the workbook that holds a sheet."""
    sheets = ElementTree.fromstring(book.read("xl/workbook.xml")).iterfind(".//{*}sheet")
    attributes = next(s.attrib for s in sheets if s.get("name") == sheet)
    relation = next(value for key, value in attributes.items() if key.endswith("}id"))
    links = ElementTree.fromstring(book.read("xl/_rels/workbook.xml.rels"))
    target = next(link.attrib["Target"] for link in links if link.get("Id") == relation)
    return target[1:] if target.startswith("/") else f"xl/{target}"
