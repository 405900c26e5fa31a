"""Weighing a product on its routes: the best recipe on each, or the reasons why there is none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from yieldopt.compile import compile_template
from yieldopt.compile.lines import barred_reasons
from yieldopt.errors import Fault, UnknownName, near_miss
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.candidates import SEARCH_S, Candidate, one_off_usd
from yieldopt.optimize.product_rules import product_ruled
from yieldopt.optimize.route import exclusions
from yieldopt.optimize.why_not import why_not
from yieldopt.plan import RouteVerdict
from yieldopt.schema.assembly import product_assembly
from yieldopt.schema.case import Case, ProductShape
from yieldopt.template import Template


def weigh(
    case: Case, product: ProductShape, budget: Budget | None = None
) -> tuple[list[Candidate], list[RouteVerdict]]:
    """Return the routes that a product can take and the verdict on each that it allows.

    A route is out when the product breaks one of its limits, when all its lines lie in regions
    that are barred to the product, when nothing passes, or when no
    combination of levels that the product's rules allow keeps its limits (the reason gives the
    lowest DPPM, or the least use of a resource, that one reaches). A route whose search time ended
    before a plan was found is ``stopped``: not out, and not in.
    """
    candidates, verdicts = [], []
    for name in product.routes:
        candidate, verdict = candidate_on(case, product, name, budget)
        candidates += [candidate] if candidate else []
        verdicts.append(verdict)
    return candidates, verdicts


def weigh_asked(
    case: Case, product: ProductShape, route: str | None, budget: Budget | None = None
) -> tuple[list[Candidate], list[RouteVerdict]]:
    """Like :func:`weigh`, for the one route asked for; ``None``: for all.

    Raises
    ------
    UnknownName
        The product does not allow that route.
    """
    if route is None:
        return weigh(case, product, budget)
    if route not in product.routes:
        hint = near_miss(route, product.routes)
        raise UnknownName(Fault(f"none of the routes of {product.name}", value=route, hint=hint))
    candidate, verdict = candidate_on(case, product, route, budget)
    return [candidate] if candidate else [], [verdict]


def cheapest(candidates: Iterable[Candidate]) -> Candidate | None:
    """Return the candidate of least cost per good package by itself, or ``None``."""
    return min(candidates, key=lambda c: c.recipes[0].cost_per_good_usd, default=None)


def candidate_on(
    case: Case,
    product: ProductShape,
    name: str,
    budget: Budget | None = None,
    kin: Candidate | None = None,
) -> tuple[Candidate | None, RouteVerdict]:
    """Weigh one route: a candidate that holds its best recipe, or none and the reasons.

    Parameters
    ----------
    case, product, name
        The checked case, one of its products, and one of that product's routes.
    budget
        Time for all searches; absent: no limit.
    kin
        The product on the route in a case that differs little: what is the same is not computed
        anew.
    """
    budget = budget or Budget()
    reasons = reasons_against(case, product, name)
    if reasons:
        return None, RouteVerdict(name, False, None, reasons)
    if budget.is_spent:
        return None, _late(name, budget)
    return candidate_of(case, product, name, template_on(case, product, name), budget, kin)


def reasons_against(case: Case, product: ProductShape, name: str) -> tuple[str, ...]:
    """Return which limits of a route a product breaks, and where it is barred from all lines."""
    route = case.library.routes[name]
    broken = exclusions(case.library, product_assembly(product), route)
    return (*broken, *barred_reasons(case, product, name))


def template_on(case: Case, product: ProductShape, name: str) -> Template:
    """Return a product's flow with open choices on a route that it can take."""
    return compile_template(case, product, case.library.routes[name])


def one_off_on(case: Case, product: ProductShape, name: str) -> float:
    """Return a route's one-off cost [USD per good package]."""
    routes = case.library.routes
    present = routes[product.present_route] if product.present_route else None
    return one_off_usd(product, routes[name], present)


def candidate_of(
    case: Case,
    product: ProductShape,
    name: str,
    template: Template,
    budget: Budget,
    kin: Candidate | None = None,
) -> tuple[Candidate | None, RouteVerdict]:
    """Search a template: as :func:`candidate_on`, for a route that nothing speaks against."""
    ruled = product_ruled(product, template)
    if kin is not None:
        ruled = replace(ruled, kin=kin.ruled)
    candidate = Candidate(product, name, template, ruled, one_off_on(case, product, name), budget)
    if product.dppm_pooled:  # a recipe that keeps the limit by itself, where there is one
        candidate.price({}, dppm_limit=product.dppm_limit)
    if not candidate.recipes:
        candidate.price({})
    if candidate.recipes:
        return candidate, RouteVerdict(name, True, candidate.recipes[0].cost_per_good_usd)
    if candidate.stopped:
        return None, _late(name, budget)
    return None, RouteVerdict(name, False, None, why_not(product, ruled, budget.search))


def _late(name: str, budget: Budget) -> RouteVerdict:
    return RouteVerdict(name, False, None, (budget.nothing_found(SEARCH_S),), stopped=True)


def is_alike(held: Candidate, case: Case, product: ProductShape, template: Template) -> bool:
    """Whether a candidate of another case holds in this one: its template, its product, one-off."""
    return (
        template == held.template
        and product == held.product
        and one_off_on(case, product, held.route) == held.one_off_usd
    )


def candidate_like(
    case: Case, product: ProductShape, name: str, budget: Budget, held: Candidate | None
) -> tuple[Candidate | None, RouteVerdict]:
    """Weigh one route as ``candidate_on`` does; a candidate held is taken where it holds here too.

    Parameters
    ----------
    case, product, name, budget
        As of :func:`candidate_on`.
    held
        A candidate of the same product on the same route in another case, with its recipe.
    """
    if held is None or budget.is_spent or reasons_against(case, product, name):
        return candidate_on(case, product, name, budget, held)
    template = template_on(case, product, name)
    if is_alike(held, case, product, template):
        return held, RouteVerdict(name, True, held.recipes[0].cost_per_good_usd)
    return candidate_of(case, product, name, template, budget, held)
