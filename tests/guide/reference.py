"""Writes docs/reference from the schema, the command line and the docstrings.

`make docs` writes it; a test says when it is not what the code says.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

import yieldopt
from tests.guide import pictures
from tests.guide.docstrings import entry
from yieldopt.cli import main as cli
from yieldopt.schema.json_schema import FILES, json_schema

FOLDER = Path(__file__).parents[2] / "docs" / "reference"
MADE = "<!-- Written by `make docs` from the code; changes here are lost. -->\n"
Schema = dict[str, Any]


def documents() -> dict[str, str]:
    """Return the text of every file of docs/reference by its name."""
    out = {"commands.md": commands(), "python.md": python()}
    for file in FILES:
        if file != "sources":
            out[f"{file}.md"] = keys(file)
    return out


def commands() -> str:
    """Return every command with its arguments and options."""
    assert isinstance(cli, click.Group)
    out = [
        MADE,
        "# Commands\n",
        "As `yieldopt COMMAND --help` says; `CASE` is a file or a bundled case.\n",
    ]
    context = click.Context(cli, info_name="yieldopt")
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        arguments = [one for one in command.params if isinstance(one, click.Argument)]
        usage = " ".join(["yieldopt", name, *(one.make_metavar(context) for one in arguments)])
        said, _, example = inspect.cleandoc(command.help or "").partition("\b\nExample: ")
        shown = "\n".join(f"$ {line}" for line in example.splitlines())
        parts = [
            f"## {name}",
            f"`{usage}`",
            said.strip(),
            "".join(map(option, command.params)).strip(),
        ]
        parts += [f"```console\n{shown}\n```"] if example else []
        out.append("\n\n".join(part for part in parts if part) + "\n")
    return "\n".join(out)


def option(one: click.Parameter) -> str:
    """Return a line of a list for an option; nothing for an argument."""
    if not isinstance(one, click.Option):
        return ""
    kind = one.type.choices if isinstance(one.type, click.Choice) else None
    word = "|".join(map(str, kind)) if kind else one.metavar or one.type.name.upper()
    flags = ", ".join(one.opts) + ("" if one.is_flag else f" {word}")
    notes = [one.help or ""]
    if one.required:
        notes.append("Needed.")
    if (
        isinstance(one.show_default, bool)
        and one.show_default
        and not one.is_flag
        and isinstance(one.default, str | float | int)
    ):
        notes.append(f"Default: {one.default}.")
    return f"- `{flags}`: {' '.join(note for note in notes if note)}\n"


def python() -> str:
    """Return the public names with their signatures and docstrings."""
    out = [MADE, "# Python\n", "Everything that `import yieldopt` gives.\n"]
    for name in yieldopt.__all__:
        thing = getattr(yieldopt, name)
        if callable(thing):
            out.append(f"## {name}\n\n{entry(thing, name)}")
            if inspect.isclass(thing):
                out.extend(methods(name, thing))
    return "\n".join(out)


def methods(name: str, thing: type) -> Iterator[str]:
    """Yield the documented public methods of a class and of its bases in the package."""
    for key, value in sorted(inspect.getmembers(thing, inspect.isroutine)):
        module = getattr(value, "__module__", None) or ""
        if (
            callable(value)
            and not key.startswith("_")
            and module.startswith("yieldopt")
            and inspect.getdoc(value)
        ):
            yield f"### {name}.{key}\n\n{entry(value, key)}"


def keys(file: str) -> str:
    """Return the keys of a kind of file as tables: the file's own, then of what stands in it."""
    schema = json_schema(file)
    shapes: Schema = schema.get("$defs", {})
    if "then" in schema:  # a model: what one needs that extends no other
        whole = shapes.pop(schema["then"]["$ref"].rpartition("/")[2])
        schema["required"] = whole["required"]
    note = schema["description"] + "\n"
    out = [MADE, f"# Keys of {file} files\n", note, introduction(file), table(schema, shapes)]
    for name, shape in shapes.items():
        if "properties" in shape and not name.endswith("_changes"):
            note = shape.get("description", "")
            out.append(f"## {called(name)}\n\n{note}\n\n{table(shape, shapes)}")
    return "\n".join(out)


def introduction(file: str) -> str:
    models = "" if file == "case" else "; where a file `extends` one of its kind, `name` alone"
    return (
        f"Keys in bold are needed{models}.\nA *quantity* is a number or "
        "`{ low, base, high, source }`; *by period* is a number, or a list of one per period.\n"
        f"The same for editors: `yieldopt schema {file}`.\n"
    )


def called(name: str) -> str:
    """Return a shape's name as a heading: `RouteStepShape` is `route step`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removesuffix("Shape")).lower()


def table(shape: Schema, shapes: Schema) -> str:
    needed = set(shape.get("required", ()))
    rows = ["| key | holds | |", "|---|---|---|"]
    for key, value in shape["properties"].items():
        shown = f"**`{key}`**" if key in needed else f"`{key}`"
        note = value.get("description", "")
        if "default" in value:
            note += ("; " if note else "") + f"default {json.dumps(value['default'])}"
        rows.append(f"| {shown} | {holds(value, shapes)} | {note.replace('|', chr(92) + '|')} |")
    return "\n".join(rows) + "\n"


def holds(value: Schema, shapes: Schema) -> str:
    """Say in a few words what a key may hold."""
    if "$ref" in value:
        return referred(value["$ref"].rpartition("/")[2], shapes)
    if "enum" in value:
        return ", ".join(f"`{json.dumps(one, ensure_ascii=False)[1:-1]}`" for one in value["enum"])
    if "const" in value:
        return f"`{value['const']}`"
    if "anyOf" in value:
        return " or ".join(dict.fromkeys(holds(one, shapes) for one in value["anyOf"]))
    kind = value.get("type")
    if kind == "array":
        if "prefixItems" in value:
            return f"{len(value['prefixItems'])} numbers{bounds(value['prefixItems'][0])}"
        return f"list of {holds(value.get('items', {}), shapes)}"
    if kind == "object" and isinstance(value.get("additionalProperties"), dict):
        return f"table: name = {holds(value['additionalProperties'], shapes)}"
    words = {"string": "text", "integer": "whole number", "boolean": "true or false"}
    return words.get(str(kind), str(kind or "anything")).replace("object", "table") + bounds(value)


def referred(name: str, shapes: Schema) -> str:
    if name.startswith("Quantity"):
        inner = quantity_bounds(name)
        return f"*quantity*{inner}"
    if name == "PerPeriod":
        return "*by period*"
    if name == "Factors":
        return "number, or table: name = number"
    if name.endswith("_changes") and name.removesuffix("_changes") not in shapes:
        return f"changes of a {called(name.removesuffix('_changes'))}"
    heading = called(name.removesuffix("_changes"))
    return f"[{heading}](#{heading.replace(' ', '-')})"


def quantity_bounds(name: str) -> str:
    """Return the bounds that the name of a quantity's shape carries."""
    if "max_1_min_0" in name:
        return " from 0 to 1"
    return " above 0" if "above_0" in name else " of 0 or more" if "min_0" in name else ""


def bounds(value: Schema) -> str:
    low, high = value.get("minimum"), value.get("maximum")
    above, below = value.get("exclusiveMinimum"), value.get("exclusiveMaximum")
    words = [
        f"above {above:g}" if above is not None else f"from {low:g}" if low is not None else "",
        f"below {below:g}" if below is not None else f"to {high:g}" if high is not None else "",
    ]
    said = " ".join(word for word in words if word)
    return f" {said}" if said else ""


def write() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in documents().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    pictures.write()


if __name__ == "__main__":
    write()
