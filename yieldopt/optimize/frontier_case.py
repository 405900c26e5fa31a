"""The frontier of cost and DPPM of a product of a case on one route, one-off cost and all."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from yieldopt.errors import CaseError, Fault
from yieldopt.optimize.candidates import Candidate, cheapest, weigh_asked
from yieldopt.optimize.frontier import Frontier, frontier
from yieldopt.plan import RouteVerdict, Status, binding
from yieldopt.schema.case import Case

_MOST = 500


@dataclass(frozen=True)
class ProductFrontier:
    """A product by itself, capacity aside: cost against DPPM on one route, under its rules.

    Parameters
    ----------
    product, route, routes
        Names, and the verdict on every route that was weighed; ``route`` is ``None`` where none of
        them can be taken.
    dppm_limit, escape_cost_usd
        The product's; the escapes are part of every cost, the limit cuts nothing off.
    chosen
        Which point of the frontier is the product's best plan under its limit; ``None`` where it is
        not among those shown.
    frontier
        Cost per good package, one-off cost included [USD], against DPPM; ``None`` where no route
        can be taken: the verdicts give the reasons.
    """

    product: str
    route: str | None
    routes: tuple[RouteVerdict, ...]
    dppm_limit: float | None
    escape_cost_usd: float
    chosen: int | None
    frontier: Frontier | None

    @property
    def status(self) -> Status:
        """Optimal, or infeasible."""
        return Status.OPTIMAL if self.frontier else Status.INFEASIBLE

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; ``binding`` holds the reasons where no route can be taken."""
        out = {"status": str(self.status)} | asdict(self)
        return out | {"binding": [] if self.frontier else binding(self.routes)}


def product_frontier(
    case: Case, product: str, *, route: str | None = None, most: int = _MOST
) -> ProductFrontier:
    """Return the frontier of a product on its best route by itself, or on the one given.

    Parameters
    ----------
    case, product, route
        From :func:`yieldopt.load`; a product of it; one of the product's routes, left out: that of
        least cost per good package.
    most
        Points in all, from the cheapest on; what is left out is said.

    Raises
    ------
    UnknownName, CaseError
        No such product or route; less than one point.

    Examples
    --------
    >>> from yieldopt import load
    >>> found = product_frontier(load("minimal"), "asic")
    >>> cheap, *_, best = found.frontier.points
    >>> found.route, cheap.value_usd < best.value_usd, cheap.dppm > best.dppm
    ('osat_2p5d', True, True)
    >>> found.frontier.points[found.chosen].dppm <= 1000.0 < found.frontier.points[0].dppm
    True
    """
    asked = case.product(product)
    if most < 1:
        raise CaseError(Fault("must be at least 1", "most", most))
    candidates, verdicts = weigh_asked(case, asked, route)
    best = cheapest(candidates)
    escape = asked.escape_cost_usd.base if asked.escape_cost_usd else 0.0
    found = _frontier(best, escape, most) if best else None
    return ProductFrontier(
        asked.name,
        best.route if best else None,
        tuple(verdicts),
        asked.dppm_limit,
        escape,
        _chosen(found, asked.dppm_limit) if found else None,
        found,
    )


def _frontier(candidate: Candidate, escape_cost_usd: float, most: int) -> Frontier:
    found = frontier(candidate.ruled, escape_cost_usd=escape_cost_usd, most_points=most)
    one_off = candidate.one_off_usd
    points = tuple(replace(p, value_usd=p.value_usd + one_off) for p in found.points)
    if len(points) <= most:
        return replace(found, points=points)
    note = (
        f"the {most} cheapest of {len(points)} points: those below {points[most - 1].dppm:.6g} "
        f"DPPM, down to {points[-1].dppm:.6g}, are left out"
    )
    return replace(found, points=points[:most], complete=False, note=note)


def _chosen(found: Frontier, limit: float | None) -> int | None:
    within = (at for at, p in enumerate(found.points) if limit is None or p.dppm <= limit)
    return next(within, None)
