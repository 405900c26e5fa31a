"""The command that says what differs between two cases."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from yieldopt.commands.completion import CasePath
from yieldopt.commands.shared import JSON, SOLVER, show, time_limit

_DIFFERENT = 1  # as diff has it


@click.command("diff")
@click.argument("before", type=CasePath(path_type=Path), metavar="A")
@click.argument("after", type=CasePath(path_type=Path), metavar="B")
@click.option("--inputs", "inputs_only", is_flag=True, help="Inputs alone: nothing is solved.")
@SOLVER
@time_limit()
@JSON
def diff_(
    before: Path,
    after: Path,
    inputs_only: bool,
    solver: str,
    time_limit_s: float | None,
    as_json: bool,
) -> None:
    """Say what differs between the cases A and B: inputs, models included, and answers.

    Both are solved where an input differs. Exit code 0: nothing differs; 1: something does.
    """
    from yieldopt.difference import difference
    from yieldopt.read import load
    from yieldopt.report.difference import difference_text

    cases = load(before), load(after)
    found = difference(*cases, answers=not inputs_only, solver=solver, time_limit_s=time_limit_s)
    show(found, difference_text, as_json)
    if not found.same:
        sys.exit(_DIFFERENT)


COMMANDS = {"diff": diff_}
