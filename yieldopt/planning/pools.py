"""Recipes found so far of a product on a line, as features, and how further ones are found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from yieldopt.compile.lines import Line
from yieldopt.optimize.candidates import Candidate
from yieldopt.optimize.product_rules import narrowed
from yieldopt.optimize.ruled import Ruled
from yieldopt.optimize.rules import Menus
from yieldopt.plan import Recipe
from yieldopt.planning.sheet import MONEY, PACKAGES, SHIPPED, USES, Array

_ROUNDING = 1e-13  # of the largest price of a slot
_KEPT = 200  # searched prices that bounds are made of


@dataclass
class Pool:
    """A product on a line in periods in which the models stay as they are.

    Parameters
    ----------
    product
        Its number.
    line, candidate
        Where, and the search with the recipes that it found; lines of one route share it.
    slots, periods
        Slots of the programme that its recipes can fill, and their periods.
    feature_of
        Feature of each resource of the route that the plan counts.
    width
        Number of features.
    """

    product: int
    line: Line
    candidate: Candidate
    slots: tuple[int, ...]
    periods: tuple[int, ...]
    feature_of: Mapping[str, int]
    width: int
    counted: bool = True  # False: a package for information, which takes no capacity
    owed: frozenset[int] = frozenset()  # features of use that may be owed (take or pay)
    _priced: Array = field(default_factory=lambda: np.empty((0, 0)))  # prices that were searched
    _values: Array = field(default_factory=lambda: np.empty(0))  # and the least at them
    _leasts: Array = field(default_factory=lambda: np.empty(0))
    _narrow: dict[tuple[tuple[str, tuple[str, ...]], ...], Ruled] = field(default_factory=dict)
    _table: Array = field(default_factory=lambda: np.empty((0, 0)))

    @property
    def recipes(self) -> list[Recipe]:
        """The recipes, as the route has them: without what the line adds to their cost."""
        return self.candidate.recipes

    def name(self, recipe: int) -> str:
        """Return the name of a recipe: the product, the line and its number there."""
        return f"{self.candidate.product.name}/{self.line.name}/{recipe + 1}"

    @property
    def features(self) -> Array:
        """Features of the recipes found so far, (recipes, features)."""
        held = len(self._table)
        if held < len(self.recipes):
            rows = [self._features_of(recipe) for recipe in self.recipes[held:]]
            self._table = np.vstack([self._table.reshape(held, self.width), *rows])
        return self._table.reshape(-1, self.width)

    def _features_of(self, recipe: Recipe) -> Array:
        row = np.zeros(self.width)
        row[PACKAGES] = 1.0
        row[MONEY] = recipe.cost_per_good_usd + self.line.extra_usd_per_good
        row[SHIPPED] = 1.0 / recipe.quality
        for name, at in self.feature_of.items() if self.counted else ():
            row[at] += recipe.uses_per_good.get(name, 0.0)
        return row

    def allowed(self, menus: Menus | None) -> NDArray[np.bool_]:
        """Return which recipes keep to menus, (recipes,)."""
        return np.array([menus is None or keeps(recipe, menus) for recipe in self.recipes], bool)

    def price(self, prices: Array, menus: Menus | None = None, enough: float = np.inf) -> float:
        """Return the least value of ``prices @ features`` over every recipe; keep a new one.

        A lower bound where a search is stopped; where nothing is below ``enough``, that. Only use
        that is owed (take or pay) has a price below 0; that of money or of escapes is below 0 by
        rounding of the duals alone, and counts as 0 then.
        """
        free = float(prices[PACKAGES]) + float(prices[SHIPPED])  # 1/Q is 1 and the escapes
        only = bool(prices[MONEY] <= 0.0)
        scale = 1.0 if only else float(prices[MONEY])
        uses = self.feature_of.items() if self.counted else ()
        own = self._of_use(prices)
        asked = {name: float(own[at]) / scale for name, at in uses}
        escape_usd = max(0.0, float(prices[SHIPPED])) / scale
        extra = 0.0 if only else self.line.extra_usd_per_good
        most = (enough - free) / scale - extra
        found = self.candidate.price(asked, only, escape_usd, self._ruled(menus), enough_usd=most)
        value = free + scale * (found + extra)
        if menus is None and min(asked.values(), default=0.0) >= 0.0:
            self._remember(prices, value - float(prices[PACKAGES]))
        return value

    def _remember(self, prices: Array, value: float) -> None:
        own = np.maximum(prices, 0.0)
        own[PACKAGES] = 0.0
        self._priced = np.vstack([self._priced.reshape(-1, self.width), own])[-_KEPT:]
        self._values = np.append(self._values, value)[-_KEPT:]

    def bounds(self, prices: Array) -> Array:
        """Return lower bounds of :meth:`price` at prices (n, features), without a search.

        The least of a sum is no less than the sum of the leasts of its terms: prices w are λ times
        prices that were searched, and a rest of which each term has its own least.
        """
        own = np.maximum(prices, 0.0)
        own[:, PACKAGES] = 0.0
        least = self.least(own.max(axis=0, initial=0.0) > 0.0)
        best = own @ least
        if len(self._values):
            before = self._priced  # (m, features)
            ratio = np.full((len(own), *before.shape), np.inf)
            np.divide(own[:, None, :], before, out=ratio, where=before > 0.0)
            share = ratio.min(axis=2)
            share[~np.isfinite(share)] = 0.0
            known = share * (self._values - before @ least)
            best = best + np.maximum(known.max(axis=1), 0.0)
        owed = (self._of_use(prices)[:, USES:] < 0.0).any(axis=1)
        out: Array = np.where(owed, -np.inf, prices[:, PACKAGES] + best)
        return out

    def least(self, asked: NDArray[np.bool_]) -> Array:
        """Return the least of each feature that is asked for over every recipe, at least."""
        if not len(self._leasts):
            self._leasts = np.full(self.width, np.nan)
            self._leasts[SHIPPED] = 1.0
            self._leasts[MONEY] = self.candidate.price({}) + self.line.extra_usd_per_good
        for at in np.flatnonzero(asked & np.isnan(self._leasts)):
            names = [k for k, own in self.feature_of.items() if own == at and self.counted]
            self._leasts[at] = sum(self.candidate.price({name: 1.0}, True) for name in names)
        return np.where(asked, self._leasts, 0.0)

    def _of_use(self, prices: Array) -> Array:
        """Return prices of use without what is rounding of the duals: below 0 only where owed."""
        size = np.abs(prices).max(axis=-1, keepdims=True, initial=0.0)
        may = np.isin(np.arange(self.width), list(self.owed))
        rounding = (np.abs(prices) < _ROUNDING * size) | ((prices < 0.0) & ~may)
        out: Array = np.where(rounding, 0.0, prices)
        return out

    def _ruled(self, menus: Menus | None) -> Ruled | None:
        if menus is None:
            return None
        own = {place: levels for place, levels in menus.items() if place in self._places}
        key = tuple(sorted(own.items()))
        if key not in self._narrow:
            self._narrow[key] = narrowed(self.candidate.ruled, own)
        return self._narrow[key]

    @property
    def _places(self) -> Menus:
        return self.candidate.ruled.menus


def keeps(recipe: Recipe, menus: Menus) -> bool:
    """Whether a recipe's levels are all on the menus; of places that it lacks nothing is asked."""
    own = recipe.levels
    return all(own[place] in levels for place, levels in menus.items() if place in own)
