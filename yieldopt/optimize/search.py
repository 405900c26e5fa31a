"""One way in: the exact search of a problem by whatever method is cheapest."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

from yieldopt.errors import SolverError
from yieldopt.optimize.coverage import Found, best_levels
from yieldopt.optimize.exposure import TooMany
from yieldopt.optimize.labelled import best_labelled
from yieldopt.optimize.pricing import Ask
from yieldopt.optimize.problem import Problem

_MOST_MENUS = 1e9  # plans of one trunk combination that can be computed one by one
_MOST_NUMBERS = 3e8  # of E over all trunk combinations and menu entries


def search(
    problem: Problem,
    prices: Mapping[str, float] | None = None,
    *,
    dppm_limit: float | None = None,
    escape_cost_usd: float | None = None,
    prices_only: bool = False,
    resource_limits: Mapping[str, float] | None = None,
    known_usd: float = math.inf,
    gap: float = 0.0,
    time_limit_s: float | None = None,
) -> Found:
    """Choose the level at every insertion for the least cost per good package.

    Problems whose trunk can be enumerated go to :func:`yieldopt.optimize.coverage.best_levels`,
    larger ones to :func:`yieldopt.optimize.labelled.best_labelled`.

    Parameters
    ----------
    problem, prices, dppm_limit, escape_cost_usd, prices_only, resource_limits, known_usd
        As for :func:`yieldopt.optimize.coverage.best_levels`.
    gap
        Relative gap between value and proven bound at which the search may stop; 0: at the proof.
    time_limit_s
        Seconds after which the best plan found is returned with its true gap; absent: none.

    Returns
    -------
    Found
        The best plan and its proof: ``proof.lower_bound_usd`` is its value where it is proved
        optimal. Stopped before any plan was found: no levels, an infinite value, and the bound.

    Raises
    ------
    CaseError
        A limit below zero or not a number.

    Examples
    --------
    >>> from yieldopt import Faults, Step
    >>> from yieldopt.optimize.problem import prepare
    >>> from yieldopt.template import Choice, OpenNode, Template
    >>> fab = Step("fab", "process", 100.0, faults={"logic": Faults(0.5)})
    >>> full = Step("cp", "test", 9.0, coverage={"logic": 0.99}, uses={"tester_h": 0.01})
    >>> die = OpenNode("die", (), (fab, Choice("cp", {"off": None, "full": full})))
    >>> found = search(prepare(Template("die", (die,))), dppm_limit=10_000.0)
    >>> found.levels, found.gap
    ({'die/cp': 'full'}, 0.0)
    """
    until = math.inf if time_limit_s is None else time.perf_counter() + time_limit_s
    if not is_enumerable(problem):
        ask = Ask(prices or {}, dppm_limit, escape_cost_usd, prices_only, resource_limits or {})
        ask.check()
        try:
            return best_labelled(problem.menus, ask, known_usd=known_usd, gap=gap, until=until)
        except TooMany:
            pass  # no table holds what its tests can do: every trunk combination is looked at
    return best_levels(
        problem,
        prices,
        dppm_limit=dppm_limit,
        escape_cost_usd=escape_cost_usd,
        prices_only=prices_only,
        resource_limits=resource_limits,
        known_usd=known_usd,
        until=until,
    )


def every_plan(problem: Problem, *args: Any, **how: Any) -> Found:
    """Search like :func:`search`, at prices of any sign: every plan is computed, none is bounded.

    Raises
    ------
    SolverError
        There are too many.
    """
    if not is_enumerable(problem):
        text = "a price below 0 needs every plan computed, and this product has too many"
        raise SolverError(f"{text}: {problem.combinations:,}")
    return best_levels(problem, *args, **how, bound=False)


def is_enumerable(problem: Problem, scenarios: int = 1) -> bool:
    """Whether all trunk combinations can be looked at, and all plans of some of them computed."""
    entries = sum(problem.menu_counts) * len(problem.tree.gaps) * scenarios
    small = problem.trunk_count * max(entries, 1) <= _MOST_NUMBERS
    return small and math.prod(problem.menu_counts) <= _MOST_MENUS
