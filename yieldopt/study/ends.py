"""A product on a route at the ends of its inputs' ranges: first its plan held, then chosen anew."""

from __future__ import annotations

import math
from dataclasses import dataclass

from yieldopt.engine import evaluate
from yieldopt.errors import CaseError
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.candidates import Candidate
from yieldopt.optimize.route_costs import gap_alone
from yieldopt.optimize.weighing import (
    candidate_of,
    is_alike,
    one_off_on,
    reasons_against,
    template_on,
)
from yieldopt.read.replacing import replaced
from yieldopt.schema.case import Case, ProductShape
from yieldopt.study.inputs import Input
from yieldopt.template import Template


@dataclass(frozen=True)
class End:
    """A product at one end of an input's range, test levels chosen anew.

    Parameters
    ----------
    value
        Of the input.
    cost_per_good_usd
        ``None`` where the product cannot be made there [USD per good package].
    reasons
        Why not.
    gap
        How much better other levels may be, relative.
    """

    value: float
    cost_per_good_usd: float | None
    reasons: tuple[str, ...] = ()
    gap: float = 0.0


@dataclass(frozen=True)
class _There:
    """The product on the route with an input at a value; ``None``: a limit forbids it."""

    case: Case
    product: ProductShape
    template: Template | None
    reasons: tuple[str, ...]


class Ends:
    """A product on a route at the ends of inputs' ranges.

    Parameters
    ----------
    case
        The case at base.
    best
        The product on the route there, with its recipe.
    budget
        Time for all searches.
    """

    def __init__(self, case: Case, best: Candidate, budget: Budget) -> None:
        self.case, self.best, self.budget = case, best, budget
        self.base = best.recipes[0].cost_per_good_usd
        self._known: dict[tuple[str, float], _There] = {}

    def moves_usd(self, one: Input) -> float:
        """Return how far the plan held moves over a range [USD per good package].

        0: neither end changes anything that a cost is computed from; inf where it cannot be made.
        """
        moved = [self._held_usd(one, value) - self.base for value in _values(one)]
        return max(map(abs, moved), default=0.0)

    def at(self, one: Input) -> tuple[End, End] | None:
        """Return the product at both ends; ``None`` where time ended before they were known.

        Raises
        ------
        CaseError
            The input's model does not allow an end.
        """
        low, high = (self._end(one, value) for value in (one.low, one.high))
        return None if low is None or high is None else (low, high)

    def _end(self, one: Input, value: float | None) -> End | None:
        if value is None or value == one.base:
            return End(one.base, self.base)
        there = self._there(one, value)
        del self._known[one.key, value]
        if there.template is None:
            return End(value, None, there.reasons)
        if self.budget.is_spent:
            return None
        candidate, verdict = candidate_of(
            there.case, there.product, self.best.route, there.template, self.budget, self.best
        )
        if candidate is None:
            return None if verdict.stopped else End(value, None, verdict.reasons)
        recipe = candidate.recipes[0]
        return End(value, recipe.cost_per_good_usd, gap=gap_alone(recipe))

    def _there(self, one: Input, value: float) -> _There:
        """Return the product there, compiled once for both of its uses."""
        key = one.key, value
        if key not in self._known:
            case, name = replaced(self.case, one.key, value), self.best.route
            product = case.product(self.best.product.name)
            reasons = reasons_against(case, product, name)
            template = None if reasons else template_on(case, product, name)
            self._known[key] = _There(case, product, template, reasons)
        return self._known[key]

    def _held_usd(self, one: Input, value: float) -> float:
        """Return what the best plan costs with an input at a value; the base where it is the same.

        Its levels may break the product's limits there.
        """
        try:
            there = self._there(one, value)
        except CaseError:
            return math.inf
        if there.template is None:
            return math.inf
        if is_alike(self.best, there.case, there.product, there.template):
            return self.base
        one_off = one_off_on(there.case, there.product, self.best.route)
        out = evaluate(there.template.at(self.best.recipes[0].levels), details=False)
        quality = float(out.quality)
        if quality <= 0.0:
            return math.inf
        escape = there.product.escape_cost_usd.base if there.product.escape_cost_usd else 0.0
        cost = float(out.cost_per_good_usd) + escape * (1.0 - quality) / quality + one_off
        return math.nextafter(cost, math.inf) if cost == self.base else cost


def _values(one: Input) -> list[float]:
    """Return the ends that are not the base."""
    return [value for value in (one.low, one.high) if value is not None and value != one.base]
