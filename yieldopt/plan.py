"""What comes out: recipes, routes weighed, the plan, and the whole answer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from yieldopt.optimize.coverage import Proof
from yieldopt.shown import Shown


class Status(StrEnum):
    """How a solve ended.

    Examples
    --------
    >>> from yieldopt import load, solve
    >>> solve(load("minimal")).status is Status.OPTIMAL
    True
    """

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"  # stopped early, gap > 0
    INFEASIBLE = "infeasible"
    UNKNOWN = "unknown"  # stopped before a plan was found, or shown that there is none


@dataclass(frozen=True)
class Recipe(Shown):
    """A product on a route at chosen levels; everything per good package.

    Parameters
    ----------
    id, product, route
        Names.
    levels
        Level of every insertion, by ``"node/insertion"``.
    cost_per_good_usd
        Cost of a good package, escapes included [USD].
    dppm, quality
        Bad packages per million shipped; fraction of shipped packages that are good.
    waterfall_usd
        By category; sums to ``cost_per_good_usd``.
    uses_per_good
        Resource use, by resource.
    proof
        That no other levels are better at the prices at which the recipe was found.

    Examples
    --------
    >>> from yieldopt import load, solve
    >>> recipe = solve(load("minimal")).recipes[0]
    >>> recipe.route, round(recipe.cost_per_good_usd, 2), round(recipe.dppm, 1)  # USD, ppm
    ('osat_2p5d', 2208.3, 821.5)
    >>> recipe.levels["tpu_die/wafer_sort"], round(recipe.waterfall_usd["scrap"], 2)
    ('p97', 359.57)
    """

    id: str
    product: str
    route: str
    levels: Mapping[str, str]
    cost_per_good_usd: float
    dppm: float
    quality: float
    waterfall_usd: Mapping[str, float]
    uses_per_good: Mapping[str, float]
    proof: Proof
    line: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, as ``recipes`` of ``yieldopt solve --json`` holds it.

        Examples
        --------
        >>> from yieldopt import load, solve
        >>> recipe = solve(load("minimal")).recipes[0]
        >>> list(recipe.to_dict()["waterfall_usd"])[:3]
        ['die', 'memory', 'interposer']
        """
        return asdict(self)


@dataclass(frozen=True)
class RouteVerdict:
    """A route weighed for a product by itself, capacity aside.

    ``stopped``: time ended before a plan was found; none was ruled out.
    """

    route: str
    feasible: bool
    cost_per_good_usd: float | None
    reasons: tuple[str, ...] = ()
    stopped: bool = False


def without_plan(verdicts: Iterable[RouteVerdict]) -> Status:
    """Return the status where no route has a plan: unknown if time ended on one of them.

    Examples
    --------
    >>> str(without_plan([RouteVerdict("emib", False, None, ("too large",))]))
    'infeasible'
    """
    open_ = any(verdict.stopped for verdict in verdicts)
    return Status.UNKNOWN if open_ else Status.INFEASIBLE


def binding(verdicts: Iterable[RouteVerdict]) -> list[str]:
    """Return why routes cannot be taken, a line for each reason.

    Examples
    --------
    >>> binding([RouteVerdict("emib", False, None, ("too large",)), RouteVerdict("r", True, 9.0)])
    ['emib: too large']
    """
    return [f"{verdict.route}: {reason}" for verdict in verdicts for reason in verdict.reasons]


@dataclass(frozen=True)
class ProductResult:
    """What becomes of a product."""

    name: str
    cost_per_good_usd: float | None
    dppm: float | None
    demand: float
    made: float
    unmet: float
    standalone: RouteVerdict | None
    routes: tuple[RouteVerdict, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the contract's object."""
        out = asdict(self)
        alone = self.standalone
        out["standalone"] = (
            {"route": alone.route, "cost_per_good_usd": alone.cost_per_good_usd} if alone else None
        )
        return out


@dataclass(frozen=True)
class Result(Shown):
    """The whole answer; ``to_dict`` is the fixed JSON contract.

    Rows of ``allocation``, ``unmet``, ``resource_use`` and ``shadow_prices`` are plain mappings
    with the contract's keys. So are those of ``stock`` and ``late`` (product, period, packages: on
    hand, and owed, at the end of the period) and of ``decisions`` (kind, name, product, period,
    amount, cost_usd; what does not apply to a decision is None). Those of ``costs`` say what the
    objective is made of: the discounted ones sum to it. ``periods`` are the case's, in order.

    Examples
    --------
    >>> from yieldopt import load, solve
    >>> result = solve(load("minimal"))
    >>> str(result.status), round(result.objective_usd, 2), result.gap  # USD, fraction
    ('optimal', 2208.3, 0.0)
    >>> result.allocation[0]["packages"], result.products[0].unmet  # good packages
    (1.0, 0.0)
    """

    status: Status
    objective_usd: float | None
    bound_usd: float | None
    gap: float | None
    solver: str
    runtime_s: float
    products: tuple[ProductResult, ...]
    recipes: tuple[Recipe, ...] = ()
    allocation: tuple[Mapping[str, Any], ...] = ()
    unmet: tuple[Mapping[str, Any], ...] = ()
    resource_use: tuple[Mapping[str, Any], ...] = ()
    shadow_prices: tuple[Mapping[str, Any], ...] = ()
    binding: tuple[str, ...] = ()
    stock: tuple[Mapping[str, Any], ...] = ()
    late: tuple[Mapping[str, Any], ...] = ()
    decisions: tuple[Mapping[str, Any], ...] = ()
    periods: tuple[str, ...] = ()
    stand_alone_coverage_usd: float | None = None  # objective of coverage that ignores scarcity
    spend_usd: float | None = None  # paid, discounted: no penalty for unmet demand, no sales
    costs: tuple[Mapping[str, Any], ...] = ()  # (kind, period, usd, discounted_usd)
    starts: tuple[Mapping[str, Any], ...] = ()  # rows of a start plan, where one was asked for

    @property
    def coverage_saving_usd(self) -> float | None:
        """What coverage chosen by the scarcity saves against stand-alone coverage [USD]."""
        alone, found = self.stand_alone_coverage_usd, self.objective_usd
        return None if alone is None or found is None else alone - found

    @property
    def spend_per_good_usd(self) -> float | None:
        """All that is paid over all packages made [USD per good package]."""
        made = math.fsum(product.made for product in self.products)
        return None if self.spend_usd is None or made <= 0.0 else self.spend_usd / made

    def overall(self) -> dict[str, float | None]:
        """Return demand, made, unmet and cost per good package of all products together.

        The cost is that of the packages: the products' own [USD per good package], weighted by
        packages made; None where none are. What belongs to no package (lumps, bookings, stock,
        shortage) is in ``objective_usd`` alone, and but for shortage in ``spend_per_good_usd``.

        Examples
        --------
        >>> own = [("a", 30.0, 3.0), ("b", 10.0, 1.0), ("c", None, 0.0)]
        >>> products = [ProductResult(n, usd, 9.0, 4.0, m, 4.0 - m, None, ()) for n, usd, m in own]
        >>> result = Result(Status.OPTIMAL, 1.0, 1.0, 0.0, "highs", 0.1, tuple(products))
        >>> result.overall()
        {'demand': 12.0, 'made': 4.0, 'unmet': 8.0, 'cost_per_good_usd': 25.0}
        """
        own = [(p.cost_per_good_usd, p.made) for p in self.products if p.made > 0.0]
        made = math.fsum(p.made for p in self.products)
        known = bool(own) and all(cost is not None for cost, _ in own)
        spent = math.fsum((cost or 0.0) * packages for cost, packages in own)
        return {
            "demand": math.fsum(p.demand for p in self.products),
            "made": made,
            "unmet": math.fsum(p.unmet for p in self.products),
            "cost_per_good_usd": spent / made if known else None,
        }

    def to_dict(self) -> dict[str, Any]:
        """Return plain data of the contract's shape, as ``yieldopt solve --json`` prints it.

        Examples
        --------
        >>> from yieldopt import load, solve
        >>> solve(load("minimal")).to_dict()["products"][0]["name"]
        'asic'
        """
        out: dict[str, Any] = {
            "status": str(self.status),
            "objective_usd": self.objective_usd,
            "bound_usd": self.bound_usd,
            "gap": self.gap,
            "solver": self.solver,
            "runtime_s": self.runtime_s,
            "products": [product.to_dict() for product in self.products],
            "recipes": [recipe.to_dict() for recipe in self.recipes],
        }
        for name in ("allocation", "unmet", "resource_use", "shadow_prices"):
            out[name] = [dict(row) for row in getattr(self, name)]
        out["binding"] = list(self.binding)
        for name in ("stock", "late", "decisions", "costs", "starts"):
            out[name] = [dict(row) for row in getattr(self, name)]
        return out | {
            "periods": list(self.periods),
            "stand_alone_coverage_usd": self.stand_alone_coverage_usd,
            "coverage_saving_usd": self.coverage_saving_usd,
            "spend_usd": self.spend_usd,
            "spend_per_good_usd": self.spend_per_good_usd,
        }
