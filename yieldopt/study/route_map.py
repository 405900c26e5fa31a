"""Which route of a product is cheapest as two inputs move at once."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from yieldopt.errors import CaseError
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.candidates import Candidate
from yieldopt.schema.case import Case
from yieldopt.study.inputs import Input, inputs_of
from yieldopt.study.nearby import Changes, Nearby, Price
from yieldopt.study.tornado import Tornado

_ROUTES = 3  # of least cost, that share the map
_TRIED = 10  # of the inputs with the largest swing


@dataclass(frozen=True)
class MapAxis:
    """An input along a side of the map: its key, unit, base and the values looked at, rising."""

    key: str
    unit: str
    base: float
    values: tuple[float, ...]


@dataclass(frozen=True)
class MapPoint:
    """What a product costs where two inputs have new values.

    Parameters
    ----------
    x, y
        Values of the two inputs.
    costs
        By route, levels chosen anew [USD per good package]; ``None``: it cannot be made there, or
        time ended.
    cheapest
        The route; ``None`` where no route can be taken, or not all were reached in time.
    is_late
        Whether time ended before all routes were known.
    """

    x: float
    y: float
    costs: Mapping[str, float | None]
    cheapest: str | None
    is_late: bool


@dataclass(frozen=True)
class RouteMap:
    """The cheapest routes of a product over two inputs.

    Parameters
    ----------
    product
        Its name.
    x, y
        The two inputs that move the difference between its two cheapest routes the most.
    routes
        Those compared, cheapest at base first.
    left_out
        Routes that the product can take, too, but dearer at base than those compared.
    points
        Row by row: y rises, and x rises within it.
    gap
        How much better other levels may be than those compared, relative, at most.
    """

    product: str
    x: MapAxis
    y: MapAxis
    routes: tuple[str, ...]
    left_out: tuple[str, ...]
    points: tuple[MapPoint, ...]
    gap: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def route_map(
    case: Case, candidates: Sequence[Candidate], found: Tornado, budget: Budget | None = None
) -> RouteMap | None:
    """Compare the cheapest routes of a product over two inputs at once.

    Each side of the map has the ends of the input's range, its base and the middles between them;
    at every point all test levels are chosen anew on every route.

    Parameters
    ----------
    case
        From :func:`yieldopt.load`.
    candidates
        One product on each route that it can take, with its best recipe.
    found
        The tornado of its best route.
    budget
        Time for all searches; absent: no limit.

    Returns
    -------
    RouteMap or None
        ``None`` with fewer than two routes, or without two inputs whose ranges move the two
        cheapest apart: of those with the ten largest swings on the best route, and those that the
        second alone depends on.

    Examples
    --------
    >>> from yieldopt import load
    >>> from yieldopt.optimize.weighing import weigh
    >>> from yieldopt.study.tornado import tornado
    >>> case = load("minimal")
    >>> candidates, _ = weigh(case, case.products[0])
    >>> found = route_map(case, candidates, tornado(case, "asic"))
    >>> found.x.key, found.y.key
    ('processes.cow_osat.cost_usd', 'processes.cow_s.cost_usd')
    >>> sorted({point.cheapest for point in found.points})
    ['cowos_s', 'osat_2p5d']
    """
    budget = budget or Budget()
    taken = sorted(candidates, key=lambda one: one.recipes[0].cost_per_good_usd)
    if len(taken) < 2 or budget.is_spent or taken[0].route != found.route:
        return None
    sides = _sides(case, taken[0], taken[1], found, budget)
    if len(sides) < 2:
        return None
    x, y = (_axis(one) for one in sides[:2])
    grid: list[tuple[float, float]] = [(a, b) for b in y.values for a in x.values]
    changes = [_changes(x, y, a, b) for a, b in grid]
    prices = {one.route: _prices(case, one, changes, budget) for one in taken[:_ROUTES]}
    points = tuple(
        _point(a, b, {route: own[at] for route, own in prices.items()})
        for at, (a, b) in enumerate(grid)
    )
    known = [price for own in prices.values() for price in own if price is not None]
    return RouteMap(
        found.product,
        x,
        y,
        tuple(prices),
        tuple(one.route for one in taken[_ROUTES:]),
        points,
        max((price.gap for price in known), default=0.0),
    )


def _sides(
    case: Case, best: Candidate, second: Candidate, found: Tornado, budget: Budget
) -> list[Input]:
    """Return the inputs that move the difference between two routes, the most first.

    The best route's levels are chosen anew, as its tornado has them; the second's are held.
    """
    rows = [row for row in found.rows if row.swing_usd is not None][:_TRIED]
    costs = {row.input.key: (row.low.cost_per_good_usd, row.high.cost_per_good_usd) for row in rows}
    product = best.product.name
    mine = {one.key for one in inputs_of(case, product, best.route, best.recipes[0].levels)}
    own = inputs_of(case, product, second.route, second.recipes[0].levels)
    tried = [row.input for row in rows]
    tried += [one for one in own if one.has_range and one.key not in mine]
    base = best.recipes[0].cost_per_good_usd
    there = Nearby(case, second, budget)
    ends = [_end(one, value) for one in tried for value in (one.low, one.high)]
    held = there.held_usd(ends)
    apart = {}
    for at, one in enumerate(tried):
        pairs = list(zip(costs.get(one.key, (base, base)), held[2 * at : 2 * at + 2], strict=True))
        moved = [a - b for a, b in pairs if a is not None and b is not None]
        spread = max(*moved, base - there.base) - min(*moved, base - there.base) if moved else 0.0
        if len(moved) == len(pairs) and 0.0 < spread < math.inf:
            apart[one.key] = spread
    return sorted((one for one in tried if one.key in apart), key=lambda one: -apart[one.key])


def _end(one: Input, value: float | None) -> Changes:
    return () if value is None or value == one.base else ((one.key, value),)


def _axis(one: Input) -> MapAxis:
    ends = [one.base if end is None else end for end in (one.low, one.base, one.high)]
    middles = [0.5 * (a + b) for a, b in itertools.pairwise(ends)]
    return MapAxis(one.key, one.unit, one.base, tuple(sorted({*ends, *middles})))


def _changes(x: MapAxis, y: MapAxis, a: float, b: float) -> Changes:
    """Return what is not as at base."""
    return tuple((axis.key, value) for axis, value in ((x, a), (y, b)) if value != axis.base)


def _prices(
    case: Case, one: Candidate, changes: Sequence[Changes], budget: Budget
) -> list[Price | None]:
    there = Nearby(case, one, budget)
    there.search(changes)
    return [_price(there, own) for own in changes]


def _price(there: Nearby, changes: Changes) -> Price | None:
    try:
        return there.price(changes)
    except CaseError as error:
        return Price(None, tuple(str(fault) for fault in error.faults))


def _point(x: float, y: float, prices: Mapping[str, Price | None]) -> MapPoint:
    costs = {route: price.cost_per_good_usd if price else None for route, price in prices.items()}
    known = [(cost, route) for route, cost in costs.items() if cost is not None]
    late = None in prices.values()
    return MapPoint(x, y, costs, None if late or not known else min(known)[1], late)
