r"""Curves that see the same faults of a repaired class again: cut at the same coverages.

Such curves i and j move each other's kinks: κ turns where c_i(t_i) = c_j(t_j). Where both are cut
at the same coverages of that class, a box of times either does not meet this diagonal inside, or
has it run from corner to corner. A point of such a box moves along one time to the diagonal or the
side, there along the diagonal (both times together) to a corner, without crossing a kink. Each move
loses what :mod:`yieldopt.optimize.refine_bend` says at most, so the bound is of second order again.
With n such curves a box falls into simplices by the order of coverages, and it takes n moves.

The path's parameter u is the time of the curve of least T_max: q = T_max,u / T_max gives
e^(−t/τ) = (1 − q) + q·e^(−u/τ_u), and t turns down with u.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from yieldopt.optimize.refine_bend import Bend, Span, covered
from yieldopt.optimize.refine_curve import Curve
from yieldopt.optimize.refine_rates import Mover

_SAME = 1e-12  # relative: sums of a few numbers, in another order
_SNAP = 1e-12  # of its longest time: a cut so near to an end is the end


@dataclass(frozen=True)
class Meeting:
    """Two curves whose coverages of some repaired classes may be equal."""

    one: Curve
    other: Curve
    classes: tuple[str, ...]


@dataclass(frozen=True)
class Tie:
    """Curves to be cut at the same coverages of a class.

    Parameters
    ----------
    curves, name
        The curves and the class.
    """

    curves: tuple[Curve, ...]
    name: str

    @cached_property
    def _lead(self) -> Curve:
        return min(self.curves, key=lambda curve: curve.max_coverage_frac[self.name])

    def _terms(self, curve: Curve) -> tuple[float, float, float]:
        """Return q, τ and τ_u."""
        q = self._lead.max_coverage_frac[self.name] / curve.max_coverage_frac[self.name]
        q = 1.0 if math.isclose(q, 1.0, rel_tol=_SAME) else q
        return q, curve.tau_s[self.name], self._lead.tau_s[self.name]

    def time(self, curve: Curve, u: float) -> float:
        """Return the time at which a curve covers what the path does at u, within its span [s]."""
        q, tau, tau_u = self._terms(curve)
        t = u * tau / tau_u if q == 1.0 else -tau * math.log1p(q * math.expm1(-u / tau_u))
        near = _SNAP * curve.high_s
        if t <= curve.low_s + near:
            return curve.low_s
        return curve.high_s if t >= curve.high_s - near else t

    def parameter(self, curve: Curve, seconds: float) -> float:
        """Return u of a curve's time; inf where the path never covers as much."""
        q, tau, tau_u = self._terms(curve)
        if q == 1.0:
            return seconds * tau_u / tau
        missed = math.expm1(-seconds / tau) / q
        return -tau_u * math.log1p(missed) if missed > -1.0 else math.inf

    @property
    def span(self) -> Span:
        """Where at least two of the curves may be."""
        lows = sorted(self.parameter(c, c.low_s) for c in self.curves)
        highs = sorted(self.parameter(c, c.high_s) for c in self.curves)
        return lows[1], highs[-2]

    def mover(self, curve: Curve, low: float, high: float) -> Mover:
        """Return a curve on the path between two u."""
        q, tau, tau_u = self._terms(curve)
        begin, end = math.exp(-low / tau_u), math.exp(-high / tau_u)
        falls = q * begin / (1.0 - q + q * begin)  # q·e^(−u/τ_u)/e^(−t/τ): falls with u
        turn = falls * (1.0 - q) / (1.0 - q + q * end) * tau / tau_u**2
        return Mover(curve, self.time(curve, low), falls * tau / tau_u, turn)


def meetings(bends: Mapping[str, Bend], spans: Mapping[str, Span]) -> list[Meeting]:
    """Return the pairs of curves whose coverages of a repaired class may be equal.

    Parameters
    ----------
    bends
        By place of the curves.
    spans
        By place of the curves that may run: shortest and longest time still in play [s].
    """
    return list(_meetings([bends[place] for place in bends if place in spans], spans))


def _meetings(bends: Sequence[Bend], spans: Mapping[str, Span]) -> Iterator[Meeting]:
    for one, other in combinations(bends, 2):
        names = sorted(set(one.shared(other.curve)) | set(other.shared(one.curve)))
        pair = one.curve, other.curve
        met = tuple(name for name in names if _may_meet(name, pair, spans))
        if met:
            yield Meeting(*pair, met)


def _may_meet(name: str, pair: tuple[Curve, Curve], spans: Mapping[str, Span]) -> bool:
    (a, b), (c, d) = ([covered(own, name, t) for t in spans[own.place]] for own in pair)
    return a < d and c < b


def tie_up(met: Sequence[Meeting]) -> tuple[list[Tie], list[Meeting]]:
    """Return the ties of pairs that meet along one line each, and the pairs of all other sets."""
    ties, tangled, left = [], list[Meeting](), list(met)
    while left:
        some = [left.pop(0)]
        while more := [m for m in left if any(_touch(m, own) for own in some)]:
            some += more
            left = [m for m in left if m not in more]
        curves = tuple({c.place: c for m in some for c in (m.one, m.other)}.values())
        names = sorted({name for m in some for name in m.classes})
        fits = (Tie(curves, name) for name in names if _is_line(name, names, curves))
        tie = next((tie for tie in fits if math.isfinite(tie.span[1])), None)
        if tie is None:
            tangled += some
        else:
            ties.append(tie)
    return ties, tangled


def _touch(one: Meeting, other: Meeting) -> bool:
    return bool({one.one.place, one.other.place} & {other.one.place, other.other.place})


def _is_line(name: str, names: Sequence[str], curves: Sequence[Curve]) -> bool:
    """Whether all curves have equal coverages of all classes just where they have of one."""
    if not all(other in curve.tau_s for curve in curves for other in names):
        return False
    pairs = list(combinations(curves, 2))
    return all(_coincide(name, other, *pair) for other in names for pair in pairs)


def _coincide(name: str, other: str, a: Curve, b: Curve) -> bool:
    """Whether two classes are equally covered by two curves at the same pairs of times."""
    own, theirs = (a.max_coverage_frac[k] / b.max_coverage_frac[k] for k in (name, other))
    if not math.isclose(own, theirs, rel_tol=_SAME):
        return False
    if math.isclose(own, 1.0, rel_tol=_SAME):
        rates = [a.tau_s[k] / b.tau_s[k] for k in (name, other)]
        return math.isclose(*rates, rel_tol=_SAME)
    return all(math.isclose(c.tau_s[name], c.tau_s[other], rel_tol=_SAME) for c in (a, b))
