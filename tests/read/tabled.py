"""Cases with tables, written for the tests of them in each format."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import xlsxwriter

from yieldopt.errors import CaseError, Fault
from yieldopt.read import load
from yieldopt.read.documents import open_document
from yieldopt.read.tables.merge import with_tables

PERIODS = ["2026Q1", "2026Q2", "2026Q3"]
CASE = """\
name = "t"
periods = ["2026Q1", "2026Q2", "2026Q3"]

[[resources]]
name = "hbm.hbm3e_8h"
unit = "stacks"
source = "assumed: a test"
# capacity

[[products]]
name = "gpu"
routes = ["cowos_s"]
interposer_mm = [32.0, 44.0]
substrate_mm = [60.0, 60.0]
dppm_limit = 1000.0
# gpu
slots.logic = [{part = "tpu_die"}]
slots.memory = [{part = "hbm3e_8h"}]
slots.substrate = [{part = "abf_68"}]

[[products]]
name = "tpu"
routes = ["cowos_s"]
interposer_mm = [32.0, 44.0]
substrate_mm = [60.0, 60.0]
dppm_limit = 1000.0
# tpu
slots.logic = [{part = "tpu_die"}]
slots.memory = [{part = "hbm3e_8h"}]
slots.substrate = [{part = "abf_68"}]
"""
KINDS = ["csv", "parquet", "xlsx"]
HEADER = ["product", "period", "packages"]
GOOD: list[list[Any]] = [
    ["gpu", "2026Q1", 10.5],
    ["gpu", "2026Q2", 20.0],
    ["gpu", "2026Q3", 0.0],
    ["tpu", "2026Q3", 3.0],
    ["tpu", "2026Q2", 2.0],
    ["tpu", "2026Q1", 1.0],
]
WIDE: list[list[Any]] = [["gpu", 10.5, 20.0, 0.0], ["tpu", 1.0, 2.0, 3.0]]


def table(path: Path, header: Sequence[Any], rows: Sequence[Sequence[Any]]) -> Path:
    """Write a table in the format of the path's ending; a workbook with the sheet Plan."""
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, *rows])
    elif path.suffix == ".parquet":
        columns = {name: [row[at] for row in rows] for at, name in enumerate(header)}
        pl.DataFrame(columns, strict=False).write_parquet(path)
    else:
        with xlsxwriter.Workbook(path, {"nan_inf_to_errors": True}) as book:
            sheet = book.add_worksheet("Plan")
            for number, row in enumerate([header, *rows]):
                for at, cell in enumerate(row):
                    if cell is not None:
                        sheet.write(number, at, cell)
    return path


def case(
    folder: Path, tables: str, capacity: str = "capacity = 1", gpu: str = "", tpu: str = ""
) -> Path:
    """Write the case, with lines in place of its comments and tables at its end."""
    text = CASE
    for mark, lines in (("capacity", capacity), ("gpu", gpu), ("tpu", tpu)):
        assert f"# {mark}\n" in text
        text = text.replace(f"# {mark}\n", f"{lines}\n")
    path = folder / "case.toml"
    path.write_text(text + tables)
    return path


def named(kind: str, what: str = "demand", more: str = "") -> str:
    return f'[[tables]]\nfile = "plan.{kind}"\nwhat = "{what}"\n{more}\n'


def faults_of(path: Path) -> tuple[Fault, ...]:
    with pytest.raises(CaseError) as error:
        load(path)
    return error.value.faults


def told(path: Path) -> tuple[Fault, ...]:
    """The faults of tables alone, without the models."""
    return with_tables(open_document(path, "toml")).faults


def place(kind: str, row: int | None, column: str = "", header: Sequence[Any] = HEADER) -> str:
    """The place of a cell as the fault must tell it; rows as a spreadsheet program counts."""
    parts = ["sheet Plan"] if kind == "xlsx" else []
    if row is not None:
        number = row - (kind == "parquet")  # which has no header row
        parts += [f"row {number}"] if number else []
    if column and kind == "xlsx":
        parts.append(f"column {chr(ord('A') + list(header).index(column))} ({column})")
    elif column:
        parts.append(f"column {column}")
    return ", ".join(parts)


INLINE = {"gpu": "demand = [10.5, 20.0, 0.0]", "tpu": "demand = [1, 2, 3]"}
