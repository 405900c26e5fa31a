"""One input at a time over its range: what that does to the cost per good package."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from yieldopt.errors import CaseError
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.candidates import candidate_on, cheapest, weigh_asked
from yieldopt.optimize.route_costs import PROVED, gap_alone
from yieldopt.plan import RouteVerdict, Status, binding, without_plan
from yieldopt.read.replacing import replaced
from yieldopt.schema.case import Case
from yieldopt.study.inputs import Input, inputs_of


@dataclass(frozen=True)
class End:
    """A product at one end of an input's range, test levels chosen anew.

    Parameters
    ----------
    value
        Of the input.
    cost_per_good_usd
        ``None`` where the product cannot be made there [USD per good package].
    reasons
        Why not.
    gap
        How much better other levels may be, relative.
    """

    value: float
    cost_per_good_usd: float | None
    reasons: tuple[str, ...] = ()
    gap: float = 0.0


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
class Tornado:
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
        Keys of inputs that time did not reach.
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
    best = cheapest(candidates)
    if best is None:
        return Tornado(product, None, tuple(verdicts), None, (), (), (), (), None)
    recipe = best.recipes[0]
    base = recipe.cost_per_good_usd
    used = inputs_of(case, product, best.route, recipe.levels)
    ends = _Ends(case, product, best.route, base, budget)
    rows = [row for one in used if one.has_range and (row := ends.row(one)) is not None]
    rows.sort(key=_order)
    gaps = [gap_alone(recipe), *(end.gap for row in rows for end in (row.low, row.high))]
    return Tornado(
        product,
        best.route,
        tuple(verdicts),
        base,
        tuple(row for row in rows if row.swing_usd != 0.0),
        tuple(row.input.key for row in rows if row.swing_usd == 0.0),
        tuple(ends.refused.items()),
        tuple(ends.not_done),
        gap if (gap := max(gaps)) > PROVED else 0.0,
    )


class _Ends:
    """A product on a route at the ends of inputs' ranges."""

    def __init__(self, case: Case, product: str, route: str, base: float, budget: Budget) -> None:
        self.case, self.product, self.route, self.base = case, product, route, base
        self.budget = budget
        self.refused: dict[str, str] = {}
        self.not_done: list[str] = []

    def row(self, one: Input) -> TornadoRow | None:
        """Return the row of an input; ``None`` where it was refused, or time ended."""
        try:
            low, high = (self._end(one, value) for value in (one.low, one.high))
        except CaseError as error:
            self.refused[one.key] = "; ".join(str(fault) for fault in error.faults)
            return None
        if low is None or high is None:
            self.not_done.append(one.key)
            return None
        return TornadoRow(one, low, high, _swing((low, high), self.base))

    def _end(self, one: Input, value: float | None) -> End | None:
        """Return the product at an end; ``None`` where time ended before it was known."""
        if value is None or value == one.base:
            return End(one.base, self.base)
        case = replaced(self.case, one.key, value)
        product = case.product(self.product)
        candidate, verdict = candidate_on(case, product, self.route, self.budget)
        if candidate is None:
            return None if verdict.stopped else End(value, None, verdict.reasons)
        recipe = candidate.recipes[0]
        return End(value, recipe.cost_per_good_usd, gap=gap_alone(recipe))


def _swing(ends: Iterable[End], base: float) -> float | None:
    costs = [base]
    for end in ends:
        if end.cost_per_good_usd is None:
            return None
        costs.append(end.cost_per_good_usd)
    return max(costs) - min(costs)


def _order(row: TornadoRow) -> tuple[bool, float]:
    return row.swing_usd is not None, -(row.swing_usd or 0.0)
