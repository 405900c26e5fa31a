"""What has been read of a case from a workbook so far, and how cells are read into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from yieldopt.errors import CaseError, Fault, near_miss
from yieldopt.read.book.cells import value_of
from yieldopt.read.book.layout import Cell
from yieldopt.read.book.opening import Sheet
from yieldopt.read.keys import Path


@dataclass
class Joined:
    """What has been read of a case so far.

    Parameters
    ----------
    data
        As of a case file.
    places
        How the cell, row or sheet of a key is called, by path.
    faults
        Of what could not be put into the data.
    spoilt
        Rows (``sheet Products, row 7``) with a cell that could not be read: of those, no other
        fault is true for sure.
    unread
        Paths of what stands on sheets that are not there, or could not be read at all.
    unsure
        Paths (``None`` for any entry of a list) whose values could not be read: nor is it of them.
    """

    data: dict[str, Any] = field(default_factory=dict)
    places: dict[Path, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    spoilt: set[str] = field(default_factory=set)
    unread: set[Path] = field(default_factory=set)
    unsure: set[tuple[str, int | None, str]] = field(default_factory=set)

    def fault(self, text: str, where: str, value: Any = None, hint: str = "") -> None:
        """Note a fault."""
        self.faults.append(Fault(text, where, value, hint))

    def put(self, table: dict[str, Any], base: Path, keys: Path, value: Any, where: str) -> None:
        """Put a value in a table that stands at ``base``; a second one for its key is a fault."""
        path = base
        for key in keys[:-1]:
            path = (*path, key)
            self.places.setdefault(path, where)
            table = table.setdefault(str(key), {})
            if not isinstance(table, dict):
                self.fault("is given as a whole too", where, hint=f"see {self.places[path]}")
                return
        path = (*path, keys[-1])
        if str(keys[-1]) in table:
            self.fault("given twice", where, hint=f"see {self.places[path]}")
            return
        table[str(keys[-1])] = value
        self.places[path] = where


def values_in(
    sheet: Sheet, out: Joined, plain: str = ""
) -> Iterator[tuple[int, dict[str, tuple[Any, str]]]]:
    """Yield (row, {column name: (value, place)}); what cannot be read is noted and left out.

    Cells of the column ``plain`` are given as they are.
    """
    for number, row in sheet.rows:
        found: dict[str, tuple[Any, str]] = {}
        for column, cell in row.items():
            if column in sheet.header:
                where = sheet.place(number, column)
                is_plain = sheet.header[column] == plain
                value = cell if is_plain else read_or_note(value_of, cell, where, out)
                if value is not None:
                    found[sheet.header[column]] = (value, where)
                else:
                    out.spoilt.add(sheet.place(number))
        yield number, found


def read_or_note(reader: Callable[[Any], Any], cell: Cell, where: str, out: Joined) -> Any:
    """Return what a reader makes of a cell; ``None`` where that is a fault, which is noted."""
    try:
        return reader(cell)
    except CaseError as error:
        out.faults += [fault.under(where) for fault in error.faults]
        return None


def has_columns(sheet: Sheet, columns: tuple[str, ...], out: Joined) -> bool:
    """Note columns that a sheet must not or does not have; return whether it has all."""
    missing = [name for name in columns if name not in sheet.header.values()]
    if not sheet.header and sheet.spoilt:  # which is said already
        return False
    for name in missing:
        out.fault(f"no column {name!r}", f"sheet {sheet.name}")
    return not missing


def by_name(kind: str, out: Joined, key: str = "name") -> dict[Any, int]:
    """Return the place of each entry of a list by its name; of a name given twice, the first.

    An entry without a name, or one that could not be read, stands under ``None``: which names
    there are is not known then.
    """
    found: dict[Any, int] = {None: 0} if (kind,) in out.unread else {}
    for at, entry in enumerate(out.data.get(kind, ())):
        name = entry.get(key)
        found.setdefault(name if isinstance(name, str) else None, at)
    return found


def owner(
    known: Mapping[Any, int], cell: tuple[Any, str] | None, number: int, sheet: Sheet, out: Joined
) -> int | None:
    """Return the place of the entry that a row names; ``None`` where it names none: noted."""
    if cell is None:
        if sheet.place(number) not in out.spoilt:
            out.fault("names nothing in its first column", sheet.place(number))
        return None
    name, where = cell
    if isinstance(name, str) and name in known:
        return known[name]
    if None not in known:
        out.fault("unknown name", where, name, near_miss(name, map(str, known)))
    return None
