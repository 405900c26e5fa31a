"""What a plan decides, and from when on it has it: lines entered, lumps ordered, shares booked."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from yieldopt.compile.lines import lines_of
from yieldopt.compile.schedule import in_periods
from yieldopt.plan import Result
from yieldopt.schema.case import Case


@dataclass(frozen=True)
class Milestone:
    """One decision of a plan.

    Parameters
    ----------
    kind
        ``"qualification"``, ``"expansion"`` or ``"booking"``.
    name, product
        Of the line, lump or offer; of the product that enters a line, else empty.
    ordered, ready
        Periods of the case; ``ready`` is the first in which it counts, ``None`` after the last.
    periods_between
        Lead time [periods].
    amount
        Lumps, or the share of the offer that is booked; 1 of a line.
    cost_usd
        Capital that it takes [USD].
    """

    kind: str
    name: str
    product: str
    ordered: str
    ready: str | None
    periods_between: int
    amount: float
    cost_usd: float


def timeline(case: Case, result: Result) -> tuple[Milestone, ...]:
    """Return the decisions of a plan in the order of their periods.

    Parameters
    ----------
    case, result
        A case, and its plan.

    Examples
    --------
    >>> from yieldopt import load, solve
    >>> case = load("ask_overcapacity")
    >>> first = timeline(case, solve(case))[0]
    >>> first.kind, first.ordered, first.ready, first.periods_between
    ('expansion', '2026Q1', '2027Q2', 5)
    """
    return tuple(sorted(_milestones(case, result), key=lambda one: case.periods.index(one.ordered)))


def _milestones(case: Case, result: Result) -> Iterator[Milestone]:
    leads = {lump.name: lump.lead_time_periods for lump in case.expansions}
    routes = {line.name: line.route for line in lines_of(case)}
    for row in result.decisions:
        kind, name = row["kind"], row["name"]
        lead = leads[name] if kind == "expansion" else 0
        if kind == "qualification":
            weeks = case.library.routes[routes[name]].lead_time_weeks.base
            lead = math.ceil(in_periods(weeks, case.period_weeks))
        at = case.periods.index(row["period"]) + lead
        ready = case.periods[at] if at < len(case.periods) else None
        product = row["product"] or ""
        amount, cost = row["amount"], row["cost_usd"]
        yield Milestone(kind, name, product, row["period"], ready, lead, amount, cost)
