"""Commands that show what is in a case, a flow or the library: nothing is chosen."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from yieldopt.commands.completion import routes
from yieldopt.commands.shared import CASE, INFEASIBLE, JSON, PRODUCT, say


@click.command("eval")
@click.argument("flow", type=click.Path(path_type=Path))
@JSON
def eval_(flow: Path, as_json: bool) -> None:
    """Evaluate one FLOW file (JSON): cost per good package, quality, visits, uses.

    \b
    Example: yieldopt flow minimal --product asic --route osat_2p5d --json > flow.json
    yieldopt eval flow.json
    """
    from yieldopt.engine import evaluate
    from yieldopt.errors import plain
    from yieldopt.read import read_flow
    from yieldopt.report.text import outcome_data, outcome_text, to_json

    read = read_flow(flow)
    outcome = evaluate(read)
    if as_json:
        say(to_json(outcome_data(outcome)), as_json=True)
    elif not outcome.blocked:
        say(outcome_text(read, outcome))
    if outcome.blocked:
        click.echo(f"infeasible: nothing can pass {plain(outcome.blocked)}", err=True)
        sys.exit(INFEASIBLE)


@click.command()
@CASE
def check(case: Path) -> None:
    """Check a CASE file and every model that it uses; nothing is solved.

    \b
    Example: yieldopt check minimal
    """
    from yieldopt.read import load
    from yieldopt.report.listing import case_summary

    say(case_summary(load(case)))


@click.command()
@CASE
@PRODUCT
@click.option("--route", required=True, shell_complete=routes, help="A route of the library.")
@click.option(
    "--level",
    "levels",
    multiple=True,
    metavar="NODE/INSERTION=LEVEL",
    help="A test level; may be given several times. Insertions that are not named are off.",
)
@JSON
def flow(case: Path, product: str, route: str, levels: tuple[str, ...], as_json: bool) -> None:
    """Print the compiled flow of a product of CASE on a route, at base values.

    \b
    Example: yieldopt flow minimal --product asic --route osat_2p5d --level package/final_test=f995
    """
    from yieldopt.compile import compile_named
    from yieldopt.read import load
    from yieldopt.report.listing import flow_text
    from yieldopt.report.text import to_json

    compiled = compile_named(load(case), product, route, levels)
    say(to_json(compiled.to_dict()) if as_json else flow_text(compiled), as_json=as_json)


@click.command("list")
@click.argument(
    "kind",
    type=click.Choice(["routes", "parts", "insertions", "processes", "cases", "laws"]),
)
@JSON
def list_(kind: str, as_json: bool) -> None:
    """List what the bundled library holds.

    \b
    Example: yieldopt list routes
    """
    from yieldopt.report.listing import listing
    from yieldopt.report.text import columns, to_json

    rows = listing(kind)
    if as_json:
        head, *body = rows
        say(to_json([dict(zip(head, row, strict=True)) for row in body]), as_json=True)
    else:
        say(columns(rows))


COMMANDS = {"eval": eval_, "check": check, "flow": flow, "list": list_}
