"""A plan explained: of a template, and of a product of a case on its best route."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from yieldopt.dppm_budget import EscapeSource, dppm_budget
from yieldopt.errors import Fault, UnknownName, near_miss
from yieldopt.explanation.accounts import Accounts, InsertionAccount
from yieldopt.explanation.best_plans import PROVED, BestPlans, Objective, Plan
from yieldopt.explanation.content_moves import ContentMove, content_moves
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.candidates import Candidate
from yieldopt.optimize.ruled import Ruled, ruled_of
from yieldopt.optimize.weighing import cheapest, weigh_asked
from yieldopt.plan import RouteVerdict, Status, binding, without_plan
from yieldopt.read.check_rules import menus_of
from yieldopt.schema.case import Case, ProductShape
from yieldopt.shown import Shown
from yieldopt.template import Template


@dataclass(frozen=True)
class Explanation(Shown):
    """The optimum of a template, explained.

    Parameters
    ----------
    plan
        The optimum.
    dppm_limit, escape_cost_usd
        What it was found under.
    insertions
        An account of each, in the order of the flow.
    dppm_budget
        Where its escapes come from, largest first; sums to the plan's DPPM.
    content_moves
        Pairs of insertions that see the same faults: earlier, later, both or neither.
    gap
        Of the cost to the proven lower bound on the route, relative; above 0 where time ended.
    searches_unproved
        Searches that time ended before their proof: the plans shown for them may not be the best.
    """

    plan: Plan
    dppm_limit: float | None
    escape_cost_usd: float
    insertions: tuple[InsertionAccount, ...]
    dppm_budget: tuple[EscapeSource, ...]
    content_moves: tuple[ContentMove, ...]
    gap: float = 0.0
    searches_unproved: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def explain_template(
    subject: Template | Ruled,
    dppm_limit: float | None = None,
    escape_cost_usd: float | None = None,
    *,
    one_off_usd: float = 0.0,
    insertion: str | None = None,
    budget: Budget | None = None,
    known: Mapping[str, str] | None = None,
    known_lower_usd: float = 0.0,
) -> Explanation | None:
    """Explain the best plan of a template.

    Parameters
    ----------
    subject
        A flow with open choices; under rules that every plan must keep, as
        :func:`yieldopt.optimize.ruled.apply_rules` gives it.
    dppm_limit, escape_cost_usd
        As of :func:`yieldopt.optimize.coverage.best_levels`.
    one_off_usd
        Added to every plan [USD per good package].
    insertion
        Account for this ``"node/insertion"`` alone; left out: for each.
    budget
        Time for all searches; none: no limit.
    known, known_lower_usd
        Levels of an allowed plan and a bound on all plans, in case time ends early.

    Returns
    -------
    Explanation
        ``None`` when no plan is allowed.

    Raises
    ------
    UnknownName
        No such insertion.

    Examples
    --------
    >>> from yieldopt.flow import Faults, Step
    >>> from yieldopt.template import Choice, OpenNode
    >>> fab = Step("fab", "process", 100.0, faults={"logic": Faults(0.5)})
    >>> menu = {f"c{c}": Step("cp", "test", c / 20, coverage={"logic": c / 100}) for c in (90, 99)}
    >>> die = OpenNode("die", (), (fab, Choice("cp", {"off": None, **menu})))
    >>> found = explain_template(Template("die", (die,)), escape_cost_usd=1000.0)
    >>> account = found.insertions[0]
    >>> account.level, round(account.saves_usd_per_good, 2), account.next_best.level
    ('c99', 635.55, 'c90')
    """
    ruled = ruled_of(subject, None)
    choices = ruled.template.choices()
    if insertion is not None:
        _known(insertion, choices)
    objective = Objective(dppm_limit, escape_cost_usd or 0.0, one_off_usd)
    plans = BestPlans(ruled, objective, budget or Budget())
    if known is not None and (plan := plans.plan(known)) is not None:
        plans.met.append(plan)
    optimum = plans.best({})
    if optimum is None:
        return None
    cost, lower = optimum.cost_per_good_usd, max(plans.lower_usd, known_lower_usd)
    gap = max(0.0, cost - lower) / max(abs(cost), 1e-300)
    wanted = choices if insertion is None else {insertion: choices[insertion]}
    accounts = Accounts(plans, optimum)
    insertions = tuple(accounts.account(place, choice) for place, choice in wanted.items())
    moves = content_moves(plans, insertion)
    return Explanation(
        optimum,
        dppm_limit,
        objective.escape_cost_usd,
        insertions,
        dppm_budget(accounts.flow),
        moves,
        gap if gap > PROVED else 0.0,
        len(plans.unproved),
    )


@dataclass(frozen=True)
class ProductExplanation(Shown):
    """A product by itself, capacity aside, explained on one route.

    Parameters
    ----------
    product, route
        Names; the route is ``None`` where none can be taken.
    routes
        The verdict on every route that was weighed.
    explanation
        ``None`` where no route can be taken: the verdicts give the reasons.
    dppm_limit, escape_cost_usd
        The product's.
    """

    product: str
    route: str | None
    routes: tuple[RouteVerdict, ...]
    explanation: Explanation | None
    dppm_limit: float | None
    escape_cost_usd: float

    @property
    def status(self) -> Status:
        """Optimal; feasible where time ended before a proof; infeasible; or unknown."""
        found = self.explanation
        if found is None:
            return without_plan(self.routes)
        # Of a route not looked at to the end it is not known whether it is better.
        whole = found.searches_unproved == 0 and not any(one.stopped for one in self.routes)
        return Status.OPTIMAL if whole else Status.FEASIBLE

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, the same keys whether or not there is a plan.

        Where no route can be taken ``plan`` is ``None`` and ``binding`` holds the reasons.
        """
        found = self.explanation
        out: dict[str, Any] = {
            "status": str(self.status),
            "product": self.product,
            "route": self.route,
            "routes": [asdict(verdict) for verdict in self.routes],
        }
        explained = found.to_dict() if found else self._unexplained()
        return out | explained | {"binding": [] if found else binding(self.routes)}

    def _unexplained(self) -> dict[str, Any]:
        return {
            "plan": None,
            "dppm_limit": self.dppm_limit,
            "escape_cost_usd": self.escape_cost_usd,
            "insertions": [],
            "dppm_budget": [],
            "content_moves": [],
            "gap": None,
            "searches_unproved": 0,
        }


def explain(
    case: Case,
    product: str,
    *,
    route: str | None = None,
    insertion: str | None = None,
    time_limit_s: float | None = None,
) -> ProductExplanation:
    """Explain a product's best plan by itself: on its best route, or on the one given.

    Parameters
    ----------
    case
        From :func:`yieldopt.load`.
    product
        A product of the case.
    route
        One of its routes; left out: that of least cost per good package.
    insertion
        Account for this ``"node/insertion"`` alone; left out: for each.
    time_limit_s
        Seconds for all searches; then each account holds the best plans found, and how many
        searches were not proved is counted. Left out: no limit.

    Raises
    ------
    UnknownName, CaseError
        No such product, route or insertion; a time limit that is not above 0.

    Examples
    --------
    >>> from yieldopt import load
    >>> found = explain(load("minimal"), "asic", insertion="package/final_test")
    >>> found.route, found.explanation.insertions[0].can_be_off
    ('osat_2p5d', True)
    """
    asked = case.product(product)
    budget = Budget.of(time_limit_s)
    candidates, verdicts = weigh_asked(case, asked, route, budget)
    best = cheapest(candidates)
    if best is None and insertion is not None:  # its name is wrong or right all the same
        _known(insertion, menus_of(asked, case.library))
    return explain_candidate(asked, best, verdicts, budget, insertion)


def explain_candidate(
    asked: ProductShape,
    best: Candidate | None,
    verdicts: Sequence[RouteVerdict],
    budget: Budget,
    insertion: str | None = None,
) -> ProductExplanation:
    """Explain a product that was weighed, as :func:`explain` does; ``None``: it has no plan."""
    explanation = _explained(best, insertion, budget) if best else None
    name = best.route if best and explanation else None
    escape = asked.escape_cost_usd.base if asked.escape_cost_usd else 0.0
    return ProductExplanation(
        asked.name, name, tuple(verdicts), explanation, asked.dppm_limit, escape
    )


def _known(insertion: str, places: Iterable[str]) -> None:
    names = list(places)
    if insertion not in names:
        hint = near_miss(insertion, names)
        raise UnknownName(Fault("unknown insertion", value=insertion, hint=hint))


def _explained(candidate: Candidate, insertion: str | None, budget: Budget) -> Explanation | None:
    product: ProductShape = candidate.product
    escape = product.escape_cost_usd
    return explain_template(
        candidate.ruled,
        product.dppm_limit,
        escape.base if escape else None,
        one_off_usd=candidate.one_off_usd,
        insertion=insertion,
        budget=budget,
        known=candidate.recipes[0].levels,
        known_lower_usd=candidate.recipes[0].proof.lower_bound_usd + candidate.one_off_usd,
    )
