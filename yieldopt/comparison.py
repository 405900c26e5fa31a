"""Routes of a product side by side: each at its best test levels, with its losses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from yieldopt.composite import composite_yield
from yieldopt.ledger import scrap_ledger
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.candidates import Candidate
from yieldopt.optimize.route_costs import PROVED, gap_alone
from yieldopt.optimize.weighing import candidate_on
from yieldopt.plan import Recipe, RouteVerdict, Status
from yieldopt.schema.case import Case, ProductShape
from yieldopt.shown import Shown


@dataclass(frozen=True)
class RouteColumn:
    """A product on one route, by itself; ``recipe`` is ``None`` where no plan is known.

    Parameters
    ----------
    product, route
        Names.
    reasons
        Why the route cannot be taken, or is not known.
    recipe
        Levels of least cost per good package, with waterfall and DPPM.
    composite_yield_frac
        Good packages per start of the route's first body, known-good parts going in; ``None`` where
        the route names no such body.
    scrap_by_cause_usd
        USD per good package by guilty component or step, largest first; sums to the scrap.
    gap
        How much better other levels may be, relative; ``None`` without a recipe.
    stopped
        Time ended before a plan was found; none was ruled out.
    """

    product: str
    route: str
    reasons: tuple[str, ...]
    recipe: Recipe | None
    composite_yield_frac: float | None
    scrap_by_cause_usd: Mapping[str, float]
    gap: float | None = None
    stopped: bool = False

    @property
    def status(self) -> Status:
        """Optimal; feasible where the gap was not closed in time; infeasible; or unknown."""
        if self.gap is None:
            return Status.UNKNOWN if self.stopped else Status.INFEASIBLE
        return Status.OPTIMAL if self.gap <= PROVED else Status.FEASIBLE

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self) | {"status": str(self.status)}


class RouteColumns(tuple[RouteColumn, ...], Shown):
    """Routes side by side, product by product."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {"routes": [column.to_dict() for column in self]}


def compare(case: Case, *, time_limit_s: float | None = None) -> RouteColumns:
    """Return every product on every route that it allows, at its best levels there.

    Parameters
    ----------
    case
        From :func:`yieldopt.load`.
    time_limit_s
        Seconds for all searches; then the best plans found, with their true gap, and ``stopped``
        where none was. Left out: no limit, and 120 s for one search.

    Raises
    ------
    CaseError
        A time limit that is not above 0.

    Examples
    --------
    >>> from yieldopt import load
    >>> [column.route for column in compare(load("minimal"))]
    ['cowos_s', 'osat_2p5d']
    """
    budget = Budget.of(time_limit_s)
    return RouteColumns(
        column_of(case, product, *candidate_on(case, product, route, budget))
        for product in case.products
        for route in product.routes
    )


def column_of(
    case: Case, product: ProductShape, candidate: Candidate | None, verdict: RouteVerdict
) -> RouteColumn:
    """Return a product on a route that was weighed."""
    route = verdict.route
    if candidate is None:
        why, late = verdict.reasons, verdict.stopped
        return RouteColumn(product.name, route, why, None, None, {}, stopped=late)
    recipe = candidate.recipes[0]
    flow = candidate.template.at(recipe.levels)
    shape = case.library.routes[route]
    start = shape.composite_from or shape.carrier
    composite = composite_yield(flow, start) if start else None
    scrap = scrap_ledger(flow)
    return RouteColumn(product.name, route, (), recipe, composite, scrap, gap_alone(recipe))
