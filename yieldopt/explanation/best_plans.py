"""Best plans of a template while some of its menus are cut: what forced levels cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from yieldopt.engine import evaluate
from yieldopt.flow import Outcome
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.coverage import HOPELESS_USD, Found
from yieldopt.optimize.product_rules import narrowed
from yieldopt.optimize.ruled import Ruled, best_under
from yieldopt.optimize.terms import ROUNDING
from yieldopt.optimize.why_not import Reason, reasons_under
from yieldopt.template import Template

_DEAR_USD = 1e12  # an escape so dear turns the search into one for quality
PROVED = 1e-9  # a relative gap that is rounding
Key = frozenset[tuple[str, ...]]  # a cut


@dataclass(frozen=True)
class Objective:
    """What a plan is judged by.

    Parameters
    ----------
    dppm_limit
        Bad packages per million shipped may not exceed this; ``None``: no limit.
    escape_cost_usd
        Cost of one bad package shipped [USD].
    one_off_usd
        Added to every plan [USD per good package].
    """

    dppm_limit: float | None = None
    escape_cost_usd: float = 0.0
    one_off_usd: float = 0.0

    def cost_per_good_usd(self, out: Outcome) -> float:
        """Return (spend + e·bad)/good and the one-off cost [USD]; inf where nothing passes."""
        quality = float(out.quality)
        if quality <= 0.0:
            return math.inf
        escaped = self.escape_cost_usd * (1.0 - quality) / quality
        return float(out.cost_per_good_usd) + escaped + self.one_off_usd


@dataclass(frozen=True)
class Plan:
    """A level at every insertion, evaluated by the engine.

    Parameters
    ----------
    levels
        By ``"node/insertion"``.
    cost_per_good_usd
        Cost of a good package, escapes and one-off cost included [USD].
    dppm
        Bad packages per million shipped.
    """

    levels: Mapping[str, str]
    cost_per_good_usd: float
    dppm: float


@dataclass
class BestPlans:
    """The best plan of a template under rules and cut menus, each cut searched once at most."""

    ruled: Ruled
    objective: Objective
    budget: Budget = field(default_factory=Budget)
    met: list[Plan] = field(default_factory=list)  # allowed plans, any of which may be the best
    lower_usd: float = 0.0  # no plan costs less; known once the best of all was looked for

    def __post_init__(self) -> None:
        self._asked: list[tuple[Mapping[str, frozenset[str]], Plan | None]] = []
        self.unproved: set[Key] = set()  # cuts whose search time ended before its proof

    @property
    def template(self) -> Template:
        """The flow with open choices."""
        return self.ruled.template

    def best(self, cut: Mapping[str, Sequence[str]]) -> Plan | None:
        """Return the best plan; ``None`` when none is allowed.

        Parameters
        ----------
        cut
            Levels left, by ``"node/insertion"``; the other menus stay whole.

        Notes
        -----
        The best of more plans that lies among fewer is the best of these as well, and where none of
        more is allowed none of fewer is: such cuts are answered without a search. Where time ends
        first, the best plan met so far is returned and the cut is among ``unproved``.

        Examples
        --------
        >>> from yieldopt.flow import Faults, Step
        >>> from yieldopt.optimize.ruled import apply_rules
        >>> from yieldopt.optimize.rules import Rules
        >>> from yieldopt.template import Choice, OpenNode
        >>> fab = Step("fab", "process", 100.0, faults={"logic": Faults(0.5)})
        >>> full = Step("cp", "test", 2.0, coverage={"logic": 0.99})
        >>> die = OpenNode("die", (), (fab, Choice("cp", {"off": None, "full": full})))
        >>> ruled = apply_rules(Template("die", (die,)), Rules())
        >>> plans = BestPlans(ruled, Objective(dppm_limit=6000.0))
        >>> plans.best({}).levels, plans.best({"die/cp": ("off",)})
        ({'die/cp': 'full'}, None)
        """
        wanted = {place: frozenset(levels) for place, levels in cut.items()}
        for held, plan in self._asked:
            wider = all(p in wanted and wanted[p] <= levels for p, levels in held.items())
            if wider and (plan is None or _lies_in(plan, wanted)):
                return plan
        found = None if self.budget.is_spent else self._search(cut)
        plan = None if found is None or found.levels is None else self.plan(found.levels)
        if plan is not None:
            self.met.append(plan)
        if not cut and found is not None:
            self.lower_usd = found.proof.lower_bound_usd + self.objective.one_off_usd
        if found is not None and found.gap <= PROVED:
            self._asked.append((wanted, plan))
            return plan
        self.unproved.add(_key(cut))
        inside = [one for one in self.met if _lies_in(one, wanted)]
        return min(inside, key=lambda one: one.cost_per_good_usd, default=None)

    def plan(self, levels: Mapping[str, str]) -> Plan | None:
        """Evaluate a plan, allowed or not; ``None`` where nothing passes worth the name."""
        out = evaluate(self.template.at(levels), details=False)
        cost = self.objective.cost_per_good_usd(out)
        return Plan(levels, cost, float(out.dppm)) if cost < HOPELESS_USD else None

    def allowed(self, plan: Plan) -> bool:
        """Whether a plan keeps the DPPM limit and the rules."""
        limit = self.objective.dppm_limit
        return (limit is None or plan.dppm <= limit) and self.keeps_rules(plan)

    def keeps_rules(self, plan: Plan) -> bool:
        """Whether a plan keeps the rules, limits on use of resources among them."""
        levels, limits = plan.levels, self.ruled.rules.resource_limits
        if self.level_out(levels) or self.ruled.broken(levels) is not None:
            return False
        if not limits:
            return True
        out = evaluate(self.template.at(levels))
        used = {name: float(use) / float(out.quality) for name, use in out.uses.items()}
        return all(used.get(k, 0.0) <= most * (1.0 + ROUNDING) for k, most in limits.items())

    def level_out(self, levels: Mapping[str, str]) -> bool:
        """Whether one of some levels is on no menu that the rules leave."""
        return any(level not in self.ruled.menus[place] for place, level in levels.items())

    def lowest_dppm(self, cut: Mapping[str, Sequence[str]]) -> float | None:
        """Return the lowest DPPM that the rules allow; ``None`` where nothing passes or is left.

        The plan is that of least cost at an escape cost of 1e12 USD: a dollar spent on quality is
        worth 1e-6 ppm, so its DPPM is the lowest to 0.01 ppm where plans cost up to 10,000 USD.
        """
        if self.budget.is_spent:
            return None
        search = self.budget.search
        found = best_under(narrowed(self.ruled, cut), escape_cost_usd=_DEAR_USD, search=search)
        if found.levels is None or found.gap > PROVED:
            return None
        return float(evaluate(self.template.at(found.levels), details=False).dppm)

    def why_none(self, cut: Mapping[str, Sequence[str]]) -> tuple[Reason, ...]:
        """Return what forbids every plan of cut menus of which :meth:`best` gives none."""
        if _key(cut) in self.unproved:
            return (Reason("time", self.budget.nothing_found()),)
        limit, search = self.objective.dppm_limit, self.budget.search
        return reasons_under(narrowed(self.ruled, cut), limit, search)

    def _search(self, cut: Mapping[str, Sequence[str]]) -> Found:
        return best_under(
            narrowed(self.ruled, cut),
            dppm_limit=self.objective.dppm_limit,
            escape_cost_usd=self.objective.escape_cost_usd,
            search=self.budget.search,
        )


def _lies_in(plan: Plan, menus: Mapping[str, frozenset[str]]) -> bool:
    return all(plan.levels[place] in levels for place, levels in menus.items())


def _key(cut: Mapping[str, Sequence[str]]) -> Key:
    return frozenset((place, *levels) for place, levels in cut.items())
