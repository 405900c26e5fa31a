"""From the allocation back through cycle times: what is started, ordered and booked, and when."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from yieldopt.compile import compile_template
from yieldopt.compile.schedule import Schedule, in_periods, schedule
from yieldopt.engine import evaluate
from yieldopt.errors import Fault, UnknownName, near_miss
from yieldopt.flow import Flow, Node, Step
from yieldopt.plan import Recipe, Result
from yieldopt.schema.case import Case
from yieldopt.shown import Shown

_WHATS = ("start", "order", "book")
_BEFORE = -1  # stands for all of the time before the horizon
_FULL = 1e-6  # of a capacity: what a solver's tolerance may put over it
_Place = tuple[int, str, str, str, int]
_ORDER = "order_of_the_line"  # a step that does nothing: its visits count what a line delivers


@dataclass(frozen=True)
class StartRow:
    """How much of one thing falls due in one period, for one product.

    Parameters
    ----------
    what
        ``"start"``: wafers or panels; ``"order"``: bought parts, and what a line is asked for;
        ``"book"``: hours of testers and bonders, and other work.
    name, unit
        The resource, or the part or line that has none; its unit.
    product
        For which product.
    period
        A period of the case, or ``"before FIRST"``: must be done before the horizon begins.
    amount
        In units [``unit``].
    weeks_before
        Flag of what falls before the horizon: so long before its begin the first of it is due
        [weeks]. ``None`` within the horizon.
    """

    what: str
    name: str
    unit: str
    product: str
    period: str
    amount: float
    weeks_before: float | None = None


@dataclass(frozen=True)
class Excess:
    """What is started or booked in a period beyond capacity there, as the plan counts shipments."""

    name: str
    period: str
    amount: float
    capacity: float


@dataclass(frozen=True)
class StartPlan(Shown):
    """All starts, orders and bookings of a plan; empty where the case has no plan.

    Parameters
    ----------
    status, gap, binding
        Of the result that it follows from.
    periods, period_weeks
        Of the case.
    rows
        By what, name and product; the periods in order, "before" first.
    without_time
        Keys of the library that would give a cycle or lead time and do not: 0 weeks were taken.
    beyond
        Where more is started or booked than capacity allows: run ahead, or ship less.
    """

    status: str
    gap: float | None
    periods: tuple[str, ...]
    period_weeks: float
    rows: tuple[StartRow, ...]
    without_time: tuple[str, ...]
    binding: tuple[str, ...] = ()
    beyond: tuple[Excess, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        data = asdict(self)
        return {key: list(item) if isinstance(item, tuple) else item for key, item in data.items()}


@dataclass(frozen=True)
class _Need:
    """What one good package needs of one thing, so many weeks before it is shipped."""

    what: str
    name: str
    unit: str
    weeks: float
    per_good: float


def start_plan(case: Case, result: Result) -> StartPlan:
    r"""Return what a plan starts, orders and books in each period, and what before the first.

    A good package of recipe r needs visits × uses / Q of a resource at each step (so the yields
    down to the door and the escapes are counted), w weeks before it is shipped
    (:func:`yieldopt.compile.schedule.schedule`). Packages of a period are shipped evenly over it.
    With P = ``case.period_weeks``, k = ⌊w/P⌋ and f = w/P − k, of what the packages of period t need
    the share 1 − f falls in period t − k and the share f in t − k − 1. The plan itself counts every
    use in the period of the shipment; these rows say when it really falls due. What is started for
    shipments after the horizon is not known and not in them: the last periods look emptier than
    they will be.

    Parameters
    ----------
    case, result
        A case, and what :func:`yieldopt.solve` gives for it. Rows of the allocation may name a
        ``line``; the line's own resources then stand for those of the route.

    Returns
    -------
    StartPlan
        The amounts of a resource over all periods, "before" with them, sum to packages × use per
        good package.

    Raises
    ------
    UnknownName
        The allocation names a recipe, product or period that is not there.

    Examples
    --------
    >>> from yieldopt import load, solve
    >>> case = load("minimal")
    >>> plan = start_plan(case, solve(case))
    >>> stacks = [row for row in plan.rows if row.name == "hbm.hbm3e_8h"]
    >>> [(row.what, row.period, row.weeks_before) for row in stacks]
    [('order', 'before all', 46.0)]
    """
    recipes = {recipe.id: recipe for recipe in result.recipes}
    needs: dict[tuple[str, str | None, int], list[_Need]] = {}
    missing: dict[str, None] = {}
    found = _Found(case)
    for row in result.allocation:
        period = _index(row["period"], case.periods)
        recipe = recipes[_known(row["recipe"], recipes, "recipe")]
        models, line = _models_of(case, period), row.get("line")
        key = (recipe.id, line, id(models))
        if key not in needs:
            dates = _dates(models, recipe)
            missing |= dict.fromkeys(dates.without_time)
            needs[key] = list(_needs(models, recipe, dates, line))
        for need in needs[key]:
            found.add(need, recipe.product, period, row["packages"])
    rows = tuple(found.rows())
    beyond = tuple(_beyond(rows, result))
    status, weeks = str(result.status), case.period_weeks
    return StartPlan(
        status, result.gap, case.periods, weeks, rows, tuple(missing), result.binding, beyond
    )


def _beyond(rows: Iterable[StartRow], result: Result) -> Iterator[Excess]:
    due: dict[tuple[str, str], float] = {}
    for row in (row for row in rows if row.what != "order"):
        due[row.name, row.period] = due.get((row.name, row.period), 0.0) + row.amount
    for use in result.resource_use:
        amount, capacity = due.get((use["resource"], use["period"]), 0.0), use["capacity"]
        if amount > capacity * (1.0 + _FULL):
            yield Excess(use["resource"], use["period"], amount, capacity)


def spread(weeks: float, period: int, period_weeks: float) -> tuple[tuple[int, float], ...]:
    """Return (period, share) of what falls due ``weeks`` before an even shipment over a period.

    Periods before the first are negative. The shares are those in which the period, moved back,
    lies over others; they sum to 1. What is whole periods but for rounding is whole: else crumbs
    would be flagged as due before the horizon.

    Examples
    --------
    >>> spread(3.25, 2, 13.0)
    ((1, 0.25), (2, 0.75))
    >>> spread(26.0, 2, 13.0)
    ((0, 1.0),)
    """
    back = in_periods(weeks, period_weeks)
    whole = math.floor(back)
    part = back - whole
    shares = ((period - whole - 1, part), (period - whole, 1.0 - part))
    return tuple((due, share) for due, share in shares if share > 0.0)


class _Found:
    """Amounts by place (what, name, unit, product, period; before the horizon: one period)."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.amounts: dict[_Place, float] = {}
        self.first: dict[_Place, float] = {}  # weeks before the horizon

    def add(self, need: _Need, product: str, period: int, packages: float) -> None:
        for due, share in spread(need.weeks, period, self.case.period_weeks):
            order = _WHATS.index(need.what)
            place = (order, need.name, need.unit, product, max(due, _BEFORE))
            more = packages * need.per_good * share
            self.amounts[place] = self.amounts.get(place, 0.0) + more
            if due < 0:
                early = need.weeks - period * self.case.period_weeks
                self.first[place] = max(self.first.get(place, 0.0), early)

    def rows(self) -> Iterator[StartRow]:
        periods = self.case.periods
        for place, amount in sorted(self.amounts.items()):
            what, name, unit, product, due = place
            period = periods[due] if due > _BEFORE else f"before {periods[0]}"
            if amount > 0.0:
                early = self.first.get(place)
                yield StartRow(_WHATS[what], name, unit, product, period, amount, early)


def _models_of(case: Case, period: int) -> Case:
    """Return the case whose models hold in a period."""
    models = case
    for change in case.changes:
        if change.period <= period:
            models = change.case
    return models


def _dates(case: Case, recipe: Recipe) -> Schedule:
    route = case.library.routes[_known(recipe.route, case.library.routes, "route")]
    return schedule(case.library, case.product(recipe.product), route)


def _needs(case: Case, recipe: Recipe, dates: Schedule, line: str | None) -> Iterator[_Need]:
    """Yield what a good package of a recipe needs: each use of each step, and the orders."""
    route = case.library.routes[recipe.route]
    template = compile_template(case, case.product(recipe.product), route)
    flow = _with_orders(template.at(recipe.levels), dates)
    out = evaluate(flow)
    quality = float(out.quality)
    carriers = {p.resource: f"{p.carrier}s" for p in case.library.processes.values()}
    units = {r.name: r.unit for r in case.resources if r.unit} | carriers
    own = next((each.resources for each in case.lines if each.name == line), {})
    for node in flow.nodes:
        times = dates.nodes[node.name]
        for at, step in enumerate(node.steps):
            per_good = float(out.visits[f"{node.name}/{step.name}"]) / quality
            buys = at == 0 and times.bought is not None
            uses = step.uses if step.uses or not buys else {node.name: 1.0}
            for name, used in uses.items():
                what = "order" if buys else "start" if name in carriers else "book"
                there = own.get(name, name)
                unit = units.get(there) or units.get(name)
                unit = unit or ("h" if name.endswith("_h") else "units")
                needed = per_good * float(used)
                yield _Need(what, there, unit, times.weeks(step), needed)
    for order in dates.orders:
        asked = line if line is not None and order.route == recipe.route else order.route
        per_good = float(out.visits[f"{order.node}/{_ORDER}"]) / quality
        unit = "packages" if order.node == flow.ship else "parts"
        yield _Need("order", asked, unit, order.weeks, per_good)


def _with_orders(flow: Flow, dates: Schedule) -> Flow:
    """Return the flow with a step at the end of all that a line delivers, which does nothing."""
    delivered = {order.node for order in dates.orders}
    nodes: list[Node] = []
    for node in flow.nodes:
        more = (Step(_ORDER, "process"),) if node.name in delivered else ()
        nodes.append(replace(node, steps=(*node.steps, *more)))
    return Flow(flow.ship, tuple(nodes))


def _known(name: str, known: Iterable[str], kind: str) -> str:
    names = list(known)
    if name not in names:
        raise UnknownName(Fault(f"unknown {kind}", value=name, hint=near_miss(name, names)))
    return name


def _index(period: str, periods: tuple[str, ...]) -> int:
    return periods.index(_known(period, periods, "period"))
