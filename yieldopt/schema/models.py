"""The shape of the model files: process, part, route, insertion."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from yieldopt.errors import CaseError
from yieldopt.physics.yields import Law
from yieldopt.schema.base import (
    Count,
    CountOrNone,
    NonNegative,
    Positive,
    QFraction,
    QNonNegative,
    QPositive,
    Quantity,
    Shape,
    Text,
)

ZERO = Quantity(base=0.0)
ONE = Quantity(base=1.0)
Pair = tuple[Positive, Positive]
Category = Literal["die", "memory", "interposer", "substrate", "assembly", "test"]
Size = Literal["interposer", "substrate"]


def _custom(text: str, key: str = "") -> PydanticCustomError:
    context = {"text": text} | ({"key": key} if key else {})
    return PydanticCustomError("model", "{text}", context)


class ProcessShape(Shape):
    """What is made on a wafer or panel: its cost, its defects, its geometry."""

    name: Text
    title: Text
    source: Text
    carrier: Literal["wafer", "panel"]
    resource: Text  # wafers or panels are counted under this name
    category: Category
    diameter_mm: Positive | None = None
    panel_mm: Pair | None = None
    edge_exclusion_mm: NonNegative
    street_mm: NonNegative
    reticle_mm: Pair | None = None  # largest single exposure; absent: stitched or maskless
    cost_usd: QNonNegative  # one wafer or panel
    line_scrap: QFraction = ZERO  # gross loss of whole wafers or panels
    d0_per_cm2: QNonNegative
    critical_area_frac: QFraction = ONE  # share of the body where a defect is a fault
    law: Text = "negative_binomial"
    alpha: QPositive | None = None
    layers: Count | None = None
    shares: Annotated[dict[Text, QFraction], Field(min_length=1)]  # of D0, by fault class

    @model_validator(mode="after")
    def _whole(self) -> ProcessShape:
        if self.carrier == "wafer" and self.diameter_mm is None:
            raise _custom("a wafer needs diameter_mm")
        if self.carrier == "panel" and self.panel_mm is None:
            raise _custom("a panel needs panel_mm = [width, height]")
        total = sum(share.base for share in self.shares.values())
        if abs(total - 1.0) > 1e-9:
            raise _custom(f"the shares sum to {total:.6g}, not to 1", "shares")
        try:
            self.yield_law()
        except CaseError as error:
            text = "; ".join(str(fault) for fault in error.faults)
            raise _custom(text, "law") from None
        return self

    def yield_law(self) -> Law:
        """Return the law of the whole body."""
        return Law(self.law, self.alpha.base if self.alpha else None, self.layers)


class HarvestShape(Shape):
    """Which fault class falls on blocks that may be switched off."""

    fault_class: Text
    blocks: Count
    spares: CountOrNone
    source: Text

    @model_validator(mode="after")
    def _fewer(self) -> HarvestShape:
        if self.spares > self.blocks:
            raise _custom("more spares than blocks", "spares")
        return self


class PartShape(Shape):
    """A part: made on a process, or bought."""

    name: Text
    title: Text
    source: Text
    category: Category
    point: Text | None = None  # where insertions may attach
    process: Text | None = None
    width_mm: Positive | None = None
    height_mm: Positive | None = None
    size: Size | None = None  # taken from the product instead
    harvest: HarvestShape | None = None
    price_usd: QNonNegative | None = None
    price_usd_per_mm2: QNonNegative | None = None
    incoming_dppm: QNonNegative | None = None
    fault_class: Text | None = None  # of the incoming DPPM
    resource: Text | None = None  # one unit of it per part (bought parts)
    height_um: Positive | None = None

    @model_validator(mode="after")
    def _made_or_bought(self) -> PartShape:
        fixed = self.width_mm is not None and self.height_mm is not None
        if (self.width_mm is None) != (self.height_mm is None) or (fixed and self.size):
            raise _custom("needs both width_mm and height_mm, or size alone")
        if self.process:
            if not fixed and not self.size:
                raise _custom("a made part needs width_mm and height_mm, or size")
            for key in ("price_usd", "price_usd_per_mm2", "incoming_dppm", "fault_class"):
                if getattr(self, key) is not None:
                    raise _custom(f"a part made on a process has no {key}", key)
            if self.resource is not None:
                raise _custom("a made part uses its process's resource", "resource")
        elif (self.price_usd is None) == (self.price_usd_per_mm2 is None):
            raise _custom("needs a process, or one of price_usd and price_usd_per_mm2")
        elif self.price_usd_per_mm2 is not None and not fixed and not self.size:
            raise _custom("a price per mm2 needs width_mm and height_mm, or size")
        elif (self.incoming_dppm is None) != (self.fault_class is None):
            raise _custom("incoming_dppm and fault_class go together")
        elif self.incoming_dppm is not None and self.incoming_dppm.base >= 1e6:
            raise _custom("must be below 1000000", "incoming_dppm")
        if self.harvest and not self.process:
            raise _custom("only a part made on a process can be harvested", "harvest")
        return self


class LatentShape(Shape):
    """Latent faults that a work step or a test leaves, per unit of its basis.

    Either the mean number, or the yield that it stands for (converted under its own law).
    """

    mean: QNonNegative | None = None
    yield_frac: QFraction | None = None
    alpha: QPositive | None = None
    source: Text | None = None

    @model_validator(mode="after")
    def _one(self) -> LatentShape:
        if (self.mean is None) == (self.yield_frac is None):
            raise _custom("needs one of mean and yield_frac")
        if self.yield_frac is not None and self.yield_frac.base <= 0.0:
            raise _custom("must be above 0", "yield_frac")
        return self


class RouteStepShape(Shape):
    """One of ``make``, ``join``, ``work``, ``point``; ``make`` and ``join`` begin a node."""

    make: Text | None = None
    part: Text | None = None  # a part's name
    join: Text | None = None
    inputs: tuple[Text, ...] = ()  # nodes, and @slots that the product fills
    work: Text | None = None
    per: Literal["start", "part", "mm2", "site"] = "start"
    of: tuple[Text, ...] = ()  # per part: the @slots that are counted
    area: Size = "interposer"  # per mm2: whose area
    process: Text | None = None  # work done on a process: its cost, defects and carriers
    cost_usd: QNonNegative = ZERO
    scrap: QFraction = ZERO
    faults: dict[Text, LatentShape] = Field(default_factory=dict)
    uses: dict[Text, QNonNegative] = Field(default_factory=dict)
    category: Category = "assembly"
    point: Text | None = None
    source: Text | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> RouteStepShape:
        kinds = [key for key in ("make", "join", "work", "point") if getattr(self, key)]
        if len(kinds) != 1:
            raise _custom("is one of make, join, work, point")
        allowed = {
            "make": {"make", "part"},
            "join": {"join", "inputs"},
            "point": {"point"},
            "work": set(type(self).model_fields) - {"make", "part", "join", "inputs", "point"},
        }[kinds[0]]
        for key in sorted(self.model_fields_set - allowed):
            raise _custom(f"a {kinds[0]} step has no {key}", key)
        if self.make and not self.part:
            raise _custom("make needs a part")
        if self.join and not self.inputs:
            raise _custom("join needs inputs")
        if (self.per == "part") != bool(self.of):
            raise _custom("per = 'part' and of = ['@slot', …] go together")
        if self.process and self.per not in ("start", "site"):
            raise _custom("work on a process is per start or per site", "per")
        return self


class LimitsShape(Shape):
    """What a route cannot exceed; an absent key is no limit."""

    interposer_mm2: QPositive | None = None
    power_w: QPositive | None = None
    bump_pitch_um: QPositive | None = None  # smallest pitch that it bonds
    stack_height_um: QPositive | None = None
    substrate_side_mm: QPositive | None = None


class SiteShape(Shape):
    """Where a route runs."""

    name: Text
    region: Text


class RouteShape(Shape):
    """A packaging route, free of any product through slots and points."""

    name: Text
    title: Text
    source: Text
    carrier: Text  # the node whose sites carry work that is paid per site
    sites: Annotated[tuple[SiteShape, ...], Field(min_length=1)]
    lead_time_weeks: QNonNegative
    limits: LimitsShape = LimitsShape()
    steps: Annotated[tuple[RouteStepShape, ...], Field(min_length=2)]


class LevelShape(Shape):
    """One level of an insertion; all absent is "off"."""

    source: Text | None = None
    seconds: QNonNegative = ZERO
    cost_usd: QNonNegative = ZERO  # consumables of one touch
    coverage: dict[Text, QFraction] = Field(default_factory=dict)
    bad_die_detection: QFraction | None = None  # chance that a bad part is caught
    repair: dict[Text, QFraction] = Field(default_factory=dict)
    overkill: QFraction = ZERO
    damage: dict[Text, LatentShape] = Field(default_factory=dict)
    fail_cost_fraction: QFraction = ONE

    @model_validator(mode="after")
    def _one_way(self) -> LevelShape:
        if self.coverage and self.bad_die_detection is not None:
            raise _custom("gives coverage or bad_die_detection, not both", "bad_die_detection")
        return self


class TesterShape(Shape):
    """What a test runs on: hours are counted under ``resource``, the hourly rates add up."""

    resource: Text
    usd_per_h: Annotated[dict[Text, QNonNegative], Field(min_length=1)]


class InsertionShape(Shape):
    """A test insertion: where it may attach, on which tester, at which levels."""

    name: Text
    title: Text
    source: Text
    points: Annotated[tuple[Text, ...], Field(min_length=1)]
    overlap: Literal["nested", "independent"]
    tester: TesterShape
    levels: Annotated[dict[Text, LevelShape], Field(min_length=1)]

    @model_validator(mode="after")
    def _has_off(self) -> InsertionShape:
        off = self.levels.get("off")
        if off is None:
            raise _custom('needs a level "off"', "levels")
        if off != LevelShape(source=off.source):
            raise _custom('level "off" covers, costs and does nothing', "levels")
        return self


KINDS: dict[str, type[ProcessShape | PartShape | RouteShape | InsertionShape]] = {
    "processes": ProcessShape,
    "parts": PartShape,
    "routes": RouteShape,
    "insertions": InsertionShape,
}
