"""How plans for futures are found: solver, time, gap, and what is decided before one knows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypedDict

import numpy as np

from yieldopt.optimize.budget import Budget
from yieldopt.planning.answer import short_of
from yieldopt.planning.futures import Future
from yieldopt.planning.generation import Progress, Round
from yieldopt.planning.joint import Joint, Risk, Ties, joined
from yieldopt.planning.recourse import (
    ROUNDING,
    FirstStage,
    Solved,
    after,
    first_stage,
    solved,
)
from yieldopt.planning.sheet import Array

_CLOSED = 1e-9  # a relative gap that is rounding
Shown = Callable[[Round, str], None]  # sees each round, and of which plan it is


class _How(TypedDict):
    gap: float
    progress: Progress | None


@dataclass(frozen=True)
class Desk:
    """How plans are found.

    Parameters
    ----------
    ties
        What is decided before one knows.
    solver, budget
        The backend, and the time for everything.
    gap
        Relative gap at which each search over whole decisions may stop.
    shown
        Sees each round, and of which plan it is.
    """

    ties: Ties
    solver: str
    budget: Budget
    gap: float = 0.0
    shown: Shown | None = None

    def part(self, share: float) -> Budget:
        """Return a share of the time that is left."""
        left_s = self.budget.left_s()
        if math.isinf(self.budget.until):
            return self.budget
        return replace(self.budget, until=self.budget.until - (1.0 - share) * left_s)

    def alone(self, future: Future, share: float, what: str) -> Solved:
        """Plan for one future alone, in a share of the time that is left."""
        how = self._how(what)
        return solved(future.setting, future.programme, self.solver, self.part(share), **how)

    def meet(
        self, first: FirstStage, futures: Sequence[Future], share: float, what: str = ""
    ) -> list[Met]:
        """Meet each future with what was decided before, in a share of the time that is left."""
        out = []
        for number, future in enumerate(futures):
            budget = self.part(share / (1.0 + share * (len(futures) - number - 1)))
            how = self._how(f"{what} if {future.name}")
            for rounding in ROUNDING:
                left = after(future, first, self.ties, rounding)
                found = solved(left.setting, left.programme, self.solver, budget, **how)
                if found.x is not None:
                    break
            out.append(Met(future, found))
        return out

    def settled(
        self, first: FirstStage, futures: Sequence[Future], risk: Risk, share: float, what: str
    ) -> FirstStage | None:
        """Return a first stage with the programmes that it leaves open, chosen for all futures.

        A plan for one future says nothing of the programme of a line on which it makes nothing.
        Chosen in each future by itself it would be known before what comes. ``None``: no plan for
        all of them was found.
        """
        left = [after(one, first, self.ties, ROUNDING[-1], alone=False) for one in futures]
        open_ = {
            (pool.product, pool.line.name)
            for future in left
            for pool in future.setting.pools
            if future.setting.products[pool.product].shape.one_programme
        }
        if not open_ - first.programmes.keys():
            return first
        second = self.together(left, risk, share, what=what)[1]
        if second is None:
            return None
        return replace(first, programmes={**second.programmes, **first.programmes})

    def together(
        self,
        futures: Sequence[Future],
        risk: Risk,
        share: float,
        known: Sequence[Met] = (),
        what: str = "",
    ) -> tuple[Solved, FirstStage | None]:
        """Plan for several futures; ``known``: a plan met in each of them, to begin with."""
        joint = joined(futures, self.ties, risk)
        budget, hint = self.part(share), _hint(joint, known)
        found = solved(joint.setting, joint.programme, self.solver, budget, hint, **self._how(what))
        first = None
        if found.x is not None:
            first = first_stage(found.master, found.x, self.ties, joint)
        return found, first

    def _how(self, what: str) -> _How:
        shown = self.shown

        def progress(done: Round) -> None:
            if shown is not None:
                shown(done, what)

        return {"gap": self.gap, "progress": None if shown is None else progress}


@dataclass(frozen=True)
class Met:
    """A future, and what is done in it."""

    future: Future
    solved: Solved


def status_of(found: Solved) -> str:
    """Return how far a plan is proved, or that there is none."""
    planned = found.planned
    if planned.found is not None:
        gap = found.value_usd - found.bound_usd
        return "optimal" if gap <= _CLOSED * max(1.0, abs(found.value_usd)) else "feasible"
    if planned.short is None:
        return "unknown" if math.isfinite(planned.bound) else "infeasible"
    return "infeasible" if planned.short.bound > short_of(found.master.setting) else "unknown"


def _hint(joint: Joint, known: Sequence[Met]) -> Array | None:
    """Return the decisions of a plan that is known in every future."""
    hint = np.zeros(len(joint.programme.columns))
    if not known:
        return None
    for columns, one in zip(joint.columns, known, strict=True):
        x = one.solved.x
        if x is None:
            return None
        hint[columns] = x[: len(columns)]
    return hint
