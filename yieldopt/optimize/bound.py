r"""A lower bound on J for every trunk combination at once, and an incumbent.

For a fixed trunk J is a sum of exponentials of separable logarithms, so at any plan m* convexity
gives J ≥ J(m*) + Σ_i min_m Δ_i(m), where Δ_i sums term·Δln over the terms. Under a DPPM limit the
bound is taken of J − μ·(ln Q − ln Q_least), which is at most J wherever the limit holds, for a
ladder of multipliers μ ≥ 0. Coordinate descent finds good m* (and incumbents on its way).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.intp]
_SWEEPS = 4
ROUNDING = 1e-11  # a bound closer than this (relative) to the incumbent is not trusted to prune
_TINY = 1e-300
_LADDER = (0.0, *(10.0 ** (k / 2) for k in range(-2, 13)))  # μ as multiples of J


@dataclass(frozen=True)
class Bounds:
    """By trunk combination: lower bound (T,), best allowed J met (T,) and its entries (T, n)."""

    lower: Array
    value: Array
    entries: Index


@dataclass(frozen=True)
class Terms:
    """One block at given prices: ``log_e[i]`` (T, M, G), ``log_q[i]`` (T, M), ``k[i]`` (M,)."""

    log_e: Sequence[Array]
    log_q: Sequence[Array]
    k: Sequence[Array]
    gap: Sequence[int]
    base: Array  # (T, G)
    weight: Array  # (T, n)
    log_q_trunk: Array  # (T,)

    def rows(self, kept: Index) -> Terms:
        """Return the terms of some trunk combinations."""
        return Terms(
            [e[kept] for e in self.log_e],
            [q[kept] for q in self.log_q],
            self.k,
            self.gap,
            self.base[kept],
            self.weight[kept],
            self.log_q_trunk[kept],
        )


def bounds(terms: Terms, log_q_least: float | None, known: float = math.inf) -> Bounds:
    """Bound every trunk combination of a block.

    Parameters
    ----------
    terms
        The block.
    log_q_least
        Least ln Q allowed, or ``None``.
    known
        J of an allowed plan: a combination whose bound reaches the best known is not looked at
        any further.
    """
    count = len(terms.base)
    lower = np.full(count, -np.inf)
    value = np.full(count, np.inf)
    entries = np.zeros((count, len(terms.k)), dtype=np.intp)
    if log_q_least is not None:
        most = terms.log_q_trunk + sum(q.max(axis=1) for q in terms.log_q)
        lower[most < log_q_least] = np.inf
    kept = np.flatnonzero(lower < np.inf)
    terms = terms.rows(kept) if len(kept) < count else terms
    at = entries[kept]
    scale: Array | None = None
    for rung in _LADDER if log_q_least is not None else (0.0,):
        multiplier = np.zeros(len(kept)) if scale is None else rung * scale
        at = _descend(terms, multiplier, at)
        cost, log_q = _values(terms, at)
        scale = cost if scale is None else scale
        fine = np.ones(len(kept), bool) if log_q_least is None else log_q >= log_q_least
        better = np.flatnonzero(fine & (cost < value[kept]))
        value[kept[better]], entries[kept[better]] = cost[better], at[better]
        slack = 0.0 if log_q_least is None else log_q - log_q_least
        below = _tangent(terms, multiplier, at) - multiplier * slack
        lower[kept] = np.maximum(lower[kept], below)
        known = min(known, float(cost[fine].min(initial=math.inf)))
        left = np.flatnonzero(lower[kept] < known * (1.0 + ROUNDING))
        if 2 * len(left) <= len(kept):
            terms, kept, at, scale = terms.rows(left), kept[left], at[left], scale[left]
        if not len(kept):
            break
    return Bounds(lower, value, entries)


def _picked(table: Array, at: Index) -> Array:
    return table[np.arange(len(table)), at]


def _values(terms: Terms, at: Index) -> tuple[Array, Array]:
    """Return J and ln Q (T,) of one plan per trunk combination."""
    log_e = sum(
        (_picked(e, at[:, i]) for i, e in enumerate(terms.log_e)), np.zeros_like(terms.base)
    )
    load = terms.base + _joined(terms, at)
    log_q = sum((_picked(q, at[:, i]) for i, q in enumerate(terms.log_q)), terms.log_q_trunk)
    return (load * np.exp(log_e)).sum(axis=1), log_q


def _joined(terms: Terms, at: Index, without: int = -1) -> Array:
    load = np.zeros_like(terms.base)
    for i, k in enumerate(terms.k):
        if i != without:
            load[:, terms.gap[i]] += terms.weight[:, i] * k[at[:, i]]
    return load


def _descend(terms: Terms, multiplier: Array, start: Index) -> Index:
    """Improve one leaf at a time, for all trunk combinations together."""
    at = start.copy()
    log_e = sum(
        (_picked(e, at[:, i]) for i, e in enumerate(terms.log_e)), np.zeros_like(terms.base)
    )
    for _ in range(_SWEEPS):
        moved = False
        for i, e in enumerate(terms.log_e):
            own = _picked(e, at[:, i])
            rest = np.exp(log_e - own)
            gap = terms.gap[i]
            load = (terms.base + _joined(terms, at, without=i)) * rest
            pulled = np.exp(e)
            cost = np.einsum("tg,tmg->tm", load, pulled)
            cost += (terms.weight[:, i] * rest[:, gap])[:, None] * terms.k[i] * pulled[:, :, gap]
            cost -= multiplier[:, None] * terms.log_q[i]
            best = cost.argmin(axis=1)
            better = _picked(cost, best) < _picked(cost, at[:, i])
            if better.any():
                moved = True
                at[:, i] = np.where(better, best, at[:, i])
                log_e = log_e - own + _picked(e, at[:, i])
        if not moved:
            break
    return at


def _tangent(terms: Terms, multiplier: Array, at: Index) -> Array:
    """Return J(m*) + Σ_i min_m [Σ_terms term·Δln − μ·Δln Q]."""
    log_e = sum(
        (_picked(e, at[:, i]) for i, e in enumerate(terms.log_e)), np.zeros_like(terms.base)
    )
    pulled = np.exp(log_e)
    mass = (terms.base + _joined(terms, at)) * pulled
    lower: Array = mass.sum(axis=1)
    for i, e in enumerate(terms.log_e):
        own = _picked(e, at[:, i])
        change = np.einsum("tg,tmg->tm", mass, e - own[:, None, :])
        log_k = np.log(np.maximum(terms.k[i], _TINY))
        part = terms.weight[:, i] * terms.k[i][at[:, i]] * pulled[:, terms.gap[i]]
        change += part[:, None] * (log_k - log_k[at[:, i]][:, None])
        change -= multiplier[:, None] * (
            terms.log_q[i] - _picked(terms.log_q[i], at[:, i])[:, None]
        )
        lower = lower + np.minimum(change.min(axis=1), 0.0)
    return lower
