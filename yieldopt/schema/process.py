"""The shape of a process file: what is made on a wafer or panel, and its defects."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from yieldopt.errors import CaseError
from yieldopt.physics.yields import Law
from yieldopt.schema.base import (
    ONE,
    ZERO,
    Category,
    Count,
    NonNegative,
    Pair,
    Positive,
    QFraction,
    QNonNegative,
    QPositive,
    Shape,
    Text,
    refused,
)


class StitchShape(Shape):
    """Seams between the exposures of a body that exceeds one field."""

    field_mm: Pair  # width, height of one exposure [mm]
    faults_per_mm: QNonNegative  # of seam [1/mm]
    fault_class: Text  # of the seams' faults
    source: Text


class ProcessShape(Shape):
    """What is made on a wafer or panel: its cost, its defects, its geometry."""

    name: Text
    title: Text
    source: Text
    carrier: Literal["wafer", "panel"]  # what bodies are made on
    resource: Text  # wafers or panels are counted under this name
    category: Category  # where the waterfall books it
    diameter_mm: Positive | None = None  # of a wafer [mm]
    panel_mm: Pair | None = None  # width, height of a panel [mm]
    edge_exclusion_mm: NonNegative  # rim that carries no body [mm]
    street_mm: NonNegative  # between bodies, for the saw [mm]
    reticle_mm: Pair | None = None  # largest single exposure [mm]; absent: stitched or maskless
    stitch: StitchShape | None = None  # seams of bodies that exceed one field
    cost_usd: QNonNegative  # one wafer or panel [USD]
    cycle_time_weeks: QNonNegative | None = None  # of parts of a slot: from start to sort [weeks]
    line_scrap: QFraction = ZERO  # gross loss of whole wafers or panels
    d0_per_cm2: QNonNegative  # defects, all classes together [1/cm2]
    critical_area_frac: QFraction = ONE  # share of the body where a defect is a fault
    law: Text = "negative_binomial"  # yield law of the defects
    alpha: QPositive | None = None  # clustering of a negative binomial; small: clustered
    layers: Count | None = None  # of Bose-Einstein
    shares: Annotated[dict[Text, QFraction], Field(min_length=1)]  # of D0, by fault class

    @model_validator(mode="after")
    def _whole(self) -> ProcessShape:
        if self.carrier == "wafer" and self.diameter_mm is None:
            raise refused("a wafer needs diameter_mm")
        if self.carrier == "panel" and self.panel_mm is None:
            raise refused("a panel needs panel_mm = [width, height]")
        total = sum(share.base for share in self.shares.values())
        if abs(total - 1.0) > 1e-9:
            raise refused(f"the shares sum to {total:.6g}, not to 1", "shares")
        if self.stitch is not None and self.stitch.fault_class in self.shares:
            raise refused("is a class of the shares too: seams are faults of their own",
                          "stitch.fault_class")  # fmt: skip
        try:
            self.yield_law()
        except CaseError as error:
            text = "; ".join(" ".join((f.message, f.hint)).strip() for f in error.faults)
            raise refused(text, "law") from None
        return self

    def yield_law(self) -> Law:
        """Return the law of the whole body."""
        return Law(self.law, self.alpha.base if self.alpha else None, self.layers)
