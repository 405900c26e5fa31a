"""Models that part of a case overrides: what may be overridden, and whose fault a value is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from yieldopt.errors import Fault, near_miss
from yieldopt.read.documents import Document
from yieldopt.read.keys import Path, join_key, path_of
from yieldopt.schema.models import KINDS


def kind_faults(override: Mapping[str, Any], place: Path) -> Iterator[Fault]:
    """Yield a fault for each key of an override that is no kind of models, or holds none."""
    for kind, models in override.items():
        key = join_key((*place, "override", kind))
        if kind not in KINDS:
            yield Fault("unknown kind", key, hint=near_miss(kind, KINDS))
        elif not isinstance(models, Mapping):
            yield Fault("must be a table", key, models)


def own_fault(
    fault: Fault, document: Document, place: Path, override: Mapping[str, Any]
) -> Fault | None:
    """Return a fault of a case at the value that an override gives; ``None`` if it gives none.

    Parameters
    ----------
    fault
        Of the case with the override over its own.
    document
        The case file.
    place, override
        Where in it the override stands, and what it says.
    """
    path = overridden(fault, document)
    if path is None or not holds(override, path):
        return None
    key = join_key((*place, "override", *path))
    return document.locate([replace(fault, key=key, file="", line=0)])[0]


def overridden(fault: Fault, document: Document) -> Path | None:
    """Return the place below ``override`` that a fault names; ``None`` if it stands elsewhere."""
    head, *path = path_of(fault.key) or ("",)
    return tuple(path) if fault.file in ("", document.name) and head == "override" else None


def holds(table: Any, path: Path) -> bool:
    """Whether a table gives what stands at a path; a plain value stands for all below it."""
    for part in path:
        if not isinstance(table, Mapping):
            return True
        if part not in table:
            return False
        table = table[part]
    return True
