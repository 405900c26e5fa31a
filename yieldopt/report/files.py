"""Output files: written whole or not at all, and never over an input."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from yieldopt.data import data_folder
from yieldopt.errors import CaseError, Fault
from yieldopt.report.frames import COLUMNS, Row, frame, tables
from yieldopt.report.result import result_text
from yieldopt.report.text import to_json
from yieldopt.report.workbook import write_workbook

if TYPE_CHECKING:
    from yieldopt.solving import Solved

Fill = Callable[[Path], object]  # writes a file


def write_all(solved: Solved, folder: Path, protected: Path) -> list[Path]:
    """Write what was solved: for people, for scripts, for planners and for other solvers.

    ``result.json`` and ``result.txt``; a ``.csv`` and a ``.parquet`` for each table; ``plan.xlsx``
    with all of them; the LP as ``allocation.lp`` and ``allocation.mps``. Each is written whole or
    not at all.

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
    check_folder(folder, protected)
    fills = _fills(solved)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [_write(folder / name, fill) for name, fill in fills.items()]
    except OSError as error:
        text = f"cannot be written: {(error.strerror or str(error)).lower()}"
        raise CaseError(Fault(text, "--out", str(folder))) from None


def _fills(solved: Solved) -> dict[str, Fill]:
    """Return what writes each file, by its name."""
    result = solved.result
    fills: dict[str, Fill] = {
        "result.json": _text(to_json(result.to_dict()) + "\n"),
        "result.txt": _text(result_text(result) + "\n"),
    }
    found = tables(result)
    for name, rows in found.items():
        fills[f"{name}.csv"] = _text(_csv(name, rows))
        fills[f"{name}.parquet"] = partial(_parquet, name, rows)
    fills["plan.xlsx"] = partial(write_workbook, result, found)
    if solved.program is not None:
        from yieldopt.optimize.backends import pulp_lp

        for suffix in (".lp", ".mps"):
            fills[f"allocation{suffix}"] = partial(pulp_lp.write, solved.program)
    return fills


def _text(text: str) -> Fill:
    return lambda path: path.write_text(text)


def _csv(name: str, rows: list[Row]) -> str:
    held = io.StringIO(newline="")
    writer = csv.DictWriter(held, COLUMNS[name], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return held.getvalue()


def _parquet(name: str, rows: list[Row], path: Path) -> None:
    held = io.BytesIO()
    frame(name, rows).write_parquet(held)
    path.write_bytes(held.getvalue())


def _write(target: Path, fill: Fill) -> Path:
    """Fill a temporary neighbour, then move it into place in one step."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".part-", suffix=target.suffix)
    os.close(handle)
    try:
        fill(Path(name))
        os.chmod(name, 0o644)
        os.replace(name, target)
    finally:
        Path(name).unlink(missing_ok=True)
    return target


def check_folder(folder: Path, case: Path) -> None:
    """Refuse a folder for outputs that is a file or holds inputs, before anything is solved.

    Raises
    ------
    CaseError
        With a hint.
    """
    hint = "choose another folder"
    if folder.is_file():
        raise CaseError(Fault("is a file, not a folder", "--out", str(folder), hint))
    place = folder.resolve()
    inputs = {data_folder("cases").resolve()}
    if case.exists():  # else the bare name of a bundled case
        inputs.add(case.resolve().parent)
    models = data_folder("models").resolve()
    if place in inputs or place == models or models in place.parents:
        raise CaseError(
            Fault("holds inputs; outputs never go beside them", "--out", str(folder), hint)
        )
