r"""Futures: states of the world that a plan may meet, each a setting and a programme of its own.

A loss keeps the case's models and searches: only slots and capacity are gone from a period on. What
stands at the lost place is still paid for; what was booked there is no longer owed, nor can it be
taken. Limits on shares say where to make while one can choose: they do not hold under a loss, nor
does a product's own service level. Budgets do. Packages that are owed late when the loss comes need
not be served any more: they are then unmet, at what that costs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from yieldopt.optimize.budget import Budget
from yieldopt.optimize.candidates import Candidate
from yieldopt.planning.pools import Pool
from yieldopt.planning.programme import programme_of
from yieldopt.planning.setting import Product, Setting, setting_of
from yieldopt.planning.sheet import Programme
from yieldopt.schema.case import Case, ProductShape
from yieldopt.schema.places import Loss

_OWN = ("capacity", "surcharge")  # rows of a resource's own capacity
_BOOKED = ("booking", "take or pay")  # rows in which what is booked gives or owes capacity


@dataclass(frozen=True)
class Future:
    """A state of the world: what there is to decide in it, and how likely it is."""

    name: str
    probability: float
    setting: Setting
    programme: Programme


def as_it_is(setting: Setting, name: str, probability: float) -> Future:
    """Return the future in which all is as the case says."""
    return Future(name, probability, setting, programme_of(setting))


def lost(
    setting: Setting, loss: Loss, since: int, probability: float, service_frac: float | None = None
) -> Future:
    """Return the future in which a site or a region is lost.

    Parameters
    ----------
    setting
        Of the case.
    loss, since
        What is gone, and from which period on.
    service_frac
        Least share of each product's demand that must be served; ``None``: none need be.
    """
    shapes = tuple(
        p.model_copy(update={"service_frac": service_frac}) for p in setting.case.products
    )
    products = tuple(
        replace(own, shape=shape, firm=False, may_fall_short=own.capped or own.may_fall_short)
        for own, shape in zip(setting.products, shapes, strict=True)
    )
    gone = [setting.line_of(slot).name in loss.lines for slot in range(len(setting.slot_pool))]
    keep = ~np.array(gone, bool) | (setting.slot_period < since)
    case = replace(setting.case, products=shapes, shares=())
    left = relaid(setting, keep, case, products)
    numbers = frozenset(setting.resource_number[name] for name in loss.resources)
    programme = _given_up(_closed(programme_of(left), left, numbers, since), left, since)
    return Future(loss.name, probability, left, programme)


def relaid(
    setting: Setting,
    keep: NDArray[np.bool_],
    case: Case | None = None,
    products: tuple[Product, ...] | None = None,
    candidates: Sequence[Candidate | None] = (),
) -> Setting:
    """Return a setting with some of the slots of another, in the same order.

    Parameters
    ----------
    setting, keep
        The other, and which of its slots remain (slots,).
    case, products
        In place of its own.
    candidates
        Of each pool in place of its own; ``None`` only where none of its slots remains.
    """
    pools: list[Pool] = []
    count = 0
    for at, pool in enumerate(setting.pools):
        left = [t for t, slot in zip(pool.periods, pool.slots, strict=True) if keep[slot]]
        if left:
            slots = tuple(range(count, count + len(left)))
            count += len(left)
            other = candidates[at] if candidates else None
            own = pool if other is None else _on(pool, other)
            pools.append(replace(own, slots=slots, periods=tuple(left)))
    owner = [at for at, pool in enumerate(pools) for _ in pool.slots]
    return Setting(
        case or setting.case,
        products or setting.products,
        tuple(pools),
        setting.discount,
        np.array([pools[at].product for at in owner], np.intp),
        np.array(owner, np.intp),
        np.array([t for pool in pools for t in pool.periods], np.intp),
    )


def _on(pool: Pool, candidate: Candidate) -> Pool:
    """Return a pool of another candidate: with nothing that was searched before."""
    if candidate is pool.candidate:
        return pool
    return Pool(
        pool.product,
        pool.line,
        candidate,
        pool.slots,
        pool.periods,
        pool.feature_of,
        pool.width,
        pool.counted,
        pool.owed,
    )


def _closed(
    programme: Programme, setting: Setting, resources: frozenset[int], since: int
) -> Programme:
    """Return a programme without what some resources give from a period on."""
    offers = setting.case.reservations
    upper = programme.row_upper.copy()
    bare = np.zeros(len(upper), bool)  # rows that lose what is built, booked or taken on top
    unbooked = np.zeros(len(upper), bool)
    for at, (kind, key) in enumerate(zip(programme.row_kinds, programme.row_keys, strict=True)):
        if kind in _OWN and key[0] in resources and key[-1] >= since:
            upper[at], bare[at] = 0.0, kind == "capacity"
        if kind in _BOOKED and key[1] >= since:
            unbooked[at] = setting.resource_number[offers[key[0]].resource] in resources
    booking = np.array([column.kind == "booking" for column in programme.columns], bool)
    rows, columns = programme.rows_of, programme.columns_of
    keep = ~(bare[rows] | (unbooked[rows] & booking[columns]))
    return replace(
        programme,
        row_upper=upper,
        rows_of=rows[keep],
        columns_of=columns[keep],
        values=programme.values[keep],
    )


def _given_up(programme: Programme, setting: Setting, since: int) -> Programme:
    """Return a programme in which also demand that waits can be left unmet from a period on."""
    most = {
        number: np.cumsum(product.demand)
        for number, product in enumerate(setting.products)
        if product.late
    }
    columns = tuple(
        replace(column, upper=float(most[column.key[0]][column.key[1]]))
        if column.kind == "unmet" and column.key[0] in most and column.key[1] >= since
        else column
        for column in programme.columns
    )
    return replace(programme, columns=columns)


def scenario_futures(setting: Setting, budget: Budget) -> Iterator[Future]:
    """Yield the future of each scenario of a case.

    Parameters
    ----------
    setting
        Of the case itself, whose searches are shared where the models are the same.
    budget
        Time of the searches of the other models.
    """
    known = [setting]
    for scenario in setting.case.scenarios:
        own = in_case(known, scenario.case, budget)
        known.append(own)
        yield Future(scenario.name, scenario.probability, own, programme_of(own))


def in_case(known: list[Setting], case: Case, budget: Budget) -> Setting:
    """Return the setting of a case that differs from others in demand, capacity or models.

    Parameters
    ----------
    known
        Settings whose searches are shared where the models are the same; one at least.
    case, budget
        The case, and the time for searches of its own.
    """
    first = known[0]
    if _models(case) == _models(first.case):
        products = tuple(
            replace(own, shape=shape, demand=demand_of(own, shape, case))
            for own, shape in zip(first.products, case.products, strict=True)
        )
        return relaid(first, np.ones(len(first.slot_pool), bool), case, products)
    found = setting_of(case, budget)
    return relaid(
        found,
        np.ones(len(found.slot_pool), bool),
        candidates=[_same(known, pool) for pool in found.pools],
    )


def _models(case: Case) -> tuple[object, ...]:
    return (case.library, tuple((change.period, change.case.library) for change in case.changes))


def demand_of(own: Product, shape: ProductShape, case: Case) -> NDArray[np.float64]:
    """Return the demand of a product in a case (periods,); one for information stays one."""
    return np.array(shape.demand.over(len(case.periods)), float) if own.capped else own.demand


def _same(known: list[Setting], pool: Pool) -> Candidate | None:
    """Return a candidate of another setting that prices the same recipes as a pool's."""
    own = pool.candidate
    for setting in known:
        for other in setting.pools:
            there = other.candidate
            if (other.product, other.line.name) == (pool.product, pool.line.name) and (
                (there.template, there.ruled, there.one_off_usd)
                == (own.template, own.ruled, own.one_off_usd)
            ):
                return there
    return None
