"""Numbers by period from a sheet of a workbook with a column for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yieldopt.errors import near_miss
from yieldopt.read.book.cells import value_of
from yieldopt.read.book.joined import Joined, by_name, owner, read_or_note
from yieldopt.read.book.layout import EVERY, PERIODS
from yieldopt.read.book.opening import Sheet


def join_periods(sheet: Sheet, kind: str, key: str, out: Joined) -> None:
    """Put the numbers of a sheet into the entries that its rows name.

    Parameters
    ----------
    sheet
        A row an entry: its name, a number for every period alike, or one for each.
    kind, key
        The list of the case, read before, and the key there.
    out
        What has been read so far.
    """
    spoilt = {number for number, _ in sheet.spoilt}
    if 1 in spoilt:  # what stands in which column is not known
        out.unsure.add((kind, None, key))
        return
    order = sorted(sheet.header)
    heads = {c: read_or_note(value_of, sheet.header[c], sheet.place(1, c), out) for c in order}
    if [heads[column] for column in order[:2]] != ["name", EVERY]:
        out.fault(f"its first columns must be 'name' and {EVERY!r}", f"sheet {sheet.name}")
        out.unsure.add((kind, None, key))
        return
    if (kind,) in out.unread:
        return
    if sheet.rows and not out.data.get(kind):
        out.fault(f"its rows name {kind}, of which there are none", f"sheet {sheet.name}")
        return
    periods = periods_of(out)
    unread = ("periods",) in out.unread
    if unread or any(row.startswith(f"sheet {PERIODS},") for row in out.spoilt):
        out.unsure.add((kind, None, key))  # which columns there must be is not known
        return
    for column in order[2:]:
        if heads[column] not in periods:
            hint = near_miss(heads[column], periods)
            out.fault("no period of the case", sheet.place(1, column), heads[column], hint)
            out.unsure.add((kind, None, key))
    names = {heads[column]: column for column in order[2:] if isinstance(heads[column], str)}
    known = by_name(kind, out)
    for number, cells in sheet.rows:
        if number in spoilt:
            out.unsure.add((kind, None, key))
            continue
        row = {c: read_or_note(value_of, v, sheet.place(number, c), out) for c, v in cells.items()}
        cell = (row[order[0]], sheet.place(number, order[0])) if order[0] in row else None
        at = owner(known, cell, number, sheet, out)
        if at is None:
            out.unsure.add((kind, None, key))
        else:
            _row(
                sheet, number, row, [names.get(period) for period in periods], (kind, at, key), out
            )


def periods_of(out: Joined) -> list[str]:
    """Return the periods of the case, as far as they are text."""
    return [period for period in out.data.get("periods", ["all"]) if isinstance(period, str)]


def _row(
    sheet: Sheet,
    number: int,
    row: Mapping[int, Any],
    columns: list[int | None],
    path: tuple[str, int, str],
    out: Joined,
) -> None:
    """Put what a row gives by period, or for every period alike, into its entry."""
    every = sorted(sheet.header)[1]
    given = [column for column in columns if column in row]
    entry = out.data[path[0]][path[1]]
    before = len(out.faults)
    if every in row and given:
        hint = f"leave out one of the two: {EVERY} is {row[every]!r}"
        out.fault("given by period too", sheet.place(number, given[0]), row[given[0] or 0], hint)
    elif every in row:
        out.put(entry, path[:2], path[2:], row[every], sheet.place(number, every))
    elif None in columns and given:
        missing = periods_of(out)[columns.index(None)]
        out.fault(f"no column of the period {missing!r}", f"sheet {sheet.name}")
    elif given:
        cells = [column for column in columns if column is not None]
        for at, column in enumerate(cells):
            where = out.places[(*path, at)] = sheet.place(number, column)
            if column not in row:
                hint = "write 0 where there is none"
                out.fault("empty, and others of the row are not", where, hint=hint)
        if all(column in row for column in cells):
            out.put(entry, path[:2], path[2:], [row[c] for c in cells], sheet.place(number))
    if len(out.faults) > before:
        out.unsure.add(path)
