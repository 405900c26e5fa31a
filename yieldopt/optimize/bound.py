r"""A lower bound on J for every trunk combination at once, and an incumbent.

For a fixed trunk J is a sum of exponentials of separable logarithms, so at any plan m* convexity
gives J ≥ J(m*) + Σ_i min_m Δ_i(m), where Δ_i sums term·Δln over the terms. Under a DPPM limit the
bound is taken of J − μ·(ln Q − ln Q_least), under a limit on a resource of J + π·(U − U_most):
each is at most J wherever the limits hold, for any multipliers μ, π ≥ 0 (π is a price of the
resource: the same terms with other K and B). μ and π climb ladders in turn. Coordinate descent
finds good m* (and incumbents on its way).
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
GUARD = 4e-15  # relative error of the sums that ln Q comes from, where μ makes them large
_TINY = 1e-300
LADDER = (0.0, *(10.0 ** (k / 2) for k in range(-2, 13)))  # μ as multiples of J
_PRICES = tuple(10.0 ** (k / 2) for k in range(-5, 7))  # π as multiples of J/U
_ROUNDS = 2  # of all ladders in turn, where resources are limited


@dataclass(frozen=True)
class Bounds:
    """By trunk combination: lower bound (T,), best allowed J met (T,) and its entries (T, n)."""

    lower: Array
    value: Array
    entries: Index


@dataclass(frozen=True)
class Use:
    """A limited resource: use of one passed unit by leaf, each (M,), and of the trunk (T, G)."""

    k: Sequence[Array]
    base: Array
    most: float  # per good package

    @property
    def allowed(self) -> float:
        """What a computed use may come to: a plan that uses just the limit is allowed."""
        return self.most * (1.0 + ROUNDING)


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
    uses: tuple[Use, ...] = ()

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
            tuple(Use(use.k, use.base[kept], use.most) for use in self.uses),
        )

    def at_prices(self, prices: Sequence[float]) -> Terms:
        """Return the terms of J + Σ π·U, a price for each limited resource."""
        k, base = list(self.k), self.base
        for price, use in zip(prices, self.uses, strict=True):
            if price:
                base = base + price * use.base
                k = [one + price * more for one, more in zip(k, use.k, strict=True)]
        return Terms(self.log_e, self.log_q, k, self.gap, base, self.weight, self.log_q_trunk)

    def of_use(self, use: Use) -> Terms:
        """Return the terms of one resource's use."""
        return Terms(
            self.log_e, self.log_q, use.k, self.gap, use.base, self.weight, self.log_q_trunk
        )


@dataclass(frozen=True)
class Rung:
    """One step of a ladder over all its trunk combinations: J ≥ ``below`` + ``slope``·ln Q.

    ``kept`` (T,) are the combinations looked at, ``at`` (T, n) the plans found, with their J,
    ln Q and whether the limits on resources hold.
    """

    kept: Index
    slope: Array
    below: Array
    at: Index
    value: Array
    log_q: Array
    fine: NDArray[np.bool_]


class Climber:
    """Plans and bounds of a block, improved from rung to rung."""

    def __init__(self, terms: Terms, kept: Index) -> None:
        self.terms, self.kept = terms, kept
        self.at = np.zeros((len(kept), len(terms.k)), dtype=np.intp)

    def rung(self, prices: Sequence[float], slope: Array) -> Rung:
        """Descend at multipliers π (one for each resource) and μ (T,); return what was found."""
        terms = self.terms.at_prices(prices) if any(prices) else self.terms
        self.at = _descend(terms, slope, self.at)
        value, log_q = _values(self.terms, self.at)
        fine = np.ones(len(self.kept), bool)
        for use in self.terms.uses:
            fine &= _values(self.terms.of_use(use), self.at)[0] <= use.allowed
        below = _tangent(terms, slope, self.at) - slope * (log_q + GUARD * np.abs(log_q))
        below -= sum(p * use.allowed for p, use in zip(prices, self.terms.uses, strict=True))
        return Rung(self.kept, slope, below, self.at, value, log_q, fine)

    def keep(self, left: Index) -> None:
        """Go on with some of the trunk combinations only."""
        self.terms, self.kept, self.at = self.terms.rows(left), self.kept[left], self.at[left]

    def unit_prices(self) -> list[float]:
        """Return J/U of each resource at the plans in hand, in the middle of the block."""
        out = []
        for use in self.terms.uses:
            used = float(np.median(_values(self.terms.of_use(use), self.at)[0]))
            value = float(np.median(_values(self.terms, self.at)[0]))
            used = max(used, use.most)
            out.append(max(value, 1.0) / used if used > 0.0 else max(value, 1.0))
        return out


class _Search:
    """What the rungs of a block have found, under a limit on ln Q or none."""

    def __init__(self, terms: Terms, log_q_least: float | None, known: float) -> None:
        count = len(terms.base)
        self.least, self.known = log_q_least, known
        self.lower = np.full(count, -np.inf)
        self.value = np.full(count, np.inf)
        self.entries = np.zeros((count, len(terms.k)), dtype=np.intp)
        self.slope = np.zeros(count)  # the best so far
        self.scale: Array | None = None
        if log_q_least is not None:
            most = terms.log_q_trunk + sum(q.max(axis=1) for q in terms.log_q)
            self.lower[most < log_q_least] = np.inf
        kept = np.flatnonzero(self.lower < np.inf)
        self.climber = Climber(terms.rows(kept) if len(kept) < count else terms, kept)

    def slopes(self, prices: Sequence[float]) -> None:
        """Climb the ladder of μ at given prices."""
        for rung in LADDER if self.least is not None else (0.0,):
            if len(self.climber.kept):
                scale = np.zeros_like(self.slope) if self.scale is None else self.scale
                self.take(prices, rung * scale[self.climber.kept])

    def take(self, prices: Sequence[float], slope: Array) -> float:
        """Step on one rung; return the least bound of what is left."""
        kept = self.climber.kept
        found = self.climber.rung(prices, slope)
        if self.scale is None:
            self.scale = np.zeros_like(self.slope)
            self.scale[kept] = found.value
        fine = found.fine if self.least is None else found.fine & (found.log_q >= self.least)
        better = np.flatnonzero(fine & (found.value < self.value[kept]))
        self.value[kept[better]] = found.value[better]
        self.entries[kept[better]] = found.at[better]
        least = self.least or 0.0
        below = found.below + slope * (least - GUARD * abs(least))
        higher = np.flatnonzero(below > self.lower[kept])
        self.lower[kept[higher]], self.slope[kept[higher]] = below[higher], slope[higher]
        self.known = min(self.known, float(found.value[fine].min(initial=math.inf)))
        left = np.flatnonzero(self.lower[kept] < self.known * (1.0 + ROUNDING))
        if 2 * len(left) <= len(kept):
            self.climber.keep(left)
        return float(below[left].min(initial=math.inf))

    def prices(self) -> None:
        """Climb the ladder of each resource's price in turn, then that of μ again."""
        count = len(self.climber.terms.uses)
        unit = self.climber.unit_prices() if len(self.climber.kept) else [0.0] * count
        held = [0.0] * count
        for _ in range(_ROUNDS):
            for r in range(count):
                tried = {}
                for rung in (0.0, *_PRICES):
                    prices = [*held[:r], rung * unit[r], *held[r + 1 :]]
                    if len(self.climber.kept):
                        tried[prices[r]] = self.take(prices, self.slope[self.climber.kept])
                held[r] = max(tried, key=lambda p: tried[p], default=0.0)
            self.slopes(held)


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
    search = _Search(terms, log_q_least, known)
    search.slopes([0.0] * len(terms.uses))
    if terms.uses:
        search.prices()
    return Bounds(search.lower, search.value, search.entries)


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
