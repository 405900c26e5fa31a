"""Blocks of a batch, written where they stay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from yieldopt.flow import Outcome
from yieldopt.memory import RESULT, empty
from yieldopt.physics.yields import Value
from yieldopt.walk import LENT, SPARE

_ROWS = 16  # taken at once
_HEAD = ("cost_per_shipped_usd", "cost_per_good_usd", "quality", "dppm")
_TABLES = ("visits", "uses", "waterfall_usd")


@dataclass(slots=True)
class Gather:
    """The whole arrays of a batch of a size; what does not vary stays a scalar.

    Blocks come from any thread, in any order.
    """

    size: int
    tables: dict[str, dict[str, Value]] = field(
        default_factory=lambda: {name: {} for name in ("", *_TABLES)}
    )
    blocked: dict[int, str] = field(default_factory=dict)  # by the start of its block
    lock: Lock = field(default_factory=Lock)

    def home(self, block: slice, table: str, name: str) -> NDArray[np.float64]:
        """Return the place of a block in one result (``table`` "" is the head of the outcome)."""
        whole = self.tables[table].get(name)
        if not isinstance(whole, np.ndarray):
            with self.lock:
                whole = self.tables[table].get(name)
                if not isinstance(whole, np.ndarray):
                    held, whole = whole, empty(self.size, least=RESULT)
                    if held is not None:
                        whole[...] = held
                    self.tables[table][name] = whole
        return whole[block]

    def put(self, room: Room, out: Outcome) -> None:
        """Keep one block's outcome: what is not yet in its place is copied there."""
        if out.blocked:
            self.blocked[room.block.start] = out.blocked
        self._store("", room, {name: getattr(out, name) for name in _HEAD})
        for table in _TABLES:
            self._store(table, room, getattr(out, table))

    def _store(self, table: str, room: Room, values: Mapping[str, Value]) -> None:
        for name, value in values.items():
            if value is room.given.get((table, name)):
                continue
            if table and not isinstance(value, np.ndarray):
                with self.lock:
                    held = self.tables[table].setdefault(name, value)
                if not isinstance(held, np.ndarray) and held == value:
                    continue
            np.copyto(self.home(room.block, table, name), value)

    def outcome(self) -> Outcome:
        """Return the whole."""
        head = self.tables[""]
        visits, uses, falls = (self.tables[name] for name in _TABLES)
        blocked = self.blocked[min(self.blocked)] if self.blocked else None
        cost, per_good, quality, dppm = (head[name] for name in _HEAD)
        return Outcome(cost, per_good, quality, dppm, visits, uses, falls, blocked)


@dataclass(slots=True)
class Room:
    """Where the walk over a block writes: results in their place, the rest in memory used again.

    One for each thread.
    """

    whole: Gather
    rows: list[NDArray[np.float64]] = field(default_factory=list)
    block: slice = field(default_factory=lambda: slice(0, 0))
    used: int = 1  # the first row is the spare one
    given: dict[tuple[str, str], NDArray[np.float64]] = field(default_factory=dict)  # places

    def enter(self, block: slice) -> None:
        """Begin with the next block: all rows are free again."""
        self.block, self.used = block, 1
        self.given.clear()

    def home(self, table: str, name: str) -> NDArray[np.float64]:
        """Return the array in which a result, or what is only lent, is to be written."""
        if table == SPARE:
            return self._row(0)
        if table == LENT:
            self.used += 1
            return self._row(self.used - 1)
        place = self.given[table, name] = self.whole.home(self.block, table, name)
        return place

    def _row(self, at: int) -> NDArray[np.float64]:
        size = self.block.stop - self.block.start
        while at >= len(self.rows):
            self.rows += list(empty(_ROWS, size))  # the first block is the longest
        row = self.rows[at]
        return row if len(row) == size else row[:size]
