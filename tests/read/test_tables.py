"""Tables that a case names: the same case as with numbers of its own; every fault at its cell.

Each fault is made in CSV, Parquet and Excel alike, and must be told with the file, the sheet, the
row and the column as the planner sees them. The column of a Parquet file has one type, so text
among its numbers is a fault of the column.
"""

from __future__ import annotations

import csv
import random
import re
from pathlib import Path
from typing import Any

import pytest

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
from yieldopt.data import bundled_cases
from yieldopt.read import load
from yieldopt.read.tables.source import LISTED
from yieldopt.schema.tables import GIVES


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
    path = case(tmp_path, named("csv"), tpu="demand = 0")
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
@pytest.mark.parametrize("what", ["demand", "capacity", "price", "shortage"])
def test_an_empty_table(tmp_path: Path, kind: str, what: str) -> None:
    """Nothing is 0 because a table is silent."""
    header = {"demand": HEADER, "capacity": ["resource", "period", "capacity"]}
    table(tmp_path / f"plan.{kind}", header.get(what, ["product", GIVES[what][2]]), [])
    own = "" if what == "capacity" else "capacity = 1"
    (fault,) = faults_of(case(tmp_path, named(kind, what), own))
    assert (fault.file, fault.key) == (str(tmp_path / f"plan.{kind}"), place(kind, None))
    assert fault.message == "has no rows: it gives nothing"
    table(tmp_path / f"plan.{kind}", [], [])
    messages = {fault.message for fault in told(case(tmp_path, named(kind)))}
    assert messages == ({"no such column"} if kind == "parquet" else {"no header"})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layout", ["long", "wide"])
def test_a_product_without_a_row_is_a_fault(tmp_path: Path, kind: str, layout: str) -> None:
    """Its demand is not taken for 0: that is written, in the table or in the case."""
    header, rows = (HEADER, GOOD) if layout == "long" else (["product", *PERIODS], WIDE)
    rows = [row for row in rows if row[0] == "gpu"]
    table(tmp_path / f"plan.{kind}", header, rows)
    tables = named(kind, more=f'layout = "{layout}"')
    (fault,) = faults_of(case(tmp_path, tables))
    assert (fault.file, fault.key) == (str(tmp_path / f"plan.{kind}"), place(kind, None))
    assert fault.message == "has no row of a product: its demand is not known"
    assert fault.value == "tpu"
    assert "write 0 in 2026Q1, 2026Q2, 2026Q3" in fault.hint
    read = load(case(tmp_path, tables, tpu="demand = 0"))
    assert read.products[1].demand.over(3) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_resource_without_a_row_is_a_fault_of_the_table(tmp_path: Path, kind: str) -> None:
    rows = [["hbm.hbm3e_8h", period, 7] for period in PERIODS]
    table(tmp_path / f"plan.{kind}", ["resource", "period", "capacity"], rows)
    path = case(tmp_path, named(kind, "capacity"), "")
    assert load(path).resources[0].capacity.over(3) == (7.0, 7.0, 7.0)
    more = '[[resources]]\nname = "interposer.cowos_s"\nsource = "assumed: a test"\n'
    path.write_text(path.read_text().replace("[[resources]]", f"{more}\n[[resources]]"))
    (fault,) = faults_of(path)
    assert (fault.file, fault.key) == (str(tmp_path / f"plan.{kind}"), place(kind, None))
    assert fault.message == "has no row of a resource: its capacity is not known"
    assert fault.value == "interposer.cowos_s"


def test_rows_may_be_shared_out_over_tables(tmp_path: Path) -> None:
    """A product is missing where none of them has it."""
    both = case(tmp_path, named("csv") + named("parquet"))
    for kind, name in (("csv", "gpu"), ("parquet", "tpu")):
        table(tmp_path / f"plan.{kind}", HEADER, [row for row in GOOD if row[0] == name])
    assert load(both) == load(case(tmp_path, "", **INLINE))
    (fault,) = faults_of(case(tmp_path, named("csv")))
    assert (fault.file, fault.value) == (str(tmp_path / "plan.csv"), "tpu")


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
