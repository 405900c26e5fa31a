"""Routes of a product side by side: each at its best test levels, with its losses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from yieldopt.composite import composite_yield
from yieldopt.ledger import scrap_ledger
from yieldopt.optimize.candidates import candidate_on
from yieldopt.plan import Recipe
from yieldopt.schema.case import Case, ProductShape


@dataclass(frozen=True)
class RouteColumn:
    """A product on one route, by itself; ``recipe`` is ``None`` where it cannot be taken.

    Parameters
    ----------
    product, route
        Names.
    reasons
        Why the route cannot be taken.
    recipe
        Levels of least cost per good package, with waterfall and DPPM.
    composite_yield_frac
        Good packages per start of the route's first body, known-good parts going in; ``None`` where
        the route names no such body.
    scrap_by_cause_usd
        USD per good package by guilty component or step, largest first; sums to the scrap.
    """

    product: str
    route: str
    reasons: tuple[str, ...]
    recipe: Recipe | None
    composite_yield_frac: float | None
    scrap_by_cause_usd: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def compare(case: Case) -> tuple[RouteColumn, ...]:
    """Return every product on every route that it allows, at its best levels there.

    Examples
    --------
    >>> from yieldopt import load
    >>> [column.route for column in compare(load("minimal"))]
    ['cowos_s', 'osat_2p5d']
    """
    return tuple(
        _column(case, product, route) for product in case.products for route in product.routes
    )


def _column(case: Case, product: ProductShape, route: str) -> RouteColumn:
    candidate, verdict = candidate_on(case, product, route)
    if candidate is None:
        return RouteColumn(product.name, route, verdict.reasons, None, None, {})
    recipe = candidate.recipes[0]
    flow = candidate.template.at(recipe.levels)
    shape = case.library.routes[route]
    start = shape.composite_from or shape.carrier
    composite = composite_yield(flow, start) if start else None
    return RouteColumn(product.name, route, (), recipe, composite, scrap_ledger(flow))
