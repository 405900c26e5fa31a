r"""Over which amounts a price holds: the piece of a convex, piecewise linear value.

From a point at a slope p the value lies on the line v + p·d until the piece ends. Any tangent
further out meets that line at or beyond the end; the value there is on the line only at the end
itself. So tangents are taken where the last one met the line, and after finitely many the end is
exact (Newton's method; each step is on another piece).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from yieldopt.errors import SolverError
from yieldopt.planning.held import Held, Point, Shift

_STEPS = 200
_CORNER = 1e-7  # of the span asked for: a piece that is shorter has no length
_FARTHER = 4.0  # each look after the first, against the last
_ON_LINE = 4e-9  # of the value: the linear programme's own rounding


@dataclass(frozen=True)
class Piece:
    """How the value changes around a point.

    Parameters
    ----------
    slope, below
        Change of the value with one unit more, and with one unit less counted as more. They
        differ at a corner. Infinite where no plan keeps the rules there.
    low, high
        Amounts, ≤ 0 and ≥ 0, between which ``slope`` holds; ``None`` where it holds as far as was
        asked. At a corner ``low`` is 0.
    """

    slope: float
    below: float
    low: float | None
    high: float | None


def piece(held: Held, shift: Shift, least: float, most: float, first: float) -> Piece:
    """Return the piece of the value that begins at no shift and goes on with more.

    Parameters
    ----------
    held
        The plan.
    shift
        What moves.
    least, most
        How far to look, ≤ 0 and ≥ 0.
    first
        How far to look first, > 0.
    """
    start, slope = held.base.value, held.slope(shift, held.duals)
    high: float | None = None
    if most > 0.0:
        high, beyond = _end(held, shift, Point(start, slope, None), most, first)
        if high == 0.0:  # a corner: one more is worth another slope
            slope = beyond
            if np.isfinite(slope):
                high, _ = _end(held, shift, Point(start, slope, None), most, first)
    below, low = slope if np.isfinite(slope) else held.slope(shift, held.duals), None
    if least < 0.0:
        low, beyond = _end(held, shift, Point(start, below, None), least, first)
        below = beyond if low == 0.0 else below
    return Piece(slope, below, low if np.isfinite(slope) else 0.0, high)


def _end(
    held: Held, shift: Shift, start: Point, most: float, first: float
) -> tuple[float | None, float]:
    """Return where the line from a point ends, ``None`` if not before ``most``; the slope beyond.

    The slope beyond is infinite where no plan keeps the rules there. Tangents are first taken over
    the recipes that are known; the one that shows the end is then asked of every recipe. A value
    that is on the line needs no proof: the value is convex, so none lies below.
    """
    span, beyond = abs(most), start.slope
    # Near points first: they ask for few recipes that are not known.
    far = float(np.copysign(min(first, span), most))
    end: float | None = None
    tried: float | None = None  # where the last tangent was taken, if over known recipes alone
    ask = False
    for _ in range(_STEPS):
        known = None if ask else held.known(shift, far)
        there = known or held.at(shift, far)
        if there.relaxed is None:
            end, beyond, tried = _edge(held, shift, far, there), np.inf, None
            far = end * (1.0 - _CORNER)
            known, there = None, held.at(shift, far)
            if abs(end) <= _CORNER * span or there.relaxed is None:
                return (0.0 if abs(end) <= _CORNER * span else end), beyond
        if not is_on(start.value, start.slope, there, far) and there.slope != start.slope:
            above = there.value - start.value - start.slope * far
            tried = None if known is None else far
            far, beyond = far - above / (there.slope - start.slope), there.slope
            end, ask = (far if abs(far) > _CORNER * span else 0.0), False
            if end:
                continue
        elif ask:  # with the recipes that were found the line goes on
            end, ask = None, False
        if end is None:
            if abs(far) >= span:
                return end, beyond
            far = float(np.copysign(min(_FARTHER * abs(far), span), most))
        elif tried is None:
            return end, beyond
        else:
            far, ask = tried, True
    raise SolverError(f"no end of a price was found in {_STEPS} steps")


def is_on(value: float, slope: float, there: Point, amount: float) -> bool:
    """Whether a point lies on the line from a value, but for rounding."""
    return there.value - value - slope * amount <= _ON_LINE * max(1.0, abs(value))


def _edge(held: Held, shift: Shift, far: float, there: Point) -> float:
    """Return the amount nearest to ``far`` at which some plan keeps the rules."""
    for _ in range(_STEPS):
        if there.relaxed is not None or there.value <= held.tolerance or there.slope == 0.0:
            return far
        far -= there.value / there.slope
        there = held.at(shift, far)
    raise SolverError(f"no end of what is feasible was found in {_STEPS} steps")
