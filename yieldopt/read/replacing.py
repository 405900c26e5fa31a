"""A checked case with one number replaced, without reading a file again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from pydantic import BaseModel

from yieldopt.errors import CaseError, Fault, near_miss
from yieldopt.read.keys import key_parts
from yieldopt.read.lookup import known_at, quantity_at
from yieldopt.read.merging import entry_name
from yieldopt.read.shapes import check
from yieldopt.same import Same
from yieldopt.schema.case import Case, Library, ProductShape
from yieldopt.schema.models import KINDS


def replaced(case: Case, key: str, value: float) -> Case:
    """Return the case with one number of a model or product replaced, the model checked anew.

    Much faster than ``load(path, {key: value})``: no file is read. Models that extend the one
    changed, and have its number, follow as they do there. What is checked between models is not
    looked at again; changes over time and scenarios are left as they are.

    Parameters
    ----------
    case
        From :func:`yieldopt.load`.
    key
        Of a number, dotted: ``processes.NAME.d0_per_cm2``, ``products.NAME.…``.
    value
        In the unit of the number.

    Raises
    ------
    CaseError
        No number has this key; or its model does not allow the value (one of several shares alone,
        say).

    Examples
    --------
    >>> from yieldopt import load
    >>> cleaner = replaced(load("minimal"), "processes.n5.d0_per_cm2", 0.07)
    >>> cleaner.library.processes["n5"].d0_per_cm2.base
    0.07
    """
    # What equals it may be refused (True is 1.0), or be another number (-0.0 is 0.0).
    if type(value) is float and value != 0.0:
        return _remembered(Same(case), key, value)
    return _replaced(case, key, value)


@lru_cache(maxsize=512)  # the studies of every product ask for the same cases
def _remembered(shared: Same[Case], key: str, value: float) -> Case:
    return _replaced(shared.held, key, value)


def _replaced(case: Case, key: str, value: float) -> Case:
    parts = key_parts(key)
    held = quantity_at(case, parts)
    if held is None:
        hint = near_miss(*known_at(case, parts))
        raise CaseError(Fault("not a number of this case", key, hint=hint))
    kind, name, *path = parts
    if kind == "products":
        new = _with(case.product(name), ProductShape, path, value, (kind, name))
        return replace(case, products=tuple(new if p.name == name else p for p in case.products))
    models = dict(getattr(case.library, kind))
    follow = [
        other
        for other in _extending(case.library, kind, name)
        if quantity_at(case, (kind, other, *path)) == held
    ]
    for each in (name, *follow):
        models[each] = _with(models[each], KINDS[kind], path, value, (kind, each))
    tables: dict[str, Any] = {kind: models}
    insertions = case.insertions
    if kind == "insertions":
        insertions = tuple(models[one.name] for one in insertions)
    return replace(case, library=replace(case.library, **tables), insertions=insertions)


def _with(
    model: Any, shape: type[Any], path: Sequence[str], value: float, place: tuple[str, str]
) -> Any:
    """Return a model with a number put in its place, entries of lists by their names.

    What the number is not in is the very object that it was: what is remembered by it holds.
    """
    here = data = _opened(model)
    for part in path[:-1]:
        at: Any = part
        if isinstance(here, list):
            at = next(n for n, entry in enumerate(here) if entry_name(vars(entry)) == part)
        here[at] = {} if isinstance(here, dict) and at not in here else _opened(here[at])
        here = here[at]
    here[path[-1]] = value
    new, faults = check(shape, data, place)
    if new is None:  # once more as a file has it, to speak of what a file holds
        _, faults = check(shape, _plain(data), place)
        raise CaseError(faults)
    return new


def _opened(held: Any) -> Any:
    """Return what a model was given, a table or a list as one to change; what is in it stays."""
    if isinstance(held, BaseModel):
        return {name: getattr(held, name) for name in held.model_fields_set}
    return dict(held) if isinstance(held, Mapping) else list(held)


def _plain(held: Any) -> Any:
    """Return a value as a file has it: tables, lists, numbers and text."""
    if isinstance(held, BaseModel):
        return held.model_dump(mode="json", exclude_unset=True)
    if isinstance(held, Mapping):
        return {key: _plain(value) for key, value in held.items()}
    return [_plain(value) for value in held] if isinstance(held, list | tuple) else held


def _extending(library: Library, kind: str, name: str) -> Iterator[str]:
    """Yield every model that extends one, also through others."""
    for (own_kind, other), base in library.extends.items():
        if own_kind == kind and base == name:
            yield other
            yield from _extending(library, kind, other)
