"""What a sweep of labels is asked, how finely it looks, and what it knows from former sweeps."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from yieldopt.optimize.dominance import Worth

Array = NDArray[np.float64]


class OutOfTime(Exception):
    """The sweep was not finished."""


@dataclass(frozen=True)
class Goal:
    """What is sought: ``escape`` USD a bad package, ln Q at least, most of each further purse."""

    escape: float = 0.0
    least_log_q: float = -math.inf
    most: Array = field(default_factory=lambda: np.zeros(0))


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
