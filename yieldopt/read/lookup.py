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
    here: Any = _kinds(case)
    for part in parts:
        here = _below(here, part)
    if isinstance(here, Quantity):
        return here
    plain = isinstance(here, int | float) and not isinstance(here, bool)
    return Quantity(base=float(here)) if plain else None


def known_at(case: Case, parts: tuple[str, ...]) -> tuple[str, list[str]]:
    """Return the first part that leads nowhere (or to no number), and the names known there."""
    here: Any = _kinds(case)
    for part in parts:
        below = _below(here, part)
        if below is None:
            return part, _names(here)
        here = below
    return "", _names(here)


def _kinds(case: Case) -> dict[str, Any]:
    return {
        "processes": case.library.processes,
        "parts": case.library.parts,
        "routes": case.library.routes,
        "insertions": case.library.insertions,
        "products": {product.name: product for product in case.products},
    }


def _below(here: Any, part: str) -> Any:
    if isinstance(here, BaseModel):
        return getattr(here, part, None) if part in type(here).model_fields else None
    if isinstance(here, Mapping):
        return here.get(part)
    if isinstance(here, tuple):
        return {_name(entry): entry for entry in here}.get(part)
    return None


def _names(here: Any) -> list[str]:
    if isinstance(here, BaseModel):
        return list(type(here).model_fields)
    if isinstance(here, Mapping):
        return [str(name) for name in here]
    names = (_name(entry) for entry in here) if isinstance(here, tuple) else ()
    return [name for name in names if name]


def _name(entry: Any) -> str | None:
    return entry_name(entry.model_dump()) if isinstance(entry, BaseModel) else None
