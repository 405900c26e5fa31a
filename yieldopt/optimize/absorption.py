"""Which labels of a stage are kept, and which one stands for each of the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yieldopt.optimize.dominance import excess
from yieldopt.optimize.worth import Scale, Worth

Array = NDArray[np.float64]
Index = NDArray[np.intp]
_BLOCK = 64
_TRIED = (1, 4, 16)


@dataclass(frozen=True)
class Absorbed:
    """Which labels are kept, and what stands for the others.

    ``kept`` (K,) rows; ``target`` (L,) the kept label, as a number among ``kept``, that stands for
    each; ``excess`` (L,) and ``missing`` (L,): ε, and what it may lack.
    """

    kept: Index
    target: Index
    excess: Array
    missing: Array


def absorb(
    labels: Worth,
    tolerance: float,
    room: float,
    scale: Scale,
    check_time: Callable[[], None],
) -> Absorbed:
    """Keep labels such that each other one is stood for within a tolerance.

    Parameters
    ----------
    labels
        The labels.
    tolerance
        ε that is allowed.
    room
        What the label which stands for another may lack (ln Q, ln of limited purses).
    scale
        What the objective can be.
    check_time
        Called now and then; raises when time is up.
    """
    size = len(labels)
    order = np.lexsort((labels.probes[:, -1], labels.v[:, 0]))
    target = np.full(size, -1, np.intp)
    loss, missing = np.zeros(size), np.zeros(size)
    kept: list[int] = []
    for low in range(0, size, _BLOCK):
        check_time()
        rows = order[low : low + _BLOCK]
        held = np.array(kept, np.intp)
        apart = distance(labels, labels, held, rows)
        for some in (*_TRIED, len(held)):  # most rows are absorbed by one of the first tried
            left = np.flatnonzero(target[rows] < 0)
            j, i = nearest(apart[left], some, tolerance)
            j = left[j]
            over, lack = excess(labels, labels, held[i], rows[j], scale, tolerance)
            fine = (over <= tolerance) & (lack <= room)
            i, j, over, lack = i[fine], j[fine], over[fine], lack[fine]
            for at in np.argsort(-over, kind="stable"):
                row = rows[j[at]]
                target[row], loss[row], missing[row] = i[at], over[at], lack[at]
        left = rows[target[rows] < 0]
        _among(labels, left, tolerance, room, scale, kept, (target, loss, missing))
    return Absorbed(np.array(kept, np.intp), target, loss, missing)


def distance(one: Worth, other: Worth, i: Index, j: Index) -> Array:
    """Return a cheap estimate of ε of labels ``i`` over labels ``j``, (J, I).

    It is seldom above ε: where tests ahead repair, a package holds several units, or escapes of
    ``i`` cost less.
    """
    apart = np.full((len(j), len(i)), -np.inf)
    for column in range(one.probes.shape[1]):
        mine, theirs = one.probes[i, column], other.probes[j, column]
        np.maximum(apart, mine[None, :] - theirs[:, None], out=apart)
    with np.errstate(invalid="ignore"):
        spent = one.v[i, 0][None, :] - other.v[j, 0][:, None]
    np.fmax(apart, spent, out=apart)
    return apart


def nearest(apart: Array, count: int, most: float) -> tuple[Index, Index]:
    """Return the pairs (row, column) of the least ``count`` in every row, none above ``most``."""
    if count >= apart.shape[1]:
        rows, columns = np.nonzero(apart <= most)
        return rows, columns
    columns = np.argpartition(apart, count - 1, axis=1)[:, :count].reshape(-1)
    rows = np.repeat(np.arange(len(apart)), count)
    fine = apart[rows, columns] <= most
    return rows[fine], columns[fine]


def _among(
    labels: Worth,
    rows: Index,
    tolerance: float,
    room: float,
    scale: Scale,
    kept: list[int],
    into: tuple[Index, Array, Array],
) -> None:
    """Keep or absorb the rows of one block among themselves, cheapest first."""
    target, loss, missing = into
    apart = distance(labels, labels, rows, rows)
    i, j = np.nonzero(tolerance >= apart.T)
    worst, lack = excess(labels, labels, rows[i], rows[j], scale, tolerance)
    fine = (worst <= tolerance) & (lack <= room) & (i != j)
    i, j, worst, lack = i[fine], j[fine], worst[fine], lack[fine]
    starts = np.searchsorted(i, np.arange(len(rows) + 1))
    for at, row in enumerate(rows):
        if target[row] >= 0:
            continue
        target[row] = len(kept)
        kept.append(int(row))
        for pair in range(starts[at], starts[at + 1]):
            other = rows[j[pair]]
            if target[other] < 0:
                target[other] = target[row]
                loss[other], missing[other] = worst[pair], lack[pair]
