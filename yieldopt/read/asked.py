"""Values put over a case by dotted key: taken as plain data, named in faults as they were asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from yieldopt.errors import Fault
from yieldopt.read.keys import join_key, key_parts, path_of
from yieldopt.read.merging import entry_name
from yieldopt.schema.case import Library
from yieldopt.schema.models import KINDS
from yieldopt.schema.route import RouteShape

_UNKNOWN = ("unknown", "nothing of this name")


def plain_value(value: Any) -> Any:
    """Return a copy of a value in which numbers and arrays of NumPy are plain.

    Examples
    --------
    >>> plain_value({"base": np.float32(0.5), "of": (np.int64(2), 3)})
    {'base': 0.5, 'of': [2, 3]}
    """
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Mapping):
        return {key: plain_value(item) for key, item in value.items()}
    return [plain_value(item) for item in value] if isinstance(value, list | tuple) else value


def as_asked(
    faults: Iterable[Fault], changes: Mapping[str, Any], library: Library
) -> Iterator[Fault]:
    """Yield faults of a case with changes; those of changed models named by the keys of these.

    Parameters
    ----------
    faults
        Of the case; values of models stand under ``override`` there, at no line of the file.
    changes
        Values by dotted key.
    library
        The models without the changes: where a key leads nowhere, the likeliest one is hinted at.
    """
    asked = [path for path in map(key_parts, changes) if path[0] in KINDS]
    for fault in faults:
        head, *path = path_of(fault.key) or ("",)
        own = [key for key in asked if _covers(key, path)] if head == "override" else []
        if not own:
            yield fault
            continue
        fault = replace(fault, key=join_key(path), file="", line=0)
        above = len(path) <= len(own[0]) and fault.message.startswith(_UNKNOWN)
        if above and not fault.hint.startswith("did you mean"):
            likely = _likely(own[0], library)
            fault = replace(fault, hint=f"did you mean {likely!r}?") if likely else fault
        yield fault


def _covers(asked: Sequence[str], path: Sequence[str | int]) -> bool:
    """Whether one place is at or below the other."""
    return all(a == b for a, b in zip(asked, path, strict=False))


def _likely(asked: tuple[str, ...], library: Library) -> str | None:
    """Return the key of a number of this name whose place has most words of what was asked.

    Of a route that is known, the processes, parts and steps that it is made of are looked at alone:
    ``routes.foplp_chip_last.rdl.d0_per_cm2`` is the number of a process of that route.
    """
    route = library.routes.get(asked[1]) if asked[0] == "routes" and len(asked) > 1 else None
    words = set(_words(asked[1:-1] if route is None else asked[2:-1]))
    used = None if route is None else dict(_used(route, library))
    best: tuple[int, int, str] | None = None
    for path in _numbers(asked[-1], library):
        if path == asked or (used is not None and path[1] not in used):
            continue
        called = path[1:-1] if used is None else (*path[1:-1], *used[path[1]])
        common = len(words & set(_words(called)))
        found = (-common, len(path[1]), join_key(path))
        if common and (best is None or found < best):
            best = found
    return best[2] if best else None


def _words(parts: Iterable[str | int]) -> Iterator[str]:
    for part in parts:
        yield from re.split(r"[^A-Za-z0-9]+", str(part))


def _numbers(name: str, library: Library) -> Iterator[tuple[str, ...]]:
    """Yield the keys of models, and of the steps of routes, that have a value of this name."""
    for kind in KINDS:
        for called, model in getattr(library, kind).items():
            if getattr(model, name, None) is not None and name in type(model).model_fields:
                yield kind, called, name
    for called, route in library.routes.items():
        for step in route.steps:
            own = entry_name(step.model_dump())
            if own and name in type(step).model_fields and name in step.model_fields_set:
                yield "routes", called, "steps", own, name


def _used(route: RouteShape, library: Library) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the names of a route, of its parts and processes, each with what it is used for."""
    yield route.name, ()
    for step in route.steps:
        own = (entry_name(step.model_dump()) or "",)
        part = library.parts.get(step.part or "")
        if step.process is not None:
            yield step.process, own
        if part is not None:
            yield part.name, own
        if part is not None and part.process is not None:
            yield part.process, (*own, part.name)
