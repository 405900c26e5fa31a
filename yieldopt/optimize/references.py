r"""What sweeps of labels showed, and what follows for labels near those that they kept.

Sweeps of a problem without its limits,
but at *prices* of what is limited, bound it too: with λ USD for a unit of each limited resource
(least allowed r) and μ for a bad package (β to each good one allowed), a plan within the limits has

    J ≥ J_priced − Σ λ·r − μ·β ,

for J_priced counts at most that for what it uses.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yieldopt.optimize.absorption import distance, nearest
from yieldopt.optimize.dominance import excess
from yieldopt.optimize.effort import Goal
from yieldopt.optimize.worth import BEYOND, ROOM, Scale, Worth

Array = NDArray[np.float64]
_NEAREST = 6  # references tried for each label
_ROUNDING = 1e-12  # relative, of what prices add and take away


@dataclass
class Reference:
    """Labels kept at a stage in a former sweep and bounds on their completions (escape added).

    The bounds hold for completions that miss a limit by no more than ``room``.
    """

    worth: Worth
    bound: Array
    room: Array

    def __add__(self, other: Reference) -> Reference:
        """Return the references of both."""
        return Reference(
            self.worth + other.worth,
            np.concatenate([self.bound, other.bound]),
            np.concatenate([self.room, other.room]),
        )


@dataclass(frozen=True)
class Hints:
    """References of sweeps at prices of what is limited, without the limits.

    Parameters
    ----------
    references
        What those sweeps showed, by stage.
    scale
        Theirs; ``escape`` holds the price of a bad package, that of the problem included.
    bad_usd
        Price of a bad package, that of the problem left out (μ).
    prices
        Prices of the limited resources (λ), (P − 1,).
    """

    references: Mapping[tuple[str, int], Reference]
    scale: Scale
    bad_usd: float
    prices: Array

    @property
    def most(self) -> float:
        """A bound that says no more than that a completion is beyond what was looked at."""
        return self.scale.high * (BEYOND / ROOM)

    def allowed(self, goal: Goal, missing: Array) -> Array:
        """Return the most that plans which miss limits by ``missing`` (ln) pay at the prices.

        What is left out of the priced objective is left out here, too.
        """
        total = np.zeros(len(missing))
        with np.errstate(over="ignore"):
            if self.bad_usd:
                total += self.bad_usd * np.expm1(missing - goal.least_log_q)
            for price, most in zip(self.prices, goal.most, strict=True):
                if price:
                    total += price * most * np.exp(missing)
        total += _ROUNDING * (total + self.scale.base)
        return total - self.scale.base


def bounds_near(held: Reference, own: Worth, enough: float, missing: Array, scale: Scale) -> Array:
    """Return lower bounds on the completions of labels from those of references near them."""
    bound = np.full(len(own), -np.inf)
    if not len(held.bound):
        return bound
    apart = distance(held.worth, own, np.arange(len(held.bound)), np.arange(len(own)))
    with np.errstate(divide="ignore", invalid="ignore"):
        hopes = np.log(held.bound)[None, :] - apart
    j, i = nearest(-hopes, min(_NEAREST, hopes.shape[1]), -math.log(enough))
    over, lack = excess(held.worth, own, i, j, scale)
    fine = lack + missing[j] <= held.room[i]
    np.maximum.at(bound, j[fine], held.bound[i[fine]] * np.exp(-over[fine]))
    return bound
