"""Cost against DPPM: every plan that no other beats in both, and the price of a ppm.

Where the plans can be enumerated, one pass over the blocks of the matrix product finds all of them
(:mod:`yieldopt.optimize.staircase`). Beyond, the search is repeated with a DPPM limit just below
the last answer's: exact and complete too, one search for each point. Where trunks are too long to
enumerate, its searches spread over the whole range (:mod:`yieldopt.optimize.frontier_labels`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from yieldopt.engine import evaluate
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.coverage import HOPELESS_USD, Found
from yieldopt.optimize.frontier_labels import Spread, spread
from yieldopt.optimize.frontier_points import Frontier as Frontier
from yieldopt.optimize.frontier_points import Point as Point
from yieldopt.optimize.frontier_points import told
from yieldopt.optimize.pricing import Ask
from yieldopt.optimize.problem import Problem
from yieldopt.optimize.ruled import Ruled, Search, best_under, ruled_of
from yieldopt.optimize.rules import Rules
from yieldopt.optimize.search import is_enumerable
from yieldopt.optimize.search import search as any_search
from yieldopt.optimize.staircase import all_steps
from yieldopt.optimize.terms import ROUNDING
from yieldopt.template import Template

_STEP = 1e-10  # the next limit lies so much (relative) below the last point's DPPM
_LEAST_DPPM = 1e-9
_DEAR_USD = 1e12  # an escape so dear turns the search into one for quality
_PROVED = 1e-9  # a relative gap that is rounding
_MOST_PARTS = 200
_MOST_TRUNKS = 300_000
MOST_PLANS = 5e9  # some ten seconds


def frontier(
    subject: Template | Problem | Ruled,
    rules: Rules | None = None,
    *,
    prices: Mapping[str, float] | None = None,
    escape_cost_usd: float | None = None,
    dppm_max: float | None = None,
    most_points: int = 500,
    most_plans: float = MOST_PLANS,
    search: Search = any_search,
    budget: Budget | None = None,
    known: Sequence[Mapping[str, str]] = (),
    enumerable: bool | None = None,
) -> Frontier:
    """Return the frontier of cost per good package and DPPM.

    Parameters
    ----------
    subject, rules
        A template, a prepared problem or a template under rules, and the rules, as for
        :func:`yieldopt.optimize.ruled.best_under`.
    prices, escape_cost_usd
        What counts as cost, as for :func:`yieldopt.optimize.coverage.best_levels`.
    dppm_max
        Points above are not of interest.
    most_points
        A repeated search stops after so many points and says so: from the cheapest on, or, where
        trunks cannot be enumerated, spread over the whole range.
    most_plans
        More plans than this are not enumerated: the search is repeated instead.
    search
        The exact search to repeat.
    budget
        Time for all; then the points shown so far are the answer, and the note says so.
    known
        Plans that a search beyond enumeration looks at first, such as the one chosen.
    enumerable
        Whether trunks can be enumerated; left out: by their size.

    Returns
    -------
    Frontier
        Points that differ by less than 1e-11 (relative) in cost or DPPM are one, the better of the
        two; in a repeated search those whose DPPM differs by less than 1e-10 (relative). Where
        trunks cannot be enumerated, also those less than 1e-4 DPPM apart, and what ships less than
        a point of 1e-3 DPPM or better is not looked for.

    Raises
    ------
    UnknownName, CaseError
        As :func:`yieldopt.optimize.ruled.best_under`.

    Examples
    --------
    >>> from yieldopt import Faults, Step
    >>> from yieldopt.template import Choice, OpenNode
    >>> fab = Step("fab", "process", 100.0, faults={"logic": Faults(0.5)})
    >>> some = Step("cp", "test", 6.0, coverage={"logic": 0.6})
    >>> most = Step("cp", "test", 9.9, coverage={"logic": 0.99})
    >>> die = OpenNode("die", (), (fab, Choice("cp", {"off": None, "c60": some, "c99": most})))
    >>> for point in frontier(Template("die", (die,)), dppm_max=2e5).points:
    ...     print(point.levels["die/cp"], round(point.value_usd, 2), round(point.dppm))
    c60 174.76 181269
    c99 181.19 4988
    """
    ruled = ruled_of(subject, rules)
    ask = Ask(prices or {}, dppm_max, escape_cost_usd, False, ruled.rules.resource_limits)
    ask.check()
    if ruled.reasons:
        return Frontier((), "rules", 0, 0, 0, note="; ".join(ruled.reasons))
    budget = budget or Budget()
    if enumerable is None:
        enumerable = is_enumerable(ruled.problem(ruled.menus))
    if not enumerable:
        return _spread(ruled, ask, spread(ruled, ask, most_points, search, budget, known), budget)
    found = _enumerated(ruled, ask, most_plans, budget.until)
    if found is None:
        if budget.limit_s is not None:
            search = budget.search
        found = _repeated(ruled, ask, most_points, search, budget)
    return replace(found, points=told(found.points, found.complete))


def _enumerated(ruled: Ruled, ask: Ask, most_plans: float, until: float) -> Frontier | None:
    if math.prod(len(joint) for joint in ruled.joints) > _MOST_PARTS:
        return None
    problems = list(ruled.parts())
    if sum(problem.trunk_count for problem in problems) > min(_MOST_TRUNKS, most_plans):
        return None
    found = all_steps(problems, ask, HOPELESS_USD, most_plans, until)
    if found is None:
        return None
    stair, counts = found
    points = []
    for at in stair.distinct():
        number, trunk, *entries = (int(k) for k in stair.place[at])
        levels = problems[number].levels(trunk, tuple(entries))
        dppm = 0.0 - 1e6 * math.expm1(stair.log_q[at])
        points.append(Point(levels, float(stair.value[at]) - ask.escape_usd, dppm))
    total = ruled.combinations
    return Frontier(tuple(points), "enumeration", total, counts.enumerated, counts.pruned)


def _repeated(ruled: Ruled, ask: Ask, most_points: int, search: Search, budget: Budget) -> Frontier:
    points: list[Point] = []
    limit = ask.dppm_limit
    enumerated = pruned = 0
    note = ""
    while True:
        if budget.is_spent:
            note = _late(points, budget)
            break
        found = _best(ruled, ask, limit, ask.escape_cost_usd, search)
        if found.gap > _PROVED:
            note = _late(points, budget)
            break
        enumerated, pruned = enumerated + found.proof.enumerated, pruned + found.proof.pruned
        if found.levels is None:
            break
        dppm = float(evaluate(ruled.template.at(found.levels)).dppm)
        if points and found.value_usd <= points[-1].value_usd * (1.0 + ROUNDING):
            points.pop()  # as cheap as the last and better
        elif len(points) == most_points:
            note = _left_out(ruled, ask, points, search)
            break
        points.append(Point(found.levels, found.value_usd, dppm))
        if dppm <= _LEAST_DPPM:
            break
        limit = dppm * (1.0 - _STEP)
    total = ruled.combinations
    return Frontier(tuple(points), "repeated search", total, enumerated, pruned, not note, note)


def _spread(ruled: Ruled, ask: Ask, found: Spread, budget: Budget) -> Frontier:
    """Return what searches at prices and under limits met, and what they left open."""
    points = [
        Point(one.levels, one.value_usd, one.dppm, gap=_gap(found.gap(one))) for one in found.met
    ]
    missed = _gap(found.missed()) if points else None
    note = "" if found.is_done else _open(points, found, missed, budget)
    shown = told(points, found.is_done, found.floor)
    return Frontier(
        shown,
        "prices and limits",
        ruled.combinations,
        found.enumerated,
        found.pruned,
        found.is_done,
        note,
        missed,
    )


def _gap(gap: float) -> float:
    return gap if gap > _PROVED else 0.0


def _open(points: Sequence[Point], found: Spread, missed: float | None, budget: Budget) -> str:
    """Say why a search stopped, and what it can have missed."""
    why = f"stopped after {budget.limit_s or 0.0:g} s with " if budget.is_spent else "stopped at "
    if not points:
        return f"{why}no point: all are left out"
    proved = sum(point.gap == 0.0 for point in points)
    text = f"{why}{len(points)} points, {proved} of them proved, by {found.searches} searches"
    text += f": a plan not shown costs at most {100.0 * (missed or 0.0):.3g} % less than a point "
    return f"{text}that ships no more; what ships less than {points[-1].dppm:.6g} DPPM is left out"


def _late(points: Sequence[Point], budget: Budget) -> str:
    """Say where time ended: only points that were proved are shown."""
    many = f"{len(points)} points: those below {points[-1].dppm:.6g} DPPM are" if points else ""
    return f"stopped after {budget.limit_s or 0.0:g} s with {many or 'no point: all are'} left out"


def _best(
    ruled: Ruled, ask: Ask, limit: float | None, escape: float | None, search: Search
) -> Found:
    return best_under(
        ruled, None, ask.prices, dppm_limit=limit, escape_cost_usd=escape, search=search
    )


def _left_out(ruled: Ruled, ask: Ask, points: Sequence[Point], search: Search) -> str:
    best = _best(ruled, ask, ask.dppm_limit, _DEAR_USD, search)
    if best.gap > _PROVED or best.levels is None:
        return f"stopped after {len(points)} points: those below {points[-1].dppm:.6g} DPPM are out"
    reached = float(evaluate(ruled.template.at(best.levels or {})).dppm)
    return (
        f"stopped after {len(points)} points: those below {points[-1].dppm:.6g} DPPM, "
        f"down to {reached:.6g}, are left out"
    )
