"""The terms of J over a block of trunk combinations: values, descent and tangent.

J = Σ_g (B_g + Σ_{i joining at g} W_i·K_i)·Π_i E_i,g for each trunk combination; the use of a
resource has the same shape with other B and K.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.intp]
ROUNDING = 1e-11  # relative: two numbers closer than this may differ by rounding alone
_SWEEPS = 4
_TINY = 1e-300
_UNEVEN = 0.05  # a menu whose K span more than this is worth the care of ``_floor``


@dataclass(frozen=True)
class Use:
    """A limited resource: use of one passed unit by leaf, as ``Terms.k``; of the trunk (T, G)."""

    k: Sequence[Array]
    base: Array
    most: float  # per good package

    @property
    def allowed(self) -> float:
        """What a computed use may come to: a plan that uses just the limit is allowed."""
        return self.most * (1.0 + ROUNDING)


@dataclass(frozen=True)
class Terms:
    """One block at given prices: ``e[i]`` and its logarithm (T, M, G), ``log_q[i]`` (T, M);
    ``k[i]`` (1, M), or (T, M) where it is not the same in all trunk combinations.
    """

    e: Sequence[Array]
    log_e: Sequence[Array]
    log_q: Sequence[Array]
    k: Sequence[Array]
    gap: Sequence[int]
    base: Array  # (T, G)
    weight: Array  # (T, n)
    log_q_trunk: Array  # (T,)
    uses: tuple[Use, ...] = ()

    def rows(self, kept: Index) -> Terms:
        """Return the terms of some trunk combinations."""
        return Terms(
            [e[kept] for e in self.e],
            [e[kept] for e in self.log_e],
            [q[kept] for q in self.log_q],
            [_kept(k, kept) for k in self.k],
            self.gap,
            self.base[kept],
            self.weight[kept],
            self.log_q_trunk[kept],
            tuple(
                Use([_kept(k, kept) for k in use.k], use.base[kept], use.most) for use in self.uses
            ),
        )

    def at_prices(self, prices: Sequence[float]) -> Terms:
        """Return the terms of J + Σ π·U, a price for each limited resource."""
        k, base = list(self.k), self.base
        for price, use in zip(prices, self.uses, strict=True):
            if price:
                base = base + price * use.base
                k = [one + price * more for one, more in zip(k, use.k, strict=True)]
        return replace(self, k=k, base=base, uses=())

    def of_use(self, use: Use) -> Terms:
        """Return the terms of one resource's use."""
        return replace(self, k=use.k, base=use.base, uses=())


def picked(table: Array, at: Index) -> Array:
    """Return one entry of each row; of one row alone, an entry for each of ``at``."""
    return table[0, at] if len(table) == 1 else table[np.arange(len(table)), at]


def rows_of(k: Array, rows: Index) -> Array:
    """Return K of some trunk combinations, (T, M)."""
    return np.broadcast_to(k, (len(rows), k.shape[1])) if len(k) == 1 else k[rows]


def _kept(k: Array, kept: Index) -> Array:
    return k if len(k) == 1 else k[kept]


def values(terms: Terms, at: Index) -> tuple[Array, Array]:
    """Return J and ln Q (T,) of one plan per trunk combination."""
    log_e = sum((picked(e, at[:, i]) for i, e in enumerate(terms.log_e)), np.zeros_like(terms.base))
    load = terms.base + joined(terms, at)
    log_q = sum((picked(q, at[:, i]) for i, q in enumerate(terms.log_q)), terms.log_q_trunk)
    return (load * np.exp(log_e)).sum(axis=1), log_q


def joined(terms: Terms, at: Index, without: int = -1) -> Array:
    """Return Σ W·K of the leaves by the gap where they join, (T, G)."""
    load = np.zeros_like(terms.base)
    for i, k in enumerate(terms.k):
        if i != without:
            load[:, terms.gap[i]] += terms.weight[:, i] * picked(k, at[:, i])
    return load


def descend(terms: Terms, multiplier: Array, start: Index) -> Index:
    """Improve one leaf at a time, for all trunk combinations together."""
    at = start.copy()
    log_e = sum((picked(e, at[:, i]) for i, e in enumerate(terms.log_e)), np.zeros_like(terms.base))
    for _ in range(_SWEEPS):
        moved = False
        for i, e in enumerate(terms.log_e):
            own = picked(e, at[:, i])
            rest = np.exp(log_e - own)
            gap = terms.gap[i]
            load = (terms.base + joined(terms, at, without=i)) * rest
            pulled = terms.e[i]
            cost = np.einsum("tg,tmg->tm", load, pulled)
            cost += (terms.weight[:, i] * rest[:, gap])[:, None] * terms.k[i] * pulled[:, :, gap]
            cost -= multiplier[:, None] * terms.log_q[i]
            best = cost.argmin(axis=1)
            better = picked(cost, best) < picked(cost, at[:, i])
            if better.any():
                moved = True
                at[:, i] = np.where(better, best, at[:, i])
                log_e = log_e - own + picked(e, at[:, i])
        if not moved:
            break
    return at


def tangent(terms: Terms, multiplier: Array, at: Index) -> Array:
    """Return J(m*) + Σ_i min_m [Σ_terms term·Δln − μ·Δln Q], a lower bound on J − μ·Δln Q."""
    log_e = sum((picked(e, at[:, i]) for i, e in enumerate(terms.log_e)), np.zeros_like(terms.base))
    pulled = np.exp(log_e)
    mass = (terms.base + joined(terms, at)) * pulled
    lower: Array = mass.sum(axis=1)
    for i, e in enumerate(terms.log_e):
        own = picked(e, at[:, i])
        change = np.einsum("tg,tmg->tm", mass, e - own[:, None, :])
        part = terms.weight[:, i] * picked(terms.k[i], at[:, i]) * pulled[:, terms.gap[i]]
        log_k = np.log(np.maximum(terms.k[i], _TINY))
        more = log_k - picked(log_k, at[:, i])[:, None]
        if terms.k[i].min() < _UNEVEN * terms.k[i].max():
            more = np.maximum(more, _floor(terms, i, at))
        change += part[:, None] * more
        change -= multiplier[:, None] * (terms.log_q[i] - picked(terms.log_q[i], at[:, i])[:, None])
        lower = lower + np.minimum(change.min(axis=1), 0.0)
    return lower


def _floor(terms: Terms, i: int, at: Index) -> Array:
    """Return how far the tangent of leaf i's own term need fall with ln K, (T, M).

    A term is never below zero: 1 + Δln K + Δln E + Σ Δln E of the others may be raised to where it
    is zero at the most that the others can reach. Without that an entry of K = 0 ("off" among tests
    that use a tester) would drag the bound down without end.
    """
    gap = terms.gap[i]
    others = np.zeros(len(at))
    for j, e in enumerate(terms.log_e):
        if j != i:
            others += e[:, :, gap].max(axis=1) - e[np.arange(len(at)), at[:, j], gap]
    e = terms.log_e[i][:, :, gap]
    found: Array = -(1.0 + others)[:, None] - (e - picked(e, at[:, i])[:, None])
    return found
