"""The command that makes the report of a case or of a result; the option of solve that does too."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from yieldopt.commands.completion import CasePath
from yieldopt.commands.shared import INFEASIBLE, SOLVER, UNKNOWN, time_limit

if TYPE_CHECKING:
    from yieldopt.plan import Result

LIMIT_S = 60.0  # for the studies of a report, if no limit is given
_FILE = "-o"
_EXITS = {"infeasible": INFEASIBLE, "unknown": UNKNOWN}

SOURCE = click.argument("source", metavar="CASE|RESULT.json", type=CasePath(results=True))
REPORT = click.option(
    "--report",
    "report_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Make a page of it here, as the command report does: up to 60 s more if no limit is set.",
)


@click.command("report")
@SOURCE
@click.option(
    _FILE,
    "--output",
    "file",
    type=click.Path(path_type=Path),
    default=Path("report.html"),
    show_default=True,
    help="One page of HTML that needs no network.",
)
@SOLVER
@time_limit(LIMIT_S)
def report_(source: Path, file: Path, solver: str, time_limit_s: float | None) -> None:
    """Make a page of a CASE with everything that it answers: pictures, tables, assumptions.

    Of RESULT.json (of solve --json) the page shows what it holds, and says what is missing.

    \b
    Example: yieldopt report minimal -o minimal.html
    """
    from yieldopt.report.page.file import check_page, write_page

    check_page(file, _FILE, source)
    if is_result(source):
        from yieldopt.report.page.document import page
        from yieldopt.study.planned import planned_study

        study = planned_study(source)
        write_page(page(study, None), file, _FILE)
        result = study.result
    else:
        result = write_report(source, file, _FILE, time_limit_s, solver=solver)
    click.echo(f"{result.status}; written: {file}")
    if str(result.status) in _EXITS:
        sys.exit(_EXITS[str(result.status)])


def is_result(source: Path) -> bool:
    """Whether a file is a result, by its name; else it is a case."""
    return source.suffix.lower() == ".json"


def write_report(
    case: Path,
    file: Path,
    option: str,
    time_limit_s: float | None,
    *,
    solver: str = "highs",
    result: Result | None = None,
) -> Result:
    """Study a case, with its plan where it is known, and write the page; return the plan."""
    from yieldopt.read import load
    from yieldopt.report.page.file import write_page
    from yieldopt.report.page.library import library_aside

    with library_aside() as library:  # it begins before anything large is loaded here
        from yieldopt.study import study_case
        from yieldopt.study.assumptions import origins

        held = load(case)
        study = study_case(
            held, result=result, solver=solver, time_limit_s=time_limit_s, processes=processors()
        )
        from yieldopt.report.page.document import page

        write_page(page(study, origins(held), library), file, option)
    return study.result


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):  # in a container fewer than the machine has
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


COMMANDS = {"report": report_}
