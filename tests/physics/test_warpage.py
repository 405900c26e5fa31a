"""Warpage: bow of a two-layer body, its scrap, and the scaled mean of warpage faults.

The bow is checked against a body cut into thousands of slabs whose stretch and curvature are found
from the balance of force and moment, and against the known limits; the scrap against tables of
the normal and a simulation of bodies; the mean against its power law.
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
from yieldopt.physics.warpage import bow_um, warpage_mean, warpage_scrap_frac

SETTINGS = settings(derandomize=True, deadline=None, max_examples=60)
BODY: dict[str, Any] = {
    "top_um": 775.0,
    "bottom_um": 1500.0,
    "top_gpa": 181.0,
    "bottom_gpa": 31.0,
    "cte_mismatch_ppm_per_k": 12.0,
    "temperature_swing_k": -200.0,
}
SCALE: dict[str, Any] = {
    "at_reference": 0.02,
    "reference_side_mm": 70.0,
    "reference_layers": 18.0,
    "reference_power_w": 1000.0,
    "side_exponent": 2.0,
    "layer_exponent": 1.5,
    "power_exponent": 1.0,
}


def sliced_bow_um(side_mm: float, slabs: int = 20_000, **body: float) -> float:
    """Bow from thin slabs: no net force, no net moment, and the corner's sagitta on a circle."""
    height = body["top_um"] + body["bottom_um"]
    z = (np.arange(slabs) + 0.5) / slabs * height  # from the bottom up
    low = z < body["bottom_um"]
    modulus = np.where(low, body["bottom_gpa"], body["top_gpa"])
    strain = 1e-6 * body["cte_mismatch_ppm_per_k"] * body["temperature_swing_k"]
    free = np.where(low, strain, 0.0)  # expansion against the top layer's
    # slab stress = E (stretch + z·bend − free); a bend above 0 stretches the top
    balance = [[modulus.sum(), (modulus * z).sum()], [(modulus * z).sum(), (modulus * z * z).sum()]]
    _, bend = np.linalg.solve(balance, [(modulus * free).sum(), (modulus * free * z).sum()])
    radius, corner = 1.0 / abs(bend), 1e3 * side_mm / math.sqrt(2.0)
    sagitta = corner**2 / (radius + math.sqrt(radius**2 - corner**2))
    return -math.copysign(sagitta, bend)  # the top stretched: the corners hang


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"temperature_swing_k": 35.0},
        {"top_um": 100.0},
        {"top_um": 3000.0, "top_gpa": 20.0},
        {"cte_mismatch_ppm_per_k": -2.0, "bottom_gpa": 300.0},
    ],
)
def test_bow_is_that_of_a_body_of_thin_slabs(change: dict[str, float]) -> None:
    """Slabs are exact to 1/slabs², a circle's sagitta differs from a parabola's by (corner/2R)²."""
    body = BODY | change
    assert bow_um(20.0, **body) == pytest.approx(sliced_bow_um(20.0, **body), rel=1e-3)


def test_equal_layers_have_timoshenkos_curvature() -> None:
    """1/R = 3 Δα ΔT/(2h) for equal thickness and modulus (Timoshenko 1925)."""
    equal = {"top_um": 400.0, "bottom_um": 400.0, "top_gpa": 100.0, "bottom_gpa": 100.0}
    expected = 10_000.0**2 / 4.0 * 1.5 * (12e-6 * -200.0) / 800.0
    assert bow_um(10.0, **(BODY | equal)) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("film_um", [1.0, 0.1, 0.01])
def test_a_thin_film_has_stoneys_curvature(film_um: float) -> None:
    """Stoney's 1/R = 6 E_f t_f Δε/(E_s t_s²) is off by a few times t_f/t_s."""
    thin = BODY | {"top_um": film_um}
    stoney = 6.0 * 181.0 * film_um * (12e-6 * -200.0) / (31.0 * 1500.0**2)
    assert bow_um(10.0, **thin) == pytest.approx(stoney * 1e8 / 4.0, rel=30.0 * film_um / 1500.0)


def test_sign_says_where_the_corners_are() -> None:
    """A substrate that shrinks more pulls its corners down; heated beyond the cure, up."""
    assert bow_um(25.0, **BODY) < 0.0 < bow_um(25.0, **(BODY | {"temperature_swing_k": 35.0}))
    assert bow_um(25.0, **(BODY | {"cte_mismatch_ppm_per_k": 0.0})) == 0.0


lengths = st.floats(1.0, 5000.0)
moduli = st.floats(0.1, 500.0)


@SETTINGS
@given(lengths, lengths, moduli, moduli, st.floats(1.01, 5.0))
def test_bow_grows_with_the_square_of_the_side_and_scales(
    top: float, bottom: float, stiff: float, soft: float, grow: float
) -> None:
    body = BODY | {"top_um": top, "bottom_um": bottom, "top_gpa": stiff, "bottom_gpa": soft}
    base = bow_um(30.0, **body)
    assert bow_um(30.0 * grow, **body) == pytest.approx(base * grow**2, rel=1e-13)
    thick = body | {"top_um": top * grow, "bottom_um": bottom * grow}
    assert bow_um(30.0, **thick) == pytest.approx(base / grow, rel=1e-12)
    stiffer = body | {"top_gpa": stiff * grow, "bottom_gpa": soft * grow}
    assert bow_um(30.0, **stiffer) == pytest.approx(base, rel=1e-12)
    turned = body | {
        "top_um": bottom,
        "bottom_um": top,
        "top_gpa": soft,
        "bottom_gpa": stiff,
        "cte_mismatch_ppm_per_k": -12.0,
    }
    assert bow_um(30.0, **turned) == pytest.approx(-base, rel=1e-12)


def test_arrays_are_taken_element_by_element() -> None:
    sides, limits = np.array([20.0, 40.0, 80.0]), np.array([100.0, 200.0, 400.0])
    bows = bow_um(sides, **BODY)
    assert list(bows) == [bow_um(side, **BODY) for side in sides]
    scraps = warpage_scrap_frac(bows, limits, 30.0)
    pairs = zip(bows, limits, strict=True)
    assert list(scraps) == [warpage_scrap_frac(bow, limit, 30.0) for bow, limit in pairs]
    means = warpage_mean(sides, 18.0, 1000.0, **SCALE)
    assert list(means) == [warpage_mean(side, 18.0, 1000.0, **SCALE) for side in sides]


# --- scrap -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bow", "limit", "spread", "expected"),
    [
        (0.0, 1.959963984540054, 1.0, 0.05),
        (0.0, 1.0, 1.0, 0.317310507862914),  # 68-95-99.7
        (100.0, 100.0, 1e-3, 0.5),
        (0.0, 10.0, 1.0, 1.523970604832e-23),  # two tails of 7.61985302416e-24
        (1e6, 1.0, 1.0, 1.0),
    ],
)
def test_scrap_meets_tables_of_the_normal(
    bow: float, limit: float, spread: float, expected: float
) -> None:
    assert warpage_scrap_frac(bow, limit, spread) == pytest.approx(expected, rel=1e-11, abs=0.0)
    assert warpage_scrap_frac(-bow, limit, spread) == warpage_scrap_frac(bow, limit, spread)


@pytest.mark.parametrize(("bow", "limit", "spread"), [(60.0, 100.0, 25.0), (-20.0, 30.0, 30.0)])
def test_scrap_is_the_share_of_simulated_bodies(bow: float, limit: float, spread: float) -> None:
    """Within 4 standard errors over 400,000 bodies of a fixed seed."""
    bodies = np.random.default_rng(11).normal(bow, spread, 400_000)
    share = np.mean(np.abs(bodies) > limit)
    error = math.sqrt(share * (1.0 - share) / bodies.size)
    assert abs(warpage_scrap_frac(bow, limit, spread) - share) < 4.0 * error


@SETTINGS
@given(st.floats(0.0, 300.0), st.floats(1.0, 300.0), st.floats(1.0, 100.0), st.floats(0.01, 50.0))
def test_more_bow_more_scrap_more_room_less(
    bow: float, limit: float, spread: float, more: float
) -> None:
    base = warpage_scrap_frac(bow, limit, spread)
    assert 0.0 <= base <= 1.0
    assert warpage_scrap_frac(bow + more, limit, spread) >= base
    assert warpage_scrap_frac(bow, limit + more, spread) <= base


# --- the scaled mean ---------------------------------------------------------------------------


def test_the_reference_body_has_exactly_the_reference_mean() -> None:
    assert warpage_mean(70.0, 18.0, 1000.0, **SCALE) == 0.02
    assert warpage_mean(90.0, 22.0, 1400.0, **(SCALE | {"at_reference": 0.0})) == 0.0


@pytest.mark.parametrize(
    ("size", "factor"),
    [((140.0, 18.0, 1000.0), 4.0), ((70.0, 72.0, 1000.0), 8.0), ((70.0, 18.0, 700.0), 0.7)],
)
def test_each_quantity_has_its_own_power(size: tuple[float, float, float], factor: float) -> None:
    assert warpage_mean(*size, **SCALE) == pytest.approx(0.02 * factor, rel=1e-14, abs=0.0)


exponents = st.floats(0.0, 4.0)
ratios = st.floats(0.2, 5.0)


@SETTINGS
@given(ratios, ratios, ratios, exponents, exponents, exponents)
def test_powers_multiply(
    side: float, layers: float, power: float, a: float, b: float, c: float
) -> None:
    scale = SCALE | {"side_exponent": a, "layer_exponent": b, "power_exponent": c}
    found = warpage_mean(70.0 * side, 18.0 * layers, 1000.0 * power, **scale)
    assert found == pytest.approx(0.02 * side**a * layers**b * power**c, rel=1e-12, abs=0.0)


@SETTINGS
@given(st.floats(1.05, 4.0), st.floats(1.01, 3.0))
def test_exponents_above_one_grow_faster_than_linearly(grow: float, exponent: float) -> None:
    """Brief 2026: faster than linear with body size, and with layers from 18 on."""
    for key, size in (("side", (70.0 * grow, 18.0)), ("layer", (70.0, 18.0 * grow))):
        scale = SCALE | {f"{key}_exponent": exponent}
        assert warpage_mean(*size, 1000.0, **scale) > 0.02 * grow
        assert warpage_mean(*size, 1000.0, **(scale | {f"{key}_exponent": 0.0})) == 0.02


def test_the_exponents_of_side_and_power_follow_from_the_bow() -> None:
    """A mean in proportion to the bow, a swing in proportion to the power: exponents 2 and 1."""

    def bow(side: float, power: float) -> float:
        return float(bow_um(side, **(BODY | {"temperature_swing_k": -0.2 * power})))

    grown = bow(95.0, 1300.0) / bow(70.0, 1000.0)
    assert warpage_mean(95.0, 18.0, 1300.0, **SCALE) == pytest.approx(
        0.02 * grown, rel=1e-13, abs=0.0
    )


# --- refusals ----------------------------------------------------------------------------------


def test_every_bad_argument_is_named_at_once() -> None:
    bad: dict[str, Any] = dict.fromkeys(SCALE, math.nan)
    assert refused(warpage_mean, 0.0, -1.0, math.inf, **bad) == [
        "side_mm", "layers", "power_w", *SCALE,
    ]  # fmt: skip
    assert refused(bow_um, -1.0, **dict.fromkeys(BODY, math.nan)) == ["side_mm", *BODY]
    scrap = ["bow_um", "limit_um", "spread_um"]
    assert refused(warpage_scrap_frac, math.inf, 0.0, np.array([1.0, 0.0])) == scrap


@pytest.mark.parametrize("bad", ["70", None, True, 10**400])
def test_only_numbers_are_numbers(bad: Any) -> None:
    with pytest.raises(CaseError, match=r"side_mm: must be a number in \(0, inf\)"):
        bow_um(bad, **BODY)


def test_unlike_arrays_and_means_too_large_are_refused() -> None:
    with pytest.raises(CaseError, match="arrays of different lengths"):
        warpage_scrap_frac(np.zeros(2), np.ones(3), 1.0)
    with pytest.raises(CaseError, match="too large for a float"):
        warpage_mean(1e300, 18.0, 1000.0, **SCALE)
