"""A solution read as a plan: what is made, what waits, what is decided, what is scarce."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from yieldopt.plan import Recipe
from yieldopt.planning.master import Master
from yieldopt.planning.pools import Pool
from yieldopt.planning.setting import Setting
from yieldopt.planning.sheet import Array

_DUST = 1e-9  # shares of a demand below this are rounding of the linear programme
Row = Mapping[str, Any]
_DECIDED = ("qualification", "expansion", "booking")


@dataclass(frozen=True)
class Made:
    """Packages of a recipe in a period."""

    recipe: Recipe
    line: str
    product: int
    period: int
    packages: float


@dataclass(frozen=True)
class Outcome:
    """A plan in the words of the case; rows have the keys of the result's tables."""

    made: tuple[Made, ...]
    unmet: Array  # (products, periods)
    stock: tuple[Row, ...]
    late: tuple[Row, ...]
    decisions: tuple[Row, ...]
    resource_use: tuple[Row, ...]
    shadow_prices: tuple[Row, ...]


def outcome_of(master: Master, x: Array, duals: Array) -> Outcome:
    """Read a solution of a master programme.

    Parameters
    ----------
    master, x, duals
        The programme, a solution and the duals of its rows. With whole decisions the duals are
        those of the programme in which they are fixed.
    """
    setting = master.setting
    made = tuple(_made(master, x))
    unmet = np.zeros((len(setting.products), setting.periods))
    for number, product in enumerate(setting.products):
        unmet[number] = _unmet(setting, number, product.demand, master, x)
    return Outcome(
        made,
        unmet,
        tuple(_waiting(master, x, "stock")),
        tuple(_waiting(master, x, "late")),
        tuple(_decisions(master, x)),
        tuple(_use(master, x, made)),
        tuple(_shadow(master, duals)),
    )


def _dust(setting: Setting, product: int) -> float:
    return _DUST * max(float(setting.products[product].demand.max()), 1.0)


def _made(master: Master, x: Array) -> Iterator[Made]:
    """Yield recipes with their packages, by product, line and number, then period."""
    setting, packages = master.setting, master.fill(x)
    found: dict[tuple[int, int], dict[int, float]] = {}
    for at in np.flatnonzero(packages):
        slot = int(master.slot[at])
        number, period = int(setting.slot_pool[slot]), int(setting.slot_period[slot])
        if packages[at] > _dust(setting, setting.pools[number].product):
            key = number, int(master.recipe[at])
            found.setdefault(key, {})[period] = float(packages[at])
    for number, recipe in sorted(found):
        pool = setting.pools[number]
        named = _named(setting, number, pool, recipe)
        for period, amount in sorted(found[number, recipe].items()):
            yield Made(named, pool.line.name, pool.product, period, amount)


def _named(setting: Setting, number: int, pool: Pool, at: int) -> Recipe:
    """Return a recipe as it is on a line: its name, the line's cost and the line's resources."""
    own, line = pool.recipes[at], pool.line
    earlier = (
        len(other.recipes)
        for other in setting.pools[:number]
        if (other.product, other.line.name) == (pool.product, line.name)
    )
    uses: dict[str, float] = {}
    for name, used in own.uses_per_good.items():
        on = line.resources.get(name, name)
        uses[on] = uses.get(on, 0.0) + used
    extra = line.extra_usd_per_good
    return replace(
        own,
        id=f"{own.product}/{line.name}/{sum(earlier) + at + 1}",
        cost_per_good_usd=own.cost_per_good_usd + extra,
        waterfall_usd={**own.waterfall_usd} | ({"line": extra} if extra else {}),
        uses_per_good=uses,
        line=line.name,
    )


def _unmet(setting: Setting, number: int, demand: Array, master: Master, x: Array) -> Array:
    out = np.zeros(setting.periods)
    for (product, t), at in master.programme.indices("unmet").items():
        if product == number and x[at] > _dust(setting, number):
            out[t] = x[at]
    return out


def _waiting(master: Master, x: Array, kind: str) -> Iterator[Row]:
    setting = master.setting
    for (number, t), at in master.programme.indices(kind).items():
        product = number
        if x[at] > _dust(setting, product):
            name, period = setting.products[product].shape.name, setting.case.periods[t]
            yield {"product": name, "period": period, "packages": float(x[at])}


def _decisions(master: Master, x: Array) -> Iterator[Row]:
    """Yield lines entered, lumps ordered and shares booked, with the capital they take."""
    case = master.setting.case
    for at, column in enumerate(master.programme.columns):
        amount = float(round(x[at])) if column.integral else float(x[at])
        if column.kind not in _DECIDED or amount <= _DUST:
            continue
        number = column.key[0]
        product, period = None, case.periods[0]
        if column.kind == "qualification":
            name, product = column.key[1], case.products[number].name
            period = case.periods[column.key[2]]
        elif column.kind == "expansion":
            name, period = case.expansions[number].name, case.periods[column.key[1]]
        else:
            name = case.reservations[number].name
        cost = amount * math.fsum(flow.usd for flow in column.flows if flow.kind == "capital")
        yield {
            "kind": column.kind,
            "name": name,
            "product": product,
            "period": period,
            "amount": amount,
            "cost_usd": cost,
        }


def _use(master: Master, x: Array, made: tuple[Made, ...]) -> Iterator[Row]:
    """Yield use and capacity, with what was bought and booked on top."""
    setting = master.setting
    used: dict[tuple[str, int], list[float]] = {}
    for entry in made:
        for name, per_good in entry.recipe.uses_per_good.items():
            used.setdefault((name, entry.period), []).append(per_good * entry.packages)
    for resource in setting.case.resources:
        own = resource.capacity.over(setting.periods)
        more = _added(master, x, resource.name)
        for t, period in enumerate(setting.case.periods):
            yield {
                "resource": resource.name,
                "period": period,
                "used": math.fsum(used.get((resource.name, t), [])),
                "capacity": own[t] + float(more[t]),
            }


def _added(master: Master, x: Array, resource: str) -> Array:
    """Return capacity from lumps that stand and from what is booked, by period."""
    setting, out = master.setting, np.zeros(master.setting.periods)
    case = setting.case
    lumps = master.programme.indices("expansion")
    for number, lump in enumerate(case.expansions):
        if lump.resource == resource:
            out += lump.amount_per_period * np.array(lump.standing(setting.periods))
        for t in range(setting.periods) if lump.resource == resource else ():
            at = lumps.get((number, t))
            if at is not None:
                out[t + lump.lead_time_periods :] += lump.amount_per_period * round(x[at])
    booked = master.programme.indices("booking")
    for number, offer in enumerate(case.reservations):
        if offer.resource == resource:
            out += x[booked[number,]] * np.array(offer.capacity.over(setting.periods))
    return out


def _shadow(master: Master, duals: Array) -> Iterator[Row]:
    """Yield what one more unit of capacity saves: in its row, and in where surcharges begin."""
    setting = master.setting
    rows = master.programme.row_indices("capacity")
    steps = master.programme.row_indices("surcharge")
    for number, resource in enumerate(setting.case.resources):
        for t, period in enumerate(setting.case.periods):
            worth = float(duals[rows[number, t]])
            for step, surcharge in enumerate(resource.surcharges):
                worth += surcharge.above_frac * float(duals[steps[number, step, t]])
            price = max(0.0, -worth)
            yield {"resource": resource.name, "period": period, "usd_per_unit": price}
