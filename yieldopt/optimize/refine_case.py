"""The curves of a case: insertions with a ``curve``, their test times chosen below the grid."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from yieldopt.compile import compile_template
from yieldopt.errors import CaseError, Fault, UnknownName, near_miss
from yieldopt.optimize.budget import Budget, stopped
from yieldopt.optimize.candidates import one_off_usd
from yieldopt.optimize.coverage import HOPELESS_USD
from yieldopt.optimize.product_rules import product_ruled
from yieldopt.optimize.refine import Refined
from yieldopt.optimize.refine_open import opened
from yieldopt.optimize.refine_rules import refine_under
from yieldopt.optimize.refine_where import in_file
from yieldopt.optimize.route import exclusions
from yieldopt.optimize.ruled import Ruled, best_under
from yieldopt.optimize.why_not import DEAR_USD, why_not
from yieldopt.read import load
from yieldopt.schema.assembly import product_assembly
from yieldopt.schema.case import Case, ProductShape
from yieldopt.shown import Shown

_NEAR = 1e-4  # relative: the four digits of a DPPM that are shown


@dataclass(frozen=True)
class RefinedRoute:
    """A route with test times chosen freely; costs per good package, one-off costs included [USD].

    Parameters
    ----------
    route, reasons
        Its name, and why it cannot be taken.
    ranges_s
        By insertion with a curve: shortest and longest time [s].
    on_grid_usd
        The best plan whose times are those of the insertion files; ``None``: there is none.
    refined
        The best plan of any time, with its bound; ``None`` where the route cannot be taken.
    one_off_usd
        One-off cost, in ``on_grid_usd`` and in value and bound of ``refined``.
    on_grid_proved
        Whether ``None`` in ``on_grid_usd`` is shown: not where time ended first.
    """

    route: str
    reasons: tuple[str, ...] = ()
    ranges_s: Mapping[str, tuple[float, float]] | None = None
    on_grid_usd: float | None = None
    refined: Refined | None = None
    one_off_usd: float = 0.0
    on_grid_proved: bool = True

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self) | {"refined": self.refined.to_dict() if self.refined else None}


@dataclass(frozen=True)
class RefinedProduct(Shown):
    """A product by itself, capacity aside, on every route asked for.

    Parameters
    ----------
    product
        Its name.
    dppm_limit, escape_cost_usd
        What was asked.
    gap
        Relative gap asked for.
    routes
        Every route asked for.
    """

    product: str
    dppm_limit: float | None
    escape_cost_usd: float | None
    gap: float
    routes: tuple[RefinedRoute, ...]

    @property
    def best(self) -> RefinedRoute | None:
        """The route of least cost; ``None`` where no route can be taken."""
        fine = [r for r in self.routes if r.refined is not None and r.refined.levels is not None]
        return min(fine, key=_value, default=None)

    @property
    def lower_bound_usd(self) -> float:
        """No plan of any time on any of the routes costs less; inf: there is none."""
        found = (r.refined.lower_bound_usd for r in self.routes if r.refined is not None)
        return min(found, default=math.inf)

    @property
    def gap_reached(self) -> float | None:
        """Relative gap between the best plan and the bound of all routes; ``None`` without one."""
        if self.best is None:
            return None
        value = _value(self.best)
        return max(value - self.lower_bound_usd, 0.0) / max(abs(value), 1e-300)

    @property
    def status(self) -> str:
        """Optimal (to the gap), feasible (the gap was not reached), infeasible or, where no plan
        was found and none was ruled out, unknown.
        """
        reached = self.gap_reached
        if reached is None:
            return "infeasible" if self.lower_bound_usd == math.inf else "unknown"
        return "optimal" if reached <= self.gap else "feasible"

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; ``status`` and the name of the best route on top."""
        best = self.best
        return {
            "status": self.status,
            "product": self.product,
            "route": best.route if best else None,
            "dppm_limit": self.dppm_limit,
            "escape_cost_usd": self.escape_cost_usd,
            "lower_bound_usd": None if math.isinf(self.lower_bound_usd) else self.lower_bound_usd,
            "gap": self.gap_reached,
            "routes": [one.to_dict() for one in self.routes],
            "binding": []
            if best
            else [f"{r.route}: {why}" for r in self.routes for why in r.reasons],
        }


def _value(one: RefinedRoute) -> float:
    return math.inf if one.refined is None else one.refined.value_usd


def refine_product(
    case: Case | str | Path,
    product: str,
    *,
    route: str | None = None,
    gap: float = 1e-6,
    time_limit_s: float | None = None,
) -> RefinedProduct:
    """Choose the times of all curve insertions of a product, with all its other levels.

    Parameters
    ----------
    case
        From :func:`yieldopt.load`, or what that takes.
    product
        A product of the case.
    route
        One of its routes; left out: all.
    gap
        Relative gap between cost and bound to reach on each route.
    time_limit_s
        Seconds for all routes together; then the best plans found, with their true gap. Left out:
        120 s for a route.

    Returns
    -------
    RefinedProduct
        Times lie between the shortest and the longest of the insertion's file that the product's
        ``levels``, ``forbidden_levels`` and ``least_coverage`` leave.

    Raises
    ------
    UnknownName
        No such product or route.
    CaseError
        A time limit that is not above 0; a curve that has no bound (see
        :func:`yieldopt.optimize.refine.refine`); a rule that free times cannot keep (see
        :func:`yieldopt.optimize.refine_rules.refine_under`).

    Examples
    --------
    >>> found = refine_product("ask_cpo_switch", "co_packaged")
    >>> found.status, found.best.route
    ('optimal', 'cpo')
    """
    budget = Budget.of(time_limit_s)
    source, case = case, case if isinstance(case, Case) else load(case)
    asked = case.product(product)
    if route is not None and route not in asked.routes:
        hint = near_miss(route, asked.routes)
        raise UnknownName(Fault(f"none of the routes of {asked.name}", value=route, hint=hint))
    names = asked.routes if route is None else (route,)
    escape = asked.escape_cost_usd.base if asked.escape_cost_usd else None
    try:
        found = tuple(_on_route(case, asked, name, escape, gap, budget) for name in names)
    except CaseError as error:
        raise CaseError(in_file(source, error.faults)) from None
    return RefinedProduct(asked.name, asked.dppm_limit, escape, gap, found)


def _on_route(
    case: Case,
    product: ProductShape,
    name: str,
    escape: float | None,
    gap: float,
    budget: Budget,
) -> RefinedRoute:
    route = case.library.routes[name]
    reasons = exclusions(case.library, product_assembly(product), route)
    if reasons:
        return RefinedRoute(name, tuple(reasons))
    if budget.is_spent:
        unknown = Refined(None, {}, math.inf, 0.0, None, 0, {})
        return RefinedRoute(name, (budget.nothing_found(),), refined=unknown, on_grid_proved=False)
    present = case.library.routes[product.present_route] if product.present_route else None
    one_off = one_off_usd(product, route, present)
    ruled = product_ruled(product, compile_template(case, product, route))
    if ruled.reasons:
        return RefinedRoute(name, ruled.reasons)
    limit, search = product.dppm_limit, budget.search
    grid = best_under(ruled, dppm_limit=limit, escape_cost_usd=escape, search=search)
    found = refine_under(
        case, product, ruled, dppm_limit=limit, escape_cost_usd=escape, gap=gap, budget=budget
    )
    _, curves = opened(case, ruled.template.limited(ruled.menus))
    value, lower = found.value_usd + one_off, found.lower_bound_usd + one_off
    return RefinedRoute(
        name,
        _why_none(case, product, ruled, found, budget),
        {curve.place: (curve.low_s, curve.high_s) for curve in curves},
        None if grid.levels is None else grid.value_usd + one_off,
        replace(found, value_usd=value, lower_bound_usd=lower),
        one_off,
        not stopped(grid),
    )


def _why_none(
    case: Case, product: ProductShape, ruled: Ruled, found: Refined, budget: Budget
) -> tuple[str, ...]:
    if found.levels is not None:
        return ()
    timed = bool(opened(case, ruled.template.limited(ruled.menus))[1])
    if found.lower_bound_usd == math.inf:
        if not timed:
            return why_not(product, ruled, budget.search)
        return _no_time_helps(case, product, ruled, budget)
    if found.note and not budget.is_spent:
        grid = (f"on the grid {text}" for text in why_not(product, ruled, budget.search))
        return (*grid, f"{found.note}; whether other times keep the limit is not known")
    if budget.is_spent:
        return (budget.nothing_found(),)
    below = f"; none is below {found.lower_bound_usd:g} USD" if found.lower_bound_usd > 0.0 else ""
    return (f"no allowed plan was found in {found.searches} searches{below}",)


def _no_time_helps(
    case: Case, product: ProductShape, ruled: Ruled, budget: Budget
) -> tuple[str, ...]:
    """Name what no plan of any time keeps, limits on use left out: it is ruled out without them."""
    free = replace(ruled, rules=replace(ruled.rules, resource_limits={}))
    best = refine_under(case, product, free, escape_cost_usd=DEAR_USD, budget=budget)
    limit = product.dppm_limit
    if best.levels is None:
        return why_not(product, free, budget.search)
    if limit is None or best.dppm is None or best.dppm <= limit:
        return (f"a good package costs more than {HOPELESS_USD:.0e} USD, escapes included",)
    lowest = "lowest" if (best.gap or 0.0) <= _NEAR else "lowest found"
    return (f"no plan of any time reaches {limit:g} DPPM; the {lowest} is {best.dppm:.4g}",)
