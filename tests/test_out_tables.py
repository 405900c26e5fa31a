"""``--out``: Parquet and the Excel workbook hold the numbers of result.json, typed and formatted.

Parquet and CSV hold doubles exactly. xlsxwriter writes 16 significant digits, so a number read back
from a workbook is within 1e-15 of itself.
"""

from __future__ import annotations

import csv
import json
import re
import zipfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import fastexcel
import polars as pl
import pytest

from tests.test_cli import run, scarce, strict
from yieldopt.optimize.coverage import Proof
from yieldopt.plan import ProductResult, Recipe, Result, Status
from yieldopt.report import files, workbook
from yieldopt.report.cells import FORMATS, MAX_UNITS, WHOLE_USD
from yieldopt.report.frames import COLUMNS, TABLES, Kind, tables, to_pandas, to_polars
from yieldopt.report.workbook import write_workbook
from yieldopt.solving import Solved

EXACT = 1e-15  # of 16 significant digits
DTYPES = {Kind.TEXT: pl.String, Kind.FLAG: pl.Boolean}
EVIL = ['=HYPERLINK("http://x","y")', "+1+1", "-1", "@SUM(A1)", "{=1}", "http://x.org", "007",
        " a ", "<r>&b</r>", "a\tb\nc", "<&>", "'quoted", "µ-bump ☃"]  # fmt: skip
EMPTY = Result(Status.INFEASIBLE, None, None, None, "highs", 0.5, (), binding=("a: too large",))


def recipe(name: str, product: str = "gpu", route: str = "cowos_l") -> Recipe:
    proof = Proof("enumeration", 12, 12, 0, 4000.1)
    waterfall, uses = {"die": 3000.1, "test": 1000.0}, {"interposer": 1.0 / 14.0}
    money = (4000.1, 480.0, 0.99952, waterfall)
    return Recipe(name, product, route, {"gpu/cp": "p93"}, *money, uses, proof, "north")


def planned(name: str = "gpu") -> Result:
    """A plan with a row of every table; the second product is made in the first period alone."""
    held = {"product": name, "period": "Q2", "packages": 1234567.0 / 7.0}
    rows = [("r1", "Q2", 700.25), ("r1", "Q3", 100.0 / 3.0), ("r2", "Q1", 5.0)]
    return Result(
        Status.FEASIBLE, 1.0e9 / 3.0, 3.3e8, 0.01, "highs", 0.5,
        (ProductResult(name, 4000.1, 480.0, 1000.0, 733.5, 266.5, None, ()),
         ProductResult("io", None, None, 9.0, 0.0, 9.0, None, ())),
        tuple(recipe(n, name) for n in ("r1", "r2")),
        tuple({"recipe": r, "product": name, "route": "cowos_l", "line": "north", "period": p,
               "packages": n} for r, p, n in rows),
        (held,),
        ({"resource": "interposer", "period": "Q1", "used": 9000.5, "capacity": 9001.0},),
        ({"resource": "interposer", "period": "Q1", "usd_per_unit": 5200.0 / 7.0},),
        stock=(held,), late=(held,), periods=("Q1", "Q2", "Q3", "Q4"),
        decisions=({"kind": "expansion", "name": name, "product": None, "period": "Q1",
                    "amount": 2.0, "cost_usd": 1.0e8},),
    )  # fmt: skip


def written(result: Result, path: Path) -> Path:
    write_workbook(result, tables(result), path)
    return path


def sheet(path: Path, name: str) -> list[list[Any]]:
    """Every cell, the header too: numbers as doubles, the rest as text.

    Both are read, for as text fastexcel rounds numbers to nine digits after the point.
    """
    book = fastexcel.read_excel(path)
    texts, numbers = (
        book.load_sheet(name, header_row=None, dtypes=kind).to_polars().rows()
        for kind in ("string", "float")
    )
    return [
        [text if number is None else number for text, number in zip(*pair, strict=True)]
        for pair in zip(texts, numbers, strict=True)
    ]


def same(cell: Any, value: Any, kind: Kind) -> bool:
    if value is None or value == "":
        return cell in (None, "")
    if kind in DTYPES:
        return type(cell) is type(value) and bool(cell == value)
    return isinstance(cell, float) and cell == pytest.approx(value, rel=EXACT, abs=0.0)


def check_sheet(path: Path, name: str, rows: list[dict[str, Any]]) -> None:
    """Read with the types that the columns have."""
    columns = TABLES[name].columns
    types = {Kind.TEXT: "string", Kind.FLAG: "boolean"}
    dtypes: Any = {column: types.get(kind, "float") for column, kind in columns.items()}
    read = fastexcel.read_excel(path).load_sheet(name, dtypes=dtypes).to_polars()
    assert tuple(read.columns) == COLUMNS[name]
    assert len(read) == len(rows)
    for cells, row in zip(read.rows(), rows, strict=True):
        for cell, (column, kind) in zip(cells, columns.items(), strict=True):
            assert same(cell, row[column], kind), (name, column, cell, row[column])


def parts(path: Path) -> dict[str, str]:
    """The XML of every sheet by its name."""
    with zipfile.ZipFile(path) as held:
        names = re.findall(r'<sheet name="([^"]+)"', held.read("xl/workbook.xml").decode())
        return {name: held.read(f"xl/worksheets/sheet{at}.xml").decode()
                for at, name in enumerate(names, 1)}  # fmt: skip


def formats(path: Path) -> list[str]:
    """The number format of every style, by index."""
    with zipfile.ZipFile(path) as held:
        xml = held.read("xl/styles.xml").decode()
    named = dict(re.findall(r'<numFmt numFmtId="(\d+)" formatCode="([^"]*)"', xml))
    named |= {"0": "General", "3": "#,##0", "4": "#,##0.00"}  # built into Excel
    cells = xml[xml.index("<cellXfs") : xml.index("</cellXfs>")]
    return [named[number] for number in re.findall(r'<xf numFmtId="(\d+)"', cells)]


def style(xml: str, cell: str) -> int:
    found = re.search(rf'<c r="{cell}"(?: s="(\d+)")?', xml)
    assert found is not None, cell
    return int(found[1] or 0)


def test_every_file_holds_the_numbers_of_result_json(tmp_path: Path) -> None:
    """What the command writes, against the rows that the contract's JSON has."""
    out = tmp_path / "out"
    run("solve", scarce(tmp_path), "--out", out)
    data = strict((out / "result.json").read_text())
    assert data["allocation"]
    rows: dict[str, list[dict[str, Any]]] = {
        name: data[name]
        for name in ("allocation", "unmet", "resource_use", "shadow_prices", "stock", "late",
                     "decisions", "costs", "starts")
    }  # fmt: skip
    products = data["products"]
    rows["products"] = [{"product": p["name"], **p} for p in products]
    rows["routes"] = [{"product": p["name"], **v, "reasons": "; ".join(v["reasons"])}
                      for p in products for v in p["routes"]]  # fmt: skip
    rows["recipes"] = [{"recipe": r["id"], **r, "line": r["line"] or None} for r in data["recipes"]]
    rows["allocation"] = [{"line": None, **row} for row in data["allocation"]]
    for name, key, columns in (("levels", "levels", ("insertion", "level")),
                               ("waterfall", "waterfall_usd", ("category", "usd_per_good")),
                               ("uses", "uses_per_good", ("resource", "per_good"))):  # fmt: skip
        rows[name] = [{"recipe": r["id"], columns[0]: k, columns[1]: v}
                      for r in data["recipes"] for k, v in r[key].items()]  # fmt: skip
    assert rows.keys() == TABLES.keys()
    for name, table in TABLES.items():
        wanted = [{column: row[column] for column in COLUMNS[name]} for row in rows[name]]
        frame = pl.read_parquet(out / f"{name}.parquet")
        assert frame.to_dicts() == wanted, name
        assert frame.dtypes == [DTYPES.get(kind, pl.Float64) for kind in table.columns.values()]
        with (out / f"{name}.csv").open(newline="") as handle:
            assert len(list(csv.DictReader(handle))) == len(wanted)
        check_sheet(out / "plan.xlsx", name, wanted)
    summary = {row[0]: row[1] for row in sheet(out / "plan.xlsx", "Summary")}
    assert summary["status"] == data["status"]
    for key in ("objective_usd", "bound_usd", "runtime_s"):
        assert same(summary[key], data[key], Kind.USD), key
    assert not list(out.glob(".*"))


def test_summary(tmp_path: Path) -> None:
    result = planned()
    rows = sheet(written(result, tmp_path / "a.xlsx"), "Summary")
    facts = {row[0]: row[1] for row in rows}
    money = facts["cost_per_good_usd, packages alone"]
    assert same(money, 4000.1, Kind.USD)  # the other product makes nothing
    for key, value in (("demand", 1009.0), ("made", 733.5), ("unmet", 275.5), ("gap", 0.01)):
        assert same(facts[key], value, Kind.PACKAGES), key
    at = next(i for i, row in enumerate(rows) if row[0] == "product")
    assert tuple(rows[at]) == COLUMNS["products"]
    for cells, wanted in zip(rows[at + 1 :], tables(result)["products"], strict=True):
        for cell, value in zip(cells, wanted.values(), strict=True):
            kind = Kind.TEXT if isinstance(value, str) else Kind.PACKAGES
            assert same(cell, value, kind)
    xml = parts(tmp_path / "a.xlsx")["Summary"]
    styles = formats(tmp_path / "a.xlsx")
    assert styles[style(xml, "B2")] == WHOLE_USD  # of 333 million: no cents
    assert styles[style(xml, "B5")] == FORMATS[Kind.USD]


def test_overall_is_the_mean_over_packages() -> None:
    products = [ProductResult(n, c, 1.0, 10.0, m, 10.0 - m, None, ())
                for n, c, m in (("a", 100.0, 9.0), ("b", 300.0, 1.0))]  # fmt: skip
    total = replace(planned(), products=tuple(products)).overall()
    assert total == {"demand": 20.0, "made": 10.0, "unmet": 10.0, "cost_per_good_usd": 120.0}
    assert EMPTY.overall()["cost_per_good_usd"] is None


def test_an_infeasible_answer_says_what_binds(tmp_path: Path) -> None:
    rows = sheet(written(EMPTY, tmp_path / "a.xlsx"), "Summary")
    assert ["binding", "a: too large"] in [row[:2] for row in rows]
    assert ["status", "infeasible"] in [row[:2] for row in rows]


def test_kinds_follow_the_names_of_columns() -> None:
    for name, table in TABLES.items():
        for column, kind in table.columns.items():
            assert (kind is Kind.USD) == ("usd" in column), (name, column)
            if column.endswith("_frac") or column == "quality":
                assert kind is Kind.FRACTION
            assert (kind is Kind.PACKAGES) == (column in ("packages", "demand", "made", "unmet"))
        assert len(f"{name} by period (99)") <= 31


def test_sheets_are_formatted(tmp_path: Path) -> None:
    """By the file's own XML: frozen header, filters over all rows, number formats, widths."""
    path = written(planned(), tmp_path / "a.xlsx")
    xml, styles = parts(path), formats(path)
    assert next(iter(xml)) == "Summary"
    assert set(xml) == {"Summary", "allocation by period", *TABLES}
    rows = tables(planned())
    for name, table in TABLES.items():
        text = xml[name]
        assert '<pane ySplit="1" topLeftCell="A2"' in text
        last = chr(ord("A") + len(table.columns) - 1)
        span = f"A1:{last}{len(rows[name]) + 1}"
        assert f'<autoFilter ref="{span}"' in text
        widths = re.findall(r'<col min="\d+" max="\d+" width="([\d.]+)"', text)
        assert all(float(width) >= 10 for width in widths)
        wanted = [FORMATS.get(kind, "General") for kind in table.columns.values()]
        if name == "routes":
            wanted[2] = '"TRUE";"TRUE";"FALSE"'.replace('"', "&quot;")
        if name == "decisions":  # of 100 million
            wanted[-1] = WHOLE_USD
        column_tag = r'<col min="(\d+)" max="(\d+)" width="[\d.]+"(?: style="(\d+)")?'
        kept = [styles[int(number or 0)] for low, high, number in re.findall(column_tag, text)
                for _ in range(int(low), int(high) + 1)]  # fmt: skip
        assert kept == wanted  # of empty cells too
        for at, (column, form) in enumerate(zip(table.columns, wanted, strict=True)):
            if rows[name] and rows[name][0][column] is not None:
                assert styles[style(text, f"{chr(ord('A') + at)}2")] == form, (name, column)
    assert FORMATS[Kind.USD].startswith("$")
    assert FORMATS[Kind.FRACTION].endswith("%")
    assert FORMATS[Kind.PACKAGES] == "#,##0"


def test_periods_stand_across_in_the_order_of_the_case(tmp_path: Path) -> None:
    rows = sheet(written(planned(), tmp_path / "a.xlsx"), "allocation by period")
    assert rows[0] == ["recipe", "product", "route", "line", "Q1", "Q2", "Q3", "Q4"]
    first, second = (row[4:] for row in rows[1:])
    assert first == [None, 700.25, pytest.approx(100.0 / 3.0, rel=EXACT, abs=0.0), None]
    assert second == [5.0, None, None, None]
    assert [row[:4] for row in rows[1:]] == [[n, "gpu", "cowos_l", "north"] for n in ("r1", "r2")]


def test_two_rows_of_one_recipe_and_period_are_a_bug() -> None:
    twice = replace(planned(), allocation=planned().allocation[:1] * 2)
    with pytest.raises(ValueError, match="a second row"):
        workbook.across(TABLES["allocation"], tables(twice)["allocation"], ["Q1", "Q2"])


def test_empty_tables_keep_their_types(tmp_path: Path) -> None:
    for name, frame in to_polars(EMPTY).items():
        frame.write_parquet(tmp_path / name)
        back = pl.read_parquet(tmp_path / name)
        kinds = TABLES[name].columns
        assert back.schema == {c: DTYPES.get(kind, pl.Float64) for c, kind in kinds.items()}
        assert back.is_empty()
        pandas = to_pandas(EMPTY)[name]
        numbers = [c for c, kind in kinds.items() if kind not in (Kind.TEXT, Kind.FLAG)]
        assert all(pandas[column].dtype == "float64" for column in numbers)
    path = written(EMPTY, tmp_path / "a.xlsx")
    for name in TABLES:
        check_sheet(path, name, [])


def test_a_column_without_any_value_is_typed() -> None:
    """A plan in which no product is made: costs are None in every row."""
    product = replace(planned().products[1], name="io")
    frame = to_polars(replace(planned(), products=(product,)))["products"]
    assert frame.schema["dppm"] == pl.Float64
    assert frame["dppm"].to_list() == [None]


def test_the_new_tables_are_in_the_contract() -> None:
    data = planned().to_dict()
    again = json.loads(json.dumps(data))
    assert all(again[name] == data[name] for name in ("stock", "late", "decisions", "periods"))
    for name in ("stock", "late"):
        assert data[name] == [{"product": "gpu", "period": "Q2", "packages": 1234567.0 / 7.0}]
    assert data["decisions"][0]["cost_usd"] == 1.0e8
    assert data["periods"] == ["Q1", "Q2", "Q3", "Q4"]
    assert EMPTY.to_dict()["decisions"] == []


@pytest.mark.parametrize("change", [{"more": 1.0}, {"packages": 1.0}])
def test_a_row_with_other_keys_is_refused(change: dict[str, float]) -> None:
    """Lest a column is lost in silence when a table grows."""
    bad = {"product": "gpu", "period": "Q1", **change}
    bad = bad if "packages" in change else bad | {"packages": 1.0}
    bad.pop("period") if "packages" in change else None
    with pytest.raises(ValueError, match="a row of stock has"):
        tables(replace(EMPTY, stock=(bad,)))


def test_text_is_text(tmp_path: Path) -> None:
    """No formula, link or number comes of a name, and every name comes back as it was."""
    recipes = tuple(recipe(name, "p", "r") for name in EVIL)
    path = written(replace(planned(EVIL[0]), recipes=recipes), tmp_path / "a.xlsx")
    book = fastexcel.read_excel(path)
    assert book.load_sheet("recipes").to_polars()["recipe"].to_list() == EVIL
    assert book.load_sheet("decisions").to_polars()["name"].to_list() == EVIL[:1]
    for at in range(2, len(EVIL) + 2):
        assert re.search(f'<c r="A{at}"( s="[0-9]+")? t="inlineStr"><is><', parts(path)["recipes"])
    for name, xml in parts(path).items():
        assert "<f>" not in xml, name
        assert "<hyperlink" not in xml, name


def test_no_text_of_a_csv_begins_like_a_formula(tmp_path: Path) -> None:
    names = [*EVIL, "\t=1", "\r=1", "gpu-1"]
    result = replace(planned(), recipes=tuple(recipe(name, "p", "r") for name in names))
    files.write_all(Solved(result, None), tmp_path / "out", protected=tmp_path / "case.toml")
    with (tmp_path / "out" / "recipes.csv").open(newline="") as handle:
        found = [row["recipe"] for row in csv.DictReader(handle)]
    told = [
        name if found_ == name else f"'{name}" for name, found_ in zip(names, found, strict=True)
    ]
    assert found == told
    assert not any(name[0] in "=+-@\t\r" for name in found)
    assert [n for n, f in zip(names, found, strict=True) if n == f] == [*EVIL[4:], "gpu-1"]
    exact = pl.read_parquet(tmp_path / "out" / "recipes.parquet")["recipe"].to_list()
    assert exact == names


def test_text_longer_than_a_cell_is_cut_and_says_so(tmp_path: Path) -> None:
    long = "☃𝄞" * 20_000
    path = written(replace(EMPTY, recipes=(recipe(long),)), tmp_path / "a.xlsx")
    (cell,) = (row[0] for row in sheet(path, "recipes")[1:])
    assert cell is not None
    assert len(cell.encode("utf-16-le")) // 2 <= MAX_UNITS
    head, mark = cell.split(" … ")
    assert long.startswith(head)
    assert mark == "(cut: 40,000 characters in the CSV)"


def test_a_table_longer_than_a_sheet_goes_on_in_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "MAX_ROWS", 4)
    monkeypatch.setattr(workbook, "MAX_COLUMNS", 7)
    result = replace(planned(), recipes=tuple(recipe(f"r{i}") for i in range(7)))
    path = written(result, tmp_path / "a.xlsx")
    names = [n for n in parts(path) if n.startswith("recipes")]
    assert names == ["recipes", "recipes (2)", "recipes (3)"]
    found = [row[0] for name in names for row in sheet(path, name)[1:]]
    assert found == [f"r{i}" for i in range(7)]
    assert sheet(path, "allocation by period") == [["more periods than columns"]]


def many(rows: int) -> Result:
    """A hundred periods, a thousandth of the recipes in each."""
    allocation = tuple(
        {"recipe": f"r{i // 100}", "product": "gpu", "route": "cowos_l", "period": f"P{i % 100}",
         "packages": 1.0 + i / 7.0}
        for i in range(rows)
    )  # fmt: skip
    return replace(EMPTY, allocation=allocation, periods=tuple(f"P{i}" for i in range(100)))


@pytest.mark.long
def test_a_hundred_thousand_rows(tmp_path: Path) -> None:
    result = many(100_000)
    files.write_all(Solved(result, None), tmp_path / "out", protected=tmp_path / "case.toml")
    book = fastexcel.read_excel(tmp_path / "out" / "plan.xlsx")
    back = book.load_sheet("allocation").to_polars()
    exact = pl.read_parquet(tmp_path / "out" / "allocation.parquet")
    assert exact.to_dicts() == [{**row, "line": None} for row in result.allocation]
    assert back.shape == exact.shape
    assert back.drop("packages", "line").equals(exact.drop("packages", "line"))
    assert ((back["packages"] / exact["packages"] - 1.0).abs() <= EXACT).all()
    spread = book.load_sheet("allocation by period").to_polars()
    assert spread.shape == (1000, 104)
    assert spread.select(pl.sum_horizontal(pl.sum(f"P{i}") for i in range(100))).item() == (
        pytest.approx(exact["packages"].sum(), rel=1e-12)  # a sum of 1e5 rounded numbers
    )


def no_space(*_: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("where", ["summary", "sheet", "_parquet"])
def test_a_failing_writer_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for name in ("plan.xlsx", "unmet.parquet"):
        (out / name).write_text("old")
    home: Any = files if where == "_parquet" else workbook.Sheets
    monkeypatch.setattr(home, where, no_space)
    with pytest.raises(files.CaseError, match="no space left"):
        files.write_all(Solved(planned(), None), out, protected=tmp_path / "case.toml")
    assert {path.name: path.read_text(errors="replace") for path in out.iterdir()} == {
        "plan.xlsx": "old", "unmet.parquet": "old",
    }  # fmt: skip


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    """The system's own refusal, in the middle of the rows and when the zip is closed."""
    limits = pytest.importorskip("resource")
    old = limits.getrlimit(limits.RLIMIT_FSIZE)
    tries: list[tuple[Result, int]] = [(many(20_000), 60_000), (planned(), 5_000)]
    for result, most in tries:
        fill = partial(write_workbook, result, tables(result))
        limits.setrlimit(limits.RLIMIT_FSIZE, (most, old[1]))
        try:
            with pytest.raises(files.CaseError, match="too large"):
                files.write_files({"plan.xlsx": fill}, tmp_path / "a/out", tmp_path / "case.toml")
        finally:
            limits.setrlimit(limits.RLIMIT_FSIZE, old)
        assert list(tmp_path.iterdir()) == []  # no folder that was made for it either
