"""Workbooks as spreadsheet programs save them: formulas, spaces, blank and hidden rows; and the
case file that comes of them, as one would write it.
"""

from __future__ import annotations

import re
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from openpyxl.styles import PatternFill

from tests.book.books import came_back, cell_under, edited, faults_of, write_inputs
from yieldopt import load
from yieldopt.cli import main
from yieldopt.data import bundled_cases, data_folder
from yieldopt.read.book.grids import case_data
from yieldopt.schema.case import ProductShape
from yieldopt.schema.notes import notes

CASE = "plan_from_tables"
FIRST = re.compile(r'<c r="C2"[^>]*>.*?</c>')  # on the sheet Demand: of the first period


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("book") / "book.xlsx"
    write_inputs(case_data(bundled_cases()[CASE]), file)
    return file


def with_cell(book: Path, cell: str, file: Path) -> Path:
    """The workbook with another cell on the sheet Demand, written by no library."""
    with zipfile.ZipFile(book) as held:
        parts = {name: held.read(name) for name in held.namelist()}
    names = re.findall(r'<sheet name="([^"]+)"', parts["xl/workbook.xml"].decode())
    name = f"xl/worksheets/sheet{names.index('Demand') + 1}.xml"
    text, count = FIRST.subn(cell, parts[name].decode())
    assert count == 1
    with zipfile.ZipFile(file, "w") as out:
        for other, data in (parts | {name: text.encode()}).items():
            out.writestr(other, data)
    return file


def test_of_a_formula_the_saved_value_is_taken_and_told(book: Path, tmp_path: Path) -> None:
    new = with_cell(book, '<c r="C2"><f>2*D2+0.5</f><v>7.5</v></c>', tmp_path / "new.xlsx")
    demand = came_back(new, tmp_path).products[0].demand.values
    assert demand is not None
    assert demand[0] == 7.5
    told = "Formulas, taken by the values that were saved with them: sheet Demand, cell C2.\n"
    assert f"# {told}" in (tmp_path / "case.toml").read_text()
    done = CliRunner().invoke(main, ["import", str(new), "-o", str(tmp_path / "again.toml")])
    assert done.stderr == told


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("<f>1+1</f>", "a formula without a value (got '=1+1'); save it in a spreadsheet"),
        ("<f>1/0</f><v>#DIV/0!</v>|e", "an error, not a value (got '=1/0 gives #DIV/0!')"),
        ("<f>A1</f><v>many</v>|str", "(products[0].demand[0]): must be a number (got 'many')"),
    ],
)
def test_a_formula_without_a_number_is_refused(
    cell: str, told: str, book: Path, tmp_path: Path
) -> None:
    inner, _, kind = cell.partition("|")
    text = f'<c r="C2" t="{kind or "n"}">{inner}</c>'
    (found,) = faults_of(with_cell(book, text, tmp_path / "new.xlsx"), tmp_path)
    assert found.startswith("sheet Demand, cell C2")
    assert told in found


def test_a_flag_that_libreoffice_saved_is_one(tmp_path: Path) -> None:
    data = case_data(bundled_cases()["minimal"])
    data["products"][0]["one_programme"] = True
    write_inputs(data, tmp_path / "book.xlsx")

    def edit(held: Any) -> None:
        cell_under(held, "Products", "one_programme", 2).value = "=TRUE()"  # and no value

    new = edited(tmp_path / "book.xlsx", edit, tmp_path / "new.xlsx")
    came_back(new, tmp_path)
    data = tomllib.loads((tmp_path / "case.toml").read_text())
    assert data["products"][0]["one_programme"] is True


def test_what_nobody_sees_changes_nothing(book: Path, tmp_path: Path) -> None:
    """Blank rows, coloured ones, spaces around texts, hidden sheets, rows and columns, notes."""

    def edit(held: Any) -> None:
        for name in ("Products", "Demand", "Slots", "Periods", "Case"):
            held[name].insert_rows(3, 2)
        cell_under(held, "Products", "name", 2).value = "  h100_class\u00a0"
        for cell in held["Products"][1]:
            cell.value = f"{cell.value} "
        for row in range(20, 60):
            held["Products"].cell(row, 1).fill = PatternFill("solid", fgColor="FFFF00")
            held["Products"].cell(row, 2).value = "   "
        held["Demand"].sheet_state = "hidden"
        held["Demand"].row_dimensions[2].hidden = True
        held.create_sheet("#mine")["A1"] = "=1/0"
        held.move_sheet("Case", -5)

    new = edited(book, edit, tmp_path / "new.xlsx")
    assert came_back(new, tmp_path) == load(CASE)


def test_text_in_place_of_a_number_is_told_how_to_be_one(book: Path, tmp_path: Path) -> None:
    new = edited(book, lambda b: b["Demand"].__setitem__("C2", "528,000"), tmp_path / "new.xlsx")
    (found,) = faults_of(new, tmp_path)
    assert "must be a number (got '528,000'); the cell must hold a number, not text" in found


@pytest.mark.parametrize("said", ["cowos_l", "cowos_s, cowos_l", 48.0])
def test_what_should_be_a_list_is_told_how_to_be_one(
    said: str | float, book: Path, tmp_path: Path
) -> None:
    def edit(held: Any) -> None:
        cell_under(held, "Products", "routes", 2).value = said

    (found,) = faults_of(edited(book, edit, tmp_path / "new.xlsx"), tmp_path)
    assert "must be a list (got " in found
    assert 'in brackets, with texts in double quotes: ["one", "two"]' in found


def test_a_number_in_place_of_a_name_is_told_to_be_text(book: Path, tmp_path: Path) -> None:
    new = edited(book, lambda b: b["Case"].__setitem__("B2", 2027), tmp_path / "new.xlsx")
    (found,) = faults_of(new, tmp_path)
    assert "must be text (got 2027); format the cell as text" in found


def test_a_case_file_is_laid_out_as_one_writes_it(tmp_path: Path) -> None:
    write_inputs(case_data(bundled_cases()["ask_memory_ramp"]), tmp_path / "book.xlsx")
    (tmp_path / "there").mkdir()
    came_back(tmp_path / "book.xlsx", tmp_path / "there")
    lines = (tmp_path / "there" / "case.toml").read_text().splitlines()
    head, place = lines[0].split(" ", 1)
    assert head == "#:schema"  # that an editor finds, from the file's own folder
    assert (tmp_path / "there" / place).resolve() == data_folder("schemas") / "case.schema.json"
    assert lines[1] == "# Written from book.xlsx by yieldopt import."
    keys = [line.split(" = ")[0] for line in lines if " = " in line]
    assert keys[:3] == ["name", "title", "periods"]
    text = "\n".join(lines)
    assert "\n\n[[products]]\nname = " in text
    assert "\nslots.memory = [{ part = " in text
    assert re.search(r"\nprice_usd = \{ low = .*, source = .* \}", text)
    said = notes(ProductShape)
    assert f"\n# {said['price_usd']}\nprice_usd = {{" in text  # the line is long
    assert re.search(rf"\npower_w = [0-9]+  # {re.escape(said['power_w'])}\n", text)
    assert text.count(f"# {said['power_w']}\n") == 1  # of two products


def test_a_schema_beside_the_case_is_named(book: Path, tmp_path: Path) -> None:
    (tmp_path / "case.schema.json").write_text("{}")
    came_back(book, tmp_path)
    head = (tmp_path / "case.toml").read_text().splitlines()[0]
    assert head == "#:schema ./case.schema.json"


def test_overrides_have_a_table_for_each_model(tmp_path: Path) -> None:
    data = case_data(bundled_cases()["minimal"])
    data["override"] = {"processes": {"n5": {"d0_per_cm2": 0.05, "alpha": 2.0}}}
    write_inputs(data, tmp_path / "book.xlsx")
    came_back(tmp_path / "book.xlsx", tmp_path)
    text = (tmp_path / "case.toml").read_text()
    assert "\n[override.processes.n5]\nd0_per_cm2 = 0.05\nalpha = 2\n" in text
