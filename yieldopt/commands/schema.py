"""The command that prints what files may hold, for editors."""

from __future__ import annotations

import click

_FILES = ("case", "process", "part", "route", "insertion", "sources")


@click.command("schema")
@click.argument("file", type=click.Choice(_FILES), default="case")
def schema_(file: str) -> None:
    """Print the JSON Schema of a case file, or of a process, part, route, insertion, sources file.

    An editor completes and checks a TOML file whose first line is "#:schema ./case.schema.json".

    \b
    Example: yieldopt schema case > case.schema.json
    """
    from yieldopt.report.text import to_json
    from yieldopt.schema.json_schema import json_schema

    click.echo(to_json(json_schema(file)))


COMMANDS = {"schema": schema_}
