"""Wrong workbooks: every fault at its sheet and cell, all at once, and nothing written."""

from __future__ import annotations

import datetime
import re
import zipfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from tests.book.books import cell_under, edited, faults_of, write_inputs
from yieldopt.data import bundled_cases
from yieldopt.read.book.grids import case_data

Edit = Callable[[Any], object]


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three products, three resources, four periods."""
    file = tmp_path_factory.mktemp("book") / "book.xlsx"
    write_inputs(case_data(bundled_cases()["plan_from_tables"]), file)
    return file


def set_cell(sheet: str, cell: str, value: Any) -> Edit:
    return lambda book: book[sheet].__setitem__(cell, value)


def append(sheet: str, *cells: Any) -> Edit:
    return lambda book: book[sheet].append(cells)


def merge(book: Any) -> None:
    book["Slots"].merge_cells("B2:B3")


def misspell(book: Any) -> None:
    book["Resources"].title = "Resource"


def drop_periods(book: Any) -> None:
    del book["Periods"]


def drop(sheet: str) -> Edit:
    return lambda book: book.remove(book[sheet])


def title_above(book: Any) -> None:
    book["Products"].insert_rows(1)
    book["Products"]["A1"] = None


def hide_another(book: Any) -> None:
    book.create_sheet("secret").sheet_state = "veryHidden"


def move_columns(book: Any) -> None:
    book["Demand"]["A1"], book["Demand"]["B1"] = "every period", "name"


NO_NAMES = "sheet Capacity: its rows name resources, of which there are none"
WRONG: list[tuple[Edit, list[str]]] = [
    (set_cell("Products", "A2", "=cmd|' /C calc'!A0"), ["sheet Products, cell A2: a formula"]),
    (set_cell("Demand", "C2", "=1+1"), ["sheet Demand, cell C2: a formula"]),
    (set_cell("Demand", "C2", "#N/A"), ["sheet Demand, cell C2: an error, not a value"]),
    (set_cell("Demand", "C2", -1), ["sheet Demand, cell C2 (products[0].demand[0]): must be at"]),
    (set_cell("Demand", "C2", None), ["sheet Demand, cell C2: empty, and others of the row"]),
    (set_cell("Demand", "B2", 7), ["sheet Demand, cell C2: given by period too"]),
    (
        set_cell("Demand", "C2", "9"),
        ["sheet Demand, cell C2 (products[0].demand[0]): must be a nu"],
    ),
    (set_cell("Demand", "A2", "h10_class"), ["sheet Demand, cell A2: unknown name (got 'h10_cl"]),
    (set_cell("Demand", "G2", 5), ["sheet Demand, cell G2: a value in a column without a name"]),
    (set_cell("Demand", "C1", 2026), ["sheet Demand, cell C1: the name of a column must be text"]),
    (set_cell("Demand", "D1", "2026Q1"), ["sheet Demand, cell D1: a column of this name is"]),
    (
        set_cell("Capacity", "C1", "x"),
        ["sheet Capacity, cell C1: no period", "sheet Capacity: no c"],
    ),
    (set_cell("Periods", "A2", datetime.date(2026, 1, 1)), ["sheet Periods, cell A2: a date"]),
    (set_cell("Products", "C1", 5), ["sheet Products, cell C1: the name of a column must be text"]),
    (set_cell("Products", "C1", "=A1"), ["sheet Products, cell C1: a formula"]),
    (set_cell("Products", "C2", "[1,"), ["sheet Products, cell C2: not TOML"]),
    (set_cell("Products", "C2", "[1]\na=2"), ["sheet Products, cell C2: not one value"]),
    (append("Case", "[a] #", 1), ["sheet Case, cell A4: not a dotted key"]),
    (append("Case", "a\nb", 1), ["sheet Case, cell A4: not a dotted key"]),
    (append("Case", None, 1), ["sheet Case, row 4: a value without a key"]),
    (append("Case", '"a b".c', 1), ['sheet Case, cell B4 ("a b"): unknown key']),
    (
        set_cell("Slots", "C2", "gpu_h10"),
        ["sheet Slots, cell C2 (products[0].slots.logic[0].part)"],
    ),
    (set_cell("Slots", "B2", 5), ["sheet Slots, row 2: the name of a slot must be text"]),
    (merge, ["sheet Slots, cells B2:B3: merged cells", "sheet Slots, row 3: the name of a slot"]),
    (misspell, ["sheet Resource: no sheet of a case; did you mean 'Resources'?", NO_NAMES]),
    (set_cell("Periods", "A1", "when"), ["sheet Periods: no column 'period'"]),
    (drop("Products"), ["sheet Products: there is no such sheet"]),
    (drop("Case"), ["sheet Case: there is no such sheet"]),
    (title_above, ["sheet Products: no header in row 1"]),
    (hide_another, ["sheet secret: no sheet of a case, and hidden"]),
    (set_cell("Products", "B1", "a b"), ["sheet Products, cell B1: not a dotted key"]),
    (move_columns, ["sheet Demand: its first columns must be 'name' and 'every period'"]),
]


@pytest.mark.parametrize(("edit", "expected"), WRONG, ids=[one[1][0][:36] for one in WRONG])
def test_one_thing_wrong_is_told_once_at_its_cell(
    edit: Edit, expected: list[str], book: Path, tmp_path: Path
) -> None:
    found = faults_of(edited(book, edit, tmp_path / "new.xlsx"), tmp_path)
    assert len(found) == len(expected), found
    assert all(f.startswith(e) for f, e in zip(found, expected, strict=True)), found


def test_all_faults_come_at_once(book: Path, tmp_path: Path) -> None:
    def edit(held: Any) -> None:
        cell_under(held, "Products", "dppm_limit", 2).value = -5
        cell_under(held, "Products", "power_w", 3).value = "700"
        cell_under(held, "Slots", "part", 3).value = "hbm"
        cell_under(held, "Resources", "unit", 2).value = 4
        held["Overrides"].append([None, None, "processes.n5.d0", 1])
        held["Overrides"].append(["2026Q2", None, "processes.n5.d0_per_cm2", 1])
        held["Case"].append(["products", 1])
        held["Case"].append(["perids", 1])

    found = faults_of(edited(book, edit, tmp_path / "new.xlsx"), tmp_path)
    places = sorted(text.split(": ")[0].split(" (")[0] for text in found)
    assert places == [
        "sheet Case, cell B4",
        "sheet Case, cell B5",
        "sheet Overrides, cell A3",
        "sheet Overrides, cell D2",
        "sheet Products, cell " + places[4][-2:],
        "sheet Products, cell " + places[5][-2:],
        "sheet Resources, cell B2",
        "sheet Slots, cell C3",
    ]
    assert {place[-1] for place in places[4:6]} == {"2", "3"}


def test_a_missing_sheet_of_periods_is_one_period(book: Path, tmp_path: Path) -> None:
    found = faults_of(edited(book, drop_periods, tmp_path / "new.xlsx"), tmp_path)
    assert "sheet Demand, cell C1: no period of the case (got '2026Q1'); known: all" in found


def test_a_workbook_of_another_shape_is_refused_in_one_line(tmp_path: Path) -> None:
    other = Workbook()
    other.active["A1"] = "anything"
    other.save(tmp_path / "other.xlsx")
    (found,) = faults_of(tmp_path / "other.xlsx", tmp_path)
    assert found.startswith("no workbook of a case: no sheet Case, no sheet Products (got 'Sheet')")


OLD = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(4000)
OTHERS = {
    "text": ("book.xlsx", b"a,b", "no workbook (.xlsx)"),
    "empty": ("book.xlsx", b"", "no workbook (.xlsx)"),
    "csv": ("book.csv", b"a,b", "no workbook (.xlsx)"),
    "old": ("book.xls", OLD, "an older workbook, or one with a password"),
    "locked": ("book.xlsx", OLD, "an older workbook, or one with a password"),
}


@pytest.mark.parametrize("what", OTHERS)
def test_what_other_programs_write_is_refused_in_one_line(what: str, tmp_path: Path) -> None:
    name, data, told = OTHERS[what]
    (tmp_path / name).write_bytes(data)
    (found,) = faults_of(tmp_path / name, tmp_path)
    assert found == f"{told}; save it as .xlsx, without a password"


@pytest.mark.parametrize("what", ["folder", "absent", "zip", "ods", "cut"])
def test_what_is_no_workbook_is_refused_in_one_line(what: str, book: Path, tmp_path: Path) -> None:
    file = tmp_path / ("book.ods" if what == "ods" else "book.xlsx")
    if what == "folder":
        file.mkdir()
    elif what in ("zip", "ods"):
        with zipfile.ZipFile(file, "w") as held:
            held.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
    elif what == "cut":
        file.write_bytes(book.read_bytes()[:-200])
    (found,) = faults_of(file, tmp_path)
    assert "openpyxl" not in found


def test_entities_are_not_multiplied(book: Path, tmp_path: Path) -> None:
    """A sheet of a thousand letters that would be gigabytes."""
    with zipfile.ZipFile(book) as held:
        parts = {name: held.read(name) for name in held.namelist()}
    kinds = "".join(f'<!ENTITY {b} "{f"&{a};" * 20}">' for a, b in pairwise("abcdefghi"))
    sheet = parts["xl/worksheets/sheet1.xml"].decode()
    cell = '<sheetData><row r="9"><c r="A9" t="inlineStr"><is><t>&i;</t></is></c></row>'
    body = sheet[sheet.index("<worksheet") :].replace("<sheetData>", cell)
    doc = f'<?xml version="1.0"?><!DOCTYPE worksheet [<!ENTITY a "{"a" * 20}">{kinds}]>{body}'
    with zipfile.ZipFile(tmp_path / "new.xlsx", "w") as out:
        for name, data in (parts | {"xl/worksheets/sheet1.xml": doc.encode()}).items():
            out.writestr(name, data)
    (found,) = faults_of(tmp_path / "new.xlsx", tmp_path)
    assert found.startswith("not a workbook that can be read: ")


@pytest.mark.long
def test_damaged_sheets_never_end_in_a_traceback(book: Path, tmp_path: Path) -> None:
    """Each file of the workbook cut in half, or emptied: refused, or read without it."""
    with zipfile.ZipFile(book) as held:
        parts = {name: held.read(name) for name in held.namelist()}
    apart = re.compile(r"(sheet|comments|vmlDrawing)([2-9]|1\d)\.")  # as the first of its kind
    for name in [n for n in parts if not apart.search(n)]:
        for damaged in (parts[name][: len(parts[name]) // 2], b""):
            file = tmp_path / "damaged.xlsx"
            with zipfile.ZipFile(file, "w") as held:
                for other, text in parts.items():
                    held.writestr(other, damaged if other == name else text)
            try:
                faults_of(file, tmp_path)
            except AssertionError:
                (tmp_path / "never.toml").unlink()


def test_a_workbook_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.xlsx", "w", zipfile.ZIP_DEFLATED) as held:
        held.writestr("xl/worksheets/sheet1.xml", bytes(257_000_000))
    (found,) = faults_of(tmp_path / "bomb.xlsx", tmp_path)
    assert found == "too large: 257 MB unpacked, at most 256"


def test_a_cell_far_away_is_found_and_costs_nothing(book: Path, tmp_path: Path) -> None:
    new = edited(book, set_cell("Lines", "XFD1048576", "stray"), tmp_path / "new.xlsx")
    (found,) = faults_of(new, tmp_path)
    assert found == "sheet Lines, cell XFD1048576: a value in a column without a name"
