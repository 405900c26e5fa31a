"""The search for the values at which the costs of two routes cross."""

from __future__ import annotations

import itertools
import math

from yieldopt.breakeven.found import BreakEven, Crossing
from yieldopt.optimize.route_costs import RouteCosts
from yieldopt.plan import Status

_POINTS = 17  # of the first scan
_CLOSE = 1e-7  # of the value
_NOTHING = 1e-20  # of the range: so near to 0, a share of the value is never reached
_APART = 1e-5  # of the cost: more is a jump


class Search(RouteCosts):
    """Where the costs of both routes cross."""

    _least = 0.0  # that values are told apart by

    def run(self, low: float, base: float, high: float) -> BreakEven:
        ends = (low, base, high)
        self._least = _NOTHING * (high - low)
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

    def _is_close(self, one: float, other: float) -> bool:
        """Whether two values tell no more apart: in between there may be no number at all."""
        apart, most = abs(one - other), max(abs(one), abs(other))
        return apart <= max(_CLOSE * most, self._least) or 0.5 * (one + other) in (one, other)

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
        while not self._is_close(inside, outside):
            if self.is_late(outside):  # nothing says that a route ends
                break
            middle = 0.5 * (inside + outside)
            if self.difference(middle) is None:
                outside = middle
            else:
                inside = middle
        return inside

    def _on_chord(self, low: float, high: float) -> float:
        """Return where the chord of the difference crosses 0, and a bit on to the farther end.

        So the next values lie on either side of a crossing of two lines, and close it.
        """
        below, above = self.difference(low), self.difference(high)
        assert below is not None
        assert above is not None
        share = below / (below - above)
        bit = 0.25 * _CLOSE * max(abs(low), abs(high))
        at = low + share * (high - low) + (bit if share < 0.5 else -bit)
        return at if low < at < high else 0.5 * (low + high)

    def _crossing(self, left: float, right: float) -> Crossing:
        """Close in between two values of unlike sign, as long as there is time."""
        low, high, above, late = left, right, self._sign(left), False
        halved = True
        while not self._is_close(low, high):
            wide = high - low
            middle = self._on_chord(low, high) if halved else 0.5 * (low + high)
            if self.difference(middle) is None:
                late = self.is_late(middle)
                break
            low, high = (middle, high) if self._sign(middle) == above else (low, middle)
            halved = high - low <= 0.5 * wide  # else the costs are no lines here: the middle
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
