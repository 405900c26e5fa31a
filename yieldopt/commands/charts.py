"""The command that draws every picture of a case, for slides."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from yieldopt.commands.report import SOURCE, is_result, processors
from yieldopt.commands.shared import INFEASIBLE, SOLVER, UNKNOWN, time_limit

if TYPE_CHECKING:
    from yieldopt.report.charts.files import Kind
    from yieldopt.report.charts.style import Theme

_EXITS = {"infeasible": INFEASIBLE, "unknown": UNKNOWN}


@click.command("charts")
@SOURCE
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("charts"),
    show_default=True,
    help="Write a file for each picture here.",
)
@click.option(
    "--kind",
    type=click.Choice(["svg", "png"]),
    default="svg",
    show_default=True,
    help="svg: lines, sharp at any size; png: dots, for what takes no SVG.",
)
@click.option(
    "--theme",
    type=click.Choice(["light", "dark"]),
    default="light",
    show_default=True,
    help="The ground that they are drawn for.",
)
@SOLVER
@time_limit(60.0)
def charts_(
    source: Path, out: Path, kind: Kind, theme: Theme, solver: str, time_limit_s: float | None
) -> None:
    """Draw the pictures of a CASE as files for slides: waterfall, funnel, U-curves, tornado, …

    Of RESULT.json (of solve --json) those of its plan; what it does not hold is said. Files that
    are in the folder already are written over where they have the same name; pictures of another
    run that stay there are named.

    \b
    Example: yieldopt charts minimal --out charts --kind png
    """
    from yieldopt.report.charts import pictures
    from yieldopt.report.charts.files import left_before, picture_fills
    from yieldopt.report.files import check_folder, write_files
    from yieldopt.report.text import columns
    from yieldopt.study.planned import MISSING, planned_study

    check_folder(out, source)
    if is_result(source):
        study = planned_study(source)
    else:
        from yieldopt.study import study_case

        study = study_case(source, solver=solver, time_limit_s=time_limit_s, processes=processors())
    drawn = pictures(study)
    files = write_files(picture_fills(drawn, kind, theme), out, source)
    rows = ((str(file), one.title) for file, one in zip(files, drawn, strict=True))
    status = study.result.status
    click.echo(columns(rows) if drawn else f"{status}: there is nothing to draw")
    if is_result(source):
        click.echo(f"note: a result alone does not hold: {', '.join(MISSING)}")
    if old := left_before(out, files):
        click.echo(f"note: of another run, left as they are: {', '.join(old)}")
    if str(status) in _EXITS:
        sys.exit(_EXITS[str(status)])


COMMANDS = {"charts": charts_}
