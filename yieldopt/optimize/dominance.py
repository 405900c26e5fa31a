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

Or a bad package is a dollar more to come, spent at the door: P + e/Q = J + e + base is a sum of
dollars like P. Its ε is the same mean, with shares of P + e/Q: of that P is at most the share
high/(high + e + base). J_B then grows by (e^ε − 1)·(J_B + e + base). The lesser ε holds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from yieldopt.optimize.worth import SMALL, Scale, Worth

Array = NDArray[np.float64]
Index = NDArray[np.intp]
_MUCH_LESS = -0.99
_MOST = 1e300
_PAIRS = 400_000  # numbers of a table compared at once


def excess(
    one: Worth, other: Worth, i: Index, j: Index, scale: Scale, most: float = math.inf
) -> tuple[Array, Array]:
    """Return ε of labels ``i`` of one over labels ``j`` of another, and what they lack.

    Where ε is surely above ``most``, both may be infinite.

    Returns
    -------
    (n,), (n,) arrays
        The objective of any completion of ``i`` is at most e^ε times that of ``j``; its ln Q is
        lower, and the ln of its further purses higher, by at most the second.
    """
    widths = [t.shape[1] for tables in (one.a, one.fall, one.q) for t in tables]
    step = max(1, _PAIRS // max(1, sum(widths)))
    parts = [
        _excess(one, other, i[low : low + step], j[low : low + step], scale, most)
        for low in range(0, max(len(i), 1), step)
    ]
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def _excess(
    one: Worth, other: Worth, i: Index, j: Index, scale: Scale, most: float
) -> tuple[Array, Array]:
    fall = one.units * _most(one.fall, other.fall, i, j)
    weight = _most(one.a, other.a, i, j)
    with np.errstate(invalid="ignore"):
        spent = one.v[i] - other.v[j] + ((one.units - 1) * weight)[:, None]
    spent[np.isnan(spent)] = 0.0  # both have spent nothing
    later = np.maximum(weight, one.units * weight) + fall
    spent += fall[:, None]
    missing = np.maximum(spent[:, 1:], later[:, None]).max(axis=1, initial=0.0)
    if not one.q:
        return _mean(spent[:, 0], later, one.past[i], one.future[i], 0.0), missing
    worse = np.full(len(i), np.inf)  # ln of 1/Q
    least = _total(spent[:, 0], later, _at_door(one, other, i, j), (one, other, i, j), scale)
    some = np.flatnonzero(least <= most)
    worse[some] = one.units * _most(other.wanted, one.q, j[some], i[some])
    total = _total(spent[:, 0], later, worse, (one, other, i, j), scale)
    return total, np.maximum(missing, worse)


def _at_door(one: Worth, other: Worth, i: Index, j: Index) -> Array:
    """Return the ln of 1/Q by which labels are worse at one exposure: at least that at some."""
    worse = np.zeros(len(i))
    for mine, theirs, column in zip(one.q, other.wanted, one.door, strict=True):
        worse += theirs[j, column] - mine[i, column]
    return one.units * worse


def _total(
    spent: Array,
    later: Array,
    worse: Array,
    pairs: tuple[Worth, Worth, Index, Index],
    scale: Scale,
) -> Array:
    """Return ε from that of the dollars spent, of those to come, and of 1/Q.

    Escapes may be weighed by 1/Q alone, or as dollars to come at the door: the lesser ε holds.
    """
    one, other, i, j = pairs
    past, future = one.past[i], one.future[i]
    if not scale.escape:
        return _mean(spent, later, past, future, 0.0)
    escapes = _growth(worse)
    door = scale.escape + scale.base
    most = min(1.0 + door / scale.low, _MOST)
    least = min(1.0 + door / scale.high, _MOST)  # finite, so that what is alike gains 0 and not NaN
    share = np.minimum(2.0 - other.past[j] - other.future[j], 1.0)  # P of the other over ``high``
    with np.errstate(over="ignore"):
        dearer = np.maximum(escapes, 0.0) * most
        cost = _mean(spent, later, past, future, dearer)
        total = _growth(cost) * np.where(cost < 0.0, share, 1.0) + dearer
        total += np.minimum(escapes, 0.0) * min(scale.escape / scale.high, _MOST)
        if scale.high < math.inf:
            part = scale.high / (scale.high + door)  # of all dollars, those at the door included
            past, future = past * part, 1.0 - (1.0 - future) * part
            every = _growth(_mean(spent, later, past, future, 0.0, most))
            total = np.minimum(total, every * np.where(every > 0.0, most, least))
    return np.log1p(np.maximum(total, _MUCH_LESS))


def _growth(ln: Array) -> Array:
    with np.errstate(over="ignore"):
        grown: Array = np.expm1(ln)
    return grown


def _mean(
    spent: Array,
    later: Array,
    past: Array,
    future: Array,
    dearer: Array | float,
    scale: float = 1.0,
) -> Array:
    """Return ε of what is paid, from that of the dollars spent and that of those to come.

    The mean holds for completions worth a look only: the worst, ``dearer`` added, must be small.
    ``scale``: growth of the objective over that of what is paid.
    """
    worst = np.maximum(spent, later)
    with np.errstate(invalid="ignore", over="ignore"):
        mean = np.where(
            spent >= later, later + past * (spent - later), spent + future * (later - spent)
        )
        small = _growth(np.maximum(worst, 0.0)) * scale + dearer <= SMALL
    return np.where(small & np.isfinite(mean), mean, worst)


def _most(one: Sequence[Array], other: Sequence[Array], i: Index, j: Index) -> Array:
    total = np.zeros(len(i))
    for mine, theirs in zip(one, other, strict=True):
        total += (mine[i] - theirs[j]).max(axis=1)
    return total
