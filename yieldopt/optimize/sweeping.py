"""Sweeps of labels, one finer than the other, until a gap is closed or time is up."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from yieldopt.optimize.effort import Effort, Goal, OutOfTime, rounding
from yieldopt.optimize.labels import Labels, shipped
from yieldopt.optimize.menus import Menus, Purses
from yieldopt.optimize.references import Hints, Reference
from yieldopt.optimize.sweep import Key, Sweep

Array = NDArray[np.float64]
_FIRST = 1e-2  # tolerance ε of the first sweep
_FIRST_HINTED = 3e-3
_FINER = 0.2
_LAST = 1e-9  # a finer tolerance is none
_LACKING = 0.3  # of the limit on ln Q, in the first sweep; falls with ε
_LACKING_USE = 0.03  # ln of a limited resource
_LABELS = 4_000


@dataclass
class Best:
    """The best plan so far, by the level's number, and the best bound [USD per good package]."""

    upper: float = math.inf
    lower: float = 0.0
    levels: dict[str, int] | None = None
    plans: int = 0  # looked at

    def take(self, labels: Labels, goal: Goal) -> None:
        """Keep the best of the whole plans that a sweep ended with."""
        purses, log_q = shipped(labels)
        total = goal.objective(purses, log_q)
        total[goal.broken(purses, log_q)] = np.inf
        self.plans += len(total)
        total[np.isnan(total)] = np.inf
        if len(total) and float(total.min()) < self.upper:
            row = int(total.argmin())
            self.upper, self.levels = float(total[row]), labels.origin.levels(row)


def closed(best: Best, gap: float, escape: float) -> bool:
    """Whether value and bound are within a relative gap, or not told apart."""
    if best.upper == math.inf:
        return best.lower == math.inf
    return best.lower >= best.upper - max(gap * abs(best.upper), rounding(best.upper, escape))


@dataclass
class Sweeping:
    """The sweeps of one problem.

    Parameters
    ----------
    menus, purses, goal
        The template, what is counted, what is sought.
    until
        Time (``time.perf_counter``) at which it must stop.
    hints
        What sweeps at prices of the limits showed.
    """

    menus: Menus
    purses: Purses
    goal: Goal
    until: float = math.inf
    hints: Hints | None = None
    references: Mapping[Key, Reference] = field(default_factory=dict)

    def close(
        self,
        best: Best,
        gap: float,
        *,
        upper: float | None = None,
        finest: float = 0.0,
        enough: float | None = None,
        watch: Callable[[Labels], None] = lambda _: None,
    ) -> bool:
        """Sweep until the gap of ``best`` is closed; ``False``: time was up.

        Parameters
        ----------
        best
            The best plan and bound known; both are improved.
        gap
            Relative gap at which to stop.
        upper
            Plans up to this value are looked at; absent: those better than ``best``.
        finest
            Tolerance ε below which no sweep goes.
        enough
            Stop as soon as a plan is as good as that, or none can be.
        watch
            Is shown the whole plans of every sweep.
        """
        priced = self.menus.priced(self.purses)
        effort = self._first()
        while True:
            most = best.upper if upper is None else upper
            sweep = Sweep(
                self.menus,
                priced,
                self.goal,
                effort,
                most,
                self.references,
                min(best.lower, most),
                self.hints,
            )
            try:
                labels = sweep.forward()
            except OutOfTime:
                return False
            best.take(labels, self.goal)
            watch(labels)
            lower, self.references = sweep.backward(labels)
            best.lower = max(best.lower, min(lower, best.upper))
            if closed(best, gap, self.goal.escape) or effort.tolerance == 0.0 == sweep.coarsened:
                return True
            if enough is not None and (best.upper <= enough or best.lower > enough):
                return True
            finer = _finer(effort, coarsened=sweep.coarsened > 0)
            if finer.tolerance < finest:
                return True
            effort = finer

    def _first(self) -> Effort:
        lacking = _LACKING_USE if len(self.goal.most) else math.inf
        if self.goal.least_log_q > -math.inf:
            lacking = min(lacking, _LACKING * max(-self.goal.least_log_q, 1e-12))
        first = _FIRST if self.hints is None else _FIRST_HINTED
        if self.hints is not None:
            lacking *= _FIRST_HINTED / _FIRST
        return Effort(first, lacking if lacking < math.inf else 0.0, _LABELS, self.until)


def _finer(effort: Effort, *, coarsened: bool) -> Effort:
    tolerance = effort.tolerance * _FINER
    if tolerance < _LAST:
        tolerance = 0.0
    lacking = effort.lacking * _FINER if tolerance else 0.0
    labels = effort.labels * (2 if coarsened else 1)
    return replace(effort, tolerance=tolerance, lacking=lacking, labels=labels)
