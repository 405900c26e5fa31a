r"""What easing a rule is worth: budgets, shares, service levels, limits of stock and DPPM, lots.

The number of a budget, a service level, a limit of stock and a least lot is a side of a row or a
bound: the price is a slope of the plan's value as it moves, exact between its ends. The number m of
a share or of pooled DPPM multiplies a total X that is itself planned:

    Σ_in x − m·X ≤ 0 ,     dV/dm = X·dV/d(side)

So there the slope is exact at the case's number, and beyond it where X stays; where X does not, the
saving of one whole step is planned anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from yieldopt.optimize.budget import Budget
from yieldopt.planning.held import Held, Shift
from yieldopt.planning.master import Master
from yieldopt.planning.pieces import Piece, piece
from yieldopt.planning.sheet import PACKAGES, SHIPPED, Array, Index
from yieldopt.planning.why_prices import FIRST, NOTHING, ranged

_INSIDE = 1e-3  # of a range: how far before its end its total is read
_EXACT = 1e-8  # of the value: the rounding of two plans
_STAYS = 1e-6  # relative: a total that moves less stays

Total = tuple[Index, int]  # slots, and the feature that is summed


@dataclass(frozen=True)
class Eased:
    """A rule that binds, and what it is worth to ease it.

    Parameters
    ----------
    kind, rule
        ``budget``, ``share``, ``service``, ``stock``, ``quality`` or ``lot``; and its words.
    value, unit, step
        The number in the case, what it counts, and a step of it (below 0: less eases the rule).
    usd_per_step, less_usd_per_step
        What a step saves, and what a step the other way costs [USD, discounted]; they differ at a
        corner. ``None``: no plan keeps the rules with the rule any tighter.
    low, high
        Numbers between which ``usd_per_step`` holds; both the number itself where ``stays`` is
        false. ``None``: not looked for, time ended; for
        high alone: it holds for any more.
    stays
        What the rule is a share of stays as it is between them, so the price holds there. If not,
        it is the slope at the number itself, and no range is given.
    step_usd
        Then: what one whole step saves, planned anew; ``None``: not looked for, or no room for it.
    binds
        Where it binds, in words.
    """

    kind: str
    rule: str
    value: float
    unit: str
    step: float
    usd_per_step: float
    less_usd_per_step: float | None
    low: float | None
    high: float | None
    stays: bool = True
    step_usd: float | None = None
    binds: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Number:
    """A number of the case; ``shift`` moves it by one in the direction that eases the rule."""

    kind: str
    rule: str
    value: float
    unit: str
    step: float
    shift: Shift
    most: float  # how far it can be eased
    least: float  # and tightened
    totals: tuple[Total, ...] = ()  # what it is a share of, row by row


def eased(held: Held, budget: Budget) -> tuple[Eased, ...]:
    """Return the rules that have a price, in the order of the case.

    Parameters
    ----------
    held
        The plan with its whole decisions held.
    budget
        When it is spent ranges are no longer looked for; those of the dearest are looked for first.
    """
    size, rows = NOTHING * max(abs(held.base.value), 1.0), []
    for number in (*_budgets(held), *_shares(held), *_of_products(held)):
        price = -held.slope(number.shift, held.duals)
        if price * max(number.value, abs(number.step)) > size:
            rows.append((number, price))
    worth = [price * max(number.value, abs(number.step)) for number, price in rows]
    found = ranged(worth, lambda at: _looked(held, *rows[at]), budget)
    out = (_eased(held, *row, found.get(at)) for at, row in enumerate(rows))
    return tuple(row for row in out if row is not None)


@dataclass(frozen=True)
class _Looked:
    piece: Piece
    stays: bool
    step_usd: float | None


def _looked(held: Held, number: _Number, price: float) -> _Looked:
    """Return how far a price goes, and whether the totals stay that far."""
    # No cost is below 0: the saving ends at the latest where nothing is left to be saved.
    most = min(number.most, max(held.base.value / price, abs(number.step)))
    first = max(FIRST * min(number.value, most), 0.5 * abs(number.step))
    found = piece(held, number.shift, -number.least, most, first)
    ends = (-number.least if found.low is None else found.low, found.high or most)
    inside = [(1.0 - _INSIDE) * end for end in ends if end]
    stays = all(_stays(held, number, amount, found.slope * amount) for amount in inside)
    step = abs(number.step)
    whole = (
        None if stays or number.most < step else held.base.value - _replanned(held, number, step)
    )
    return _Looked(found, stays, whole)


def _replanned(held: Held, number: _Number, amount: float) -> float:
    """Return the value of the plan with a number that multiplies a total, eased by an amount.

    The total's factor is -m in a share, and 1 - m in a limit of DPPM.
    """
    by = float(np.sign(number.step)) * amount * (1.0 if number.kind == "share" else 1e-6)
    programme = held.programme
    own = np.isin(programme.entry_row, list(number.shift.rows))
    of_total = programme.entry_factor == -number.value
    if number.kind == "quality":
        of_total = programme.entry_feature == SHIPPED
    factor = np.where(own & of_total, programme.entry_factor - by, programme.entry_factor)
    master = Master(held.master.setting, replace(programme, entry_factor=factor), "highs")
    master.add(held.master.slot, held.master.recipe)
    return Held(master, held.node).base.value


def _stays(held: Held, number: _Number, amount: float, more: float) -> bool:
    """Whether the totals stay so far, and a plan with that number costs so much more."""
    if not number.totals:
        return True
    there = held.known(number.shift, amount)
    if there is None or there.relaxed is None:
        return False
    x, base = there.relaxed.x, held.base.value
    pairs = ((_total(held, total, held.x), _total(held, total, x)) for total in number.totals)
    if any(abs(after - before) > _STAYS * max(before, 1.0) for before, after in pairs):
        return False
    return abs(_replanned(held, number, amount) - base - more) <= _EXACT * max(1.0, abs(base))


def _total(held: Held, total: Total, x: Array) -> float:
    """Return the sum of a feature over what a plan makes in some slots."""
    slots, feature = total
    master, made = held.master, held.master.fill(x)
    inside = np.isin(master.slot[: len(made)], slots)
    return float(made[inside] @ master.features[: len(made)][inside, feature])


def _eased(held: Held, number: _Number, price: float, found: _Looked | None) -> Eased | None:
    step, binds = abs(number.step), tuple(_binds(held, number))
    same = number.kind, number.rule, number.value, number.unit, number.step
    if found is None:
        own_usd = price * step
        return Eased(*same, own_usd, own_usd, None, None, not number.totals, None, binds)
    own = found.piece
    usd = max(0.0, -own.slope)
    less = -own.below if np.isfinite(own.below) else None
    if max(usd, less or usd) * max(number.value, step) <= NOTHING * max(abs(held.base.value), 1.0):
        return None  # a corner of a price that is nothing
    low = number.least if own.low is None else -own.low
    high = number.most if own.high is None else own.high
    sign = np.sign(number.step)
    ends = sorted((float(number.value - sign * low), float(number.value + sign * high)))
    dearer = None if less is None else less * step
    top = ends[1] if np.isfinite(ends[1]) else None
    if not found.stays:
        ends, top = [number.value], number.value
    return Eased(*same, usd * step, dearer, ends[0], top, found.stays, found.step_usd, binds)


def _binds(held: Held, number: _Number) -> Iterator[str]:
    """Yield the rows and columns of a number that have a price."""
    names, columns = held.programme.row_names, held.programme.columns
    for row, by in number.shift.rows.items():
        if -held.slope(Shift({row: by}), held.duals) > 0.0 and len(number.shift.rows) > 1:
            yield names[row]
    for column, by in number.shift.uppers.items():
        if -held.slope(Shift({}, {column: by}), held.duals) > 0.0:
            yield columns[column].name


def _budgets(held: Held) -> Iterator[_Number]:
    rows = held.programme.row_indices("budget")
    for budget in held.master.setting.case.budgets:
        shift, most = Shift({rows[budget.name,]: 1.0}), budget.most_usd
        yield _Number("budget", f"budget {budget.name}", most, "USD", 1.0, shift, np.inf, most)


def _shares(held: Held) -> Iterator[_Number]:
    programme, setting = held.programme, held.master.setting
    for share in setting.case.shares:
        for is_most, value in ((True, share.most_frac), (False, share.least_frac)):
            moved: dict[int, float] = {}
            totals: list[Total] = []
            for row, (kind, key) in enumerate(
                zip(programme.row_kinds, programme.row_keys, strict=True)
            ):
                own = kind == "share" and key[0] == share.name
                if own and np.isneginf(programme.row_lower[row]) == is_most:
                    when = key[3].removeprefix(" in ")
                    t = setting.case.periods.index(when) if when else None
                    totals.append((setting.slots(key[1], t), PACKAGES))
                    total = _total(held, totals[-1], held.x)
                    moved[row] = total if is_most else -total
            if value is not None and moved:
                words = f"share {share.name}, {'at most' if is_most else 'at least'}"
                way = 0.01 if is_most else -0.01
                room, least = (1.0 - value, value) if is_most else (value, 1.0 - value)
                yield _Number(
                    "share",
                    words,
                    value,
                    "of packages",
                    way,
                    Shift(moved),
                    room,
                    least,
                    tuple(totals),
                )


def _of_products(held: Held) -> Iterator[_Number]:
    """Yield service levels, limits of pooled DPPM and of stock, and least lots."""
    programme, setting = held.programme, held.master.setting
    service, quality = (programme.row_indices(kind) for kind in ("service", "quality"))
    lots, stock = programme.row_indices("lot"), programme.indices("stock")
    runs = programme.indices("run")
    for n, product in enumerate(setting.products):
        shape, asked = product.shape, float(product.demand.sum())
        share, limit, lot = shape.service_frac, shape.dppm_limit, shape.least_lot_packages
        if (n,) in service and share is not None:
            words, shift = f"service level of {shape.name}, at least", Shift({service[n,]: asked})
            yield _Number("service", words, share, "of demand", -0.01, shift, share, 1.0 - share)
        if (n,) in quality and limit is not None:
            own = (setting.slots(n), SHIPPED)
            shift = Shift({quality[n,]: 1e-6 * _total(held, own, held.x)})
            words = f"pooled DPPM of {shape.name}, at most"
            yield _Number("quality", words, limit, "DPPM", 1.0, shift, 1e6 - limit, limit, (own,))
        if shape.stock_most_packages is not None and product.stocked:
            most, words = shape.stock_most_packages, f"stock of {shape.name}, at most"
            shift = Shift({}, {at: 1.0 for key, at in stock.items() if key[0] == n})
            yield _Number("stock", words, most, "packages", 1.0, shift, np.inf, most)
        run = {row: -1.0 for key, row in lots.items() if key[0] == n
               and held.node.bounds[runs[key]][0] > 0.5}  # fmt: skip
        if lot is not None and run:
            words, room = f"least lot of {shape.name}", product.makeable
            yield _Number("lot", words, lot, "packages", -1.0, Shift(run), lot, room)
