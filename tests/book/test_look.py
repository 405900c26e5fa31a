"""How a workbook looks: what is printed, drawn and said, by its own XML and by openpyxl."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from click.testing import CliRunner
from openpyxl import load_workbook

from yieldopt.cli import main
from yieldopt.read.book.layout import INPUTS, OUTPUTS, PLAN
from yieldopt.report.book.contents import PLANNED, contents
from yieldopt.report.charts.style import LOST, category_colour
from yieldopt.report.frames import TABLES

CASE = "plan_from_tables"
DRAWN = ("Charts", "Waterfall charts")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("look") / "book.xlsx"
    done = CliRunner().invoke(main, ["export", CASE, "-o", str(file)])
    assert done.exit_code == 0, done.output
    return file


@pytest.fixture(scope="module")
def book(file: Path) -> Any:
    return load_workbook(file)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Any:
    file = tmp_path_factory.mktemp("look") / "new.xlsx"
    done = CliRunner().invoke(main, ["new", "--xlsx", str(file)])
    assert done.exit_code == 0, done.output
    return load_workbook(file)


def test_every_sheet_prints_across_with_its_header_and_name(book: Any) -> None:
    for sheet in book:
        assert sheet.oddFooter.left.text == "&A", sheet.title
        assert "&P" in sheet.oddFooter.right.text
        if sheet.title in (*DRAWN, "Read me", "Summary"):
            continue
        assert sheet.page_setup.orientation == "landscape", sheet.title
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.page_setup.fitToHeight == 0
        assert sheet.print_title_rows in ("1:1", "$1:$1")


def test_no_chart_is_cut_by_the_end_of_a_page(book: Any) -> None:
    """Pages end after so many rows; a chart stands between two ends."""
    for name in DRAWN:
        sheet = book[name]
        ends = [0, *(end.id for end in sheet.row_breaks.brk), sheet.max_row + 100]
        assert all(low < high for low, high in pairwise(ends))
        assert len(ends) == 2 + (len(sheet._charts) > 6)
        for chart in sheet._charts:
            top, bottom = chart.anchor._from.row, chart.anchor.to.row
            assert any(low <= top and bottom < high for low, high in pairwise(ends)), name


def test_a_waterfall_stands_on_what_is_before_it(book: Any) -> None:
    """Each bar begins where the one before ends; the last is their sum, that of `compare`."""
    done = CliRunner().invoke(main, ["compare", CASE, "--json"])
    told = {(c["product"], c["route"]): c["recipe"] for c in json.loads(done.output) if c["recipe"]}
    rows = list(book["Waterfall bars"].iter_rows(min_row=2, values_only=True))
    assert list(dict.fromkeys(row[:2] for row in rows)) == list(told)
    for route, recipe in told.items():
        bars = [row[2:] for row in rows if row[:2] == route]
        assert bars[-1] == ("total", 0, recipe["cost_per_good_usd"])
        fall = {name: usd for name, usd in recipe["waterfall_usd"].items() if usd}
        assert {name: usd for name, _, usd in bars[:-1]} == fall
        for (_, start, usd), (_, after, _) in pairwise(bars[:-1]):
            assert after == pytest.approx(start + usd, rel=1e-12)
        ends = sum(bars[-2][1:])
        assert ends == pytest.approx(recipe["cost_per_good_usd"], rel=1e-9)


def test_a_waterfall_is_drawn_as_one(file: Path, book: Any) -> None:
    """A part that is not seen, one that is, on top of it; scrap has a colour of its own."""
    with ZipFile(file) as held:
        charts = [held.read(n).decode() for n in held.namelist() if "charts/chart" in n]
    found = [chart for chart in charts if "Waterfall bars" in chart]
    routes = {row[:2] for row in book["Waterfall bars"].iter_rows(min_row=2, values_only=True)}
    assert len(found) == len(routes)
    for chart in found:
        below, bars = re.findall("<c:ser>.*?</c:ser>", chart)
        assert "<a:noFill/>" in below
        assert bars.count("<c:dPt>") >= 3
        assert LOST[1:] in bars
        assert '<c:grouping val="stacked"/>' in chart


def test_a_category_has_the_colour_of_the_report(file: Path, book: Any) -> None:
    with ZipFile(file) as held:
        charts = [held.read(n).decode() for n in held.namelist() if "charts/chart" in n]
    names = [cell.value for cell in book["Waterfalls"][1]][2:-3]
    stacks = [re.findall("<c:ser>.*?</c:ser>", c) for c in charts if "Waterfalls!" in c]
    assert stacks
    for parts in stacks:
        assert len(parts) == len(names)
        for name, part in zip(names, parts, strict=True):
            assert f'<a:srgbClr val="{category_colour(name)[1:]}"/>' in part


def test_each_chart_has_a_text_for_those_who_do_not_see_it(file: Path) -> None:
    with ZipFile(file) as held:
        drawn = "".join(held.read(n).decode() for n in held.namelist() if "drawings/drawing" in n)
    names = re.findall(r'<xdr:cNvPr id="\d+" name="Chart \d+"( descr="[^"]+")?', drawn)
    assert names
    assert all(names)


def test_use_is_drawn_in_the_unit_of_the_resource(file: Path) -> None:
    with ZipFile(file) as held:
        charts = [held.read(n).decode() for n in held.namelist() if "charts/chart" in n]
    use = [chart for chart in charts if "resource_use" in chart]
    assert len(use) == 3
    assert all("<a:t>wafers</a:t>" in chart for chart in use)


def test_the_list_of_sheets_is_whole(book: Any) -> None:
    assert PLANNED.keys() == TABLES.keys()
    listed = [name for name, _ in contents()]
    apart = (*INPUTS, f"{PLAN}allocation by period", "Summary")
    assert [*listed[:-1]] == [name for name in book.sheetnames if name not in apart]
    assert set(OUTPUTS) <= {*listed, "Summary"}
    linked = {cell.hyperlink.location for (cell,) in book["Summary"]["A1:A60"] if cell.hyperlink}
    assert linked == {f"'{name}'!A1" for name in listed}


def test_headers_of_the_case_say_what_goes_below(template: Any) -> None:
    products = {cell.value: cell.comment for cell in template["Products"][1]}
    assert products["name"].text.startswith("needed")
    assert "per good package" in products["shortage_cost_usd"].text
    assert template["Demand"]["B1"].comment.text == "one number for all periods alike"
    assert template["Overrides"]["C1"].comment is not None
    assert template["Case"]["A2"].comment.text.startswith("needed")


def test_long_text_wraps_in_a_row_as_high_as_it_needs(book: Any) -> None:
    sheet = book["Assumptions"]
    long = [row for row in sheet.iter_rows(min_row=2) if len(row[-1].value) > 65]
    assert long
    for row in long:
        assert row[-1].alignment.wrap_text
        assert sheet.row_dimensions[row[-1].row].height >= 30
