"""One table over another: what a case overrides, and what a file that extends another changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` with ``changes`` over it, both left as they are.

    Tables merge key by key. A list of named entries takes a table of changes by name, of which
    those that no entry answers to are left out (``unknown_entries`` names them); any other list,
    and any value, is replaced.

    Examples
    --------
    >>> merged({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}})
    {'a': {'x': 1, 'y': 3}}
    >>> merged({"steps": [{"work": "bond", "scrap": 0.1}]}, {"steps": {"bond": {"scrap": 0.2}}})
    {'steps': [{'work': 'bond', 'scrap': 0.2}]}
    """
    out = deepcopy(dict(base))
    for key, value in changes.items():
        held = out.get(key)
        if isinstance(held, Mapping) and isinstance(value, Mapping):
            out[key] = merged(held, value)
        elif isinstance(held, list) and isinstance(value, Mapping):
            out[key] = _entries(held, value)
        else:
            out[key] = deepcopy(value)
    return out


def _entries(entries: list[Any], changes: Mapping[str, Any]) -> list[Any]:
    return [
        merged(entry, change)
        if isinstance(change := changes.get(entry_name(entry) or ""), Mapping)
        else deepcopy(entry)
        for entry in entries
    ]


def unknown_entries(
    base: Any, changes: Mapping[str, Any], above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """Yield (path, known names) of every change by name that no entry of a list answers to."""
    for key, value in changes.items():
        held = base.get(key) if isinstance(base, Mapping) else None
        if not isinstance(value, Mapping):
            continue
        if isinstance(held, list):
            named = {name: entry for entry in held if (name := entry_name(entry)) is not None}
            for name, change in value.items():
                if name not in named or not isinstance(change, Mapping):
                    yield (*above, key, name), sorted(named)
                else:
                    yield from unknown_entries(named[name], change, (*above, key, name))
        else:
            yield from unknown_entries(held, value, (*above, key))


def entry_name(entry: Any) -> str | None:
    """Return the name of an entry: of a product, or what a step makes, joins or works."""
    if not isinstance(entry, Mapping):
        return None
    found = entry.get("name") or entry.get("make") or entry.get("join") or entry.get("work")
    return found if isinstance(found, str) else None
