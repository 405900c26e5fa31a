"""A case goes into a workbook and comes back the same, with every number as it was."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from tests.book.books import came_back, cell_under, edited, write_inputs
from yieldopt import load, solve
from yieldopt.data import bundled_cases
from yieldopt.difference.inputs import input_changes
from yieldopt.read.book.cells import cell_of, key_text, leaves, parts_of, value_of
from yieldopt.read.book.grids import case_data
from yieldopt.read.book.importing import data_seen_from
from yieldopt.read.book.toml import case_text

CASES = bundled_cases()


@pytest.mark.parametrize("name", CASES)
def test_every_shipped_case_comes_back_the_same(name: str, tmp_path: Path) -> None:
    write_inputs(case_data(CASES[name]), tmp_path / "book.xlsx")
    assert came_back(tmp_path / "book.xlsx", tmp_path) == load(name)


@pytest.mark.parametrize("name", ["minimal", "accelerators_2026"])
def test_empty_columns_change_nothing(name: str, tmp_path: Path) -> None:
    write_inputs(case_data(CASES[name]), tmp_path / "book.xlsx", blank=True)
    came_back(tmp_path / "book.xlsx", tmp_path)
    assert load(tmp_path / "case.toml") == load(name)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["book.xlsx", "case.toml"]


@pytest.mark.parametrize("name", ["minimal", "plan_from_tables", "ask_test_contract"])
def test_it_has_the_same_answer(name: str, tmp_path: Path) -> None:
    write_inputs(case_data(CASES[name]), tmp_path / "book.xlsx")
    found = solve(came_back(tmp_path / "book.xlsx", tmp_path)).to_dict()
    asked = solve(load(name)).to_dict()
    assert found | {"runtime_s": 0.0} == asked | {"runtime_s": 0.0}


def test_numbers_of_tables_stand_in_the_workbook(tmp_path: Path) -> None:
    write_inputs(case_data(CASES["plan_from_tables"]), tmp_path / "book.xlsx")
    book = load_workbook(tmp_path / "book.xlsx")
    assert [cell.value for cell in book["Demand"][2]][:3] == ["h100_class", None, 528000]
    came_back(tmp_path / "book.xlsx", tmp_path)
    assert "tables" not in tomllib.loads((tmp_path / "case.toml").read_text())


def test_what_a_planner_edits_is_what_changes(tmp_path: Path) -> None:
    """One number of each kind of sheet; the difference of the cases names those alone."""
    write_inputs(case_data(CASES["ask_memory_ramp"]), tmp_path / "book.xlsx")

    def edit(book: Any) -> None:
        cell_under(book, "Products", "price_usd.base", 2).value = 13.1
        cell_under(book, "Demand", "2027Q3", 3).value = 2_100_000
        cell_under(book, "Capacity", "2028Q2", 2).value = 31_000
        cell_under(book, "Slots", "count", 2).value = 3
        cell_under(book, "Case", "value", 2).value = "renamed"

    after = came_back(edited(tmp_path / "book.xlsx", edit, tmp_path / "new.xlsx"), tmp_path)
    found = {c.key: (c.before, c.after) for c in input_changes(load("ask_memory_ramp"), after)}
    assert found.pop("products.wearable_cmc.demand")[1][2] == 2_100_000
    assert found.pop('resources."wafer.fanout_biwin".capacity')[1][5] == 31_000
    assert found == {
        "name": ("ask_memory_ramp", "renamed"),
        "products.thin_memory.price_usd": (12.7, 13.1),
        "products.thin_memory.slots.memory.lpddr5x_die.count": (2, 3),
    }


def test_folders_of_models_are_named_as_seen_from_the_file() -> None:
    data = {"include": ["mine", "../theirs"], "name": "a"}
    moved = data_seen_from(data, Path("/plans/a"), Path("/plans/b/c"))
    assert moved["include"] == ["../../a/mine", "../../theirs"]
    assert data_seen_from(moved, Path("/plans/b/c"), Path("/plans/a"))["include"] == data["include"]


def test_a_case_with_models_of_its_own_comes_back_elsewhere(tmp_path: Path) -> None:
    for folder in ("a/mine/parts", "b", "c/d"):
        (tmp_path / folder).mkdir(parents=True)
    source = next(p for p in (CASES["minimal"].parent.parent / "models/parts").glob("tpu_die.toml"))
    own = source.read_text().replace('"tpu_die"', '"my_die"', 1)
    (tmp_path / "a/mine/parts/my_die.toml").write_text(own)
    text = CASES["minimal"].read_text().replace('part = "tpu_die"', 'part = "my_die"')
    (tmp_path / "a/case.toml").write_text('include = ["mine"]\n' + text)
    data = data_seen_from(case_data(tmp_path / "a/case.toml"), tmp_path / "a", tmp_path / "b")
    write_inputs(data, tmp_path / "b/book.xlsx")
    assert came_back(tmp_path / "b/book.xlsx", tmp_path / "c/d") == load(tmp_path / "a/case.toml")
    assert tomllib.loads((tmp_path / "c/d/case.toml").read_text())["include"] == ["../../a/mine"]


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    [
        "=cmd|' /C calc'!A0",
        "+1",
        "@a",
        "<r>b</r>",
        "_x0041_",
        "[1]",
        '"q"',
        "a\r\nb",
        " x ",
        "\ufffe",
    ]
)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)
VALUES = st.recursive(
    TEXTS | NUMBERS | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@given(VALUES)
def test_a_value_comes_back_from_its_cell(value: Any) -> None:
    cell = cell_of(value)
    assert value_of(cell) == value
    assert not isinstance(cell, str) or cell.isprintable()


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_a_key_comes_back_from_its_text(parts: list[str]) -> None:
    assert parts_of(key_text(parts)) == tuple(parts)


TABLES = st.dictionaries(st.sampled_from(["override", "slots", "products"]) | TEXTS, VALUES)


@given(st.dictionaries(st.sampled_from(["override", "products"]) | TEXTS, VALUES | TABLES))
def test_the_text_of_a_case_says_its_data(data: dict[str, Any]) -> None:
    said = dict.fromkeys(data, "[good] # packages")
    text = case_text(data, [":schema a", "from = \r\n'x'\u2028"], lambda kind: said)
    assert tomllib.loads(text) == data


@settings(deadline=None, max_examples=10)
@given(st.lists(st.tuples(TEXTS, TEXTS | NUMBERS), min_size=1, max_size=20))
def test_cells_keep_text_and_all_digits_in_a_file(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[str, Any]]
) -> None:
    """Through xlsxwriter and openpyxl: what the sheet of the case says is read back as it was."""
    from yieldopt.read.book.joining import joined
    from yieldopt.read.book.opening import open_book

    data = {f"k{at}": {text: value} for at, (text, value) in enumerate(pairs)}
    file = tmp_path_factory.mktemp("cells") / "book.xlsx"
    write_inputs(data, file)
    opened = open_book(file)
    assert opened.faults == ()
    found = joined(opened.sheets)
    assert found.faults == []
    assert dict(leaves(found.data)) == dict(leaves(data))


@pytest.mark.parametrize("number", [0.1 + 0.2, math.pi, 1e-300, 1e16 + 2, 2**53 - 1, 1 / 3])
def test_no_digit_is_lost(number: float, tmp_path: Path) -> None:
    write_inputs({"name": number}, tmp_path / "book.xlsx")
    assert load_workbook(tmp_path / "book.xlsx")["Case"]["B2"].value == number
