"""More results as tables with units: why a plan is so, its resilience, robust and refined plans."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

from yieldopt.optimize.refine_case import RefinedProduct
from yieldopt.optimize.robust_case import RobustAnswer
from yieldopt.planning.resilience import Resilience
from yieldopt.planning.why import Why
from yieldopt.report.frames import Kind
from yieldopt.report.refine import refined_text
from yieldopt.report.resilience import resilience_text
from yieldopt.report.resilience_files import TABLES, resilience_tables
from yieldopt.report.robust import robust_text
from yieldopt.report.views import Sheet, View, first, of_fields, sheet, view
from yieldopt.report.why import why_text

__all__ = ["view"]  # with the results of this file too

Names = dict[str, Kind]

_TEXT, _USD, _PPM, _AMOUNT = Kind.TEXT, Kind.USD, Kind.PPM, Kind.AMOUNT
_RANGE: Names = {"low": _AMOUNT, "high": _AMOUNT}
_LEVEL: Names = {"route": _TEXT, "insertion": _TEXT, "level": _TEXT}
_ROUTE: Names = {"route": _TEXT, "cost_per_good_usd": _USD, "lower_bound_usd": _USD}


@view.register
def _(found: Why) -> View:
    where: Names = {"product": _TEXT, "line": _TEXT}
    sheets = {
        "scarce": of_fields(
            {"resource": _TEXT, "period": _TEXT, "unit": _TEXT, "capacity": _AMOUNT,
             "usd_per_unit": _USD, "less_usd_per_unit": _USD} | _RANGE,
            found.scarce,
        ),
        "rules": of_fields(
            {"kind": _TEXT, "rule": _TEXT, "value": _AMOUNT, "unit": _TEXT, "step": _AMOUNT,
             "usd_per_step": _USD, "less_usd_per_step": _USD} | _RANGE,
            found.rules,
        ),
        "demand": of_fields(
            {"product": _TEXT, "period": _TEXT, "demand": Kind.PACKAGES, "usd_per_good": _USD}
            | _RANGE,
            found.demand,
        ),
        "displaced": sheet(
            {"product": _TEXT, "period": _TEXT, "what": _TEXT, "of": _TEXT, "line": _TEXT,
             "then": _TEXT, "packages": Kind.AMOUNT},
            ((row.product, row.period, one.kind, one.product, one.line, one.period, one.packages)
             for row in found.demand for one in row.moved),
        ),
        "unused": of_fields(
            where | {"period": _TEXT, "cost_per_good_usd": _USD, "cheaper_usd_per_good": _USD,
                     "enough_usd_per_good": _USD, "closed": _TEXT, "opening": _TEXT,
                     "opening_usd": _USD},
            found.unused,
        ),
        "excluded": sheet(
            where | {"reasons": _TEXT},
            ((row.product, row.line, "; ".join(row.reasons)) for row in found.excluded),
        ),
        "conflict": of_fields({"kind": _TEXT, "words": _TEXT}, found.conflict),
    }  # fmt: skip
    return View(first(why_text(found)), sheets)


@view.register
def _(found: Resilience) -> View:
    rows = resilience_tables(found)
    sheets = {name: Sheet(table.columns, rows[name]) for name, table in TABLES.items()}
    return View(first(resilience_text(found)), sheets)


@view.register
def _(found: RefinedProduct) -> View:
    columns = _ROUTE | {"on_grid_usd": _USD, "dppm": _PPM, "gap": Kind.FRACTION, "reasons": _TEXT}
    plans = [(one, one.refined) for one in found.routes]
    routes = (
        (one.route, plan and _finite(plan.value_usd), plan and _finite(plan.lower_bound_usd),
         one.on_grid_usd, plan and plan.dppm, plan and plan.gap, "; ".join(one.reasons))
        for one, plan in plans
    )  # fmt: skip
    seconds = (
        (one.route, place, s, *(one.ranges_s or {})[place])
        for one, plan in plans if plan is not None for place, s in plan.seconds.items()
    )  # fmt: skip
    times = {"route": _TEXT, "insertion": _TEXT, "seconds": _AMOUNT, "least_s": _AMOUNT,
             "most_s": _AMOUNT}  # fmt: skip
    levels = (
        (one.route, *pair) for one, plan in plans if plan for pair in (plan.levels or {}).items()
    )
    sheets = {
        "routes": sheet(columns, routes),
        "seconds": sheet(times, seconds),
        "levels": sheet(_LEVEL, levels),
    }
    return View(first(refined_text(found)), sheets)


@view.register
def _(found: RobustAnswer) -> View:
    routes = (
        (one.route, one.found and _finite(one.found.value_usd),
         one.found and _finite(one.found.proof.lower_bound_usd),
         one.found and one.found.dppm_held, "; ".join(one.reasons))
        for one in found.routes
    )  # fmt: skip
    scenarios: Names = {"route": _TEXT, "scenario": _TEXT, "probability": Kind.FRACTION,
                          "cost_per_good_usd": _USD, "dppm": _PPM, "best_usd": _USD}  # fmt: skip
    sheets = {
        "routes": sheet(_ROUTE | {"dppm_held": Kind.FRACTION, "reasons": _TEXT}, routes),
        "scenarios": sheet(scenarios, _scenarios(found)),
        "levels": sheet(_LEVEL, _levels(found)),
    }
    return View(first(robust_text(found)), sheets)


def _scenarios(answer: RobustAnswer) -> Iterator[tuple[Any, ...]]:
    for one in answer.routes:
        if one.found is None or one.found.levels is None:
            continue
        for at, (name, probability) in enumerate(answer.scenarios.items()):
            best = None if one.worth is None else one.worth.best_usd[at]
            plan = one.found.values_usd[at], one.found.dppm[at]
            yield (one.route, name, probability, *plan, best)


def _levels(answer: RobustAnswer) -> Iterable[tuple[str, str, str]]:
    for one in answer.routes:
        for place, level in ((one.found.levels if one.found else None) or {}).items():
            yield one.route, place, level


def _finite(value: float) -> float | None:
    """Infinite stands for no plan in these results."""
    return value if math.isfinite(value) else None
