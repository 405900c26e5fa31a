r"""Why a line is not used: how much cheaper a good package would have to be there.

A recipe r joins once its cost falls by its reduced cost c̄ = c − y·a, priced exactly over every
recipe. Where several duals y are optimal each gives a bound from below only. So the recipe is
brought in by a little: the duals there are those at which it would join, and if no other recipe of
the line is cheaper at them, its reduced cost is the least saving that brings the line in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from yieldopt.compile.lines import Line, lines_of, usable_lines
from yieldopt.optimize.budget import Budget
from yieldopt.planning.held import Held, Shift, closed_by, without_opening
from yieldopt.planning.master import Node
from yieldopt.planning.opening import Opened, closed_words, opening
from yieldopt.planning.setting import Setting
from yieldopt.planning.sheet import MONEY, PACKAGES, Array

_MADE = 1e-9  # of a product's packages: less is rounding
_ROUNDS = 12
_TRIES = 6
_SAME = 1e-7  # of a cost per good package
_ON_LINE = 4e-9  # of the value: the linear programme's own rounding


@dataclass(frozen=True)
class Unused:
    """A line that a product could use, in the periods in which it makes nothing there.

    Parameters
    ----------
    periods
        Those periods.
    cost_per_good_usd, levels, period
        The recipe that would come in first, and when.
    cheaper_usd_per_good, enough_usd_per_good
        By how much it would have to be cheaper at least, and how much is enough [USD of that
        period]; nearly always the same. ``None``: in none of the periods does a package of that
        recipe fit under the rules, at any cost.
        Below 0 only where a decision that is held keeps the line closed.
    closed
        That decision, in words; with it ``cheaper_usd_per_good`` is what a package there costs
        more than what it would take the place of, the decision aside, in a period that ``opening``
        opens (or, if nothing was found to open it, that some start and run would).
    opening, opening_usd
        How the line would best be opened, by one start and one run where these are needed, and how
        much dearer the whole plan is then, its other decisions held [USD, discounted]: so much
        less would opening it have to cost. ``None``: not looked at, or no plan has it.
    """

    product: str
    line: str
    periods: tuple[str, ...]
    period: str
    cost_per_good_usd: float
    levels: Mapping[str, str]
    cheaper_usd_per_good: float | None
    enough_usd_per_good: float | None
    closed: str | None = None
    opening: str | None = None
    opening_usd: float | None = None


@dataclass(frozen=True)
class Excluded:
    """A route or a line that a product cannot take, and why."""

    product: str
    line: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class _Best:
    slot: int
    recipe: int
    usd: float  # by how much it would have to be cheaper, at the duals asked for


def excluded(setting: Setting) -> Iterator[Excluded]:
    """Yield routes that are ruled out and lines in barred regions."""
    for product in setting.products:
        name = product.shape.name
        out = [verdict for verdict in product.verdicts if not verdict.feasible]
        for verdict in out:
            yield Excluded(name, verdict.route, tuple(verdict.reasons))
        ruled_out = {verdict.route for verdict in out}
        usable = {line.name for line in usable_lines(setting.case, product.shape)}
        for line in lines_of(setting.case):
            open_ = line.route in product.shape.routes and line.route not in ruled_out
            if open_ and line.name not in usable:
                barred = sorted(line.regions & set(product.shape.barred_regions))
                yield Excluded(name, line.name, (f"barred region: {', '.join(barred)}",))


@dataclass(frozen=True)
class Idle:
    """A line on which a product makes nothing in some slots; ``wholly``: in none at all."""

    product: int
    line: Line
    slots: tuple[int, ...]
    wholly: bool


def idle_lines(held: Held, x: Array) -> list[Idle]:
    """Return the lines that a product could use and does not, in the order of the case.

    Parameters
    ----------
    held
        The plan with its whole decisions held.
    x
        The plan itself: of plans that cost the same it is the one that is shown.
    """
    setting = held.master.setting
    made = np.zeros(len(setting.slot_pool))
    packages = held.master.fill(x)
    np.add.at(made, held.master.slot[: len(packages)], packages)
    found = []
    for number, product in enumerate(setting.products):
        dust = _MADE * float(product.demand.sum())
        for line in setting.lines(number):
            own = setting.on_line(number, line.name)
            slots = tuple(int(slot) for slot in own if made[slot] <= dust)
            if slots:
                found.append(Idle(number, line, slots, len(slots) == len(own)))
    return found


def unused(held: Held, lines: Sequence[Idle], budget: Budget) -> tuple[Unused, ...]:
    """Return what lines lack that are not used, in their order.

    Parameters
    ----------
    held
        The plan with its whole decisions held.
    lines
        See :func:`idle_lines`.
    budget
        When it is spent no further line is looked at; those that lack least come first.
    """
    prices = held.programme.prices(held.duals)
    found: dict[int, Unused] = {}
    for at in sorted(range(len(lines)), key=lambda one: _lacks(held, lines[one], prices)):
        if budget.is_spent:
            break
        own = _weighed(held, lines[at], budget)
        if not budget.is_spent:  # else: searches may have been cut off
            found[at] = own
    return tuple(found[at] for at in sorted(found))


def _lacks(held: Held, idle: Idle, prices: Array) -> float:
    """Return what the recipes that are known lack at least, against the worth of a package."""
    setting, slots = held.master.setting, list(idle.slots)
    least = np.inf
    for number in np.unique(setting.slot_pool[slots]):
        own = [slot for slot in slots if setting.slot_pool[slot] == number]
        reduced = (setting.pools[int(number)].features @ prices[own].T).min(axis=0)
        least = min(least, float((reduced / np.maximum(-prices[own, PACKAGES], 1e-6)).min()))
    return least


def _weighed(held: Held, idle: Idle, budget: Budget) -> Unused:
    setting, period = held.master.setting, held.master.setting.slot_period
    number, line = idle.product, idle.line.name
    open_ = [s for s in idle.slots if closed_by(held, number, line, int(period[s])) is None]
    closed, opened = None, Opened()
    if open_:
        low, enough, best = _threshold(held, open_, idle.wholly)
    else:
        opened = opening(held, number, line, [int(period[s]) for s in idle.slots], budget)
        within = [s for s in idle.slots if int(period[s]) in opened.periods]
        best = _aside(held, within or idle.slots, idle.wholly)
        fits = within and (not opened.fixed or _fits(held, best, opened.node))
        low = enough = best.usd if fits else None
        closed = closed_words(held, number, line, int(period[best.slot]))
    pool = setting.pools[int(setting.slot_pool[best.slot])]
    return Unused(
        setting.products[number].shape.name,
        line,
        tuple(setting.case.periods[int(period[s])] for s in idle.slots),
        setting.case.periods[int(period[best.slot])],
        float(pool.features[best.recipe][MONEY]),
        pool.recipes[best.recipe].levels,
        low,
        enough,
        closed,
        opened.words,
        opened.usd,
    )


def _aside(held: Held, slots: Sequence[int], wholly: bool) -> _Best:
    """Price a line that a decision keeps closed without what opening it would cost."""
    return _cheapest(held, slots, without_opening(held.programme, held.duals), wholly)


def _fits(held: Held, best: _Best, node: Node) -> bool:
    """Whether some packages of a recipe fit once its line is open."""
    pool = held.master.setting.pools[int(held.master.setting.slot_pool[best.slot])]
    shift = _taken(held, best.slot, best.recipe)
    most = 1e-2 * float(held.master.setting.products[pool.product].demand.max())
    amounts = (most * 0.1**n for n in range(_TRIES))
    return any(held.at(shift, amount, node).relaxed is not None for amount in amounts)


Found = tuple[float | None, float | None, _Best]


def _threshold(held: Held, slots: list[int], wholly: bool) -> Found:
    """Return the least saving that can bring a line in, one that does, and the recipe.

    Slots in which no package of their cheapest recipe fits are left out: a ramp begins at nothing.
    """
    duals, low, enough, left = held.duals, -np.inf, np.inf, list(slots)
    chosen = None
    for _ in range(_ROUNDS + len(slots)):
        best = _cheapest(held, left, duals, wholly)
        forced = _forced(held, best)
        if forced is None:
            left.remove(best.slot)
            if left:
                continue
            return (None, None, best) if chosen is None else (low, max(low, enough), chosen)
        low = max(low, best.usd)
        usd, duals = forced
        if usd < enough:
            enough, chosen = usd, best
        if enough <= low + _SAME * max(1.0, abs(low)):
            break
    return low, max(low, enough), chosen or best


def _cheapest(held: Held, slots: Sequence[int], duals: Array, wholly: bool) -> _Best:
    """Return the recipe that would have to fall least, over every recipe of some slots."""
    setting, found = held.master.setting, []
    prices = held.programme.prices(duals)
    for slot in slots:
        number = int(setting.slot_pool[slot])
        pool = setting.pools[number]
        # A line without packages has no programme yet: any one may be its own.
        menus = None if wholly else held.master.menus(number)
        pool.price(prices[slot], menus)
        reduced = np.where(pool.allowed(menus), pool.features @ prices[slot], np.inf)
        recipe = int(reduced.argmin())
        found.append(_Best(slot, recipe, float(reduced[recipe] / prices[slot, MONEY])))
    return min(found, key=lambda best: best.usd)


def _forced(held: Held, best: _Best) -> tuple[float, Array] | None:
    """Bring a recipe in by a little: what it lacks at the duals there, and these.

    ``None``: no package of it fits under the rules.
    """
    setting = held.master.setting
    pool = setting.pools[int(setting.slot_pool[best.slot])]
    features, shift = pool.features[best.recipe], _taken(held, best.slot, best.recipe)
    amount = 1e-2 * float(setting.products[pool.product].demand.max())
    for _ in range(_TRIES):
        there = held.at(shift, amount)
        # On the first piece, if the tangent there goes through the plan as it is.
        if there.relaxed is not None:
            below = held.base.value - there.value + there.slope * amount
            if abs(below) <= _ON_LINE * max(1.0, abs(held.base.value)):
                prices = held.programme.prices(there.relaxed.duals)[best.slot]
                return float(features @ prices / prices[MONEY]), there.relaxed.duals
        amount *= 0.1
    return None


def _taken(held: Held, slot: int, recipe: int) -> Shift:
    """Return what a package of a recipe takes from every row."""
    setting, programme = held.master.setting, held.programme
    features = setting.pools[int(setting.slot_pool[slot])].features[recipe]
    rows: dict[int, float] = {}
    for entry in np.flatnonzero(programme.entry_slot == slot):
        row = int(programme.entry_row[entry])
        value = float(programme.entry_factor[entry] * features[programme.entry_feature[entry]])
        rows[row] = rows.get(row, 0.0) - value
    return Shift(rows)
