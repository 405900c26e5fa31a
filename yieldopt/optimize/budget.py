"""Time for a whole study, of which every search gets what is left."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from threading import Event
from typing import Any

from yieldopt.errors import CaseError, Fault
from yieldopt.optimize.coverage import Found
from yieldopt.optimize.search import search as any_search

LEAST_S = 1e-9  # a limit for what begins when time has ended: it says so itself


@dataclass(frozen=True)
class Budget:
    """A time limit and when it ends.

    Parameters
    ----------
    limit_s
        Seconds for the whole study; ``None``: no limit.
    until
        Time (``time.perf_counter``) at which it ends.
    stop
        Set by whoever wants it to end now.

    Examples
    --------
    >>> Budget().is_spent, Budget.of(60.0).left_s(5.0)
    (False, 5.0)
    """

    limit_s: float | None = None
    until: float = math.inf
    stop: Event | None = None

    @classmethod
    def of(cls, limit_s: float | None, stop: Event | None = None) -> Budget:
        """Return a budget that begins now; ``CaseError`` for a limit that is not above 0."""
        if limit_s is None:
            return cls(stop=stop)
        if not limit_s > 0.0:
            raise CaseError(Fault("must be above 0", "time_limit_s", limit_s))
        return cls(limit_s, time.perf_counter() + limit_s, stop)

    @property
    def is_spent(self) -> bool:
        """Whether no time is left."""
        return self._is_stopped or time.perf_counter() >= self.until

    def left_s(self, most_s: float = math.inf) -> float:
        """Return the seconds left, at most ``most_s``."""
        return 0.0 if self._is_stopped else max(0.0, min(most_s, self.until - time.perf_counter()))

    def part(self, parts: float) -> Budget:
        """Return a budget of a part of the seconds left, that begins now; of no limit, no limit."""
        if self.limit_s is None:
            return self
        return Budget.of(max(LEAST_S, self.left_s() / parts), self.stop)

    @property
    def _is_stopped(self) -> bool:
        return self.stop is not None and self.stop.is_set()

    def search(self, *args: Any, most_s: float = math.inf, **how: Any) -> Found:
        """Search like :func:`yieldopt.optimize.search.search`, as long as there is time."""
        left = self.left_s(most_s)
        return any_search(*args, **how, time_limit_s=None if left == math.inf else left)

    def nothing_found(self, most_s: float = math.inf) -> str:
        """Return the reason of a search that was stopped before it found a plan."""
        return f"no plan found within {min(most_s, self.limit_s or math.inf):g} s"


def stopped(found: Found) -> bool:
    """Whether a search ended before it found a plan or showed that there is none."""
    return found.levels is None and not found.reasons and found.proof.lower_bound_usd < math.inf
