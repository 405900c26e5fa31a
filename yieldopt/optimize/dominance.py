r"""When one partial plan makes another needless, and by how much it may be worse.

Whatever follows, every dollar of a finished plan is weighed by e^(a(x) − z(y)), with ``a`` after
the exposure x at which it is spent and ``z = a + q`` after the exposure y that the package ships
with. So over all completions the purses of label A are at most e^ε times those of label B, where

    ε = max( Δln v + (n−1)·X ,  X, n·X ) + n·Z ,   X = Σ_c max_x Δa_c ,  Z = Σ_c max_y Δ(−z_c) ,

with Δ = A − B and n units of the label in a package. No law, no monotone coverage and no kind of
overlap is assumed: the tables hold every future.
Where no test ahead repairs, z does not depend on y and is taken out of ``v`` and ``a``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yieldopt.optimize.exposure import Exposures
from yieldopt.optimize.labels import Labels

Array = NDArray[np.float64]
Index = NDArray[np.intp]
_BLOCK = 256
_FIRST = 8
_PROBES = 6
_PAIRS = 4_000_000  # numbers of a table compared at once


@dataclass(frozen=True)
class Worth:
    """All that the cost of any completion depends on, one label a row.

    Parameters
    ----------
    v
        ln of the weighed spend by purse, (L, P).
    a
        By channel, (L, n).
    fall
        −z by channel that tests ahead can repair, (L, m).
    q
        ln Q by channel after the exposures that end, (L, m); empty where Q is not limited.
    probes
        Σ_c a_c at a few exposures: cheap lower bounds on ε, (L, p).
    """

    v: Array
    a: tuple[Array, ...]
    fall: tuple[Array, ...]
    q: tuple[Array, ...]
    probes: Array
    units: int  # in one package

    def __len__(self) -> int:
        return len(self.v)

    def take(self, rows: Index) -> Worth:
        """Return some labels."""
        return Worth(
            self.v[rows],
            tuple(table[rows] for table in self.a),
            tuple(table[rows] for table in self.fall),
            tuple(table[rows] for table in self.q),
            self.probes[rows],
            self.units,
        )

    def __add__(self, other: Worth) -> Worth:
        """Return the labels of both."""

        return Worth(
            np.concatenate([self.v, other.v]),
            _both(self.a, other.a),
            _both(self.fall, other.fall),
            _both(self.q, other.q),
            np.concatenate([self.probes, other.probes]),
            self.units,
        )


def _both(mine: Sequence[Array], theirs: Sequence[Array]) -> tuple[Array, ...]:
    return tuple(np.concatenate(pair) for pair in zip(mine, theirs, strict=True))


def worth(labels: Labels, ahead: Sequence[Exposures], units: int, *, limited: bool) -> Worth:
    """Return what completions of labels depend on.

    Parameters
    ----------
    labels, ahead
        Labels and the exposures ahead of them, by channel.
    units
        Units of the node in one package.
    limited
        Whether ln Q counts by itself.
    """
    shift = np.zeros(len(labels))
    tables, fall, ln_q = [], [], []
    for channel, (a, q) in labels.tables.items():
        ends = np.flatnonzero(ahead[channel].ends)
        z = a[:, ends] + q[:, ends]
        if ahead[channel].repaired:
            fall.append(-z)
            tables.append(a)
        else:
            shift += z[:, 0]
            tables.append(a - z[:, :1])
        if limited:
            ln_q.append(q[:, ends])
    with np.errstate(divide="ignore"):
        v = np.log(labels.v) - shift[:, None]
    probes = [
        sum((table[:, int(at * (table.shape[1] - 1))] for table in tables), np.zeros(len(labels)))
        for at in np.linspace(0.0, 1.0, _PROBES)
    ]
    empty = [ahead[channel].empty for channel in labels.tables]
    probes.append(
        sum((t[:, at] for t, at in zip(tables, empty, strict=True)), np.zeros(len(labels)))
    )
    return Worth(v, tuple(tables), tuple(fall), tuple(ln_q), np.stack(probes, axis=1), units)


def excess(one: Worth, other: Worth, i: Index, j: Index) -> tuple[Array, Array]:
    """Return ε of labels ``i`` of one over labels ``j`` of another, and what they lack.

    Returns
    -------
    (n,), (n,) arrays
        The first purse of any completion of ``i`` is at most e^ε times that of ``j``; its ln Q is
        lower, and the ln of its further purses higher, by at most the second.
    """
    widths = [t.shape[1] for tables in (one.a, one.fall, one.q) for t in tables]
    step = max(1, _PAIRS // max(1, sum(widths)))
    parts = [
        _excess(one, other, i[low : low + step], j[low : low + step])
        for low in range(0, max(len(i), 1), step)
    ]
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def _excess(one: Worth, other: Worth, i: Index, j: Index) -> tuple[Array, Array]:
    fall = one.units * _most(one.fall, other.fall, i, j)
    weight = _most(one.a, other.a, i, j)
    with np.errstate(invalid="ignore"):
        spent = one.v[i] - other.v[j] + ((one.units - 1) * weight)[:, None]
    spent[np.isnan(spent)] = 0.0  # both have spent nothing
    later = np.maximum(weight, one.units * weight)
    over = np.maximum(spent, later[:, None]) + fall[:, None]
    missing = np.max(over[:, 1:], axis=1, initial=0.0)
    if one.q:
        missing = np.maximum(missing, one.units * _most(other.q, one.q, j, i))
    return over[:, 0], missing


def _most(one: Sequence[Array], other: Sequence[Array], i: Index, j: Index) -> Array:
    total = np.zeros(len(i))
    for mine, theirs in zip(one, other, strict=True):
        total += (mine[i] - theirs[j]).max(axis=1)
    return total


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


def absorb(labels: Worth, tolerance: float, room: Array) -> Absorbed:
    """Keep labels such that each other one is stood for within a tolerance.

    Parameters
    ----------
    labels
        The labels.
    tolerance
        ε that is allowed.
    room
        What the label which stands for another may lack (ln Q, ln of limited purses), (L,).
    """
    size = len(labels)
    order = np.lexsort((labels.probes[:, -1], labels.v[:, 0]))
    target = np.full(size, -1, np.intp)
    loss, missing = np.zeros(size), np.zeros(size)
    kept: list[int] = []
    for low in range(0, size, _BLOCK):
        rows = order[low : low + _BLOCK]
        held = np.array(kept, np.intp)
        apart = distance(labels, labels, held, rows)
        for some in (_FIRST, len(held)):  # most rows are absorbed by one of the first tried
            left = np.flatnonzero(target[rows] < 0)
            j, i = nearest(apart[left], some, tolerance)
            j = left[j]
            over, lack = excess(labels, labels, held[i], rows[j])
            fine = (over <= tolerance) & (lack <= room[rows[j]])
            i, j, over, lack = i[fine], j[fine], over[fine], lack[fine]
            for at in np.argsort(-over, kind="stable"):
                row = rows[j[at]]
                target[row], loss[row], missing[row] = i[at], over[at], lack[at]
        left = rows[target[rows] < 0]
        _among(labels, left, tolerance, room, kept, (target, loss, missing))
    return Absorbed(np.array(kept, np.intp), target, loss, missing)


def distance(one: Worth, other: Worth, i: Index, j: Index) -> Array:
    """Return a cheap estimate of ε of labels ``i`` over labels ``j``, (J, I).

    It is never above ε, but where tests ahead repair or a package holds several units.
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
    room: Array,
    kept: list[int],
    into: tuple[Index, Array, Array],
) -> None:
    """Keep or absorb the rows of one block among themselves, cheapest first."""
    target, loss, missing = into
    apart = distance(labels, labels, rows, rows)
    i, j = np.nonzero(tolerance >= apart.T)
    worst, lack = excess(labels, labels, rows[i], rows[j])
    fine = (worst <= tolerance) & (lack <= room[rows[j]]) & (i != j)
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
