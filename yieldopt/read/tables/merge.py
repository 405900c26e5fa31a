"""Tables that a case names, put into its data before that is checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from yieldopt.errors import CaseError, Fault, near_miss
from yieldopt.read.documents import Document
from yieldopt.read.keys import join_key
from yieldopt.read.shapes import check
from yieldopt.read.tables.header import columns_of, roles_of
from yieldopt.read.tables.rows import Wanted, numbers_of
from yieldopt.read.tables.source import LISTED, Source
from yieldopt.schema.tables import GIVES, TableShape

_ENDINGS = ("csv", "parquet", "xlsx", "xlsm")
_UNITS = {"demand": "packages", "price": "USD", "shortage": "USD"}  # a resource has its own


@dataclass
class _Given:
    """What tables gave so far: the file by what and name, and the last table of each what."""

    files: dict[tuple[str, str], str] = field(default_factory=dict)
    last: dict[str, Source] = field(default_factory=dict)


def with_tables(document: Document) -> Document:
    """Put the numbers of the tables that a case names into its data.

    Parameters
    ----------
    document
        The case file; ``tables`` name files seen from it.

    Returns
    -------
    Document
        The case as if the numbers stood in it, with every fault of the tables. After a fault what
        is not known is 0, so that it is not called missing as well: the case is refused anyway.
    """
    entries = document.data.get("tables")
    if not isinstance(entries, list) or not entries:
        return document
    data = dict(document.data)
    for key in ("products", "resources"):
        if isinstance(data.get(key), list):
            data[key] = [dict(e) if isinstance(e, dict) else e for e in data[key]]
    periods = _periods(data)
    given = _Given()
    unread: set[str] = set()
    faults: list[Fault] = []
    for at, raw in enumerate(entries):
        shape, wrong = check(TableShape, raw, ("tables", at))
        if shape is not None and periods:
            folder = Path(document.name).parent
            wrong = _merge(data, shape, f"tables[{at}]", folder, periods, given)
        faults += wrong
        if wrong or not periods:
            unread |= set(GIVES if shape is None else [shape.what])
    for what, source in given.last.items():
        # Of a table with faults it is not known whose rows those are.
        if what in ("demand", "capacity") and what not in unread:
            missing = _without_row(data, what, source, periods)
            faults += missing
            unread |= {what} if missing else set()
    _stand_in(data, unread)
    return replace(document, data=data, faults=tuple(faults))


def _merge(
    data: dict[str, Any],
    shape: TableShape,
    key: str,
    folder: Path,
    periods: tuple[str, ...],
    given: _Given,
) -> list[Fault]:
    """Put one table's numbers into the data; ``given`` has what tables gave before."""
    faults = [
        Fault("unknown column", f"{key}.columns.{role}", hint=near_miss(role, roles_of(shape)))
        for role in shape.columns
        if role not in roles_of(shape)
    ]
    kind, key_there, _ = GIVES[shape.what]
    named = list(_named(data, kind))
    if faults:
        return faults
    units = {name: _UNITS.get(shape.what) or _unit(entry) for name, _, entry in named}
    orders = periods if shape.periodic else ("",)
    try:
        source = _open(folder / shape.file, shape, key)
    except CaseError as error:
        return list(error.faults)
    columns, faults = columns_of(source, shape, list(orders))
    if columns is None:
        return faults
    given.last[shape.what] = source
    found, wrong = numbers_of(source, columns, Wanted(shape.what, units, orders, shape.unit))
    for name, where, entry in named:
        if name in found:
            wrong += _given_twice(shape, name, where, entry, source, given)
            given.files[shape.what, name] = source.file
            entry.setdefault(key_there, found[name] if shape.periodic else found[name][0])
    return faults + wrong


def _periods(data: dict[str, Any]) -> tuple[str, ...]:
    """Return the periods of a case; none where they have faults of their own."""
    periods = data.get("periods", ["all"])
    good = isinstance(periods, list) and all(isinstance(name, str) for name in periods)
    return tuple(periods) if good and len(set(periods)) == len(periods) else ()


def _named(data: dict[str, Any], kind: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield (name, key, entry) of the products or resources of a case."""
    entries = data.get(kind)
    for at, entry in enumerate(entries if isinstance(entries, list) else []):
        if isinstance(entry, dict) and isinstance(entry.get("name"), str):
            yield entry["name"], join_key((kind, at)), entry


def _unit(entry: dict[str, Any]) -> str | None:
    unit = entry.get("unit")
    return unit if isinstance(unit, str) else None


def _given_twice(
    shape: TableShape,
    name: str,
    where: str,
    entry: dict[str, Any],
    source: Source,
    given: _Given,
) -> list[Fault]:
    key = GIVES[shape.what][1]
    if (shape.what, name) in given.files:
        text = f"the {shape.what} of {name} is given by {given.files[shape.what, name]} already"
        return [source.fault(text)]
    if key in entry:
        hint = f"leave out one of the two: {source.file} gives it"
        return [Fault("given here and by a table", f"{where}.{key}", hint=hint)]
    return []


def _without_row(
    data: dict[str, Any], what: str, source: Source, periods: tuple[str, ...]
) -> list[Fault]:
    """Return a fault for each entry whose numbers stand neither in a table nor in the case."""
    kind, key, _ = GIVES[what]
    text = f"has no row of a {kind.removesuffix('s')}: its {what} is not known"
    when = ", ".join(periods) if len(periods) <= 12 else f"all {len(periods)} periods"
    absent = [(name, where) for name, where, entry in _named(data, kind) if key not in entry]
    faults = []
    for name, where in absent[:LISTED]:
        hint = f"write 0 in {when} if there is none, or give {where}.{key}"
        faults.append(source.fault(text, value=name, hint=hint))
    return faults + source.rest(len(absent) - LISTED)


def _stand_in(data: dict[str, Any], whats: Iterable[str]) -> None:
    for kind, key, _ in (GIVES[what] for what in whats):
        for _, _, entry in _named(data, kind):
            entry.setdefault(key, 0.0)


def _open(path: Path, shape: TableShape, key: str) -> Source:
    """Open the file of a table; ``CaseError`` with what is wrong about the whole of it."""
    if shape.ending not in _ENDINGS:
        hint = "one of " + ", ".join(f".{ending}" for ending in _ENDINGS)
        raise CaseError(Fault("not a kind of table", f"{key}.file", shape.file, hint))
    try:
        if not path.is_file():
            raise CaseError(Fault(_no_file(path), f"{key}.file", shape.file, _beside(path)))
        return _read(path, shape, key)
    except OSError as error:
        text = f"cannot be read: {(error.strerror or str(error)).lower()}"
        raise CaseError(Fault(text, f"{key}.file", shape.file)) from None


def _read(path: Path, shape: TableShape, key: str) -> Source:
    """Read a file by its kind; what the kinds need is loaded only then."""
    if shape.workbook:
        from yieldopt.read.tables.workbook import read_workbook

        return read_workbook(path, shape, key)
    if shape.ending == "parquet":
        from yieldopt.read.tables.parquet import read_parquet

        return read_parquet(path)
    from yieldopt.read.tables.delimited import read_delimited

    return read_delimited(path, shape)


def _no_file(path: Path) -> str:
    if path.is_dir():
        return "is a directory, not a file"
    if path.exists():
        return "is no regular file"
    return "is a link to no file" if path.is_symlink() else "no such file, seen from the case"


def _beside(path: Path) -> str:
    """Return a hint of another table in the folder."""
    folder = path.parent
    there = [p.name for p in folder.iterdir() if p.name != path.name] if folder.is_dir() else []
    return near_miss(path.name, [n for n in there if n.rpartition(".")[2].lower() in _ENDINGS])
