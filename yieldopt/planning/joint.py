r"""One programme for several futures: what is decided before one knows which is decided once.

With p_s the probability of a future and C_s the cost of the plan in it,

    min (1 − w)·Σ_s p_s·C_s + w·( η + Σ_s p_s·z_s/(1 − α) )        z_s ≥ C_s − η, z_s ≥ 0

where the second part is the conditional value at risk, the mean of the dearest 1 − α of the
probability (Rockafellar & Uryasev 2000); at α = 1 it is the dearest future of all, whatever its
probability.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from yieldopt.planning.futures import Future
from yieldopt.planning.joint_rows import Rows
from yieldopt.planning.pools import Pool
from yieldopt.planning.setting import Group, Setting
from yieldopt.planning.sheet import MONEY, Array, Column, Index, Key, Programme

BUILT = ("expansion", "qualification", "booking")


@dataclass(frozen=True)
class Ties:
    """What is decided before one knows the future.

    Parameters
    ----------
    built
        Orders, starts and bookings before this period.
    made
        Everything before this period: packages, stock, what is late or unmet.
    """

    built: int
    made: int

    def hold(self, column: Column) -> bool:
        """Whether a decision is taken before one knows."""
        period = 0 if column.kind == "booking" else int(column.key[-1])
        return period < (self.built if column.kind in BUILT else self.made)


@dataclass(frozen=True)
class Risk:
    """What is least: expected cost, and with a weight the mean of the dearest 1 − ``cvar``."""

    weight: float = 0.0
    cvar: float = 0.0


WORST = Risk(1.0, 1.0)


@dataclass(frozen=True)
class Joint:
    """Several futures as one programme.

    Parameters
    ----------
    columns, slots
        For each future, where its columns and slots are in the programme.
    """

    futures: tuple[Future, ...]
    setting: Setting
    programme: Programme
    columns: tuple[Index, ...]
    slots: tuple[Index, ...]


def joined(futures: Sequence[Future], ties: Ties, risk: Risk) -> Joint:
    """Write the programme of several futures.

    Parameters
    ----------
    futures
        Of the same products and periods; before ``ties.made`` with the same lines and models.
    ties
        What is decided once.
    risk
        What is least.
    """
    held, columns = _columns(futures, ties)
    pools, slots = _slots(futures, ties)
    rows = Rows()
    for future, own, filled in zip(futures, columns, slots, strict=True):
        rows.put(future.programme, own, filled)
    cost = _costs(futures, ties, held, columns, rows)
    programme = _priced(futures, slots, rows, held, cost, risk)
    owner = np.empty(len(programme.weight), np.intp)
    period = np.empty(len(owner), np.intp)
    for at, pool in enumerate(pools):
        owner[list(pool.slots)], period[list(pool.slots)] = at, pool.periods
    product = np.array([pools[at].product for at in owner], np.intp)
    first = futures[0].setting
    given = tuple(_groups(futures, ties, (product, period), slots, rows))
    setting = Setting(
        first.case, first.products, pools, first.discount, product, owner, period, given
    )
    return Joint(tuple(futures), setting, programme, columns, slots)


def _columns(futures: Sequence[Future], ties: Ties) -> tuple[list[Column], tuple[Index, ...]]:
    """Lay out the decisions, once each that is taken before one knows; and where each future's are.

    One that is taken once keeps to the bounds that it has in every future.
    """
    places: dict[Key, int] = {}
    held: list[Column] = []
    where = []
    for number, future in enumerate(futures):
        own = []
        for column in future.programme.columns:
            once = ties.hold(column)
            key = (column.kind, -1 if once else number, *column.key)
            at = places.setdefault(key, len(held))
            if at == len(held):
                name = column.name if once else f"{column.name}, if {future.name}"
                held.append(replace(column, name=name))
            lower, upper = max(held[at].lower, column.lower), min(held[at].upper, column.upper)
            held[at] = replace(held[at], lower=lower, upper=upper)
            own.append(at)
        where.append(np.array(own, np.intp))
    return held, tuple(where)


def _slots(futures: Sequence[Future], ties: Ties) -> tuple[tuple[Pool, ...], tuple[Index, ...]]:
    """Lay out the slots, in pools over all futures that have the same recipes."""
    places: dict[Key, int] = {}
    held: dict[Key, tuple[Pool, dict[int, int]]] = {}  # a pool, and periods by slot
    where = []
    for number, future in enumerate(futures):
        own = np.empty(len(future.setting.slot_pool), np.intp)
        for pool in future.setting.pools:
            key = (pool.product, pool.line.name, id(pool.candidate))
            periods = held.setdefault(key, (pool, {}))[1]
            for slot, t in zip(pool.slots, pool.periods, strict=True):
                once = -1 if t < ties.made else number
                own[slot] = places.setdefault((*key, once, t), len(places))
                periods[int(own[slot])] = t
        where.append(own)
    pools = tuple(
        replace(pool, slots=tuple(periods), periods=tuple(periods.values()))
        for pool, periods in held.values()
    )
    return pools, tuple(where)


def _costs(
    futures: Sequence[Future],
    ties: Ties,
    held: Sequence[Column],
    columns: Sequence[Index],
    rows: Rows,
) -> Array:
    """Return what a unit of each decision costs in each future, (futures, decisions).

    What is decided once is paid in every future, also in one that has no use for it.
    """
    cost = np.zeros((len(futures), len(held)))
    there = np.zeros(cost.shape, bool)
    for number, future in enumerate(futures):
        cost[number, columns[number]] = future.programme.cost
        there[number, columns[number]] = True
    for at in np.flatnonzero(~there.all(axis=0)).tolist():
        if ties.hold(held[at]):
            owner = int(there[:, at].argmax())
            for other in np.flatnonzero(~there[:, at]).tolist():
                cost[other, at] = cost[owner, at]
                rows.charge(other, owner, at)
    return cost


def _priced(
    futures: Sequence[Future],
    slots: Sequence[Index],
    rows: Rows,
    held: list[Column],
    cost: Array,
    risk: Risk,
) -> Programme:
    """Write the objective, and the rows that it needs."""
    likely = np.array([future.probability for future in futures])
    count = 1 + max((int(own.max(initial=-1)) for own in slots), default=-1)
    weight = np.zeros((len(futures), count))
    for number, future in enumerate(futures):
        weight[number, slots[number]] = future.programme.weight
    fixed = np.array([future.programme.constant_usd for future in futures])
    total = (1.0 - risk.weight) * (likely @ cost)
    if risk.weight > 0.0:
        extra = _risk_rows(futures, rows, held, cost, weight, fixed, risk)
        total = np.concatenate([total, extra])
    share = (1.0 - risk.weight) * likely
    features = futures[0].programme.features
    return rows.written(held, total, share @ weight, features, float(share @ fixed))


def _risk_rows(
    futures: Sequence[Future],
    rows: Rows,
    held: list[Column],
    cost: Array,
    weight: Array,
    fixed: Array,
    risk: Risk,
) -> Array:
    """Add η, and a row and z for each future; return what they cost. Money is per package here.

    No cost of a column is below 0, so no future costs less than what is fixed in it.
    """
    packages = sum(float(p.demand.sum()) for p in futures[0].setting.products)
    scale, count = 1.0 / max(1.0, packages), len(held)
    least = scale * float(fixed.min())
    held.append(Column("cost that is at risk", (), np.inf, False, "risk", (), least))
    extra = [risk.weight / scale]
    for number, future in enumerate(futures):
        own = np.flatnonzero(cost[number])
        columns, values = [*own.tolist(), count], [*(scale * cost[number, own]), -1.0]
        if risk.cvar < 1.0:
            columns, values = [*columns, len(held)], [*values, -1.0]
            name = f"cost above that, if {future.name}"
            held.append(Column(name, (), np.inf, False, "risk", (number,)))
            extra.append(risk.weight * future.probability / (1.0 - risk.cvar) / scale)
        filled = np.flatnonzero(weight[number])
        rows.add(
            f"cost if {future.name}",
            ("risk", number),
            (-np.inf, -scale * float(fixed[number])),
            (np.array(columns, np.intp), np.array(values, float)),
            (filled, np.full(len(filled), MONEY), scale * weight[number, filled]),
        )
    return np.array(extra)


def _groups(
    futures: Sequence[Future],
    ties: Ties,
    of_slots: tuple[Index, Index],
    slots: Sequence[Index],
    rows: Rows,
) -> Iterator[Group]:
    """Yield the slots of each product that are filled before one knows, and those of each future.

    Those filled before serve the demand of every future, so the least of it bounds them.
    """
    product, period = of_slots
    periods = np.arange(futures[0].setting.periods)
    before = periods < ties.made
    demand = [rows.demand(number) for number in range(len(futures))]
    for p in range(len(futures[0].setting.products)):
        own = [future.setting.products[p] for future in futures]
        if before.any():
            most = np.minimum.reduce([one.servable for one in own])
            keys = [
                tuple(dict.fromkeys(table[p, t] for table in demand)) if before[t] else ()
                for t in periods.tolist()
            ]
            mine = np.flatnonzero((product == p) & (period < ties.made))
            open_ = any(one.is_open for one in own)
            makeable = min(one.makeable for one in own)
            yield Group(mine, np.where(before, most, 0.0), makeable, open_, tuple(keys))
        for number, one in enumerate(own):
            keys = [() if before[t] else (demand[number][p, t],) for t in periods.tolist()]
            mine = np.unique(slots[number])
            mine = mine[(product[mine] == p) & (period[mine] >= ties.made)]
            most = np.where(before, 0.0, one.servable)
            yield Group(mine, most, one.makeable, one.is_open, tuple(keys))
