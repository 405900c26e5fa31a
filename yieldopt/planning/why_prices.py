r"""What one more unit is worth: of a resource in a period, and of demand.

Both are slopes of the plan's value, whole decisions held, when the number in the case moves. More
of a resource moves its row and, where its last units are dear, the steps of the surcharge; more
demand moves its row, what may stay unmet, and the service level.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from yieldopt.optimize.budget import Budget
from yieldopt.planning.held import Held, Shift
from yieldopt.planning.pieces import Piece, is_on, piece
from yieldopt.planning.setting import Setting
from yieldopt.planning.sheet import Array, Key, Programme

NOTHING = 1e-9  # of the value: what all of a capacity is worth when it is not scarce
FIRST = 0.05  # of what there is: how far to look first
_STEP = 0.01  # of the demand: the step in which changes of the plan are seen
_DUST = 1e-6  # packages moved by one more

T = TypeVar("T")


@dataclass(frozen=True)
class Scarce:
    """A resource of which one more unit, or one less, changes the cost of the plan.

    Parameters
    ----------
    usd_per_unit, less_usd_per_unit
        What one more unit saves, and what one less costs, at the case's capacity [USD, discounted];
        they differ at a corner. ``None``: with one less no plan keeps the rules, or there is none
        to take away.
    low, high
        Capacities between which ``usd_per_unit`` holds; ``None``: not looked for, time ended; for
        high alone: it holds for any more (one more is worth nothing).
    """

    resource: str
    period: str
    unit: str
    capacity: float
    usd_per_unit: float
    less_usd_per_unit: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Moved:
    """Packages that one more package of demand adds (or takes away, below 0).

    ``kind``: made (then with a line), unmet, stock or late (at the end of the period).
    """

    kind: str
    product: str
    line: str | None
    period: str
    packages: float


@dataclass(frozen=True)
class Marginal:
    """One more package of demand.

    Parameters
    ----------
    usd_per_good
        What it costs [USD, discounted]; under ``margin`` less its sale. ``None``: no plan serves
        one more.
    low, high
        Demands between which that holds; ``None`` for low: not looked for, time ended; for high
        also where it holds to twice the demand.
    moved
        What changes in the plan.
    """

    product: str
    period: str
    demand: float
    usd_per_good: float | None
    low: float | None
    high: float | None
    moved: tuple[Moved, ...]


def scarce(held: Held, budget: Budget) -> Iterator[Scarce]:
    """Yield every resource and period that is scarce in a plan, in the order of the case.

    Parameters
    ----------
    held
        The plan with its whole decisions held.
    budget
        When it is spent ranges are no longer looked for; those of the dearest are looked for first.
    """
    rows = list(_priced(held))
    found = ranged(
        [row.price * row.have for row in rows], lambda at: _piece(held, rows[at]), budget
    )
    resources, periods = held.master.setting.case.resources, held.master.setting.case.periods
    for at, row in enumerate(rows):
        own, own_piece = resources[row.resource], found.get(at)
        name, period, unit = own.name, periods[row.period], own.unit or "unit"
        some = row.price if row.have > 0.0 else None
        if own_piece is None:
            yield Scarce(name, period, unit, row.have, row.price, some, None, None)
            continue
        low, high = _between(own_piece, row.have)
        less = -own_piece.below if np.isfinite(own_piece.below) and row.have > 0.0 else None
        price = max(0.0, -own_piece.slope)
        if max(price, -own_piece.below) > row.least:  # else: a corner of a price that is nothing
            yield Scarce(name, period, unit, row.have, price, less, low, high)


@dataclass(frozen=True)
class _Priced:
    resource: int
    period: int
    shift: Shift
    have: float
    price: float
    least: float  # a price that is nothing


def _priced(held: Held) -> Iterator[_Priced]:
    """Yield resources and periods that have a price at the duals of the plan."""
    setting, value = held.master.setting, abs(held.base.value)
    for number, resource in enumerate(setting.case.resources):
        for t, have in enumerate(resource.capacity.over(setting.periods)):
            shift = _capacity(held.programme, setting, number, t)
            price = -held.slope(shift, held.duals)
            least = NOTHING * max(value, 1.0) / max(have, 1.0)
            if price > least:
                yield _Priced(number, t, shift, have, price, least)


def _piece(held: Held, row: _Priced) -> Piece:
    # No cost is below 0: the saving ends at the latest where nothing is left to be saved.
    most = held.base.value / row.price
    return piece(held, row.shift, -row.have, most, FIRST * max(row.have, FIRST * most))


def ranged(worth: Sequence[float], look: Callable[[int], T], budget: Budget) -> dict[int, T]:
    """Return what was found in time, by number: the dearest are looked at first."""
    found: dict[int, T] = {}
    for at in sorted(range(len(worth)), key=lambda one: -abs(worth[one])):
        if budget.is_spent:
            break
        own = look(at)
        if not budget.is_spent:  # else: searches may have been cut off
            found[at] = own
    return found


def _between(found: Piece, have: float) -> tuple[float, float | None]:
    low = 0.0 if found.low is None else have + found.low
    return low, None if found.high is None else have + found.high


def _capacity(programme: Programme, setting: Setting, resource: int, period: int) -> Shift:
    rows = {programme.row_indices("capacity")[resource, period]: 1.0}
    surcharges = programme.row_indices("surcharge")
    for step, surcharge in enumerate(setting.case.resources[resource].surcharges):
        rows[surcharges[resource, step, period]] = surcharge.above_frac
    return Shift(rows)


def marginal(held: Held, budget: Budget) -> Iterator[Marginal]:
    """Yield what one more package of each product costs in each period with demand.

    Parameters
    ----------
    held, budget
        As for :func:`scarce`.
    """
    setting = held.master.setting
    rows = [
        (number, t)
        for number, product in enumerate(setting.products)
        for t in range(setting.periods)
        if product.capped and product.demand[t] > 0.0
    ]
    shifts = [_demand(held, *row) for row in rows]
    prices = [held.slope(shift, held.duals) for shift in shifts]
    asked = [float(setting.products[number].demand[t]) for number, t in rows]
    worth = [price * amount for price, amount in zip(prices, asked, strict=True)]
    found = ranged(worth, lambda at: _displaced(held, shifts[at], asked[at]), budget)
    for at, (number, t) in enumerate(rows):
        shape, sale = setting.products[number].shape, 0.0
        if setting.case.objective == "margin" and shape.price_usd is not None:
            sale = setting.discount[t] * shape.price_usd.base
        own = shape.name, setting.case.periods[t], asked[at]
        if at not in found:
            yield Marginal(*own, prices[at] - sale, None, None, ())
            continue
        looked, moved = found[at]
        usd = looked.slope - sale if np.isfinite(looked.slope) else None
        yield Marginal(*own, usd, *_between(looked, asked[at]), moved)


def _displaced(held: Held, shift: Shift, asked: float) -> tuple[Piece, tuple[Moved, ...]]:
    """Return over which demands a price holds, and what one more package changes."""
    found = piece(held, shift, -asked, asked, FIRST * asked)
    if not np.isfinite(found.slope):
        return found, ()
    # Within the piece, and far enough for the rounding of what is made of the whole demand.
    step = min(max(1.0, _STEP * asked), 0.5 * (asked if found.high is None else found.high))
    return found, tuple(_moved(held, shift, step, found.slope))


def _demand(held: Held, number: int, t: int) -> Shift:
    programme, product = held.programme, held.master.setting.products[number]
    rows = {programme.row_indices("demand")[number, t]: 1.0}
    service = programme.row_indices("service").get((number,))
    if service is not None:
        rows[service] = 1.0 - (product.shape.service_frac or 0.0)
    unmet = programme.indices("unmet").get((number, t))
    return Shift(rows, {} if unmet is None else {unmet: 1.0})


def _moved(held: Held, shift: Shift, step: float, slope: float) -> Iterator[Moved]:
    """Yield by how much the plan changes with one more unit of a shift, which has this slope.

    The plan is solved anew before, so that the next optimum is reached from its basis and is its
    neighbour, where several plans cost the same.
    """
    before, after = held.known(shift, 0.0) or held.at(), held.known(shift, step)
    if after is None or not is_on(held.base.value, slope, after, step):
        after = held.at(shift, step)
    if before.relaxed is None or after.relaxed is None:
        return
    count = max(len(before.relaxed.x), len(after.relaxed.x))
    change = (_padded(after.relaxed.x, count) - _padded(before.relaxed.x, count)) / step
    setting, master = held.master.setting, held.master
    table: dict[Key, float] = {}
    for at, packages in enumerate(master.fill(change)):
        slot = int(master.slot[at])
        pool = setting.pools[int(setting.slot_pool[slot])]
        key = ("made", pool.product, pool.line.name, int(setting.slot_period[slot]))
        table[key] = table.get(key, 0.0) + float(packages)
    for kind in ("unmet", "stock", "late"):
        for (product, t), column in held.programme.indices(kind).items():
            table[kind, product, None, t] = float(change[column])
    names = [product.shape.name for product in setting.products]
    for (kind, product, line, t), packages in table.items():
        if abs(packages) > _DUST:
            yield Moved(kind, names[product], line, setting.case.periods[t], packages)


def _padded(x: Array, count: int) -> Array:
    return np.concatenate([x, np.zeros(count - len(x))])
