"""Tables that a case names: the same case as with numbers of its own; every fault at its cell.

Each fault is made in CSV, Parquet and Excel alike, and must be told with the file, the sheet, the
row and the column as the planner sees them. The column of a Parquet file has one type, so text
among its numbers is a fault of the column.
"""

from __future__ import annotations

import csv
import datetime
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import xlsxwriter

from yieldopt.data import bundled_cases
from yieldopt.errors import CaseError, Fault
from yieldopt.read import load
from yieldopt.read.documents import open_document
from yieldopt.read.tables import workbook
from yieldopt.read.tables.merge import with_tables
from yieldopt.read.tables.source import LISTED

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


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layout", ["long", "wide"])
def test_demand_of_a_table_is_as_if_it_stood_in_the_case(
    tmp_path: Path, kind: str, layout: str
) -> None:
    wanted = load(case(tmp_path, "", **INLINE))
    header, rows = (HEADER, GOOD) if layout == "long" else (["product", *PERIODS], WIDE)
    table(tmp_path / f"plan.{kind}", header, rows)
    assert load(case(tmp_path, named(kind, more=f'layout = "{layout}"'))) == wanted


@pytest.mark.parametrize("kind", KINDS)
def test_capacity_and_prices_of_tables(tmp_path: Path, kind: str) -> None:
    own = "price_usd = 9e4\nshortage_cost_usd = 5e4", "price_usd = 100"
    wanted = load(case(tmp_path, "", "capacity = [7, 8, 9]", *own))
    rows = [["hbm.hbm3e_8h", p, 7 + at, "stacks"] for at, p in enumerate(PERIODS)]
    table(tmp_path / f"plan.{kind}", ["resource", "period", "capacity", "unit"], rows)
    table(tmp_path / f"price.{kind}", ["product", "price_usd"], [["gpu", 9e4], ["tpu", 100]])
    table(tmp_path / f"short.{kind}", ["product", "shortage_cost_usd"], [["gpu", 5e4]])
    tables = named(kind, "capacity")
    tables += named(kind, "price", 'unit = "USD"').replace("plan.", "price.")
    tables += named(kind, "shortage").replace("plan.", "short.")
    assert load(case(tmp_path, tables, "")) == wanted


def test_the_bundled_case_is_as_its_tables_say() -> None:
    read = load("plan_from_tables")
    folder = bundled_cases()["plan_from_tables"].parent / "plan_tables"
    found = csv.DictReader((folder / "demand.csv").read_text().splitlines())
    written = [(row["product"], row["period"], float(row["packages"])) for row in found]
    loaded = [
        (product.name, period, packages)
        for product in read.products
        for period, packages in zip(read.periods, product.demand.over(4), strict=True)
    ]
    assert loaded == written
    capacity = (folder / "capacity.csv").read_text().splitlines()[1:]
    rows = [[r.name, r.unit, *r.capacity.over(4)] for r in read.resources]
    assert rows == [[*line[:2], *map(float, line[2:6])] for line in csv.reader(capacity)]
    assert [float(p.shortage_cost_usd or 0) for p in read.products] == [15000.0, 22000.0]


@pytest.mark.parametrize("kind", KINDS)
def test_columns_of_other_names_and_columns_left_out(tmp_path: Path, kind: str) -> None:
    wanted = load(case(tmp_path, "", **INLINE))
    header = ["note", "SKU", "Quarter", "Good packages"]
    table(tmp_path / f"plan.{kind}", header, [["x", *row] for row in GOOD])
    more = 'ignore = ["note"]\n'
    more += 'columns = {product = "SKU", period = "Quarter", packages = "Good packages"}'
    assert load(case(tmp_path, named(kind, more=more))) == wanted


def test_changes_go_over_the_numbers_of_tables(tmp_path: Path) -> None:
    table(tmp_path / "plan.csv", HEADER, GOOD)
    path = case(tmp_path, named("csv"))
    assert load(path, {"products.gpu.demand": 4}).products[0].demand.each == 4.0
    assert load(path, {"products.gpu.dppm_limit": 900}).products[0].demand.values == (10.5, 20, 0)


def test_a_case_of_one_period_needs_no_column_of_periods(tmp_path: Path) -> None:
    table(tmp_path / "plan.csv", ["product", "packages"], [["gpu", 5]])
    path = case(tmp_path, named("csv"))
    path.write_text(re.sub("periods = .*", "", path.read_text()))
    assert load(path).products[0].demand.over(1) == (5.0,)


# (row and column spoilt, cell put there, column of the fault, message, value, hint)
CELLS = [
    (2, 2, -1.0, "packages", "must be at least 0", -1.0, ""),
    (2, 2, 2e12, "packages", "must be at most 1e+12", 2e12, ""),
    (2, 2, None, "packages", "is empty", None, "write 0 where there is none"),
    (2, 0, None, "product", "is empty", None, "write 0 where there is none"),
    (2, 1, None, "period", "is empty", None, "write 0 where there is none"),
    (2, 0, "gpo", "product", "unknown product", "gpo", "did you mean 'gpu'?"),
    (2, 1, "2026Q5", "period", "unknown period", "2026Q5", "did you mean '2026Q3'?"),
    (2, 1, "2026Q1", "", "duplicate: row 2 has it already", ("gpu", "2026Q1"), ""),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("spoilt", CELLS, ids=[f"{c[3]}-{c[4]}-{c[2]}" for c in CELLS])
def test_a_spoilt_cell_is_named(tmp_path: Path, kind: str, spoilt: tuple[Any, ...]) -> None:
    row, at, cell, column, message, value, hint = spoilt
    rows = [list(line) for line in GOOD]
    rows[row - 1][at] = cell
    table(tmp_path / f"plan.{kind}", HEADER, rows)
    first, *others = told(case(tmp_path, named(kind)))
    assert first.file == str(tmp_path / f"plan.{kind}")
    assert first.key == place(kind, row + 1, column)
    assert first.line == (row + 1 if kind == "csv" else 0)
    if kind == "parquet":
        message = message.replace("row 2", "row 1")
    assert (first.message, first.value) == (message, value)
    assert hint in first.hint
    # Where another product or row is meant, the place that it left is empty.
    assert all("has no row for 2026Q" in fault.message for fault in others)
    assert len(others) == (cell in ("gpo", "2026Q1") or (at == 0 and cell is None))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ["12k", "1,200", "1_200", "", "n/a", "nan", "١٢", "0x10", "$5"])
def test_text_is_no_number(tmp_path: Path, kind: str, text: str) -> None:
    rows = [list(line) for line in GOOD]
    rows[1][2] = text
    if kind == "parquet":
        rows = [[*line[:2], str(line[2])] for line in rows]
    table(tmp_path / f"plan.{kind}", HEADER, rows)
    (fault,) = told(case(tmp_path, named(kind)))
    if kind == "parquet":
        assert fault.key == place(kind, None, "packages")
        assert fault.message == "must hold numbers, not String"
    else:
        assert fault.key == place(kind, 3, "packages")
        assert fault.message == ("must be a number" if text else "is empty")
        assert fault.value == (text or None)


@pytest.mark.parametrize("kind", KINDS)
def test_neither_nan_nor_infinity_is_taken(tmp_path: Path, kind: str) -> None:
    for cell in (float("nan"), float("inf")):
        rows = [list(line) for line in GOOD]
        rows[1][2] = cell
        table(tmp_path / f"plan.{kind}", HEADER, rows)
        (fault,) = told(case(tmp_path, named(kind)))
        assert fault.key == place(kind, 3, "packages")
        words = {"csv": "must be a number", "parquet": "must be finite", "xlsx": "must be a number"}
        assert fault.message == words[kind]
        assert kind != "xlsx" or fault.value in ("#NUM!", "#DIV/0!")


@pytest.mark.parametrize("kind", KINDS)
def test_faults_of_the_header(tmp_path: Path, kind: str) -> None:
    rows = [[*row, "packages"] for row in GOOD]
    table(tmp_path / f"plan.{kind}", ["product", "periode", "packages", "Unit"], rows)
    found = told(case(tmp_path, named(kind)))
    hints = {(f.key, f.message, f.value): f.hint for f in found}
    header = ["product", "periode", "packages", "Unit"]
    assert set(hints) == {
        (place(kind, 1, "periode", header), "unknown column", "periode"),
        (place(kind, 1, "Unit", header), "unknown column", "Unit"),
        (place(kind, 1), "no such column", "period"),
    }
    assert hints[place(kind, 1), "no such column", "period"] == "did you mean 'periode'?"


@pytest.mark.parametrize("kind", KINDS)
def test_periods_of_a_wide_table(tmp_path: Path, kind: str) -> None:
    header = ["product", "2026Q1", "2026Q2", "2027Q3"]
    table(tmp_path / f"plan.{kind}", header, WIDE)
    extra, missing = told(case(tmp_path, named(kind, more='layout = "wide"')))
    assert (extra.key, extra.message) == (place(kind, 1, "2027Q3", header), "unknown column")
    assert "did you mean '2026Q3'?" in extra.hint
    assert (missing.key, missing.value) == (place(kind, 1), "2026Q3")


@pytest.mark.parametrize("kind", KINDS)
def test_a_wide_table_names_row_and_period(tmp_path: Path, kind: str) -> None:
    header = ["product", *PERIODS]
    rows = [["gpu", 1.0, -2.0, 3.0], ["gpu", 1.0, 2.0, 3.0]]
    table(tmp_path / f"plan.{kind}", header, rows)
    negative, twice = told(case(tmp_path, named(kind, more='layout = "wide"')))
    assert negative.key == place(kind, 2, "2026Q2", header)
    assert twice.key == place(kind, 3, "product", header)
    assert "duplicate" in twice.message


@pytest.mark.parametrize("kind", KINDS)
def test_units_must_be_those_of_the_case(tmp_path: Path, kind: str) -> None:
    header = ["resource", "period", "capacity", "unit"]
    rows: list[list[Any]] = [["hbm.hbm3e_8h", p, 7.0, "stacks"] for p in PERIODS]
    rows[1][3] = "wafers"
    table(tmp_path / f"plan.{kind}", header, rows)
    (fault,) = told(case(tmp_path, named(kind, "capacity"), ""))
    assert (fault.key, fault.message) == (place(kind, 3, "unit", header), "unit mismatch")
    assert (fault.value, fault.hint) == ("wafers", "hbm.hbm3e_8h is in stacks")
    table(tmp_path / f"plan.{kind}", header[:3], [row[:3] for row in rows])
    tables = named(kind, "capacity", 'unit = "wafers"')
    (fault,) = told(case(tmp_path, tables, ""))
    assert (fault.key, fault.message, fault.value) == (place(kind, 2), "unit mismatch", "wafers")
    table(tmp_path / f"plan.{kind}", HEADER, GOOD)
    found = told(case(tmp_path, named(kind, more='unit = "kpackages"')))
    assert [fault.hint for fault in found] == ["gpu is in packages", "tpu is in packages"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_number_given_twice_is_a_fault(tmp_path: Path, kind: str) -> None:
    table(tmp_path / f"plan.{kind}", HEADER, GOOD)
    path = case(tmp_path, named(kind) * 2, tpu="demand = 5")
    own, *twice = faults_of(path)
    assert (own.file, own.key) == (str(path), "products[1].demand")
    assert own.message == "given here and by a table"
    assert [fault.message.partition(" by ")[0] for fault in twice] == [
        "the demand of gpu is given",
        "the demand of tpu is given",
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_many_faults_are_counted_and_told_with_those_of_the_case(tmp_path: Path, kind: str) -> None:
    rows = [["gpx", "2026Q1", float(at)] for at in range(1000)]
    table(tmp_path / f"plan.{kind}", HEADER, rows)
    found = faults_of(case(tmp_path, named(kind), "capacity = -1", "dpm = 3"))
    tabled = [fault for fault in found if "plan." in fault.file]
    assert len(tabled) == LISTED + 1
    assert tabled[-1].message == f"{1000 - LISTED} more faults of this table are not listed"
    assert {f.key for f in found} >= {"products[0].dpm", "resources[0].capacity"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_broken_table_is_not_called_missing_as_well(tmp_path: Path, kind: str) -> None:
    (tmp_path / f"plan.{kind}").write_bytes(b"\xff\xfe nothing of the kind")
    (fault,) = faults_of(case(tmp_path, named(kind, "capacity"), ""))
    words = {"csv": "not UTF-8 text", "parquet": "not a Parquet file", "xlsx": "not a workbook"}
    assert fault.message.startswith(words[kind])
    assert fault.file.endswith(f"plan.{kind}")


@pytest.mark.parametrize("kind", KINDS)
def test_no_such_file(tmp_path: Path, kind: str) -> None:
    table(tmp_path / f"plans.{kind}", HEADER, GOOD)
    path = case(tmp_path, named(kind))
    (fault,) = faults_of(path)
    assert (fault.file, fault.key) == (str(path), "tables[0].file")
    assert (fault.message, fault.value) == ("no such file, seen from the case", f"plan.{kind}")
    assert fault.hint == f"did you mean 'plans.{kind}'?"
    (tmp_path / f"plan.{kind}").mkdir()
    assert faults_of(path)[0].message == "is a directory, not a file"


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_table(tmp_path: Path, kind: str) -> None:
    table(tmp_path / f"plan.{kind}", HEADER, [])
    assert load(case(tmp_path, named(kind))) == load(case(tmp_path, ""))
    table(tmp_path / f"plan.{kind}", [], [])
    messages = {fault.message for fault in told(case(tmp_path, named(kind)))}
    assert messages == ({"no such column"} if kind == "parquet" else {"no header"})


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_else_is_raised_for_damaged_files(tmp_path: Path, kind: str) -> None:
    """Bytes changed and cut: the table is read or has faults."""
    whole = table(tmp_path / f"plan.{kind}", HEADER, GOOD).read_bytes()
    path, chance = case(tmp_path, named(kind)), random.Random(7)
    for _ in range(1000):
        data = bytearray(whole)
        for _ in range(chance.choice([1, 1, 5])):
            data[chance.randrange(len(data))] = chance.randrange(256)
        cut = chance.choice([len(data), chance.randrange(len(data))])
        (tmp_path / f"plan.{kind}").write_bytes(data[:cut])
        told(path)


SHAPES = [
    ("csv", 'sheet = "Plan"', "tables[0].sheet", "goes with a workbook"),
    ("xlsx", 'separator = ";"', "tables[0].separator", "goes with a CSV file"),
    ("parquet", "header_row = 2", "tables[0].header_row", "a Parquet file has its names"),
    ("csv", "header_row = 0", "tables[0].header_row", "must be at least 1"),
    ("csv", 'layout = "square"', "tables[0].layout", "must be one of"),
    ("csv", 'colums = {product = "SKU"}', "tables[0].colums", "unknown key"),
    ("csv", 'columns = {produkt = "SKU"}', "tables[0].columns.produkt", "unknown column"),
    ("txt", "", "tables[0].file", "not a kind of table"),
]


@pytest.mark.parametrize(("kind", "line", "key", "message"), SHAPES)
def test_what_a_case_says_of_a_table_is_checked(
    tmp_path: Path, kind: str, line: str, key: str, message: str
) -> None:
    path = case(tmp_path, named(kind, more=line))
    (fault,) = faults_of(path)
    assert (fault.file, fault.key) == (str(path), key)
    assert message in fault.message
    wanted = next(i for i, text in enumerate(path.read_text().splitlines(), 1) if line in text)
    assert fault.line == wanted or not line


def test_a_price_has_no_period(tmp_path: Path) -> None:
    (fault,) = faults_of(case(tmp_path, named("csv", "price", 'layout = "wide"')))
    assert (fault.key, fault.message[:9]) == ("tables[0].layout", "wide goes")


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
    assert load(case(tmp_path, named("parquet"))).products[0].demand.values == (1.0, 2.0, 3.0)


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
    path = case(tmp_path, named("xlsx", more='layout = "wide"'), "capacity = 3")
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
