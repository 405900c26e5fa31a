"""The number that a dotted key names in a checked case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from yieldopt.read.merging import entry_name
from yieldopt.schema.base import Quantity
from yieldopt.schema.case import Case


def quantity_at(case: Case, parts: tuple[str, ...]) -> Quantity | None:
    """Return the number at a place, with its range; ``None`` if there is none.

    Parameters
    ----------
    case
        The case.
    parts
        ``(kind, name, key, …)``; entries of a list go by their name.
    """
    kinds: dict[str, Any] = {
        "processes": case.library.processes,
        "parts": case.library.parts,
        "routes": case.library.routes,
        "insertions": case.library.insertions,
        "products": {product.name: product for product in case.products},
        "resources": {resource.name: resource for resource in case.resources},
    }
    here: Any = kinds
    for part in parts:
        if isinstance(here, BaseModel):
            here = getattr(here, part, None)
        elif isinstance(here, Mapping):
            here = here.get(part)
        elif isinstance(here, tuple):
            here = {_name(entry): entry for entry in here}.get(part)
        else:
            return None
    if isinstance(here, Quantity):
        return here
    plain = isinstance(here, int | float) and not isinstance(here, bool)
    return Quantity(base=float(here)) if plain else None


def _name(entry: Any) -> str | None:
    return entry_name(entry.model_dump()) if isinstance(entry, BaseModel) else None
