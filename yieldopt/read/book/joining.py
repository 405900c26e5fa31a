"""The data of a case file from the sheets of a workbook, and the cell that each value stands in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yieldopt.errors import near_miss
from yieldopt.read.book.cells import parts_of
from yieldopt.read.book.joined import Joined, by_name, has_columns, owner, read_or_note, values_in
from yieldopt.read.book.layout import (
    BY_PERIOD,
    CASE,
    LISTS,
    OVERRIDE_COLUMNS,
    OVERRIDES,
    OWNERS,
    PERIODS,
    SLOT_COLUMNS,
    SLOTS,
)
from yieldopt.read.book.opening import Sheet
from yieldopt.read.book.periods import join_periods
from yieldopt.read.keys import Path


def joined(sheets: Mapping[str, Sheet]) -> Joined:
    """Return the data of a case that sheets hold, with everything that does not fit in it."""
    out = Joined()
    for name, sheet in sheets.items():
        wrong = {row for row, _ in sheet.spoilt}
        out.spoilt |= {sheet.place(row) for row, _ in sheet.rows if row in wrong or 1 in wrong}
        out.places[(_home(name),)] = f"sheet {name}"
        if sheet.spoilt and not sheet.header:
            out.unread.add(("name",) if name == CASE else (_home(name),))
    for name, key in ((CASE, "name"), (LISTS["products"], "products")):
        if name not in sheets:
            out.fault("there is no such sheet", f"sheet {name}")
            out.unread.add((key,))
    _case(sheets, out)
    for kind, name in LISTS.items():
        if name in sheets and sheets[name].rows:
            _entries(sheets[name], kind, out)
    _slots(sheets, out)
    for name, (kind, key) in BY_PERIOD.items():
        if name in sheets:
            join_periods(sheets[name], kind, key, out)
            _places_of(kind, key, name, out)
    _overrides(sheets, out)
    return out


def _home(sheet: str) -> str:
    """Return the key of a case whose values a sheet holds; empty for several."""
    kinds = {name: kind for kind, name in LISTS.items()}
    return kinds.get(sheet, {PERIODS: "periods", OVERRIDES: "override"}.get(sheet, ""))


def _places_of(kind: str, key: str, sheet: str, out: Joined) -> None:
    """Say that what an entry lacks belongs to the sheet that holds it for all of them."""
    for at in range(len(out.data.get(kind, ()))):
        out.places.setdefault((kind, at, key), f"sheet {sheet}")


def _only(sheet: Sheet, columns: tuple[str, ...], out: Joined) -> None:
    for column, name in sheet.header.items():
        if name not in columns:
            hint = near_miss(name, columns)
            out.fault("unknown column", sheet.place(1, column), name, hint)


def _case(sheets: Mapping[str, Sheet], out: Joined) -> None:
    if CASE in sheets and has_columns(sheets[CASE], ("key", "value"), out):
        _only(sheets[CASE], ("key", "value"), out)
        for number, row in values_in(sheets[CASE], out, "key"):
            if "value" in row and "key" not in row:
                out.fault("a value without a key", sheets[CASE].place(number))
            elif "value" in row:
                _put_key(out.data, (), row["key"], row["value"], out)
        for key in (*LISTS, "periods", "override", "tables"):
            if out.data.pop(key, None) is not None:
                out.fault("has a sheet of its own", out.places.pop((key,)), key)
    if PERIODS in sheets:
        _periods(sheets[PERIODS], out)


def _periods(sheet: Sheet, out: Joined) -> None:
    if not has_columns(sheet, ("period",), out):
        out.unread.add(("periods",))
        return
    _only(sheet, ("period",), out)
    cells = [row["period"] for _, row in values_in(sheet, out) if "period" in row]
    if cells:
        out.data["periods"] = [value for value, _ in cells]
        out.places |= {("periods", at): where for at, (_, where) in enumerate(cells)}


def _put_key(
    table: dict[str, Any],
    base: Path,
    key: tuple[Any, str],
    value: tuple[Any, str],
    out: Joined,
    above: tuple[str, ...] = (),
) -> None:
    """Put a value at the dotted key that a cell holds, seen from the key ``above`` it."""
    text, where = key
    if not isinstance(text, str):
        out.fault("a key must be text", where, text)
        return
    parts = read_or_note(parts_of, text, where, out)
    if parts is not None:
        out.put(table, base, (*above, *parts), *value)


def _entries(sheet: Sheet, kind: str, out: Joined) -> None:
    entries = out.data.setdefault(kind, [])
    keys = {
        name: read_or_note(parts_of, name, sheet.place(1, column), out)
        for column, name in sheet.header.items()
    }
    if None in keys.values():
        out.spoilt |= {sheet.place(number) for number, _ in sheet.rows}
    for number, row in values_in(sheet, out):
        base: Path = (kind, len(entries))
        out.places[base] = sheet.place(number)
        entry: dict[str, Any] = {}
        for name, (value, where) in row.items():
            if keys[name] is not None:
                out.put(entry, base, keys[name], value, where)
        entries.append(entry)


def _slots(sheets: Mapping[str, Sheet], out: Joined) -> None:
    sheet = sheets.get(SLOTS)
    if sheet is None:
        return
    if not has_columns(sheet, SLOT_COLUMNS, out):
        out.unsure.add(("products", None, "slots"))
        return
    known = by_name("products", out)
    for number, row in values_in(sheet, out):
        at = owner(known, row.pop("product", None), number, sheet, out)
        slot = row.pop("slot", None)
        if at is None:
            out.unsure.add(("products", None, "slots"))
            continue
        if slot is None or not isinstance(slot[0], str):
            out.fault("the name of a slot must be text", sheet.place(number))
            out.unsure.add(("products", at, "slots"))
            continue
        slots = out.data["products"][at].setdefault("slots", {})
        fills = slots.setdefault(slot[0], []) if isinstance(slots, dict) else None
        if not isinstance(fills, list):
            out.fault("is given on the sheet of products too", slot[1])
            continue
        base: Path = ("products", at, "slots", slot[0])
        out.places.setdefault(base[:3], sheet.place(number))
        out.places.setdefault(base, sheet.place(number))
        if row:
            fill: dict[str, Any] = {}
            base = (*base, len(fills))
            out.places[base] = sheet.place(number)
            for key, (value, where) in row.items():
                out.put(fill, base, (key,), value, where)
            fills.append(fill)
    _places_of("products", "slots", SLOTS, out)


def _overrides(sheets: Mapping[str, Sheet], out: Joined) -> None:
    sheet = sheets.get(OVERRIDES)
    if sheet is None or not has_columns(sheet, OVERRIDE_COLUMNS, out):
        return
    _only(sheet, OVERRIDE_COLUMNS, out)
    known = {kind: by_name(kind, out, key) for kind, key in OWNERS.items()}
    for number, row in values_in(sheet, out, "key"):
        if "key" not in row or "value" not in row:
            if sheet.place(number) not in out.spoilt:
                out.fault("needs a key and a value", sheet.place(number))
            continue
        if "change" in row and "scenario" in row:
            out.fault("a change or a scenario, not both", row["scenario"][1])
            continue
        entry = out.data
        base: Path = ()
        for column, kind in (("change", "changes"), ("scenario", "scenarios")):
            if column in row:
                at = owner(known[kind], row[column], number, sheet, out)
                if at is None:
                    break
                entry, base = out.data[kind][at], (kind, at)
        else:
            _put_key(entry, base, row["key"], row["value"], out, ("override",))
