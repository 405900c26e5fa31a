"""Every kind of result as tables with units: what a notebook shows and what frames hold."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

from yieldopt.breakeven import BreakEven
from yieldopt.comparison import RouteColumns
from yieldopt.difference import Change, Difference
from yieldopt.explanation import Explanation, ProductExplanation
from yieldopt.optimize.frontier import Frontier
from yieldopt.optimize.frontier_case import ProductFrontier
from yieldopt.plan import Result, RouteVerdict
from yieldopt.report.comparison import breakeven_text
from yieldopt.report.difference import difference_text
from yieldopt.report.explanation import explanation_text
from yieldopt.report.frames import TABLES, Kind, Row, tables
from yieldopt.report.frontier import frontier_text
from yieldopt.report.result import result_text
from yieldopt.report.starts import starts_text
from yieldopt.report.text import usd
from yieldopt.schema.case import Case
from yieldopt.start_plan import StartPlan

_TEXT, _USD, _PPM, _FLAG = Kind.TEXT, Kind.USD, Kind.PPM, Kind.FLAG
_FRACTION, _AMOUNT = Kind.FRACTION, Kind.AMOUNT


Columns = Mapping[str, Kind]


@dataclass(frozen=True)
class Sheet:
    """A table of a result: what its columns hold, and its rows."""

    columns: Columns
    rows: Sequence[Row]


@dataclass(frozen=True)
class View:
    """A result for people: some lines that say what it is, and its tables by name."""

    head: str
    sheets: Mapping[str, Sheet]


@singledispatch
def view(found: Any) -> View:
    """Return a result as lines and tables.

    Parameters
    ----------
    found
        A case, a result, an explanation, a frontier, compared routes, a break-even, a start plan, a
        difference.
    """
    raise TypeError(f"nothing shows a {type(found).__name__}")


def sheet(columns: Columns, rows: Iterable[tuple[Any, ...]]) -> Sheet:
    """Return a table of rows whose values stand in the order of the columns."""
    return Sheet(columns, [dict(zip(columns, row, strict=True)) for row in rows])


def of_fields(columns: Columns, items: Iterable[object]) -> Sheet:
    """Return a table of items that have fields of the columns' names."""
    return sheet(columns, (tuple(getattr(item, name) for name in columns) for item in items))


def first(text: str) -> str:
    """Return the first lines of a text for people, up to an empty one."""
    return text.split("\n\n")[0]


@view.register
def _(found: Case) -> View:
    changes = {} if found.origin is None else found.origin.changes
    told = [found.title, *(f"{key} = {_value(value)}" for key, value in changes.items())]
    count = len(found.periods)
    products = (
        (p.name, p.title, ", ".join(p.routes), period, demand, p.dppm_limit)
        for p in found.products
        for period, demand in zip(found.periods, p.demand.over(count), strict=True)
    )
    resources = (
        (r.name, r.unit, period, capacity)
        for r in found.resources
        for period, capacity in zip(found.periods, r.capacity.over(count), strict=True)
    )
    columns = {"product": _TEXT, "title": _TEXT, "routes": _TEXT, "period": _TEXT,
               "demand": Kind.PACKAGES, "dppm_limit": _PPM}  # fmt: skip
    limited = {"resource": _TEXT, "unit": _TEXT, "period": _TEXT, "capacity": _AMOUNT}
    sheets = {"products": sheet(columns, products), "resources": sheet(limited, resources)}
    return View("\n".join(told), sheets)


@view.register
def _(found: Result) -> View:
    held = tables(found)
    sheets = {name: Sheet(table.columns, held[name]) for name, table in TABLES.items()}
    return View(first(result_text(found)), sheets)


@view.register
def _(found: Explanation) -> View:
    plan = found.plan
    head = f"{usd(plan.cost_per_good_usd)} USD per good package, {plan.dppm:,.1f} DPPM"
    return View(head, _explained(found))


@view.register
def _(found: ProductExplanation) -> View:
    own = {} if found.explanation is None else _explained(found.explanation)
    return View(first(explanation_text(found)), {"routes": _verdicts(found.routes)} | own)


def _verdicts(routes: Iterable[RouteVerdict]) -> Sheet:
    columns = {"route": _TEXT, "feasible": _FLAG, "cost_per_good_usd": _USD, "reasons": _TEXT}
    rows = ((r.route, r.feasible, r.cost_per_good_usd, "; ".join(r.reasons)) for r in routes)
    return sheet(columns, rows)


def _explained(found: Explanation) -> dict[str, Sheet]:
    return {
        "insertions": _insertions(found),
        "levels": _curves(found),
        "dppm_budget": of_fields(
            {"origin": _TEXT, "fault_class": _TEXT, "unseen_per_shipped": _AMOUNT, "dppm": _PPM,
             "share": _FRACTION},
            found.dppm_budget,
        ),
        "content_moves": sheet(
            {"early": _TEXT, "late": _TEXT, "in_use": _TEXT, "best": _FLAG,
             "cost_per_good_usd": _USD, "dppm": _PPM},
            ((move.early, move.late, way, way == move.best,
              plan and plan.cost_per_good_usd, plan and plan.dppm)
             for move in found.content_moves for way, plan in move.plans.items()),
        ),
    }  # fmt: skip


def _insertions(found: Explanation) -> Sheet:
    columns = {"insertion": _TEXT, "level": _TEXT, "cost_usd_per_good": _USD,
               "overkill_usd_per_good": _USD, "damage_usd_per_good": _USD,
               "saves_usd_per_good": _USD, "next_best": _TEXT,
               "next_best_loses_usd_per_good": _USD}  # fmt: skip
    rows = (
        (a.insertion, a.level, a.cost_usd_per_good, a.overkill_usd_per_good,
         a.damage_usd_per_good, a.saves_usd_per_good, a.next_best and a.next_best.level,
         a.next_best and a.next_best.loses_usd_per_good)
        for a in found.insertions
    )  # fmt: skip
    return sheet(columns, rows)


def _curves(found: Explanation) -> Sheet:
    """The U-curve of every insertion: a row for each of its levels."""
    columns = {"insertion": _TEXT, "level": _TEXT, "chosen": _FLAG, "cost_per_good_usd": _USD,
               "dppm": _PPM, "loses_usd_per_good": _USD, "held_is_allowed": _FLAG,
               "held_loses_usd_per_good": _USD}  # fmt: skip
    rows = (
        (a.insertion, at.level, at.level == a.level, at.best and at.best.cost_per_good_usd,
         at.best and at.best.dppm, at.loses_usd_per_good, at.held_is_allowed,
         at.held_loses_usd_per_good)
        for a in found.insertions for at in a.levels
    )  # fmt: skip
    return sheet(columns, rows)


@view.register
def _(found: Frontier) -> View:
    return View(f"{len(found.points)} points of cost against DPPM", _points(found, None))


@view.register
def _(found: ProductFrontier) -> View:
    own = {} if found.frontier is None else _points(found.frontier, found.chosen)
    return View(first(frontier_text(found)), own | {"routes": _verdicts(found.routes)})


def _points(found: Frontier, chosen: int | None) -> dict[str, Sheet]:
    columns = {"point": _AMOUNT, "cost_per_good_usd": _USD, "dppm": _PPM, "chosen": _FLAG,
               "supported": _FLAG, "usd_per_ppm": _AMOUNT, "gap": _FRACTION}  # fmt: skip
    points = list(enumerate(found.points))
    rows = (
        (float(at), p.value_usd, p.dppm, at == chosen, p.supported, p.usd_per_ppm, p.gap)
        for at, p in points
    )
    levels = ((float(at), *pair) for at, p in points for pair in p.levels.items())
    names = {"point": _AMOUNT, "insertion": _TEXT, "level": _TEXT}
    return {"points": sheet(columns, rows), "levels": sheet(names, levels)}


@view.register
def _(found: RouteColumns) -> View:
    columns = {"product": _TEXT, "route": _TEXT, "status": _TEXT, "cost_per_good_usd": _USD,
               "dppm": _PPM, "quality": _FRACTION, "composite_yield_frac": _FRACTION,
               "reasons": _TEXT}  # fmt: skip
    rows = (
        (c.product, c.route, str(c.status), c.recipe and c.recipe.cost_per_good_usd,
         c.recipe and c.recipe.dppm, c.recipe and c.recipe.quality, c.composite_yield_frac,
         "; ".join(c.reasons))
        for c in found
    )  # fmt: skip
    recipes = [(c.product, c.route, c.recipe) for c in found if c.recipe is not None]
    whose = {"product": _TEXT, "route": _TEXT}
    sheets = {
        "routes": sheet(columns, rows),
        "waterfall": sheet(
            whose | {"category": _TEXT, "usd_per_good": _USD},
            ((p, r, *pair) for p, r, recipe in recipes for pair in recipe.waterfall_usd.items()),
        ),
        "scrap_by_cause": sheet(
            whose | {"cause": _TEXT, "usd_per_good": _USD},
            ((c.product, c.route, *pair) for c in found for pair in c.scrap_by_cause_usd.items()),
        ),
        "levels": sheet(
            whose | {"insertion": _TEXT, "level": _TEXT},
            ((p, r, *pair) for p, r, recipe in recipes for pair in recipe.levels.items()),
        ),
    }
    return View("routes side by side, each product by itself", sheets)


@view.register
def _(found: BreakEven) -> View:
    columns = {"route": _TEXT, "value": _AMOUNT, "cost_per_good_usd": _USD, "stopped": _FLAG}
    ends = (found.low, found.base, found.high)
    costs = (
        (route, value, cost, late)
        for route in found.routes
        for value, cost, late in zip(ends, found.costs[route], found.stopped[route], strict=True)
    )
    told = {"value": _AMOUNT, "not_below": _AMOUNT, "cheaper_below": _TEXT,
            "cheaper_above": _TEXT, "is_jump": _FLAG}  # fmt: skip
    crossings = (
        (c.value, c.not_below, c.cheaper_below, c.cheaper_above, c.is_jump) for c in found.crossings
    )
    sheets = {"crossings": sheet(told, crossings), "costs": sheet(columns, costs)}
    return View(first(breakeven_text(found)), sheets)


@view.register
def _(found: StartPlan) -> View:
    starts = of_fields(TABLES["starts"].columns, found.rows)
    return View(first(starts_text(found)), {"starts": starts})


@view.register
def _(found: Difference) -> View:
    sheets = {"inputs": _changes(found.inputs), "answers": _changes(found.answers)}
    return View(first(difference_text(found)), sheets)


def _changes(changes: Iterable[Change]) -> Sheet:
    """Values of any kind as text, numbers as JSON has them."""
    columns = {"key": _TEXT, "what": _TEXT, "before": _TEXT, "after": _TEXT, "relative": _FRACTION}
    rows = ((c.key, str(c.what), _value(c.before), _value(c.after), c.relative) for c in changes)
    return sheet(columns, rows)


def _value(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)
