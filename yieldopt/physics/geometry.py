"""Whole dies on a wafer, whole bodies on a panel and the reticle field: exact counts.

The dies of a wafer sit on one aligned grid (rows *and* columns, as stepper and saw need), so only
the grid's offset is free; `dies_per_wafer` returns the true maximum over all offsets.  Let (u, v)
be the centre of one die: by symmetry 0 <= u <= pitch_x/2, 0 <= v <= pitch_y/2 suffices.  There
the die of column i reaches ``|u + i*pitch_x| + width/2`` from the axis, linear in u (rows alike).
So a die is whole exactly when (u, v) is in one disc of radius R, and the problem is the largest
number of equal discs over a point of a rectangle.  Branch and bound over sub-rectangles: discs
that cover one count, discs that miss it do not, the open ones add up to the upper bound.  With few
open discs it is solved exactly: the offsets sharing its optimum form a convex region, whose
leftmost point is on the rectangle's edge or where two circles meet (inside the rectangle every
circle is a strictly monotone arc), so the largest overlap along all arcs and edges is the maximum.

Arcs are drawn at R and a die counts within R + 1e-9 mm, so the result lies between the maximum for
R and the maximum for R + 1e-9 mm, up to float rounding (about 1e-12 mm).
"""

from __future__ import annotations

import heapq
import itertools
import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from yieldopt.errors import CaseError
from yieldopt.physics.arguments import check

RETICLE_MM: tuple[float, float] = (26.0, 33.0)  # full field of a 4x lithography scanner (858 mm2)
TOUCH_MM = 1e-9  # lengths closer than this touch [mm]: a die that touches the limit is whole
_MIN_PITCH_RATIO = 1e-4  # smallest grid pitch accepted, as a share of the usable diameter
_LEAF_DISCS = 40  # undecided discs solved by arcs rather than by splitting the rectangle
_MAX_SPLITS = 30  # beyond it the rectangle is a point: many circles meet there
_Floats = NDArray[np.float64]  # discs: rows su, du, sv, dv with su*u + du and sv*v + dv the reach
_Box = tuple[float, float, float, float]  # u_low, u_high, v_low, v_high [mm]


def _lengths(**values: float) -> list[float]:
    """Return the values as floats, checked; only streets and edge exclusions may be zero."""
    low = {name: "[0" if name.startswith(("street", "edge")) else "(0" for name in values}
    check(*((name, value, f"one {low[name]}, inf)") for name, value in values.items()))
    return [float(value) for value in values.values()]


def _reach(half: _Floats, radius: float) -> _Floats:
    """Half-chord at distance `half` from the circle's centre [mm]; -1 beyond the circle."""
    return np.where(half <= radius, np.sqrt(np.maximum(radius**2 - half**2, 0.0)), -1.0)


def _spans(discs: _Floats, box: _Box) -> tuple[_Floats, ...]:
    """Least and greatest reach of each die along x, then along y, over the box [mm]."""
    x = discs[0] * np.array(box[:2])[:, None] + discs[1]
    y = discs[2] * np.array(box[2:])[:, None] + discs[3]
    return x.min(axis=0), x.max(axis=0), y.min(axis=0), y.max(axis=0)


def _open_discs(width: float, height: float, street: float, r: float) -> tuple[int, _Floats]:
    """Count the dies whole at every offset and list those whole at some offsets only.

    Column m (m = 0, 1, 2 .. is die 0, -1, +1, -2 ..) reaches ``low[m] + u`` when m is even and
    ``low[m] + pitch/2 - u`` when m is odd, with ``low[m] = width/2 + m*pitch/2``; rows likewise.
    """
    step_x, step_y = (width + street) / 2, (height + street) / 2
    low_x = width / 2 + step_x * np.arange(math.ceil(r / step_x) + 1, dtype=np.float64)
    low_y = height / 2 + step_y * np.arange(math.ceil(r / step_y) + 1, dtype=np.float64)
    first = np.searchsorted(low_x + step_x, _reach(low_y + step_y, r), side="right")
    number = np.searchsorted(low_x, _reach(low_y, r), side="right") - first
    row = np.repeat(np.arange(len(low_y)), number)
    col = np.arange(len(row)) - np.repeat(np.cumsum(number) - number - first, number)
    odd_x, odd_y = col % 2, row % 2
    du, dv = low_x[col] + step_x * odd_x, low_y[row] + step_y * odd_y
    return int(first.sum()), np.array([1.0 - 2.0 * odd_x, du, 1.0 - 2.0 * odd_y, dv])


def _overlap(low: _Floats, high: _Floats, start: _Floats, stop: _Floats) -> int:
    """Largest number of closed intervals over one point of [start, stop], over all the rows."""
    low, high = np.maximum(low, start[:, None]), np.minimum(high, stop[:, None])
    hit = np.where(low <= high, 1, 0)
    order = np.argsort(np.concatenate([low, high], axis=1), axis=1, kind="stable")
    steps = np.take_along_axis(np.concatenate([hit, -hit], axis=1), order, axis=1)
    return int(np.cumsum(steps, axis=1).max(initial=0))


def _edge_overlap(discs: _Floats, box: _Box, r: float) -> int:
    """Largest number of discs over one point of the rectangle's four edges."""
    (su, du, sv, dv), (u, v) = discs, np.array(box).reshape(2, 2)
    half_v, half_u = _reach(su * u[:, None] + du, r), _reach(sv * v[:, None] + dv, r)
    on_u = _overlap(-sv * dv - half_v, -sv * dv + half_v, v[[0, 0]], v[[1, 1]])
    on_v = _overlap(-su * du - half_u, -su * du + half_u, u[[0, 0]], u[[1, 1]])
    return max(on_u, on_v)


def _arc_overlap(discs: _Floats, box: _Box, r: float) -> int:
    """Largest number of discs over one point of the circles' arcs inside the rectangle.

    Disc a is mirrored to put the rectangle in its first quadrant; its point at angle t is in disc
    b, d away in direction p, when ``cos(t - p) >= (d**2 + r**2 - (r + TOUCH_MM)**2) / (2*d*r)``.
    """
    x_low, x_high, y_low, y_high = (np.clip(side / r, 0.0, 1.0) for side in _spans(discs, box))
    start = np.maximum(np.arccos(x_high), np.arcsin(y_low))
    stop = np.minimum(np.arccos(x_low), np.arcsin(y_high))
    on = start <= stop
    su, du, sv, dv = discs[:, on, None]
    dx, dy = du - su * discs[0] * discs[1], dv - sv * discs[2] * discs[3]
    dist, toward = np.hypot(dx, dy), np.arctan2(dy, dx)
    with np.errstate(divide="ignore"):  # a disc seen from itself
        cosine = (dist**2 - TOUCH_MM * (2.0 * r + TOUCH_MM)) / (2.0 * r * dist)
    half = np.where(cosine > 1.0, -np.inf, np.arccos(np.clip(cosine, -1.0, 1.0)))
    return _overlap(toward - half, toward + half, start[on], stop[on])


@lru_cache(maxsize=8192)
def _dies(width: float, height: float, street: float, r: float) -> int:
    """Return the largest number of whole dies over all offsets; 0 when none fits."""
    wide = r + TOUCH_MM
    sure, discs = _open_discs(width, height, street, wide)
    box = (0.0, (width + street) / 2, 0.0, (height + street) / 2)
    best = sure + _edge_overlap(discs, box, wide)  # a first lower bound
    ticket = itertools.count()  # breaks ties, so that the heap never compares arrays
    heap = [(-sure - discs.shape[1], next(ticket), 0, sure, discs, box)]
    while heap and -heap[0][0] > best:
        _, _, splits, sure, discs, box = heapq.heappop(heap)
        if discs.shape[1] <= _LEAF_DISCS or splits >= _MAX_SPLITS:
            on_edge, on_arc = _edge_overlap(discs, box, wide), _arc_overlap(discs, box, r)
            best = max(best, sure + on_edge, sure + on_arc)
            continue
        u, v = (box[0] + box[1]) / 2, (box[2] + box[3]) / 2
        for us, vs in itertools.product(((box[0], u), (u, box[1])), ((box[2], v), (v, box[3]))):
            x_low, x_high, y_low, y_high = _spans(discs, (*us, *vs))
            inside = np.hypot(x_high, y_high) <= wide
            maybe = (np.hypot(x_low, y_low) <= wide) & ~inside
            base, bound = sure + int(inside.sum()), sure + int((inside | maybe).sum())
            if bound > best:
                part = (-bound, next(ticket), splits + 1, base, discs[:, maybe], (*us, *vs))
                heapq.heappush(heap, part)
    return best


def dies_per_wafer(
    width_mm: float,
    height_mm: float,
    *,
    diameter_mm: float = 300.0,
    edge_exclusion_mm: float = 3.0,
    street_mm: float = 0.1,
) -> int:
    """Return the exact maximum number of whole dies on a round wafer (proof: module docstring).

    One aligned grid at all its offsets.  Turning all dies by 90 degrees only turns the round
    wafer, so both orientations hold the same number.  A die is whole when its four corners,
    without the street, are in the usable circle or touch it.

    Parameters
    ----------
    width_mm, height_mm, diameter_mm, edge_exclusion_mm, street_mm : float
        Sides of the die in either order, wafer, unusable rim (>= 0), street (>= 0) [mm].

    Returns
    -------
    int
        Whole dies, at least 1; notch, flat and test sites are not subtracted.  Cached.

    Raises
    ------
    CaseError
        If a length is negative, not finite or zero (where not allowed), the rim takes the whole
        wafer, not a single die fits, or the pitch is below 1/10 000 of the usable diameter.

    Examples
    --------
    >>> dies_per_wafer(26.0, 33.0)
    64
    """
    width, height, diameter, rim, street = _lengths(
        width_mm=width_mm, height_mm=height_mm, diameter_mm=diameter_mm,
        edge_exclusion_mm=edge_exclusion_mm, street_mm=street_mm,
    )  # fmt: skip
    usable = diameter - 2.0 * rim
    case = f"die {width:g}x{height:g} mm in a usable diameter of {usable:g} mm"
    if min(width, height) + street < _MIN_PITCH_RATIO * usable:
        raise CaseError(f"{case}: too small to count")
    count = _dies(*sorted((width, height)), street, usable / 2.0) if usable > 0.0 else 0
    if count == 0:
        raise CaseError(f"{case}: not a single die fits")
    return count


def bodies_per_panel(
    width_mm: float,
    height_mm: float,
    *,
    panel_width_mm: float,
    panel_height_mm: float,
    edge_exclusion_mm: float = 0.0,
    street_mm: float = 0.0,
) -> int:
    """Return the number of whole bodies on a rectangular panel.

    One aligned grid in the better of two orientations (a panel that mixes both could hold more).
    n bodies fit when ``n*body + (n - 1)*street <= side - 2*edge_exclusion`` within `TOUCH_MM`.

    Parameters
    ----------
    width_mm, height_mm, panel_width_mm, panel_height_mm, edge_exclusion_mm, street_mm : float
        Sides of body and panel, unusable rim on all sides (>= 0), street (>= 0) [mm].

    Returns
    -------
    int
        Whole bodies, at least 1.

    Raises
    ------
    CaseError
        If a length is negative, not finite or zero (where not allowed), or not one body fits.

    Examples
    --------
    >>> bodies_per_panel(50.0, 40.0, panel_width_mm=510.0, panel_height_mm=515.0)
    120
    """
    width, height, *panel, rim, street = _lengths(
        width_mm=width_mm, height_mm=height_mm, panel_width_mm=panel_width_mm,
        panel_height_mm=panel_height_mm, edge_exclusion_mm=edge_exclusion_mm, street_mm=street_mm,
    )  # fmt: skip
    x, y = (max(0.0, side - 2.0 * rim + street + TOUCH_MM) for side in panel)
    u, v = width + street, height + street
    count = int(max((x // u) * (y // v), (x // v) * (y // u)))
    if count < 1:
        case = f"body {width:g}x{height:g} mm in a panel of {panel[0]:g}x{panel[1]:g} mm"
        raise CaseError(f"{case} with {rim:g} mm edge exclusion: not a single body fits")
    return count


def fits_reticle(
    width_mm: float,
    height_mm: float,
    *,
    reticle_width_mm: float = RETICLE_MM[0],
    reticle_height_mm: float = RETICLE_MM[1],
) -> bool:
    """Return whether a die [mm] fits the scanner field [mm], turned by 90 degrees if need be.

    Parameters
    ----------
    width_mm, height_mm, reticle_width_mm, reticle_height_mm : float
        Sides of the die and of the field at wafer scale [mm].

    Returns
    -------
    bool
        True if one exposure covers the die; equal sides (within `TOUCH_MM`) fit.

    Raises
    ------
    CaseError
        If a length is not a positive finite number.

    Examples
    --------
    >>> fits_reticle(33.0, 26.0), fits_reticle(29.0, 29.0)
    (True, False)
    """
    sides = _lengths(
        width_mm=width_mm, height_mm=height_mm,
        reticle_width_mm=reticle_width_mm, reticle_height_mm=reticle_height_mm,
    )  # fmt: skip
    die, field = sorted(sides[:2]), sorted(sides[2:])
    return die[0] <= field[0] + TOUCH_MM and die[1] <= field[1] + TOUCH_MM


def dies_per_wafer_estimate(area_mm2: float, *, diameter_mm: float) -> float:
    """Return ``pi*(d/2)**2/A - pi*d/sqrt(2*A)``, an estimate to compare with the exact count.

    Source: Hennessy and Patterson, Computer Architecture: A Quantitative Approach, chapter 1.

    Parameters
    ----------
    area_mm2, diameter_mm : float
        Area of the die [mm2] and usable diameter of the wafer [mm].

    Returns
    -------
    float
        Dies, not rounded; 0 or less for a die of area diameter**2/8 or more.

    Raises
    ------
    CaseError
        If a number is not positive and finite.

    Examples
    --------
    >>> round(dies_per_wafer_estimate(225.0, diameter_mm=300.0), 2)
    269.73
    """
    area, diameter = _lengths(area_mm2=area_mm2, diameter_mm=diameter_mm)
    return math.pi * (diameter / 2.0) ** 2 / area - math.pi * diameter / math.sqrt(2.0 * area)
