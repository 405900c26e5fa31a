"""The rows of several futures in one programme: each kept once where it is the same in several."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from yieldopt.planning.sheet import Array, Column, Index, Key, Programme

Content = tuple[Index, Array]  # columns and values
Filled = tuple[Index, Index, Array]  # slots, features and factors


class Rows:
    """Rows as they are put together, future by future."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.keys: list[Key] = []  # kind first
        self.bounds: list[tuple[float, float]] = []
        self.content: list[Content] = []
        self.filled: list[Filled] = []
        self.where: list[Index] = []  # of each future's rows
        self.programmes: list[Programme] = []
        self._places: dict[Key, int] = {}
        self._charged: set[tuple[int, int]] = set()

    def add(
        self,
        name: str,
        key: Key,
        bounds: tuple[float, float],
        content: Content,
        filled: Filled,
    ) -> None:
        """Add a row; the first part of its key is its kind."""
        self.names.append(name)
        self.keys.append(key)
        self.bounds.append(bounds)
        self.content.append(content)
        self.filled.append(filled)

    def put(self, programme: Programme, columns: Index, slots: Index) -> None:
        """Add the rows of a future, but those that are there already.

        Parameters
        ----------
        programme
            Of the future.
        columns, slots
            Where its columns and slots are.
        """
        number, count = len(self.where), len(programme.row_names)
        nonzeros = _by_row(programme.rows_of, count)
        entries = _by_row(programme.entry_row, count)
        own = np.empty(count, np.intp)
        for row, (mine, used) in enumerate(zip(nonzeros, entries, strict=True)):
            key = (programme.row_kinds[row], *programme.row_keys[row])
            bounds = float(programme.row_lower[row]), float(programme.row_upper[row])
            content = columns[programme.columns_of[mine]], programme.values[mine]
            filled = (
                slots[programme.entry_slot[used]],
                programme.entry_feature[used],
                programme.entry_factor[used],
            )
            same = tuple(part.tobytes() for part in (*content, *filled))
            own[row] = self._places.setdefault((*key, bounds, same), len(self.names))
            if own[row] == len(self.names):
                named = (key[0], number, *key[1:])
                self.add(programme.row_names[row], named, bounds, content, filled)
        self.where.append(own)
        self.programmes.append(programme)

    def demand(self, number: int) -> Mapping[tuple[int, int], Key]:
        """Return the keys of a future's demand rows, without their kind, by product and period."""
        rows = self.programmes[number].row_indices("demand")
        return {(key[0], key[1]): self.keys[self.where[number][at]][1:] for key, at in rows.items()}

    def charge(self, number: int, owner: int, column: int) -> None:
        """Put a column of another future into the budgets of one that has it not."""
        theirs = self.programmes[owner].row_indices("budget")
        for key, row in self.programmes[number].row_indices("budget").items():
            source, to = int(self.where[owner][theirs[key]]), int(self.where[number][row])
            columns, values = self.content[source]
            mine = columns == column
            if mine.any() and (to, column) not in self._charged:
                self._charged.add((to, column))
                before = self.content[to]
                self.content[to] = (
                    np.concatenate([before[0], columns[mine]]),
                    np.concatenate([before[1], values[mine]]),
                )

    def written(
        self, columns: list[Column], cost: Array, weight: Array, features: int, constant_usd: float
    ) -> Programme:
        """Return the programme of all rows, with the objective given."""
        bounds = np.array(self.bounds, float).reshape(-1, 2)
        rows = np.arange(len(self.names))
        of_columns = [len(columns_) for columns_, _ in self.content]
        of_slots = [len(slots) for slots, _, _ in self.filled]
        none = np.empty(0, np.intp)
        return Programme(
            tuple(self.names),
            tuple(str(key[0]) for key in self.keys),
            tuple(key[1:] for key in self.keys),
            bounds[:, 0],
            bounds[:, 1],
            tuple(columns),
            np.repeat(rows, of_columns),
            np.concatenate([none, *(part[0] for part in self.content)]),
            np.concatenate([np.empty(0), *(part[1] for part in self.content)]),
            np.repeat(rows, of_slots),
            np.concatenate([none, *(part[0] for part in self.filled)]),
            np.concatenate([none, *(part[1] for part in self.filled)]),
            np.concatenate([np.empty(0), *(part[2] for part in self.filled)]),
            cost,
            weight,
            features,
            constant_usd,
        )


def _by_row(rows: Index, count: int) -> list[Index]:
    """Return the places of each row's entries, in their order."""
    order = np.argsort(rows, kind="stable")
    starts = np.searchsorted(rows[order], np.arange(1, count))
    return np.split(order, starts)
