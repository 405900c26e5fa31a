"""Which column of a table means what: names of the header against those that a table needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from yieldopt.errors import Fault, near_miss
from yieldopt.read.tables.source import LISTED, Source
from yieldopt.schema.tables import TableShape

_Late = Callable[[], Fault]  # made when it is listed: hints take their time


@dataclass(frozen=True)
class Columns:
    """Places of the columns: names of what the numbers belong to, periods, units, numbers."""

    entry: int
    period: int | None = None  # the long layout's column
    unit: int | None = None
    values: dict[int, int] = field(default_factory=dict)  # column: period; -1 where a row says it


def columns_of(
    source: Source, shape: TableShape, periods: list[str]
) -> tuple[Columns | None, list[Fault]]:
    """Find the columns of a table.

    Parameters
    ----------
    source
        The table.
    shape
        What the case says of it.
    periods
        Those of the case.

    Returns
    -------
    tuple
        The columns, or ``None`` where one is missing or of a type that cannot be read; and every
        fault of the header.
    """
    needed = _needed(source, shape, periods)
    wide = periods if shape.layout == "wide" else []
    places = _places(source)
    strange = _strange(source, [*needed.values(), *wide, *shape.ignore], places)
    missing = [name for name in [*needed.values(), *wide] if name not in places]
    ignored = [name for name in shape.ignore if name not in places]
    wrong: list[_Late] = [
        partial(_absent, source, shape, "no such column", name) for name in missing
    ]
    wrong += [partial(_absent, source, shape, "no such column to ignore", n) for n in ignored]
    if missing:
        return None, _listed(source, strange, wrong)
    at = {role: places[name] for role, name in needed.items()}
    values = {places[name]: order for order, name in enumerate(wide)}
    if not wide:
        values = {at[shape.value]: -1 if "period" in at else 0}
    texts = [at[role] for role in (shape.entry, "period", "unit") if role in at]
    misfits = _misfits(source, values, texts)
    found = Columns(at[shape.entry], at.get("period"), at.get("unit"), values)
    return (None if misfits else found), _listed(source, strange, wrong + misfits)


def roles_of(shape: TableShape) -> list[str]:
    """Return our names of the columns that a table may have, besides those of periods."""
    if shape.layout == "wide":
        return [shape.entry, "unit"]
    return [shape.entry, *(["period"] if shape.periodic else []), shape.value, "unit"]


def _needed(source: Source, shape: TableShape, periods: list[str]) -> dict[str, str]:
    """Return the file's name of every column by ours; unit, and the only period, may be absent."""
    names = {role: shape.columns.get(role, role) for role in roles_of(shape)}
    for role, spare in (("unit", True), ("period", len(periods) == 1)):
        if spare and role not in shape.columns and role not in source.header:
            names.pop(role, None)
    return names


def _places(source: Source) -> dict[str, int]:
    """Return the first column of each name."""
    places: dict[str, int] = {}
    for at, name in enumerate(source.header):
        if name is not None:
            places.setdefault(name, at)
    return places


def _listed(source: Source, strange: list[_Late], wrong: list[_Late]) -> list[Fault]:
    """Return the first faults and the count of the rest: strange columns yield to others."""
    shown = strange[: max(0, LISTED - len(wrong))] + wrong[:LISTED]
    faults = [late() for late in shown]
    return faults + source.rest(len(strange) + len(wrong) - len(shown))


def _strange(source: Source, known: Sequence[str], places: Mapping[str, int]) -> list[_Late]:
    faults: list[_Late] = []
    names = set(known)
    absent = [name for name in known if name not in places]
    for at, name in enumerate(source.header):
        if name is None:
            row = next((r for r, cell in enumerate(source.texts(at)) if cell is not None), None)
            if row is not None:
                faults.append(partial(_nameless, source, at))
        elif at != places[name]:
            faults.append(partial(source.fault, "two columns of one name", -1, at, name))
        elif name not in names:
            faults.append(partial(_unknown, source, at, name, absent))
    return faults


def _nameless(source: Source, at: int) -> Fault:
    hint = source.empty_hint(-1, at)
    return source.fault("a column without a name holds values", -1, at, hint=hint)


def _unknown(source: Source, at: int, name: str, absent: list[str]) -> Fault:
    near = near_miss(name, absent)
    hint = f"{near + '; ' if near else ''}what is not to be read is named in ignore"
    return source.fault("unknown column", -1, at, name, hint)


def _absent(source: Source, shape: TableShape, message: str, name: str) -> Fault:
    return source.fault(message, -1, None, name, _hint(source, shape, name))


def _hint(source: Source, shape: TableShape, name: str) -> str:
    there = [n for n in source.header if n is not None]
    if shape.ending == "csv" and len(there) == 1 and {";", "\t"} & set(there[0]):
        sign = ";" if ";" in there[0] else "\\t"
        return f'its fields are split by another sign: separator = "{sign}"'
    return near_miss(name, there)


def _misfits(source: Source, values: dict[int, int], names: list[int]) -> list[_Late]:
    faults: list[_Late] = []
    for at in [*values, *names]:
        kind = source.misfit(at, at in values)
        if kind:
            text = f"must hold {'numbers' if at in values else 'names'}, not {kind}"
            faults.append(partial(source.fault, text, None, at))
    return faults
