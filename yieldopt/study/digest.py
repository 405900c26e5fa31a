"""A plan in few words: what each product is made on, what is scarce, which assumptions matter."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from yieldopt.plan import Result
from yieldopt.study.tornado import Tornado, TornadoRow

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
    """An input that is only assumed, and what its range does to a product."""

    product: str
    row: TornadoRow


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


def weightiest(tornados: Iterable[Tornado], most: int = 3) -> tuple[Weighty, ...]:
    """Return the assumed inputs that matter most, each with the product it matters most to.

    One at whose end a product cannot be made comes before all that only move a cost.

    Examples
    --------
    >>> from yieldopt import load
    >>> from yieldopt.study.tornado import tornado
    >>> found = weightiest([tornado(load("minimal"), "asic")], most=2)
    >>> [one.row.input.is_assumed for one in found]
    [True, True]
    """
    rows = [Weighty(t.product, row) for t in tornados for row in t.rows if row.input.is_assumed]
    rows.sort(key=lambda one: _swing(one.row), reverse=True)
    first: dict[str, Weighty] = {}
    for one in rows:
        first.setdefault(one.row.input.key, one)
    return tuple(first.values())[:most]


def _swing(row: TornadoRow) -> float:
    return math.inf if row.swing_usd is None else row.swing_usd
