"""The command line: no logic, only words in and words out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from yieldopt._version import __version__

OK, BAD_INPUT, INFEASIBLE = 0, 2, 3


class _Group(click.Group):
    """Print errors of yieldopt as plain lines, exit 2; a bug keeps its traceback and exits 1."""

    def invoke(self, ctx: click.Context) -> Any:
        from yieldopt.errors import CaseError, SolverError

        try:
            return super().invoke(ctx)
        except CaseError as error:
            for fault in error.faults:
                click.echo(f"error: {fault}", err=True)
            if len(error.faults) > 1:
                click.echo(f"{len(error.faults)} faults; nothing was written", err=True)
            sys.exit(BAD_INPUT)
        except SolverError as error:
            click.echo(f"error: {error}", err=True)
            sys.exit(BAD_INPUT)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="yieldopt")
def main() -> None:
    """Least cost per good advanced package: test coverage, route and capacity, with a proof."""


_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")


@main.command("eval")
@click.argument("flow", type=click.Path(path_type=Path))
@_JSON
def eval_(flow: Path, as_json: bool) -> None:
    """Evaluate one FLOW file (JSON): cost per good package, quality, visits, uses."""
    from yieldopt.engine import evaluate
    from yieldopt.read import read_flow
    from yieldopt.report.text import outcome_text, to_json

    read = read_flow(flow)
    outcome = evaluate(read)
    if outcome.blocked:
        if as_json:
            click.echo(to_json({"status": "infeasible", "binding": [outcome.blocked]}))
        click.echo(f"infeasible: nothing can pass {outcome.blocked}", err=True)
        sys.exit(INFEASIBLE)
    click.echo(to_json(outcome.to_dict()) if as_json else outcome_text(read, outcome))
