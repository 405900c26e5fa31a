"""The frontier of cost and DPPM of a product of a case on one route, one-off cost and all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from yieldopt.errors import CaseError, Fault
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.candidates import Candidate
from yieldopt.optimize.frontier import Frontier, Point, frontier
from yieldopt.optimize.weighing import cheapest, weigh_asked
from yieldopt.plan import RouteVerdict, Status, binding, without_plan
from yieldopt.schema.case import Case, ProductShape
from yieldopt.shown import Shown

_MOST = 500

_PROVED = 1e-9  # a relative gap that is rounding


@dataclass(frozen=True)
class ProductFrontier(Shown):
    """A product by itself, capacity aside: cost against DPPM on one route, under its rules.

    Parameters
    ----------
    product, route, routes
        Names, and the verdict on every route that was weighed; ``route`` is ``None`` where none of
        them can be taken.
    dppm_limit, escape_cost_usd
        The product's; the escapes are part of every cost, the limit cuts nothing off.
    chosen
        Which point of the frontier is the product's best plan under its limit: it is always there.
    hidden
        Points of the frontier that are not shown; ``None``: more than were counted.
    skipped
        Of these the ones just before the chosen point.
    frontier
        Cost per good package, one-off cost included [USD], against DPPM; ``None`` where no route
        can be taken: the verdicts give the reasons.
    time_ended
        Whether time ended before the frontier was whole; a point has its ``gap``, that of the plan
        chosen may be unknown.
    """

    product: str
    route: str | None
    routes: tuple[RouteVerdict, ...]
    dppm_limit: float | None
    escape_cost_usd: float
    chosen: int | None
    hidden: int | None
    skipped: int | None
    frontier: Frontier | None
    time_ended: bool = False

    @property
    def status(self) -> Status:
        """Optimal: every point shown is proved, though others may be hidden; feasible where time
        ended or a point is not proved; infeasible; unknown.
        """
        if self.frontier is None:
            return without_plan(self.routes)
        late = self.time_ended or any(one.stopped for one in self.routes)
        open_ = any(point.gap > _PROVED for point in self.frontier.points)
        return Status.FEASIBLE if late or open_ else Status.OPTIMAL

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; ``binding`` holds the reasons where no route can be taken."""
        out = {"status": str(self.status)} | asdict(self)
        return out | {"binding": [] if self.frontier else binding(self.routes)}


def product_frontier(
    case: Case,
    product: str,
    *,
    route: str | None = None,
    most: int = _MOST,
    time_limit_s: float | None = None,
) -> ProductFrontier:
    """Return the frontier of a product on its best route by itself, or on the one given.

    Parameters
    ----------
    case, product, route
        From :func:`yieldopt.load`; a product of it; one of the product's routes, left out: that of
        least cost per good package.
    most
        Points: the cheapest, or spread over the whole range where plans are too many to enumerate;
        the product's best plan is shown also where it is not among them, and what is left out is
        said.
    time_limit_s
        Seconds for all searches; then the points so far with their gaps and the plan chosen, and
        the note says so. Left out: no limit.

    Raises
    ------
    UnknownName, CaseError
        No such product or route; less than one point; a time limit that is not above 0.

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
    budget = Budget.of(time_limit_s)
    candidates, verdicts = weigh_asked(case, asked, route, budget)
    return frontier_of(asked, cheapest(candidates), verdicts, most, budget)


def frontier_of(
    asked: ProductShape,
    best: Candidate | None,
    verdicts: Sequence[RouteVerdict],
    most: int,
    budget: Budget,
) -> ProductFrontier:
    """Return the frontier of a product that was weighed, as :func:`product_frontier` does."""
    escape = asked.escape_cost_usd.base if asked.escape_cost_usd else 0.0
    limit = asked.dppm_limit
    name = best.route if best else None
    shown = _shown(best, escape, most, budget) if best else (None, 0, 0, None)
    found = ProductFrontier(asked.name, name, tuple(verdicts), limit, escape, *shown)
    late = found.frontier is not None and not found.frontier.complete and budget.is_spent
    return replace(found, time_ended=late)


def _shown(
    candidate: Candidate, escape_cost_usd: float, most: int, budget: Budget
) -> tuple[int | None, int | None, int | None, Frontier]:
    """Return the chosen point's place, how many are hidden and skipped, and what is shown."""
    found = frontier(
        candidate.ruled,
        escape_cost_usd=escape_cost_usd,
        most_points=most,
        budget=budget,
        known=[candidate.recipes[0].levels],
    )
    one_off = candidate.one_off_usd
    points = tuple(replace(p, value_usd=p.value_usd + one_off) for p in found.points)
    whole = replace(found, points=points)
    limit = candidate.product.dppm_limit
    within = (at for at, p in enumerate(points) if limit is None or p.dppm <= limit)
    chosen = next(within, None)
    if whole.complete:
        return _cut(whole, chosen, most)
    if chosen is not None:
        return chosen, None, 0, whole
    # Beyond what the repeated search met: the plan that the search under the limit gave.
    recipe = candidate.recipes[0]
    plan = Point(recipe.levels, recipe.cost_per_good_usd, recipe.dppm, None)
    note = f"{whole.note}; the plan chosen is shown all the same"
    return len(points), None, None, replace(whole, points=(*points, plan), note=note)


def _cut(
    whole: Frontier, chosen: int | None, most: int
) -> tuple[int | None, int | None, int | None, Frontier]:
    """Keep the cheapest of all points, and the chosen one."""
    points = whole.points
    if len(points) <= most:
        return chosen, 0, 0, whole
    kept, words, skipped = points[:most], "", 0
    if chosen is not None and chosen >= most:
        skipped = chosen - most
        kept, words, chosen = (*kept, points[chosen]), " and the one chosen", most
    hidden = len(points) - len(kept)
    note = (
        f"shown are the {most} cheapest of {len(points)} points{words}; {hidden} below "
        f"{points[most - 1].dppm:.6g} DPPM, down to {points[-1].dppm:.6g}, are not"
    )
    return chosen, hidden, skipped, replace(whole, points=kept, complete=not hidden, note=note)
