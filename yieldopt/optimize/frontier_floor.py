r"""What searches have shown about all plans at once: least cost by bad packages shipped.

With β bad packages to each good one, a search at an escape cost dearer by μ shows a *line*,
J + μ·β ≥ L for every plan; one under a limit shows a *step*, J ≥ v for every plan of at most β.
"""

from __future__ import annotations

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
        (μ, L): J + μ·β ≥ L [USD per good package].
    steps
        (β, v): plans of at most β bad packages to a good one cost v at least.

    Examples
    --------
    >>> floor = Floor([(0.0, 100.0), (1000.0, 120.0)], [(0.005, 130.0)])
    >>> floor.at(0.03), floor.at(0.01), floor.at(0.004)
    (100.0, 110.0, 130.0)
    """

    lines: list[tuple[float, float]] = field(default_factory=list)
    steps: list[tuple[float, float]] = field(default_factory=list)

    def at(self, bad: float) -> float:
        """Return what plans of at most ``bad`` bad packages to a good one cost at least [USD]."""
        lines = max((total - price * bad for price, total in self.lines), default=-math.inf)
        held = (value for most, value in self.steps if bad <= most)
        return max(lines, max(held, default=-math.inf))

    def corners(self) -> Array:
        """Return the bad packages to a good one at which two lines meet, (C,), rising."""
        price, total = np.array(self.lines, float).reshape(-1, 2).T
        i, j = np.nonzero(price[:, None] < price[None, :])
        found: Array = np.unique((total[j] - total[i]) / (price[j] - price[i]))
        return found[found >= 0.0]

    def below(self, left: tuple[float, float], right: tuple[float, float]) -> float:
        """Return how far the lines lie below a chord at most [USD].

        Parameters
        ----------
        left, right
            (β, J) of its ends, β falling.

        Notes
        -----
        The lines' maximum is convex in β, so the distance is largest at an end or where two meet.
        """
        (most, cheap), (least, dear) = left, right
        slope = (dear - cheap) / (most - least)
        corners = self.corners()
        inside = corners[(corners > least) & (corners < most)]
        worst = 0.0
        for bad in (most, least, *inside.tolist()):
            chord = cheap + slope * (most - bad)
            worst = max(worst, chord - max(total - price * bad for price, total in self.lines))
        return worst


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
