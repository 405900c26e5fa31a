"""One input at a time over its range: what that does to the cost per good package."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from yieldopt.errors import CaseError
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.candidates import Candidate
from yieldopt.optimize.route_costs import PROVED, gap_alone
from yieldopt.optimize.weighing import cheapest, weigh_asked
from yieldopt.plan import RouteVerdict, Status, binding, without_plan
from yieldopt.schema.case import Case
from yieldopt.shown import Shown
from yieldopt.study.ends import End, Ends
from yieldopt.study.inputs import Input, inputs_of

_UNSEEN = math.ulp(0.0)  # of an input not looked at yet: it comes after those that are known


@dataclass(frozen=True)
class TornadoRow:
    """An input and what its range does.

    Parameters
    ----------
    input
        Key, unit, range, source.
    low, high
        The ends of its range; one that the source does not give is the base.
    swing_usd
        Dearest less cheapest of low, base and high [USD per good package]; ``None`` where the
        product cannot be made at an end.
    """

    input: Input
    low: End
    high: End
    swing_usd: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        one = self.input
        return {
            "key": one.key,
            "unit": one.unit,
            "low": self.low.value,
            "base": one.base,
            "high": self.high.value,
            "cost_low_usd": self.low.cost_per_good_usd,
            "cost_high_usd": self.high.cost_per_good_usd,
            "swing_usd": self.swing_usd,
            "source": one.source,
            "is_assumed": one.is_assumed,
            "reasons_low": list(self.low.reasons),
            "reasons_high": list(self.high.reasons),
        }


@dataclass(frozen=True)
class Tornado(Shown):
    """The inputs of a product on one route, by what their ranges do to its cost.

    Parameters
    ----------
    product, route, routes
        Names, and the verdict on every route that was weighed; ``route`` is ``None`` where none of
        them can be taken.
    cost_per_good_usd
        With all inputs at their base [USD per good package].
    rows
        Largest swing first; before them inputs at whose end the product cannot be made.
    without_effect
        Keys of inputs with a range that change no cost: lead times, limits not met.
    alone_refused
        Keys of inputs that their model does not let vary alone, and why.
    not_done
        Keys of inputs that time did not reach: those that move the plan held the least.
    gap
        Of all plans behind the costs, the largest, relative; 0 where all are proved.
    """

    product: str
    route: str | None
    routes: tuple[RouteVerdict, ...]
    cost_per_good_usd: float | None
    rows: tuple[TornadoRow, ...]
    without_effect: tuple[str, ...]
    alone_refused: tuple[tuple[str, str], ...]
    not_done: tuple[str, ...]
    gap: float | None

    @property
    def status(self) -> Status:
        """Optimal; feasible where time ended before all was varied or proved; or without plan."""
        if self.route is None:
            return without_plan(self.routes)
        late = any(verdict.stopped for verdict in self.routes) or bool(self.not_done)
        return Status.FEASIBLE if late or (self.gap or 0.0) > PROVED else Status.OPTIMAL

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "status": str(self.status),
            "product": self.product,
            "route": self.route,
            "routes": [asdict(verdict) for verdict in self.routes],
            "cost_per_good_usd": self.cost_per_good_usd,
            "rows": [row.to_dict() for row in self.rows],
            "without_effect": list(self.without_effect),
            "alone_refused": dict(self.alone_refused),
            "not_done": list(self.not_done),
            "gap": self.gap,
            "binding": [] if self.route else binding(self.routes),
        }


def tornado(
    case: Case, product: str, *, route: str | None = None, time_limit_s: float | None = None
) -> Tornado:
    """Vary every input with a range that a product's best plan uses, one at a time.

    Parameters
    ----------
    case
        From :func:`yieldopt.load`; its changes over time and scenarios are not looked at.
    product
        A product of the case, by itself, capacity aside.
    route
        One of its routes; left out: that of least cost per good package at base. All ends are on
        this route.
    time_limit_s
        Seconds for all searches; what was not reached is said. Left out: no limit, and 120 s for
        one search.

    Raises
    ------
    UnknownName, CaseError
        No such product or route; a time limit that is not above 0.

    Notes
    -----
    Testers, levels and grades that the best plan does not use are left at their base. At each end
    all levels are chosen anew, so a cost there is never above that of the plan held. Models
    that extend another follow it, as ``load(path, {key: value})`` has it.

    Examples
    --------
    >>> from yieldopt import load
    >>> found = tornado(load("minimal"), "asic")
    >>> top = found.rows[0]
    >>> found.route, top.input.key, top.low.cost_per_good_usd < top.high.cost_per_good_usd
    ('osat_2p5d', 'parts.hbm3e_8h.price_usd', True)
    """
    asked = case.product(product)
    budget = Budget.of(time_limit_s)
    candidates, verdicts = weigh_asked(case, asked, route, budget)
    return tornado_of(case, product, cheapest(candidates), verdicts, budget)


def tornado_of(
    case: Case,
    product: str,
    best: Candidate | None,
    verdicts: Sequence[RouteVerdict],
    budget: Budget,
) -> Tornado:
    """Vary the inputs of a product that was weighed, as :func:`tornado` does."""
    if best is None:
        return Tornado(product, None, tuple(verdicts), None, (), (), (), (), None)
    recipe = best.recipes[0]
    used = inputs_of(case, product, best.route, recipe.levels)
    return varied(best, verdicts, [one for one in used if one.has_range], Ends(case, best, budget))


def varied(
    best: Candidate, verdicts: Sequence[RouteVerdict], inputs: Sequence[Input], ends: Ends
) -> Tornado:
    """Vary inputs, those first that move the plan held the most: time may end.

    Parameters
    ----------
    best, verdicts
        A product on its route, with its recipe; what was said of all routes.
    inputs, ends
        With a range; the product at their ends.
    """
    half = ends.budget.part(2)  # to compile the ends and hold the plan is soon done
    moves = {one.key: _UNSEEN for one in inputs} | ends.moves_usd(inputs, half)
    rows, refused, not_done = [], [], []
    without = [one.key for one in inputs if moves[one.key] == 0.0]
    moving = sorted(inputs, key=lambda one: -moves[one.key])[: len(inputs) - len(without)]
    ends.search(moving)
    for one in moving:
        try:
            found = ends.at(one)
        except CaseError as error:
            refused.append((one.key, "; ".join(str(fault) for fault in error.faults)))
            continue
        if found is None:
            not_done.append(one.key)
        elif (swing := _swing(found, ends.base)) == 0.0:
            without.append(one.key)
        else:
            rows.append(TornadoRow(one, *found, swing))
    gaps = [gap_alone(best.recipes[0]), *(end.gap for r in rows for end in (r.low, r.high))]
    return Tornado(
        best.product.name,
        best.route,
        tuple(verdicts),
        ends.base,
        tuple(sorted(rows, key=_order)),
        tuple(without),
        tuple(refused),
        tuple(not_done),
        gap if (gap := max(gaps)) > PROVED else 0.0,
    )


def _swing(ends: Iterable[End], base: float) -> float | None:
    costs = [base]
    for end in ends:
        if end.cost_per_good_usd is None:
            return None
        costs.append(end.cost_per_good_usd)
    return max(costs) - min(costs)


def _order(row: TornadoRow) -> tuple[bool, float]:
    return row.swing_usd is not None, -(row.swing_usd or 0.0)
