"""Recipes of a case: every product on every route that it can take, priced by the search."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

from yieldopt.engine import evaluate
from yieldopt.optimize.budget import Budget, stopped
from yieldopt.optimize.coverage import Found, Proof
from yieldopt.optimize.owed import ENUMERATED, with_prices_as_costs
from yieldopt.optimize.ruled import Ruled, Search, best_under
from yieldopt.optimize.search import every_plan
from yieldopt.plan import Recipe
from yieldopt.schema.case import ProductShape
from yieldopt.schema.route import RouteShape, SiteShape
from yieldopt.template import Template

_GAP = 1e-7  # to which labels prove a plan; what is left shows in the gap of the answer
SEARCH_S = 120.0  # for one search; the answer then carries its true gap


@dataclass
class Candidate:
    """A product on a route, ready to be priced, with the recipes found so far."""

    product: ProductShape
    route: str
    template: Template
    ruled: Ruled  # the template under the product's rules; keeps what prices do not change
    one_off_usd: float = 0.0  # per good package
    budget: Budget = field(default_factory=Budget)
    recipes: list[Recipe] = field(default_factory=list)
    stopped: bool = False  # a search ended before it found a first plan, or that there is none
    _answers: dict[_Asked, _Answered] = field(default_factory=dict)

    @cached_property
    def resources(self) -> frozenset[str]:
        """Resources that some plan uses."""
        return frozenset(name for step in self.template.steps() for name in step.uses)

    @property
    def own_escape_usd(self) -> float:
        """What the product says that an escape costs [USD]."""
        escape = self.product.escape_cost_usd
        return escape.base if escape else 0.0

    def price(
        self,
        prices: Mapping[str, float],
        prices_only: bool = False,
        escape_usd: float = 0.0,
        ruled: Ruled | None = None,
        dppm_limit: float | None = None,
        enough_usd: float = math.inf,
    ) -> float:
        """Return the least cost per good package at prices; keep a new recipe.

        Exact over every combination of levels that the product's rules allow, or a lower bound
        where the proof takes longer than ``SEARCH_S``; remembers what was asked before.

        Parameters
        ----------
        prices
            Of resources, on top of the costs; one below 0 is use that is owed [USD per unit].
        prices_only
            Count no cost, only the prices.
        escape_usd
            Price of an escape on top of the product's own escape cost [USD].
        ruled
            The template under more rules than the product's own; absent: these.
        dppm_limit
            For this once: where the product's limit is a pooled one and holds for no recipe alone.
        enough_usd
            Only recipes below this are looked for: if there are none it is the answer.
        """
        ask = _Asked(
            prices_only,
            tuple((name, prices[name]) for name in sorted(prices) if prices[name] != 0.0),
            escape_usd + (0.0 if prices_only else self.own_escape_usd),
            self.dppm_limit if dppm_limit is None else dppm_limit,
            None if ruled is None else tuple(ruled.menus.values()),
        )
        one_off = 0.0 if prices_only else self.one_off_usd
        held = self._answers.get(ask)
        if held is None or enough_usd > held.below_usd:
            if self.budget.is_spent:  # what was shown without prices holds if none is below 0
                self.stopped |= not self.recipes
                if any(price < 0.0 for _, price in ask.prices):
                    return -math.inf
                free = replace(ask, prices=(), escape_usd=self.own_escape_usd, menus=None)
                known = self._answers.get(free)
                return 0.0 if prices_only else known.bound_usd if known else one_off
            held_usd = math.inf if ask.menus is not None else self._known(ask)
            most = enough_usd - one_off
            found = self._search(ask, ruled or self.ruled, min(held_usd, most))
            self.stopped |= stopped(found) and not self.recipes
            if found.levels is not None:
                self._keep(found.levels, found.proof)
            cut = found.levels is None and most < held_usd
            below = enough_usd if cut else math.inf
            held = _Answered(found.proof.lower_bound_usd + one_off, below)
            self._answers[ask] = held
        return held.bound_usd

    @property
    def dppm_limit(self) -> float | None:
        """The limit that each recipe keeps: none where the product's is a pooled one."""
        return None if self.product.dppm_pooled else self.product.dppm_limit

    def _search(self, ask: _Asked, ruled: Ruled, known_usd: float) -> Found:
        """Search at the prices: bounds take none below 0, so these become costs, or all is seen."""
        prices, money = dict(ask.prices), not ask.prices_only
        search: Search = partial(self.budget.search, gap=_GAP, most_s=SEARCH_S)
        if any(price < 0.0 for price in prices.values()):
            inside = None
            if ruled.combinations > ENUMERATED:
                inside = with_prices_as_costs(ruled, prices, prices_only=ask.prices_only)
            if inside is None:
                search = partial(every_plan, until=self.budget.until)
            else:
                ruled, prices, money = inside, {}, True
        return best_under(
            ruled,
            None,
            prices,
            dppm_limit=ask.dppm_limit,
            escape_cost_usd=ask.escape_usd,
            prices_only=not money,
            known_usd=known_usd,
            search=search,
        )

    def _known(self, ask: _Asked) -> float:
        """Return the least that a recipe found before costs at what is asked."""
        more = ask.escape_usd - (0.0 if ask.prices_only else self.own_escape_usd)
        return min(
            (
                (0.0 if ask.prices_only else recipe.cost_per_good_usd - self.one_off_usd)
                + more * (1.0 - recipe.quality) / recipe.quality
                + sum(price * recipe.uses_per_good.get(k, 0.0) for k, price in ask.prices)
                for recipe in self.recipes
                if ask.dppm_limit is None or recipe.dppm <= ask.dppm_limit
            ),
            default=math.inf,
        )

    def _keep(self, levels: Mapping[str, str], proof: Proof) -> None:
        if all(recipe.levels != levels for recipe in self.recipes):
            name = f"{self.product.name}/{self.route}/{len(self.recipes) + 1}"
            self.recipes.append(make_recipe(name, self, levels, proof))


@dataclass(frozen=True)
class _Asked:
    """What a search was asked for."""

    prices_only: bool
    prices: tuple[tuple[str, float], ...]
    escape_usd: float
    dppm_limit: float | None
    menus: tuple[tuple[str, ...], ...] | None  # cut ones


@dataclass(frozen=True)
class _Answered:
    """What a search showed: nothing costs less; it looked for plans below ``below_usd`` alone.

    Not told from the bound: one that was cut there may lie below it by rounding.
    """

    bound_usd: float
    below_usd: float


def make_recipe(name: str, candidate: Candidate, levels: Mapping[str, str], proof: Proof) -> Recipe:
    """Evaluate the chosen levels: every number of a recipe comes from the engine."""
    out = evaluate(candidate.template.at(levels))
    quality = float(out.quality)
    escaped = candidate.own_escape_usd * (1.0 - quality) / quality
    one_off = candidate.one_off_usd
    falls = {name: float(value) for name, value in out.waterfall_usd.items()}
    return Recipe(
        name,
        candidate.product.name,
        candidate.route,
        levels,
        float(out.cost_per_good_usd) + escaped + one_off,
        float(out.dppm),
        quality,
        falls | {"escape": escaped} | ({"one_off": one_off} if one_off else {}),
        {name: float(used) / quality for name, used in out.uses.items()},
        proof,
    )


def one_off_usd(product: ProductShape, route: RouteShape, present: RouteShape | None) -> float:
    """Return a route's one-off cost per good package: over the product's volume, else nothing.

    Where the product is made on another route today the port cost comes on top, and the exit from
    that route where the new one shares no site with it. A product that says where it is qualified
    pays it once, as a decision of its plan.
    """
    if product.volume is None or product.qualified is not None:
        return 0.0
    return entry_usd(route, route.sites, present) / product.volume


def entry_usd(route: RouteShape, sites: Iterable[SiteShape], present: RouteShape | None) -> float:
    """Return what it costs to bring a product to a route: one-off, port and exit [USD]."""
    total = route.one_off_cost_usd.base
    if present is not None and present.name != route.name:
        total += route.port_cost_usd.base
        if not {site.name for site in present.sites} & {site.name for site in sites}:
            total += present.exit_cost_usd.base  # it leaves the house, not only the line
    return total
