"""Fields, seams and bridges.

Independent of the formulas: bodies are rastered in half millimetres and the fields and the pixel
borders between different fields are counted; faults are dropped along a seam at exponential
distances; bridges and signals are laid one by one in whole micrometres.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.physics.support import refused
from yieldopt.errors import CaseError
from yieldopt.physics.geometry import RETICLE_MM, TOUCH_MM, fits_reticle
from yieldopt.physics.reticle import (
    bridges_needed,
    bridges_per_edge,
    reticle_fields,
    reticle_multiple,
    stitch_length_mm,
    stitch_mean,
)

SETTINGS = settings(derandomize=True, deadline=None, max_examples=150)
halves = st.integers(1, 300).map(lambda n: n / 2)
sides = st.floats(0.1, 300.0)


# --- fields and seams --------------------------------------------------------------------------


def raster(width: float, height: float, across: float, along: float) -> tuple[int, float]:
    """Fields and seam length of one grid, counted on pixels of 0.5 mm (all sizes multiples)."""
    column = np.array([x / 2 // across for x in range(round(width * 2))])
    row = np.array([y / 2 // along for y in range(round(height * 2))])
    field = column[:, None] * 1000 + row[None, :]
    borders = np.sum(field[1:] != field[:-1]) + np.sum(field[:, 1:] != field[:, :-1])
    return len(np.unique(field)), float(borders) / 2


@SETTINGS
@given(halves, halves, st.integers(8, 80), st.integers(8, 80))
def test_fields_and_seams_equal_those_of_a_raster(w: float, h: float, a: int, b: int) -> None:
    field = (a / 2, b / 2)
    counted = min(raster(w, h, *field), raster(w, h, *field[::-1]))
    assert reticle_fields(w, h, field_mm=field) == counted[0]
    assert stitch_length_mm(w, h, field_mm=field) == pytest.approx(counted[1], abs=1e-9)


@SETTINGS
@given(sides, sides)
def test_one_field_exactly_when_it_fits_the_reticle(w: float, h: float) -> None:
    one = reticle_fields(w, h) == 1
    assert one == fits_reticle(w, h)
    assert one == (stitch_length_mm(w, h) == 0.0)


@SETTINGS
@given(sides, sides, st.floats(1.0, 2.0))
def test_fields_cover_the_area_and_grow_with_the_body(w: float, h: float, more: float) -> None:
    fields = reticle_fields(w, h)
    assert fields >= reticle_multiple(w * h) * (1 - 1e-9)
    assert reticle_fields(w * more, h) >= fields
    assert reticle_fields(h, w) == fields
    assert stitch_length_mm(h, w) == pytest.approx(stitch_length_mm(w, h), rel=1e-12)


def test_sides_that_touch_take_no_further_field() -> None:
    assert reticle_fields(33.0, 26.0 + TOUCH_MM / 2) == 1
    assert reticle_fields(33.0 + TOUCH_MM / 2, 26.0) == 1
    assert reticle_fields(33.0, 26.0 + 1e-6) == 2
    assert reticle_fields(66.0, 52.0) == 4
    assert reticle_fields(TOUCH_MM / 2, 1.0) == 1


def test_of_two_orientations_with_as_many_fields_the_shorter_seams_count() -> None:
    """60 × 41 mm: 2 columns and 3 rows of 30 × 20 (seams 41 + 2·60), or 3 and 2 (2·41 + 60)."""
    assert reticle_fields(60.0, 41.0, field_mm=(30.0, 20.0)) == 6
    assert stitch_length_mm(60.0, 41.0, field_mm=(30.0, 20.0)) == 142.0
    assert stitch_length_mm(60.0, 41.0, field_mm=(20.0, 30.0)) == 142.0


def test_multiples_as_printed() -> None:
    """published_checks G12 (2 reticles are a 1,700 mm2 class) and G13 (the press counts in 830)."""
    assert abs(2 * 858.0 - 1716) <= 16 and reticle_multiple(1716.0) == 2.0
    for printed, area in ((3.3, 2739.0), (4.0, 3320.0), (9.0, 7470.0)):
        assert reticle_multiple(area) * 858 / 830 == pytest.approx(printed, rel=1e-12)
        assert reticle_multiple(area) < 0.97 * printed  # the unit trap
    np.testing.assert_allclose(reticle_multiple(np.array([858.0, 2831.4])), [1.0, 3.3], rtol=1e-15)
    assert RETICLE_MM[0] * RETICLE_MM[1] == 858.0


def test_faults_dropped_along_the_seams() -> None:
    """Exponential distances between faults on a 50 × 56 mm body; 4 standard errors."""
    rng = np.random.default_rng(11)
    density, bodies = 0.01, 20_000
    seams = (56.0, 50.0)  # one vertical, one horizontal
    faults: Any = np.zeros(bodies)
    for length in seams:
        reach = np.cumsum(rng.exponential(1 / density, (bodies, 20)), axis=1)
        assert np.all(reach[:, -1] > length)
        faults += np.sum(reach < length, axis=1)
    mean = stitch_mean(50.0, 56.0, faults_per_mm=density)
    error = np.std(faults) / math.sqrt(bodies)
    assert abs(np.mean(faults) - mean) < 4 * error
    whole = np.mean(faults == 0)
    assert abs(whole - math.exp(-mean)) < 4 * math.sqrt(whole * (1 - whole) / bodies)


def test_a_body_in_one_field_has_no_seam_faults() -> None:
    assert stitch_mean(26.0, 33.0, faults_per_mm=0.5) == 0.0
    means = stitch_mean(50.0, 56.0, faults_per_mm=np.array([0.0, 1e-4]))
    np.testing.assert_allclose(means, [0.0, 106e-4], rtol=1e-15)


# --- bridges -----------------------------------------------------------------------------------


@SETTINGS
@given(st.integers(1, 60_000), st.integers(500, 9_000), st.integers(0, 3_000))
def test_bridges_laid_one_by_one(edge_um: int, bridge_um: int, gap_um: int) -> None:
    at, count = 0, 0
    while at + bridge_um <= edge_um:
        count, at = count + 1, at + bridge_um + gap_um
    assert bridges_per_edge(edge_um / 1e3, bridge_mm=bridge_um / 1e3, gap_mm=gap_um / 1e3) == count


@SETTINGS
@given(st.integers(1, 5_000), st.integers(100, 9_000), st.integers(9, 90), st.integers(1, 30))
def test_signals_placed_one_by_one(signals: int, bridge_um: int, pitch_um: int, rows: int) -> None:
    places = [at for at in range(pitch_um, bridge_um + 1, pitch_um) for _ in range(rows)]
    bridges = 0
    while signals > 0:
        bridges, signals = bridges + 1, signals - len(places)
    start = signals + bridges * len(places)
    found = bridges_needed(start, bridge_mm=bridge_um / 1e3, pitch_um=float(pitch_um), rows=rows)
    assert found == bridges


def test_a_bridge_smaller_than_a_pitch_is_refused() -> None:
    with pytest.raises(CaseError, match="not one bump fits"):
        bridges_needed(10, bridge_mm=0.04, pitch_um=45.0, rows=2)
    assert bridges_per_edge(3.0, bridge_mm=4.0, gap_mm=0.0) == 0
    assert bridges_per_edge(0.3, bridge_mm=0.1, gap_mm=0.0) == 3  # 0.3 // 0.1 is 2
    assert bridges_needed(1, bridge_mm=1.001, pitch_um=1001.0, rows=1) == 1  # 1.001 * 1e3 < 1001


# --- refusals ----------------------------------------------------------------------------------


def test_every_fault_is_named_at_once() -> None:
    seams: dict[str, Any] = {"faults_per_mm": math.inf, "field_mm": (0.0, 33.0)}
    assert refused(stitch_mean, -1.0, math.nan, **seams) == [
        "width_mm", "height_mm", "field_mm[0]", "faults_per_mm",
    ]  # fmt: skip
    edge = {"bridge_mm": math.inf, "gap_mm": -1.0}
    assert refused(bridges_per_edge, 0.0, **edge) == ["edge_mm", *edge]
    wrong = {"bridge_mm": "4", "pitch_um": None, "rows": 1.5}
    assert refused(bridges_needed, 0, **wrong) == ["signals", *wrong]


@pytest.mark.parametrize("function", [reticle_fields, stitch_length_mm])
def test_lengths_are_single_positive_numbers(function: Any) -> None:
    for bad in (0.0, -1.0, math.nan, math.inf, "7", None, True, np.array([1.0])):
        with pytest.raises(CaseError, match="width_mm"):
            function(bad, 10.0)
    with pytest.raises(CaseError, match="area_mm2"):
        reticle_multiple(0.0)
