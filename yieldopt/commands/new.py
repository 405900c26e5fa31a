"""The command that writes a first case of one's own."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import click

_STARTER = Path(__file__).with_name("starter.toml")
_SCHEMA = "case.schema.json"  # as the first line of the starter names it


@click.command("new")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--xlsx", is_flag=True, help="A workbook (.xlsx) to fill in, for yieldopt import.")
def new_(file: Path, xlsx: bool) -> None:
    """Write a commented case to start from as FILE (.toml); nothing is written over.

    Beside it, unless it is there, case.schema.json, by which editors complete and check the case.

    \b
    Example: yieldopt new mine.toml
    """
    from yieldopt.errors import CaseError, Fault

    name = re.sub(r"[^A-Za-z0-9_-]+", "_", file.stem)
    text = _STARTER.read_text(encoding="utf-8").replace('"NAME"', f'"{name}"', 1)
    if xlsx:
        from yieldopt.report.book.inputs import write_template

        write_template(tomllib.loads(text), file, "FILE")
        click.echo(f"{file} written; next: yieldopt import {file} -o {name}.toml")
        return
    if file.suffix != ".toml":
        hint = "for a workbook add --xlsx" if file.suffix == ".xlsx" else ""
        raise CaseError(Fault("a case is a .toml file", "FILE", str(file), hint))
    schema = file.with_name(_SCHEMA)
    has_schema = schema.exists()
    _write(file, text)
    if not has_schema:
        try:
            _write(schema, _schema())
        except CaseError:
            file.unlink()
            raise
    click.echo(f"{file} written; next: yieldopt solve {file}")


def _schema() -> str:
    from yieldopt.report.text import to_json
    from yieldopt.schema.json_schema import json_schema

    return to_json(json_schema("case")) + "\n"


def _write(file: Path, text: str) -> None:
    """Write a file that is not there yet, whole or not at all."""
    from yieldopt.errors import CaseError, Fault

    try:
        with file.open("x", encoding="utf-8", newline="\n") as out:
            try:
                out.write(text)
                out.flush()
            except OSError:
                file.unlink()
                raise
    except FileExistsError:
        hint = "give a name that is not taken"
        fault = Fault("is there already; nothing was written", "FILE", str(file), hint)
        raise CaseError(fault) from None
    except OSError as error:
        reason = f"cannot be written: {(error.strerror or str(error)).lower()}"
        raise CaseError(Fault(reason, "FILE", str(file))) from None


COMMANDS = {"new": new_}
