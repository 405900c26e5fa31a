"""At which value of an input two routes cost the same, test levels chosen anew at every value."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from yieldopt.errors import CaseError, Fault, UnknownName, near_miss
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.route_costs import RouteCosts
from yieldopt.plan import Recipe, Status
from yieldopt.read.case import load
from yieldopt.read.keys import key_parts
from yieldopt.read.lookup import known_at, quantity_at
from yieldopt.schema.case import Case, ProductShape
from yieldopt.shown import Shown

_POINTS = 17  # of the first scan
_CLOSE = 1e-7  # of the value
_APART = 1e-5  # of the cost: more is a jump


@dataclass(frozen=True)
class Crossing:
    """A value at which one route takes over from the other.

    Parameters
    ----------
    value
        Of the varied input, in its own unit.
    cost_per_good_usd
        Of each route there [USD per good package]; the same, but at a jump.
    cheaper_below, cheaper_above
        The routes that are cheaper on either side.
    is_jump
        The costs never meet: one of them jumps over the other, where a DPPM limit changes the plan
        or a body more or less fits a wafer.
    recipes
        What is done at the value, by route.
    not_below
        It lies between that and ``value``: 1e-7 apart, or more where time ended.
    """

    value: float
    cost_per_good_usd: Mapping[str, float]
    cheaper_below: str
    cheaper_above: str
    is_jump: bool
    recipes: Mapping[str, Recipe]
    not_below: float


@dataclass(frozen=True)
class BreakEven(Shown):
    """All crossings in a range, and the costs at its ends.

    Parameters
    ----------
    key, product, routes
        What was asked.
    low, base, high
        Range, and the value in the case.
    costs
        By route at low, base and high [USD per good package]; ``None``: the route cannot be taken,
        or is ``stopped`` there.
    crossings
        By rising value.
    stopped
        By route at low, base and high: whether time ended before a plan was found; none was ruled
        out.
    not_known
        Values of the scan at which time ended so: around them crossings may be missing.
    gap
        How much better other levels may be than those compared, relative, at most; ``None``
        without any plan.
    status
        Optimal; feasible where time ended before the end of the scan or the proof of a plan; or
        unknown, where it ended before both routes were known at one value.
    reasons
        Of an unknown answer.
    scan
        Every value looked at, rising, with the cost of the first and the second route there [USD
        per good package]; ``None``: the route cannot be taken, or time ended.
    """

    key: str
    product: str
    routes: tuple[str, str]
    low: float
    base: float
    high: float
    costs: Mapping[str, tuple[float | None, float | None, float | None]]  # at low, base, high
    crossings: tuple[Crossing, ...]
    stopped: Mapping[str, tuple[bool, bool, bool]]
    not_known: tuple[float, ...]
    gap: float | None
    status: Status
    reasons: tuple[str, ...] = ()
    scan: tuple[tuple[float, float | None, float | None], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def breakeven(
    case: str | Path | Case,
    key: str,
    routes: tuple[str, str],
    *,
    product: str | None = None,
    low: float | None = None,
    high: float | None = None,
    time_limit_s: float | None = None,
) -> BreakEven:
    """Find every value of an input at which two routes cost the same per good package.

    Parameters
    ----------
    case
        A case file, or the name of a bundled case; or a case from :func:`yieldopt.load`, which is
        not read again at every value: much faster, and checked model by model.
    key
        The input, dotted: ``processes.NAME.…``, ``parts.…``, ``routes.NAME.steps.STEP.…``,
        ``insertions.…`` or ``products.NAME.…``.
    routes
        Two of the product's routes.
    product
        A product of the case; may be left out where there is only one.
    low, high
        Range to search; left out: the range that the input's source gives, else a tenth of the
        base to ten times it.
    time_limit_s
        Seconds for all searches; then the crossings found so far. Left out: no limit, and 120 s for
        one search.

    Returns
    -------
    BreakEven
        Crossings by rising value. The range is scanned at 17 points, and up to the edges of the
        stretches where both routes can be taken; every change of sign is closed to 1e-7 of the
        value. Two crossings between neighbouring points are not seen, and equal costs over a
        stretch are none.

    Raises
    ------
    CaseError, UnknownName
        No such key, product or route; the range is not a range, or leaves what the input allows;
        a time limit that is not above 0.

    Examples
    --------
    >>> key = "routes.osat_2p5d.steps.ship_to_osat.cost_usd"
    >>> found = breakeven("minimal", key, ("cowos_s", "osat_2p5d"), low=0.0, high=20.0)
    >>> [(crossing.cheaper_below, crossing.cheaper_above) for crossing in found.crossings]
    [('osat_2p5d', 'cowos_s')]
    """
    budget = Budget.of(time_limit_s)
    read = case if isinstance(case, Case) else load(case)
    asked = _product(read, product)
    for route in routes:
        if route not in asked.routes:
            hint = near_miss(route, asked.routes)
            raise UnknownName(Fault(f"none of the routes of {asked.name}", value=route, hint=hint))
    if routes[0] == routes[1]:
        raise CaseError(Fault("the two routes are one", value=routes[0]))
    parts = key_parts(key)
    quantity = quantity_at(read, parts)
    if quantity is None:
        hint = near_miss(*known_at(read, parts))
        raise CaseError(Fault("not a number of this case", key, hint=hint))
    base = quantity.base
    least = low if low is not None else quantity.low if quantity.low is not None else base / 10
    most = high if high is not None else quantity.high if quantity.high is not None else base * 10
    if not least < most:
        text = f"the range from {least:g} to {most:g} is empty: give --low and --high"
        raise CaseError(Fault(text, key))
    return _Search(case, key, asked.name, routes, budget).run(least, base, most)


def _product(case: Case, name: str | None) -> ProductShape:
    if name is not None:
        return case.product(name)
    if len(case.products) == 1:
        return case.products[0]
    known = ", ".join(product.name for product in case.products)
    raise CaseError(Fault("the case has several products", hint=f"name one of {known}"))


class _Search(RouteCosts):
    """Where the costs of both routes cross."""

    def run(self, low: float, base: float, high: float) -> BreakEven:
        ends = (low, base, high)
        costs = {
            route: (self.cost(low, i), self.cost(base, i), self.cost(high, i))
            for i, route in enumerate(self.routes)
        }
        crossings = []
        for stretch in self._stretches(_grid(low, high)):
            signed = [v for v in stretch if self.difference(v) != 0.0]
            for left, right in itertools.pairwise(signed):
                if self._sign(left) != self._sign(right):
                    crossings.append(self._crossing(left, right))
        lates = [self.late.get(value, (False, False)) for value in ends]
        stopped = {
            route: (lates[0][i], lates[1][i], lates[2][i]) for i, route in enumerate(self.routes)
        }
        gap, status = self.proof()
        return BreakEven(
            self.key,
            self.product,
            self.routes,
            *ends,
            costs,
            tuple(crossings),
            stopped,
            tuple(sorted(value for value, late in self.late.items() if any(late))),
            gap,
            status,
            tuple(self.reasons) if status is Status.UNKNOWN else (),
            tuple(
                (value, self.cost(value, 0), self.cost(value, 1)) for value in sorted(self.found)
            ),
        )

    def _sign(self, value: float) -> bool:
        difference = self.difference(value)
        assert difference is not None
        return difference > 0.0

    def _stretches(self, values: list[float]) -> list[list[float]]:
        """Return runs of values at which both routes can be taken, with the edges between."""
        found: list[list[float]] = []
        for left, right in itertools.pairwise([values[0], *values]):
            here, there = self.difference(left) is not None, self.difference(right) is not None
            if there and not (here and found):
                found.append([] if here or left == right else [self._edge(right, left)])
            if here and not there:
                found[-1].append(self._edge(left, right))
            if there:
                found[-1].append(right)
        return found

    def _edge(self, inside: float, outside: float) -> float:
        """Close in on where a route ends; the value returned is still inside."""
        while abs(outside - inside) > _CLOSE * max(abs(inside), abs(outside)):
            if self.is_late(outside):  # nothing says that a route ends
                break
            middle = 0.5 * (inside + outside)
            if self.difference(middle) is None:
                outside = middle
            else:
                inside = middle
        return inside

    def _crossing(self, left: float, right: float) -> Crossing:
        """Close in by halves between two values of unlike sign, as long as there is time."""
        low, high, above, late = left, right, self._sign(left), False
        while high - low > _CLOSE * max(abs(low), abs(high)):
            middle = 0.5 * (low + high)
            if not low < middle < high or self.difference(middle) is None:
                late = self.is_late(middle)
                break
            low, high = (middle, high) if self._sign(middle) == above else (low, middle)
        pair = self.candidates(high)
        recipes = {
            route: candidate.recipes[0]
            for route, candidate in zip(self.routes, pair, strict=True)
            if candidate is not None
        }
        costs = {route: recipe.cost_per_good_usd for route, recipe in recipes.items()}
        apart = max(costs.values()) - min(costs.values())
        cheaper = (self.routes[1], self.routes[0])
        return Crossing(
            high,
            costs,
            cheaper[0] if above else cheaper[1],
            cheaper[1] if above else cheaper[0],
            not late and apart > _APART * max(map(abs, costs.values())),
            recipes,
            low,
        )


def _grid(low: float, high: float) -> list[float]:
    """Equal ratios where the range spans some, else equal steps."""
    parts = [i / (_POINTS - 1) for i in range(_POINTS)]
    if low > 0.0 and high / low > 3.0:
        inner = [math.exp(math.log(low) + x * math.log(high / low)) for x in parts[1:-1]]
    else:
        inner = [low + x * (high - low) for x in parts[1:-1]]
    return [low, *inner, high]
