"""The inputs that a product on a route is computed from: keys, ranges, sources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from yieldopt.read.keys import join_key
from yieldopt.read.lookup import quantity_at
from yieldopt.read.merging import entry_name
from yieldopt.schema.assembly import parts_within, points_of, product_assembly, steps_of
from yieldopt.schema.base import Quantity
from yieldopt.schema.case import Case
from yieldopt.schema.part import GRADE

_ASSUMED = "assumed"
_UNITS = {
    "usd_per_mm2": "USD/mm2", "usd_per_h": "USD/h", "per_cm2": "1/cm2", "per_mm2": "1/mm2",
    "per_mm": "1/mm", "usd": "USD", "dppm": "ppm", "ppb": "ppb", "weeks": "weeks",
    "frac": "fraction", "fraction": "fraction",
    "um": "um", "mm2": "mm2", "mm": "mm", "h": "h", "s": "s", "w": "W",
}  # fmt: skip
_WHOLE_NAMES = {
    "seconds": "s", "hours": "h", "coverage": "fraction", "repair": "fraction",
    "overkill": "fraction", "scrap": "fraction", "line_scrap": "fraction", "shares": "fraction",
    "mean": "faults", "bad_die_detection": "fraction", "life_touchdowns": "touchdowns",
}  # fmt: skip


@dataclass(frozen=True)
class Input:
    """A number that a product on a route depends on, or may.

    Parameters
    ----------
    key
        As ``load(path, changes)`` takes it.
    unit
        ``""`` for a pure number.
    low, base, high
        Its range, where its source gives one [``unit``].
    source
        Its own, or that of what it stands in.
    is_assumed
        Whether the source says that it is an assumption.
    """

    key: str
    unit: str
    low: float | None
    base: float
    high: float | None
    source: str
    is_assumed: bool

    @property
    def has_range(self) -> bool:
        """Whether it may be other than its base."""
        return (self.low is not None and self.low < self.base) or (
            self.high is not None and self.high > self.base
        )


def inputs_of(
    case: Case, product: str, route: str, levels: Mapping[str, str] | None = None
) -> tuple[Input, ...]:
    """Return every number that the models behind a product on a route give, with its source.

    Parameters
    ----------
    case, product, route
        The case, and a pair of it.
    levels
        By ``"node/insertion"``: leave out testers, levels and grades that this plan does not use.

    Examples
    --------
    >>> from yieldopt import load
    >>> found = {one.key: one for one in inputs_of(load("minimal"), "asic", "cowos_s")}
    >>> one = found["processes.n5.d0_per_cm2"]
    >>> one.low, one.base, one.high, one.unit, one.is_assumed
    (0.06, 0.1, 0.11, '1/cm2', False)
    """
    return inputs_in(case, models_of(case, product, route), levels)


def inputs_in(
    case: Case,
    models: Iterable[tuple[str, str, BaseModel]],
    levels: Mapping[str, str] | None = None,
) -> tuple[Input, ...]:
    """Return every number that some models of a case give, as :func:`inputs_of` does."""
    found: dict[str, Input] = {}
    for kind, name, model in models:
        for path, quantity, source in _quantities(model, (kind, name), ""):
            key = join_key(path)
            used = levels is None or _is_used(case, path, levels)
            if used and quantity_at(case, path) is quantity:
                assumed = source.startswith(_ASSUMED)
                low, high = quantity.low, quantity.high
                found[key] = Input(key, _unit(path), low, quantity.base, high, source, assumed)
    return tuple(found.values())


def models_of(case: Case, product: str, route: str) -> Iterator[tuple[str, str, BaseModel]]:
    """Yield (kind, name, model) of what a product on a route is compiled from."""
    asked, library = case.product(product), case.library
    yield "products", product, asked
    within = dict.fromkeys(part.name for part, _ in parts_within(asked.slots, library.parts))
    routes: dict[str, None] = {route: None}
    steps = list(library.routes[route].steps)
    for name in within:
        part = library.parts[name]
        if part.route is not None:
            routes[part.route] = None
            steps += steps_of(library.routes[part.route], part.until)
    parts = [library.parts[name] for name in within]
    parts += [library.parts[s.part] for s in steps if s.part is not None and s.part not in within]
    processes = {part.process for part in parts} | {step.process for step in steps}
    for name in library.processes:
        if name in processes:
            yield "processes", name, library.processes[name]
    for part in {part.name: part for part in parts}.values():
        yield "parts", part.name, part
    for name in routes:
        yield "routes", name, library.routes[name]
    assembly = product_assembly(asked)
    points = {point for _, point in points_of(assembly, library.routes[route], library)}
    for insertion in case.insertions:
        if points & set(insertion.points):
            yield "insertions", insertion.name, insertion


def _is_used(case: Case, path: tuple[str, ...], levels: Mapping[str, str]) -> bool:
    """Whether a plan uses a number: not that of another level or grade, or of a test left out."""
    kind, name, table = path[0], path[1], path[2]
    if kind == "parts" and table == "grades":
        ends = (f"{name}/{GRADE}", f".{name}/{GRADE}")
        return path[3] in {level for place, level in levels.items() if place.endswith(ends)}
    if kind != "insertions":
        return True
    # Of insertions whose names end alike, a place is that of the longest.
    longer = [f"/{one.name}" for one in case.insertions if one.name.endswith(f"/{name}")]
    taken = {
        level
        for place, level in levels.items()
        if place.endswith(f"/{name}") and not place.endswith(tuple(longer))
    }
    taken.discard("off")
    if table == "levels":
        return path[3] in taken
    curve = case.library.insertions[name].curve
    return bool(taken & set(curve.levels())) if table == "curve" and curve else bool(taken)


def _quantities(
    here: Any, path: tuple[str, ...], source: str
) -> Iterator[tuple[tuple[str, ...], Quantity, str]]:
    """Yield (path, number, the source nearest to it) of everything below."""
    if isinstance(here, Quantity):
        yield path, here, here.source or source
        return
    if isinstance(here, BaseModel):
        source = getattr(here, "source", None) or source
        given = [name for name in type(here).model_fields if name in here.model_fields_set]
        below = [(name, getattr(here, name)) for name in given]
    elif isinstance(here, Mapping):
        below = list(here.items())
    elif isinstance(here, tuple):
        named = [(entry_name(e.model_dump()), e) for e in here if isinstance(e, BaseModel)]
        below = [(name, entry) for name, entry in named if name is not None]
    else:
        return
    for name, inner in below:
        yield from _quantities(inner, (*path, name), source)


def _unit(path: tuple[str, ...]) -> str:
    for name in reversed(path[2:]):
        if name in _WHOLE_NAMES:
            return _WHOLE_NAMES[name]
        for end, unit in _UNITS.items():
            if name == end or name.endswith(f"_{end}"):
                return unit
    return ""
