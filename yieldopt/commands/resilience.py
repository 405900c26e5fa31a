"""The command that plans against the loss of a site or region, and for scenarios."""

from __future__ import annotations

from pathlib import Path

import click

from yieldopt.commands.shared import CASE, JSON, as_options, needs, show, time_limit


@click.command("resilience")
@CASE
@JSON
@click.option("--solver", default="highs", show_default=True, help="As for solve.")
@click.option(
    "--weight",
    type=float,
    help="Of the mean cost over the dearest futures, against expected cost; left out: 0.",
)
@click.option(
    "--cvar",
    type=float,
    metavar="ALPHA",
    help="The dearest futures are 1 - ALPHA of the probability; left out: 0.9.",
)
@time_limit()
def resilience_(
    case: Path,
    as_json: bool,
    solver: str,
    weight: float | None,
    cvar: float | None,
    time_limit_s: float | None,
) -> None:
    """Plan a CASE against the losses of its [resilience] and for its [[scenarios]]."""
    from yieldopt.planning.resilience import resilience
    from yieldopt.read import load
    from yieldopt.report.resilience import resilience_text

    needs("--cvar", cvar, bool(weight), "--weight above 0")
    with as_options({"cvar": "--cvar", "weight": "--weight"}):
        found = resilience(
            load(case),
            solver=solver,
            time_limit_s=time_limit_s,
            cvar=cvar,
            weight=weight or 0.0,
        )
    show(found, resilience_text, as_json, status=found.status)


COMMANDS = {"resilience": resilience_}
