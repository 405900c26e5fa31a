r"""When one partial plan makes another needless, and by how much it may be worse.

Whatever follows, every dollar of a finished plan is weighed by e^(a(x) − z(y)), with ``a`` after
the exposure x at which it is spent and ``z = a + q`` after the exposure y that the package ships
with. So over all completions the purses of label A are at most e^ε times those of label B, where

    ε = max( Δln v + (n−1)·X ,  X, n·X ) + n·Z ,   X = Σ_c max_x Δa_c ,  Z = Σ_c max_y Δ(−z_c) ,

with Δ = A − B and n units of the label in a package. The first of the two concerns the dollars
spent already, the second those to come: if of the cost of any completion worth a look at most a
share π is spent already, or φ still to come, ε is the mean of the two by that share. No law, no
monotone coverage and no kind of overlap is assumed: the tables hold every future.
Where no test ahead repairs, z does not depend on y and is taken out of ``v`` and ``a``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from yieldopt.optimize.exposure import Exposures
from yieldopt.optimize.labels import Labels

Array = NDArray[np.float64]
Index = NDArray[np.intp]
_PROBES = 6
ROOM = 1.01  # completions dearer than the best plan known by this factor are not looked at
_LEAST_USD = 1e-300
_SMALL = 0.009  # an ε that leaves a completion beyond that room above the plan known
BEYOND = ROOM * 0.991  # of the plan known: at least what such a completion costs (e^−0.009 > 0.991)
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
    wanted
        The same, −inf where it alone breaks the limit: nothing has to stand for such a plan.
    probes
        Σ_c a_c at a few exposures: cheap lower bounds on ε, (L, p).
    past, future
        Most of the cost of any completion worth a look that is spent already, or still to come:
        shares in [0, 1], (L,).
    """

    v: Array
    a: tuple[Array, ...]
    fall: tuple[Array, ...]
    q: tuple[Array, ...]
    wanted: tuple[Array, ...]
    probes: Array
    past: Array
    future: Array
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
            tuple(table[rows] for table in self.wanted),
            self.probes[rows],
            self.past[rows],
            self.future[rows],
            self.units,
        )

    def wanting(self, least_log_q: Array) -> Worth:
        """Return the labels with other limits on ln Q, (L,), where Q is limited."""
        if not self.wanted:
            return self
        least = least_log_q[:, None] / self.units
        return replace(self, wanted=tuple(np.where(q >= least, q, -np.inf) for q in self.q))

    def __add__(self, other: Worth) -> Worth:
        """Return the labels of both."""

        return Worth(
            np.concatenate([self.v, other.v]),
            _both(self.a, other.a),
            _both(self.fall, other.fall),
            _both(self.q, other.q),
            _both(self.wanted, other.wanted),
            np.concatenate([self.probes, other.probes]),
            np.concatenate([self.past, other.past]),
            np.concatenate([self.future, other.future]),
            self.units,
        )


def _both(mine: Sequence[Array], theirs: Sequence[Array]) -> tuple[Array, ...]:
    return tuple(np.concatenate(pair) for pair in zip(mine, theirs, strict=True))


def worth(
    labels: Labels,
    ahead: Sequence[Exposures],
    units: int,
    least_log_q: Array | None,
    *,
    to_come: float,
    upper: float,
) -> Worth:
    """Return what completions of labels depend on.

    Parameters
    ----------
    labels, ahead
        Labels and the exposures ahead of them, by channel.
    units
        Units of the node in one package.
    least_log_q
        ln Q below which a package does not count, by label (L,); ``None``: Q is not limited.
    to_come
        Least that the steps not done yet cost in a package that loses nothing [USD].
    upper
        Value of a plan known; completions above it by :data:`ROOM` are not worth a look [USD].
    """
    shift = np.zeros(len(labels))
    tables, fall, ln_q = [], [], []
    wanted: list[Array] = []
    for channel, (a, q) in labels.tables.items():
        ends = np.flatnonzero(ahead[channel].ends)
        z = a[:, ends] + q[:, ends]
        if ahead[channel].repaired:
            fall.append(-z)
            tables.append(a)
        else:
            shift += z[:, 0]
            tables.append(a - z[:, :1])
        if least_log_q is not None:
            own = q[:, ends]
            ln_q.append(own)
            wanted.append(np.where(units * own >= least_log_q[:, None], own, -np.inf))
    with np.errstate(divide="ignore"):
        v = np.log(labels.v) - shift[:, None]
    probes = [
        sum((table[:, int(at * (table.shape[1] - 1))] for table in tables), np.zeros(len(labels)))
        for at in np.linspace(0.0, 1.0, _PROBES)
    ]
    most = max(ROOM * upper, _LEAST_USD)
    empty = [ahead[channel].empty for channel in labels.tables]
    probes.append(
        sum((t[:, at] for t, at in zip(tables, empty, strict=True)), np.zeros(len(labels)))
    )
    return Worth(
        v,
        tuple(tables),
        tuple(fall),
        tuple(ln_q),
        tuple(wanted),
        np.stack(probes, axis=1),
        np.full(len(v), _share(1.0 - to_come / most)),
        _share(1.0 - units * np.exp(v[:, 0]) / most),
        units,
    )


def _share(value: Array | float) -> Array:
    return np.clip(value, 0.0, 1.0)


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
    later = np.maximum(weight, one.units * weight) + fall
    spent += fall[:, None]
    missing = np.maximum(spent[:, 1:], later[:, None]).max(axis=1, initial=0.0)
    if one.q:
        missing = np.maximum(missing, one.units * _most(other.wanted, one.q, j, i))
    return _mean(spent[:, 0], later, one.past[i], one.future[i]), missing


def _mean(spent: Array, later: Array, past: Array, future: Array) -> Array:
    """Return ε from that of the dollars spent and that of those to come."""
    worst = np.maximum(spent, later)
    with np.errstate(invalid="ignore"):
        mean = np.where(
            spent >= later, later + past * (spent - later), spent + future * (later - spent)
        )
    fine = (worst <= _SMALL) & np.isfinite(mean)
    return np.where(fine, mean, worst)


def _most(one: Sequence[Array], other: Sequence[Array], i: Index, j: Index) -> Array:
    total = np.zeros(len(i))
    for mine, theirs in zip(one, other, strict=True):
        total += (mine[i] - theirs[j]).max(axis=1)
    return total
