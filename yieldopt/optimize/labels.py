r"""Partial plans of a sub-assembly as rows of numbers, on which every step is a gather or a sum.

A label is a choice of levels for all tests of a sub-assembly up to some position. Whatever follows,
its cost depends on three things only: ``v``, its spend with every dollar weighed by Π S(κ) of the
faults present when it was spent; ``a[x] = Σ ln S(κ)`` and ``q[x] = Σ ln Q`` of its faults after
each exposure x to the tests ahead (:mod:`yieldopt.optimize.exposure`). For a shipped package

    cost per good = v · e^(−a − q) ,    ln Q = q .

A test of charge c at level k (f of it charged to units that fail, overkill o) makes
v ← (v + f·c·e^a[∅]) / (1−o) + (1−f)·c·e^a′[∅] with a′[x′] = a[k, then x′]: nothing else of the
physics is left. A join of n units multiplies v by n and by S of all the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Pair = tuple[Array, Array]


@dataclass(frozen=True)
class Labels:
    """Labels of one sub-assembly at one position, one a row.

    Parameters
    ----------
    v
        Weighed spend of one passed unit by purse (cost first, then limited resources), (L, P).
    tables
        By channel that has faults: ``a`` and ``q`` after each exposure ahead, each (L, n).
    slack
        How much better the plans that a label stands for may end: ln of cost; ln Q or ln of limited
        purses, (L, 2).
    origin
        The levels taken.
    """

    v: Array
    tables: Mapping[int, Pair]
    slack: Array
    origin: Origin

    def __len__(self) -> int:
        return len(self.v)

    def take(self, rows: Index) -> Labels:
        """Return some labels."""
        tables = {c: (a[rows], q[rows]) for c, (a, q) in self.tables.items()}
        return Labels(self.v[rows], tables, self.slack[rows], self.origin.take(rows))

    def weight(self, empty: Sequence[int]) -> Array:
        """Return Π S of the faults present, what a dollar spent now counts for, (L,)."""
        total = np.zeros(len(self))
        for channel, (a, _) in self.tables.items():
            total += a[:, empty[channel]]
        return np.exp(total)


@dataclass(frozen=True)
class Origin:
    """How labels came about: the levels they took, and the labels they were made of."""

    place: str | None = None
    pick: Index | None = None  # (L,) level taken at ``place``
    parts: tuple[tuple[Origin, Index], ...] = ()  # each with the row of every label

    def take(self, rows: Index) -> Origin:
        """Return the origin of some labels."""
        return Origin(
            self.place,
            None if self.pick is None else self.pick[rows],
            tuple((origin, index[rows]) for origin, index in self.parts),
        )

    def levels(self, row: int) -> dict[str, int]:
        """Return the level of every choice of one label, by place."""
        found: dict[str, int] = {}
        stack: list[tuple[Origin, int]] = [(self, row)]
        while stack:
            origin, at = stack.pop()
            if origin.place is not None and origin.pick is not None:
                found[origin.place] = int(origin.pick[at])
            stack += [(part, int(index[at])) for part, index in origin.parts]
        return found


@dataclass(frozen=True)
class Menu:
    """An item of a node ready to be applied: numbers by level, and maps of exposures.

    ``charge`` (K, P), ``share`` f, ``kept`` 1 − overkill or scrap (K,); ``after`` by channel
    (K, n′); ``left`` by channel: ``a`` and ``q`` of the faults that each level leaves, (K, n′).
    """

    place: str | None
    charge: Array
    share: Array
    kept: Array
    after: tuple[Index, ...]
    left: Mapping[int, Pair]
    empty: tuple[int, ...]
    empty_after: tuple[int, ...]
    is_test: bool


def start(purses: int) -> Labels:
    """Return the one label of a leaf before its first step."""
    return Labels(np.zeros((1, purses)), {}, np.zeros((1, 2)), Origin())


def apply(labels: Labels, menu: Menu, rows: Index, pick: Index) -> Labels:
    """Return labels ``rows`` at levels ``pick`` of an item."""
    tables = {}
    for channel, (a, q) in labels.tables.items():
        step = menu.after[channel]
        tables[channel] = (_moved(a, step, rows, pick), _moved(q, step, rows, pick))
    held = Labels(np.empty((len(rows), 0)), tables, labels.slack[rows], labels.origin)
    late = held.weight(menu.empty_after)[:, None]  # faults that the step leaves come after it
    early = labels.weight(menu.empty)[rows, None]
    charge, share = menu.charge[pick], menu.share[pick, None]
    v = (labels.v[rows] + share * charge * early) / menu.kept[pick, None]
    v += (1.0 - share) * charge * late
    for channel, left in menu.left.items():
        more = left[0][pick], left[1][pick]
        own = tables.get(channel)
        tables[channel] = more if own is None else (own[0] + more[0], own[1] + more[1])
    origin = (
        labels.origin.take(rows)
        if menu.place is None
        else Origin(menu.place, pick, ((labels.origin, rows),))
    )
    return Labels(v, tables, held.slack, origin)


def _moved(table: Array, after: Index, rows: Index, pick: Index) -> Array:
    if len(after) == 1:
        own = after[0]
        whole = len(own) == table.shape[1] and bool(np.all(own == np.arange(len(own))))
        return table[rows] if whole else table[rows[:, None], own[None, :]]
    return table[rows[:, None], after[pick]]


def all_levels(labels: Labels, menu: Menu) -> tuple[Index, Index]:
    """Return every pair of a label and a level, the level varying fastest."""
    rows = np.repeat(np.arange(len(labels)), len(menu.kept))
    return rows, np.tile(np.arange(len(menu.kept)), len(labels))


def all_pairs(one: Labels, other: Labels) -> tuple[Index, Index]:
    """Return every pair of labels, the second varying fastest."""
    rows = np.repeat(np.arange(len(one)), len(other))
    return rows, np.tile(np.arange(len(other)), len(one))


def times(labels: Labels, count: int, empty: Sequence[int]) -> Labels:
    """Return labels of ``count`` like units joined: each dollar meets the faults of the others."""
    if count == 1:
        return labels
    v = count * labels.v * (labels.weight(empty) ** (count - 1))[:, None]
    tables = {c: (count * a, count * q) for c, (a, q) in labels.tables.items()}
    return Labels(v, tables, labels.slack, labels.origin)


def join(one: Labels, other: Labels, empty: Sequence[int], pairs: tuple[Index, Index]) -> Labels:
    """Return two kinds of units joined, row by row of ``pairs``."""
    left, right = pairs
    v = one.v[left] * other.weight(empty)[right, None]
    v += other.v[right] * one.weight(empty)[left, None]
    tables = {}
    for channel in sorted({*one.tables, *other.tables}):
        mine, theirs = one.tables.get(channel), other.tables.get(channel)
        if mine is not None and theirs is not None:
            tables[channel] = (mine[0][left] + theirs[0][right], mine[1][left] + theirs[1][right])
        elif mine is not None:
            tables[channel] = (mine[0][left], mine[1][left])
        elif theirs is not None:
            tables[channel] = (theirs[0][right], theirs[1][right])
    slack = one.slack[left] + other.slack[right]
    origin = Origin(parts=((one.origin, left), (other.origin, right)))
    return Labels(v, tables, slack, origin)


def shipped(labels: Labels) -> tuple[Array, Array]:
    """Return the purses per good package (L, P) and ln Q (L,) of labels at the door."""
    log_s, log_q = np.zeros(len(labels)), np.zeros(len(labels))
    for a, q in labels.tables.values():
        log_s += a[:, 0]
        log_q += q[:, 0]
    with np.errstate(over="ignore", invalid="ignore"):
        per_good = labels.v * np.exp(-log_s - log_q)[:, None]
    return per_good, log_q
