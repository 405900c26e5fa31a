"""A case and its answer as one workbook."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from itertools import accumulate
from pathlib import Path
from typing import Any

from yieldopt.comparison import RouteColumn, compare
from yieldopt.data import bundled_cases
from yieldopt.optimize.budget import Budget
from yieldopt.plan import Result
from yieldopt.read.book.fresh import fresh_file
from yieldopt.read.book.grids import case_data
from yieldopt.read.book.importing import data_seen_from
from yieldopt.read.book.layout import ASSUMPTIONS, BARS, CHARTS, FALLING, PLAN, SOURCES, WATERFALLS
from yieldopt.read.case import load
from yieldopt.report.book.charts import TOTAL, Drawing
from yieldopt.report.book.contents import contents
from yieldopt.report.book.inputs import checked_grids, fill_help, fill_inputs
from yieldopt.report.cells import MAX_COLUMNS
from yieldopt.report.frames import TABLES, Kind, tables
from yieldopt.report.workbook import Columns, Sheets, Values, across, period_order, written_book
from yieldopt.schema.case import Case
from yieldopt.solving import solve
from yieldopt.start_plan import start_plan
from yieldopt.study.assumptions import Origins, origins

_LEAST_S = 1e-3  # a limit for what begins when time has ended: it says so itself


def export_book(
    source: Path,
    file: Path,
    option: str = "-o",
    *,
    solver: str = "highs",
    time_limit_s: float | None = None,
) -> Result:
    """Solve a case, write its workbook, and return the plan.

    Numbers of tables that the case names stand in the workbook itself; folders of models are named
    as seen from it. Comments of the case file are left out.

    Parameters
    ----------
    source
        A case file, or the name of a bundled case.
    file
        An ``.xlsx`` file that is not there yet.
    option
        That named it, for messages.
    solver, time_limit_s
        As of :func:`yieldopt.solving.solve`; the limit is shared out between the plan and routes.

    Raises
    ------
    CaseError, SolverError
        As :func:`yieldopt.load` and :func:`yieldopt.solve`; or the file cannot be written.
    """
    path = source if source.exists() else bundled_cases().get(str(source), source)
    with fresh_file(file, ".xlsx", option) as part:
        case = load(source)
        data = data_seen_from(case_data(path), path.parent, file.parent)
        found = checked_grids(data)
        budget = Budget.of(time_limit_s)
        half_s = None if time_limit_s is None else time_limit_s / 2.0
        result = solve(case, solver=solver, time_limit_s=half_s)
        starts = tuple(asdict(row) for row in start_plan(case, result).rows)
        result = replace(result, starts=starts)
        left_s = None if time_limit_s is None else max(_LEAST_S, budget.left_s())
        routes = compare(case, time_limit_s=left_s)

        def fill(sheets: Sheets) -> None:
            fill_answer(sheets, case, result, routes)
            fill_help(sheets)
            fill_inputs(sheets, found)

        written_book(part, fill)
    return result


def fill_answer(sheets: Sheets, case: Case, result: Result, routes: Sequence[RouteColumn]) -> None:
    """Write the sheets of an answer: summary, charts, tables, and what they rest on.

    Parameters
    ----------
    sheets
        Of the workbook.
    case, result
        What was solved, and the plan.
    routes
        Of every product by itself, product by product.
    """
    held = tables(result)
    sheets.summary(result, held["products"], f"{case.name}: {case.title}", contents())
    drawing = Drawing(sheets.book, CHARTS)
    columns, rows = _waterfalls(routes)
    sheets.table(WATERFALLS, columns, rows)
    drawing.routes(columns, rows)
    bars = list(_bars(routes))
    sheets.table(BARS, _BARS, bars)
    falling = Drawing(sheets.book, FALLING)
    falling.waterfalls(bars)
    falling.close()
    sheets.tables(result, held, PLAN)
    spread, by_period = across(TABLES["allocation"], held["allocation"], period_order(result))
    if len(spread) <= MAX_COLUMNS:
        drawing.allocation(spread, by_period)
    units = {resource.name: resource.unit or "in its unit" for resource in case.resources}
    drawing.capacity([tuple(row.values()) for row in held["resource_use"]], units)
    drawing.close()
    _provenance(sheets, origins(case))


def _waterfalls(routes: Sequence[RouteColumn]) -> tuple[Columns, list[Values]]:
    """Return what routes cost by category; of a product, those without a plan come last."""
    order = sorted(routes, key=lambda column: column.recipe is None)
    falls = [(column, column.recipe.waterfall_usd if column.recipe else {}) for column in order]
    steps = dict.fromkeys(step for _, fall in falls for step in fall)
    columns: list[tuple[str, Kind]] = [("product", Kind.TEXT), ("route", Kind.TEXT)]
    columns += [(step, Kind.USD) for step in steps] + [("cost_per_good_usd", Kind.USD)]
    columns += [("status", Kind.TEXT), ("reasons", Kind.TEXT)]
    rows: list[Any] = [
        (
            column.product,
            column.route,
            *(fall.get(step) for step in steps),
            column.recipe.cost_per_good_usd if column.recipe else None,
            str(column.status),
            "; ".join(column.reasons),
        )
        for column, fall in falls
    ]
    place = {product: at for at, product in enumerate(dict.fromkeys(c.product for c in routes))}
    return columns, sorted(rows, key=lambda row: place[row[0]])


_BARS: Columns = [
    ("product", Kind.TEXT),
    ("route", Kind.TEXT),
    ("category", Kind.TEXT),
    ("from_usd_per_good", Kind.USD),
    ("usd_per_good", Kind.USD),
]


def _bars(routes: Sequence[RouteColumn]) -> Iterator[Values]:
    """Yield the bars of each waterfall, and their sum: a chart of cells cannot sum by itself."""
    for column in routes:
        if column.recipe is not None:
            fall = {name: usd for name, usd in column.recipe.waterfall_usd.items() if usd != 0.0}
            below = accumulate(fall.values(), initial=0.0)
            for (name, usd), start in zip(fall.items(), below, strict=False):
                yield column.product, column.route, name, start, usd
            yield column.product, column.route, TOTAL, 0.0, column.recipe.cost_per_good_usd


def _provenance(sheets: Sheets, basis: Origins) -> None:
    number = Kind.PER_GOOD  # six decimals: units differ from row to row
    columns: Columns = [
        ("key", Kind.TEXT),
        ("low", number),
        ("value", number),
        ("high", number),
        ("unit", Kind.TEXT),
        ("why", Kind.TEXT),
    ]
    rows = [(a.key, a.low, a.base, a.high, a.unit, a.why) for a in basis.assumptions]
    sheets.table(ASSUMPTIONS, columns, rows)
    named: Columns = [("source", Kind.TEXT), ("text", Kind.TEXT)]
    sheets.table(SOURCES, named, list(basis.sources.items()))
