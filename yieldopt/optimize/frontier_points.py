"""The points of a frontier of cost and DPPM, and which of them a price of a ppm finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from yieldopt.optimize.frontier_floor import Floor, hull
from yieldopt.optimize.terms import ROUNDING
from yieldopt.shown import Shown

_PROVED = 1e-9  # a relative gap that is rounding


@dataclass(frozen=True)
class Point:
    """A plan that no other beats in both cost and DPPM.

    Parameters
    ----------
    levels
        By ``"node/insertion"``.
    value_usd
        Cost per good package at the given prices, escapes included [USD].
    dppm
        Bad packages per million shipped.
    supported
        Whether some price of a ppm makes it the plan of least value + price·DPPM; the others lie
        above the line between two supported ones, and only a DPPM limit finds them. ``None``: not
        known, since a search stopped before it met all points.
    usd_per_ppm
        What each ppm less costs on the way to the next point [USD per good package and ppm];
        ``None`` at the last.
    gap
        How much less a plan of no more DPPM could cost at most, relative; 0: none can.
    """

    levels: Mapping[str, str]
    value_usd: float
    dppm: float
    supported: bool | None = True
    usd_per_ppm: float | None = None
    gap: float = 0.0


@dataclass(frozen=True)
class Frontier(Shown):
    """All points, by rising cost and falling DPPM, and how it was shown that they are all.

    Parameters
    ----------
    points
        The points; empty where no plan is allowed.
    method
        ``"enumeration"``; ``"repeated search"`` under a falling DPPM limit; or ``"prices and
        limits"``: repeated search, points spread over the whole range.
    combinations, enumerated, pruned
        Plans in all, computed one by one, ruled out by a bound (of a repeated search: in all its
        searches together).
    complete
        Whether the points are all there are.
    note
        What was left out, and why; empty where nothing was.
    missed
        How much less a plan not shown can cost than a point shown that ships no more bad packages,
        at most (relative); ``None``: not known.
    """

    points: tuple[Point, ...]
    method: str
    combinations: int
    enumerated: int
    pruned: int
    complete: bool = True
    note: str = ""
    missed: float | None = None

    def within(self, dppm_limit: float) -> Point | None:
        """Return the cheapest point within a DPPM limit, or ``None``."""
        return next((point for point in self.points if point.dppm <= dppm_limit), None)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def told(points: Sequence[Point], complete: bool, floor: Floor | None = None) -> tuple[Point, ...]:
    """Return points with the price of a ppm, and which are supported as far as that is known.

    Parameters
    ----------
    points
        By rising cost and falling DPPM.
    complete
        Whether they are all.
    floor
        Bounds on what other plans cost.
    """
    corners = hull([(-point.dppm, point.value_usd) for point in points], ROUNDING)
    out = []
    for at, point in enumerate(points):
        price = None
        if at + 1 < len(points):
            after = points[at + 1]
            price = (after.value_usd - point.value_usd) / (point.dppm - after.dppm)
        supported: bool | None = at in corners
        if not complete and at in corners:  # other plans may lie below it
            supported = (floor is not None and _is_lowest(point, floor)) or None
        elif not complete and floor is None:
            supported = None
        out.append(replace(point, supported=supported, usd_per_ppm=price))
    return tuple(out)


def _is_lowest(point: Point, floor: Floor) -> bool:
    """Whether the bounds show that some price of a ppm makes a point least.

    In DPPM a line of the bounds is concave, so the bounds lie lowest where two lines meet.
    """
    bad = np.append(floor.corners(), [0.0, 1e9])
    dppm = 1e6 * bad / (1.0 + bad)
    above = floor.highest(bad) - point.value_usd + _PROVED * abs(point.value_usd)
    better, worse = dppm < point.dppm, dppm > point.dppm
    if np.any(above[dppm == point.dppm] < 0.0):
        return False
    most = (above[better] / (point.dppm - dppm[better])).min(initial=np.inf)
    least = (-above[worse] / (dppm[worse] - point.dppm)).max(initial=0.0)
    return bool(least <= most)
