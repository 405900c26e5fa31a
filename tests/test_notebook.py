"""Results in a notebook: HTML that parses, holds the numbers and is safe; frames of the same."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import polars as pl
import pytest
import vl_convert

from tests.planning.test_resilience import HIGH, LOW, PROBABLE, asked, written
from yieldopt import Faults, Flow, Node, Step, evaluate, load, solve, to_pandas, to_polars
from yieldopt.breakeven import breakeven
from yieldopt.comparison import compare
from yieldopt.difference import difference
from yieldopt.explanation import explain
from yieldopt.optimize.frontier_case import product_frontier
from yieldopt.optimize.refine_case import refine_product
from yieldopt.optimize.robust_case import robust_answer
from yieldopt.planning.resilience import resilience
from yieldopt.planning.why import why
from yieldopt.report.charts.picture import VEGA_LITE
from yieldopt.report.frames import Kind
from yieldopt.report.notebook import html
from yieldopt.report.pictured import pictured
from yieldopt.report.views_parts import view
from yieldopt.shown import Shown
from yieldopt.start_plan import start_plan
from yieldopt.study import study_case
from yieldopt.study.tornado import tornado

VOID = {"br", "img"}
KEY = "routes.osat_2p5d.steps.ship_to_osat.cost_usd"
LIMIT = "products.asic.dppm_limit"


class Page(HTMLParser):
    """The cells of every table, rows first; fails where tags do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.tables: dict[str, list[list[str]]] = {}
        self.rows: list[list[str]] = []
        self.images: list[tuple[str | None, str]] = []  # words, source
        self.folded: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "img":
            held = dict(attrs)
            self.images.append((held["alt"], held["src"] or ""))
        if tag == "summary":
            self.folded.append("")
        if tag == "table":
            self.rows = []
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "caption" in self.open:
            self.tables[data] = self.rows
        elif "summary" in self.open:
            self.folded[-1] += data
        elif {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data


def line() -> Flow:
    fab = Step("fab", "process", 100.0, faults={"logic": Faults(0.5)}, uses={"wafer": 0.01})
    return Flow(
        "die", (Node("die", steps=(fab, Step("sort", "test", 5.0, coverage={"logic": 0.9}))),)
    )


@cache
def results() -> dict[str, Shown]:
    case = load("minimal")
    explained = explain(case, "asic")
    front = product_frontier(case, "asic", most=60)
    assert explained.explanation is not None
    assert front.frontier is not None
    impossible = case.replace("products.asic.interposer_mm", [90.0, 90.0])
    result = solve(case)
    with tempfile.TemporaryDirectory() as folder:
        losses = load(written(Path(folder), asked('lose = "region"', PROBABLE) + LOW + HIGH))
    return {
        "case": case.replace({LIMIT: 400.0, "products.asic.demand": [50.0]}),
        "result": result,
        "infeasible": solve(impossible),
        "explanation": explained.explanation,
        "product explanation": explained,
        "no explanation": explain(impossible, "asic"),
        "frontier": front.frontier,
        "product frontier": front,
        "no frontier": product_frontier(impossible, "asic"),
        "routes": compare(case),
        "no routes": compare(impossible),
        "break-even": breakeven(case, KEY, ("cowos_s", "osat_2p5d"), low=0.0, high=20.0),
        "starts": start_plan(case, result),
        "why": why(load("plan_from_tables"), time_limit_s=20.0),
        "no plan, why": why(impossible, time_limit_s=20.0),
        "robust": robust_answer(load("ask_ramp_programme"), "b200", time_limit_s=20.0),
        "refined": refine_product("minimal", "asic", time_limit_s=20.0),
        "resilience": resilience(losses, time_limit_s=20.0),
        "recipe": result.recipes[0],
        "outcome": evaluate(line()),
        "batch": evaluate(line().with_values({"die/fab.scrap": np.array([0.1, 0.2, 1.0])})),
        "tornado": tornado(case, "asic", time_limit_s=20.0),
        "no tornado": tornado(impossible, "asic"),
        "study": study_case("minimal", time_limit_s=20.0),
        "difference": difference(case, case.replace(LIMIT, 300.0)),
        "no difference": difference(case, case),
    }


NAMES = [
    "case", "result", "infeasible", "explanation", "product explanation", "no explanation",
    "frontier", "product frontier", "no frontier", "routes", "no routes", "break-even", "starts",
    "why", "no plan, why", "robust", "refined", "resilience", "recipe", "outcome", "batch",
    "tornado", "no tornado", "study", "difference", "no difference",
]  # fmt: skip
PICTURES = {
    "result": 3, "explanation": 2, "product explanation": 2, "frontier": 1, "product frontier": 1,
    "routes": 2, "break-even": 1, "tornado": 1, "study": 10,
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_every_result_shows_itself(name: str) -> None:
    found = results()[name]
    page = Page(found._repr_html_())
    shown = view(found)
    assert set(page.tables) == {
        key.replace("_", " ") for key, sheet in shown.sheets.items() if sheet.rows
    }
    for key, sheet in shown.sheets.items():
        if sheet.rows:
            head, *body = page.tables[key.replace("_", " ")]
            assert len(body) == min(len(sheet.rows), 40)
            assert {len(row) for row in body} == {len(head)} == {len(sheet.columns)}


@pytest.mark.parametrize("name", NAMES)
def test_frames_have_the_rows_of_the_view(name: str) -> None:
    """And the types of their columns, with or without rows."""
    found = results()[name]
    sheets = view(found).sheets
    polars, pandas = found.to_polars(), found.to_pandas()
    assert list(polars) == list(pandas) == list(sheets)
    for key, sheet in sheets.items():
        assert polars[key].to_dicts() == list(sheet.rows)
        assert list(pandas[key].columns) == list(sheet.columns)
        assert len(pandas[key]) == len(sheet.rows)
        for column, kind in sheet.columns.items():
            own = polars[key][column], pandas[key][column]
            types = {Kind.TEXT: (pl.String, "object"), Kind.FLAG: (pl.Boolean, "boolean")}
            assert (own[0].dtype, str(own[1].dtype)) == types.get(kind, (pl.Float64, "float64"))
            there = [value for value in own[1].tolist() if not pd.isna(value)]
            assert there == own[0].drop_nulls().to_list()


@pytest.mark.parametrize("name", NAMES)
def test_plain_data_is_json_and_has_the_numbers_of_the_frames(name: str) -> None:
    found: Any = results()[name]
    data = found.to_dict()
    assert json.loads(json.dumps(data, allow_nan=False)) == plain(data)
    told = set(numbers(data))
    for key, frame in found.to_polars().items():
        for column in (c for c, kind in frame.schema.items() if kind == pl.Float64):
            finite = set(frame[column].drop_nulls().to_list()) - {math.inf}
            assert column in COUNTED or finite <= told, (key, column, finite - told)


# What stands in no result as such: the place of a point, what a level is better or worse by.
COUNTED = {"point"}


def plain(data: Any) -> Any:
    """Lists for tuples, all else as it is: no number of NumPy, no enumeration."""
    if isinstance(data, dict):
        assert all(type(key) is str for key in data)
        return {key: plain(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [plain(value) for value in data]
    assert type(data) in (str, int, float, bool, type(None)) or isinstance(data, StrEnum)
    return data


def numbers(data: Any) -> Iterator[float]:
    if isinstance(data, dict):
        data = list(data.values())
    if isinstance(data, list | tuple):
        for value in data:
            yield from numbers(value)
    elif isinstance(data, int | float):
        yield float(data)


@cache
def forms_of(name: str) -> dict[str, Any]:
    return results()[name]._repr_mimebundle_()


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_given_pictures_tables_and_text(name: str) -> None:
    found = results()[name]
    forms = forms_of(name)
    drawn = pictured(found)
    assert len(drawn) == PICTURES.get(name, 0)
    assert set(forms) == {"text/plain", "text/html"} | ({VEGA_LITE} if drawn else set())
    assert forms["text/plain"] == view(found).head
    page, alone = Page(forms["text/html"]), Page(found._repr_html_())
    assert page.tables == alone.tables
    assert [words for words, _ in page.images] == [f"{one.title}. {one.line}" for one in drawn]
    for _, source in page.images:
        head, _, data = source.partition(",")
        assert head == "data:image/svg+xml;base64"
        assert ElementTree.fromstring(b64decode(data)).tag.endswith("svg")
    if drawn:
        chart = forms[VEGA_LITE]
        assert len(chart["vconcat"]) == len(drawn)
        assert json.loads(json.dumps(chart, allow_nan=False)) == chart


@pytest.mark.parametrize("name", ["result", "product explanation", "break-even"])
def test_the_chart_is_drawn_by_the_version_that_notebooks_have(name: str) -> None:
    """All marks of the pictures are in it."""
    chart = forms_of(name)[VEGA_LITE]
    svg = vl_convert.vegalite_to_svg(chart, vl_version="5.20", allowed_base_urls=[])
    assert svg.count("<path") >= sum(one.svg().count("<path") for one in pictured(results()[name]))


def test_a_notebook_may_ask_for_some_forms() -> None:
    found = results()["routes"]
    assert set(found._repr_mimebundle_(include={"text/html"})) == {"text/html"}
    assert set(found._repr_mimebundle_(exclude={VEGA_LITE})) == {"text/plain", "text/html"}


def test_of_many_tables_and_pictures_the_first_stand_open() -> None:
    page = Page(forms_of("study")["text/html"])
    assert len(page.folded) == (10 - 2) + (len(page.tables) - 2)
    assert page.folded[:2] == [one.title for one in pictured(results()["study"])[2:4]]
    assert page.folded[-1] == f"inputs, {len(results()['study'].to_polars()['inputs'])} rows"


def kinds() -> list[type[Shown]]:
    return Shown.__subclasses__()


def test_every_kind_of_result_is_here() -> None:
    names = {type(found).__qualname__ for found in results().values()}
    known = {kind.__qualname__ for kind in kinds() if kind.__module__.startswith("yieldopt")}
    assert known == names  # by name: a class with slots is made twice
    with pytest.raises(TypeError, match="nothing shows a dict"):
        html({})


def test_frames_of_a_result_are_those_of_the_functions() -> None:
    result = solve(load("plan_from_tables"))
    for name, frame in to_polars(result).items():
        assert frame.equals(result.to_polars()[name])
    for name, other in to_pandas(result).items():
        assert list(other.columns) == list(result.to_pandas()[name].columns)


def test_numbers_have_units_and_are_those_of_the_result() -> None:
    result = solve(load("minimal"))
    head, row = Page(result._repr_html_()).tables["products"]
    assert head[4:] == ["cost_per_good_usdUSD", "dppmppm"]
    assert row[0] == "asic"
    assert row[4] == f"{result.products[0].cost_per_good_usd:,.2f}"


def test_what_is_known_of_a_plan_stands_in_its_tables() -> None:
    explained: Any = results()["explanation"]
    budget = explained.to_polars()["dppm_budget"]
    assert budget["dppm"].sum() == pytest.approx(explained.plan.dppm, rel=1e-9)
    curve = explained.to_polars()["levels"]
    best = curve.filter(curve["chosen"])["cost_per_good_usd"]
    assert best.to_list() == pytest.approx([explained.plan.cost_per_good_usd] * len(best))
    front: Any = results()["product frontier"]
    points = front.to_polars()["points"]
    assert points["chosen"].sum() == 1
    assert points["cost_per_good_usd"].is_sorted()
    routes: Any = results()["routes"]
    falls = routes.to_polars()["waterfall"].group_by("route").agg(pl.col("usd_per_good").sum())
    costs = {column.route: column.recipe.cost_per_good_usd for column in routes}
    assert dict(zip(falls["route"], falls["usd_per_good"], strict=True)) == pytest.approx(costs)
    assert routes.to_dict()["routes"][0] == routes[0].to_dict()


@pytest.mark.parametrize(
    ("name", "tables"),
    [
        ("why", {"scarce", "demand", "displaced", "excluded"}),
        ("no plan, why", {"excluded"}),
        ("robust", {"routes", "scenarios", "levels"}),
        ("refined", {"routes", "levels"}),
        ("resilience", {"places", "plans", "futures", "values"}),
        ("explanation", {"insertions", "levels", "dppm_budget", "content_moves"}),
        ("no explanation", {"routes"}),
    ],
)
def test_studies_have_rows(name: str, tables: set[str]) -> None:
    sheets = view(results()[name]).sheets
    assert tables <= {key for key, sheet in sheets.items() if sheet.rows}


def test_a_case_shows_what_was_replaced_and_prints_short() -> None:
    case: Any = results()["case"]
    page = case._repr_html_()
    assert f"{LIMIT} = 400.0" in page
    assert Page(page).tables["products"][1][4:] == ["50", "400.0"]
    assert len(repr(case)) < 20_000
    assert len(repr(load("accelerators_2026"))) < 60_000


HOSTILE = ["<script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>", "&amp;", "\ud800x",
           "\u202e" + "n" * 10_000, "a/b\n\n<b>", "`${x}`", "</style></table>"]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_are_text(text: str) -> None:
    result = solve(load("minimal"))
    product = replace(result.products[0], name=text)
    recipe = replace(result.recipes[0], product=text, id=text, levels={text: text})
    hostile = replace(result, products=(product,), recipes=(recipe,), binding=(text,))
    page_text = hostile._repr_html_()
    page_text.encode("utf-8")
    page = Page(page_text)
    plain = Page(result._repr_html_())
    assert page.tags == plain.tags
    shown = text.encode("utf-8", "replace").decode()
    cell = page.tables["products"][1][0]
    assert cell == (shown if len(shown) <= 80 else shown[:79] + "…")


def test_long_tables_are_cut_and_say_so() -> None:
    result = solve(load("minimal"))
    many = replace(result, products=result.products * 100)
    text = many._repr_html_()
    assert len(Page(text).tables["products"]) == 41
    assert "60 more rows: to_polars()" in text
    assert many.to_polars()["products"].height == 100


def test_every_kind_of_column_can_be_drawn() -> None:
    columns = {kind for found in results().values() for s in view(found).sheets.values()
               for kind in s.columns.values()}  # fmt: skip
    assert columns == set(Kind)


def test_solving_does_not_load_the_notebook() -> None:
    code = (
        "import sys; from yieldopt import load, solve; r = solve(load('minimal'));"
        "assert 'yieldopt.report.notebook' not in sys.modules; r._repr_html_();"
        "assert 'yieldopt.report.notebook' in sys.modules; assert 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
