"""The shape of a flow file (JSON): the fixed contract of DESIGN.md, section 3."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from yieldopt.errors import CaseError, UnknownName
from yieldopt.flow import Faults, Flow, Input, Node, Step
from yieldopt.physics.yields import Law
from yieldopt.schema.base import (
    Count,
    CountOrNone,
    Fraction,
    Number,
    Overlap,
    Shape,
    Text,
)

NonNegative = Annotated[Number, Field(ge=0.0)]
Positive = Annotated[Number, Field(gt=0.0)]


class FaultsShape(Shape):
    """Latent faults of one class; without ``law``: Poisson, or negative binomial given alpha."""

    mean: NonNegative
    alpha: Positive | None = None
    law: Text | None = None
    layers: Count | None = None
    blocks: Count | None = None
    spares: CountOrNone | None = None
    cluster: Text | None = None

    @model_validator(mode="after")
    def _lawful(self) -> FaultsShape:
        try:
            limit = self.yield_law().mean_limit
        except UnknownName as error:
            fault = error.faults[0]
            raise PydanticCustomError(
                "unknown_law", "{text}", {"text": fault.message, "key": "law", "hint": fault.hint}
            ) from None
        except CaseError as error:
            text = "; ".join(f"{fault.key}: {fault.message}" for fault in error.faults)
            raise PydanticCustomError("law_parameters", "{text}", {"text": text}) from None
        if self.mean > limit:
            text = f"law {self.law!r} allows a mean of at most {limit:g}"
            raise PydanticCustomError("mean_limit", "{text}", {"text": text, "key": "mean"})
        return self

    def yield_law(self) -> Law:
        """Return the law that the keys name."""
        name = self.law or ("poisson" if self.alpha is None else "negative_binomial")
        return Law(name, self.alpha, self.layers, self.blocks, self.spares)


class StepShape(Shape):
    """One step; which keys a kind may carry is checked on the flow."""

    name: Text
    kind: Literal["process", "test"]
    cost_usd: NonNegative = 0.0
    scrap: Fraction = 0.0
    faults: dict[Text, FaultsShape] = Field(default_factory=dict)
    uses: dict[Text, NonNegative] = Field(default_factory=dict)
    overlap: Overlap = "nested"
    coverage: dict[Text, Fraction] = Field(default_factory=dict)
    repair: dict[Text, Fraction] = Field(default_factory=dict)
    overkill: Fraction = 0.0
    fail_cost_fraction: Fraction = 1.0
    category: Literal["", "die", "memory", "interposer", "substrate", "assembly", "test"] = ""

    def build(self) -> Step:
        """Return the frozen step."""
        faults = {
            name: Faults(shape.mean, shape.yield_law(), shape.cluster)
            for name, shape in self.faults.items()
        }
        return Step(
            self.name,
            self.kind,
            self.cost_usd,
            self.scrap,
            faults,
            dict(self.uses),
            self.overlap,
            dict(self.coverage),
            dict(self.repair),
            self.overkill,
            self.fail_cost_fraction,
            self.category,
        )


class InputShape(Shape):
    """What a node joins."""

    node: Text
    count: Count = 1


class NodeShape(Shape):
    """A node; its tree is checked on the flow."""

    name: Text
    inputs: tuple[InputShape, ...] = ()
    steps: tuple[StepShape, ...] = ()


class FlowShape(Shape):
    """A whole flow file."""

    ship: Text
    nodes: tuple[NodeShape, ...]

    def build(self) -> Flow:
        """Return the checked flow."""
        nodes = (
            Node(
                node.name,
                tuple(Input(item.node, item.count) for item in node.inputs),
                tuple(step.build() for step in node.steps),
            )
            for node in self.nodes
        )
        return Flow(self.ship, tuple(nodes))
