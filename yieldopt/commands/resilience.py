"""The command that plans against the loss of a site or region, and for scenarios."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from yieldopt.commands.progress import shown_progress, stopped_by_ctrl_c
from yieldopt.commands.shared import (
    CASE,
    GAP,
    JSON,
    OUT,
    SOLVER,
    as_options,
    needs,
    show,
    time_limit,
)


@click.command("resilience")
@CASE
@JSON
@OUT
@SOLVER
@GAP
@click.option(
    "--weight",
    type=float,
    help="0: the expected cost counts alone; 1: the mean cost of the dearest futures does; "
    "left out: 0.",
)
@click.option(
    "--cvar",
    type=float,
    metavar="ALPHA",
    help="The dearest futures are the last 1 - ALPHA of the probability; left out: 0.9.",
)
@time_limit()
def resilience_(
    case: Path,
    as_json: bool,
    out: Path | None,
    solver: str,
    gap: float,
    weight: float | None,
    cvar: float | None,
    time_limit_s: float | None,
) -> None:
    """Plan a CASE against the losses of its [resilience] and for its [[scenarios]].

    Ctrl-C ends it with the best plans so far and what bounds them.

    \b
    Example: yieldopt resilience accelerators_2026 --time-limit 20
    """
    from yieldopt.planning.resilience import resilience
    from yieldopt.read import load
    from yieldopt.report.files import check_folder
    from yieldopt.report.resilience import resilience_text
    from yieldopt.report.resilience_files import write_resilience

    needs("--cvar", cvar, bool(weight), "--weight above 0")
    if out is not None:
        check_folder(out, case)
    checked = load(case)
    with (
        as_options({"cvar": "--cvar", "weight": "--weight"}),
        shown_progress(as_json) as shown,
        stopped_by_ctrl_c() as stop,
    ):
        found = resilience(
            checked,
            solver=solver,
            time_limit_s=time_limit_s,
            cvar=cvar,
            weight=weight or 0.0,
            gap=gap,
            shown=shown,
            stop=stop,
        )
    write = None if out is None else partial(write_resilience, found, out, protected=case)
    show(found, resilience_text, as_json, status=found.status, write=write)


COMMANDS = {"resilience": resilience_}
