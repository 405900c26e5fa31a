"""The shape of an insertion file: where it attaches, on which tester, at which levels."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from yieldopt.physics.coverage_curve import coverage_after
from yieldopt.schema.base import (
    ONE,
    ZERO,
    Count,
    Overlap,
    Positive,
    QFraction,
    QNonNegative,
    QPositive,
    Quantity,
    Shape,
    Text,
    refused,
)
from yieldopt.schema.route import LatentShape


class BurnInShape(Shape):
    """Stress that makes early-life failures happen before shipment (Weibull, β < 1)."""

    fault_class: Text  # whose faults are the failures that the field would see
    hours: QNonNegative  # of stress [h]
    acceleration: QPositive  # field hours that an hour of stress is worth
    beta: QPositive  # Weibull shape, at most 1
    eta_h: QPositive  # Weibull scale, in field hours [h]
    field_h: QPositive  # field hours that the mean of the class counts [h]

    @model_validator(mode="after")
    def _early(self) -> BurnInShape:
        if self.beta.base > 1.0:
            raise refused("must be at most 1: burn-in removes nothing of wear-out", "beta")
        return self


class LevelShape(Shape):
    """One level of an insertion; all absent is "off"."""

    source: Text | None = None
    touches: Count = 1  # hot and cold are two; each takes the seconds and does the damage
    seconds: QNonNegative = ZERO  # test time of one touch [s]
    cost_usd: QNonNegative = ZERO  # consumables of one touch [USD]
    coverage: dict[Text, QFraction] = Field(default_factory=dict)  # fault mass looked at, by class
    bad_die_detection: QFraction | None = None  # chance that a bad part is caught
    repair: dict[Text, QFraction] = Field(default_factory=dict)  # share of found ones mended
    overkill: QFraction = ZERO  # good units rejected [fraction]
    damage: dict[Text, LatentShape] = Field(default_factory=dict)  # faults of a touch, by class
    fail_cost_fraction: QFraction = ONE  # below 1: the test stops at the first fail
    burn_in: BurnInShape | None = None  # stress that makes early failures happen here

    @model_validator(mode="after")
    def _one_way(self) -> LevelShape:
        if self.coverage and self.bad_die_detection is not None:
            raise refused("gives coverage or bad_die_detection, not both", "bad_die_detection")
        if self.burn_in is not None and self.bad_die_detection is not None:
            raise refused("burn-in and bad_die_detection are levels of their own", "burn_in")
        return self


class ProbeCardShape(Shape):
    """A card and how many touchdowns it lives; each touch of a unit pays its share."""

    usd: QNonNegative  # of a card [USD]
    life_touchdowns: QPositive  # that a card lives
    source: Text


class TesterShape(Shape):
    """What a test runs on: hours are counted under ``resource``, the hourly rates add up."""

    resource: Text  # its hours are counted under this name
    usd_per_h: Annotated[dict[Text, QNonNegative], Field(min_length=1)]  # rates [USD/h]
    sites: Count = 1  # units tested at once
    multi_site_efficiency: QFraction = ONE  # 1: two sites test twice as many
    index_s: QNonNegative = ZERO  # handling between touchdowns [s]
    probe_card: ProbeCardShape | None = None  # each touch pays its share


class CurveShape(Shape):
    """Levels by test time: coverage T_max·(1 − e^(−t/τ)) of each class at each of the seconds."""

    seconds: Annotated[tuple[Positive, ...], Field(min_length=1)]  # a level at each [s]
    max_coverage_frac: dict[Text, QFraction]  # T_max by fault class
    tau_s: dict[Text, QPositive]  # time constant by fault class [s]
    level: LevelShape  # what else a level has: overkill, damage, …
    source: Text

    @model_validator(mode="after")
    def _same_classes(self) -> CurveShape:
        if set(self.max_coverage_frac) != set(self.tau_s):
            raise refused("max_coverage_frac and tau_s name different classes", "tau_s")
        if len({f"{seconds:g}" for seconds in self.seconds}) < len(self.seconds):
            raise refused("two of them print alike: their levels would have one name", "seconds")
        if self.level.coverage or self.level.seconds.base > 0.0:
            raise refused("coverage and seconds come from the curve", "level")
        return self

    def levels(self) -> dict[str, LevelShape]:
        """Return the levels that the curve stands for, named by their seconds."""
        out = {}
        for seconds in self.seconds:
            coverage = {
                name: Quantity(
                    base=float(
                        coverage_after(
                            seconds, max_coverage_frac=limit.base, tau_s=self.tau_s[name].base
                        )
                    )
                )
                for name, limit in self.max_coverage_frac.items()
            }
            own = {"seconds": Quantity(base=seconds), "coverage": coverage, "source": self.source}
            out[f"t{seconds:g}"] = self.level.model_copy(update=own)
        return out


class InsertionShape(Shape):
    """A test insertion: where it may attach, on which tester, at which levels."""

    name: Text
    title: Text
    source: Text
    points: Annotated[tuple[Text, ...], Field(min_length=1)]  # of routes and parts
    overlap: Overlap  # with earlier tests of the same faults; a number: the nested share
    tester: TesterShape  # what it runs on
    levels: Annotated[dict[Text, LevelShape], Field(min_length=1)]  # by name, with "off"
    curve: CurveShape | None = None  # further levels

    @model_validator(mode="after")
    def _has_off(self) -> InsertionShape:
        off = self.levels.get("off")
        if off is None:
            raise refused('needs a level "off"', "levels")
        if off != LevelShape(source=off.source):
            raise refused('level "off" covers, costs and does nothing', "levels")
        return self

    @model_validator(mode="after")
    def _other_names(self) -> InsertionShape:
        for name in self.curve.levels() if self.curve else ():
            if name in self.levels:
                raise refused(f"level {name!r} is on the curve too", "levels")
        return self

    def menu(self) -> dict[str, LevelShape]:
        """Return every level by name, those of the curve last."""
        return self.levels | (self.curve.levels() if self.curve else {})
