"""A plan in few words: what each product is made on, what is scarce, which assumptions matter."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from yieldopt.plan import Result
from yieldopt.study.product import ProductStudy
from yieldopt.study.tornado import TornadoRow

_WORTH = 1e-9  # USD per unit: a price below it is rounding


@dataclass(frozen=True)
class RouteShare:
    """What is made of a product on one route.

    Parameters
    ----------
    route
        Its name.
    packages
        Good packages over all periods.
    share_frac
        Of all that is made of the product.
    """

    route: str
    packages: float
    share_frac: float


@dataclass(frozen=True)
class Decision:
    """What becomes of a product.

    Parameters
    ----------
    product
        Its name.
    shares
        The routes that it is made on, the largest first; none where nothing is made.
    cost_per_good_usd, dppm
        Of what is made [USD per good package, bad packages per million shipped].
    demand, made, unmet
        Good packages over all periods.
    """

    product: str
    shares: tuple[RouteShare, ...]
    cost_per_good_usd: float | None
    dppm: float | None
    demand: float
    made: float
    unmet: float


@dataclass(frozen=True)
class Scarce:
    """A resource of which one more unit would save money.

    Parameters
    ----------
    resource
        Its name.
    periods
        Those in which it is scarce, in order.
    worth_usd_per_unit, worth_in
        The most that one more unit is worth, and in which period.
    """

    resource: str
    periods: tuple[str, ...]
    worth_usd_per_unit: float
    worth_in: str


@dataclass(frozen=True)
class Weighty:
    """An input that is only assumed, and what its range does to a product.

    Parameters
    ----------
    product, route
        Names; the input is varied on this route alone.
    row
        The input, and the product's cost at its ends.
    base_usd_per_good
        With all inputs at their base [USD per good package].
    is_planned
        Whether the plan makes the product on this route.
    next_route, next_usd_per_good
        Of its other routes the cheapest, and what it costs there with all inputs at their base
        [USD per good package]; ``None`` where no other can be taken.
    """

    product: str
    route: str
    row: TornadoRow
    base_usd_per_good: float
    is_planned: bool
    next_route: str | None = None
    next_usd_per_good: float | None = None

    @property
    def reach_usd(self) -> float:
        """Most that is at stake [USD per good package]; inf where no route would be left."""
        if self.row.swing_usd is not None:
            return self.row.swing_usd
        if self.next_usd_per_good is None:
            return math.inf
        ends = (self.row.low.cost_per_good_usd, self.row.high.cost_per_good_usd)
        known = [self.base_usd_per_good, *(cost for cost in ends if cost is not None)]
        return max(*known, self.next_usd_per_good) - min(known)


def decisions(result: Result) -> tuple[Decision, ...]:
    """Return what becomes of every product of a plan.

    Examples
    --------
    >>> from yieldopt import load, solve
    >>> found, = decisions(solve(load("minimal")))
    >>> found.product, [(share.route, share.share_frac) for share in found.shares]
    ('asic', [('osat_2p5d', 1.0)])
    """
    made: dict[str, dict[str, list[float]]] = {}
    for row in result.allocation:
        routes = made.setdefault(str(row["product"]), {})
        routes.setdefault(str(row["route"]), []).append(float(row["packages"]))
    out = []
    for p in result.products:
        sums = {route: math.fsum(each) for route, each in made.get(p.name, {}).items()}
        some = {route: packages for route, packages in sums.items() if packages > 0.0}
        total = math.fsum(some.values())
        found = [RouteShare(route, n, n / total) for route, n in some.items()]
        shares = tuple(sorted(found, key=lambda share: -share.packages))
        cost, dppm = p.cost_per_good_usd, p.dppm
        out.append(Decision(p.name, shares, cost, dppm, p.demand, p.made, p.unmet))
    return tuple(out)


def scarcities(result: Result) -> tuple[Scarce, ...]:
    """Return what is scarce in a plan, the dearest unit first.

    Examples
    --------
    >>> from yieldopt import load, solve
    >>> scarcities(solve(load("minimal")))
    ()
    """
    worth: dict[str, dict[str, float]] = {}
    for row in result.shadow_prices:
        if float(row["usd_per_unit"]) > _WORTH:
            by_period = worth.setdefault(str(row["resource"]), {})
            by_period[str(row["period"])] = float(row["usd_per_unit"])
    found = []
    for resource, by_period in worth.items():
        best = max(by_period, key=by_period.__getitem__)
        found.append(Scarce(resource, tuple(by_period), by_period[best], best))
    return tuple(sorted(found, key=lambda one: -one.worth_usd_per_unit))


def weightiest(
    products: Iterable[ProductStudy], result: Result, most: int = 3
) -> tuple[Weighty, ...]:
    """Return the assumed inputs that matter most, each with the product it matters most to.

    Those of routes that the plan takes come before those of routes that it does not; at an end
    where a product cannot be made on its route, what its next route costs is at stake.

    Examples
    --------
    >>> from yieldopt.study import study_case
    >>> study = study_case("minimal")
    >>> found = weightiest(study.products, study.result, most=2)
    >>> [(one.route, one.row.input.is_assumed, one.is_planned) for one in found]
    [('osat_2p5d', True, True), ('osat_2p5d', True, True)]
    """
    made = {(one.product, share.route) for one in decisions(result) for share in one.shares}
    rows = [one for product in products for one in _weighed(product, made)]
    rows.sort(key=lambda one: (not one.is_planned, -one.reach_usd))
    first: dict[str, Weighty] = {}
    for one in rows:
        first.setdefault(one.row.input.key, one)
    return tuple(first.values())[:most]


def _weighed(product: ProductStudy, made: set[tuple[str, str]]) -> Iterator[Weighty]:
    route, base = product.tornado.route, product.tornado.cost_per_good_usd
    if route is None or base is None:
        return
    others = [(c.recipe.cost_per_good_usd, c.route) for c in product.routes if c.recipe]
    cost, other = min((pair for pair in others if pair[1] != route), default=(None, None))
    is_planned = (product.product, route) in made
    for row in product.tornado.rows:
        if row.input.is_assumed:
            yield Weighty(product.product, route, row, base, is_planned, other, cost)
