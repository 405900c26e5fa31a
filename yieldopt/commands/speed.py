"""The command that measures this copy."""

from __future__ import annotations

import sys

import click

from yieldopt.commands.shared import FAILED, JSON


@click.command("bench")
@click.option("--quick", is_flag=True, help="Fewer rounds; within 40 s.")
@JSON
def bench_(quick: bool, as_json: bool) -> None:
    """Measure the speed of this copy: a row for each workload, with the bar that it must hold.

    \b
    Example: yieldopt bench --quick
    """
    from yieldopt.benchmark.threads import hold_to_one_thread

    hold_to_one_thread()
    from yieldopt.benchmark.report import json_rows, table
    from yieldopt.benchmark.suite import run
    from yieldopt.benchmark.work import FULL, QUICK

    rows = run(QUICK if quick else FULL)
    click.echo(json_rows(rows) if as_json else table(rows))
    if any(row.failed for row in rows):
        sys.exit(FAILED)


COMMANDS = {"bench": bench_}
