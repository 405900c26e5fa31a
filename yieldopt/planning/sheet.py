r"""The programme of a plan as arrays: rows, columns that are always there, and slots for recipes.

A *slot* is a product on a line in a period. Whatever recipe fills it, its column is made of the
same features: 1 (a good package), its money, what is shipped for a good one (1/Q) and its uses.
A rule says once, for a slot, which row takes which feature with which factor. So a recipe's column
is ``entries @ features``, and the price of each feature at duals y is its weight in the objective
less ``Σ_rows y·factor``: pricing needs nothing else from any rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Key = tuple[Any, ...]  # numbers of product, period …, and names: what a row or a column is of
PACKAGES, MONEY, SHIPPED, USES = 0, 1, 2, 3  # features; from USES on one for each resource


@dataclass(frozen=True)
class Flow:
    """Money of one unit of a column: in which period, how much, what for [USD]."""

    period: int
    usd: float
    kind: str = "running"  # or "capital", or "worth": a penalty or a sale, which nobody pays


@dataclass(frozen=True)
class Column:
    """A decision that is not a recipe."""

    name: str
    flows: tuple[Flow, ...]
    upper: float
    integral: bool
    kind: str
    key: Key
    lower: float = 0.0


@dataclass(frozen=True)
class Programme:
    """The programme as arrays; recipes are added to it slot by slot.

    Parameters
    ----------
    row_names, row_lower, row_upper
        Rows, in the words of the case, with their bounds.
    row_kinds
        ``"demand"``, ``"capacity"`` …: what may be relaxed together when nothing is feasible.
    columns
        The decisions that are not recipes.
    rows_of, columns_of, values
        Nonzeros of those columns.
    entry_row, entry_slot, entry_feature, entry_factor
        What each slot's recipes put into which row.
    cost, weight
        Of each column; and of MONEY in each slot: discounted.
    constant_usd, sold_usd
        What is paid whatever is decided, less what would be sold if all demand were served; and
        that.
    """

    row_names: tuple[str, ...]
    row_kinds: tuple[str, ...]
    row_keys: tuple[Key, ...]
    row_lower: Array
    row_upper: Array
    columns: tuple[Column, ...]
    rows_of: Index
    columns_of: Index
    values: Array
    entry_row: Index
    entry_slot: Index
    entry_feature: Index
    entry_factor: Array
    cost: Array
    weight: Array
    features: int
    constant_usd: float
    sold_usd: float = 0.0
    discount: tuple[float, ...] = ()

    def spend_usd(self, value: float, decided: Array) -> float:
        """Return what is paid of a value: no penalty for what is unmet, and no sales [USD]."""
        worth = [sum(f.usd * self.discount[f.period] for f in c.flows if f.kind == "worth")
                 for c in self.columns]  # fmt: skip
        return value + self.constant_usd + self.sold_usd - float(np.array(worth) @ decided)

    def prices(self, duals: Array, money: float = 1.0) -> Array:
        """Return the price of each feature in each slot, (slots, features), at duals (rows,).

        ``money``: weight of all money, 0 when only feasibility is asked for.
        """
        flat = self.entry_slot * self.features + self.entry_feature
        size = len(self.weight) * self.features
        spent = np.bincount(flat, duals[self.entry_row] * self.entry_factor, size)
        out: Array = np.array(-spent, float).reshape(-1, self.features)
        out[:, MONEY] += money * self.weight
        return out

    def indices(self, kind: str) -> Mapping[Key, int]:
        """Return the columns of a kind by key."""
        return {c.key: i for i, c in enumerate(self.columns) if c.kind == kind}

    def row_indices(self, kind: str) -> Mapping[Key, int]:
        """Return the rows of a kind by key."""
        pairs = zip(self.row_kinds, self.row_keys, strict=True)
        return {key: i for i, (k, key) in enumerate(pairs) if k == kind}


@dataclass
class Sheet:
    """A programme being written; each rule adds its rows, columns and entries."""

    discount: Sequence[float]  # by period
    slot_period: Index
    resources: int
    constant_usd: float = 0.0
    sold_usd: float = 0.0
    columns: list[Column] = field(default_factory=list)
    _names: list[str] = field(default_factory=list)
    _kinds: list[str] = field(default_factory=list)
    _keys: list[Key] = field(default_factory=list)
    _bounds: list[tuple[float, float]] = field(default_factory=list)
    _nonzeros: list[tuple[int, int, float]] = field(default_factory=list)
    _entries: list[tuple[Index, Index, int, float]] = field(default_factory=list)

    def row(
        self,
        name: str,
        low: float,
        high: float,
        kind: str,
        key: Key = (),
        terms: Mapping[int, float] | None = None,
    ) -> int:
        """Add a row ``low <= … <= high`` with terms by column; return its number."""
        at = len(self._names)
        self._names.append(name)
        self._kinds.append(kind)
        self._keys.append(key)
        self._bounds.append((low, high))
        for column, value in (terms or {}).items():
            self.term(at, column, value)
        return at

    def column(
        self,
        kind: str,
        key: Key,
        name: str,
        flows: Iterable[Flow] = (),
        *,
        upper: float = np.inf,
        lower: float = 0.0,
        integral: bool = False,
        terms: Mapping[int, float] | None = None,
    ) -> int:
        """Add a column with its money and terms by row; return its number."""
        at = len(self.columns)
        self.columns.append(Column(name, tuple(flows), upper, integral, kind, key, lower))
        for row, value in (terms or {}).items():
            self.term(row, at, value)
        return at

    def keys_of(self, kind: str) -> Iterator[tuple[int, Key]]:
        """Yield number and key of each row of a kind."""
        for at, own in enumerate(self._kinds):
            if own == kind:
                yield at, self._keys[at]

    def term(self, row: int, column: int, value: float) -> None:
        """Put a column into a row."""
        if value != 0.0:
            self._nonzeros.append((row, column, value))

    def recipes(self, row: int, slots: Index, feature: int, factor: float = 1.0) -> None:
        """Put a feature of whatever recipes fill some slots into a row."""
        if factor != 0.0 and len(slots):
            self._entries.append((np.full(len(slots), row), slots, feature, factor))

    def written(self) -> Programme:
        """Return the programme."""
        bounds = np.array(self._bounds, float).reshape(-1, 2)
        rows, columns, values = _split(self._nonzeros)
        counts = [len(entry[0]) for entry in self._entries]
        discount = np.asarray(self.discount, float)
        cost = [sum(self.discount[f.period] * f.usd for f in c.flows) for c in self.columns]
        return Programme(
            tuple(self._names),
            tuple(self._kinds),
            tuple(self._keys),
            bounds[:, 0],
            bounds[:, 1],
            tuple(self.columns),
            rows,
            columns,
            values,
            _joined([entry[0] for entry in self._entries]),
            _joined([entry[1] for entry in self._entries]),
            np.repeat(np.array([e[2] for e in self._entries], np.intp), counts),
            np.repeat(np.array([e[3] for e in self._entries], float), counts),
            np.array(cost, float),
            discount[self.slot_period],
            USES + self.resources,
            self.constant_usd - self.sold_usd,
            self.sold_usd,
            tuple(self.discount),
        )


def _split(nonzeros: list[tuple[int, int, float]]) -> tuple[Index, Index, Array]:
    rows = np.array([n[0] for n in nonzeros], np.intp)
    columns = np.array([n[1] for n in nonzeros], np.intp)
    return rows, columns, np.array([n[2] for n in nonzeros], float)


def _joined(parts: list[Index]) -> Index:
    return np.concatenate(parts) if parts else np.empty(0, np.intp)
