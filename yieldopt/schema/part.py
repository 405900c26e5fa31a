"""The shape of a part file: made on a process, bought, bought in grades, or assembled."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from yieldopt.schema.base import (
    Category,
    Count,
    CountOrNone,
    Positive,
    QNonNegative,
    Shape,
    Size,
    Text,
    refused,
)

GRADE = "grade"  # the name of the choice between the grades of a part


class HarvestShape(Shape):
    """Which fault class falls on blocks that may be switched off."""

    fault_class: Text  # of the process, that falls on blocks
    blocks: Count  # on the die
    spares: CountOrNone  # blocks that may be bad
    source: Text

    @model_validator(mode="after")
    def _fewer(self) -> HarvestShape:
        if self.spares > self.blocks:
            raise refused("more spares than blocks", "spares")
        return self


class SlotFill(Shape):
    """``count`` units of a part in a slot of the route."""

    part: Text  # name of a part
    count: Count = 1  # units in the slot


class GradeShape(Shape):
    """A supplier's grade: what it costs and how many bad ones come in."""

    price_usd: QNonNegative  # of one [USD]
    incoming_dppm: QNonNegative  # bad per million delivered
    source: Text

    @model_validator(mode="after")
    def _some_good(self) -> GradeShape:
        if self.incoming_dppm.base >= 1e6:
            raise refused("must be below 1000000", "incoming_dppm")
        return self


class PartShape(Shape):
    """A part; how it comes to be decides which other keys it has."""

    name: Text
    title: Text
    source: Text
    category: Category  # where the waterfall books it
    point: Text | None = None  # where insertions may attach
    width_mm: Positive | None = None  # of the body [mm]
    height_mm: Positive | None = None  # of the body, in the plane [mm]
    size: Size | None = None  # taken from the product instead
    height_um: Positive | None = None  # across the plane: counts for the stack height [um]
    layers: Count | None = None  # build-up layers of a substrate
    process: Text | None = None  # made on this process
    harvest: HarvestShape | None = None  # blocks that may be switched off
    price_usd: QNonNegative | None = None  # bought, one [USD]
    price_usd_per_mm2: QNonNegative | None = None  # bought by area [USD/mm2]
    incoming_dppm: QNonNegative | None = None  # bad per million delivered
    fault_class: Text | None = None  # of the incoming DPPM
    resource: Text | None = None  # one unit of it per part
    lead_time_weeks: QNonNegative | None = None  # from order to delivery [weeks]
    grades: Annotated[dict[Text, GradeShape], Field(min_length=1)] | None = None  # a choice
    route: Text | None = None  # assembled: on this route, up to the node ``until``
    until: Text | None = None  # a node of that route; absent: its last
    slots: dict[Text, tuple[SlotFill, ...]] | None = None  # of that route, as of a product

    @property
    def area_mm2(self) -> float | None:
        """Its own footprint, where the file gives it."""
        if self.width_mm is None or self.height_mm is None:
            return None
        return self.width_mm * self.height_mm

    @model_validator(mode="after")
    def _one_origin(self) -> PartShape:
        origins = [key for key in _ORIGINS if getattr(self, key) is not None]
        if len(origins) != 1:
            raise refused(f"needs one of {', '.join(_ORIGINS)}")
        for key in sorted(_OF_AN_ORIGIN - _ORIGINS[origins[0]]):
            if getattr(self, key) is not None:
                raise refused(f"a part with {origins[0]} has no {key}", key)
        return self

    @model_validator(mode="after")
    def _complete(self) -> PartShape:
        fixed = self.area_mm2 is not None
        if (self.width_mm is None) != (self.height_mm is None) or (fixed and self.size):
            raise refused("needs both width_mm and height_mm, or size alone")
        for key in ("process", "price_usd_per_mm2"):
            if getattr(self, key) is not None and not fixed and not self.size:
                raise refused(f"a part with {key} needs width_mm and height_mm, or size")
        if self.grades and self.fault_class is None:
            raise refused("grades need a fault_class")
        if not self.grades and (self.incoming_dppm is None) != (self.fault_class is None):
            raise refused("incoming_dppm and fault_class go together")
        if self.incoming_dppm is not None and self.incoming_dppm.base >= 1e6:
            raise refused("must be below 1000000", "incoming_dppm")
        if self.route and (self.slots is None or not fixed):
            raise refused("an assembled part needs slots, width_mm and height_mm")
        return self


_ORIGINS: dict[str, set[str]] = {
    "process": {"harvest"},
    "price_usd": {"incoming_dppm", "fault_class", "resource", "lead_time_weeks"},
    "price_usd_per_mm2": {"incoming_dppm", "fault_class", "resource", "lead_time_weeks"},
    "grades": {"fault_class", "resource", "lead_time_weeks"},
    "route": {"until", "slots"},
}
_OF_AN_ORIGIN = set().union(*_ORIGINS.values())
