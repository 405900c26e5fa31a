"""A product on a route at the ends of its inputs' ranges: first its plan held, then chosen anew."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from yieldopt.optimize.budget import Budget
from yieldopt.optimize.candidates import Candidate
from yieldopt.schema.case import Case
from yieldopt.study.inputs import Input
from yieldopt.study.nearby import Changes, Nearby


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
        self.budget = budget
        self.near = Nearby(case, best, budget)
        self.base = self.near.base

    def moves_usd(self, inputs: Sequence[Input], budget: Budget) -> dict[str, float]:
        """Return how far the plan held moves over each range [USD per good package].

        0: neither end changes anything that a cost is computed from; inf where it cannot be made.
        Its levels may break the product's limits there. Inputs that the budget did not reach are
        left out.
        """
        reached = []
        for one in inputs:
            if budget.is_spent:
                break
            for end in _ends(one):
                self.near.compiled(end)
            reached.append(one)
        costs = iter(self.near.held_usd([end for one in reached for end in _ends(one)]))
        moved = {}
        for one in reached:
            own = [self._move(next(costs)) for _ in _ends(one)]
            moved[one.key] = max(own, default=0.0)
        return moved

    def _move(self, cost: float | None) -> float:
        return math.inf if cost is None else abs(cost - self.base)

    def search(self, inputs: Sequence[Input]) -> None:
        """Search the ends of inputs side by side; what cannot be is left to :meth:`at`."""
        self.near.search([end for one in inputs for end in _ends(one)])

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
        found = self.near.price(((one.key, value),))
        if found is None:
            return None
        return End(value, found.cost_per_good_usd, found.reasons, found.gap)


def _ends(one: Input) -> list[Changes]:
    """Return the ends that are not the base."""
    values = (one.low, one.high)
    return [((one.key, value),) for value in values if value is not None and value != one.base]
