"""One table over another: what a case overrides, and what a file that extends another changes."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` with ``changes`` over it, both left as they are.

    Tables merge key by key. A list of named entries takes a table of changes by name; any other
    list, and any value, is replaced. A name that no entry has becomes one of its own at the end,
    where the check of the shape names it.

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
    out = list(entries)
    names = [entry_name(entry) for entry in entries]
    for name, change in changes.items():
        if name in names and isinstance(change, Mapping):
            at = names.index(name)
            out[at] = merged(out[at], change)
        else:
            out.append({name: deepcopy(change)})
    return out


def entry_name(entry: Any) -> str | None:
    """Return the name of an entry: of a product, or what a step makes, joins or works."""
    if not isinstance(entry, Mapping):
        return None
    found = entry.get("name") or entry.get("make") or entry.get("join") or entry.get("work")
    return found if isinstance(found, str) else None
