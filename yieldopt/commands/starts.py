"""The command that goes back from the plan of a case to what is started and ordered, and when."""

from __future__ import annotations

from pathlib import Path

import click

from yieldopt.commands.shared import CASE, JSON, SOLVER, show, time_limit


@click.command("starts")
@CASE
@JSON
@SOLVER
@time_limit()
def starts_(case: Path, as_json: bool, solver: str, time_limit_s: float | None) -> None:
    """Solve a CASE; say what to start, order and book by period, and what before the first.

    \b
    Example: yieldopt starts plan_from_tables
    """
    from yieldopt.read import load
    from yieldopt.report.starts import starts_text
    from yieldopt.solving import solve
    from yieldopt.start_plan import start_plan

    read = load(case)
    found = start_plan(read, solve(read, solver=solver, time_limit_s=time_limit_s))
    show(found, starts_text, as_json, status=found.status)


COMMANDS = {"starts": starts_}
