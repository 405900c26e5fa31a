"""What a plan over scenarios is judged by: a measure, and limits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yieldopt.errors import CaseError, Fault, near_miss
from yieldopt.optimize.pricing import Ask
from yieldopt.optimize.robust_measure import MEASURES, Limit

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Goal:
    """What a plan over scenarios is judged by.

    Parameters
    ----------
    measure
        ``"expected"``: E[J_s], the mean cost per good package where starts adapt to the scenario;
        ``"fixed_starts"``: E[spend]/E[good] where as many units are started in every scenario;
        ``"cvar"``: mean of J over the worst ``cvar_tail`` of probability; ``"worst"``: largest J.
    cvar_tail
        Share of probability in (0, 1].
    dppm_limit, dppm_share
        Bad packages per million shipped may not exceed the limit in scenarios whose probability
        comes to the share at least, in (0, 1].
    escape_cost_usd
        Cost of one bad package shipped [USD]: (spend + e·bad)/good.
    prices
        Price of resource use on top of the costs [USD per unit].
    starts_of
        ``fixed_starts``: the node whose starts are fixed; ``None``: the node that ships. Whatever
        joins it is started as needed.
    use_limits
        Most use of a resource per good package [units], held in every scenario. What no plan uses
        is used 0 times.
    """

    measure: str = "expected"
    cvar_tail: float = 0.1
    dppm_limit: float | None = None
    dppm_share: float = 1.0
    escape_cost_usd: float | None = None
    prices: Mapping[str, float] | None = None
    starts_of: str | None = None
    use_limits: Mapping[str, float] | None = None

    def check(self) -> None:
        """Raise ``CaseError`` with all that is out of its range."""
        faults = []
        if self.measure not in MEASURES:
            hint = near_miss(self.measure, MEASURES)
            faults.append(Fault("unknown measure", "measure", self.measure, hint))
        for key, share in (("cvar_tail", self.cvar_tail), ("dppm_share", self.dppm_share)):
            if not 0.0 < share <= 1.0:
                faults.append(Fault("must be above 0 and at most 1", key, share))
        for key, value in (
            ("dppm_limit", self.dppm_limit),
            ("escape_cost_usd", self.escape_cost_usd),
            *((f"prices.{name}", price) for name, price in (self.prices or {}).items()),
            *((f"use_limits.{name}", most) for name, most in (self.use_limits or {}).items()),
        ):
            if value is not None and not 0.0 <= value < math.inf:
                faults.append(Fault("must be a number of at least 0", key, value))
        if faults:
            raise CaseError(faults)

    @property
    def ask(self) -> Ask:
        """The objective of one scenario."""
        limits = self.use_limits or {}
        return Ask(self.prices or {}, self.dppm_limit, self.escape_cost_usd, resource_limits=limits)

    def limit(self, p: Array) -> Limit | None:
        """Return the DPPM limit over scenarios of probabilities (S,)."""
        least = self.ask.log_q_least
        return None if least is None else Limit(least, p, self.dppm_share)
