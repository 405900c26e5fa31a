"""Plans computed by the engine in all scenarios, and moved one level at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np

from yieldopt.optimize.coverage import HOPELESS_USD
from yieldopt.optimize.robust_goal import Goal
from yieldopt.optimize.robust_judge import Judged, judge
from yieldopt.optimize.robust_measure import Array
from yieldopt.optimize.robust_stack import Stack
from yieldopt.optimize.rules import Menus

Plan = tuple[str, ...]  # a level of every choice, in order
_NOT_HELD = 1e3  # a broken limit on use, as a DPPM over its limit by so many times


@dataclass
class Plans:
    """Every plan looked at, and the best of them.

    Parameters
    ----------
    stack, p, goal
        Scenarios, their probabilities (S,), what is minimised.
    menus
        Levels by choice.
    until
        Time (``time.perf_counter``) at which moves end.
    """

    stack: Stack
    p: Array
    goal: Goal
    menus: Menus
    until: float = math.inf
    best: Plan | None = None
    value: float = math.inf
    _judged: dict[Plan, tuple[float, float]] = field(default_factory=dict)

    @property
    def examined(self) -> int:
        """Number of plans computed."""
        return len(self._judged)

    def improve(self, plan: Plan) -> None:
        """Move one level at a time as long as that is better."""
        moved = True
        while moved:
            moved = False
            for at, levels in enumerate(self.menus.values()):
                for level in levels:
                    if perf_counter() >= self.until:
                        return
                    other = (*plan[:at], level, *plan[at + 1 :])
                    if self.key(other) < self.key(plan):
                        plan, moved = other, True

    def value_of(self, plan: Plan) -> float:
        """Return the measure of a plan; inf where it is not allowed."""
        return self.key(plan)[0]

    def key(self, plan: Plan) -> tuple[float, float]:
        """Return the measure of a plan, inf where it breaks a limit, and by how much it does."""
        if plan not in self._judged:
            of = judge(self.stack, self.p, self.goal, dict(zip(self.menus, plan, strict=True)))
            broken = self._broken(of)
            value = of.value_usd if not broken and of.value_usd < HOPELESS_USD else math.inf
            self._judged[plan] = value, broken
            if value < self.value:
                self.best, self.value = plan, value
        return self._judged[plan]

    def _broken(self, of: Judged) -> float:
        """Return by how much limits are broken; 0: by nothing."""
        broken = 0.0
        limit = self.goal.dppm_limit
        if limit is not None and of.dppm_held < self.goal.dppm_share - 1e-12:
            over = np.maximum(np.array(of.dppm) / max(limit, 1e-9) - 1.0, 0.0)
            broken += float(over @ self.p) + 1e-12
        if of.uses_held < 1.0 - 1e-12:
            broken += _NOT_HELD * (1.0 - of.uses_held)
        return broken
