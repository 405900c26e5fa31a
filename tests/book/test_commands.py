"""`yieldopt export`, `import` and `new --xlsx`: what they write, refuse and leave alone."""

from __future__ import annotations

import errno
import json
import os
import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from click.testing import CliRunner, Result
from openpyxl import load_workbook

from tests.book.books import edited
from yieldopt import load, solve
from yieldopt.cli import main
from yieldopt.data import bundled_cases
from yieldopt.read.book.layout import INPUTS
from yieldopt.report.frames import tables
from yieldopt.start_plan import start_plan

HOSTILE = "=cmd|' /C calc'!A0"


def run(*args: object) -> Result:
    return CliRunner().invoke(main, list(map(str, args)))


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("export") / "book.xlsx"
    done = run("export", "plan_from_tables", "-o", file)
    assert done.exit_code == 0, done.output
    assert done.output == f"optimal; written: {file}\n"
    return file


def test_the_answer_is_in_it_with_every_digit(book: Path) -> None:
    """Every table of the plan, cell by cell; only the run time of another solve differs."""
    held = load_workbook(book)
    case = load("plan_from_tables")
    result = solve(case)
    starts = tuple(asdict(row) for row in start_plan(case, result).rows)
    assert starts
    found = tables(replace(result, starts=starts))
    for name, rows in found.items():
        header, *cells = held[f"Plan {name}"].iter_rows(values_only=True)
        assert [dict(zip(header, row, strict=True)) for row in cells] == rows, name


def test_it_has_formats_frozen_headers_and_charts(book: Path) -> None:
    held = load_workbook(book)
    assert held.sheetnames[:2] == ["Summary", "Charts"]
    assert held["Summary"]["A1"].value.startswith("plan_from_tables: ")
    assert set(INPUTS) < set(held.sheetnames)
    for name in ("Plan recipes", "Waterfalls", "Assumptions", "Products", "Demand"):
        assert held[name].freeze_panes in ("A2", "B2"), name
    assert held["Plan recipes"]["E2"].number_format == "$#,##0.00"
    assert held["Demand"]["C2"].number_format == "#,##0"
    assert all(row[5].value.startswith("assumed") for row in held["Assumptions"].iter_rows(2))
    assert "D0_N5_N4" in {row[0].value for row in held["Sources"].iter_rows(2)}
    with ZipFile(book) as zipped:
        charts = [zipped.read(n).decode() for n in zipped.namelist() if "charts/chart" in n]
    # Routes and allocation by product, use by resource; waterfalls by route.
    assert len(charts) == 2 + 2 + 3 + 4
    assert all("<c:f>" in chart for chart in charts)  # drawn from cells, no picture


def test_the_waterfall_of_a_chart_is_that_of_compare(book: Path) -> None:
    rows = list(load_workbook(book)["Waterfalls"].iter_rows(values_only=True))
    told = json.loads(run("compare", "plan_from_tables", "--json").output)
    own = {row[:2]: dict(zip(rows[0], row, strict=True)) for row in rows[1:]}
    assert own.keys() == {(route["product"], route["route"]) for route in told}
    for route in told:
        row, recipe = own[route["product"], route["route"]], route["recipe"]
        assert row["status"] == route["status"]
        assert row["reasons"] == "; ".join(route["reasons"])
        assert row["cost_per_good_usd"] == (recipe["cost_per_good_usd"] if recipe else None)
        for step, usd in (recipe["waterfall_usd"] if recipe else {}).items():
            assert row[step] == usd
    assert {route["status"] for route in told} == {"optimal", "infeasible"}
    # What is drawn: the routes with a plan, in the first rows of each product.
    with ZipFile(book) as zipped:
        drawn = [zipped.read(n).decode() for n in zipped.namelist() if "charts/chart" in n]
    places = {place for chart in drawn for place in re.findall(r"Waterfalls!(\$B[^<]*)", chart)}
    assert places == {"$B$2:$B$4", "$B$5"}


def test_an_untouched_export_is_imported_as_the_same_case(book: Path, tmp_path: Path) -> None:
    done = run("import", book, "-o", tmp_path / "case.toml")
    assert done.exit_code == 0, done.output
    assert "2 products" in done.output
    assert load(tmp_path / "case.toml") == load("plan_from_tables")


def test_the_template_becomes_a_case_that_solves(tmp_path: Path) -> None:
    assert run("new", "--xlsx", tmp_path / "mine.xlsx").exit_code == 0
    filled = edited(tmp_path / "mine.xlsx", _fill_in, tmp_path / "filled.xlsx")
    assert run("import", filled, "-o", tmp_path / "case.toml").exit_code == 0
    assert run("new", tmp_path / "mine.toml").exit_code == 0
    case, starter = load(tmp_path / "case.toml"), load(tmp_path / "mine.toml")
    assert case.products[0].demand.values == (1.0, 2.0)
    assert case.products[1:] == ()
    assert case.resources == starter.resources
    assert str(solve(case).status) == "optimal"


def _fill_in(book: Any) -> None:
    book["Demand"]["C2"], book["Demand"]["D2"] = 1, 2


def test_a_workbook_by_name_alone_is_told_the_option(tmp_path: Path) -> None:
    done = run("new", tmp_path / "mine.xlsx")
    assert done.exit_code == 2
    assert "for a workbook add --xlsx" in done.output
    assert list(tmp_path.iterdir()) == []


def test_an_infeasible_case_is_exported_too(tmp_path: Path) -> None:
    text = bundled_cases()["minimal"].read_text().replace("1000.0", "1e-6")
    (tmp_path / "case.toml").write_text(text)
    done = run("export", tmp_path / "case.toml", "-o", tmp_path / "book.xlsx")
    assert done.exit_code == 3
    held = load_workbook(tmp_path / "book.xlsx")
    assert held["Charts"]["A1"].value == "There is no plan to draw."
    assert held["Summary"]["B3"].value == "infeasible"


@pytest.mark.parametrize("command", ["export", "import", "new"])
def test_nothing_is_written_over(command: str, book: Path, tmp_path: Path) -> None:
    file = tmp_path / ("case.toml" if command == "import" else "book.xlsx")
    file.write_text("mine")
    known: dict[str, list[object]] = {"export": ["minimal", "-o"], "import": [book, "-o"]}
    args = known.get(command, ["--xlsx"])
    done = run(command, *args, file)
    assert done.exit_code == 2
    assert "is there already; nothing was written" in done.output
    assert file.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("where", ["no/folder/case.toml", "case.txt", "a" * 300 + ".toml"])
def test_a_file_that_cannot_be_is_refused(where: str, book: Path, tmp_path: Path) -> None:
    done = run("import", book, "-o", tmp_path / where)
    assert done.exit_code == 2
    assert "error: -o: " in done.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["export", "import"])
def test_a_full_disc_leaves_nothing(
    command: str, book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("yieldopt.report.book.export.written_book", full)
    monkeypatch.setattr(Path, "write_text", full)
    source, ending = ("minimal", "xlsx") if command == "export" else (book, "toml")
    done = run(command, source, "-o", tmp_path / f"file.{ending}")
    assert done.exit_code == 2
    assert re.search(r"cannot be written: no space left on device \(got [^)]*\)\n", done.output)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("most", [2_000, 20_000])
def test_a_disc_that_fills_up_leaves_nothing(most: int, tmp_path: Path) -> None:
    """The system's own refusal: of rows on their way, and of the whole."""
    limits = pytest.importorskip("resource")
    old = limits.getrlimit(limits.RLIMIT_FSIZE)
    limits.setrlimit(limits.RLIMIT_FSIZE, (most, old[1]))
    try:
        done = run("export", "minimal", "-o", tmp_path / "book.xlsx")
    finally:
        limits.setrlimit(limits.RLIMIT_FSIZE, old)
    assert done.exit_code == 2
    assert "cannot be written: file too large" in done.output
    assert list(tmp_path.iterdir()) == []


def test_hostile_names_go_there_and_back(tmp_path: Path) -> None:
    """Formulas, quotes, slashes, markup, control signs, ten thousand characters."""
    names = [HOSTILE, "a/b\\c'd\"e", "<script>&amp;</script>", "_x0041_\r\n\t\x01", "x" * 10_000]
    text = bundled_cases()["minimal"].read_text()
    head, product = text.split("[[products]]")
    for name in names:
        product_text = product.replace('"asic"', json.dumps(name))
        head += f"[[products]]\ndemand = 10{product_text}"
    head = head.replace('"One accelerator, one die and four stacks"', json.dumps(names[3]))
    (tmp_path / "case.toml").write_text(head)
    case = load(tmp_path / "case.toml")
    assert [product.name for product in case.products] == names
    done = run("export", tmp_path / "case.toml", "-o", tmp_path / "book.xlsx")
    assert done.exit_code == 0, done.output
    held = load_workbook(tmp_path / "book.xlsx")
    kinds = {cell.data_type for sheet in held for row in sheet.iter_rows() for cell in row}
    assert "f" not in kinds  # no formula anywhere
    with ZipFile(tmp_path / "book.xlsx") as zipped:
        drawn = "".join(zipped.read(n).decode() for n in zipped.namelist() if "charts/" in n)
    formulas = re.findall("<c:f>(.*?)</c:f>", drawn)
    sheets = "'Plan [a-z _]+'|Waterfalls|Charts|'Waterfall bars'|'Waterfall charts'"
    own = re.compile(rf"({sheets})![$A-Z0-9:]+")
    assert formulas
    assert all(own.fullmatch(formula) for formula in formulas)  # to cells alone, of titles too
    done = run("import", tmp_path / "book.xlsx", "-o", tmp_path / "back.toml")
    assert done.exit_code == 0, done.output
    assert load(tmp_path / "back.toml") == case


def test_a_text_longer_than_a_cell_is_refused(tmp_path: Path) -> None:
    text = bundled_cases()["minimal"].read_text()
    (tmp_path / "case.toml").write_text(text.replace('"One acc', f'"{"x" * 32_800}', 1))
    done = run("export", tmp_path / "case.toml", "-o", tmp_path / "book.xlsx")
    assert done.exit_code == 2
    assert "sheet Case: a text of more signs than a cell can hold" in done.output
    assert [p.name for p in tmp_path.iterdir()] == ["case.toml"]
