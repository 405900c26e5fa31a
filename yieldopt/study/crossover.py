"""Where another route takes over from the best one, as an input moves over its range."""

from __future__ import annotations

from collections.abc import Sequence

from yieldopt.breakeven import BreakEven, between
from yieldopt.errors import CaseError
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.candidates import Candidate
from yieldopt.optimize.weighing import candidate_like
from yieldopt.read.replacing import replaced
from yieldopt.schema.case import Case
from yieldopt.study.tornado import Tornado, TornadoRow

_TRIED = 10  # of the inputs with the largest swing


def crossover(
    case: Case,
    candidates: Sequence[Candidate],
    found: Tornado,
    budget: Budget | None = None,
) -> BreakEven | None:
    """Return the break-even of a product's two best routes over the input that matters most.

    Parameters
    ----------
    case
        From :func:`yieldopt.load`.
    candidates
        One product on each route that it can take, with its best recipe.
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
    >>> from yieldopt.optimize.weighing import weigh
    >>> from yieldopt.study.tornado import tornado
    >>> case = load("minimal")
    >>> candidates, _ = weigh(case, case.products[0])
    >>> map_ = crossover(case, candidates, tornado(case, "asic"))
    >>> map_.key, [(one.cheaper_below, one.cheaper_above) for one in map_.crossings]
    ('processes.cow_osat.cost_usd', [('osat_2p5d', 'cowos_s')])
    """
    budget = budget or Budget()
    taken = sorted(candidates, key=lambda one: one.recipes[0].cost_per_good_usd)
    rows = [row for row in found.rows if row.swing_usd is not None]
    if len(taken) < 2 or not rows or budget.is_spent or taken[0].route != found.route:
        return None
    best, second = taken[:2]
    flips = (row for row in rows[:_TRIED] if _flips(case, second, row, budget))
    row = next(flips, rows[0])
    if budget.is_spent:
        return None
    return between(case, row.input.key, (best, second), row.low.value, row.high.value, budget)


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
