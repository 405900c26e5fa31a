"""Commands that weigh routes: the plan of a whole case, routes side by side, break-even."""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from yieldopt.commands import completion
from yieldopt.commands.progress import shown_progress, stopped_by_ctrl_c
from yieldopt.commands.report import LIMIT_S, REPORT, write_report
from yieldopt.commands.shared import (
    CASE,
    GAP,
    INFEASIBLE,
    JSON,
    OUT,
    SOLVER,
    UNKNOWN,
    say,
    show,
    time_limit,
)

if TYPE_CHECKING:
    from yieldopt.optimize.budget import Budget
    from yieldopt.solving import Solved

_LEAST_S = 1e-3  # where no time is left: the studies say so themselves


@click.command()
@CASE
@JSON
@OUT
@SOLVER
@GAP
@time_limit()
@REPORT
def solve(
    case: Path,
    as_json: bool,
    out: Path | None,
    solver: str,
    gap: float,
    time_limit_s: float | None,
    report_file: Path | None,
) -> None:
    """Solve a CASE: route, test levels and allocation of every product, with the proof.

    Ctrl-C ends it with the best plan so far and its gap.

    \b
    Example: yieldopt solve minimal --time-limit 60 --out out
    """
    from yieldopt.optimize.budget import Budget
    from yieldopt.read import load
    from yieldopt.report.files import check_folder
    from yieldopt.report.page.file import check_page
    from yieldopt.report.result import result_text
    from yieldopt.solving import solve_whole
    from yieldopt.start_plan import start_plan

    if out is not None:
        check_folder(out, case)
    if report_file is not None:
        check_page(report_file, "--report", case)
    budget = Budget.of(time_limit_s)
    checked = load(case)
    with shown_progress(as_json) as progress, stopped_by_ctrl_c() as stop:
        solved = solve_whole(checked, solver, time_limit_s, gap, progress, stop)
    if out is not None or as_json:
        rows = tuple(asdict(row) for row in start_plan(checked, solved.result).rows)
        solved = replace(solved, result=replace(solved.result, starts=rows))
    result = solved.result
    write = partial(_written, solved, case, out, report_file, budget)
    show(result, result_text, as_json, status=result.status, write=write)


def _written(
    solved: Solved, case: Path, out: Path | None, report_file: Path | None, budget: Budget
) -> None:
    """Write what was asked for, within the time that is left."""
    from yieldopt.report.files import write_all

    if out is not None:
        write_all(solved, out, protected=case)
    if report_file is not None:
        limit_s = LIMIT_S if budget.limit_s is None else max(_LEAST_S, budget.left_s())
        write_report(case, report_file, "--report", limit_s, result=solved.result)


@click.command("compare")
@CASE
@time_limit()
@JSON
def compare_(case: Path, time_limit_s: float | None, as_json: bool) -> None:
    """Put the routes of every product of CASE side by side: waterfall, yield, scrap by cause.

    \b
    Example: yieldopt compare minimal
    """
    from yieldopt.comparison import compare
    from yieldopt.read import load
    from yieldopt.report.comparison import comparison_text
    from yieldopt.report.text import to_json

    found = compare(load(case), time_limit_s=time_limit_s)
    shown = to_json([column.to_dict() for column in found]) if as_json else comparison_text(found)
    say(shown, as_json=as_json)
    if not any(column.recipe for column in found):
        sys.exit(UNKNOWN if any(column.stopped for column in found) else INFEASIBLE)


@click.command("breakeven")
@CASE
@click.option(
    "--vary",
    "key",
    required=True,
    metavar="KEY",
    help="Dotted, as it stands in the case or model file.",
)
@click.option(
    "--between",
    "routes",
    required=True,
    nargs=2,
    metavar="ROUTE ROUTE",
    shell_complete=completion.routes,
    help="The two routes to compare.",
)
@click.option(
    "--product",
    shell_complete=completion.products,
    help="A product of the case, where there are several.",
)
@click.option("--low", type=float, help="In the unit of KEY; left out: the low of the input.")
@click.option("--high", type=float, help="In the unit of KEY; left out: the high of the input.")
@time_limit()
@JSON
def breakeven_(
    case: Path,
    key: str,
    routes: tuple[str, str],
    product: str | None,
    low: float | None,
    high: float | None,
    time_limit_s: float | None,
    as_json: bool,
) -> None:
    """Find the value of an input of CASE at which two routes cost the same per good package.

    \b
    Example: yieldopt breakeven minimal --vary parts.abf_68.price_usd --between cowos_s osat_2p5d
    """
    from yieldopt.breakeven import breakeven
    from yieldopt.report.comparison import breakeven_text

    found = breakeven(
        case, key, routes, product=product, low=low, high=high, time_limit_s=time_limit_s
    )
    show(found, breakeven_text, as_json, status=found.status)


COMMANDS = {"solve": solve, "compare": compare_, "breakeven": breakeven_}
