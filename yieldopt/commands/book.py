"""The commands that write a case and its answer as a workbook, and read a case from one."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from yieldopt.commands.shared import CASE, INFEASIBLE, SOLVER, UNKNOWN, time_limit

_FILE = "-o"
_EXITS = {"infeasible": INFEASIBLE, "unknown": UNKNOWN}


@click.command("export")
@CASE
@click.option(
    _FILE,
    "--output",
    "file",
    type=click.Path(path_type=Path),
    default=Path("book.xlsx"),
    show_default=True,
    help="A workbook that is not there yet.",
)
@SOLVER
@time_limit(60.0)
def export_(case: Path, file: Path, solver: str, time_limit_s: float | None) -> None:
    """Solve a CASE and write a workbook: its answer with charts, and the case itself to edit.

    The command import makes a case of the workbook again; comments of CASE do not go along.

    \b
    Example: yieldopt export minimal -o minimal.xlsx
    """
    from yieldopt.report.book.export import export_book

    result = export_book(case, file, _FILE, solver=solver, time_limit_s=time_limit_s)
    click.echo(f"{result.status}; written: {file}")
    if str(result.status) in _EXITS:
        sys.exit(_EXITS[str(result.status)])


@click.command("import")
@click.argument("book", type=click.Path(path_type=Path))
@click.option(
    _FILE,
    "--output",
    "file",
    type=click.Path(path_type=Path),
    default=Path("case.toml"),
    show_default=True,
    help="A case file that is not there yet.",
)
def import_(book: Path, file: Path) -> None:
    """Make a case file of the sheets of BOOK (.xlsx), checked; errors name sheet and cell.

    Of a formula the value is taken that was saved with it, and told.

    \b
    Example: yieldopt export minimal -o book.xlsx
    yieldopt import book.xlsx -o from_book.toml
    """
    from yieldopt.read.book.importing import imported

    case, said = imported(book, file, _FILE)
    products = len(case.products)
    count = f"{products} product" + ("" if products == 1 else "s")
    click.echo(f"{file} written: {count}; next: yieldopt solve {file}")
    if said:
        click.echo(said, err=True)


COMMANDS = {"export": export_, "import": import_}
