"""Names of a case that a spreadsheet program would take for formulas, through ``--out``.

The workbook is for such programs and holds them as text. CSV, Parquet and JSON are data: a name is
there as the case has it, with no mark before it, so that what is read back fits the case.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import fastexcel
import polars as pl
import pytest

from yieldopt import load
from yieldopt.report.files import write_all
from yieldopt.solving import solve_whole

NAMES = ["=1+1", "+1", "-1", "@SUM(1)", '=HYPERLINK("http://x","y")', "\t=1", '"=1"']
CASE = """
name = "{name}"
periods = ["{name}", "q2"]

[[resources]]
name = "interposer.cowos_s"
capacity = 9000
source = "assumed: a test"

[[products]]
name = "{name}"
routes = ["cowos_s"]
interposer_mm = [32.0, 44.0]
substrate_mm = [68.5, 68.5]
dppm_limit = 1000.0
demand = [10, 20]
slots.logic = [{{ part = "tpu_die" }}]
slots.memory = [{{ part = "hbm3e_8h", count = 4 }}]
slots.substrate = [{{ part = "abf_68" }}]
"""


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_text_in_the_workbook_and_as_it_is_elsewhere(name: str, tmp_path: Path) -> None:
    path, out = tmp_path / "case.toml", tmp_path / "out"
    path.write_text(CASE.format(name=json.dumps(name)[1:-1]))
    case = load(path)
    write_all(solve_whole(case), out, path)
    with (out / "allocation.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    # In CSV alone, what a spreadsheet program would calculate has an apostrophe before it.
    inert = f"'{name}" if name[0] in "=+-@\t\r" else name
    assert [row["product"] for row in rows] == [inert, inert]
    assert sorted(row["period"] for row in rows) == sorted([inert, "q2"])
    frames = [
        pl.read_parquet(out / "allocation.parquet"),
        fastexcel.read_excel(out / "plan.xlsx").load_sheet("allocation").to_polars(),
    ]
    for frame in frames:
        assert frame["product"].to_list() == [name, name]
        assert sorted(frame["period"].to_list()) == sorted([name, "q2"])
    result = json.loads((out / "result.json").read_text(encoding="utf-8"))
    assert result["products"][0]["name"] == name
