"""Every number that a case takes on an assumption, and the sources that the rest is taken from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from yieldopt.read.keys import join_key
from yieldopt.read.merging import entry_name
from yieldopt.schema.base import Quantity
from yieldopt.schema.case import Case
from yieldopt.study.inputs import Input, inputs_in, models_of

_ASSUMED = "assumed"
_LISTS = ("resources", "lines", "expansions", "reservations", "shares", "budgets")
_NAME = re.compile(r"\w+")


@dataclass(frozen=True)
class Assumption:
    """A number, or all numbers of an entry, that no source gives.

    Parameters
    ----------
    key
        Dotted; of an entry, the entry's.
    unit
        ``""`` for a pure number and for an entry.
    low, base, high
        Range and value [``unit``]; all ``None`` for an entry: its numbers are in its file.
    why
        As the source says.
    """

    key: str
    unit: str
    low: float | None
    base: float | None
    high: float | None
    why: str


@dataclass(frozen=True)
class Origins:
    """Where the numbers of a case come from.

    Parameters
    ----------
    assumptions
        Of everything that the products of the case may use, on every route that they allow, as it
        is in the first period; of its changes over time and its scenarios the reason of each.
    sources
        Text of every source that is named, by name.
    inputs
        How many numbers with a source of their own there are in all.
    """

    assumptions: tuple[Assumption, ...]
    sources: Mapping[str, str]
    inputs: int


def origins(case: Case) -> Origins:
    """Return the assumptions and sources behind a case.

    Examples
    --------
    >>> from yieldopt import load
    >>> found = origins(load("minimal"))
    >>> all(one.why.startswith("assumed") for one in found.assumptions)
    True
    >>> "D0_N5_N4" in found.sources
    True
    """
    pairs = [(product.name, route) for product in case.products for route in product.routes]
    models = {(kind, name): m for pair in pairs for kind, name, m in models_of(case, *pair)}
    inputs = inputs_in(case, ((kind, name, model) for (kind, name), model in models.items()))
    entries = dict(_entries(case, models))
    assumed = [_number(one) for one in inputs if one.is_assumed]
    assumed += [
        Assumption(key, "", None, None, None, why)
        for key, why in entries.items()
        if why.startswith(_ASSUMED)
    ]
    texts = [one.source for one in inputs] + list(entries.values())
    named = dict.fromkeys(name for text in texts for name in named_in(text, case.library.sources))
    sources = {name: case.library.sources[name] for name in sorted(named)}
    return Origins(tuple(sorted(assumed, key=lambda one: one.key)), sources, len(inputs))


def named_in(text: str, sources: Mapping[str, str]) -> list[str]:
    """Return the names of sources that a text holds.

    Examples
    --------
    >>> named_in("derived: D0_N5 x 2 (see brief)", {"D0_N5": "…", "brief": "…", "x2": "…"})
    ['D0_N5', 'brief']
    """
    return [word for word in dict.fromkeys(_NAME.findall(text)) if word in sources]


def _number(one: Input) -> Assumption:
    return Assumption(one.key, one.unit, one.low, one.base, one.high, one.source)


def _entries(case: Case, models: Mapping[tuple[str, str], BaseModel]) -> Iterator[tuple[str, str]]:
    """Yield (key, source) of models and entries of the case: the source of their plain numbers."""
    for path, model in models.items():
        yield from _own(model, path)
    for kind in _LISTS:
        for number, entry in enumerate(getattr(case, kind)):
            yield from _own(entry, (kind, entry_name(entry.model_dump()) or str(number)))
    for at, change in enumerate(case.changes):
        yield (
            f"{join_key(('changes', str(at)))} (from {case.periods[change.period]})",
            change.source,
        )
    for scenario in case.scenarios:
        yield join_key(("scenarios", scenario.name)), scenario.source
    if case.resilience is not None:
        yield from _own(case.resilience, ("resilience",))


def _own(here: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield the source of an entry and of every entry within it; numbers have their own row."""
    if isinstance(here, Quantity):
        return
    below: list[tuple[str, Any]] = []
    if isinstance(here, BaseModel):
        source = getattr(here, "source", None)
        if isinstance(source, str):
            yield join_key(path), source
        below = [(name, getattr(here, name)) for name in type(here).model_fields]
    elif isinstance(here, Mapping):
        below = list(here.items())
    elif isinstance(here, tuple):
        models = [entry for entry in here if isinstance(entry, BaseModel)]
        below = [(entry_name(e.model_dump()) or str(n), e) for n, e in enumerate(models)]
    for name, inner in below:
        yield from _own(inner, (*path, name))
