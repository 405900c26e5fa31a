"""What every input shape is built from: strict frozen models, and numbers with their source."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictStr,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError


class Shape(BaseModel):
    """Base of every declared shape: unknown keys refused, nothing converted, frozen."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False
    )


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PydanticCustomError("number", "must be a number")
    return value


def _whole(value: Any) -> Any:
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    if not plain or not abs(value) < 2**53 or value != int(value):
        raise PydanticCustomError("whole_number", "must be a whole number")
    return int(value)


LARGEST = 1e12  # beyond any price, amount or density: solvers take 1e20 for infinite
Text = Annotated[StrictStr, Field(min_length=1)]
Flag = StrictBool
Number = Annotated[float, BeforeValidator(_number)]
Modest = Annotated[Number, Field(le=LARGEST)]
NonNegative = Annotated[Modest, Field(ge=0.0)]
Positive = Annotated[Modest, Field(gt=0.0)]
Fraction = Annotated[Number, Field(ge=0.0, le=1.0)]
Count = Annotated[int, BeforeValidator(_whole), Field(ge=1, le=10**9)]
CountOrNone = Annotated[int, BeforeValidator(_whole), Field(ge=0, le=2**53 - 1)]


class Quantity(Shape):
    """A number with its range and source: a plain number, or ``{low, base, high, source}``."""

    base: Modest
    low: Modest | None = None
    high: Modest | None = None
    source: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        if isinstance(value, dict | Quantity):
            return value
        return {"base": value}

    @model_validator(mode="after")
    def _ordered(self) -> Quantity:
        low = self.base if self.low is None else self.low
        high = self.base if self.high is None else self.high
        if not low <= self.base <= high:
            raise PydanticCustomError("range_order", "must satisfy low <= base <= high")
        return self

    def __float__(self) -> float:
        return self.base


def _within(low: float, high: float, open_low: bool = False) -> AfterValidator:
    bound = f"above {low:g}" if open_low else f"at least {low:g}"
    text = f"must be {bound}" if high == float("inf") else f"must be between {low:g} and {high:g}"

    def check(quantity: Quantity) -> Quantity:
        for value in (quantity.low, quantity.base, quantity.high):
            if value is not None and not (low <= value <= high and (value > low or not open_low)):
                raise PydanticCustomError("out_of_range", "{text}", {"text": text})
        return quantity

    return AfterValidator(check)


def _said(**bounds: float) -> Any:
    """Return bounds for the JSON Schema of a quantity, which a check in Python does not show."""
    return Field(json_schema_extra={"within": dict(bounds)})


QNonNegative = Annotated[Quantity, _within(0.0, float("inf")), _said(minimum=0.0)]
QPositive = Annotated[
    Quantity, _within(0.0, float("inf"), open_low=True), _said(exclusiveMinimum=0.0)
]
QFraction = Annotated[Quantity, _within(0.0, 1.0), _said(minimum=0.0, maximum=1.0)]

ZERO = Quantity(base=0.0)
ONE = Quantity(base=1.0)
Pair = tuple[Positive, Positive]
Category = Literal["die", "memory", "interposer", "substrate", "assembly", "test"]
Size = Literal["interposer", "substrate"]


def _overlap(value: Any) -> Any:
    if isinstance(value, str):
        if value not in ("nested", "independent"):
            raise PydanticCustomError("overlap", "must be one of 'nested' or 'independent'")
    elif not 0.0 <= _number(value) <= 1.0:
        raise PydanticCustomError("overlap", "must be between 0 and 1: the nested share")
    return value


# How a test overlaps earlier ones; a number is the nested share of one in between.
Overlap = Annotated[
    str | float,
    BeforeValidator(_overlap),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "enum": ["nested", "independent"]},
                {"type": "number", "minimum": 0.0, "maximum": 1.0},
            ]
        }
    ),
]


def refused(text: str, key: str = "") -> PydanticCustomError:
    """Return the error of a check across keys; ``key`` names the one to point at."""
    context = {"text": text} | ({"key": key} if key else {})
    return PydanticCustomError("model", "{text}", context)
