"""Tables of a case: what is of one format alone, large ones, and what is loaded when."""

from __future__ import annotations

import datetime
import re
import shutil
import subprocess
import sys
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
    case,
    faults_of,
    named,
    place,
    table,
    told,
)
from yieldopt.read import load
from yieldopt.read.documents import open_document
from yieldopt.read.tables import workbook
from yieldopt.read.tables.merge import with_tables
from yieldopt.read.tables.source import LISTED

# --- CSV alone


def test_a_csv_that_is_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / "plan.csv").write_bytes(
        "product,period,packages\ngpu,2026Q1,1\nµ,".encode("cp1252")
    )
    (fault,) = faults_of(case(tmp_path, named("csv")))
    assert (fault.line, fault.message, fault.hint) == (
        3,
        "not UTF-8 text",
        "save the file as 'CSV UTF-8'",
    )


def test_csv_as_spreadsheet_programs_write_it(tmp_path: Path) -> None:
    """A byte order mark, semicolons, CRLF, a title above, blank lines, spaces at numbers."""
    wanted = load(case(tmp_path, "", **INLINE))
    lines = ["Demand plan;;", "", "product;period;packages"]
    lines += [f"{p};{q}; {n} " for p, q, n in GOOD]
    lines[5:5] = ["", ";;"]
    (tmp_path / "plan.csv").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    more = 'separator = ";"\nheader_row = 3'
    assert load(case(tmp_path, named("csv", more=more))) == wanted
    found = faults_of(case(tmp_path, named("csv", more="header_row = 3")))
    assert 'separator = ";"' in found[-1].hint


def test_csv_rows_of_other_lengths_and_open_quotes(tmp_path: Path) -> None:
    plan = tmp_path / "plan.csv"
    plan.write_text("product,period,packages\n\ngpu,2026Q1,1,200\n" + "gpu,2026Q1\n" * 200)
    first, *others, rest = told(case(tmp_path, named("csv")))
    assert (first.line, first.key) == (3, "row 3")
    assert first.message == "has 4 fields, the header 3"
    assert others[0].message == "has 2 fields, the header 3"
    assert rest.message.startswith(f"{201 - LISTED} more")
    plan.write_text('product,period,packages\ngpu,2026Q1,1\n"gpu,2026Q2,2\n')
    (fault,) = told(case(tmp_path, named("csv")))
    assert (fault.line, fault.message) == (3, "not CSV: unexpected end of data")


def test_a_line_of_csv_is_that_of_the_file_where_a_record_has_more(tmp_path: Path) -> None:
    text = 'product,period,packages\n"g\npu",2026Q1,1\ngpu,2026Q1,x\n'
    (tmp_path / "plan.csv").write_text(text)
    _, number, *_ = told(case(tmp_path, named("csv")))
    assert (number.line, number.key) == (4, "row 3, column packages")


# --- Parquet alone


@pytest.mark.parametrize("kind", [pl.Int8, pl.UInt64, pl.Float32, pl.Decimal(10, 2)])
def test_numbers_of_every_type(tmp_path: Path, kind: Any) -> None:
    frame = pl.DataFrame({"product": ["gpu"] * 3, "period": PERIODS, "packages": [1, 2, 3]})
    frame.with_columns(
        pl.col("packages").cast(kind), pl.col("product").cast(pl.Categorical)
    ).write_parquet(tmp_path / "plan.parquet")
    read = load(case(tmp_path, named("parquet"), tpu="demand = 0"))
    assert read.products[0].demand.values == (1.0, 2.0, 3.0)


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([True, False, True], "Boolean"),
        ([[1], [2], [3]], "List(Int64)"),
        ([b"1", b"2", b"3"], "Binary"),
    ],
)
def test_types_that_are_no_numbers(tmp_path: Path, cells: list[Any], kind: str) -> None:
    data = {"product": ["gpu"] * 3, "period": PERIODS, "packages": cells}
    pl.DataFrame(data).write_parquet(tmp_path / "plan.parquet")
    (fault,) = told(case(tmp_path, named("parquet")))
    assert (fault.key, fault.message) == ("column packages", f"must hold numbers, not {kind}")


# --- Excel alone


def book(path: Path) -> Any:
    return xlsxwriter.Workbook(path)


def test_sheets_are_named_where_there_are_several(tmp_path: Path) -> None:
    with book(tmp_path / "plan.xlsx") as out:
        out.add_worksheet("Notes")
        sheet = out.add_worksheet("Demand 2026")
        for number, row in enumerate([HEADER, *GOOD]):
            sheet.write_row(number, 0, row)
    wanted = load(case(tmp_path, "", **INLINE))
    assert load(case(tmp_path, named("xlsx", more='sheet = "Demand 2026"'))) == wanted
    (fault,) = faults_of(case(tmp_path, named("xlsx")))
    assert (fault.key, fault.hint) == ("tables[0]", "its sheets: Notes, Demand 2026")
    (fault,) = faults_of(case(tmp_path, named("xlsx", more='sheet = "Demand"')))
    assert (fault.key, fault.message) == ("tables[0].sheet", "no such sheet")
    assert "did you mean 'Demand 2026'?" in fault.hint and "Notes" in fault.hint
    (fault,) = faults_of(case(tmp_path, named("xlsx", more='sheet = "Notes"')))
    assert (fault.key, fault.message) == ("sheet Notes, row 1", "no header")


def test_a_table_that_begins_in_the_middle_of_a_sheet(tmp_path: Path) -> None:
    """A title, an empty column, blank rows: cells are named as Excel names them."""
    with book(tmp_path / "plan.xlsx") as out:
        sheet = out.add_worksheet("Plan")
        sheet.write(1, 1, "Demand plan")
        for number, row in enumerate([HEADER, *GOOD[:3], [], *GOOD[3:]]):
            sheet.write_row(4 + number, 27, row)
    wanted = load(case(tmp_path, "", **INLINE))
    more = "header_row = 5"
    assert load(case(tmp_path, named("xlsx", more=more))) == wanted
    with book(tmp_path / "plan.xlsx") as out:
        sheet = out.add_worksheet("Plan")
        for number, row in enumerate([HEADER, *GOOD[:1], [], ["gpu", "2026Q2", "x"]]):
            sheet.write_row(4 + number, 27, row)
    first, *_ = told(case(tmp_path, named("xlsx", more=more)))
    assert first.key == "sheet Plan, row 8, column AD (packages)"


def test_cells_of_text_booleans_dates_and_errors_are_no_numbers(tmp_path: Path) -> None:
    with book(tmp_path / "plan.xlsx") as out:
        sheet = out.add_worksheet("Plan")
        sheet.write_row(0, 0, HEADER)
        for number, row in enumerate(GOOD, 1):
            sheet.write_row(number, 0, row[:2])
        sheet.write_string(1, 2, "1200")
        sheet.write_boolean(2, 2, True)
        day = out.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_datetime(3, 2, datetime.datetime(2026, 1, 1), day)
        sheet.write_formula(4, 2, "=1/0", None, "#DIV/0!")
        sheet.write_formula(5, 2, '="12"', None, "12")
        sheet.write_formula(6, 2, "=C2+1", None, 1201)
    found = told(case(tmp_path, named("xlsx")))
    assert [fault.key for fault in found] == [place("xlsx", row, "packages") for row in range(2, 7)]
    assert [str(fault.value) for fault in found] == [
        "1200",
        "true",
        "2026-01-01 00:00:00",
        "#DIV/0!",
        "12",
    ]
    assert all("the cell must hold a number" in fault.hint for fault in found)


def test_merged_cells_are_named(tmp_path: Path) -> None:
    with book(tmp_path / "plan.xlsx") as out:
        sheet = out.add_worksheet("Plan")
        sheet.write_row(0, 0, HEADER)
        for number, row in enumerate(GOOD[:3], 1):
            sheet.write_row(number, 1, row[1:])
        sheet.merge_range("A2:A4", "gpu")
    path = case(tmp_path, named("xlsx"))
    below, last, gap = told(path)
    assert (below.key, below.message) == ("sheet Plan, row 3, column A (product)", "is empty")
    assert below.hint.startswith("A2:A4 are merged cells: unmerge them")
    assert last.key == "sheet Plan, row 4, column A (product)"
    assert gap.message == "has no row for 2026Q2, 2026Q3"
    with book(tmp_path / "plan.xlsx") as out:
        sheet = out.add_worksheet("Plan")
        sheet.write(0, 0, "product")
        sheet.merge_range("B1:C1", "period")
        for number, row in enumerate(GOOD, 1):
            sheet.write_row(number, 0, row)
    unnamed, missing = told(path)
    assert unnamed.key == "sheet Plan, row 1, column C"
    assert unnamed.message == "a column without a name holds values"
    assert unnamed.hint.startswith("B1:C1 are merged cells: unmerge them")
    assert (missing.key, missing.message) == ("sheet Plan, row 1", "no such column")


def test_names_that_excel_holds_as_numbers(tmp_path: Path) -> None:
    """Years as periods: a number in the sheet, and the name that it shows."""
    with book(tmp_path / "plan.xlsx") as out:
        sheet = out.add_worksheet("Plan")
        sheet.write_row(0, 0, ["product", 2026, 2027])
        sheet.write_row(1, 0, ["gpu", 5, 6])
    path = case(tmp_path, named("xlsx", more='layout = "wide"'), "capacity = 3", tpu="demand = 0")
    path.write_text(re.sub("periods = .*", 'periods = ["2026", "2027"]', path.read_text()))
    assert load(path).products[0].demand.values == (5.0, 6.0)


def test_a_sheet_that_would_take_minutes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table(tmp_path / "plan.xlsx", HEADER, GOOD)
    path = case(tmp_path, named("xlsx"))
    assert told(path) == ()
    monkeypatch.setattr(workbook, "LARGEST_SHEET", 1000)
    (fault,) = told(path)
    assert (fault.key, fault.message[:9]) == ("sheet Plan", "too large")
    assert "Parquet or CSV" in fault.hint


# --- large tables, and what is loaded when


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_a_million_rows_are_read_and_their_faults_counted(tmp_path: Path, kind: str) -> None:
    """A thousand products over as many periods; then for the small case, which knows none."""
    names = [f"p{at}" for at in range(1000)]
    rows = [[product, period, 1.0] for product in names for period in names]
    if kind == "xlsx":
        with xlsxwriter.Workbook(tmp_path / "plan.xlsx", {"constant_memory": True}) as out:
            sheet = out.add_worksheet("Plan")
            for number, row in enumerate([HEADER, *rows]):
                sheet.write_row(number, 0, row)
    else:
        table(tmp_path / f"plan.{kind}", HEADER, rows)
    large = tmp_path / "large.toml"
    products = "".join(f'[[products]]\nname = "{name}"\n' for name in names)
    large.write_text(f"periods = {names}\n{named(kind)}{products}")
    document = with_tables(open_document(large, "toml"))
    assert document.faults == ()
    assert all(product["demand"] == [1.0] * 1000 for product in document.data["products"])
    found = told(case(tmp_path, named(kind)))
    assert len(found) == LISTED + 1
    assert found[-1].message == f"{1_000_000 - LISTED:,} more faults of this table are not listed"


def test_polars_is_loaded_only_for_tables_that_need_it(tmp_path: Path) -> None:
    table(tmp_path / "plan.csv", HEADER, GOOD)
    for path in ("minimal", str(case(tmp_path, named("csv")))):
        code = f"import sys, yieldopt; yieldopt.load({path!r})\n"
        code += "print('polars' in sys.modules, 'fastexcel' in sys.modules)"
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == "False False"


def test_a_copy_of_the_case_elsewhere_does_not_find_its_tables(tmp_path: Path) -> None:
    table(tmp_path / "plan.csv", HEADER, GOOD)
    path = case(tmp_path, named("csv"))
    (tmp_path / "away").mkdir()
    moved = shutil.copy(path, tmp_path / "away")
    assert faults_of(Path(moved))[0].message == "no such file, seen from the case"
