"""A case as sheets: what a planner edits in tables, the rest by dotted key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from yieldopt.read.book.cells import cell_of, key_text, leaves
from yieldopt.read.book.layout import (
    BY_PERIOD,
    CASE,
    EVERY,
    LISTS,
    OVERRIDE_COLUMNS,
    OVERRIDES,
    OWNERS,
    PERIODS,
    SLOT_COLUMNS,
    SLOTS,
    Cell,
    Grid,
)
from yieldopt.read.documents import open_document
from yieldopt.read.tables.merge import with_tables
from yieldopt.schema.case import CaseShape

_APART = ("periods", "override", "tables", *LISTS)  # not on the sheet of the case itself
_DEFAULT = tuple(CaseShape.model_fields["periods"].default)


def case_data(path: Path) -> dict[str, Any]:
    """Return what a case file says, the numbers of its tables put in; for one that is sound.

    Examples
    --------
    >>> from yieldopt.data import bundled_cases
    >>> found = case_data(bundled_cases()["plan_from_tables"])
    >>> "tables" in found, found["products"][0]["demand"][:2]
    (False, [528000.0, 610000.0])
    """
    data = with_tables(open_document(path, "toml")).data
    return {key: value for key, value in data.items() if key != "tables"}


def grids(
    data: Mapping[str, Any], more: Mapping[str, Sequence[str]] | None = None
) -> tuple[Grid, ...]:
    """Return the sheets of a case.

    Parameters
    ----------
    data
        As :func:`case_data` gives it, of a sound case.
    more
        Columns that the sheet of a list shall have besides those in use, and keys of the case
        itself (under ``""``).

    Examples
    --------
    >>> found = grids({"name": "a", "products": [{"name": "p", "demand": [1, 2]}],
    ...                "periods": ["Q1", "Q2"]})
    >>> [(grid.name, grid.rows) for grid in found if grid.name in ("Case", "Demand")]
    [('Case', (('name', 'a'),)), ('Demand', (('p', None, 1, 2),))]
    """
    more = more or {}
    periods = data.get("periods", _DEFAULT)
    out = [_case(data, more.get("", ()))]
    out.append(Grid(PERIODS, ("period",), tuple((cell_of(p),) for p in data.get("periods", ()))))
    for kind, sheet in LISTS.items():
        out.append(_entries(sheet, list(_rest(data, kind)), more.get(kind, ())))
        if kind == "products":
            out.append(_slots(data))
        for name, (home, key) in BY_PERIOD.items():
            if home == kind:
                out.append(_by_period(name, data.get(kind, ()), key, periods))
    out.append(_overrides(data))
    return tuple(out)


def _case(data: Mapping[str, Any], more: Sequence[str]) -> Grid:
    own = {key: value for key, value in data.items() if key not in _APART}
    found = {key_text(path): cell_of(value) for path, value in leaves(own)}
    found |= {key: None for key in more if key not in own and key not in found}
    return Grid(CASE, ("key", "value"), tuple(found.items()))


def _rest(data: Mapping[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    """Yield the entries of a list without what other sheets hold of them."""
    gone = {key for home, key in BY_PERIOD.values() if home == kind}
    gone |= {"override"} if kind in OWNERS else set()
    for entry in data.get(kind, ()):
        # Slots without any have no row to stand in.
        away = gone | ({"slots"} if kind == "products" and entry.get("slots") else set())
        yield {key: value for key, value in entry.items() if key not in away}


def _entries(sheet: str, entries: Sequence[Mapping[str, Any]], more: Sequence[str]) -> Grid:
    rows = [{key_text(path): value for path, value in leaves(entry)} for entry in entries]
    used = dict.fromkeys(key for row in rows for key in row)
    heads = {key.split(".")[0] for key in used}
    header = (*used, *(key for key in more if key not in heads))
    cells = (tuple(cell_of(row[key]) if key in row else None for key in header) for row in rows)
    return Grid(sheet, header or ("name",), tuple(cells))


def _slots(data: Mapping[str, Any]) -> Grid:
    rows: list[tuple[str, str, dict[str, Any]]] = []
    for product in data.get("products", ()):
        for slot, fills in product.get("slots", {}).items():
            rows += [(product["name"], slot, fill) for fill in fills or [{}]]
    keys = dict.fromkeys(["part", "count", *(key for row in rows for key in row[2])])
    cells = tuple(
        (cell_of(name), cell_of(slot), *(cell_of(f[key]) if key in f else None for key in keys))
        for name, slot, f in rows
    )
    return Grid(SLOTS, (*SLOT_COLUMNS, *keys), cells)


def _by_period(
    sheet: str, entries: Sequence[Mapping[str, Any]], key: str, periods: Sequence[str]
) -> Grid:
    header = ("name", EVERY, *(str(cell_of(period)) for period in periods))
    rows: list[tuple[Cell, ...]] = []
    for entry in entries:
        if key in entry:
            held = entry[key]
            if isinstance(held, Mapping):  # the same, said at length: {each = 5}, {values = […]}
                (held,) = held.values()
            cells = (None, *held) if isinstance(held, list) else (held, *(None for _ in periods))
            rows.append((cell_of(entry["name"]), *cells))
    return Grid(sheet, header, tuple(rows))


def _overrides(data: Mapping[str, Any]) -> Grid:
    rows: list[tuple[Cell, ...]] = list(_changed(data.get("override", {}), (None, None)))
    for change in data.get("changes", ()):
        rows += _changed(change["override"], (cell_of(change["begins"]), None))
    for scenario in data.get("scenarios", ()):
        rows += _changed(scenario.get("override", {}), (None, cell_of(scenario["name"])))
    return Grid(OVERRIDES, OVERRIDE_COLUMNS, tuple(rows))


def _changed(override: Mapping[str, Any], whose: tuple[Cell, Cell]) -> Iterator[tuple[Cell, ...]]:
    for path, value in leaves(override):
        yield (*whose, key_text(path), cell_of(value))
