"""The curves of a case: insertions with a ``curve``, their test times chosen below the grid."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from yieldopt.compile import compile_template
from yieldopt.errors import CaseError, Fault, UnknownName, near_miss
from yieldopt.flow import Step
from yieldopt.optimize.candidates import one_off_usd
from yieldopt.optimize.coverage import best_levels
from yieldopt.optimize.problem import prepare
from yieldopt.optimize.product_rules import product_ruled
from yieldopt.optimize.refine import Refined, refine
from yieldopt.optimize.refine_curve import Curve, with_options
from yieldopt.optimize.route import exclusions
from yieldopt.read import load
from yieldopt.schema.assembly import product_assembly
from yieldopt.schema.case import Case, ProductShape
from yieldopt.schema.insertion import CurveShape
from yieldopt.template import Choice, Template

_ON_CURVE = 1e-9  # relative: compiled levels are affine in their seconds


@dataclass(frozen=True)
class RefinedRoute:
    """A route with test times chosen freely; costs per good package, one-off costs included [USD].

    Parameters
    ----------
    route
        Its name.
    reasons
        Why it cannot be taken.
    ranges_s
        By insertion with a curve: shortest and longest time [s].
    on_grid_usd
        The best plan whose times are those of the insertion files; ``None``: there is none.
    refined
        The best plan of any time, with its bound; ``None`` where the route cannot be taken.
    one_off_usd
        One-off cost, in ``on_grid_usd`` and in value and bound of ``refined``.
    """

    route: str
    reasons: tuple[str, ...] = ()
    ranges_s: Mapping[str, tuple[float, float]] | None = None
    on_grid_usd: float | None = None
    refined: Refined | None = None
    one_off_usd: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self) | {"refined": self.refined.to_dict() if self.refined else None}


@dataclass(frozen=True)
class RefinedProduct:
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
    def status(self) -> str:
        """Optimal (to the gap), feasible (the gap was not reached) or infeasible."""
        best = self.best
        if best is None or best.refined is None:
            return "infeasible"
        reached = best.refined.gap
        return "optimal" if reached is not None and reached <= self.gap else "feasible"

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; ``status`` and the name of the best route on top."""
        best = self.best
        return {
            "status": self.status,
            "product": self.product,
            "route": best.route if best else None,
            "dppm_limit": self.dppm_limit,
            "escape_cost_usd": self.escape_cost_usd,
            "routes": [one.to_dict() for one in self.routes],
            "binding": []
            if best
            else [f"{r.route}: {why}" for r in self.routes for why in r.reasons],
        }


def _value(one: RefinedRoute) -> float:
    return math.inf if one.refined is None else one.refined.value_usd


def refine_product(
    case: Case | str | Path, product: str, *, route: str | None = None, gap: float = 1e-6
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
        A curve that has no bound (see :func:`yieldopt.optimize.refine.refine`); a product with
        rules that couple insertions or limit a resource.

    Examples
    --------
    >>> found = refine_product("ask_cpo_switch", "co_packaged")
    >>> found.status, found.best.route
    ('optimal', 'cpo')
    """
    case = case if isinstance(case, Case) else load(case)
    asked = case.product(product)
    if route is not None and route not in asked.routes:
        hint = near_miss(route, asked.routes)
        raise UnknownName(Fault(f"none of the routes of {asked.name}", value=route, hint=hint))
    names = asked.routes if route is None else (route,)
    escape = asked.escape_cost_usd.base if asked.escape_cost_usd else None
    found = tuple(_on_route(case, asked, name, escape, gap) for name in names)
    return RefinedProduct(asked.name, asked.dppm_limit, escape, gap, found)


def _on_route(
    case: Case, product: ProductShape, name: str, escape: float | None, gap: float
) -> RefinedRoute:
    route = case.library.routes[name]
    reasons = exclusions(case.library, product_assembly(product), route)
    if reasons:
        return RefinedRoute(name, tuple(reasons))
    present = case.library.routes[product.present_route] if product.present_route else None
    one_off = one_off_usd(product, route, present)
    ruled = product_ruled(product, compile_template(case, product, route))
    if ruled.reasons:
        return RefinedRoute(name, ruled.reasons)
    if ruled.joints or ruled.rules.resource_limits:  # better no answer than one that breaks them
        text = "test times cannot be chosen under same_level, moves or use_limits_per_good yet"
        raise CaseError(Fault(text, product.name))
    whole = ruled.template.limited(ruled.menus)
    template, curves = opened(case, whole)
    limit = product.dppm_limit
    grid = best_levels(prepare(whole), dppm_limit=limit, escape_cost_usd=escape)
    found = refine(template, curves, dppm_limit=limit, escape_cost_usd=escape, gap=gap)
    return RefinedRoute(
        name,
        () if found.levels is not None else ("no allowed plan of any time was found",),
        {curve.place: (curve.low_s, curve.high_s) for curve in curves},
        None if grid.levels is None else grid.value_usd + one_off,
        replace(
            found,
            value_usd=found.value_usd + one_off,
            lower_bound_usd=found.lower_bound_usd + one_off,
        ),
        one_off,
    )


def opened(case: Case, template: Template) -> tuple[Template, list[Curve]]:
    """Take the levels of curves out of a compiled template, and return the curves.

    Parameters
    ----------
    case
        The case that the template was compiled from.
    template
        From :func:`yieldopt.compile.compile_template`.

    Returns
    -------
    Template, list of Curve
        Cost, uses and coverage come from the compiled levels themselves: product, tester and blind
        joins count as they do on the grid. A curve with one level left stays that level.
    """
    shapes = {one.name: one.curve for one in case.insertions if one.curve is not None}
    curves, menus = [], {}
    for place, choice in template.choices().items():
        shape = shapes.get(choice.name)
        timed = dict(_timed(choice, shape)) if shape is not None else {}
        if shape is None or len(timed) < 2:
            continue
        curves.append(_curve(place, shape, sorted(timed.items())))
        menus[place] = {k: v for k, v in choice.options.items() if v not in timed.values()}
    return with_options(template, menus), curves


def _timed(choice: Choice, shape: CurveShape) -> Iterator[tuple[float, Step]]:
    for seconds, name in zip(shape.seconds, shape.levels(), strict=True):
        step = choice.options.get(name)
        if step is not None:
            yield seconds, step


def _curve(place: str, shape: CurveShape, timed: Sequence[tuple[float, Step]]) -> Curve:
    """Return the curve through compiled levels, and check that it meets every one."""
    (low, first), (high, last) = timed[0], timed[-1]
    width = high - low
    rates = {
        name: (float(last.uses[name]) - float(first.uses[name])) / width for name in first.uses
    }
    usd_per_s = (float(last.cost_usd) - float(first.cost_usd)) / width
    names = [name for name in shape.tau_s if name in first.coverage]
    tau = {name: shape.tau_s[name].base for name in names}
    # A blind test finds a share only: the limit is the level's coverage over that of the time.
    limit = {n: float(last.coverage[n]) / -math.expm1(-high / tau[n]) for n in names}
    level = replace(
        first,
        cost_usd=float(first.cost_usd) - usd_per_s * low,
        uses={name: float(first.uses[name]) - rate * low for name, rate in rates.items()},
        coverage={name: c for name, c in first.coverage.items() if name not in tau},
    )
    curve = Curve(place, low, high, level, limit, tau, usd_per_s, rates)
    for seconds, step in timed:
        _meets(curve.at(seconds), step, place)
    return curve


def _meets(step: Step, compiled: Step, place: str) -> None:
    pairs = [(step.cost_usd, compiled.cost_usd)]
    pairs += [(step.uses[name], value) for name, value in compiled.uses.items()]
    pairs += [(step.coverage[name], value) for name, value in compiled.coverage.items()]
    for own, theirs in pairs:
        if not math.isclose(float(own), float(theirs), rel_tol=_ON_CURVE, abs_tol=_ON_CURVE):
            raise CaseError(Fault("a level is not on its curve", place, theirs))
