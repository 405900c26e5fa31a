"""The workbook in LibreOffice (`make test-office`): it opens, its numbers are those of the JSON,
and what LibreOffice saves is read again as the same case.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from openpyxl import load_workbook

from yieldopt import load
from yieldopt.read.book.importing import import_book

CASE = "accelerators_2026"  # the largest
OFFICE = os.environ.get("SOFFICE") or shutil.which("soffice") or "soffice"
LIMIT_S = 60.0


def yieldopt(*args: object) -> str:
    command = [sys.executable, "-m", "yieldopt", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def saved_again(file: Path, folder: Path) -> Path:
    """Open a workbook in LibreOffice and save it; nobody is there to allow a repair."""
    home = f"-env:UserInstallation={(folder / 'home').as_uri()}"
    command = [OFFICE, home, "--headless", "--convert-to", "xlsx", "--outdir", str(folder)]
    subprocess.run([*command, str(file)], capture_output=True, check=True, timeout=180)
    return folder / file.name


def same(shown: Any, told: Any) -> bool:
    """Whether a cell is what the JSON says: LibreOffice saves fifteen digits of a number."""
    if isinstance(told, float):
        return bool(shown == pytest.approx(told, rel=5e-15, abs=0.0))
    return bool(shown == told)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("export") / "book.xlsx"
    yieldopt("export", CASE, "-o", file, "--time-limit", LIMIT_S)
    return file


@pytest.fixture(scope="module")
def again(book: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved_again(book, tmp_path_factory.mktemp("office"))


@pytest.fixture(scope="module")
def answer() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(yieldopt("solve", CASE, "--json", "--time-limit", LIMIT_S))
    return found


ROWS = [
    "allocation",
    "unmet",
    "resource_use",
    "shadow_prices",
    "stock",
    "late",
    "decisions",
    "starts",
]


@pytest.mark.parametrize("name", [*ROWS, "costs"])
def test_its_rows_are_those_of_the_json(name: str, again: Path, answer: dict[str, Any]) -> None:
    header, *rows = load_workbook(again)[f"Plan {name}"].iter_rows(values_only=True)
    assert len(rows) == len(answer[name])
    for row, told in zip(rows, answer[name], strict=True):
        shown = dict(zip(header, row, strict=True))
        assert told.keys() <= shown.keys()
        assert all(same(cell, told.get(key)) for key, cell in shown.items()), (shown, told)


def test_its_recipes_are_those_of_the_json(again: Path, answer: dict[str, Any]) -> None:
    held = load_workbook(again)
    recipes = {recipe["id"]: recipe for recipe in answer["recipes"]}
    steps = list(held["Plan waterfall"].iter_rows(min_row=2, max_col=3, values_only=True))
    assert len(steps) == sum(len(recipe["waterfall_usd"]) for recipe in recipes.values())
    assert all(same(usd, recipes[name]["waterfall_usd"][step]) for name, step, usd in steps)
    rows = list(held["Plan recipes"].iter_rows(min_row=2, max_col=6, values_only=True))
    assert [row[0] for row in rows] == list(recipes)
    for name, *_, cost, dppm in rows:
        assert same(cost, recipes[name]["cost_per_good_usd"])
        assert same(dppm, recipes[name]["dppm"])


def test_its_summary_is_that_of_the_json(again: Path, answer: dict[str, Any]) -> None:
    rows = load_workbook(again)["Summary"].iter_rows(max_col=2, values_only=True)
    shown = dict(rows)
    for key in ("status", "objective_usd", "bound_usd", "gap"):
        assert same(shown[key], answer[key])


def test_its_charts_are_kept(book: Path, again: Path) -> None:
    def charts(file: Path) -> int:
        with ZipFile(file) as held:
            return sum("charts/chart" in name for name in held.namelist())

    assert charts(again) == charts(book) > 0


def test_what_it_saves_is_the_same_case(again: Path, tmp_path: Path) -> None:
    assert import_book(again, tmp_path / "case.toml") == load(CASE)


def test_a_template_that_it_saves_becomes_the_starter(tmp_path: Path) -> None:
    yieldopt("new", "--xlsx", tmp_path / "mine.xlsx")
    yieldopt("new", tmp_path / "mine.toml")
    (tmp_path / "office").mkdir()
    file = saved_again(tmp_path / "mine.xlsx", tmp_path / "office")
    assert import_book(file, tmp_path / "case.toml") == load(tmp_path / "mine.toml")


def test_flags_and_formulas_that_it_saves_are_read(tmp_path: Path) -> None:
    """It saves a flag as a formula; of a formula it saves the value too, as Excel does."""
    yieldopt("new", "--xlsx", tmp_path / "mine.xlsx")
    held = load_workbook(tmp_path / "mine.xlsx")
    (at,) = (cell.column for cell in held["Products"][1] if cell.value == "one_programme")
    held["Products"].cell(2, at).value = True
    held["Demand"]["D2"] = "=ROUND(C2*1.5/7,3)"
    held.save(tmp_path / "mine.xlsx")
    (tmp_path / "office").mkdir()
    file = saved_again(tmp_path / "mine.xlsx", tmp_path / "office")
    product = import_book(file, tmp_path / "case.toml").products[0]
    assert product.one_programme is True
    assert product.demand.values == (40_000, 8571.429)
    assert "sheet Demand, cell D2." in (tmp_path / "case.toml").read_text()


def test_a_workbook_that_needs_a_repair_is_not_opened(book: Path, tmp_path: Path) -> None:
    """The control: were a damaged one saved too, the tests above would show nothing."""
    (tmp_path / "book.xlsx").write_bytes(book.read_bytes()[:-4000])
    (tmp_path / "office").mkdir()
    try:
        found = saved_again(tmp_path / "book.xlsx", tmp_path / "office").exists()
    except subprocess.CalledProcessError:
        found = False
    assert not found
