"""Which column of a table means what: names of the header against those that a table needs."""

from __future__ import annotations

from dataclasses import dataclass, field

from yieldopt.errors import Fault, near_miss
from yieldopt.read.names import repeated
from yieldopt.read.tables.source import Source
from yieldopt.schema.tables import TableShape


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
    faults = _strange(source, [*needed.values(), *wide, *shape.ignore])
    missing = [name for name in [*needed.values(), *wide] if name not in source.header]
    faults += [
        source.fault("no such column", -1, None, n, _hint(source, shape, n)) for n in missing
    ]
    faults += [
        source.fault("no such column to ignore", -1, None, name, _hint(source, shape, name))
        for name in shape.ignore
        if name not in source.header
    ]
    if missing:
        return None, faults
    at = {role: source.header.index(name) for role, name in needed.items()}
    values = {source.header.index(name): order for order, name in enumerate(wide)}
    if not wide:
        values = {at[shape.value]: -1 if "period" in at else 0}
    texts = [at[role] for role in (shape.entry, "period", "unit") if role in at]
    misfits = _misfits(source, values, texts)
    found = Columns(at[shape.entry], at.get("period"), at.get("unit"), values)
    return (None if misfits else found), faults + misfits


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


def _strange(source: Source, known: list[str]) -> list[Fault]:
    faults = []
    twice = {at for at, _ in repeated(source.header)}
    for at, name in enumerate(source.header):
        if name is None:
            row = next((r for r, cell in enumerate(source.texts(at)) if cell is not None), None)
            if row is not None:
                hint = source.empty_hint(-1, at)
                faults.append(
                    source.fault("a column without a name holds values", -1, at, hint=hint)
                )
        elif at in twice:
            faults.append(source.fault("two columns of one name", -1, at, name))
        elif name not in known:
            near = near_miss(name, [n for n in known if n not in source.header])
            hint = f"{near + '; ' if near else ''}what is not to be read is named in ignore"
            faults.append(source.fault("unknown column", -1, at, name, hint))
    return faults


def _hint(source: Source, shape: TableShape, name: str) -> str:
    there = [n for n in source.header if n is not None]
    if shape.ending == "csv" and len(there) == 1 and {";", "\t"} & set(there[0]):
        sign = ";" if ";" in there[0] else "\\t"
        return f'its fields are split by another sign: separator = "{sign}"'
    return near_miss(name, there)


def _misfits(source: Source, values: dict[int, int], names: list[int]) -> list[Fault]:
    faults = []
    for at in [*values, *names]:
        kind = source.misfit(at, at in values)
        if kind:
            text = f"must hold {'numbers' if at in values else 'names'}, not {kind}"
            faults.append(source.fault(text, None, at))
    return faults
