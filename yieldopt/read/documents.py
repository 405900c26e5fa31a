"""A file as raw data, and where in it each key stands.

Positions are looked up only once a fault is known: the grammars are not loaded before.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from yieldopt.errors import CaseError, Fault
from yieldopt.read.keys import parent_key

DEEPEST = 100  # tables and lists in one another
_HOLDING = (dict, list, tuple)
TOO_DEEP = "nested too deeply"
_ZIP = b"PK\x03\x04"  # how a workbook begins
_OF_BOOK = "`yieldopt import` makes a case of a workbook"
_OF_JSON = "a result (.json) is for `yieldopt report`, `charts` and `diff`; this needs its case"
_LARGEST = 1 << 28  # bytes of a file of text: no case comes near


@dataclass(frozen=True)
class Document:
    """Raw data of one file, with its text for the lines of faults."""

    name: str
    text: str
    data: dict[str, Any]
    kind: str  # "toml", "json" or "python"
    faults: tuple[Fault, ...] = ()  # of what it names and was put into its data

    def locate(self, faults: Iterable[Fault]) -> list[Fault]:
        """Return the faults with file and line; a missing key gets its parent's line."""
        found = list(faults)
        if not found:
            return []
        return [fault if fault.file else self._placed(fault, self._lines) for fault in found]

    def _placed(self, fault: Fault, lines: dict[str, int]) -> Fault:
        key = fault.key
        while key and key not in lines:
            above = parent_key(key)
            key = above if len(above) < len(key) else ""
        return fault.at(self.name, lines.get(key, 1 if self.text else 0))

    @cached_property  # every fault of a model asks by itself
    def _lines(self) -> dict[str, int]:
        from yieldopt.read.positions import json_lines, toml_lines

        if self.kind == "python":
            return {}
        return toml_lines(self.text) if self.kind == "toml" else json_lines(self.text)


def open_document(path: str | Path, kind: str) -> Document:
    """Read a TOML or JSON file whose top level is a table.

    Raises
    ------
    CaseError
        No such file, a directory, not UTF-8, empty, not of its format, duplicate keys.
    """
    text = _text(Path(path))
    name = str(path)
    if not text.strip():
        raise CaseError(Fault("the file is empty", file=name, line=1))
    try:
        data = tomllib.loads(text) if kind == "toml" else _json(text, name)
    except tomllib.TOMLDecodeError as error:
        raise CaseError(_toml_faults(error, text, name)) from None
    except json.JSONDecodeError as error:
        fault = Fault(f"not JSON: {error.msg}", file=name, line=error.lineno)
        raise CaseError(fault) from None
    except CaseError:
        raise
    except ValueError as error:  # an integer of more digits than Python converts
        raise CaseError(Fault(f"cannot be read: {error}", file=name, line=1)) from None
    except RecursionError:
        raise CaseError(Fault(TOO_DEEP, file=name, line=1)) from None
    if not is_shallow(data):
        raise CaseError(Fault(TOO_DEEP, file=name, line=1))
    if not isinstance(data, dict):
        raise CaseError(Fault("the top level must be an object", file=name, line=1))
    return Document(name, text, data, kind)


def is_shallow(data: Any) -> bool:
    """Whether no table or list stands in more than :data:`DEEPEST` others: a file needs a dozen."""
    below = [data]
    for _ in range(DEEPEST + 1):
        held = [one for one in below if isinstance(one, _HOLDING)]
        below = [x for one in held for x in (one.values() if isinstance(one, dict) else one)]
        if not below:
            return True
    return False


def _text(path: Path) -> str:
    name = str(path)
    try:
        if path.is_dir():
            saved = path / "result.json"  # of `yieldopt solve --out`
            hint = f"did you mean '{saved}'?" if saved.is_file() else ""
            raise CaseError(Fault("is a directory, not a file", hint=hint, file=name))
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)  # a device may have no end
        if len(data) > _LARGEST:
            raise CaseError(Fault(f"is larger than {_LARGEST >> 20} MB", file=name))
    except OSError as error:
        message = f"cannot be read: {(error.strerror or str(error)).lower()}"
        raise CaseError(Fault(message, hint=_neighbour(path), file=name)) from None
    except ValueError as error:  # a name that the system does not take
        if isinstance(error, CaseError):
            raise
        raise CaseError(Fault(f"cannot be read: {error}", file=name)) from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        hint = _OF_BOOK if data.startswith(_ZIP) else "save the file as UTF-8"
        raise CaseError(Fault("not UTF-8 text", hint=hint, file=name, line=line)) from None


def _neighbour(path: Path) -> str:
    from difflib import get_close_matches

    folder = path.parent
    try:
        names = [p.name for p in folder.iterdir() if p.name != path.name]
    except OSError:
        return ""
    close = get_close_matches(path.name, names, n=1)
    return f"did you mean '{folder / close[0]}'?" if close else ""


def _toml_faults(error: tomllib.TOMLDecodeError, text: str, name: str) -> list[Fault]:
    from yieldopt.read.repeats import toml_repeats

    repeats = toml_repeats(text)
    if repeats:
        return [fault.at(name, fault.line) for fault in repeats]
    message = str(error)
    place = re.search(r"\(at line (\d+), column \d+\)", message)
    line = int(place.group(1)) if place else text.count("\n") + 1
    hint = _OF_JSON if text.lstrip().startswith("{") else ""
    said = f"not TOML: {re.sub(r' ?[(]at .*[)]', '', message)}"
    return [Fault(said, hint=hint, file=name, line=line)]


def _json(text: str, name: str) -> Any:
    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in items}) < len(items):
            raise _Repeated
        return dict(items)

    try:
        return json.loads(text, object_pairs_hook=pairs)
    except _Repeated:
        from yieldopt.read.repeats import json_repeats

        faults = [fault.at(name, fault.line) for fault in json_repeats(text)]
        raise CaseError(faults or Fault("an object has a key twice", file=name, line=1)) from None


class _Repeated(Exception):
    """An object has a key twice; the parser does not say where."""
