"""Recipes of a case: every product on every route that it can take, priced by the search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from yieldopt.compile import compile_template
from yieldopt.engine import evaluate
from yieldopt.optimize.coverage import Found, Proof, best_levels
from yieldopt.optimize.problem import Problem, prepare
from yieldopt.optimize.route import exclusions
from yieldopt.plan import Recipe, RouteVerdict
from yieldopt.schema.case import Case, ProductShape
from yieldopt.template import Choice, Template


@dataclass
class Candidate:
    """A product on a route, ready to be priced, with the recipes found so far."""

    product: ProductShape
    route: str
    template: Template
    problem: Problem
    recipes: list[Recipe] = field(default_factory=list)
    _asked: dict[tuple[object, ...], float] = field(default_factory=dict)

    @cached_property
    def resources(self) -> frozenset[str]:
        """Resources that some plan uses."""
        steps = (
            step
            for node in self.template.nodes
            for item in node.items
            for step in (item.options.values() if isinstance(item, Choice) else (item,))
        )
        return frozenset(name for step in steps if step is not None for name in step.uses)

    def price(self, prices: Mapping[str, float], prices_only: bool = False) -> float:
        """Return the least cost per good package at resource prices; keep a new recipe.

        Exact over every combination of levels; remembers what was asked before.
        """
        mine = {name: prices[name] for name in sorted(prices) if prices[name] > 0.0}
        key = (prices_only, *mine.items())
        if key not in self._asked:
            found = self._search(mine, prices_only)
            if found.levels is not None:
                self._keep(found.levels, found.proof)
            self._asked[key] = found.value_usd
        return self._asked[key]

    def _search(self, prices: Mapping[str, float], prices_only: bool) -> Found:
        escape = self.product.escape_cost_usd
        return best_levels(
            self.problem,
            prices,
            dppm_limit=self.product.dppm_limit,
            escape_cost_usd=escape.base if escape else None,
            prices_only=prices_only,
        )

    def _keep(self, levels: Mapping[str, str], proof: Proof) -> None:
        if all(recipe.levels != levels for recipe in self.recipes):
            name = f"{self.product.name}/{self.route}/{len(self.recipes) + 1}"
            self.recipes.append(make_recipe(name, self, levels, proof))


def make_recipe(name: str, candidate: Candidate, levels: Mapping[str, str], proof: Proof) -> Recipe:
    """Evaluate the chosen levels: every number of a recipe comes from the engine."""
    out = evaluate(candidate.template.at(levels))
    quality = float(out.quality)
    escape = candidate.product.escape_cost_usd
    escaped = (escape.base if escape else 0.0) * (1.0 - quality) / quality
    falls = {name: float(value) for name, value in out.waterfall_usd.items()}
    return Recipe(
        name,
        candidate.product.name,
        candidate.route,
        levels,
        float(out.cost_per_good_usd) + escaped,
        float(out.dppm),
        quality,
        falls | {"escape": escaped},
        {name: float(used) / quality for name, used in out.uses.items()},
        proof,
    )


def weigh(case: Case, product: ProductShape) -> tuple[list[Candidate], list[RouteVerdict]]:
    """Return the routes that a product can take and the verdict on each that it allows.

    A route is out when the product breaks one of its limits, when nothing passes, or when no
    combination of levels reaches the DPPM limit (the reason gives the lowest that one does).
    """
    candidates, verdicts = [], []
    for name in product.routes:
        route = case.library.routes[name]
        reasons = exclusions(case.library, product, route)
        if reasons:
            verdicts.append(RouteVerdict(name, False, None, tuple(reasons)))
            continue
        template = compile_template(case, product, route)
        candidate = Candidate(product, name, template, prepare(template))
        candidate.price({})
        if not candidate.recipes:
            verdicts.append(RouteVerdict(name, False, None, (_why_not(candidate),)))
            continue
        candidates.append(candidate)
        verdicts.append(RouteVerdict(name, True, candidate.recipes[0].cost_per_good_usd))
    return candidates, verdicts


def _why_not(candidate: Candidate) -> str:
    limit = candidate.product.dppm_limit
    if limit is None:
        return "a good package costs more than can be computed with: check costs and escape cost"
    # An escape dear enough turns the search into one for the best quality.
    best = best_levels(candidate.problem, escape_cost_usd=1e12)
    if best.levels is None:
        blocked = evaluate(candidate.template.at({})).blocked
        return f"nothing can pass {blocked}"
    reached = float(evaluate(candidate.template.at(best.levels)).dppm)
    return f"no combination of levels reaches {limit:g} DPPM; the lowest is {reached:.4g}"
