"""Where another route takes over from the best one, as an input moves over its range."""

from __future__ import annotations

from collections.abc import Sequence

from yieldopt.breakeven import BreakEven, breakeven
from yieldopt.comparison import RouteColumn
from yieldopt.errors import CaseError
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.candidates import Candidate
from yieldopt.optimize.weighing import candidate_like, candidate_on
from yieldopt.read.replacing import replaced
from yieldopt.schema.case import Case
from yieldopt.study.tornado import Tornado, TornadoRow

_TRIED = 10  # of the inputs with the largest swing


def crossover(
    case: Case,
    routes: Sequence[RouteColumn],
    found: Tornado,
    budget: Budget | None = None,
) -> BreakEven | None:
    """Return the break-even of a product's two best routes over the input that matters most.

    Parameters
    ----------
    case
        From :func:`yieldopt.load`.
    routes
        Of one product, each at its best levels.
    found
        The tornado of its best route.
    budget
        Time for all searches; absent: no limit.

    Returns
    -------
    BreakEven or None
        Over the range of the input with the largest swing at one of whose ends the second route
        costs less than the best, of the ten with the largest; where it does at none, of that with
        the largest swing. ``None`` with fewer than two routes, or no input with a range.

    Examples
    --------
    >>> from yieldopt import load
    >>> from yieldopt.comparison import compare
    >>> from yieldopt.study.tornado import tornado
    >>> case = load("minimal")
    >>> map_ = crossover(case, compare(case), tornado(case, "asic"))
    >>> map_.key, [(one.cheaper_below, one.cheaper_above) for one in map_.crossings]
    ('processes.cow_osat.cost_usd', [('osat_2p5d', 'cowos_s')])
    """
    budget = budget or Budget()
    taken = sorted((c.recipe.cost_per_good_usd, n) for n, c in enumerate(routes) if c.recipe)
    rows = [row for row in found.rows if row.swing_usd is not None]
    if len(taken) < 2 or not rows or budget.is_spent:
        return None
    product = routes[0].product
    best, second = (routes[n].route for _, n in taken[:2])
    if best != found.route:
        return None
    held, _ = candidate_on(case, case.product(product), second, budget)
    if held is None:
        return None
    flips = (row for row in rows[:_TRIED] if _flips(case, held, row, budget))
    row = next(flips, rows[0])
    left = None if budget.limit_s is None else budget.left_s()
    if left == 0.0:
        return None
    ends = {"low": row.low.value, "high": row.high.value}
    return breakeven(
        case, row.input.key, (best, second), product=product, time_limit_s=left, **ends
    )


def _flips(case: Case, held: Candidate, row: TornadoRow, budget: Budget) -> bool:
    """Whether another route costs less than the best one at an end of an input's range."""
    for end in (row.low, row.high):
        try:
            there = replaced(case, row.input.key, end.value)
        except CaseError:
            return False
        product = there.product(held.product.name)
        candidate, _ = candidate_like(there, product, held.route, budget, held)
        cost = candidate.recipes[0].cost_per_good_usd if candidate else None
        if cost is not None and end.cost_per_good_usd is not None and cost < end.cost_per_good_usd:
            return True
    return False
