"""A table as its file has it: header, cells by column, and the words for where a cell stands."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from yieldopt.errors import Fault

Cells = list[float | str | None]  # a number; what stands in place of one; None for an empty cell
LISTED = 50  # faults of one table; of the rest their count is told
NUMBER_HINT = "write 1234.5: a decimal point, no thousands separators, no unit"


class Source(ABC):
    """A table of one file; rows count from 0 below the header, which is row -1.

    Parameters
    ----------
    file
        Its name, for faults.
    header
        Names of its columns; ``None`` for one without.
    rows
        How many there are.
    first
        The number of row 0, as the planner sees it.
    """

    number_hint = NUMBER_HINT

    def __init__(self, file: str, header: list[str | None], rows: int, first: int) -> None:
        self.file, self.header, self.rows, self.first = file, header, rows, first

    @abstractmethod
    def texts(self, at: int) -> list[str | None]:
        """Return the cells of a column as names; an empty one is ``None``."""

    @abstractmethod
    def numbers(self, columns: Sequence[int]) -> dict[int, Cells]:
        """Return the cells of columns as numbers, by column."""

    def misfit(self, at: int, numeric: bool) -> str:
        """Return what the whole column holds instead of numbers or names; empty if it may do."""
        return ""

    def empty_hint(self, row: int, at: int) -> str:
        """Return what to do about an empty cell."""
        return "write 0 where there is none"

    def fault(
        self,
        message: str,
        row: int | None = None,
        at: int | None = None,
        value: Any = None,
        hint: str = "",
    ) -> Fault:
        """Return a fault at a cell, a row, a column or the table as a whole."""
        where = self._sheet()
        if row is not None and self.first + row > 0:
            where.append(f"row {self.first + row}")
        if at is not None:
            where.append(self._column(at))
        return Fault(message, ", ".join(where), value, hint, self.file, self._line(row))

    def rest(self, count: int) -> list[Fault]:
        """Return the fault that stands for those that are not listed; none for none."""
        text = f"{count:,} more faults of this table are not listed"
        return [self.fault(text)] if count > 0 else []

    def _sheet(self) -> list[str]:
        return []

    def _column(self, at: int) -> str:
        return f"column {self.header[at] or at + 1}"

    def _line(self, row: int | None) -> int:
        return 0
