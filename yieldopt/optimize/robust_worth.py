"""What one plan for all scenarios pays against knowing the scenario, and against a nominal plan."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yieldopt.optimize.coverage import Found, best_levels
from yieldopt.optimize.problem import Problem
from yieldopt.optimize.robust import Goal, Judged, RobustFound, checked, goal_stack, judge
from yieldopt.optimize.robust_perfect import perfect_usd
from yieldopt.optimize.ruled import Ruled, Search, best_under, ruled_of

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Worth:
    """A robust plan against perfect knowledge and against a nominal plan; USD per good package.

    Parameters
    ----------
    perfect_usd
        The measure if the levels were chosen knowing the scenario; ``None`` for ``fixed_starts``,
        where what is best in one scenario depends on the others. Where the DPPM limit need not hold
        everywhere it is a lower bound of that: for ``expected`` a scenario may hold it in part, for
        ``cvar`` and ``worst`` none needs to.
    information_usd
        What the robust plan pays for not knowing: its value less ``perfect_usd`` (for ``expected``
        the expected value of perfect information).
    best_usd
        Least cost by scenario, each by itself under the goal's DPPM limit; ``None`` where no plan
        reaches the limit.
    free_usd
        The same without the limit, where the robust plan need not hold it everywhere; else
        ``None``.
    nominal_levels
        Best plan of the nominal scenario; ``None`` without one.
    nominal_usd
        The measure of that plan over the scenarios; ``None`` too where it lets nothing through in
        one of them.
    nominal_dppm_held
        Probability of the scenarios in which that plan holds the DPPM limit.
    nominal_uses_held
        Probability of the scenarios in which it keeps all limits on use of resources.
    stochastic_usd
        What the robust plan saves: ``nominal_usd`` less its value (for ``expected`` the value of
        the stochastic solution). Below 0 only where the nominal plan breaks a limit.
    """

    perfect_usd: float | None
    information_usd: float | None
    best_usd: tuple[float | None, ...]
    free_usd: tuple[float | None, ...] | None
    nominal_levels: Mapping[str, str] | None
    nominal_usd: float | None
    nominal_dppm_held: float | None
    nominal_uses_held: float | None
    stochastic_usd: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def worth(
    problems: Sequence[Problem | Ruled],
    probabilities: Sequence[float],
    goal: Goal,
    found: RobustFound,
    nominal: Problem | Ruled | None = None,
    search: Search = best_levels,
) -> Worth:
    """Set a robust plan against perfect knowledge and a nominal plan.

    Parameters
    ----------
    problems, probabilities, goal
        As of :func:`yieldopt.optimize.robust.robust_levels`; a problem, or a template under rules
        that the plans compared with keep too (limits on use are those of the goal).
    found
        Its answer, with a plan.
    nominal
        The scenario that one would plan for without the others, such as the base case.
    search
        The exact search.
    """
    whole = [one if isinstance(one, Problem) else one.problem(one.menus) for one in problems]
    p = checked(whole, probabilities)
    held = [_best(problem, goal, search).value_usd for problem in problems]
    free: list[float] | None = None
    if goal.dppm_limit is not None and goal.dppm_share < 1.0:
        without = replace(goal, dppm_limit=None)
        free = [_best(problem, without, search).value_usd for problem in problems]
    perfect = perfect_usd(p, goal, np.array(held), None if free is None else np.array(free))
    levels = None if nominal is None else _best(nominal, goal, search).levels
    shown: Judged | None = None
    if levels is not None:
        shown = judge(goal_stack(whole, goal), p, goal, levels)
    nominal_usd = shown.value_usd if shown and shown.value_usd < math.inf else None
    return Worth(
        perfect,
        None if perfect is None else found.value_usd - perfect,
        _finite(held),
        None if free is None else _finite(free),
        levels,
        nominal_usd,
        shown.dppm_held if shown else None,
        shown.uses_held if shown else None,
        None if nominal_usd is None else nominal_usd - found.value_usd,
    )


def _best(subject: Problem | Ruled, goal: Goal, search: Search) -> Found:
    ruled = ruled_of(subject, None)
    limits = dict(goal.use_limits or {})
    return best_under(
        replace(ruled, rules=replace(ruled.rules, resource_limits=limits)),
        None,
        goal.prices,
        dppm_limit=goal.dppm_limit,
        escape_cost_usd=goal.escape_cost_usd,
        search=search,
    )


def _finite(values: Sequence[float]) -> tuple[float | None, ...]:
    return tuple(value if value < math.inf else None for value in values)
