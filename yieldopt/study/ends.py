"""A product on a route at the ends of its inputs' ranges: first its plan held, then chosen anew."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from yieldopt.engine import evaluate
from yieldopt.errors import CaseError
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.candidates import Candidate
from yieldopt.optimize.coverage import Found
from yieldopt.optimize.product_rules import product_ruled
from yieldopt.optimize.robust_merge import closed
from yieldopt.optimize.route_costs import gap_alone
from yieldopt.optimize.side_by_side import One, alike, best_of_each
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

_At = tuple[str, float]  # an input's key, a value
_ROUNDING = 1e-12  # relative: costs closer than this may differ by rounding alone
_TINY = 1e-300


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
        self._known: dict[_At, _There | CaseError] = {}
        self._found: dict[_At, End] = {}

    def moves_usd(self, inputs: Sequence[Input], budget: Budget) -> dict[str, float]:
        """Return how far the plan held moves over each range [USD per good package].

        0: neither end changes anything that a cost is computed from; inf where it cannot be made.
        Its levels may break the product's limits there. Inputs that the budget did not reach are
        left out.
        """
        ends: dict[str, list[_At]] = {}
        for one in inputs:
            if budget.is_spent:
                break
            ends[one.key] = _ends(one)
            for at in ends[one.key]:
                self._look(at)
        moved = {at: self._moved(at) for own in ends.values() for at in own}
        held = [at for at, usd in moved.items() if usd is None]
        for at, cost in zip(held, self._costs_usd(held, self._levels), strict=True):
            moved[at] = max(abs(cost - self.base), math.ulp(self.base))
        return {
            key: max((moved[at] or 0.0 for at in own), default=0.0) for key, own in ends.items()
        }

    def search(self, inputs: Sequence[Input]) -> None:
        """Search the ends of inputs side by side; what cannot be is left to :meth:`at`.

        That is what joint rules or limits on use couple, what is large, and ends at which laws or
        menus are not those of the base.
        """
        ruled = self.best.ruled
        if ruled.joints or ruled.rules.resource_limits or self.budget.is_spent:
            return
        wanted = [at for one in inputs for at in _ends(one) if self._has_menus_of_base(at)]
        problem = ruled.problem(ruled.menus)
        posed = [self._posed(at) for at in wanted]
        found = best_of_each(problem, self._levels, posed, self.budget.until)
        by_plan: dict[tuple[str, ...], list[tuple[_At, Found]]] = {}
        for at, one in zip(wanted, found, strict=True):
            if one is not None and one.levels is not None:
                by_plan.setdefault(tuple(one.levels.values()), []).append((at, one))
        for same in by_plan.values():
            levels = same[0][1].levels or {}
            for (at, one), cost in zip(
                same, self._costs_usd([a for a, _ in same], levels), strict=True
            ):
                gap = (one.value_usd - one.proof.lower_bound_usd) / max(abs(cost), _TINY)
                near = abs(cost - self.base) <= _ROUNDING * abs(self.base)
                self._found[at] = End(at[1], self.base if near else cost, gap=max(gap, 0.0))

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
        at = one.key, value
        if at in self._found:
            return self._found.pop(at)
        if self.budget.is_spent and at not in self._known:
            return None
        there = self._there(at)
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

    @property
    def _levels(self) -> Mapping[str, str]:
        return self.best.recipes[0].levels

    def _there(self, at: _At) -> _There:
        there = self._look(at)
        if isinstance(there, CaseError):
            raise there
        return there

    def _look(self, at: _At) -> _There | CaseError:
        """Return the product at an end, compiled once for all uses, or why it may not stand."""
        if at not in self._known:
            try:
                self._known[at] = self._compiled(at)
            except CaseError as error:
                self._known[at] = error
        return self._known[at]

    def _compiled(self, at: _At) -> _There:
        case, name = replaced(self.case, *at), self.best.route
        product = case.product(self.best.product.name)
        reasons = reasons_against(case, product, name)
        template = None if reasons else template_on(case, product, name)
        return _There(case, product, template, reasons)

    def _moved(self, at: _At) -> float | None:
        """Return how far the plan held moves where that is plain: not at all, or out; or None."""
        there = self._look(at)
        if isinstance(there, CaseError) or there.template is None:
            return math.inf
        if is_alike(self.best, there.case, there.product, there.template):
            return 0.0
        return None

    def _costs_usd(self, ends: Sequence[_At], levels: Mapping[str, str]) -> list[float]:
        """Return what a plan costs at ends, allowed there or not; inf where nothing passes."""
        there = [self._there(at) for at in ends]
        templates = [one.template for one in there if one.template is not None]
        out = [math.inf] * len(ends)
        for numbers in alike(templates):
            flow = closed([templates[number] for number in numbers], levels)
            assert flow is not None  # alike in all but numbers
            found = evaluate(flow, details=False)
            qualities = np.broadcast_to(found.quality, len(numbers))
            costs = np.broadcast_to(found.cost_per_good_usd, len(numbers))
            for number, quality, cost in zip(numbers, qualities, costs, strict=True):
                if quality > 0.0:
                    more = self._more_usd(there[number], float(quality))
                    out[number] = float(cost) + more
        return out

    def _more_usd(self, there: _There, quality: float) -> float:
        """Return what escapes and one-off costs add [USD per good package]."""
        escape = there.product.escape_cost_usd.base if there.product.escape_cost_usd else 0.0
        one_off = one_off_on(there.case, there.product, self.best.route)
        return escape * (1.0 - quality) / quality + one_off

    def _has_menus_of_base(self, at: _At) -> bool:
        """Whether there is a product at an end, not that of the base, with the same levels."""
        there = self._look(at)
        if isinstance(there, CaseError) or there.template is None or self._moved(at) == 0.0:
            return False
        if there.product == self.best.product and not there.product.least_coverage:
            return True  # its rules speak of names alone
        ruled = product_ruled(there.product, there.template)
        held = self.best.ruled
        return not ruled.reasons and not ruled.joints and ruled.menus == held.menus

    def _posed(self, at: _At) -> One:
        there = self._there(at)
        assert there.template is not None
        escape = there.product.escape_cost_usd
        template = there.template.limited(self.best.ruled.menus)
        return One(template, there.product.dppm_limit, escape.base if escape else 0.0)


def _ends(one: Input) -> list[_At]:
    """Return the ends that are not the base."""
    values = (one.low, one.high)
    return [(one.key, value) for value in values if value is not None and value != one.base]
