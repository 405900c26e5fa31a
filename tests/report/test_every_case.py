"""The report of every bundled case: small enough, its pictures whole and true to one another."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.report.pages import parsed
from yieldopt import load
from yieldopt.data import bundled_cases
from yieldopt.report.charts import Picture, pictures
from yieldopt.report.page.document import page
from yieldopt.study import Study, study_case
from yieldopt.study.assumptions import origins

_ROOM = 2_000_000  # bytes
_UNIT = re.compile(r"USD|DPPM|packages|units per|share of capacity|\[.+\]|^[\w.…]+$")


def cases() -> list[Any]:
    """All of them take minutes: in every run the first alone."""
    return [
        pytest.param(name, marks=[] if name == "minimal" else [pytest.mark.long])
        for name in bundled_cases()
    ]


@pytest.mark.parametrize("name", cases())
def test_the_page_of_a_bundled_case(name: str) -> None:
    """At the time limit that the command has by itself."""
    study = study_case(name, time_limit_s=60.0)
    text = page(study, origins(load(name)))
    assert len(text.encode()) <= _ROOM
    drawn = pictures(study)
    assert len(parsed(text).named("figure")) == len(drawn) > 0
    for picture in drawn:
        whole_picture(picture)
    sums_agree(study, {picture.key: picture for picture in drawn})


def whole_picture(picture: Picture) -> None:
    spec = picture.spec(check=True)
    assert re.fullmatch(r"[^\n]+\.", picture.line), picture.line
    assert picture.line.isprintable()
    assert not re.search(r"\b(nan|inf|None|\d\.\d*e[+-]\d)", picture.line), picture.line
    assert picture.rows
    assert all(len(row) == len(picture.columns) for row in picture.rows)
    cells = [cell for row in picture.rows for cell in row if isinstance(cell, float)]
    assert all(map(math.isfinite, cells))
    for channel, how in axes(spec):
        title = how.get("title") or how.get("axis", {}).get("title")
        assert title, (picture.key, channel)
        if how["type"] == "quantitative":
            assert _UNIT.search(title), (picture.key, title)


def axes(spec: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every axis that is drawn: one without a title shares that of another layer."""
    if isinstance(spec, list):
        for part in spec:
            yield from axes(part)
        return
    if not isinstance(spec, dict):
        return
    layers = spec.get("layer")
    if layers:
        for channel in ("x", "y"):
            told = [each["encoding"][channel] for each in layers if channel in each["encoding"]]
            yield channel, next((how for how in told if how.get("title") or "axis" in how), told[0])
        return
    for channel, how in spec.get("encoding", {}).items():
        if channel in ("x", "y"):
            yield channel, how
    for key in ("vconcat", "hconcat", "spec"):
        yield from axes(spec.get(key))


def sums_agree(study: Study, drawn: dict[str, Picture]) -> None:
    """Waterfall, funnel, DPPM by source and frontier of a product speak of one plan."""
    for number, product in enumerate(study.products, 1):
        if product.best is None or product.best.recipe is None:
            continue
        recipe = product.best.recipe
        cost, falls = recipe.cost_per_good_usd, recipe.waterfall_usd
        top = drawn[f"p{number}-waterfall"].rows[0]
        assert top[0] == recipe.route
        parts = [cell for cell in top[1:-1] if isinstance(cell, float)]
        assert math.fsum(parts) == pytest.approx(cost, rel=1e-12)
        rows = drawn[f"p{number}-funnel"].rows
        scrap = math.fsum(cell for row in rows for cell in row[-2:] if isinstance(cell, float))
        assert scrap == pytest.approx(falls["scrap"], rel=1e-9, abs=1e-9)
        spent = math.fsum(row[-3] for row in rows if isinstance(row[-3], float))
        beside = falls.get("escape", 0.0) + falls.get("one_off", 0.0)
        assert spent + beside == pytest.approx(cost, rel=1e-9)
        if (budget := drawn.get(f"p{number}-dppm")) is not None:
            dppm = math.fsum(row[3] for row in budget.rows if isinstance(row[3], float))
            assert dppm == pytest.approx(recipe.dppm, rel=1e-6)
        chosen = [row for row in drawn[f"p{number}-frontier"].rows if row[3]]
        assert [row[0] for row in chosen] == [pytest.approx(cost, rel=1e-9)]
