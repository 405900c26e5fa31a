"""The shape of a result file: what ``yieldopt solve --json`` prints."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from yieldopt.schema.base import Flag, NonNegative, Number, Shape, Text


class ProofShape(Shape):
    """How optimality of a recipe was shown."""

    method: Text
    combinations: NonNegative
    enumerated: NonNegative
    pruned: NonNegative
    lower_bound_usd: Number


class RecipeShape(Shape):
    """A product on a route at chosen levels."""

    id: Text
    product: Text
    route: Text
    levels: dict[Text, Text]
    cost_per_good_usd: Number
    dppm: Number
    quality: Number
    waterfall_usd: dict[Text, Number]
    uses_per_good: dict[Text, Number]
    proof: ProofShape
    line: str = ""


class VerdictShape(Shape):
    """A route weighed."""

    route: Text
    feasible: Flag
    cost_per_good_usd: Number | None
    reasons: tuple[str, ...] = ()
    stopped: Flag = False


class StandaloneShape(Shape):
    """The route of least cost by itself."""

    route: Text
    cost_per_good_usd: Number | None


class ProductResultShape(Shape):
    """What becomes of a product."""

    name: Text
    cost_per_good_usd: Number | None
    dppm: Number | None
    demand: Number
    made: Number
    unmet: Number
    standalone: StandaloneShape | None
    routes: tuple[VerdictShape, ...]


class _InPeriod(Shape):
    period: Text


class AllocationShape(_InPeriod):
    """Good packages of a recipe."""

    recipe: Text
    product: Text
    route: Text
    line: str | None = None
    packages: Number


class PackagesShape(_InPeriod):
    """Good packages of a product: not made, in stock, late."""

    product: Text
    packages: Number


class UseShape(_InPeriod):
    """What is used of a resource."""

    resource: Text
    used: Number
    capacity: Number


class PriceShape(_InPeriod):
    """What one more unit of a resource saves."""

    resource: Text
    usd_per_unit: Number


class DecisionShape(_InPeriod):
    """A whole decision."""

    kind: Text
    name: Text
    product: Text | None
    amount: Number
    cost_usd: Number


class CostShape(_InPeriod):
    """A part of the objective."""

    kind: Text
    usd: Number
    discounted_usd: Number


class StartShape(Shape):
    """What is started, ordered or booked; its period may lie before the first."""

    what: Text
    name: Text
    unit: str | None
    product: str | None
    period: str | None
    amount: Number
    weeks_before: Number | None


class ResultShape(Shape):
    """A whole result file; what is computed from the rest is read and not used."""

    status: Literal["optimal", "feasible", "infeasible", "unknown"]
    objective_usd: Number | None
    bound_usd: Number | None
    gap: Number | None
    solver: str
    runtime_s: Number
    products: tuple[ProductResultShape, ...] = Field(min_length=1)
    recipes: tuple[RecipeShape, ...]
    allocation: tuple[AllocationShape, ...]
    unmet: tuple[PackagesShape, ...]
    resource_use: tuple[UseShape, ...]
    shadow_prices: tuple[PriceShape, ...]
    binding: tuple[str, ...]
    stock: tuple[PackagesShape, ...] = ()
    late: tuple[PackagesShape, ...] = ()
    decisions: tuple[DecisionShape, ...] = ()
    costs: tuple[CostShape, ...] = ()
    starts: tuple[StartShape, ...] = ()
    periods: tuple[Text, ...] = ()
    stand_alone_coverage_usd: Number | None = None
    coverage_saving_usd: Number | None = None
    spend_usd: Number | None = None
    spend_per_good_usd: Number | None = None
