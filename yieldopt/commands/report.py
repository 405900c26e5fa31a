"""The command that makes the report of a case or of a result; the option of solve that does too."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from yieldopt.commands.shared import INFEASIBLE, SOLVER, UNKNOWN, time_limit

if TYPE_CHECKING:
    from yieldopt.plan import Result

LIMIT_S = 60.0  # for the studies of a report, if no limit is given
_FILE = "-o"
_EXITS = {"infeasible": INFEASIBLE, "unknown": UNKNOWN}

REPORT = click.option(
    "--report",
    "report_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Make a page of it here, as the command report does: up to 60 s more if no limit is set.",
)


@click.command("report")
@click.argument("source", metavar="CASE|RESULT.json", type=click.Path(path_type=Path))
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
    """
    from yieldopt.report.page.document import page
    from yieldopt.report.page.file import check_page, write_page
    from yieldopt.study import Study
    from yieldopt.study.result_file import read_result

    check_page(file, _FILE)
    if source.suffix.lower() == ".json":
        study = Study(source.name, "", read_result(source), ())
        write_page(page(study, None), file, _FILE)
        result = study.result
    else:
        result = write_report(source, file, _FILE, time_limit_s, solver=solver)
    click.echo(f"{result.status}; written: {file}")
    if str(result.status) in _EXITS:
        sys.exit(_EXITS[str(result.status)])


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
    from yieldopt.report.page.document import page
    from yieldopt.report.page.file import write_page
    from yieldopt.study import study_case
    from yieldopt.study.assumptions import origins

    study = study_case(case, result=result, solver=solver, time_limit_s=time_limit_s)
    write_page(page(study, origins(load(case))), file, option)
    return study.result


COMMANDS = {"report": report_}
