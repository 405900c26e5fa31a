"""Tables of a case that no planner means: far-off cells, endless headers, odd paths and blanks."""

from __future__ import annotations

import os
import re
import zipfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import xlsxwriter

from tests.read.tabled import (
    GOOD,
    HEADER,
    INLINE,
    KINDS,
    PERIODS,
    WIDE,
    case,
    faults_of,
    named,
    place,
    table,
    told,
)
from yieldopt.errors import CaseError
from yieldopt.read import load
from yieldopt.read.documents import open_document
from yieldopt.read.tables import header as header_module
from yieldopt.read.tables.source import LISTED
from yieldopt.read.tables.span import span_over

LAST_ROW, LAST_COLUMN = 1_048_575, 16_383  # of Excel, counted from 0: XFD1048576


def plan_with(path: Path, *far: tuple[int, int, Any], left: int = 0) -> Path:
    """Write a workbook with the good plan and cells elsewhere; None is a blank with a format."""
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Plan")
        shaded = book.add_format({"bg_color": "#ff0000"})
        for number, row in enumerate([HEADER, *GOOD]):
            sheet.write_row(number, left, row)
        for row, column, cell in far:
            sheet.write(row, column, cell, shaded)
    return path


# --- values far from the table: a reader of workbooks holds the whole range between


@pytest.mark.parametrize(
    ("far", "names", "count"),
    [
        ([(LAST_ROW, LAST_COLUMN, "x")], "XFD1048576", "17,179,869,184"),
        ([(LAST_ROW, 100, 1.0)], "CW1048576", "105,906,176"),
        ([(LAST_ROW, 0, "x"), (3, LAST_COLUMN, True)], "A1048576 and XFD4", "17,179,869,184"),
    ],
)
def test_a_value_far_out_is_refused_by_name(
    tmp_path: Path, far: list[tuple[int, int, Any]], names: str, count: str
) -> None:
    plan_with(tmp_path / "plan.xlsx", *far)
    (fault,) = told(case(tmp_path, named("xlsx")))
    assert (fault.file, fault.key) == (str(tmp_path / "plan.xlsx"), "sheet Plan")
    assert fault.message.startswith(f"too large: values as far out as {names} span {count} cells")
    assert "clear what stands far from the table" in fault.hint


@pytest.mark.parametrize(
    ("sheet", "span"),
    [
        ('<row r="9"><c s="1" r="A9"><v>1</v></c><c r="D2" t="s"><v>1</v></c></row>', 36),
        ("<row r='9'><c r='A9'><v>1</v></c>\n<c\nr='D9'\n><v>1</v></c></row>", 36),
        ('<worksheet><row r="9"><c r="A9" s="1"/><c r="XFD9" s="2"></c></row></worksheet>', 0),
        ('<x:worksheet><x:row r="9"><x:c r="A9"><x:v>1</x:v></x:c>'
         '<x:c r="B9"><x:v>1</x:v></x:c></x:row></x:worksheet>', 18),
        ('<row r="9"><c><v>1</v></c><c s="1"/><c t="n"><v>1</v></c></row>', 27),
        ('<row r="8"/><row><c><v>1</v></c></row><row><c s="1"/></row>', 9),
        ('<cols><col min="1" max="16384"/></cols><dimension ref="A1:XFD1048576"/>', 0),
    ],
)  # fmt: skip
def test_cells_are_found_however_they_are_written(sheet: str, span: int) -> None:
    assert span_over(sheet.encode(), 1)[0] == span
    assert span_over(sheet.encode(), max(span, 1)) == (0, [])


def test_blanks_far_out_and_a_table_far_out_are_read(tmp_path: Path) -> None:
    """A format holds no value; a table at the right edge is no larger than at the left."""
    wanted = load(case(tmp_path, "", **INLINE))
    plan_with(tmp_path / "plan.xlsx", (LAST_ROW, LAST_COLUMN, None))
    path = case(tmp_path, named("xlsx"))
    assert load(path) == wanted
    plan_with(tmp_path / "plan.xlsx", (LAST_ROW, LAST_COLUMN, None), left=LAST_COLUMN - 2)
    assert load(path) == wanted


def test_cells_without_names_are_counted(tmp_path: Path) -> None:
    """Some programs write only where a row is; its cells follow each other."""
    plan = tmp_path / "plan.xlsx"
    plan_with(plan, *((9, column, "x") for column in range(40)))
    with zipfile.ZipFile(plan) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = re.sub(rb'<c r="[A-Z]+\d+"', b"<c", parts[sheet])
    found = []
    for row in (b"10", b"1048576"):
        text = parts[sheet].replace(b'<row r="10"', b'<row r="' + row + b'"')
        with zipfile.ZipFile(plan, "w") as book:
            for name, data in {**parts, sheet: text}.items():
                book.writestr(name, data)
        found.append(told(case(tmp_path, named("xlsx")))[0])
    near, far = found
    assert (near.key, near.message) == (
        "sheet Plan, row 1, column D",
        "a column without a name holds values",
    )
    assert far.message.startswith("too large: values as far out as row 1048576 span 41,943,040")


def test_a_value_in_the_last_row_of_the_table_is_a_fault_of_its_cell(tmp_path: Path) -> None:
    plan_with(tmp_path / "plan.xlsx", (LAST_ROW, 0, "gpo"))
    (fault,) = told(case(tmp_path, named("xlsx")))
    assert (fault.key, fault.value) == ("sheet Plan, row 1048576, column A (product)", "gpo")


# --- paths that the system refuses


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_too_long_for_the_system_is_a_fault(tmp_path: Path, kind: str) -> None:
    path = case(tmp_path, named(kind).replace("plan.", "p" * 300 + "."))
    (fault,) = faults_of(path)
    assert (fault.file, fault.key) == (str(path), "tables[0].file")
    assert fault.message == "cannot be read: file name too long"


@pytest.mark.parametrize("name", ["p" * 300 + ".toml", "p\0q.toml", f"{'p' * 300}/case.toml"])
def test_a_document_of_such_a_name_is_a_fault(tmp_path: Path, name: str) -> None:
    with pytest.raises(CaseError) as error:
        open_document(tmp_path / name, "toml")
    (fault,) = error.value.faults
    assert fault.message.startswith("cannot be read: ")


def test_what_stands_there_is_not_proposed_instead(tmp_path: Path) -> None:
    path = case(tmp_path, named("csv"))
    plan = tmp_path / "plan.csv"
    plan.mkdir()
    (fault,) = faults_of(path)
    assert (fault.message, fault.hint) == ("is a directory, not a file", "")
    plan.rmdir()
    os.mkfifo(plan)
    (fault,) = faults_of(path)
    assert (fault.message, fault.hint) == ("is no regular file", "")
    plan.unlink()
    plan.symlink_to(tmp_path / "nowhere.csv")
    (fault,) = faults_of(path)
    assert (fault.message, fault.hint) == ("is a link to no file", "")
    (tmp_path / "case.toml").unlink()
    (tmp_path / "case.toml").symlink_to(tmp_path / "gone.toml")
    with pytest.raises(CaseError) as error:
        open_document(path, "toml")
    assert "case.toml'?" not in error.value.faults[0].hint


# --- headers without end


@pytest.mark.parametrize("layout", ["long", "wide"])
def test_faults_of_a_header_are_counted_like_those_of_rows(
    tmp_path: Path, layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what is listed is looked up: the work does not grow with the square of the width."""
    asked = []
    near = header_module.near_miss
    monkeypatch.setattr(header_module, "near_miss", lambda *of: asked.append(of) or near(*of))
    width = 3000
    names = ["product", *(f"note {at}" for at in range(width))]
    table(tmp_path / "plan.csv", names, [["gpu", *[1] * width]])
    found = told(case(tmp_path, named("csv", more=f'layout = "{layout}"')))
    *listed, rest = found
    missing = 2 if layout == "long" else len(PERIODS)
    assert len(listed) == LISTED
    assert rest.message == f"{width + missing - LISTED:,} more faults of this table are not listed"
    assert len(asked) <= LISTED


def test_columns_that_are_missing_are_told_before_unknown_ones_are_cut(tmp_path: Path) -> None:
    names = ["product", *(f"note {at}" for at in range(200))]
    table(tmp_path / "plan.csv", names, [["gpu", *[1] * 200]])
    found = told(case(tmp_path, named("csv")))
    absent = {fault.value for fault in found if fault.message == "no such column"}
    assert absent == {"period", "packages"}


def wide_plan(folder: Path, kind: str, number: Any) -> Path:
    """Write a case of forty periods, its wide table with a note, and one cell to be spoilt."""
    periods = [f"w{at}" for at in range(40)]
    header = ["product", "note", *periods]
    table(folder / f"plan.{kind}", header, [["gpu", "as last year", *[2.0] * 39, number]])
    more = 'layout = "wide"\nignore = ["note"]'
    path = case(folder, named(kind, more=more), tpu="demand = 0")
    path.write_text(re.sub("periods = .*", f"periods = {periods}", path.read_text()))
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_wide_tables_are_read_and_their_texts_found(tmp_path: Path, kind: str) -> None:
    read = load(wide_plan(tmp_path, kind, 7.0))
    assert read.products[0].demand.values == (*[2.0] * 39, 7.0)
    (fault,) = told(wide_plan(tmp_path, kind, "7 k"))
    column = {"csv": "w39", "parquet": "w39", "xlsx": "AP (w39)"}[kind]
    assert fault.key.endswith(f"column {column}")


def test_the_types_of_a_wide_file_are_asked_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them are gathered whenever they are."""
    path = wide_plan(tmp_path, "parquet", 7.0)
    gathered, dtypes = [], pl.DataFrame.dtypes
    monkeypatch.setattr(
        pl.DataFrame, "dtypes", property(lambda f: gathered.append(f) or dtypes.__get__(f))
    )
    assert told(path) == ()
    assert len(gathered) == 1


# --- blanks


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_of_empty_texts_is_passed_over(tmp_path: Path, kind: str) -> None:
    wanted = load(case(tmp_path, "", **INLINE))
    empty = None if kind == "parquet" else ""
    rows = [*GOOD[:2], ["", "", empty], *GOOD[2:]]
    table(tmp_path / f"plan.{kind}", HEADER, rows)
    if kind == "xlsx":
        write_texts(tmp_path / "plan.xlsx", [HEADER, *rows])
    assert load(case(tmp_path, named(kind))) == wanted


def test_an_empty_text_in_a_header_is_no_name(tmp_path: Path) -> None:
    write_texts(tmp_path / "plan.xlsx", [[*HEADER, ""], *([*row, ""] for row in GOOD)])
    assert load(case(tmp_path, named("xlsx"))) == load(case(tmp_path, "", **INLINE))


def write_texts(path: Path, rows: list[list[Any]]) -> None:
    """Write a workbook whose empty cells are texts of no letters."""
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Plan")
        for number, row in enumerate(rows):
            for at, cell in enumerate(row):
                if cell == "":
                    sheet.write_string(number, at, cell)
                else:
                    sheet.write(number, at, cell)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_number_of_spaces_is_shown_as_it_stands(tmp_path: Path, kind: str) -> None:
    rows = [list(row) for row in GOOD]
    rows[1][2] = "  "
    table(tmp_path / f"plan.{kind}", HEADER, rows)
    (fault,) = told(case(tmp_path, named(kind)))
    assert (fault.key, fault.message) == (place(kind, 3, "packages"), "must be a number")
    assert fault.value == "  "


@pytest.mark.parametrize("kind", KINDS)
def test_minus_nothing_is_nothing(tmp_path: Path, kind: str) -> None:
    rows = [[*WIDE[0][:3], -0.0], WIDE[1]]
    table(tmp_path / f"plan.{kind}", ["product", *PERIODS], rows)
    read = load(case(tmp_path, named(kind, more='layout = "wide"')))
    assert repr(read.products[0].demand.over(3)[2]) == "0.0"
