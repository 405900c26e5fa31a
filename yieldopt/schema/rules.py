"""What every plan of a product must keep: rules on levels and resource use, keys of a product."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from yieldopt.schema.base import Count, CountOrNone, Fraction, NonNegative, Shape, Text, refused


def _different(places: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(places)) < max(len(places), 2):
        raise refused("needs two or more different insertions")
    return places


Levels = Annotated[tuple[Text, ...], Field(min_length=1)]
Places = Annotated[tuple[Text, ...], AfterValidator(_different)]


class MoveShape(Shape):
    """Test content that can stand at several places: at ``least`` to ``most`` of them it does."""

    places: Places  # "node/insertion"
    least: CountOrNone = 1  # places in use
    most: Count = 1  # places in use
    resting: Text = "off"  # the level of a place that is not in use

    @model_validator(mode="after")
    def _ordered(self) -> MoveShape:
        if self.least > len(self.places):
            raise refused("exceeds the number of places", "least")
        if self.least > self.most:
            raise refused("must not exceed most", "least")
        return self


class RulesShape(Shape):
    """Keys of a product; places are ``"node/insertion"``, and hold on the routes that have them."""

    forbidden_levels: dict[Text, Levels] = Field(default_factory=dict)  # by "node/insertion"
    least_coverage: dict[Text, dict[Text, Fraction]] = Field(default_factory=dict)  # by fault class
    same_level: tuple[Places, ...] = ()  # groups of places that take one level
    moves: tuple[MoveShape, ...] = ()  # test content that can stand at several places
    use_limits_per_good: dict[Text, NonNegative] = Field(default_factory=dict)  # by resource
