"""What no single model file can tell: whether the models of a library fit each other."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from yieldopt.errors import Fault, near_miss
from yieldopt.read.check_insertions import insertion_faults
from yieldopt.read.check_parts import part_faults
from yieldopt.read.check_places import route_places, spelling_faults
from yieldopt.read.check_routes import route_faults
from yieldopt.read.keys import join_key
from yieldopt.schema.case import Library

Found = Iterator[tuple[str, str, Fault]]


def cross_faults(library: Library) -> Found:
    """Yield (kind, name, fault) of every reference that leads nowhere and every misfit."""
    for name, part in library.parts.items():
        for fault in part_faults(part, library):
            yield "parts", name, fault
    for name, route in library.routes.items():
        for fault in route_faults(route, library):
            yield "routes", name, fault
    for name, fault in spelling_faults(list(route_places(library.routes))):
        yield "routes", name, fault
    for name, insertion in library.insertions.items():
        for fault in insertion_faults(insertion, library):
            yield "insertions", name, fault
    for kind in ("processes", "parts", "routes", "insertions"):
        for name, model in getattr(library, kind).items():
            for fault in _sources(model, library):
                yield kind, name, fault


def _sources(model: BaseModel, library: Library, key: str = "") -> Iterator[Fault]:
    for name in type(model).model_fields:
        value = getattr(model, name)
        path = f"{key}.{name}" if key else name
        if name == "source" and isinstance(value, str):
            yield from source_faults(value, path, library)
        elif isinstance(value, BaseModel):
            yield from _sources(value, library, path)
        elif isinstance(value, dict):
            for inner, item in value.items():
                if isinstance(item, BaseModel):
                    yield from _sources(item, library, f"{path}.{join_key((inner,))}")
        elif isinstance(value, tuple):
            for at, item in enumerate(value):
                if isinstance(item, BaseModel):
                    yield from _sources(item, library, f"{path}[{at}]")


def source_faults(text: str, key: str, library: Library) -> Iterator[Fault]:
    head, _, rest = text.partition(":")
    if head in ("assumed", "derived", "calibrated"):
        if not rest.strip():
            missing = {"assumed": "why", "derived": "how", "calibrated": "to what"}[head]
            yield Fault(f"{head} without saying {missing}", key, text)
        return
    for name in text.split(","):
        if name.strip() not in library.sources:
            hint = near_miss(name.strip(), library.sources) or "'assumed: why' labels a guess"
            yield Fault("unknown source", key, name.strip(), hint)
