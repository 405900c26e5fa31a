"""The shape of a case file, and the checked case with its model library."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from yieldopt.errors import CaseError, Fault, UnknownName, near_miss
from yieldopt.schema.base import (
    ONE,
    Flag,
    Fraction,
    NonNegative,
    Pair,
    Positive,
    QNonNegative,
    QPositive,
    Quantity,
    Shape,
    Text,
    refused,
)
from yieldopt.schema.insertion import InsertionShape
from yieldopt.schema.origin import Origin
from yieldopt.schema.part import PartShape, SlotFill
from yieldopt.schema.plain import case_data
from yieldopt.schema.planning import (
    BudgetShape,
    ExpansionShape,
    Factors,
    LineShape,
    PerPeriod,
    ReservationShape,
    ResilienceShape,
    ResourceShape,
    ShareShape,
)
from yieldopt.schema.process import ProcessShape
from yieldopt.schema.route import RouteShape
from yieldopt.schema.rules import Levels, RulesShape
from yieldopt.shown import Shown


class ProductShape(RulesShape):
    """What is packaged: what fills the slots, how big, how many, how good."""

    name: Text
    title: Text | None = None
    source: Text | None = None
    routes: Annotated[tuple[Text, ...], Field(min_length=1)]  # those that may make it
    slots: dict[Text, tuple[SlotFill, ...]]  # by slot of the routes: parts, with how many of each
    interposer_mm: Pair | None = None  # [mm, mm]; needed where a route has such a body
    substrate_mm: Pair | None = None  # width, height of the package substrate [mm]
    power_w: Positive | None = None  # [W]; routes have a limit, and warpage may grow with it
    bump_pitch_um: Positive | None = None  # of its dies [um]; routes have a smallest
    test_time_factor: QPositive = ONE  # test seconds against those of the insertion's levels
    demand: PerPeriod = PerPeriod(each=0.0)  # good packages
    volume: Positive | None = None  # good packages over its life: bears the route's one-off cost
    present_route: Text | None = None  # where it is made today: another route adds its port cost
    shortage_cost_usd: QNonNegative | None = None  # per good package of demand unmet [USD]
    dppm_limit: Annotated[Positive, Field(le=1e6)] | None = None  # bad per million shipped, at most
    escape_cost_usd: QNonNegative | None = None  # per bad package shipped [USD]
    levels: dict[Text, Levels] = Field(default_factory=dict)  # "node/insertion" menus
    price_usd: QNonNegative | None = None  # of a good package [USD]
    holding_usd_per_period: QNonNegative | None = None  # of one in stock [USD]; absent: no stock
    stock_start_packages: NonNegative = 0.0  # good packages before the first period
    stock_most_packages: NonNegative | None = None  # good packages at the end of a period
    late_usd_per_period: QNonNegative | None = None  # of one late [USD]; absent: none is late
    service_frac: Fraction | None = None  # least share of the horizon's demand that is served
    qualified: tuple[Text, ...] | None = None  # lines; the others must be qualified; absent: all
    least_lot_packages: Positive | None = None  # good packages of a line in a period, or none
    one_programme: Flag = False  # one set of levels on a line, in every period
    dppm_pooled: Flag = False  # the limit holds over all that is shipped, not for each recipe
    barred_regions: tuple[Text, ...] = ()  # no line that stands in one of these makes it

    @model_validator(mode="after")
    def _borne(self) -> ProductShape:
        for key in ("stock_start_packages", "stock_most_packages"):
            if key in self.model_fields_set and self.holding_usd_per_period is None:
                raise refused("goes with holding_usd_per_period", key)
        if self.dppm_pooled and self.dppm_limit is None:
            raise refused("goes with dppm_limit", "dppm_pooled")
        if self.present_route is not None and self.volume is None and self.qualified is None:
            raise refused("without a volume nothing bears the cost of a port", "present_route")
        return self


class ScenarioShape(Shape):
    """A state of the world: its probability, and what is other in it than in the case."""

    name: Text
    title: Text | None = None
    probability: Annotated[Positive, Field(le=1.0)]  # of all scenarios together: 1
    override: dict[str, Any] = Field(default_factory=dict)  # as the case's own, over it
    demand_factor: Factors | None = None  # by product
    capacity_factor: Factors | None = None  # by resource: of its own, not of what is bought on top
    source: Text | None = None


class CaseShape(Shape):
    """The top level of a case file; products and what else is a list are checked one by one."""

    name: Text
    title: Text | None = None
    include: tuple[Text, ...] = ()  # folders of own model files, seen from the case
    override: dict[str, Any] = Field(default_factory=dict)  # of models: KIND.NAME.KEY = value
    insertions: tuple[Text, ...] | None = None  # those in play; absent: all of the library
    periods: Annotated[tuple[Text, ...], Field(min_length=1)] = ("all",)  # names, in their order
    period_weeks: Positive = 13.0  # length of a period [weeks]
    discount_frac_per_year: NonNegative = 0.0  # 0.08: money in a year counts 8 % less
    objective: Literal["cost", "margin"] = "cost"  # least cost, or largest margin over price_usd
    resources: list[Any] = Field(default_factory=list)  # what there is only so much of
    lines: list[Any] = Field(default_factory=list)  # a route at several places
    expansions: list[Any] = Field(default_factory=list)  # capacity that can be bought in lumps
    reservations: list[Any] = Field(default_factory=list)  # capacity that can be booked
    shares: list[Any] = Field(default_factory=list)  # of routes, sites, regions, vendors
    budgets: list[Any] = Field(default_factory=list)  # limits on money
    changes: list[Any] = Field(default_factory=list)  # models that read otherwise from a period on
    scenarios: list[Any] = Field(default_factory=list)  # states of the world
    resilience: ResilienceShape | None = None  # sites or regions that may be lost
    tables: list[Any] = Field(default_factory=list)  # their numbers are put in before
    products: Annotated[list[Any], Field(min_length=1)]  # what is packaged


@dataclass(frozen=True)
class Library:
    """Every model by name, the texts of sources, and which model of its kind one extends."""

    processes: Mapping[str, ProcessShape]
    parts: Mapping[str, PartShape]
    routes: Mapping[str, RouteShape]
    insertions: Mapping[str, InsertionShape]
    sources: Mapping[str, str] = field(default_factory=dict)
    broken: frozenset[str] = frozenset()  # all names in models that have faults of their own
    extends: Mapping[tuple[str, str], str] = field(default_factory=dict)  # by (kind, name)

    def without_echoes(self, faults: Iterable[Fault]) -> list[Fault]:
        """Drop "unknown …" faults that only echo a model which is there but broken."""
        return [
            fault
            for fault in faults
            if not (self.broken and fault.message.startswith("unknown") and self._echo(fault))
        ]

    def _echo(self, fault: Fault) -> bool:
        ends: tuple[str, ...] = (str(fault.value),)
        if fault.value is None:  # the name is the key itself
            ends = (fault.key.rpartition("/")[2].strip('"'), fault.key.rpartition(".")[2])
        return any(end in self.broken for end in ends)


@dataclass(frozen=True)
class Scenario:
    """A scenario of a case, as the case that it makes of it."""

    name: str
    probability: float
    case: Case
    source: str = ""


@dataclass(frozen=True)
class Change:
    """From a period on the models of a case read as in another."""

    period: int
    case: Case  # with all changes up to here
    source: str = ""


@dataclass(frozen=True)
class Case(Shown):
    """A checked case: every name resolves, every number is in range.

    ``origin`` is known of what ``yieldopt.load`` and :meth:`replace` return. It does not survive
    ``dataclasses.replace``: what is put in by that stands in no file. Numbers are in the units that
    their keys name: ``d0_per_cm2``, ``cost_usd``, ``interposer_mm``.

    Examples
    --------
    >>> from yieldopt import load
    >>> case = load("accelerators_2026")
    >>> len(case.products), case.periods[0], case.products[0].dppm_limit
    (6, '2026Q1', 500.0)
    >>> case.library.processes["n4p"].cost_usd.base  # USD per wafer
    16988.0
    """

    name: str
    title: str
    periods: tuple[str, ...]
    products: tuple[ProductShape, ...]
    resources: tuple[ResourceShape, ...]
    insertions: tuple[InsertionShape, ...] = field(repr=False)
    library: Library = field(repr=False)
    scenarios: tuple[Scenario, ...] = field(default=(), repr=False)
    period_weeks: float = 13.0
    discount_frac_per_year: float = 0.0
    objective: str = "cost"
    lines: tuple[LineShape, ...] = ()
    expansions: tuple[ExpansionShape, ...] = ()
    reservations: tuple[ReservationShape, ...] = ()
    shares: tuple[ShareShape, ...] = ()
    budgets: tuple[BudgetShape, ...] = ()
    changes: tuple[Change, ...] = field(default=(), repr=False)
    resilience: ResilienceShape | None = None
    origin: Origin | None = field(default=None, init=False, repr=False, compare=False)

    def replace(self, key: str | Mapping[str, Any], *value: Any) -> Case:
        """Return the case with other values, checked as a whole; this one stays as it is.

        Parameters
        ----------
        key
            A dotted key as of ``yieldopt.load(path, changes)``, in the unit that its name says; or
            several values at once, by dotted key.
        value
            The value, where ``key`` is one key: a number, a text, a list or a table, as in the
            file.

        Returns
        -------
        Case
            As of ``load(file, changes)``: changes made before hold too, the last over the others,
            and there are no scenarios. The case file is not read again; its models are.

        Raises
        ------
        CaseError
            Every fault of the case with the values, unknown keys among them; or the case did not
            come from a file.

        Examples
        --------
        >>> from yieldopt import load
        >>> case = load("minimal")
        >>> cleaner = case.replace("processes.n5.d0_per_cm2", 0.05)
        >>> cleaner.library.processes["n5"].d0_per_cm2.base
        0.05
        >>> both = cleaner.replace({"products.asic.dppm_limit": 500.0, "period_weeks": 4.0})
        >>> both.products[0].dppm_limit, both.library.processes["n5"].d0_per_cm2.base
        (500.0, 0.05)
        """
        if isinstance(key, str) != (len(value) == 1):
            raise TypeError("replace takes a key and a value, or one mapping of keys to values")
        if self.origin is None:
            hint = "replace values of a case that load gave, before anything else is done to it"
            raise CaseError(Fault("the case did not come from a file as it is", hint=hint))
        more = {key: value[0]} if isinstance(key, str) else dict(key)
        before = {k: v for k, v in self.origin.changes.items() if k not in more}
        return self.origin.reload(before | more)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data of what the case says itself, by the keys of a case file.

        Models are in ``library``; of scenarios and changes the names and the periods are told.

        Examples
        --------
        >>> from yieldopt import load
        >>> load("minimal").to_dict()["products"][0]["dppm_limit"]
        1000.0
        """
        return case_data(self)

    def product(self, name: str) -> ProductShape:
        """Return a product by name; ``UnknownName`` if there is none.

        Examples
        --------
        >>> from yieldopt import load
        >>> load("minimal").product("asic").interposer_mm  # width and height, mm
        (32.0, 44.0)
        """
        for product in self.products:
            if product.name == name:
                return product
        known = [product.name for product in self.products]
        raise UnknownName(Fault("unknown product", value=name, hint=near_miss(name, known)))


__all__ = [
    "Case",
    "CaseShape",
    "Change",
    "Library",
    "PerPeriod",
    "ProductShape",
    "Quantity",
    "ResourceShape",
    "Scenario",
    "ScenarioShape",
    "SlotFill",
]
