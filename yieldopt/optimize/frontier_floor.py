r"""What searches have shown about all plans at once: least cost by bad packages shipped.

With β bad packages to each good one, a search at an escape cost dearer by μ shows a *line*,
J + μ·β ≥ L for every plan; one under a limit shows a *step*, J ≥ v for every plan of at most β.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass
class Floor:
    """Lower bounds on what plans cost.

    Parameters
    ----------
    lines
        (μ, L): J + μ·β ≥ L [USD per good package]; at first, that nothing costs less than 0.
    steps
        (β, v): plans of at most β bad packages to a good one cost v at least.

    Examples
    --------
    >>> floor = Floor([(0.0, 100.0), (1000.0, 120.0)], [(0.005, 130.0)])
    >>> floor.at(0.03), floor.at(0.01), floor.at(0.004)
    (100.0, 110.0, 130.0)
    """

    lines: list[tuple[float, float]] = field(default_factory=lambda: [(0.0, 0.0)])
    steps: list[tuple[float, float]] = field(default_factory=list)

    def at(self, bad: float) -> float:
        """Return what plans of at most ``bad`` bad packages to a good one cost at least [USD]."""
        lines = max(total - price * bad for price, total in self.lines)
        held = (value for most, value in self.steps if bad <= most)
        return max(lines, max(held, default=-math.inf))

    def corners(self) -> Array:
        """Return the bad packages to a good one at which the highest line changes, (C,), rising."""
        best: dict[float, float] = {}
        for price, total in self.lines:
            best[price] = max(total, best.get(price, -math.inf))
        # The highest of lines are the lower hull of points (μ, −L), its slopes where two meet.
        points = [(price, -best[price]) for price in sorted(best)]
        kept = [points[at] for at in hull(points, 0.0)]
        slopes = [(v0 - v1) / (x1 - x0) for (x0, v0), (x1, v1) in itertools.pairwise(kept)]
        return np.array([slope for slope in reversed(slopes) if slope >= 0.0])

    def highest(self, bad: Array) -> Array:
        """Return the highest of the lines at ``bad`` bad packages to a good one, both (B,)."""
        price, total = np.array(self.lines, float).T
        line: Array = (total - price * bad[:, None]).max(axis=1)
        return line

    def below(self, points: Sequence[tuple[float, float]]) -> Array:
        """Return how far the lines lie below each chord of neighbours at most [USD], (n − 1,).

        Parameters
        ----------
        points
            n of them, (β, J), β rising.

        Notes
        -----
        The lines' maximum is convex in β, so the distance is largest at an end or where two meet.
        """
        x, value = np.array(points, float).reshape(-1, 2).T
        corners = self.corners()
        at = np.unique(np.append(x, corners[(corners > x[0]) & (corners < x[-1])]))
        apart = np.interp(at, x, value) - self.highest(at)
        ends = itertools.pairwise(np.searchsorted(at, x).tolist())
        return np.array([apart[left : right + 1].max() for left, right in ends])


def hull(points: Sequence[tuple[float, float]], slack: float) -> list[int]:
    """Return which points (x, J), x rising, lie on the lower convex hull, its edges included.

    Parameters
    ----------
    points
        At different x.
    slack
        Relative: a point so little above an edge is on it.
    """
    out: list[int] = []
    for at, (x, value) in enumerate(points):
        while len(out) >= 2:
            (x0, v0), (x1, v1) = points[out[-2]], points[out[-1]]
            line = v0 + (value - v0) * (x1 - x0) / (x - x0)
            if v1 <= line + slack * abs(line):
                break
            out.pop()
        out.append(at)
    return out
