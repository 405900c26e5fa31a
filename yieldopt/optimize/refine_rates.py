r"""How fast ln E of one group of faults can move with the times of tests that see it.

Tests move along a path with parameter u: alone, u being the time, or several together, kept at one
coverage. A path's times rise and turn down (t' ≥ 0, t'' ≤ 0). Within a cell, where the order of all
coverages of a class is fixed, the mass looked at is linear in each coverage, with first and mixed
derivatives of at most 1 in size, and so are κ and κ+ω:

    |κ'| ≤ Σ v_i ,   |κ''| ≤ Σ (|c_i''|·t_i'² + c_i'·|t_i''|) + (Σ v_i)² − Σ v_i² ,

with v_i = c_i'·t_i'.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from yieldopt.optimize.refine_curve import Curve
from yieldopt.physics.yields import Law, clustering


@dataclass(frozen=True)
class Group:
    """Faults of one origin and mixing variable that a test sees: (class, mean)."""

    law: Law
    means: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Mover:
    """A curve on a path, from a time on.

    Parameters
    ----------
    curve, low_s
        The curve and its time where the path begins [s].
    pace, turn
        Bounds of t' and |t''| along the path; 1 and 0 for the time itself.
    """

    curve: Curve
    low_s: float
    pace: float = 1.0
    turn: float = 0.0


@dataclass(frozen=True)
class Rates:
    """Bounds over an interval: of |L'|, of L' where it rises, of L'', L being ln E.

    ``jump`` bounds the sum of the upward jumps of L' at kinks in the interval.
    """

    slope: float = 0.0
    rise: float = 0.0
    bend: float = 0.0
    jump: float = 0.0

    def plus(self, other: Rates, times: int = 1) -> Rates:
        """Return the sum of these and some times others."""
        return Rates(
            self.slope + times * other.slope,
            self.rise + times * other.rise,
            self.bend + times * other.bend,
            self.jump + times * other.jump,
        )

    def larger(self, other: Rates) -> Rates:
        """Return the larger of each."""
        return Rates(
            max(self.slope, other.slope),
            max(self.rise, other.rise),
            max(self.bend, other.bend),
            max(self.jump, other.jump),
        )


def rates_of(
    group: Group,
    movers: Sequence[Mover],
    repaired: Mapping[str, float],
    kinks: Mapping[str, float] | None = None,
) -> Rates:
    """Bounds of one group along a path: c' and |c''| fall with t.

    Parameters
    ----------
    group, movers
        The faults, and the curves on the path that see them.
    repaired
        Largest share that a test repairs, by class; classes that none repairs are left out.
    kinks
        By class: how far kinks in the interval may turn what is seen, per coverage.

    Notes
    -----
    Where the coverages of tests i and j of nested shares ν meet, ω turns by at most ν_i·ν_j. With
    repair ρ at most, κ turns down and κ∞+ω∞ up by at most ρ·ν_i·ν_j each.
    """
    speed = bend = mended_speed = mended_bend = turns = 0.0
    for name, mean in group.means:
        own_speed, own_bend = _moved(name, movers)
        speed += mean * own_speed
        bend += mean * own_bend
        if name in repaired:
            mended_speed += mean * own_speed
            mended_bend += mean * own_bend
            turns += 2.0 * repaired[name] * (kinks or {}).get(name, 0.0) * mean * own_speed
    whole = sum(mean for _, mean in group.means)
    # Where κ moves with a time, and in κ∞+ω∞, at least what that test covers and does not repair
    # counts.
    seen = min(_seen(group, mover, repaired) for mover in movers)
    falls, curves, sinks = slopes(group.law, seen, whole)
    return Rates(
        _times(falls, speed + mended_speed),
        _times(falls, 2.0 * mended_speed),
        _times(curves, speed**2)
        + _times(falls, bend + mended_bend)
        + _times(sinks, mended_speed**2),
        _times(falls, turns),
    )


def _moved(name: str, movers: Sequence[Mover]) -> tuple[float, float]:
    """Return bounds of the first and second derivative of what is seen of a class."""
    speed = squares = bend = 0.0
    for mover in movers:
        if name in mover.curve.tau_s:
            tau = mover.curve.tau_s[name]
            left = mover.curve.max_coverage_frac[name] * math.exp(-mover.low_s / tau)
            speed += left / tau * mover.pace
            squares += (left / tau * mover.pace) ** 2
            bend += left / tau**2 * mover.pace**2 + left / tau * mover.turn
    return speed, bend + max(speed**2 - squares, 0.0)


def _seen(group: Group, mover: Mover, repaired: Mapping[str, float]) -> float:
    curve, seen = mover.curve, 0.0
    for name, mean in group.means:
        if name in curve.tau_s:
            share = -math.expm1(-mover.low_s / curve.tau_s[name])
            seen += (1.0 - repaired.get(name, 0.0)) * mean * curve.max_coverage_frac[name] * share
    return seen


def _times(bound: float, value: float) -> float:
    return bound * value if value else 0.0


def slopes(law: Law, low: float, high: float) -> tuple[float, float, float]:
    """Return the largest −(ln S)', (ln S)'' and −(ln S)'' over a range of masses x.

    For S = E e^(−xW) they are mean and variance of W, weighed by e^(−xW): the mean falls with x.
    W of ``rectangular`` is uniform on [0, 2], of variance at most 1 under any weight, that of
    ``murphy`` the sum of two uniform on [0, 1], of variance at most 1/2.
    """
    alpha = clustering(law)
    if alpha is not None:
        return alpha / (alpha + low), alpha / (alpha + low) ** 2, 0.0
    if law.name == "moore":
        if low <= 0.0:
            return math.inf, math.inf, 0.0
        return 0.5 / math.sqrt(low), 0.25 / low**1.5, 0.0
    if law.name == "single":
        left = 1.0 - high
        return (1.0 / left, 0.0, 1.0 / left**2) if left > 0.0 else (math.inf, 0.0, math.inf)
    return 1.0, {"rectangular": 1.0, "murphy": 0.5}.get(law.name, 0.0), 0.0
