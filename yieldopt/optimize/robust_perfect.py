"""What a measure comes to at best, from the least cost of each scenario by itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from yieldopt.optimize.robust_goal import Goal
from yieldopt.optimize.robust_measure import Measure

Array = NDArray[np.float64]


def perfect_usd(p: Array, goal: Goal, held: Array, free: Array | None) -> float | None:
    """Return the measure if levels were chosen knowing the scenario: no plan for all costs less.

    Every measure but ``fixed_starts`` (``None``) rises with the cost of each scenario.

    Parameters
    ----------
    p, goal
        Probabilities (S,), and what is minimised.
    held, free
        Least costs under the DPPM limit and without it, (S,); ``free`` is ``None`` where the limit
        must hold everywhere or there is none.
    """
    if goal.measure == "fixed_starts":
        return None
    measure = Measure(goal.measure, p, goal.cvar_tail)
    if free is None:
        return float(measure.of(held[None, :], np.zeros((1, len(p))))[0])
    if measure.is_risk:
        return float(measure.of(free[None, :], np.zeros((1, len(p))))[0])
    total, left = float(free @ p), goal.dppm_share
    if total == np.inf:
        return total
    for s in np.argsort(held - free, kind="stable"):  # hold the limit where it costs least
        part = min(float(p[s]), left)
        if part > 1e-12:
            total += part * float(held[s] - free[s])
            left -= part
    return total


def least_ratio(p: Array, value: Array, goods: tuple[Array, Array]) -> float:
    """Return what E[spend]/E[good] is at least.

    It is the mean of J_s under weights p_s·Y_s, so that it rises with every J_s. Of all Y in their
    ranges the least mean is at an end of each: most goods where J_s is below the mean, least where
    it is above.

    Parameters
    ----------
    p, value
        Probabilities, and the least cost per good package of each scenario, (S,).
    goods
        Least and most good packages per start, each (S,).

    Examples
    --------
    >>> p, value = np.array([0.5, 0.5]), np.array([100.0, 200.0])
    >>> round(least_ratio(p, value, (np.array([0.5, 0.5]), np.array([0.9, 0.75]))), 3)
    135.714
    """
    order = np.argsort(value, kind="stable")
    few, many = (p * goods[0])[order], (p * goods[1])[order]
    best = np.inf
    for count in range(1, len(p) + 1):
        weights = np.append(many[:count], few[count:])
        used = weights > 0.0
        if used.any():
            best = min(best, float(weights[used] @ value[order][used]) / float(weights.sum()))
    return best
