"""What a sweep of labels is asked, and how finely it looks.

The objective of a plan is J = P + escape·(1/Q − 1) − base, P what it costs per good package.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class OutOfTime(Exception):
    """The sweep was not finished."""


@dataclass(frozen=True)
class Goal:
    """What is sought: ``escape`` USD a bad package, ln Q at least, most of each further purse.

    ``base`` is left out of the objective: no plan pays less for its bad packages [USD].
    """

    escape: float = 0.0
    least_log_q: float = -math.inf
    most: Array = field(default_factory=lambda: np.zeros(0))
    base: float = 0.0

    @property
    def is_limited(self) -> bool:
        """Whether some plan may be out of limits."""
        return self.least_log_q > -math.inf or bool(np.any(self.most < math.inf))

    def objective(self, purses: Array, log_q: Array) -> Array:
        """Return J of whole packages from their purses per good one (L, P) and ln Q (L,)."""
        if not self.escape:
            return purses[:, 0].copy()
        with np.errstate(over="ignore"):
            total: Array = purses[:, 0] + (self.escape * np.expm1(-log_q) - self.base)
        return total

    def broken(
        self, purses: Array, log_q: Array, missing: Array | float = 0.0
    ) -> NDArray[np.bool_]:
        """Return which of whole packages miss a limit by more than ``missing`` (ln), (L,)."""
        missed = np.broadcast_to(missing, log_q.shape)
        with np.errstate(over="ignore"):
            over = np.any(purses[:, 1:] > self.most * np.exp(missed)[:, None], axis=1)
        broken: NDArray[np.bool_] = over | (log_q < self.least_log_q - missed)
        return broken


@dataclass(frozen=True)
class Effort:
    """How finely: tolerance ε, what limits may be missed by (ln), most labels kept, until when.

    ``numbers``: most of the tables of one stage, so that memory stays bounded.
    """

    tolerance: float
    lacking: float
    labels: int
    until: float = math.inf
    numbers: int = 60_000_000


def rounding(upper: float, escape: float) -> float:
    """Return how close to a value bounds are not told apart from it [USD]."""
    return max(1e-11 * abs(upper), 1e-13 * abs(upper + escape))
