"""The command that says why the plan of a case is as it is, or why there is none."""

from __future__ import annotations

from pathlib import Path

import click

from yieldopt.commands.shared import CASE, JSON, show, time_limit


@click.command("why")
@CASE
@JSON
@click.option("--solver", default="highs", show_default=True, help="Of the plan, as for solve.")
@time_limit(60.0)
def why_(case: Path, as_json: bool, solver: str, time_limit_s: float | None) -> None:
    """Solve a CASE; say what is scarce, what easing a rule is worth, what demand displaces, what is
    not used, what conflicts. The dearest first; what there was no time for is named.

    \b
    Example: yieldopt why ask_overcapacity
    """
    from yieldopt.planning.why import why
    from yieldopt.read import load
    from yieldopt.report.why import why_text

    found = why(load(case), solver=solver, time_limit_s=time_limit_s)
    show(found, why_text, as_json, status=found.status)


COMMANDS = {"why": why_}
