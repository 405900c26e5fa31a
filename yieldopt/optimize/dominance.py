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

A bad package of price e adds e·(1/Q − 1) to the cost P of a good one, J = P + e·(1/Q − 1). With
w = n·Σ_c max_y Δ(−q_c) over the exposures y that end, 1/Q grows at most by e^w, so

    J_A ≤ e^ε·P_B + e·(e^w/Q_B − 1) ,

which is turned into a multiple of J_B by what J_B and P_B can be: at least and at most. What every
plan pays for bad packages at least, ``base``, may be left out of J: then less is to be resolved.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from yieldopt.optimize.exposure import Exposures
from yieldopt.optimize.labels import Labels

Array = NDArray[np.float64]
Index = NDArray[np.intp]
_PROBES = 6
ROOM = 1.03  # completions dearer than the best plan known by this factor are not looked at
_LEAST_USD = 1e-300
_SMALL = 0.028  # growth that leaves a completion beyond that room above the plan known
BEYOND = ROOM * 0.972  # of the plan known: at least what such a completion costs (1/1.028 > 0.972)
_MUCH_LESS = -0.99
_MOST = 1e300
_PAIRS = 400_000  # numbers of a table compared at once


@dataclass(frozen=True)
class Scale:
    """What objectives can be: no completion costs less than ``low``, one above ``high`` is beyond.

    ``escape``: price of a bad package [USD], of which ``base`` is not counted. ``high`` is
    :data:`ROOM` times a plan known.
    """

    escape: float = 0.0
    low: float = 0.0
    high: float = math.inf
    base: float = 0.0

    @classmethod
    def of(cls, escape: float, low: float, upper: float, base: float = 0.0) -> Scale:
        """Return the scale of a search that knows a bound and a plan."""
        return cls(escape, max(low, _LEAST_USD), max(ROOM * upper, _LEAST_USD), base)


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
        ln Q by channel after the exposures that end, (L, m); empty where Q does not count.
    wanted
        The same, −inf where it alone breaks the limit on Q, or makes escapes too dear: nothing has
        to stand for such a plan.
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

    def repriced(self, prices: Array, scale: Scale, to_come: float) -> Worth:
        """Return the same labels with further purses priced into the first, (P − 1,) [USD each]."""
        v = self.v.copy()
        with np.errstate(divide="ignore"):
            v[:, 0] = np.log(np.exp(v) @ np.concatenate([[1.0], prices]))
        past, future = _shares(v, self.units, to_come, scale)
        return replace(self, v=v, past=past, future=future)

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
    scale: Scale,
) -> Worth:
    """Return what completions of labels depend on.

    Parameters
    ----------
    labels, ahead
        Labels and the exposures ahead of them, by channel.
    units
        Units of the node in one package.
    least_log_q
        ln Q below which a package does not count, by label (L,); ``None``: Q itself does not.
    to_come
        Least that the steps not done yet cost in a package that loses nothing [USD].
    scale
        What completions can cost; those above ``high`` are not worth a look.
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
        *_shares(v, units, to_come, scale),
        units,
    )


def _shares(v: Array, units: int, to_come: float, scale: Scale) -> tuple[Array, Array]:
    """Return most of what is spent already, and most of what is to come, (L,) each."""
    past = np.full(len(v), _share(1.0 - to_come / scale.high))
    return past, _share(1.0 - units * np.exp(v[:, 0]) / scale.high)


def _share(value: Array | float) -> Array:
    return np.clip(value, 0.0, 1.0)


def excess(one: Worth, other: Worth, i: Index, j: Index, scale: Scale) -> tuple[Array, Array]:
    """Return ε of labels ``i`` of one over labels ``j`` of another, and what they lack.

    Returns
    -------
    (n,), (n,) arrays
        The objective of any completion of ``i`` is at most e^ε times that of ``j``; its ln Q is
        lower, and the ln of its further purses higher, by at most the second.
    """
    widths = [t.shape[1] for tables in (one.a, one.fall, one.q) for t in tables]
    step = max(1, _PAIRS // max(1, sum(widths)))
    parts = [
        _excess(one, other, i[low : low + step], j[low : low + step], scale)
        for low in range(0, max(len(i), 1), step)
    ]
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def _excess(one: Worth, other: Worth, i: Index, j: Index, scale: Scale) -> tuple[Array, Array]:
    fall = one.units * _most(one.fall, other.fall, i, j)
    weight = _most(one.a, other.a, i, j)
    with np.errstate(invalid="ignore"):
        spent = one.v[i] - other.v[j] + ((one.units - 1) * weight)[:, None]
    spent[np.isnan(spent)] = 0.0  # both have spent nothing
    later = np.maximum(weight, one.units * weight) + fall
    spent += fall[:, None]
    missing = np.maximum(spent[:, 1:], later[:, None]).max(axis=1, initial=0.0)
    worse = np.full(len(i), -np.inf)
    if one.q:
        worse = one.units * _most(other.wanted, one.q, j, i)  # ln of 1/Q
        missing = np.maximum(missing, worse)
    if not scale.escape:
        return _mean(spent[:, 0], later, np.zeros(len(i)), one, i), missing
    with np.errstate(over="ignore"):
        escapes = np.expm1(worse)
    dearer = np.maximum(escapes, 0.0) * min(1.0 + (scale.escape + scale.base) / scale.low, _MOST)
    cost = _mean(spent[:, 0], later, dearer, one, i)
    share = np.minimum(2.0 - other.past[j] - other.future[j], 1.0)  # P of the other over ``high``
    total = _growth(cost) * np.where(cost < 0.0, share, 1.0) + dearer
    total += np.minimum(escapes, 0.0) * (scale.escape / scale.high)
    return np.log1p(np.maximum(total, _MUCH_LESS)), missing


def _growth(ln: Array) -> Array:
    with np.errstate(over="ignore"):
        grown: Array = np.expm1(ln)
    return grown


def _mean(spent: Array, later: Array, dearer: Array, one: Worth, i: Index) -> Array:
    """Return ε of what is paid, from that of the dollars spent and that of those to come."""
    worst = np.maximum(spent, later)
    past, future = one.past[i], one.future[i]
    with np.errstate(invalid="ignore"):
        mean = np.where(
            spent >= later, later + past * (spent - later), spent + future * (later - spent)
        )
    fine = (_growth(np.maximum(worst, 0.0)) + dearer <= _SMALL) & np.isfinite(mean)
    return np.where(fine, mean, worst)


def _most(one: Sequence[Array], other: Sequence[Array], i: Index, j: Index) -> Array:
    total = np.zeros(len(i))
    for mine, theirs in zip(one, other, strict=True):
        total += (mine[i] - theirs[j]).max(axis=1)
    return total
