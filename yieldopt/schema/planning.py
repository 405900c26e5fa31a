"""What a case says of time and scarcity beyond demand and capacity: lines, lumps, shares, money."""

from __future__ import annotations

import itertools
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from yieldopt.schema.base import (
    ZERO,
    CountOrNone,
    Flag,
    Fraction,
    NonNegative,
    Positive,
    QNonNegative,
    Shape,
    Text,
    refused,
)
from yieldopt.schema.route import SiteShape

_PER_PERIOD: list[set[str]] = [{"each"}, {"values"}]


class PerPeriod(Shape):
    """A number for every period alike, or a list of one number per period."""

    each: NonNegative | None = None
    values: tuple[NonNegative, ...] | None = None

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        if isinstance(value, PerPeriod) or (isinstance(value, dict) and set(value) in _PER_PERIOD):
            return value
        if isinstance(value, dict):
            raise refused("must be a number, or a list of one number per period")
        return {"values": value} if isinstance(value, list | tuple) else {"each": value}

    def over(self, periods: int) -> tuple[float, ...]:
        """Return one number per period."""
        return self.values if self.values is not None else (self.each or 0.0,) * periods


class SurchargeShape(Shape):
    """What a unit costs on top when more than a share of the capacity is used (overtime, rush)."""

    above_frac: Fraction  # of the capacity of the period
    usd_per_unit: NonNegative  # on top, of every unit above [USD]


class ResourceShape(Shape):
    """What there is only so much of."""

    name: Text
    capacity: PerPeriod  # [unit per period]: one number, or one for each period
    unit: Text | None = None  # what it is counted in: wafers, hours, units
    vendor: Text | None = None  # who owns it
    site: Text | None = None  # gone when the site is lost
    region: Text | None = None  # gone when the region is lost
    fixed_usd_per_period: QNonNegative = ZERO  # paid whether it is used or not [USD]
    surcharges: tuple[SurchargeShape, ...] = ()  # dearer last units, rising
    source: Text

    @model_validator(mode="after")
    def _convex(self) -> ResourceShape:
        steps = [(s.above_frac, s.usd_per_unit) for s in self.surcharges]
        rising = all(a[0] < b[0] and a[1] < b[1] for a, b in itertools.pairwise(steps))
        if not rising:
            raise refused("shares and surcharges must both rise", "surcharges")
        return self


class LineShape(Shape):
    """A route at a place: its own sites, and resources of its own in place of the route's."""

    name: Text
    route: Text  # that runs on it
    sites: Annotated[tuple[SiteShape, ...], Field(min_length=1)] | None = None  # the route's
    resources: dict[Text, Text] = Field(default_factory=dict)  # the route's name: the line's
    extra_usd_per_good: QNonNegative = ZERO  # freight, duty [USD per good package]
    source: Text


class ExpansionShape(Shape):
    """Capacity that can be bought in lumps."""

    name: Text
    resource: Text  # whose capacity grows
    amount_per_period: Positive  # of one lump, from when it stands [unit per period]
    cost_usd: QNonNegative  # of one lump, paid when it is ordered [USD]
    running_usd_per_period: QNonNegative = ZERO  # of one lump that stands, used or not [USD]
    lead_time_periods: CountOrNone  # from the order until it stands [periods]
    most: CountOrNone = 1  # lumps that can be ordered over the horizon
    committed: tuple[CountOrNone, ...] = ()  # ordered before: by the period from which they stand
    source: Text

    def standing(self, periods: int) -> tuple[int, ...]:
        """Return how many lumps that were ordered before stand in each period."""
        return tuple(sum(self.committed[: t + 1]) for t in range(periods))


class ReservationShape(Shape):
    """Capacity that can be booked: a share of what is offered, for the whole horizon."""

    name: Text
    resource: Text  # whose capacity it adds to
    capacity: PerPeriod  # offered, on top of the resource's own [unit per period]
    prepayment_usd_per_unit: QNonNegative = ZERO  # of every unit booked, in the first period [USD]
    take_or_pay_frac: Fraction = 0.0  # of what is booked: it is paid also when it is not taken
    usd_per_unit_not_taken: QNonNegative = ZERO  # of what is owed and not taken [USD]
    committed: Flag = False  # signed already: all of it is booked
    source: Text


class ShareShape(Shape):
    """A limit on the share of a product's good packages that a place or a supplier has."""

    name: Text
    product: Text | None = None  # absent: of each product
    line: Text | None = None  # whose share it is: one of these five, or each
    route: Text | None = None  # whose share it is
    site: Text | None = None  # whose share it is
    region: Text | None = None  # whose share it is
    vendor: Text | None = None  # whose resources the line uses
    each: Literal["line", "route", "site", "region", "vendor"] | None = None  # dual sourcing
    most_frac: Fraction | None = None  # 0 to 1
    least_frac: Fraction | None = None  # 0 to 1
    per: Literal["horizon", "period"] = "horizon"  # over all periods together, or in every one
    source: Text

    @model_validator(mode="after")
    def _one_kind(self) -> ShareShape:
        kinds = ("line", "route", "site", "region", "vendor", "each")
        if sum(getattr(self, kind) is not None for kind in kinds) != 1:
            raise refused(f"needs one of {', '.join(kinds)}")
        if self.most_frac is None and self.least_frac is None:
            raise refused("needs most_frac or least_frac")
        if self.each is not None and self.least_frac is not None:
            raise refused("goes with most_frac", "each")
        return self


class BudgetShape(Shape):
    """A limit on money, as paid (not discounted)."""

    name: Text
    of: Literal["capital", "all"]  # capital: expansions, qualifications, prepayments
    most_usd: NonNegative  # in these periods together [USD]
    periods: tuple[Text, ...] | None = None  # absent: over the whole horizon
    source: Text


class ChangeShape(Shape):
    """From a period on, models read otherwise: learning, a price that falls."""

    begins: Text  # a period
    override: dict[str, Any]  # as the case's own, over it
    source: Text


class Factors(Shape):
    """A factor for all names alike, or one for each that is named; the others keep 1."""

    each: NonNegative | None = None
    by_name: dict[Text, NonNegative] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        if isinstance(value, Factors):
            return value
        return {"by_name": value} if isinstance(value, dict) else {"each": value}

    def of(self, name: str) -> float:
        """Return the factor of a name."""
        return self.by_name.get(name, 1.0) if self.each is None else self.each


class ResilienceShape(Shape):
    """What may be lost from a period on: any one site or region, one at a time."""

    begins: Annotated[Text, Field(alias="from")]  # a period; what is decided before knows nothing
    lose: Literal["site", "region"] | None = None  # any one that products or resources stand in
    names: tuple[Text, ...] | None = None  # these alone, sites or regions
    probability: Fraction | None = None  # of each loss; absent: the worst of them counts
    service_frac: Fraction | None = None  # least share of each product's demand under any loss
    source: Text

    @model_validator(mode="after")
    def _one_way(self) -> ResilienceShape:
        if (self.lose is None) == (self.names is None):
            raise refused("needs one of lose, names")
        return self
