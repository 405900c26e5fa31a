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
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from yieldopt.optimize.terms import ROUNDING, Terms, descend, tangent, values

Array = NDArray[np.float64]
Index = NDArray[np.intp]
GUARD = 4e-15  # relative error of the sums that ln Q comes from, where μ makes them large
LADDER = (0.0, *(10.0 ** (k / 2) for k in range(-2, 13)))  # μ as multiples of J
_PRICES = tuple(10.0 ** (k / 2) for k in range(-5, 7))  # π as multiples of J/U
_PLANS_A_TRUNK, _PLANS_A_RUNG = 200_000, 400_000  # what overheads cost, in plans enumerated
_MANY = 16
_ROUNDS = 2  # of all ladders in turn, where resources are limited


@dataclass(frozen=True)
class Bounds:
    """By trunk combination: lower bound (T,), best allowed J met (T,) and its entries (T, n);
    ``plans`` (T, n): those that the bounds were last taken at, to start from at other prices.
    """

    lower: Array
    value: Array
    entries: Index
    plans: Index


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

    def at_least(self, log_q: Array | None) -> Array:
        """Return the bound where ln Q is at least ``log_q``, (T,) (``None``: anything)."""
        if log_q is None:
            return self.below
        return self.below + self.slope * (log_q - GUARD * np.abs(log_q))


class Climber:
    """Plans and bounds of a block, improved from rung to rung.

    The bound takes ln E alone; E itself is formed where plans move, of what is left by then.
    """

    def __init__(self, terms: Terms, kept: Index, start: Index | None = None) -> None:
        self.terms, self.kept = terms, kept
        self.at = np.zeros((len(kept), len(terms.k)), dtype=np.intp)
        if start is not None:
            self.at[:] = start[kept]
        elif len(kept) > _MANY:  # start them all where one of them ends
            middle = np.array([len(kept) // 2])
            self.at[:] = descend(_whole(_rows(terms, middle)), np.zeros(1), self.at[middle])

    def rung(self, prices: Sequence[float], slope: Array, moving: bool = True) -> Rung:
        """Descend at multipliers π (one for each resource) and μ (T,); return what was found.

        Not ``moving``, the bound is taken at the plans in hand.
        """
        if moving:
            self.terms = _whole(self.terms)
        terms = self.terms.at_prices(prices) if any(prices) else self.terms
        self.at = descend(terms, slope, self.at) if moving else self.at
        value, log_q = values(self.terms, self.at)
        fine = np.ones(len(self.kept), bool)
        for use in self.terms.uses:
            fine &= values(self.terms.of_use(use), self.at)[0] <= use.allowed
        below = tangent(terms, slope, self.at) - slope * (log_q + GUARD * np.abs(log_q))
        below -= sum(p * use.allowed for p, use in zip(prices, self.terms.uses, strict=True))
        return Rung(self.kept, slope, below, self.at, value, log_q, fine)

    def keep(self, left: Index) -> None:
        """Go on with some of the trunk combinations only."""
        self.terms, self.kept, self.at = _rows(self.terms, left), self.kept[left], self.at[left]

    def unit_prices(self) -> list[float]:
        """Return J/U of each resource at the plans in hand, in the middle of the block."""
        out = []
        for use in self.terms.uses:
            used = float(np.median(values(self.terms.of_use(use), self.at)[0]))
            value = float(np.median(values(self.terms, self.at)[0]))
            used = max(used, use.most)
            out.append(max(value, 1.0) / used if used > 0.0 else max(value, 1.0))
        return out


def _rows(terms: Terms, kept: Index) -> Terms:
    """Return the terms of some trunk combinations, without E."""
    return replace(terms, e=()).rows(kept)


def _whole(terms: Terms) -> Terms:
    """Return the terms with E."""
    return terms if terms.e else replace(terms, e=[np.exp(log_e) for log_e in terms.log_e])


@dataclass(frozen=True)
class Groups:
    """Trunk combinations of several problems, side by side in one block.

    Parameters
    ----------
    of
        The problem of each trunk combination, (T,).
    log_q_least
        Least ln Q allowed in each problem, (S,); ``None``: no limit in any.
    known
        J of an allowed plan of each, (S,); inf where none is known.
    start
        Plans to start from, (T, n); ``None``: none is known.
    """

    of: Index
    log_q_least: Array | None
    known: Array
    start: Index | None = None


class _Search:
    """What the rungs of a block have found, under limits on ln Q or none."""

    def __init__(self, terms: Terms, groups: Groups) -> None:
        count = len(terms.base)
        self.of, self.known = groups.of, groups.known.copy()
        self.least = None if groups.log_q_least is None else groups.log_q_least[groups.of]
        self.lower = np.full(count, -np.inf)
        self.value = np.full(count, np.inf)
        self.entries = np.zeros((count, len(terms.k)), dtype=np.intp)
        self.slope = np.zeros(count)  # the best so far
        self.past = False  # all plans hold the limits, and the last rung made nothing better
        self.scale: Array | None = None
        if self.least is not None:
            most = terms.log_q_trunk + sum(q.max(axis=1) for q in terms.log_q)
            self.lower[most < self.least] = np.inf
        kept = np.flatnonzero(self.lower < np.inf)
        if 2 * len(kept) > count:  # the others are not worth a copy
            kept = np.arange(count)
        some = _rows(terms, kept) if len(kept) < count else terms
        self.climber = Climber(some, kept, groups.start)
        self.plans = np.zeros_like(self.entries) if groups.start is None else groups.start.copy()

    def slopes(self, prices: Sequence[float]) -> None:
        """Climb the ladder of μ at given prices, until it seems past the best rung everywhere.

        The bound of one plan is concave in μ, so where all plans hold the limits and no bound or
        plan got better on a rung above 0, higher ones seldom help. Plans move from rung to rung,
        so they may: then a bound is lower than it could be and more plans are computed, no more.
        """
        if self.scale is None and len(self.climber.kept) > _MANY:
            self.take(prices, np.zeros(len(self.climber.kept)), moving=False)
        for rung in LADDER if self.least is not None else (0.0,):
            if self.done():
                return
            scale = np.zeros_like(self.slope) if self.scale is None else self.scale
            self.take(prices, rung * scale[self.climber.kept])
            if self.past and rung > 0.0:
                return

    def done(self) -> bool:
        """Whether to compute all that is left costs less than another rung.

        Of several problems each is left with one trunk combination in the end: that of its optimum.
        """
        menus: int = math.prod(k.shape[1] for k in self.climber.terms.k)
        left = len(self.climber.kept) - (len(self.known) - 1)
        return left * (menus + _PLANS_A_TRUNK) <= _PLANS_A_RUNG

    def take(self, prices: Sequence[float], slope: Array, moving: bool = True) -> float:
        """Step on one rung; return the least bound of what is left."""
        kept = self.climber.kept
        found = self.climber.rung(prices, slope, moving)
        if self.scale is None:
            self.scale = np.zeros_like(self.slope)
            self.scale[kept] = found.value
        least = None if self.least is None else self.least[kept]
        self.plans[kept] = found.at
        fine = found.fine if least is None else found.fine & (found.log_q >= least)
        better = np.flatnonzero(fine & (found.value < self.value[kept]))
        self.value[kept[better]] = found.value[better]
        self.entries[kept[better]] = found.at[better]
        below = found.at_least(least)
        higher = np.flatnonzero(below > self.lower[kept])
        self.lower[kept[higher]], self.slope[kept[higher]] = below[higher], slope[higher]
        self.past = not (len(higher) or len(better)) and bool(fine.all())
        np.minimum.at(self.known, self.of[kept[fine]], found.value[fine])
        left = np.flatnonzero(self.lower[kept] < self.known[self.of[kept]] * (1.0 + ROUNDING))
        if 2 * len(left) <= len(kept):
            self.climber.keep(left)
        return float(below[left].min(initial=math.inf))

    def prices(self) -> None:
        """Climb the ladder of each resource's price in turn, then that of μ again."""
        count = len(self.climber.terms.uses)
        unit = [0.0] * count if self.done() else self.climber.unit_prices()
        held = [0.0] * count
        for _ in range(_ROUNDS):
            for r in range(count):
                tried = {}
                for rung in (0.0, *_PRICES):
                    prices = [*held[:r], rung * unit[r], *held[r + 1 :]]
                    if not self.done():
                        tried[prices[r]] = self.take(prices, self.slope[self.climber.kept])
                held[r] = max(tried, key=lambda p: tried[p], default=0.0)
            self.slopes(held)

    def hopeless(self) -> None:
        """Rule out what uses more than is allowed at any levels: the same bound, of each use."""
        for r in range(len(self.climber.terms.uses)):
            if self.done():
                return
            use = self.climber.terms.uses[r]
            climber = Climber(self.climber.terms.of_use(use), self.climber.kept)
            scale = np.zeros(len(climber.kept))
            most = np.full(len(climber.kept), -np.inf)
            for rung in LADDER if self.least is not None else (0.0,):
                found = climber.rung((), rung * scale)
                scale = found.value if rung == 0.0 else scale
                least = None if self.least is None else self.least[climber.kept]
                most = np.maximum(most, found.at_least(least) - ROUNDING * found.value)
            allowed = most <= use.allowed
            self.lower[climber.kept[~allowed]] = np.inf
            self.climber.keep(np.flatnonzero(allowed))


def bounds(
    terms: Terms, log_q_least: float | None, known: float = math.inf, start: Index | None = None
) -> Bounds:
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
    start
        Plans to start from, (T, n): those of other prices, say.
    """
    least = None if log_q_least is None else np.array([log_q_least])
    return bounds_of_groups(
        terms, Groups(np.zeros(len(terms.base), np.intp), least, np.array([known]), start)
    )


def bounds_of_groups(terms: Terms, groups: Groups) -> Bounds:
    """Bound every trunk combination of problems side by side, each with its own known plan."""
    search = _Search(terms, groups)
    search.slopes([0.0] * len(terms.uses))
    if terms.uses:
        search.hopeless()
        search.prices()
    return Bounds(search.lower, search.value, search.entries, search.plans)
