"""What there is to decide: products, their pools of recipes, slots, resources, time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from yieldopt.compile.lines import Line, usable_lines
from yieldopt.compile.schedule import in_periods
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.candidates import Candidate
from yieldopt.optimize.weighing import candidate_like
from yieldopt.plan import RouteVerdict
from yieldopt.planning.pools import Pool
from yieldopt.planning.sheet import USES, Array, Index, Key
from yieldopt.schema.case import Case, ProductShape

_WEEKS = 52.0


@dataclass(frozen=True)
class Product:
    """A product in a plan.

    Parameters
    ----------
    shape, demand
        As the case gives it, and good packages by period (periods,); one in the first where the
        case asks for none.
    capped
        False where the case asks for none: it is solved for information and takes no capacity.
    verdicts
        Of its routes, each by itself.
    is_open
        Time ended on a route that may be cheaper than all others.
    firm, may_fall_short
        Demand must be met; and whether a row may leave some unmet: also where no line can make it.
    """

    shape: ProductShape
    demand: Array
    capped: bool
    verdicts: tuple[RouteVerdict, ...]
    is_open: bool
    firm: bool
    may_fall_short: bool

    @property
    def stocked(self) -> bool:
        """Whether packages can wait for their demand."""
        return self.capped and self.shape.holding_usd_per_period is not None

    @property
    def late(self) -> bool:
        """Whether demand can wait for its packages."""
        return self.capped and self.shape.late_usd_per_period is not None

    @property
    def stock_most(self) -> float:
        """Most packages in stock: no more than all demand, or than what there is at the start."""
        most, start = self.shape.stock_most_packages, self.shape.stock_start_packages
        return max(float(self.demand.sum()), start) if most is None else most

    @cached_property
    def servable(self) -> Array:
        """Most packages that are worth making in each period (periods,).

        Demand of the period, what stock can hold, and demand of earlier periods that waits.
        """
        out = self.demand + (self.stock_most if self.stocked else 0.0)
        waiting = np.cumsum(self.demand) - self.demand
        return out + (waiting if self.late else 0.0)

    @property
    def makeable(self) -> float:
        """Most packages that any plan makes over the horizon."""
        return float(self.demand.sum()) + (self.stock_most if self.stocked else 0.0)


@dataclass(frozen=True)
class Group:
    """Slots whose packages serve the same demand, which bounds how many are worth making.

    Parameters
    ----------
    slots
        The slots.
    most, makeable
        Most packages of all of them in each period (periods,), and over the horizon.
    is_open
        As of the product.
    demand
        For each period, keys of the demand rows that a package enters.
    """

    slots: Index
    most: Array
    makeable: float
    is_open: bool
    demand: tuple[tuple[Key, ...], ...]


@dataclass(frozen=True)
class Setting:
    """A case as the planner sees it.

    ``slot_product`` and so on give for each slot the number of its product, pool and period;
    ``given`` its groups, where they are not those of a case alone.
    """

    case: Case
    products: tuple[Product, ...]
    pools: tuple[Pool, ...]
    discount: tuple[float, ...]
    slot_product: Index
    slot_pool: Index
    slot_period: Index
    given: tuple[Group, ...] = ()

    @property
    def periods(self) -> int:
        """Number of periods."""
        return len(self.discount)

    @cached_property
    def resource_number(self) -> Mapping[str, int]:
        """Number of each resource of the case."""
        return {r.name: i for i, r in enumerate(self.case.resources)}

    def slots(self, product: int | None = None, period: int | None = None) -> Index:
        """Return the slots of a product, or of a period, or of both."""
        chosen = np.ones(len(self.slot_pool), bool)
        if product is not None:
            chosen &= self.slot_product == product
        if period is not None:
            chosen &= self.slot_period == period
        return np.flatnonzero(chosen)

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Slots that serve the same demand: those of each product."""
        if self.given:
            return self.given
        periods = range(self.periods)
        return tuple(
            Group(
                self.slots(n), p.servable, p.makeable, p.is_open, tuple(((n, t),) for t in periods)
            )
            for n, p in enumerate(self.products)
        )

    @cached_property
    def counted(self) -> Index:
        """Slots that take capacity."""
        return np.flatnonzero([self.products[p].capped for p in self.slot_product])

    def line_of(self, slot: int) -> Line:
        """Return the line of a slot."""
        return self.pools[int(self.slot_pool[slot])].line

    def lines(self, product: int) -> list[Line]:
        """Return the lines on which a product has slots, in order."""
        mine = (pool.line for pool in self.pools if pool.product == product)
        return list({line.name: line for line in mine}.values())

    def on_line(self, product: int, line: str, period: int | None = None) -> Index:
        """Return the slots of a product on a line."""
        found = self.slots(product, period)
        return found[[self.line_of(s).name == line for s in found]] if len(found) else found

    def vendors(self, pool: int) -> frozenset[str]:
        """Return whose resources the recipes of a pool use."""
        listed = self.case.resources
        used = (listed[at - USES].vendor for at in self.pools[pool].feature_of.values())
        return frozenset(vendor for vendor in used if vendor is not None)

    def is_qualified(self, product: int, line: Line) -> bool:
        """Whether a product may run on a line without a decision."""
        listed = self.products[product].shape.qualified
        return listed is None or line.name in listed or line.route in listed

    def qualification_periods(self, line: Line) -> int:
        """Return how many periods pass before a line that is entered can make packages."""
        weeks = self.case.library.routes[line.route].lead_time_weeks.base
        return int(np.ceil(in_periods(weeks, self.case.period_weeks)))


def discounts(case: Case) -> tuple[float, ...]:
    """Return the worth today of a dollar of each period."""
    years = case.period_weeks / _WEEKS
    return tuple(
        (1.0 + case.discount_frac_per_year) ** (-t * years) for t in range(len(case.periods))
    )


def setting_of(case: Case, budget: Budget) -> Setting:
    """Weigh every route of every product, and lay out pools and slots.

    Parameters
    ----------
    case
        The checked case.
    budget
        Time that the searches have.
    """
    products: list[Product] = []
    pools: list[Pool] = []
    places: list[tuple[int, int, int]] = []  # product, pool, period of each slot
    for number, shape in enumerate(case.products):
        epochs = list(_epochs(case, shape, budget))
        product = _product(case, shape, epochs)
        products.append(product)
        for line in usable_lines(case, shape):
            for candidate, periods in _stretches(epochs, line):
                open_periods = [t for t in periods if product.servable[t] > 0.0]
                if open_periods:
                    slots = tuple(range(len(places), len(places) + len(open_periods)))
                    pools.append(
                        _pool(case, number, product, line, candidate, slots, tuple(open_periods))
                    )
                    places += [(number, len(pools) - 1, t) for t in open_periods]
    table = np.array(places, np.intp).reshape(-1, 3)
    return Setting(
        case, tuple(products), tuple(pools), discounts(case), table[:, 0], table[:, 1], table[:, 2]
    )


Epoch = tuple[dict[str, Candidate], tuple[RouteVerdict, ...], range]


def _epochs(case: Case, shape: ProductShape, budget: Budget) -> Iterator[Epoch]:
    """Yield candidates by route, verdicts and periods for each state of the models."""
    starts = [(0, case)] if not case.changes or case.changes[0].period else []
    starts += [(change.period, change.case) for change in case.changes]
    ends = [begin for begin, _ in starts[1:]] + [len(case.periods)]
    before: dict[str, Candidate] = {}
    for (begin, models), end in zip(starts, ends, strict=True):
        found, verdicts = {}, []
        for name in shape.routes:
            held = before.get(name)
            candidate, verdict = candidate_like(models, shape, name, budget, held)
            verdicts.append(verdict)
            if candidate is not None:
                found[name] = candidate
        before = found
        yield found, tuple(verdicts), range(begin, end)


def _product(case: Case, shape: ProductShape, epochs: list[Epoch]) -> Product:
    asked = np.array(shape.demand.over(len(case.periods)), float)
    capped = bool(asked.any())
    if not capped:
        asked[0] = 1.0
    soft = shape.shortage_cost_usd is not None or shape.service_frac is not None
    firm = not soft and case.objective == "cost"
    # One for information is made whatever its shortage would cost; a pooled limit may forbid it.
    must = firm or not (capped or shape.dppm_pooled)
    return Product(
        shape,
        asked,
        capped,
        epochs[0][1],
        any(verdict.stopped for _, own, _ in epochs for verdict in own),
        firm,
        not (must and any(found for found, _, _ in epochs)),
    )


def _stretches(epochs: list[Epoch], line: Line) -> Iterator[tuple[Candidate, list[int]]]:
    """Yield the candidates of a line with the periods in which their models hold."""
    held: list[tuple[Candidate, list[int]]] = []
    for found, _, periods in epochs:
        candidate = found.get(line.route)
        if candidate is None:
            continue
        if held and held[-1][0] is candidate:
            held[-1][1].extend(periods)
        else:
            held.append((candidate, list(periods)))
    yield from held


def _pool(
    case: Case,
    number: int,
    product: Product,
    line: Line,
    candidate: Candidate,
    slots: tuple[int, ...],
    periods: tuple[int, ...],
) -> Pool:
    numbers = {r.name: USES + i for i, r in enumerate(case.resources)}
    named = {name: line.resources.get(name, name) for name in sorted(candidate.resources)}
    feature_of = {name: numbers[own] for name, own in named.items() if own in numbers}
    width = USES + len(numbers)
    owed = frozenset(numbers[offer.resource] for offer in case.reservations)
    return Pool(number, line, candidate, slots, periods, feature_of, width, product.capped, owed)
