"""The model library: every file loads, is cited, stands in its sourced range, and is used."""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from yieldopt import evaluate, load
from yieldopt.comparison import compare
from yieldopt.compile import compile_template
from yieldopt.optimize.route import exclusions
from yieldopt.read.library import read_library
from yieldopt.report.listing import listing
from yieldopt.schema.assembly import parts_within, product_assembly
from yieldopt.schema.case import Case
from yieldopt.schema.models import KINDS
from yieldopt.template import Choice

ROOT = Path(__file__).parent.parent
MODELS = ROOT / "models"
FILES = sorted(path for kind in KINDS for path in (MODELS / kind).glob("*.toml"))
CASES = sorted((ROOT / "cases").glob("*.toml"))


def data_of(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text())


@cache
def case_named(name: str) -> Case:
    return load(ROOT / "cases" / f"{name}.toml")


@cache
def used() -> dict[str, set[str]]:
    """Names that some product of some case evaluates, by kind: its reference products."""
    found: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for path in CASES:
        case = case_named(path.stem)
        for product in case.products:
            for name in product.routes:
                route = case.library.routes[name]
                if exclusions(case.library, product_assembly(product), route):
                    continue
                template = compile_template(case, product, route)
                assert evaluate(template.at({})).blocked is None
                _note(case, product.slots, name, found)
                found["insertions"] |= {
                    item.name
                    for node in template.nodes
                    for item in node.items
                    if isinstance(item, Choice)
                }
    return found


def _note(case: Case, slots: Any, route: str, found: dict[str, set[str]]) -> None:
    library = case.library
    parts = [part for part, _ in parts_within(slots, library.parts)]
    routes = {route, *(part.route for part in parts if part.route)}
    made = {step.part for name in routes for step in library.routes[name].steps if step.part}
    parts += [library.parts[name] for name in made]
    found["routes"] |= routes
    found["parts"] |= {part.name for part in parts}
    found["processes"] |= {part.process for part in parts if part.process}
    steps = [step for name in routes for step in library.routes[name].steps]
    found["processes"] |= {step.process for step in steps if step.process}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_file_is_named_like_itself_listed_and_evaluated(path: Path) -> None:
    kind = path.parent.name
    name = data_of(path)["name"]
    assert name == path.stem
    assert name in {row[0] for row in listing(kind)}
    assert name in used()[kind], f"no product of cases/ evaluates {kind}/{name}"


def test_the_library_has_no_faults() -> None:
    assert read_library()[1] == []


def sources(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        for key, value in data.items():
            if key == "source" and isinstance(value, str):
                yield value
            else:
                yield from sources(value)
    elif isinstance(data, list):
        for value in data:
            yield from sources(value)


def cited(texts: Iterator[str]) -> set[str]:
    """Names of sources that the texts cite, those in derivations and calibrations too."""
    known = data_of(MODELS / "sources.toml")
    words = {word.strip("(),;:*") for text in texts for word in text.replace(",", " ").split()}
    return {name for name in known if name in words} | {
        name for name in known if any(word.rstrip("*") and name.startswith(word.rstrip("*"))
                                      and word.endswith("*") for word in words)
    }  # fmt: skip


def test_every_source_is_cited_and_says_where_it_comes_from() -> None:
    known = data_of(MODELS / "sources.toml")
    texts = (text for path in (*FILES, *CASES) for text in sources(data_of(path)))
    comments = (path.read_text() for path in (*FILES, *CASES))
    found = cited(texts) | cited(comments)
    assert sorted(set(known) - found) == []
    assert all(len(entry["text"]) > 10 for entry in known.values())


def quantities(data: Any, key: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(data, dict):
        if isinstance(data.get("base"), int | float):
            yield key, data
        for name, value in data.items():
            yield from quantities(value, f"{key}.{name}")
    elif isinstance(data, list):
        for at, value in enumerate(data):
            yield from quantities(value, f"{key}[{at}]")


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_range_has_a_source_and_holds_its_base(path: Path) -> None:
    for key, quantity in quantities(data_of(path)):
        low, high = quantity.get("low", quantity["base"]), quantity.get("high", quantity["base"])
        assert low <= quantity["base"] <= high, key
        assert quantity.get("source"), f"{path.name}{key} has no source"


@cache
def parameters() -> dict[str, tuple[float, float]]:
    """Range of every parameter of the table that the library was seeded from."""
    lines = (ROOT / "tests" / "golden" / "parameters.csv").read_text().splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return {row["name"]: (float(row["low"]), float(row["high"])) for row in rows}


def outside(quantity: dict[str, Any]) -> str:
    """What of a quantity leaves the range of its source: all of it for a plain source, the base
    for a calibrated one; empty if it stays inside or says that it is assumed or derived.
    """
    source = quantity["source"]
    calibrated = re.search(r"^calibrated: .*range (\w+)", source)
    name = calibrated.group(1) if calibrated else source
    if calibrated and name not in parameters():
        return f"range {name} is not in the table"
    if name not in parameters():
        return ""
    low, high = parameters()[name]
    keys = ("base",) if calibrated else ("low", "base", "high")
    return ", ".join(k for k in keys if not low <= quantity.get(k, quantity["base"]) <= high)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_value_lies_in_the_range_of_its_source(path: Path) -> None:
    """Assumed, derived and calibrated values say so instead of naming the source alone."""
    for key, quantity in quantities(data_of(path)):
        assert not outside(quantity), f"{key}: {quantity}"


@pytest.mark.parametrize(
    ("change", "named"),
    [({"base": 5.0}, "base"), ({"low": 0.0}, "low"), ({"high": 90.0}, "high"),
     ({"source": "calibrated: to a band; range D0_N5_N4", "base": 0.3}, "base"),
     ({"source": "calibrated: to a band; range D0_N55"}, "range D0_N55"),
     ({}, ""), ({"source": "assumed: why", "base": 5.0}, "")],
)  # fmt: skip
def test_a_value_outside_its_source_is_seen(change: dict[str, Any], named: str) -> None:
    d0 = {"low": 0.06, "base": 0.1, "high": 0.11, "source": "D0_N5_N4"}
    found = outside({**d0, **change})
    assert named in found
    assert bool(named) == bool(found)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_every_case_compares_its_routes(path: Path) -> None:
    """The scrap of every feasible recipe is the sum over its causes."""
    for column in compare(case_named(path.stem)):
        if column.recipe is not None:
            total = sum(column.scrap_by_cause_usd.values())
            slack = 1e-9 * column.recipe.cost_per_good_usd
            assert total == pytest.approx(column.recipe.waterfall_usd["scrap"], abs=slack)
