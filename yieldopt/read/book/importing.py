"""The case file of a workbook: what its sheets say, checked as any case is, errors by cell."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence, Set
from dataclasses import replace
from pathlib import Path
from typing import Any

from yieldopt.data import data_folder
from yieldopt.errors import CaseError, Fault
from yieldopt.read.book.fresh import fresh_file
from yieldopt.read.book.joined import Joined
from yieldopt.read.book.joining import joined
from yieldopt.read.book.opening import open_book
from yieldopt.read.book.toml import case_text
from yieldopt.read.case import load
from yieldopt.read.keys import path_of
from yieldopt.schema.case import Case, CaseShape
from yieldopt.schema.models import ENTRIES
from yieldopt.schema.notes import notes

_SCHEMA = "case.schema.json"
_FIRST = ("name", "title", "periods")  # of a case file
_MOST_PLACES = 10  # formulas that are named
_NUMBER = "must be a number"
_HINTS = {  # how to write in a cell what a case must hold
    _NUMBER: "the cell must hold a number, not text; units and thousands go in its format",
    "must be a list": 'in brackets, with texts in double quotes: ["one", "two"] or [48.0, 54.0]',
    "must be text": "format the cell as text, and write it again",
}


def import_book(book: Path, file: Path, option: str = "-o") -> Case:
    """Write the case file of a workbook, and return the case; as :func:`imported`."""
    return imported(book, file, option)[0]


def imported(book: Path, file: Path, option: str) -> tuple[Case, str]:
    """Write the case file of a workbook; return the case, and what must be said of it.

    What is checked is the file itself, before it takes its name. Folders of models are named in
    the workbook as seen from it, and in the file as seen from that. Of a formula the value is
    taken that it had when the workbook was saved; the file says in its head where that was.

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
        opened = open_book(book)
        found = joined(opened.sheets)
        faults = [*opened.faults, *(fault.at(str(book), 0) for fault in found.faults)]
        moved = data_seen_from(found.data, book.parent, file.parent)
        ordered = {key: moved[key] for key in _FIRST if key in moved} | moved
        said = _formulas(opened.formulas)
        text = case_text(ordered, _remarks(book, file, said), _notes)
        part.write_text(text, encoding="utf-8", newline="\n")
        try:
            case = load(part)
        except CaseError as error:
            rows = found.spoilt | {_row_of(fault.key) for fault in faults}
            for fault in error.faults:
                told = _in_book(fault, str(part), book, found)
                faults += [] if _echoes(fault, told, rows, found) else [told]
        if faults:
            raise CaseError({str(fault): fault for fault in faults}.values())
    return replace(case), said  # where it came from is gone: the file has another name now


def _remarks(book: Path, file: Path, said: str) -> list[str]:
    """Return the head of a case file: its schema for editors, where it is from, what it took."""
    beside = file.with_name(_SCHEMA).is_file()  # as `yieldopt new` puts it there
    schema = f"./{_SCHEMA}"
    if not beside:
        schema = _seen(str(data_folder("schemas") / _SCHEMA), Path(), file.parent)
    head = [f":schema {schema}", f"Written from {book.name} by yieldopt import."]
    return [*head, said] if said else head


def _formulas(places: Sequence[str]) -> str:
    if not places:
        return ""
    more = len(places) - _MOST_PLACES
    tail = f", and {more} more" if more > 0 else ""
    named = ", ".join(places[:_MOST_PLACES])
    return f"Formulas, taken by the values that were saved with them: {named}{tail}."


def _notes(kind: str) -> dict[str, str]:
    return notes(ENTRIES.get(kind, CaseShape))


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
    hint = fault.hint or _hint(fault)
    return replace(fault, key=key, file=str(book), line=0, hint=hint)


def _hint(fault: Fault) -> str:
    """Return how a cell is to be written: a text as a number, a list or, of a number, a text."""
    if fault.message.startswith(_NUMBER) and not isinstance(fault.value, str):
        return ""
    return next((hint for said, hint in _HINTS.items() if fault.message.startswith(said)), "")


def _echoes(fault: Fault, told: Fault, rows: Set[str], found: Joined) -> bool:
    """Return whether a fault only says again what could not be read: a value, or of its row."""
    path = path_of(fault.key)
    if path[:1] in found.unread or path[:3] in found.unsure:
        return True
    if fault.message == "is missing" and (path[0], None, *path[2:]) in found.unsure:
        return True
    return _row_of(told.key) in rows


def _row_of(key: str) -> str:
    """Return the row that a fault belongs to: ``sheet Products, row 7``."""
    return re.sub(r"cell [A-Z]+(\d+)", r"row \1", key.split(" (")[0])
