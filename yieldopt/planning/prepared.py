"""A plan against several futures: what it costs and leaves unmet in each, and what it decides."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from yieldopt.optimize.budget import Budget
from yieldopt.planning.answer import short_of
from yieldopt.planning.futures import Future
from yieldopt.planning.joint import BUILT, Joint, Risk, Ties, joined
from yieldopt.planning.recourse import (
    ROUNDING,
    FirstStage,
    Solved,
    after,
    first_stage,
    solved,
)
from yieldopt.planning.sheet import Array, Column
from yieldopt.schema.case import Case

_CLOSED = 1e-9  # a relative gap that is rounding
_DUST = 1e-9  # of a demand or of a share booked: less is rounding
_SAME = 1e-6  # amounts of two decisions that differ by less are the same
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
    """

    name: str
    probability: float
    cost_usd: float | None
    bound_usd: float | None
    unmet: Mapping[str, float]
    status: str
    decided: tuple[Row, ...] = ()


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
    """

    status: str
    objective_usd: float | None
    bound_usd: float | None
    decisions: tuple[Row, ...] = ()
    stock: Mapping[str, float] | None = None
    futures: tuple[InFuture, ...] = ()

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


@dataclass(frozen=True)
class Desk:
    """How plans are found: what is decided before, the solver, and the time for everything."""

    ties: Ties
    solver: str
    budget: Budget

    def part(self, share: float) -> Budget:
        """Return a share of the time that is left."""
        left_s = self.budget.left_s()
        if math.isinf(self.budget.until):
            return self.budget
        return replace(self.budget, until=self.budget.until - (1.0 - share) * left_s)

    def alone(self, future: Future, share: float) -> Solved:
        """Plan for one future alone, in a share of the time that is left."""
        return solved(future.setting, future.programme, self.solver, self.part(share))

    def meet(self, first: FirstStage, futures: Sequence[Future], share: float) -> list[Met]:
        """Meet each future with what was decided before, in a share of the time that is left."""
        out = []
        for number, future in enumerate(futures):
            budget = self.part(share / (1.0 + share * (len(futures) - number - 1)))
            for rounding in ROUNDING:
                left = after(future, first, self.ties, rounding)
                found = solved(left.setting, left.programme, self.solver, budget)
                if found.x is not None:
                    break
            out.append(Met(future, found))
        return out

    def together(
        self, futures: Sequence[Future], risk: Risk, share: float, known: Sequence[Met] = ()
    ) -> tuple[Solved, FirstStage | None]:
        """Plan for several futures; ``known``: a plan met in each of them, to begin with."""
        joint = joined(futures, self.ties, risk)
        found = solved(
            joint.setting, joint.programme, self.solver, self.part(share), _hint(joint, known)
        )
        first = None
        if found.x is not None:
            first = first_stage(found.master, found.x, self.ties, joint)
        return found, first


@dataclass(frozen=True)
class Met:
    """A future, and what is done in it."""

    future: Future
    solved: Solved

    def told(self, ties: Ties) -> InFuture:
        """Return it as plain numbers."""
        future, found = self.future, self.solved
        status, x = status_of(found), found.x
        if x is None:
            none = None if math.isinf(found.bound_usd) else found.bound_usd
            return InFuture(future.name, future.probability, None, none, {}, status)
        case, columns = future.setting.case, found.master.programme.columns
        unmet = {p.shape.name: 0.0 for p in future.setting.products}
        dust = {p.shape.name: _DUST * float(p.demand.sum()) for p in future.setting.products}
        for at, column in enumerate(columns):
            if column.kind == "unmet":
                unmet[case.products[column.key[0]].name] += float(x[at])
        later = ((c, float(x[at])) for at, c in enumerate(columns) if not ties.hold(c))
        return InFuture(
            future.name,
            future.probability,
            found.value_usd,
            found.bound_usd,
            {name: amount for name, amount in unmet.items() if amount > dust[name]},
            status,
            tuple(decision_rows(case, later)),
        )


def status_of(found: Solved) -> str:
    """Return how far a plan is proved, or that there is none."""
    planned = found.planned
    if planned.found is not None:
        gap = found.value_usd - found.bound_usd
        return "optimal" if gap <= _CLOSED * max(1.0, abs(found.value_usd)) else "feasible"
    if planned.short is None:
        return "unknown" if math.isfinite(planned.bound) else "infeasible"
    return "infeasible" if planned.short.bound > short_of(found.master.setting) else "unknown"


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
        tuple(one.told(ties) for one in mets),
    )


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
    """Return decisions of a plan that are not those of another, with the amounts of both."""
    keys = ("kind", "name", "product", "period")
    both: dict[tuple[Any, ...], list[float]] = {}
    for at, rows in enumerate((base.decisions, plan.decisions)):
        for row in rows:
            both.setdefault(tuple(row[key] for key in keys), [0.0, 0.0])[at] = row["amount"]
    return tuple(
        dict(zip(keys, key, strict=True)) | {"base_amount": before, "amount": now}
        for key, (before, now) in both.items()
        if abs(now - before) > _SAME
    )


def _hint(joint: Joint, known: Sequence[Met]) -> Array | None:
    """Return the decisions of a plan that is known in every future."""
    hint = np.zeros(len(joint.programme.columns))
    if not known:
        return None
    for columns, one in zip(joint.columns, known, strict=True):
        x = one.solved.x
        if x is None:
            return None
        hint[columns] = x[: len(columns)]
    return hint


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
