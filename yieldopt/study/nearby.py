"""A product on a route in cases that differ from one in a few numbers: its plan held, or anew."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from yieldopt.engine import evaluate
from yieldopt.errors import CaseError
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.candidates import SEARCH_S, Candidate
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
from yieldopt.template import Template

Changes = tuple[tuple[str, float], ...]  # keys of numbers, and what they become
_ROUNDING = 1e-12  # relative: costs closer than this may differ by rounding alone
_TINY = 1e-300


@dataclass(frozen=True)
class Price:
    """What a product costs on a route in a case, test levels chosen anew.

    Parameters
    ----------
    cost_per_good_usd
        ``None`` where the product cannot be made there [USD per good package].
    reasons
        Why not.
    gap
        How much better other levels may be, relative.
    """

    cost_per_good_usd: float | None
    reasons: tuple[str, ...] = ()
    gap: float = 0.0


@dataclass(frozen=True)
class There:
    """The product on the route in a case; no template: a limit forbids it, for these reasons."""

    case: Case
    product: ProductShape
    template: Template | None
    reasons: tuple[str, ...]
    is_as_at_base: bool  # in all that a cost is computed from
    has_levels_of_base: bool  # the same insertions, of the same levels


class Nearby:
    """A product on a route in cases near one, each compiled once.

    Parameters
    ----------
    case
        The one at base.
    best
        The product on the route there, with its recipe.
    budget
        Time for all searches.
    """

    def __init__(self, case: Case, best: Candidate, budget: Budget) -> None:
        self.case, self.best, self.budget = case, best, budget
        self.base = best.recipes[0].cost_per_good_usd
        self._known: dict[Changes, There | CaseError] = {}
        self._found: dict[Changes, Price] = {}

    def held_usd(self, wanted: Sequence[Changes]) -> list[float | None]:
        """Return what the best plan costs in each case, allowed there or not.

        The base exactly where nothing changes that a cost is computed from, and only there; inf
        where nothing passes, or where the levels are others; ``None`` where a model refuses the
        change or the product cannot be made.
        """
        there = [self.compiled(changes) for changes in wanted]
        out: list[float | None] = [None] * len(wanted)
        moved = []
        for number, one in enumerate(there):
            if not isinstance(one, CaseError) and one.template is not None:
                out[number] = self.base if one.is_as_at_base else math.inf
                if one.has_levels_of_base and not one.is_as_at_base:
                    moved.append(number)
        levels = self.best.recipes[0].levels
        costs = self._costs_usd([wanted[number] for number in moved], levels)
        for number, cost in zip(moved, costs, strict=True):
            out[number] = math.nextafter(cost, math.inf) if cost == self.base else cost
        return out

    def search(self, wanted: Sequence[Changes]) -> None:
        """Search cases side by side; what cannot be is left to :meth:`price`.

        That is what joint rules or limits on use couple, what is large, and cases in which laws or
        menus are not those of the base.
        """
        ruled = self.best.ruled
        if ruled.joints or self.best.product.use_limits_per_good or self.budget.is_spent:
            return
        some = [
            changes
            for changes in wanted
            if (changes in self._known or not self.budget.is_spent)
            and self._has_menus_of_base(changes)
        ]
        by_plan: dict[tuple[str, ...], list[tuple[Changes, Found]]] = {}
        for changes, one in zip(some, self._best_of_each(some), strict=True):
            if one is not None and one.levels is not None:
                by_plan.setdefault(tuple(one.levels.values()), []).append((changes, one))
        for same in by_plan.values():
            levels = same[0][1].levels or {}
            costs = self._costs_usd([changes for changes, _ in same], levels)
            for (changes, one), cost in zip(same, costs, strict=True):
                gap = (one.value_usd - one.proof.lower_bound_usd) / max(abs(cost), _TINY)
                near = abs(cost - self.base) <= _ROUNDING * abs(self.base)
                self._found[changes] = Price(self.base if near else cost, gap=max(gap, 0.0))

    def _best_of_each(self, wanted: Sequence[Changes]) -> list[Found | None]:
        """Search cases side by side, those of the same steps and limits once."""
        different: dict[object, int] = {}
        posed: list[One] = []
        which = []
        for changes in wanted:
            one = self._posed(changes)
            # The compiler remembers: what a change does not touch is the very same object.
            template = self._there(changes).template
            items = [id(item) for node in template.nodes for item in node.items] if template else []
            at = different.setdefault((*items, one.dppm_limit, one.escape_cost_usd), len(posed))
            if at == len(posed):
                posed.append(one)
            which.append(at)
        found = best_of_each(
            self.best.ruled.problem(self.best.ruled.menus),
            self.best.recipes[0].levels,
            posed,
            self.budget.until,
            most_s=SEARCH_S,
            stop=self.budget.stop,
        )
        return [found[at] for at in which]

    def price(self, changes: Changes) -> Price | None:
        """Return what the product costs in a case; ``None`` where time ended before.

        Raises
        ------
        CaseError
            A model does not allow the change.
        """
        if changes in self._found:
            return self._found[changes]
        if self.budget.is_spent and changes not in self._known:
            return None
        there = self._there(changes)
        if there.template is None:
            return Price(None, there.reasons)
        if there.is_as_at_base:
            return Price(self.base, gap=gap_alone(self.best.recipes[0]))
        if self.budget.is_spent:
            return None
        candidate, verdict = candidate_of(
            there.case, there.product, self.best.route, there.template, self.budget, self.best
        )
        if candidate is None:
            return None if verdict.stopped else Price(None, verdict.reasons)
        recipe = candidate.recipes[0]
        return Price(recipe.cost_per_good_usd, gap=gap_alone(recipe))

    def _there(self, changes: Changes) -> There:
        there = self.compiled(changes)
        if isinstance(there, CaseError):
            raise there
        return there

    def compiled(self, changes: Changes) -> There | CaseError:
        """Return the product in a case, compiled once for all uses, or why it may not stand."""
        if changes not in self._known:
            try:
                self._known[changes] = self._anew(changes)
            except CaseError as error:
                self._known[changes] = error
        return self._known[changes]

    def _anew(self, changes: Changes) -> There:
        case, name = self.case, self.best.route
        for key, value in changes:
            case = replaced(case, key, value)
        product = case.product(self.best.product.name)
        reasons = reasons_against(case, product, name)
        template = None if reasons else template_on(case, product, name)
        if template is None:
            return There(case, product, None, reasons, False, False)
        same = is_alike(self.best, case, product, template)
        has_levels = same or _levels(template) == _levels(self.best.template)
        return There(case, product, template, reasons, same, has_levels)

    def _costs_usd(self, wanted: Sequence[Changes], levels: Mapping[str, str]) -> list[float]:
        """Return what a plan costs in each case, allowed there or not; inf where nothing passes."""
        there = [self._there(changes) for changes in wanted]
        templates = [one.template for one in there if one.template is not None]
        out = [math.inf] * len(wanted)
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

    def _more_usd(self, there: There, quality: float) -> float:
        """Return what escapes and one-off costs add [USD per good package]."""
        escape = there.product.escape_cost_usd.base if there.product.escape_cost_usd else 0.0
        one_off = one_off_on(there.case, there.product, self.best.route)
        return escape * (1.0 - quality) / quality + one_off

    def _has_menus_of_base(self, changes: Changes) -> bool:
        """Whether a case has the product, not as at base, with the same levels."""
        there = self.compiled(changes)
        if isinstance(there, CaseError) or there.template is None:
            return False
        if there.is_as_at_base or not there.has_levels_of_base:
            return False
        if there.product == self.best.product and not there.product.least_coverage:
            return True  # its rules speak of names alone
        ruled = product_ruled(there.product, there.template)
        held = self.best.ruled
        return not ruled.reasons and not ruled.joints and ruled.menus == held.menus

    def _posed(self, changes: Changes) -> One:
        there = self._there(changes)
        assert there.template is not None
        escape = there.product.escape_cost_usd
        template = there.template.limited(self.best.ruled.menus)
        return One(template, there.product.dppm_limit, escape.base if escape else 0.0)


def _levels(template: Template) -> dict[str, list[str]]:
    """Return the levels of every insertion: those that can do nothing to a part are left out."""
    return {place: list(choice.options) for place, choice in template.choices().items()}
