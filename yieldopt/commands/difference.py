"""The command that says what differs between two cases."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from yieldopt.commands.completion import CasePath
from yieldopt.commands.shared import JSON, SOLVER, show, time_limit

_DIFFERENT = 1  # as diff has it


@click.command("diff")
@click.argument("before", type=CasePath(results=True), metavar="A")
@click.argument("after", type=CasePath(results=True), metavar="B")
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

    Both are solved where an input differs. A and B may also be results (.json of solve --json):
    then only answers are known. Exit code 0: nothing differs; 1: something does.

    \b
    Example: yieldopt diff minimal h100_class --inputs || echo "exit $?: they differ"
    """
    from yieldopt.difference import difference, result_difference
    from yieldopt.errors import CaseError, Fault
    from yieldopt.read import load
    from yieldopt.report.difference import difference_text
    from yieldopt.study.result_file import read_result

    results = [path.suffix == ".json" for path in (before, after)]
    if any(results):
        if not all(results) or inputs_only:
            hint = "give two cases, or two results of which answers alone are known"
            raise CaseError(Fault("cannot be compared", "B", str(after), hint))
        answers = read_result(before), read_result(after)
        found = result_difference((str(before), str(after)), *answers)
    else:
        cases = load(before), load(after)
        found = difference(
            *cases, answers=not inputs_only, solver=solver, time_limit_s=time_limit_s
        )
    show(found, difference_text, as_json)
    if not found.same:
        sys.exit(_DIFFERENT)


COMMANDS = {"diff": diff_}
