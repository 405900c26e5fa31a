"""Every shipped case: each cell of its workbook is the JSON's, and the case comes back of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from tests.book.books import came_back
from yieldopt import load
from yieldopt.data import bundled_cases
from yieldopt.report.book.export import export_book
from yieldopt.report.text import to_json

LIMIT_S = 60.0
AS_IT_IS = ("allocation", "unmet", "resource_use", "shadow_prices", "stock", "late", "decisions",
            "costs", "starts")  # fmt: skip
QUICK = ("minimal", "plan_from_tables")


def rows_told(answer: dict[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Name and rows of each table, from the JSON alone."""
    products, recipes = answer["products"], answer["recipes"]
    yield from ((name, answer[name]) for name in AS_IT_IS)
    yield "products", [{"product": p["name"], **p} for p in products]
    routes = [{"product": p["name"], **r} for p in products for r in p["routes"]]
    yield "routes", [row | {"reasons": "; ".join(row["reasons"])} for row in routes]
    yield "recipes", [{"recipe": r["id"], **r} for r in recipes]
    for name, key, columns in (
        ("levels", "levels", ("insertion", "level")),
        ("waterfall", "waterfall_usd", ("category", "usd_per_good")),
        ("uses", "uses_per_good", ("resource", "per_good")),
    ):
        pairs = [(r["id"], pair) for r in recipes for pair in r[key].items()]
        yield name, [{"recipe": of, **dict(zip(columns, pair, strict=True))} for of, pair in pairs]


@pytest.mark.parametrize(
    "name",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.long)
     for name in bundled_cases()],
)  # fmt: skip
def test_its_cells_are_the_json_and_it_comes_back(name: str, tmp_path: Path) -> None:
    result = export_book(Path(name), tmp_path / "book.xlsx", time_limit_s=LIMIT_S)
    answer = json.loads(to_json(result.to_dict()))
    book = load_workbook(tmp_path / "book.xlsx")
    seen = {"Plan allocation by period"}
    for table, told in rows_told(answer):
        seen.add(f"Plan {table}")
        header, *rows = book[f"Plan {table}"].iter_rows(values_only=True)
        assert len(rows) == len(told), table
        for row, wanted in zip(rows, told, strict=True):
            for column, cell in zip(header, row, strict=True):
                # An empty text is an empty cell; a line is left out of the JSON where it is none.
                assert cell == (wanted.get(column) if column == "line" else wanted[column]) or (
                    cell in (None, "") and wanted.get(column) in (None, "")
                ), (table, column, wanted)
    assert seen == {sheet for sheet in book.sheetnames if sheet.startswith("Plan ")}
    header, *rows = book["Plan allocation by period"].iter_rows(values_only=True)
    spread = {(row[0], p): n for row in rows for p, n in zip(header[4:], row[4:], strict=True)}
    packages = {(row["recipe"], row["period"]): row["packages"] for row in answer["allocation"]}
    assert {key: n for key, n in spread.items() if n is not None} == packages
    summary = dict(book["Summary"].iter_rows(max_col=2, values_only=True))
    for key in ("status", "objective_usd", "bound_usd", "gap", "solver", "runtime_s"):
        assert summary[key] == answer[key], key
    assert came_back(tmp_path / "book.xlsx", tmp_path) == load(name)
