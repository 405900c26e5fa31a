"""Costs of two routes of a product as functions of an input, as far as time goes."""

from __future__ import annotations

from pathlib import Path

from yieldopt.optimize.budget import Budget
from yieldopt.optimize.candidates import Candidate
from yieldopt.optimize.weighing import candidate_like
from yieldopt.plan import Recipe, Status
from yieldopt.read.case import load
from yieldopt.read.replacing import replaced
from yieldopt.schema.case import Case

PROVED = 1e-9  # a relative gap that is rounding
Pair = tuple[Candidate | None, Candidate | None]


def gap_alone(recipe: Recipe) -> float:
    """Return the relative gap that its proof leaves to a recipe found without resource prices."""
    cost = recipe.cost_per_good_usd
    lower = recipe.proof.lower_bound_usd + recipe.waterfall_usd.get("one_off", 0.0)
    return max(0.0, cost - lower) / max(abs(cost), 1e-300)


class RouteCosts:
    """A product's best plan on each of two routes at any value of an input.

    Parameters
    ----------
    case, key, product, routes
        The case file, or a case whose number is replaced in memory; the dotted input, names.
    budget
        Time for all values; absent: no limit.
    held
        The best plan of each route at some value, if known: what is the same is not computed anew.
    """

    def __init__(
        self,
        case: str | Path | Case,
        key: str,
        product: str,
        routes: tuple[str, str],
        budget: Budget | None = None,
        held: Pair = (None, None),
    ) -> None:
        self.case, self.key, self.product, self.routes = case, key, product, routes
        self.budget = budget or Budget()
        self.found: dict[float, Pair] = {}
        self.late: dict[float, tuple[bool, bool]] = {}  # time ended on a route
        self.reasons: dict[str, None] = {}  # of those
        self._held = held  # then the last found

    def candidates(self, value: float) -> Pair:
        """Return the best plan of each route at a value; ``None``: there is none, or time ended."""
        if value not in self.found:
            if self.budget.is_spent:  # to read the case again would only take more time
                self.found[value], self.late[value] = (None, None), (True, True)
                self.reasons[self.budget.nothing_found()] = None
            else:
                self._weigh(value)
        return self.found[value]

    def _weigh(self, value: float) -> None:
        case = self._at(value)
        product = case.product(self.product)
        (one, mine), (other, theirs) = (
            candidate_like(case, product, route, self.budget, self._held[which])
            for which, route in enumerate(self.routes)
        )
        self._held = one or self._held[0], other or self._held[1]
        self.found[value], self.late[value] = (one, other), (mine.stopped, theirs.stopped)
        late = [verdict for verdict in (mine, theirs) if verdict.stopped]
        self.reasons |= dict.fromkeys(reason for verdict in late for reason in verdict.reasons)

    def _at(self, value: float) -> Case:
        if isinstance(self.case, Case):
            return replaced(self.case, self.key, value)
        return load(self.case, {self.key: value})

    def is_late(self, value: float) -> bool:
        """Whether time ended at a value before both routes were known."""
        return any(self.late.get(value, ()))

    def cost(self, value: float, which: int) -> float | None:
        """Return what a route costs at a value [USD per good package]."""
        candidate = self.candidates(value)[which]
        return candidate.recipes[0].cost_per_good_usd if candidate else None

    def difference(self, value: float) -> float | None:
        """Return what the first route costs more; ``None`` where one has no plan."""
        one, other = self.cost(value, 0), self.cost(value, 1)
        return None if one is None or other is None else one - other

    def proof(self) -> tuple[float | None, Status]:
        """Return the largest gap of a plan, and how the search ended."""
        gaps = [gap_alone(one.recipes[0]) for pair in self.found.values() for one in pair if one]
        gap = max(gaps, default=None)
        late = any(map(any, self.late.values()))
        if late and not any(one and other for one, other in self.found.values()):
            return gap, Status.UNKNOWN
        late |= gap is not None and gap > PROVED
        return gap, Status.FEASIBLE if late else Status.OPTIMAL
