"""A plan against several futures: what it costs and leaves unmet in each, and what it decides."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from yieldopt.planning.desk import Met, status_of
from yieldopt.planning.joint import BUILT, Risk, Ties
from yieldopt.planning.recourse import FirstStage, Solved
from yieldopt.planning.sheet import PACKAGES, Column
from yieldopt.schema.case import Case

_DUST = 1e-9  # of a demand or of a share booked: less is rounding
_KEPT = ("stock", "late", "unmet")
_SAME = 1e-6  # amounts of two decisions that differ by less are the same
_ROUNDED = 1e-6  # of the largest amount: packages that differ by less are the same
Row = Mapping[str, Any]


@dataclass(frozen=True)
class InFuture:
    """A plan in one future.

    Parameters
    ----------
    name, probability
        Of the future.
    cost_usd, bound_usd
        What it costs in all once what was decided before is met with what is best then, and a
        bound below that [USD, discounted]. ``None``: no plan keeps the rules, or none was found.
    unmet
        Packages of demand that are not served, by product.
    status
        ``"optimal"``, ``"feasible"``, ``"infeasible"`` or ``"unknown"``: of what is done then.
    decided
        Lines entered, lumps ordered and shares booked once the future is known.
    unmet_by_period
        Rows of ``product``, ``period`` and ``packages``.
    """

    name: str
    probability: float
    cost_usd: float | None
    bound_usd: float | None
    unmet: Mapping[str, float]
    status: str
    decided: tuple[Row, ...] = ()
    unmet_by_period: tuple[Row, ...] = ()


@dataclass(frozen=True)
class Prepared:
    """A plan as far as it is decided before one knows, and what comes of it.

    Parameters
    ----------
    objective_usd, bound_usd
        What the plan was chosen for, and a bound below that of every plan.
    decisions, stock
        Orders, starts and bookings before one knows; packages in stock then, by product.
    futures
        The plan in each.
    made
        What is made and kept before one knows: rows of ``kind`` (``"packages"``, ``"stock"``,
        ``"late"``, ``"unmet"``), ``name`` (of the line, for packages), ``product``, ``period`` and
        ``amount`` in packages.
    """

    status: str
    objective_usd: float | None
    bound_usd: float | None
    decisions: tuple[Row, ...] = ()
    stock: Mapping[str, float] | None = None
    futures: tuple[InFuture, ...] = ()
    made: tuple[Row, ...] = ()

    @property
    def gap(self) -> float | None:
        """Relative gap between objective and bound."""
        if self.objective_usd is None or self.bound_usd is None:
            return None
        size = max(abs(self.objective_usd), 1e-300)
        return max(0.0, self.objective_usd - self.bound_usd) / size

    def costs(self) -> list[float]:
        """Return the cost in each future; infinite where no plan was found."""
        return [math.inf if one.cost_usd is None else one.cost_usd for one in self.futures]

    def bounds(self) -> list[float]:
        """Return the bound of each future; infinite where there is no plan."""
        return [math.inf if one.bound_usd is None else one.bound_usd for one in self.futures]


def told(met: Met, ties: Ties) -> InFuture:
    """Return a future that was met as plain numbers."""
    future, found = met.future, met.solved
    status, x = status_of(found), found.x
    if x is None:
        none = None if math.isinf(found.bound_usd) else found.bound_usd
        return InFuture(future.name, future.probability, None, none, {}, status)
    case, columns = future.setting.case, found.master.programme.columns
    unmet = {p.shape.name: 0.0 for p in future.setting.products}
    dust = {p.shape.name: _DUST * float(p.demand.sum()) for p in future.setting.products}
    by_period = []
    for at, column in enumerate(columns):
        if column.kind == "unmet":
            product, amount = case.products[column.key[0]].name, float(x[at])
            unmet[product] += amount
            if amount > dust[product]:
                period = case.periods[column.key[1]]
                by_period.append({"product": product, "period": period, "packages": amount})
    later = ((c, float(x[at])) for at, c in enumerate(columns) if not ties.hold(c))
    return InFuture(
        future.name,
        future.probability,
        found.value_usd,
        found.bound_usd,
        {name: amount for name, amount in unmet.items() if amount > dust[name]},
        status,
        tuple(decision_rows(case, later)),
        tuple(by_period),
    )


def prepared(
    found: Solved, first: FirstStage | None, mets: Sequence[Met], case: Case, ties: Ties
) -> Prepared:
    """Return a plan and what comes of it as plain numbers."""
    if first is None:
        bound = None if math.isinf(found.bound_usd) else found.bound_usd
        return Prepared(status_of(found), None, bound)
    stock: dict[str, float] = {}
    for decided in first.decisions.values():
        column = decided.column
        if column.kind == "stock" and column.key[1] == ties.made - 1 and decided.amount > 1e-6:
            stock[case.products[column.key[0]].name] = decided.amount
    pairs = ((decided.column, decided.amount) for decided in first.decisions.values())
    return Prepared(
        status_of(found),
        found.value_usd,
        found.bound_usd,
        tuple(decision_rows(case, pairs)),
        stock,
        tuple(told(one, ties) for one in mets),
        tuple(_made_rows(case, first)),
    )


def _made_rows(case: Case, first: FirstStage) -> Iterator[Row]:
    """Yield what is made, kept, owed and unmet before one knows, in packages."""
    dust = [_DUST * max(1.0, sum(p.demand.over(len(case.periods)))) for p in case.products]
    found = [
        ("packages", line, number, t, float(features[PACKAGES]))
        for (number, line, t), features in sorted(first.made.items())
    ]
    for decided in first.decisions.values():
        column = decided.column
        if column.kind in _KEPT:
            found.append((column.kind, None, *column.key, decided.amount))
    for kind, name, number, t, amount in found:
        if amount > dust[number]:
            yield {
                "kind": kind,
                "name": name,
                "product": case.products[number].name,
                "period": case.periods[t],
                "amount": amount,
            }


def decision_rows(case: Case, pairs: Iterable[tuple[Column, float]]) -> Iterator[Row]:
    """Yield orders, starts and bookings that are not 0, with the capital they take [USD]."""
    for column, x in pairs:
        amount = float(round(x)) if column.integral else x
        if column.kind not in BUILT or amount <= _DUST:
            continue
        capital = math.fsum(flow.usd for flow in column.flows if flow.kind == "capital")
        number = column.key[0]
        row: dict[str, Any] = {"kind": column.kind}
        if column.kind == "qualification":
            row |= {"name": column.key[1], "product": case.products[number].name}
        else:
            listed = case.expansions if column.kind == "expansion" else case.reservations
            row |= {"name": listed[number].name, "product": None}
        period = case.periods[0 if column.kind == "booking" else column.key[-1]]
        yield row | {"period": period, "amount": amount, "cost_usd": amount * capital}


def differing(plan: Prepared, base: Prepared) -> tuple[Row, ...]:
    """Return where a plan does otherwise than another before one knows, with the amounts of both.

    Orders, starts and bookings first, dearest first; then packages, where most differ first.
    """
    keys = ("kind", "name", "product", "period")
    both: dict[tuple[Any, ...], list[float]] = {}
    usd: dict[tuple[Any, ...], float] = {}  # of one
    for at, own in enumerate((base, plan)):
        for row in (*own.decisions, *own.made):
            key = tuple(row[key] for key in keys)
            both.setdefault(key, [0.0, 0.0])[at] = row["amount"]
            usd[key] = row.get("cost_usd", 0.0) / row["amount"]
    most = max((before + now for before, now in both.values()), default=0.0)
    least = {kind: _SAME if kind in BUILT else _ROUNDED * most for kind, *_ in both}
    found = [key for key, (before, now) in both.items() if abs(now - before) > least[key[0]]]

    def size(key: tuple[Any, ...]) -> tuple[bool, float, float]:
        by = abs(both[key][1] - both[key][0])
        return key[0] not in BUILT, -by * usd[key], -by

    return tuple(
        dict(zip(keys, key, strict=True)) | {"base_amount": both[key][0], "amount": both[key][1]}
        for key in sorted(found, key=size)
    )


def better(plan: Prepared, other: Prepared, likely: Sequence[float], risk: Risk) -> Prepared:
    """Return a plan, or another where that one costs less: time ended, or a gap was asked for.

    The bound stays: it is of every plan.
    """
    costs = other.costs()
    if (
        plan.status == "infeasible"
        or len(costs) != len(likely)
        or not all(map(math.isfinite, costs))
    ):
        return plan
    value = weighed(costs, likely, risk)
    if plan.objective_usd is not None and value >= plan.objective_usd - _ROUNDED * abs(value):
        return plan
    return replace(other, status="feasible", objective_usd=value, bound_usd=plan.bound_usd)


def at_risk(costs: Sequence[float], probabilities: Sequence[float], cvar: float) -> float:
    """Return the mean of the dearest 1 − ``cvar`` of the probability [USD].

    Examples
    --------
    >>> at_risk([1.0, 2.0, 3.0], [0.5, 0.25, 0.25], 0.5), at_risk([1.0, 2.0], [0.9, 0.1], 1.0)
    (2.5, 2.0)
    """
    if cvar >= 1.0:
        return max(costs)
    left, total = 1.0 - cvar, 0.0
    for cost, likely in sorted(zip(costs, probabilities, strict=True), reverse=True):
        share = min(left, likely)
        total += share * cost if share > 0.0 else 0.0
        left -= share
    return total / (1.0 - cvar)


def weighed(costs: Sequence[float], probabilities: Sequence[float], risk: Risk) -> float:
    """Return what a plan of these costs is chosen for [USD]."""
    pairs = zip(costs, probabilities, strict=True)
    expected = math.fsum(cost * p for cost, p in pairs if p > 0.0)
    if risk.weight == 0.0:
        return expected
    tail = at_risk(costs, probabilities, risk.cvar)
    return tail if risk.weight == 1.0 else (1.0 - risk.weight) * expected + risk.weight * tail
