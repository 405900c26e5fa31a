"""The lists of a case file, entry by entry: those that have their form, and what is wrong."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from yieldopt.errors import Fault, near_miss
from yieldopt.read.crosscheck import source_faults
from yieldopt.read.keys import Path, join_key
from yieldopt.read.names import repeated
from yieldopt.read.shapes import check
from yieldopt.schema.case import Library
from yieldopt.schema.models import ENTRIES

Pieces = dict[str, list[Any]]  # by key of the case; ``None`` where an entry has faults


def read_pieces(data: dict[str, Any]) -> tuple[Pieces, list[Fault]]:
    """Return every list of a case as checked entries, and the faults of each entry by itself."""
    found: Pieces = {}
    faults: list[Fault] = []
    for key, shape in ENTRIES.items():
        entries = data.get(key, [])
        found[key] = []
        for at, raw in enumerate(entries if isinstance(entries, list) else []):
            piece, wrong = check(shape, raw, (key, at))
            faults += wrong
            found[key].append(piece)
        names = [raw.get("name") for raw in entries_of(data, key)]
        faults += [
            Fault("duplicate name", f"{key}[{at}].name", name) for at, name in repeated(names)
        ]
    return found, faults


def entries_of(data: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """Return the entries of a list as written; what is no table counts as an empty one."""
    entries = data.get(key, [])
    return [e if isinstance(e, dict) else {} for e in entries] if isinstance(entries, list) else []


def names_in(data: dict[str, Any], key: str) -> list[str]:
    """Return the names of a list's entries, also of those that have faults."""
    return [raw["name"] for raw in entries_of(data, key) if isinstance(raw.get("name"), str)]


def unknown_name(value: Any, place: Path, known: Collection[str], text: str) -> list[Fault]:
    """Return the fault of a name that is none of the known ones; what is no text has none."""
    if not isinstance(value, str) or value in known:
        return []
    return [Fault(text, join_key(place), value, near_miss(value, known))]


def length_faults(raw: dict[str, Any], place: Path, count: int | None) -> list[Fault]:
    """Check that a list per period, the last part of its place in ``raw``, has ``count`` entries.

    ``count`` is ``None`` where the periods themselves are no list.
    """
    values = raw.get(str(place[-1]))
    if isinstance(values, dict):
        values = values.get("values")
    if not isinstance(values, list) or count is None or len(values) == count:
        return []
    hint = "one number per period, or a single number for all"
    text = f"has {len(values)} entries for {count} periods"
    return [Fault(text, join_key(place), hint=hint)]


def sources_within(data: dict[str, Any], library: Library) -> list[Fault]:
    """Check every source that the lists of a case name, those of single numbers included."""
    return [
        fault
        for key in ENTRIES
        for at, raw in enumerate(entries_of(data, key))
        for place, text in _sources(raw, (key, at))
        for fault in source_faults(text, join_key(place), library)
    ]


def _sources(raw: Any, place: Path) -> Iterator[tuple[Path, str]]:
    """Yield sources below a place; what overrides models is checked with them."""
    if isinstance(raw, dict):
        for name, value in raw.items():
            if name == "source" and isinstance(value, str):
                yield (*place, name), value
            elif name != "override":
                yield from _sources(value, (*place, name))
    elif isinstance(raw, list):
        for at, value in enumerate(raw):
            yield from _sources(value, (*place, at))
