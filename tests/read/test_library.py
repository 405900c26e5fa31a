"""Bad models, by ``[override]`` of a case or in an included folder: file, line, key, value, hint.

A fault stands where its value stands: in the case file that overrides, else in the model file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.read.test_case import CASE, N5, P90, check_one, faults_of, written
from yieldopt.read import load

DIE = "[override.parts.tpu_die]\n"
SORT = "[override.insertions.wafer_sort]\n"
OFF = "[override.insertions.wafer_sort.levels.off]\n"

# (the override, key below "override.", fragment of the fault's line, message, value, hint)
BY_OVERRIDE: list[tuple[str, str, str, str, Any, str]] = [
    (DIE + "widht_mm = 3.0", "parts.tpu_die.widht_mm", "widht", "unknown key", None, "'width_mm'"),
    (DIE + 'process = "n55"', "parts.tpu_die.process", "n55", "unknown process", "n55", "'n5'"),
    (DIE + "width_mm = -1", "parts.tpu_die.width_mm", "width_mm", "must be above 0", -1, ""),
    (DIE + "width_mm = 40.0", "parts.tpu_die.width_mm", "width_mm", "larger than the reticle",
     40.0, ""),
    (DIE + "width_mm = 400.0\nprocess = \"si_interposer_65\"", "parts.tpu_die.width_mm",
     "width_mm", "does not fit the wafer of si_interposer_65", 400.0, ""),
    (N5 + '"x]" = 3', 'processes.n5."x]"', '"x]"', "unknown key", None, ""),
    (N5 + "cost_usd = 1e13", "processes.n5.cost_usd", "cost_usd", "must be at most 1e+12", ..., ""),
    (N5 + "alpha = 0.0", "processes.n5.alpha", "alpha", "must be above 0", ..., ""),
    (N5 + "alpha = -2.0", "processes.n5.alpha", "alpha", "must be above 0", ..., ""),
    (N5 + "d0_per_cm2 = -0.1", "processes.n5.d0_per_cm2", "d0", "must be at least 0", ..., ""),
    (N5 + "cost_usd = {low = 3, base = 2, high = 4}", "processes.n5.cost_usd", "cost_usd",
     "low <= base <= high", None, ""),
    (N5 + "cost_usd = nan", "processes.n5.cost_usd", "cost_usd", "must be finite", ..., ""),
    (N5 + "cost_usd = {base = inf, low = 1.0, high = inf}", "processes.n5.cost_usd.base",
     "cost_usd", "must be finite", ..., ""),
    (N5 + "line_scrap = 1.5", "processes.n5.line_scrap", "line_scrap", "between 0 and 1", ..., ""),
    (N5 + 'law = "murphi"', "processes.n5.law", "murphi", "did you mean 'murphy'", ...,
     ""),
    (N5 + "shares = {logic = 0.9}", "processes.n5.shares", "shares", "not to 1", ..., ""),
    (P90 + "coverage = {logic = 1.5}", "insertions.wafer_sort.levels.p90.coverage.logic",
     "logic = 1.5", "between 0 and 1", ..., ""),
    (P90 + "coverage = {logik = 0.5}", "insertions.wafer_sort.levels.p90.coverage.logik",
     "logik", "unknown fault class", None, "'logic'"),
    (P90 + "overkill = -0.1", "insertions.wafer_sort.levels.p90.overkill", "overkill",
     "between 0 and 1", ..., ""),
    (P90 + "bad_die_detection = 0.5", "insertions.wafer_sort.levels.p90.bad_die_detection",
     "bad_die", "not both", 0.5, ""),
    (P90 + 'source = "KGD_tst_cost"', "insertions.wafer_sort.levels.p90.source", "KGD_tst",
     "unknown source", "KGD_tst_cost", "'KGD_test_cost'"),
    (OFF + "seconds = 3.0", "insertions.wafer_sort.levels", "levels.off", "does nothing", ..., ""),
    (SORT + 'points = ["dye"]', "insertions.wafer_sort.points[0]", "points", "unknown point",
     "dye", "'die'"),
    (SORT + 'overlap = "partial"', "insertions.wafer_sort.overlap", "overlap",
     "must be one of 'nested' or 'independent'", "partial", ""),
    ('[override.routes.cowos_s]\ncarrier = "interpose"', "routes.cowos_s.carrier", "carrier",
     "missing node", "interpose", "'interposer'"),
]  # fmt: skip


@pytest.mark.parametrize("row", BY_OVERRIDE, ids=lambda row: f"{row[1]}: {row[0][-12:]!r}")
def test_override(row: tuple[Any, ...], tmp_path: Path) -> None:
    text = CASE.replace("[override]\n", row[0])
    path = written(tmp_path, text)
    key = f"override.{row[1]}"
    faults = tuple(fault for fault in faults_of(path) if fault.key == key)
    check_one(faults, path, text, (key, *row[2:]))


@pytest.mark.parametrize(
    "override", [DIE + "width_mm = -1", N5 + "alpha = 0", P90 + "seconds = -1"]
)
def test_a_model_with_a_fault_is_not_an_unknown_name_elsewhere(
    override: str, tmp_path: Path
) -> None:
    path = written(tmp_path, CASE.replace("[override]\n", override))
    assert [fault.message for fault in faults_of(path) if "unknown" in fault.message] == []


PART = """\
name = "dram"
title = "A die"
source = "assumed: a test"
category = "die"
process = "n5"
width_mm = 5.0
height_mm = 6.0
"""
BAD_PARTS: list[tuple[str, str, str, str, Any, str]] = [
    ("width_mm = 5.0", "widht_mm = 5.0", "widht_mm", "unknown key", None, "'width_mm'"),
    ('"n5"', '"n55"', "process", "unknown process", "n55", "'n5'"),
    ("width_mm = 5.0", "width_mm = nan", "width_mm", "must be finite", ..., ""),
    ("width_mm = 5.0", "width_mm = 27.0", "width_mm", "", ..., ""),
    ("width_mm = 5.0", "width_mm = 34.0", "width_mm", "larger than the reticle", 34.0, ""),
    ('"die"', '"dye"', "category", "must be one of", "dye", ""),
    ('"assumed: a test"', '"nobody"', "source", "unknown source", "nobody", ""),
    ('"dram"', '"tpu_die"', "name", "duplicate name", "tpu_die", "first declared in"),
    ('name = "dram"', "name = 7", "name", "must be text", 7, ""),
    ('name = "dram"', "name = [7]", "name", "must be text", ..., ""),
]


def included(folder: Path, **files: str | bytes) -> Path:
    """A case that includes a folder of model files, keyed kind__name."""
    (folder / "own").mkdir()
    for name, text in files.items():
        written(folder / "own", text, name.replace("__", "/") + ".toml")
    return written(folder, CASE.replace("# include", 'include = ["own"]'))


def test_an_included_part_is_read(tmp_path: Path) -> None:
    assert load(included(tmp_path, parts__dram=PART)).library.parts["dram"].width_mm == 5.0


@pytest.mark.parametrize("row", BAD_PARTS, ids=lambda row: row[1])
def test_included_part(row: tuple[Any, ...], tmp_path: Path) -> None:
    if row[1] == "width_mm = 27.0":  # 27 x 6 fits the 26 x 33 reticle turned by 90 degrees
        load(included(tmp_path, parts__dram=PART.replace(row[0], row[1])))
        return
    text = PART.replace(row[0], row[1], 1)
    faults = faults_of(included(tmp_path, parts__dram=text))
    place = tmp_path / "own" / "parts" / "dram.toml"
    check_one(faults, place, text, (row[2], row[2], *row[3:]))


def test_names_are_unique_across_folders_and_within_a_case(tmp_path: Path) -> None:
    path = included(tmp_path, parts__a=PART, parts__b=PART)
    (fault,) = faults_of(path)
    assert (fault.message, fault.key, fault.value, fault.line) == (
        "duplicate name", "name", "dram", 1)  # fmt: skip
    assert fault.file.endswith("b.toml")
    assert fault.hint.endswith("a.toml")
    for table, key in (("products", "products[1].name"), ("resources", "resources[1].name")):
        start = CASE.index(f"[[{table}]]")
        stop = CASE.index("[override]") if table == "products" else CASE.index("[[products]]")
        text = CASE[:stop] + CASE[start:stop] + CASE[stop:]
        (fault,) = faults_of(written(tmp_path, text, f"{table}.toml"))
        assert (fault.key, fault.message) == (key, "duplicate name")
        second = [i for i, line in enumerate(text.splitlines(), 1) if f"[[{table}]]" in line][1]
        assert fault.line == second + 1


def test_broken_files_of_an_included_folder(tmp_path: Path) -> None:
    sources = 'good = {text = "x"}\nbad = "x"\n'
    path = included(tmp_path, parts__a="name = ", parts__b=b"\xff", parts__c="", sources=sources)
    found = {Path(f.file).name: (f.line, f.message) for f in faults_of(path)}
    assert found["a.toml"][1].startswith("not TOML")
    assert found["b.toml"] == (1, "not UTF-8 text")
    assert found["c.toml"] == (1, "the file is empty")
    assert found["sources.toml"][0] == 2
