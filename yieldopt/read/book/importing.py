"""The case file of a workbook: what its sheets say, checked as any case is, errors by cell."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from yieldopt.errors import CaseError, Fault
from yieldopt.read.book.cells import inline_item
from yieldopt.read.book.fresh import fresh_file
from yieldopt.read.book.joined import Joined
from yieldopt.read.book.joining import joined
from yieldopt.read.book.opening import open_book
from yieldopt.read.case import load
from yieldopt.read.keys import path_of
from yieldopt.schema.base import Quantity
from yieldopt.schema.case import Case

_RANGE = Quantity.model_fields.keys()


def import_book(book: Path, file: Path, option: str = "-o") -> Case:
    """Write the case file of a workbook, and return the case.

    What is checked is the file itself, before it takes its name. Folders of models are named in
    the workbook as seen from it, and in the file as seen from that.

    Parameters
    ----------
    book
        As ``yieldopt export`` or ``yieldopt new --xlsx`` wrote it, edited or not.
    file
        A ``.toml`` file that is not there yet.
    option
        That named it, for messages.

    Raises
    ------
    CaseError
        Every fault of sheets and of the case, by sheet and cell; or the file cannot be written.
    """
    with fresh_file(file, ".toml", option) as part:
        sheets, faults = open_book(book)
        found = joined(sheets)
        faults += [fault.at(str(book), 0) for fault in found.faults]
        moved = data_seen_from(found.data, book.parent, file.parent)
        part.write_text(case_text(moved, f"written from {book.name}"), encoding="utf-8")
        try:
            case = load(part)
        except CaseError as error:
            known = {fault.key for fault in faults}
            for fault in error.faults:
                told = _in_book(fault, str(part), book, found)
                faults += [] if _echoes(fault, told, known, found) else [told]
        if faults:
            raise CaseError({str(fault): fault for fault in faults}.values())
    return replace(case)  # where it came from is gone: the file has another name now


def case_text(data: dict[str, Any], remark: str = "") -> str:
    """Return the text of a case file.

    Examples
    --------
    >>> print(case_text({"name": "a", "products": [{"name": "p", "demand": [0.1, 2]}]}))
    name = "a"
    <BLANKLINE>
    [[products]]
    name = "p"
    demand = [0.1, 2]
    <BLANKLINE>
    """
    import tomlkit

    shown = "".join(sign if sign.isprintable() else " " for sign in remark)
    laid_out = {
        key: [_table(entry) if isinstance(entry, Mapping) else entry for entry in value]
        if isinstance(value, list)
        else _laid_out(value)
        for key, value in data.items()
    }
    return (f"# {shown}\n" if remark else "") + tomlkit.dumps(laid_out)


def _table(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _laid_out(value) for key, value in entry.items()}


def _laid_out(value: Any) -> Any:
    """Return a value as case files have it: ranges and lists on one line, other tables not."""
    if isinstance(value, list) or (isinstance(value, Mapping) and value.keys() <= _RANGE):
        return inline_item(value)
    return _table(value) if isinstance(value, Mapping) else value


def data_seen_from(data: dict[str, Any], old: Path, new: Path) -> dict[str, Any]:
    """Return the data of a case with folders of models named as seen from another folder.

    Examples
    --------
    >>> data_seen_from({"include": ["models"]}, Path("/plans/a"), Path("/plans"))
    {'include': ['a/models']}
    """
    names = data.get("include")
    if not isinstance(names, list):
        return data
    seen = [_seen(name, old, new) if isinstance(name, str) and name else name for name in names]
    return data | {"include": seen}


def _seen(name: str, old: Path, new: Path) -> str:
    there = (old / name).absolute()
    try:
        return Path(os.path.relpath(there, new.absolute())).as_posix()
    except ValueError:  # on another drive
        return there.as_posix()


def _in_book(fault: Fault, part: str, book: Path, found: Joined) -> Fault:
    """Return a fault of the case file at the cell that its value stands in."""
    if fault.file != part:
        return fault  # of a file of models
    path = path_of(fault.key)
    while path and path not in found.places:
        path = path[:-1]
    place = found.places.get(path, "")
    key = f"{place} ({fault.key})" if place and fault.key else place or fault.key
    return replace(fault, key=key, file=str(book), line=0)


def _echoes(fault: Fault, told: Fault, known: Iterable[str], found: Joined) -> bool:
    """Return whether a fault only says again what could not be read: a value, or of its row."""
    path = path_of(fault.key)
    if path[:3] in found.unsure:
        return True
    if fault.message == "is missing" and (path[0], None, *path[2:]) in found.unsure:
        return True
    row = re.sub(r"cell [A-Z]+(\d+)", r"row \1", told.key.split(" (")[0])
    rows = {re.sub(r"cell [A-Z]+(\d+)", r"row \1", key) for key in known}
    return row in found.spoilt or row in rows
