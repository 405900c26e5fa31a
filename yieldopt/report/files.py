"""Output files: written whole or not at all, and never over an input."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from yieldopt.data import data_folder
from yieldopt.errors import CaseError, Fault
from yieldopt.report.frames import COLUMNS, tables
from yieldopt.report.result import result_text
from yieldopt.report.text import to_json

if TYPE_CHECKING:
    from yieldopt.solving import Solved


def write_all(solved: Solved, folder: Path, protected: Path) -> list[Path]:
    """Write result.json, result.txt, one CSV for each table, and the LP as .lp and .mps.

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
    result = solved.result
    texts = {
        "result.json": to_json(result.to_dict()) + "\n",
        "result.txt": result_text(result) + "\n",
    }
    for name, rows in tables(result).items():
        held = io.StringIO(newline="")
        writer = csv.DictWriter(held, COLUMNS[name], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        texts[f"{name}.csv"] = held.getvalue()
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            written.append(_write(folder / name, _writer(text)))
        if solved.program is not None:
            from yieldopt.optimize.backends import pulp_lp

            program = solved.program
            for suffix in (".lp", ".mps"):
                target = folder / f"allocation{suffix}"
                written.append(_write(target, lambda path: pulp_lp.write(program, path)))
    except OSError as error:
        text = f"cannot be written: {(error.strerror or str(error)).lower()}"
        raise CaseError(Fault(text, "--out", str(folder))) from None
    return written


def _writer(text: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(text)


def _write(target: Path, fill: Callable[[Path], object]) -> Path:
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
