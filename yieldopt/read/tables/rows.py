"""The rows of a table: every number once, checked, for what it belongs to and its period."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from yieldopt.errors import Fault, near_miss
from yieldopt.read.tables.header import Columns
from yieldopt.read.tables.source import LISTED, Cells, Source
from yieldopt.schema.base import LARGEST


@dataclass(frozen=True)
class Wanted:
    """What the case has: periods, and units by product or resource (``None``: it gives none)."""

    what: str
    units: Mapping[str, str | None]
    periods: tuple[str, ...]
    unit: str | None = None  # of the whole table


@dataclass
class _Found:
    """Numbers by name, the rows they stand in, and faults, of which the first are kept."""

    source: Source
    numbers: dict[str, list[float | None]] = field(default_factory=dict)
    seen: dict[str, list[int]] = field(default_factory=dict)  # row of each period, -1: none yet
    mismatched: set[str] = field(default_factory=set)  # told already, where the unit is the table's
    unsure: set[str] = field(default_factory=set)  # a row of theirs could not be read
    faults: list[Fault] = field(default_factory=list)
    count: int = 0

    def add(
        self,
        message: str,
        row: int,
        at: int | None,
        value: Any = None,
        known: Collection[str] = (),
        hint: str = "",
    ) -> None:
        self.count += 1
        if len(self.faults) < LISTED:
            near = near_miss(value, known) if known else hint
            self.faults.append(self.source.fault(message, row, at, value, near))

    def empty(self, row: int, at: int) -> None:
        hint = self.source.empty_hint(row, at) if len(self.faults) < LISTED else ""
        self.add("is empty", row, at, hint=hint)


def numbers_of(
    source: Source, columns: Columns, wanted: Wanted
) -> tuple[dict[str, list[float]], list[Fault]]:
    """Read the rows of a table.

    Parameters
    ----------
    source
        The table.
    columns
        Where its columns are.
    wanted
        What may stand in it.

    Returns
    -------
    tuple
        A number for every period by name, as far as the rows are in order; and their faults,
        the first fifty and the count of the rest. A row without any cell is passed over; a table
        of no other is a fault.
    """
    found = _Found(source)
    cells = source.numbers(list(columns.values))
    known = {name: order for order, name in enumerate(wanted.periods)}
    for row, name, period, unit in _labels(source, columns):
        if name is None and period is None and all(c[row] is None for c in cells.values()):
            continue
        if name is None:
            found.empty(row, columns.entry)
        elif name not in wanted.units:
            found.add(f"unknown {_noun(wanted)}", row, columns.entry, name, wanted.units)
        elif _unit_agrees(found, row, columns, wanted, name, unit):
            _take(found, row, name, period, columns, known, cells)
    _gaps(found, wanted)
    if not found.seen and not found.count:
        hint = "leave the table out, or write a row for every number, 0 where there is none"
        found.faults.append(source.fault("has no rows: it gives nothing", hint=hint))
    found.faults += source.rest(found.count - LISTED)
    whole = {
        name: [number for number in numbers if number is not None]
        for name, numbers in found.numbers.items()
    }
    return {n: v for n, v in whole.items() if len(v) == len(wanted.periods)}, found.faults


def _noun(wanted: Wanted) -> str:
    return "resource" if wanted.what == "capacity" else "product"


def _labels(
    source: Source, columns: Columns
) -> Iterator[tuple[int, str | None, str | None, str | None]]:
    """Yield (row, name, period, unit) of every row."""
    nothing: list[str | None] = [None] * source.rows
    names = source.texts(columns.entry)
    periods = nothing if columns.period is None else source.texts(columns.period)
    units = nothing if columns.unit is None else source.texts(columns.unit)
    yield from zip(range(source.rows), names, periods, units, strict=True)


def _unit_agrees(
    found: _Found, row: int, columns: Columns, wanted: Wanted, name: str, unit: str | None
) -> bool:
    """Whether the row is in the unit of the case; nothing is converted."""
    if columns.unit is None:
        if wanted.unit is None:
            return True
        unit = wanted.unit
    elif unit is None:
        found.empty(row, columns.unit)
        return False
    own = wanted.units[name]
    if unit == own:
        return True
    if columns.unit is not None or name not in found.mismatched:
        hint = f"{name} is in {own}" if own else f"the case gives {name} no unit"
        found.add("unit mismatch", row, columns.unit, unit, hint=hint)
    found.mismatched.add(name)
    found.unsure.add(name)
    return False


def _take(
    found: _Found,
    row: int,
    name: str,
    period: str | None,
    columns: Columns,
    known: Mapping[str, int],
    cells: Mapping[int, Cells],
) -> None:
    """Put the numbers of a row in their places."""
    for at, order in columns.values.items():
        if order < 0:
            if period is None:
                found.empty(row, columns.period or 0)
            elif period not in known:
                found.add("unknown period", row, columns.period, period, known)
            if period not in known:
                found.unsure.add(name)
                return
            order = known[str(period)]
        seen = found.seen.setdefault(name, [-1] * len(known))
        if seen[order] >= 0:
            first = found.source.first + seen[order]
            text = f"duplicate: row {first} has it already"
            at_names = columns.entry if columns.period is None else None
            found.add(text, row, at_names, name if columns.period is None else (name, period))
            return
        seen[order] = row
        numbers = found.numbers.setdefault(name, [None] * len(known))
        numbers[order] = _number(found, row, at, cells[at][row])


def _number(found: _Found, row: int, at: int, cell: float | str | None) -> float | None:
    if cell is None:
        found.empty(row, at)
    elif isinstance(cell, str):
        found.add("must be a number", row, at, cell, hint=found.source.number_hint)
    elif not math.isfinite(cell):
        found.add("must be finite", row, at, cell)
    elif cell < 0.0:
        found.add("must be at least 0", row, at, cell)
    elif cell > LARGEST:
        found.add(f"must be at most {LARGEST:g}", row, at, cell)
    else:
        return cell + 0.0  # -0.0 is 0.0
    return None


def _gaps(found: _Found, wanted: Wanted) -> None:
    """Name the periods that a name has no row for, at its first row."""
    for name, rows in found.seen.items():
        absent = [p for p, row in zip(wanted.periods, rows, strict=True) if row < 0]
        if absent and name not in found.unsure:
            first = min(row for row in rows if row >= 0)
            text = f"has no row for {', '.join(absent)}"
            found.add(text, first, None, name, hint="write 0 where there is none")
