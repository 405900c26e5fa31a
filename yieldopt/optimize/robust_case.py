"""A product of a case over the case's scenarios: one route and one plan of test levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from time import perf_counter
from typing import Any

from yieldopt.compile import compile_template
from yieldopt.errors import CaseError, Fault, UnknownName, near_miss
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.candidates import one_off_usd
from yieldopt.optimize.coverage import Proof
from yieldopt.optimize.product_rules import narrowed, product_ruled
from yieldopt.optimize.robust import Goal, RobustFound, robust_levels
from yieldopt.optimize.robust_why import excluded, why_none
from yieldopt.optimize.robust_worth import Worth, worth
from yieldopt.optimize.ruled import Ruled
from yieldopt.optimize.rules import cut
from yieldopt.schema.case import Case, ProductShape
from yieldopt.shown import Shown

_ONE_OFF = 1e-9  # relative: one-off costs are the same


@dataclass(frozen=True)
class RobustRoute:
    """A route over all scenarios.

    Parameters
    ----------
    route
        Its name.
    reasons
        Why it cannot be taken.
    found
        The best plan, with its proof; ``None`` where the route cannot be taken.
    worth
        What that plan pays and gains; the nominal plan is that of the case without scenarios.
        ``None`` with a plan: time ended before it was computed.
    one_off_usd
        One-off cost per good package, in every cost of ``found`` and ``worth``.
    stopped
        Whether time ended before all plans were covered. Without ``found`` none was found, and none
        ruled out.
    """

    route: str
    reasons: tuple[str, ...]
    found: RobustFound | None = None
    worth: Worth | None = None
    one_off_usd: float = 0.0
    stopped: bool = False


@dataclass(frozen=True)
class RobustAnswer(Shown):
    """A product over the scenarios of its case; ``best`` is ``None`` where no route can be taken.

    Parameters
    ----------
    product
        Its name.
    goal
        What is minimised, and limits.
    scenarios
        Probability by name.
    routes
        Every route asked for.
    best
        The route of least measure.
    """

    product: str
    goal: Goal
    scenarios: Mapping[str, float]
    routes: tuple[RobustRoute, ...]
    best: RobustRoute | None

    @property
    def status(self) -> str:
        """Optimal; feasible where time ended before a proof; infeasible; or unknown."""
        late = any(one.stopped for one in self.routes)
        if self.best is None:
            return "unknown" if late else "infeasible"
        return "feasible" if late else "optimal"

    @property
    def lower_bound_usd(self) -> float | None:
        """No plan on any of the routes costs less; ``None``: there is no plan."""
        found = [one.found.proof.lower_bound_usd for one in self.routes if one.found is not None]
        found += [0.0 for one in self.routes if one.found is None and one.stopped]
        return min(found, default=None)

    @property
    def gap(self) -> float | None:
        """Relative gap between the best plan and the bound of all routes; ``None`` without one."""
        lower = self.lower_bound_usd
        if self.best is None or self.best.found is None or lower is None:
            return None
        value = self.best.found.value_usd
        return max(value - lower, 0.0) / max(abs(value), 1e-300)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; ``status`` and the name of the best route on top."""
        top = {"status": self.status, "lower_bound_usd": self.lower_bound_usd, "gap": self.gap}
        return top | asdict(self) | {"best": self.best.route if self.best else None}


def robust_answer(
    case: Case,
    product: str,
    *,
    route: str | None = None,
    goal: Goal | None = None,
    time_limit_s: float | None = None,
) -> RobustAnswer:
    """Choose one route and one plan of a product for all scenarios of its case.

    Parameters
    ----------
    case
        With scenarios.
    product
        One of its products.
    route
        One of the product's routes; ``None``: the best of them.
    goal
        Measure, tail and share; DPPM limit, escape cost and limits on use (held in every scenario)
        are the product's.
    time_limit_s
        Seconds for all routes together; then the best plan so far, with its true gap. Left out: no
        limit.

    Raises
    ------
    CaseError, UnknownName
        A time limit that is not above 0; no scenarios; no such product or route; a scenario that
        changes more than numbers and process steps of the flow, or a one-off cost.
    """
    budget = Budget.of(time_limit_s)
    asked = case.product(product)
    if not case.scenarios:
        hint = "add [[scenarios]] with name, probability and override"
        raise CaseError(Fault("the case has no scenarios", "scenarios", hint=hint))
    if route is not None and route not in asked.routes:
        hint = near_miss(route, asked.routes)
        raise UnknownName(Fault(f"none of the routes of {product}", value=route, hint=hint))
    escape = asked.escape_cost_usd
    goal = replace(
        goal or Goal(),
        dppm_limit=asked.dppm_limit,
        escape_cost_usd=escape.base if escape else None,
        use_limits=asked.use_limits_per_good or None,
    )
    goal.check()
    names = asked.routes if route is None else (route,)
    routes = tuple(
        _route(case, asked, name, goal, _share(budget, len(names) - at))
        for at, name in enumerate(names)
    )
    best = min(
        (one for one in routes if one.found is not None),
        key=lambda one: one.found.value_usd if one.found else 0.0,
        default=None,
    )
    held = {scenario.name: scenario.probability for scenario in case.scenarios}
    return RobustAnswer(product, goal, held, routes, best)


def _share(budget: Budget, of: int) -> Budget:
    """Return an equal share of the time left, so that what comes later is looked at too."""
    return replace(budget, until=min(budget.until, perf_counter() + budget.left_s() / of))


def _route(case: Case, product: ProductShape, name: str, goal: Goal, budget: Budget) -> RobustRoute:
    reasons = excluded(case, product, name)
    if reasons:
        return RobustRoute(name, tuple(reasons))
    late = RobustRoute(name, (budget.nothing_found(),), stopped=True)
    if budget.is_spent:
        return late
    one_off = _one_off(case, product, name)
    cases = [*(scenario.case for scenario in case.scenarios), case]
    ruled = [_ruled(one, product, name) for one in cases]
    reasons = list(dict.fromkeys(reason for one in ruled for reason in one.reasons))
    menus = ruled[0].menus
    for one in ruled[1:]:  # a level must keep the product's rules in every scenario
        menus = cut(menus, one.menus)
    reasons += [f"{place}: no level is left" for place, levels in menus.items() if not levels]
    if reasons:
        return RobustRoute(name, tuple(reasons))
    *scenarios, nominal = [narrowed(one, menus) for one in ruled]
    if scenarios[0].reasons:
        return RobustRoute(name, scenarios[0].reasons)
    p = [scenario.probability for scenario in case.scenarios]
    found = _over_parts(scenarios, p, goal, budget)
    if found.levels is None:
        if not found.complete:
            return late
        return RobustRoute(name, tuple(why_none(case, product, scenarios, goal, budget)))
    of: Worth | None = None
    if not budget.is_spent:
        of = _all_dearer(worth(scenarios, p, goal, found, nominal, budget.search), one_off)
    of = None if budget.is_spent else of  # its searches may have been stopped
    dearer = _dearer(found, one_off)
    return RobustRoute(name, (), dearer, of, one_off, not found.complete)


def _ruled(case: Case, product: ProductShape, route: str) -> Ruled:
    """Return the product compiled on a route, under its rules and the use limits of the goal."""
    own = case.product(product.name)
    limits = {"use_limits_per_good": product.use_limits_per_good}
    return product_ruled(
        own.model_copy(update=limits), compile_template(case, own, case.library.routes[route])
    )


def _over_parts(
    scenarios: Sequence[Ruled], p: Sequence[float], goal: Goal, budget: Budget
) -> RobustFound:
    """Return the best plan that keeps rules on levels: of every part that they leave."""
    parts = list(zip(*(one.parts() for one in scenarios), strict=True))
    found = [
        robust_levels(part, p, goal, until=_share(budget, len(parts) - at).until)
        for at, part in enumerate(parts)
    ]
    best = min(found, key=lambda one: one.value_usd)
    proofs = [one.proof for one in found]
    proof = Proof(
        best.proof.method,
        sum(one.combinations for one in proofs),
        sum(one.enumerated for one in proofs),
        sum(one.pruned for one in proofs),
        min(one.lower_bound_usd for one in proofs),
    )
    complete = all(one.complete for one in found)
    examined = sum(one.examined for one in found)
    return replace(best, proof=proof, examined=examined, complete=complete)


def _one_off(case: Case, product: ProductShape, name: str) -> float:
    """Return the one-off cost per good package, which no scenario may change."""

    def of(one: Case) -> float:
        present = product.present_route
        return one_off_usd(
            product, one.library.routes[name], one.library.routes[present] if present else None
        )

    base = of(case)
    faults = [
        Fault("a scenario cannot change one-off costs", f"scenarios[{at}]", scenario.name)
        for at, scenario in enumerate(case.scenarios)
        if abs(of(scenario.case) - base) > _ONE_OFF * base
    ]
    if faults:
        raise CaseError(faults)
    return base


def _dearer(found: RobustFound, more: float) -> RobustFound:
    """Add what every plan costs in every scenario alike: all measures move by as much."""
    proof = replace(found.proof, lower_bound_usd=found.proof.lower_bound_usd + more)
    values = tuple(value + more for value in found.values_usd)
    return replace(found, value_usd=found.value_usd + more, values_usd=values, proof=proof)


def _all_dearer(of: Worth, more: float) -> Worth:
    return replace(
        of,
        perfect_usd=None if of.perfect_usd is None else of.perfect_usd + more,
        best_usd=_all_more(of.best_usd, more),
        free_usd=None if of.free_usd is None else _all_more(of.free_usd, more),
        nominal_usd=None if of.nominal_usd is None else of.nominal_usd + more,
    )


def _all_more(values: Sequence[float | None], more: float) -> tuple[float | None, ...]:
    return tuple(None if value is None else value + more for value in values)
