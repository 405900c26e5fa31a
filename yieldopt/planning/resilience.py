"""A case's plan against what may come: the loss of a site or region, and scenarios."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass
from threading import Event
from typing import Any

from yieldopt.errors import CaseError, Fault
from yieldopt.optimize.budget import Budget
from yieldopt.planning.desk import Desk, Shown
from yieldopt.planning.joint import Risk, Ties
from yieldopt.planning.losses import Losses, losses
from yieldopt.planning.scenarios import Scenarios, scenarios
from yieldopt.planning.setting import setting_of
from yieldopt.schema.case import Case
from yieldopt.shown import Shown as InNotebook

_RANK = ("optimal", "feasible", "unknown", "infeasible")


@dataclass(frozen=True)
class Resilience(InNotebook):
    """What a case's plan meets.

    Parameters
    ----------
    status
        The worst of the plans that were asked for: ``"optimal"``, ``"feasible"`` (time ended on
        the proof), ``"unknown"`` or ``"infeasible"``.
    losses, scenarios
        What ``[resilience]`` and ``[[scenarios]]`` of the case ask for; ``None``: they do not.
    """

    case: str
    status: str
    solver: str
    runtime_s: float
    losses: Losses | None
    scenarios: Scenarios | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def resilience(
    case: Case,
    *,
    solver: str = "highs",
    time_limit_s: float | None = None,
    cvar: float | None = None,
    weight: float = 0.0,
    gap: float = 0.0,
    shown: Shown | None = None,
    stop: Event | None = None,
) -> Resilience:
    """Plan against the losses and the scenarios of a case.

    Parameters
    ----------
    case
        From :func:`yieldopt.load`, with ``[resilience]`` or ``[[scenarios]]``.
    solver
        Backend, as for ``solve``.
    time_limit_s
        Seconds for everything; then the best found, with its bounds.
    cvar, weight
        The plan has least (1 − weight)·expected cost + weight·(mean cost over the dearest 1 − cvar
        of the probability). ``None``: 0.9. Losses without a probability have no mean: there the
        dearest future counts.
    gap
        Relative gap at which each search over whole decisions may stop; 0: at the proof.
    shown
        Sees each round of the search for recipes, and of which plan it is.
    stop
        Once it is set the best plans found, with their bounds, are the answer.

    Raises
    ------
    CaseError
        Nothing is asked for, or a number is out of its range.

    Examples
    --------
    >>> from yieldopt import load
    >>> resilience(load("minimal"))
    Traceback (most recent call last):
    ...
    yieldopt.errors.CaseError: nothing to prepare for; give [resilience] or [[scenarios]]
    """
    begun = time.perf_counter()
    risk = _risk(case, cvar, weight, gap)
    budget = Budget.of(time_limit_s, stop)
    setting = setting_of(case, budget)
    lost = told = None
    periods = len(case.periods)
    if case.resilience is not None:
        since = case.periods.index(case.resilience.begins)
        desk = Desk(Ties(since, since), solver, budget, gap, shown)
        lost = losses(setting, case.resilience, desk, risk)
    if case.scenarios:
        told = scenarios(setting, Desk(Ties(periods, 0), solver, budget, gap, shown), risk)
    states = [] if lost is None else [plan.status for plan in (lost.base, lost.prepared) if plan]
    states += [] if told is None else [told.plan.status]
    worst = max(states, key=_RANK.index)
    return Resilience(case.name, worst, solver, time.perf_counter() - begun, lost, told)


def _risk(case: Case, cvar: float | None, weight: float, gap: float) -> Risk:
    faults = []
    if not 0.0 <= gap < math.inf:
        faults.append(Fault("must be at least 0, and finite", "gap", gap))
    if case.resilience is None and not case.scenarios:
        faults.append(Fault("nothing to prepare for", hint="give [resilience] or [[scenarios]]"))
    if cvar is not None and not 0.0 <= cvar <= 1.0:
        faults.append(Fault("must be between 0 and 1", "cvar", cvar))
    if not 0.0 <= weight <= 1.0:
        faults.append(Fault("must be between 0 and 1", "weight", weight))
    if cvar is not None and weight == 0.0:
        hint = "the weight of the mean of the dearest in what is least"
        faults.append(Fault("does nothing without a weight above 0", "cvar", cvar, hint))
    asked = case.resilience
    if weight > 0.0 and not case.scenarios and asked is not None and asked.probability is None:
        hint = "without a probability of a loss the dearest future counts"
        faults.append(Fault("does nothing", "weight", weight, hint))
    if faults:
        raise CaseError(faults)
    return Risk(weight, 0.9 if cvar is None else cvar)
