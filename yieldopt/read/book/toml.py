"""Values as TOML: on one line for a cell, and a case file laid out as one writes it by hand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, time
from typing import Any

from yieldopt.schema.base import Quantity

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_RANGE = Quantity.model_fields.keys()  # a table of these alone is a number with its range
_LAST = ("slots",)  # of an entry: long, and read best below the rest
_LONG = 100  # characters of a line, where a list can be broken
_MODELS = "override"  # its tables have headers for each model

Notes = Callable[[str], Mapping[str, str]]  # what is said of the keys of a list, or of the case: ""


def toml_value(value: Any, is_bare: Callable[[str], bool] = lambda key: True) -> str:
    """Return a value as TOML on one line.

    Parameters
    ----------
    value
        Of a TOML file.
    is_bare
        Whether a key of plain letters may do without quotes.

    Examples
    --------
    >>> print(toml_value({"part": "x", "a b": [1, 0.5, True]}))
    { part = "x", "a b" = [1, 0.5, true] }
    """
    if isinstance(value, Mapping):
        pairs = (f"{toml_key([k], is_bare)} = {toml_value(v, is_bare)}" for k, v in value.items())
        inner = ", ".join(pairs)
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list):
        return f"[{', '.join(toml_value(one, is_bare) for one in value)}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{"".join(map(_sign, value))}"'
    return value.isoformat() if isinstance(value, date | time) else repr(value)


def toml_key(parts: Iterable[str], is_bare: Callable[[str], bool] = lambda key: True) -> str:
    """Return a dotted key.

    Examples
    --------
    >>> toml_key(["levels", "logic/probe"])
    'levels."logic/probe"'
    """
    return ".".join(
        part if _BARE.fullmatch(part) and is_bare(part) else toml_value(part) for part in parts
    )


def _sign(sign: str) -> str:
    if sign in _ESCAPES:
        return _ESCAPES[sign]
    return sign if sign.isprintable() else f"\\U{ord(sign):08x}"


def case_text(
    data: Mapping[str, Any], remarks: Iterable[str] = (), notes: Notes = lambda kind: {}
) -> str:
    """Return the text of a case file.

    Parameters
    ----------
    data
        Of the case.
    remarks
        Lines of comment above it.
    notes
        Of keys: each stands beside the first of its key.

    Examples
    --------
    >>> print(case_text({"name": "a", "products": [{"name": "p", "demand": [0.1, 2]}]}), end="")
    name = "a"
    <BLANKLINE>
    [[products]]
    name = "p"
    demand = [0.1, 2]
    """
    shown = ("".join(sign if sign.isprintable() else " " for sign in line) for line in remarks)
    blocks = [[f"#{line}" if line.startswith(":") else f"# {line}" for line in shown]]
    apart = [key for key, value in data.items() if _is_table(value) or _are_tables(value)]
    blocks[0] += _pairs({k: v for k, v in data.items() if k not in apart}, notes(""))
    for key in apart:
        if _is_table(data[key]):
            blocks += _tables((key,), data[key], 2 if key == _MODELS else 0)
            continue
        said = dict(notes(key))
        for entry in data[key]:
            blocks.append([f"[[{toml_key([key])}]]", *_pairs(entry, said)])
            said = {name: note for name, note in said.items() if name not in entry}
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(value) and not value.keys() <= _RANGE


def _are_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, Mapping) for v in value)


def _tables(path: tuple[str, ...], table: Mapping[str, Any], deeper: int) -> Iterator[list[str]]:
    """Yield a table, and those in it to some depth, each with a header of its own."""
    inner = [key for key, value in table.items() if deeper and _is_table(value)]
    own = {key: value for key, value in table.items() if key not in inner}
    if own:
        yield [f"[{toml_key(path)}]", *_pairs(own, {})]
    for key in inner:
        yield from _tables((*path, key), table[key], deeper - 1)


def _pairs(table: Mapping[str, Any], said: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each value in a table; those of tables in it by dotted key."""
    order = sorted(table, key=lambda key: key in _LAST)
    for key in order:
        note = f"# {said[key]}" if key in said else ""
        for path, value in _leaves((key,), table[key]):
            line = _line(f"{toml_key(path)} = ", value)
            if note and len(line) + len(note) > _LONG:
                yield note
            yield f"{line}  {note}" if note and len(line) + len(note) <= _LONG else line
            note = ""


def _leaves(path: tuple[str, ...], value: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    if _is_table(value):
        for key, inner in value.items():
            yield from _leaves((*path, key), inner)
    else:
        yield path, value


def _line(head: str, value: Any) -> str:
    """Return a key and its value; a long list of text or tables has a line for each of them."""
    whole = head + toml_value(value)
    if len(whole) <= _LONG or not isinstance(value, Sequence) or isinstance(value, str):
        return whole
    if not all(isinstance(one, str | Mapping) for one in value):
        return whole
    inner = "".join(f"  {toml_value(one)},\n" for one in value)
    return f"{head}[\n{inner}]"
