"""Bumps, layers, dies consumed and compound yields: closed forms, limits, simulation.

The references share nothing with the package: sums of binomial terms in 360 digits, layers added
one by one, and units that are bonded, tested and dropped one step at a time. A simulated share
agrees within four standard errors (fixed seeds).
"""

from __future__ import annotations

import math
import warnings
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.physics.support import agree, published, refused
from yieldopt.errors import CaseError
from yieldopt.physics.bonding import (
    bump_bond_mean,
    bump_count,
    die_to_wafer_yield,
    dies_per_good_stack_collective,
    dies_per_good_stack_sequential,
    stack_mean,
    wafer_to_wafer_yield,
)

SETTINGS = settings(derandomize=True, deadline=None, max_examples=100)
yields = st.lists(st.floats(0.2, 1.0), min_size=1, max_size=16)


# --- bumps -------------------------------------------------------------------------------------


def exact_mean(bumps: int, fail: float, group: int, spares: int) -> float:
    """−(N/g) ln Σ_{i≤s} of the binomial terms, in 360 digits: the loss may be 1e-308."""
    with localcontext() as context:
        context.prec = 360
        f, n = Decimal(fail), group + spares
        held = sum(math.comb(n, i) * f**i * (1 - f) ** (n - i) for i in range(spares + 1))
        return float(-Decimal(bumps) / group * Decimal(held).ln())


@pytest.mark.parametrize("fail", [1e-15, 1e-9, 1e-6, 1e-3, 0.03, 0.2, 0.5, 0.8, 0.999])
@pytest.mark.parametrize(
    ("group", "spares"), [(1, 0), (1, 1), (8, 0), (8, 1), (4, 2), (64, 6), (5, 20)]
)
def test_bump_mean_keeps_its_digits(fail: float, group: int, spares: int) -> None:
    value = bump_bond_mean(10_000, fail, group=group, spares=spares)
    assert value == pytest.approx(exact_mean(10_000, fail, group, spares), rel=1e-12)


@pytest.mark.parametrize("fail", [1e-9, 1e-6, 1e-4, 4e-4])
def test_a_group_of_many_bumps_sums_until_nothing_is_left(fail: float) -> None:
    """5,000 bumps, 3 spares: the mean number failing runs from 5e-6 to 2."""
    value = bump_bond_mean(5_000, fail, group=5_000, spares=3)
    assert value == pytest.approx(exact_mean(5_000, fail, 5_000, 3), rel=1e-11)


def test_bumps_without_spares_are_the_plain_power() -> None:
    assert bump_bond_mean(3e7, 1e-18) == pytest.approx(3e-11, rel=1e-15)
    assert bump_bond_mean(1000, 0.25, group=10) == pytest.approx(-1000 * math.log(0.75), rel=1e-14)
    assert bump_bond_mean(1000, 0.0, group=10, spares=2) == 0.0
    assert bump_bond_mean(0, 0.3, group=10, spares=2) == 0.0


def test_published_cost_of_many_bumps() -> None:
    """CATCH's 0.999999 a bump: 20,000 bumps yield 0.980, 200,000 cost 18 % (parameter table)."""
    assert math.exp(-bump_bond_mean(20_000, 1e-6)) == pytest.approx(0.980, abs=5e-4)
    assert 1 - math.exp(-bump_bond_mean(200_000, 1e-6)) == pytest.approx(0.18, abs=5e-3)


@SETTINGS
@given(st.floats(1e-12, 0.9), st.integers(1, 40), st.integers(0, 12), st.floats(1.01, 3.0))
def test_bump_mean_moves_the_right_way(f: float, group: int, spares: int, more: float) -> None:
    mean = bump_bond_mean(1000, f, group=group, spares=spares)
    assert bump_bond_mean(1000, f, group=group, spares=spares + 1) < mean
    assert bump_bond_mean(1000, min(f * more, 0.95), group=group, spares=spares) > mean
    assert bump_bond_mean(2500, f, group=group, spares=spares) == pytest.approx(2.5 * mean)


def test_simulated_bumps_with_spares() -> None:
    rng = np.random.default_rng(3)
    units, groups, group, spares, fail = 20_000, 12, 6, 1, 0.04
    bad = rng.random((units, groups, group + spares)) < fail
    good = np.all(bad.sum(axis=2) <= spares, axis=1)
    agree(math.exp(-bump_bond_mean(groups * group, fail, group=group, spares=spares)), good)


def test_bumps_of_a_grid_counted() -> None:
    """10 × 12 mm at 40 um: the grid points of whole rows and columns."""
    assert bump_count(120.0, 40.0) == pytest.approx(250 * 300, rel=1e-15)
    counts = bump_count(np.array([1.0, 100.0]), np.array([1000.0, 10.0]))
    np.testing.assert_allclose(counts, [1.0, 1e6], rtol=1e-15)


def test_arrays_equal_scalars_without_a_warning() -> None:
    bumps, fail = np.array([0.0, 10.0, 1e5, 1e5]), np.array([0.0, 0.9, 1e-9, 0.3])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        together = bump_bond_mean(bumps, fail, group=8, spares=2)
        each = [bump_bond_mean(n, f, group=8, spares=2) for n, f in zip(bumps, fail, strict=True)]
        assert all(np.ndim(mean) == 0 for mean in each)
        np.testing.assert_allclose(together, np.array(each), rtol=1e-14)
        stacks = stack_mean(np.array([0.1, 0.2]), 5, growth_frac_per_layer=np.array([0.0, 0.5]))
        np.testing.assert_allclose(stacks, [0.5, 0.2 * (1.5**5 - 1) / 0.5], rtol=1e-14)
        layers: list[Any] = [np.array([1.0, 0.5]), 0.8]
        np.testing.assert_allclose(dies_per_good_stack_sequential(layers), [2.5, 3.75], rtol=1e-15)
        np.testing.assert_allclose(dies_per_good_stack_collective(layers), [2.5, 5.0], rtol=1e-15)
        np.testing.assert_allclose(wafer_to_wafer_yield(layers, 0.5), [0.4, 0.2], rtol=1e-15)


# --- layers of a stack -------------------------------------------------------------------------


@SETTINGS
@given(st.floats(0.0, 5.0), st.integers(1, 32), st.one_of(st.just(0.0), st.floats(1e-18, 2.0)))
def test_layers_added_one_by_one(mean: float, layers: int, growth: float) -> None:
    total = math.fsum(mean * (1 + growth) ** i for i in range(layers))
    assert stack_mean(mean, layers, growth_frac_per_layer=growth) == pytest.approx(total, rel=1e-12)


def test_no_growth_is_a_smooth_limit() -> None:
    for growth in (1e-3, 1e-8, 1e-16, 5e-324):
        # λ n (1 + r(n−1)/2 + …)
        ratio = stack_mean(0.01, 16, growth_frac_per_layer=growth) / 0.16
        assert ratio == pytest.approx(1 + 7.5 * growth, rel=50 * growth**2 + 1e-14)


def test_reported_stack_yields() -> None:
    """0.9725 a layer is 80 % at 8-high and 72 % at 12-high; 60–70 % is reported for the latter."""
    flat = -math.log(0.9725)
    assert math.exp(-stack_mean(flat, 8)) == pytest.approx(0.80, abs=5e-4)
    assert math.exp(-stack_mean(flat, 12)) == pytest.approx(0.716, abs=5e-4)
    for growth, low, high in ((0.05, 0.68, 0.70), (0.12, 0.64, 0.66)):
        lowest = -math.log(0.8) / stack_mean(1.0, 8, growth_frac_per_layer=growth)
        tall = stack_mean(lowest, 12, growth_frac_per_layer=growth)
        assert low < math.exp(-tall) < high


def test_simulated_stack_with_growing_loss() -> None:
    rng = np.random.default_rng(4)
    good = np.ones(40_000, dtype=bool)
    mean = 0.02
    for _ in range(8):
        good &= rng.poisson(mean, len(good)) == 0
        mean *= 1.15
    agree(math.exp(-stack_mean(0.02, 8, growth_frac_per_layer=0.15)), good)


def test_a_mean_beyond_any_float_is_refused() -> None:
    with pytest.raises(CaseError, match="the stack's mean is too large"):
        stack_mean(0.1, 2000, growth_frac_per_layer=1.0)


# --- dies consumed -----------------------------------------------------------------------------


def consumed(layers: list[float], units: int, sequential: bool) -> tuple[float, float]:
    """Dies per good stack of units built one die at a time, and its standard error (delta rule)."""
    rng = np.random.default_rng(8)
    dies, good = np.zeros(units), np.ones(units, dtype=bool)
    for chance in layers:
        placed = good if sequential else np.ones(units, dtype=bool)
        dies += placed
        good = good & (rng.random(units) < chance)
    ratio = dies.sum() / good.sum()
    error = np.std(dies - ratio * good) / (good.mean() * math.sqrt(units))
    return float(ratio), float(error)


@pytest.mark.parametrize("layers", [[1.0, 0.95, 0.9, 0.85, 0.8], [0.7, 0.99], [0.97] * 12])
def test_simulated_consumption(layers: list[float]) -> None:
    for sequential, function in (
        (True, dies_per_good_stack_sequential),
        (False, dies_per_good_stack_collective),
    ):
        ratio, error = consumed(layers, 60_000, sequential)
        assert abs(ratio - float(function(layers))) < 4 * error


@SETTINGS
@given(st.floats(0.3, 0.999), st.integers(1, 16))
def test_equal_layers_are_a_geometric_sum(y: float, n: int) -> None:
    closed = (y**-n - 1) / (1 - y)
    assert dies_per_good_stack_sequential([y] * n) == pytest.approx(closed, rel=1e-10)
    assert dies_per_good_stack_collective([y] * n) == pytest.approx(n * y**-n, rel=1e-12)


@SETTINGS
@given(yields)
def test_a_test_after_each_layer_never_takes_more_dies(layers: list[float]) -> None:
    each = float(dies_per_good_stack_sequential(layers))
    assert len(layers) - 1e-9 <= each <= float(dies_per_good_stack_collective(layers)) + 1e-9
    late = [1.0] * (len(layers) - 1) + layers[-1:]  # only the last die can fail: nothing to save
    assert dies_per_good_stack_sequential(late) == pytest.approx(
        dies_per_good_stack_collective(late), rel=1e-12
    )


def test_an_early_failure_saves_more_than_a_late_one() -> None:
    assert dies_per_good_stack_sequential([0.5, 1.0, 1.0]) == 4.0
    assert dies_per_good_stack_sequential([1.0, 1.0, 0.5]) == 6.0
    assert dies_per_good_stack_collective([0.5, 1.0, 1.0]) == 6.0


# --- wafers on wafers, dies on wafers ----------------------------------------------------------


def test_published_compound_yields() -> None:
    published("C01", float(wafer_to_wafer_yield([0.6, 0.6], 1.0)))
    for name, dies, quality in (
        ("C995b", 8, 0.995), ("C990a", 4, 0.99), ("C990b", 8, 0.99), ("C980b", 8, 0.98),
        ("C950a", 4, 0.95), ("C950b", 8, 0.95), ("C900b", 8, 0.90), ("C02", 4, 0.95),
        ("C04", 4, 0.90), ("C05", 4, 0.80),
    ):  # fmt: skip
        published(name, float(die_to_wafer_yield([quality] * dies, 1.0)))
    published("C06", 1 - float(die_to_wafer_yield([0.99] * 5, 1.0)))


def test_simulated_wafers_bonded_blindly() -> None:
    """Three wafers of 200 dies each, laid on each other as they are; 300 sets."""
    rng = np.random.default_rng(6)
    good = np.ones((300, 200), dtype=bool)
    for at, share in enumerate((0.8, 0.9, 0.7)):
        good &= rng.random(good.shape) < share
        if at:
            good &= rng.random(good.shape) < 0.97
    agree(float(wafer_to_wafer_yield([0.8, 0.9, 0.7], 0.97)), good.ravel())


def test_simulated_dies_sorted_before_bonding() -> None:
    """A sort that sees 90 % of the bad dies: only passing dies are placed, four to a stack."""
    rng = np.random.default_rng(7)
    bad = rng.random(400_000) < 0.3
    passing = ~(bad & (rng.random(len(bad)) < 0.9))
    placed = bad[passing]
    stacks = placed[: len(placed) // 4 * 4].reshape(-1, 4)
    good = ~stacks.any(axis=1) & np.all(rng.random((len(stacks), 3)) < 0.98, axis=1)
    agree(float(die_to_wafer_yield([0.7 / 0.73] * 4, 0.98)), good)


@SETTINGS
@given(yields, st.floats(0.5, 1.0))
def test_known_good_dies_never_yield_less(dies: list[float], bond: float) -> None:
    blind = wafer_to_wafer_yield(dies, bond)
    half_tested = [y / (1 - (1 - y) * 0.5) for y in dies]
    assert die_to_wafer_yield(half_tested, bond) >= blind
    assert die_to_wafer_yield([1.0] * len(dies), bond) == pytest.approx(bond ** (len(dies) - 1))
    assert wafer_to_wafer_yield(dies, 1.0) == pytest.approx(math.prod(dies), rel=1e-12)


# --- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("function", "arguments", "named"), [
    (bump_count, {"area_mm2": 0.0, "pitch_um": math.nan}, ["area_mm2", "pitch_um"]),
    (bump_bond_mean, {"bumps": -1, "fail_per_bump": 1.0, "group": 0, "spares": -1},
     ["bumps", "fail_per_bump", "group", "spares"]),
    (stack_mean, {"mean_per_layer": math.nan, "layers": 0, "growth_frac_per_layer": -0.1},
     ["mean_per_layer", "layers", "growth_frac_per_layer"]),
    (dies_per_good_stack_sequential, {"layer_yields": [0.0, 0.5, 1.1]},
     ["layer_yields[0]", "layer_yields[2]"]),
    (dies_per_good_stack_collective, {"layer_yields": []}, ["number of layer_yields"]),
    (wafer_to_wafer_yield, {"die_yields": [], "bond_yield": 1.5},
     ["number of die_yields", "bond_yield"]),
    (die_to_wafer_yield, {"qualities": [-0.1, 0.9], "bond_yield": math.nan},
     ["qualities[0]", "bond_yield"]),
])  # fmt: skip
def test_every_fault_is_named_at_once(
    function: Any, arguments: dict[str, Any], named: list[str]
) -> None:
    assert refused(function, **arguments) == named
