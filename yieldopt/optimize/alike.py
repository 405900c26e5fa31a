"""Candidates of cases that differ in one number: often nothing that a route is made of does."""

from __future__ import annotations

from yieldopt.compile import compile_template
from yieldopt.compile.lines import barred_reasons
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.candidates import Candidate, candidate_on, one_off_usd
from yieldopt.optimize.route import exclusions
from yieldopt.plan import RouteVerdict
from yieldopt.schema.assembly import product_assembly
from yieldopt.schema.case import Case, ProductShape
from yieldopt.template import Template


def template_on(case: Case, product: ProductShape, name: str) -> Template | None:
    """Return a product's flow with open choices on a route; ``None`` where a limit forbids it."""
    route = case.library.routes[name]
    barred = exclusions(case.library, product_assembly(product), route)
    if barred or barred_reasons(case, product, name):
        return None
    return compile_template(case, product, route)


def one_off_on(case: Case, product: ProductShape, name: str) -> float:
    """Return a route's one-off cost [USD per good package]."""
    routes = case.library.routes
    present = routes[product.present_route] if product.present_route else None
    return one_off_usd(product, routes[name], present)


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
        As of :func:`yieldopt.optimize.candidates.candidate_on`.
    held
        A candidate of the same product on the same route in another case, with its recipe.
    """
    if held is not None and not budget.is_spent:
        template = template_on(case, product, name)
        if template is not None and is_alike(held, case, product, template):
            return held, RouteVerdict(name, True, held.recipes[0].cost_per_good_usd)
    return candidate_on(case, product, name, budget)
