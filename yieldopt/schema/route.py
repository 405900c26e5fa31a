"""The shape of a route file: steps, limits, sites; and latent faults as files give them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from yieldopt.schema.base import (
    ZERO,
    Category,
    Count,
    CountOrNone,
    Positive,
    QFraction,
    QNonNegative,
    QPositive,
    Shape,
    Size,
    Text,
    refused,
)


class BumpsShape(Shape):
    """Joints under a part: how many, how often one fails, and what redundancy forgives."""

    fail_ppb: QNonNegative  # chance of one joint to fail, in 10⁻⁹
    pitch_um: QPositive | None = None  # [um]; absent: the product's bump pitch
    group: Annotated[Count, Field(le=10_000)] = 1  # signals that share spares
    spares: Annotated[CountOrNone, Field(le=10_000)] = 0  # joints that may fail in a group

    @model_validator(mode="after")
    def _chance(self) -> BumpsShape:
        if self.fail_ppb.base >= 1e9:
            raise refused("must be below 1e9: it is a chance in 10⁻⁹", "fail_ppb")
        return self


class WarpageShape(Shape):
    """Faults of a warped body at a reference body, and the powers with which they grow.

    A product without power, or a substrate without layers, counts as the reference in that.
    """

    mean: QNonNegative  # faults at the reference body
    reference_side_mm: Positive  # [mm]
    side_exponent: QNonNegative  # power of side
    reference_layers: Count  # build-up layers
    layer_exponent: QNonNegative  # power of layers
    reference_power_w: Positive  # [W]
    power_exponent: QNonNegative  # power of power_w


class LatentShape(Shape):
    """Latent faults that a work step or a test leaves, per unit of its basis.

    The mean number; or the yield that it stands for (converted under its own law); or what gives
    the mean of a part's joints or of a warped body.
    """

    mean: QNonNegative | None = None  # faults per unit
    yield_frac: QFraction | None = None  # share of units without such a fault
    bumps: BumpsShape | None = None  # the mean comes from joints
    warpage: WarpageShape | None = None  # the mean comes from a warped body
    alpha: QPositive | None = None  # clustering of a negative binomial; absent: Poisson
    source: Text | None = None

    @model_validator(mode="after")
    def _one(self) -> LatentShape:
        forms = ("mean", "yield_frac", "bumps", "warpage")
        if sum(getattr(self, form) is not None for form in forms) != 1:
            raise refused(f"needs one of {', '.join(forms)}")
        if self.yield_frac is not None and self.yield_frac.base <= 0.0:
            raise refused("must be above 0", "yield_frac")
        return self


class ReworkShape(Shape):
    """A failing unit is tried again, up to ``tries`` times."""

    success_frac: QFraction  # of one try
    tries: Count  # at most
    cost_usd: QNonNegative  # of one try [USD]
    source: Text


class RouteStepShape(Shape):
    """One of ``make``, ``join``, ``work``, ``point``; ``make`` and ``join`` begin a node."""

    make: Text | None = None  # begins a node of this name from a part
    part: Text | None = None  # a part's name
    join: Text | None = None  # begins a node of this name from its inputs
    inputs: tuple[Text, ...] = ()  # nodes, and @slots that the product fills
    blind: tuple[Text, ...] = ()  # @slots joined as whole wafers: no part of them is taken out
    work: Text | None = None  # a step of this name on the node before
    per: Literal["start", "part", "layer", "mm2", "site"] = "start"  # its basis
    of: tuple[Text, ...] = ()  # per part or layer: the @slots that are counted
    growth_frac_per_layer: QNonNegative = ZERO  # per layer: of scrap and faults, layer on layer
    area: Size = "interposer"  # per mm2: whose area
    process: Text | None = None  # work done on a process: its cost, defects and carriers
    cost_usd: QNonNegative = ZERO  # per unit of the basis [USD]
    scrap: QFraction = ZERO  # visible loss per unit of the basis [fraction]
    rework: ReworkShape | None = None  # of what would be scrapped
    faults: dict[Text, LatentShape] = Field(default_factory=dict)  # per unit of basis, by class
    uses: dict[Text, QNonNegative] = Field(default_factory=dict)  # per unit of basis, by resource
    category: Category = "assembly"  # where the waterfall books it
    point: Text | None = None  # where insertions may attach
    source: Text | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> RouteStepShape:
        kinds = [key for key in ("make", "join", "work", "point") if getattr(self, key)]
        if len(kinds) != 1:
            raise refused("is one of make, join, work, point")
        allowed = {
            "make": {"make", "part"},
            "join": {"join", "inputs", "blind"},
            "point": {"point"},
            "work": set(type(self).model_fields) - _OF_OTHERS,
        }[kinds[0]]
        for key in sorted(self.model_fields_set - allowed):
            raise refused(f"a {kinds[0]} step has no {key}", key)
        if self.make and not self.part:
            raise refused("make needs a part")
        if self.join and not self.inputs:
            raise refused("join needs inputs")
        if self.rework is not None and self.scrap.base <= 0.0 and self.process is None:
            raise refused("there is no scrap to rework", "rework")
        if (self.per in ("part", "layer")) != bool(self.of):
            raise refused("per = 'part' or 'layer' and of = ['@slot', …] go together")
        if self.growth_frac_per_layer.base > 0.0 and self.per != "layer":
            raise refused("growth goes with per = 'layer'", "growth_frac_per_layer")
        for slot in self.blind:
            if slot not in self.inputs:
                raise refused(f"{slot} is none of the inputs", "blind")
        for name, latent in self.faults.items():
            if latent.bumps and self.per != "part":
                raise refused("bumps are those of parts: per = 'part'", f"faults.{name}.bumps")
            if latent.warpage and self.per != "start":
                raise refused("a body warps once: per = 'start'", f"faults.{name}.warpage")
        if self.process and self.per not in ("start", "site"):
            raise refused("work on a process is per start or per site", "per")
        return self


_OF_OTHERS = {"make", "part", "join", "inputs", "blind", "point"}


class LimitsShape(Shape):
    """What a route cannot exceed; an absent key is no limit."""

    interposer_mm2: QPositive | None = None  # area [mm2]
    power_w: QPositive | None = None  # [W]
    bump_pitch_um: QPositive | None = None  # smallest pitch that it bonds [um]
    stack_height_um: QPositive | None = None  # of parts on the interposer [um]
    substrate_side_mm: QPositive | None = None  # the longer one [mm]
    logic_reticles: QPositive | None = None  # silicon of category "die", in fields of 858 mm2


class SiteShape(Shape):
    """Where a route runs."""

    name: Text  # of the place
    region: Text  # that it lies in


class RouteShape(Shape):
    """A packaging route, free of any product through slots and points."""

    name: Text
    title: Text
    source: Text
    carrier: Text | None = None  # the node whose sites carry work that is paid per site
    composite_from: Text | None = None  # whose starts the composite yield counts; the carrier's
    sites: Annotated[tuple[SiteShape, ...], Field(min_length=1)]  # where it runs: all are needed
    lead_time_weeks: QNonNegative  # from the order to the first package [weeks]
    cycle_time_weeks: QNonNegative | None = None  # from the first step to shipment [weeks]
    one_off_cost_usd: QNonNegative = ZERO  # masks, tooling, qualification of a product [USD]
    port_cost_usd: QNonNegative = ZERO  # on top, when it comes from another route [USD]
    exit_cost_usd: QNonNegative = ZERO  # on top, when it leaves for a route of no common site [USD]
    limits: LimitsShape = LimitsShape()  # what it cannot exceed
    steps: Annotated[tuple[RouteStepShape, ...], Field(min_length=2)]  # in their order
