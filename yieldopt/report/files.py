"""Output files: written whole or not at all, and never over an input."""

from __future__ import annotations

import csv
import errno
import io
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yieldopt.data import bundled_cases, data_folder
from yieldopt.errors import CaseError, Fault
from yieldopt.read.documents import open_document
from yieldopt.report.frames import TABLES, Row, Table, frame, tables
from yieldopt.report.protected import is_protected
from yieldopt.report.result import result_text
from yieldopt.report.text import to_json
from yieldopt.report.workbook import write_workbook
from yieldopt.schema.models import KINDS

if TYPE_CHECKING:
    from yieldopt.solving import Solved

Fill = Callable[[Path], object]  # writes a file
_CALCULATED = ("=", "+", "-", "@", "\t", "\r")  # what a formula can begin with
_PROGRAMMES = ("allocation.lp", "allocation.mps")


def write_all(solved: Solved, folder: Path, protected: Path) -> list[Path]:
    """Write what was solved: for people, for scripts, for planners and for other solvers.

    ``result.json`` and ``result.txt``; a ``.csv`` and a ``.parquet`` for each table; ``plan.xlsx``
    with all of them; the LP as ``allocation.lp`` and ``allocation.mps``. All of them are written,
    each whole, or none. Where there is no LP, one of an earlier answer is removed from the folder.
    In CSV alone, a text that a spreadsheet program would calculate has an apostrophe before it.

    Parameters
    ----------
    solved
        What was solved.
    folder
        Made if absent.
    protected
        The case file: a folder that holds it, or bundled models or cases, is refused.

    Raises
    ------
    CaseError
        The folder cannot be made or written, or holds inputs.
    """
    fills = _fills(solved)
    _check_protected(folder, _PROGRAMMES)
    written = write_files(fills, folder, protected)
    try:
        for name in _PROGRAMMES:
            if name not in fills:
                (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(error, folder) from None
    return written


def write_files(fills: Mapping[str, Fill], folder: Path, protected: Path) -> list[Path]:
    """Write files by name, all of them or none; faults as of :func:`write_all`.

    All are filled in a scratch folder inside before the first is moved into its place, so that no
    folder holds half of one answer and half of another.
    """
    check_folder(folder, protected)
    _check_protected(folder, fills)
    made = [place for place in (folder, *folder.parents) if not os.path.lexists(place)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for target in (folder / name for name in fills):
            if target.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
        with tempfile.TemporaryDirectory(dir=folder, prefix=".part-") as scratch:
            for name, fill in fills.items():
                fill(Path(scratch) / name)
            for name in fills:
                os.replace(Path(scratch) / name, folder / name)
    except BaseException as error:
        with suppress(OSError):  # as far as nobody has put anything there
            for place in made:
                place.rmdir()
        if isinstance(error, OSError):
            raise _unwritable(error, folder) from None
        raise
    return [folder / name for name in fills]


def _check_protected(folder: Path, names: Iterable[str]) -> None:
    """Refuse to replace files that somebody has protected."""
    try:
        held = [name for name in names if is_protected(folder / name)]
    except OSError as error:
        raise _unwritable(error, folder) from None
    if held:
        hint = "allow them to be written, or choose another folder"
        text = f"holds files that are write-protected: {', '.join(held)}"
        raise CaseError(Fault(text, "--out", str(folder), hint))


def _unwritable(error: OSError, folder: Path) -> CaseError:
    """Return the fault of a folder that the system refuses, with the file in it that is meant."""
    text = f"cannot be written: {(error.strerror or str(error)).lower()}"
    named = Path(error.filename) if isinstance(error.filename, str) else folder
    file = f"{named.name} " if named.parent == folder and not named.name.startswith(".") else ""
    return CaseError(Fault(file + text, "--out", str(folder)))


def _fills(solved: Solved) -> dict[str, Fill]:
    """Return what writes each file, by its name."""
    result = solved.result
    found = tables(result)
    fills = text_fills(result.to_dict(), result_text(result))
    fills |= table_fills((name, TABLES[name], rows) for name, rows in found.items())
    fills["plan.xlsx"] = partial(write_workbook, result, found)
    if solved.program is not None:
        from yieldopt.optimize.backends import pulp_lp

        fills |= {name: partial(pulp_lp.write, solved.program) for name in _PROGRAMMES}
    return fills


def text_fills(data: Mapping[str, Any], text: str) -> dict[str, Fill]:
    """Return what writes an answer for scripts and for people."""
    return {"result.json": _text(to_json(data) + "\n"), "result.txt": _text(text + "\n")}


def table_fills(tables: Iterable[tuple[str, Table, list[Row]]]) -> dict[str, Fill]:
    """Return what writes tables, given with their names and rows, as CSV and as Parquet."""
    fills: dict[str, Fill] = {}
    for name, table, rows in tables:
        fills[f"{name}.csv"] = _text(_csv(table, rows))
        fills[f"{name}.parquet"] = partial(_parquet, table, rows)
    return fills


def _text(text: str) -> Fill:
    return lambda path: path.write_text(text, encoding="utf-8")


def _csv(table: Table, rows: list[Row]) -> str:
    held = io.StringIO(newline="")
    columns = tuple(table.columns)
    plain, quoted = (
        csv.DictWriter(held, columns, lineterminator="\n", quoting=quoting)
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC)
    )
    plain.writeheader()
    for row in rows:
        # Up to Python 3.12 a carriage return alone is left without quotes.
        texts = (value for value in row.values() if isinstance(value, str))
        writer = quoted if any("\r" in text for text in texts) else plain
        writer.writerow({key: _inert(value) for key, value in row.items()})
    return held.getvalue()


def _inert(value: Any) -> Any:
    """Return a value of CSV: quotes alone do not keep a spreadsheet program from calculating."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_CALCULATED) else value


def _parquet(table: Table, rows: list[Row], path: Path) -> None:
    held = io.BytesIO()
    frame(table, rows).write_parquet(held)
    path.write_bytes(held.getvalue())


def check_folder(folder: Path, case: Path) -> None:
    """Refuse a folder that holds inputs or cannot be written, before anything is solved.

    Nothing is made yet: what is looked at is the nearest folder that is there.

    Raises
    ------
    CaseError
        With a hint.
    """
    hint = "choose another folder"
    try:
        refused = _refused(folder)
    except OSError as error:
        raise _unwritable(error, folder) from None
    if refused:
        raise CaseError(Fault(refused, "--out", str(folder), hint))
    place, models = folder.resolve(), data_folder("models").resolve()
    if place in _inputs(case) or models in (place, *place.parents):
        raise CaseError(
            Fault("holds inputs; outputs never go beside them", "--out", str(folder), hint)
        )


def _inputs(case: Path) -> set[Path]:
    """Return the folders that hold bundled cases, a case, its tables and its models.

    A case that cannot be read names none: reading it tells what is wrong with it.
    """
    found = {data_folder("cases").resolve()}
    path = case if os.path.exists(case) else bundled_cases().get(str(case))
    if path is None:
        return found
    found.add(path.resolve().parent)
    try:
        data = open_document(path, "toml").data
    except CaseError:
        return found
    tables, includes = data.get("tables"), data.get("include")
    for table in tables if isinstance(tables, list) else []:
        if isinstance(table, dict) and isinstance(table.get("file"), str):
            found.add((path.parent / table["file"]).parent.resolve())
    for name in includes if isinstance(includes, list) else []:
        if isinstance(name, str):
            found |= {(path.parent / name / kind).resolve() for kind in ("", *KINDS)}
    return found


def _refused(folder: Path) -> str:
    """Return why a folder cannot be made or written; empty if it can, as far as is seen."""
    if folder.is_file():
        return "is a file, not a folder"
    there = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
    if not there.is_dir():
        return f"cannot be made: {there} is no folder"
    return "" if os.access(there, os.W_OK | os.X_OK) else f"{there} may not be written"
