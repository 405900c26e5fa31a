"""Workbooks of cases, edited as a planner would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from openpyxl import load_workbook

from yieldopt.errors import CaseError
from yieldopt.read.book.fresh import fresh_file
from yieldopt.read.book.importing import import_book
from yieldopt.report.book.inputs import checked_grids, fill_inputs
from yieldopt.report.workbook import written_book
from yieldopt.schema.case import Case


def write_inputs(data: dict[str, Any], file: Path, *, blank: bool = False) -> None:
    """Write the sheets of a case alone, as export does: no answer, which takes time."""
    found = checked_grids(data, blank=blank)
    with fresh_file(file, ".xlsx", "FILE") as part:
        written_book(part, lambda sheets: fill_inputs(sheets, found))


def edited(book: Path, edit: Callable[[Any], object], file: Path) -> Path:
    """Save a workbook, changed by a function, as another file."""
    held = load_workbook(book)
    edit(held)
    held.save(file)
    return file


def cell_under(book: Any, sheet: str, column: str, row: int) -> Any:
    """The cell of a row in the column of a name."""
    (found,) = (cell.column for cell in book[sheet][1] if cell.value == column)
    return book[sheet].cell(row, found)


def faults_of(book: Path, folder: Path) -> list[str]:
    """What import says is wrong, without the name of the file; nothing is left behind."""
    before = sorted(folder.iterdir())
    try:
        import_book(book, folder / "never.toml")
    except CaseError as error:
        assert sorted(folder.iterdir()) == before
        assert all(fault.file == str(book) and fault.line == 0 for fault in error.faults)
        return [str(fault).removeprefix(f"{book}: ") for fault in error.faults]
    raise AssertionError("nothing is wrong with it")


def came_back(book: Path, folder: Path) -> Case:
    """The case that import makes of a workbook."""
    return import_book(book, folder / "case.toml")
