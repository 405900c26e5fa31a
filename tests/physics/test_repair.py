"""Rework, spare lanes, spare rows and columns: closed forms, limits, properties, simulation.

The references share nothing with the package. Rework is walked try by try. Clustered lanes are
expanded into powers of e^(−Wm), whose means over gamma are known: an alternating sum that needs 400
digits and no integral. Memory dies are counted over rows, columns and cells separately. Simulated
shares agree within four standard errors (fixed seeds).
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
from yieldopt.physics.bonding import bump_bond_mean
from yieldopt.physics.repair import (
    group_log_yield,
    memory_repair_yield,
    reworked,
    spare_lane_yield,
)

D = Decimal
SETTINGS = settings(derandomize=True, deadline=None, max_examples=60)
fractions = st.floats(0.0, 1.0)
alphas = st.one_of(st.none(), st.floats(0.1, 100.0))


# --- rework ------------------------------------------------------------------------------------


@SETTINGS
@given(fractions, fractions, st.integers(0, 12))
def test_rework_walked_try_by_try(scrap: float, success: float, tries: int) -> None:
    failing, reworks, mended = scrap, 0.0, 0.0
    for _ in range(tries):
        reworks += failing
        mended += failing * success
        failing *= 1 - success
    left = reworked(scrap, success_frac=success, tries=tries)
    assert left.scrap_frac == pytest.approx(failing, rel=1e-12, abs=1e-300)
    assert left.reworks_per_unit == pytest.approx(reworks, rel=1e-12)
    assert scrap - left.scrap_frac == pytest.approx(mended, rel=1e-12, abs=1e-15)


def test_rework_at_its_ends() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        never = reworked(0.3, success_frac=0.0, tries=4)
        always = reworked(0.3, success_frac=1.0, tries=4)
        none = reworked(0.3, success_frac=1.0, tries=0)
        hardly = reworked(0.3, success_frac=1e-18, tries=4)
        many = reworked(np.array([0.1, 0.2]), success_frac=np.array([0.0, 1.0]), tries=2)
    assert (never.scrap_frac, never.reworks_per_unit) == (0.3, 1.2)
    assert (always.scrap_frac, always.reworks_per_unit) == (0.0, 0.3)
    assert (none.scrap_frac, none.reworks_per_unit) == (0.3, 0.0)
    assert hardly.reworks_per_unit == pytest.approx(1.2, rel=1e-14)
    np.testing.assert_allclose(many.scrap_frac, [0.1, 0.0], rtol=1e-15)
    np.testing.assert_allclose(many.reworks_per_unit, [0.2, 0.2], rtol=1e-15)


def test_simulated_rework() -> None:
    rng = np.random.default_rng(21)
    failing = rng.random(50_000) < 0.2
    reworks = np.zeros(len(failing))
    for _ in range(3):
        reworks += failing
        failing = failing & (rng.random(len(failing)) >= 0.6)
    left = reworked(0.2, success_frac=0.6, tries=3)
    agree(float(left.scrap_frac), failing)
    agree(float(left.reworks_per_unit), reworks)


# --- spare lanes -------------------------------------------------------------------------------


def exact_group(fail: float, group: int, spares: int) -> Decimal:
    """Chance that a group works: the binomial sum at the ambient precision."""
    f, n = D(fail), group + spares
    return D(sum(math.comb(n, i) * f**i * (1 - f) ** (n - i) for i in range(spares + 1)))


def exact_clustered(groups: int, fail: float, group: int, spares: int, alpha: float) -> float:
    """E over gamma of (a polynomial in x = e^(−Wm))^groups, with E x^k = (1 + km/α)^(−α)."""
    with localcontext() as context:
        context.prec = 400
        n, a = group + spares, D(alpha)
        mass = a * ((1 - D(fail)) ** (-1 / a) - 1)
        one = [0] * (n + 1)
        for i in range(spares + 1):
            for k in range(i + 1):
                one[n - i + k] += math.comb(n, i) * math.comb(i, k) * (-1) ** k
        power = [1]
        for _ in range(groups):
            grown = [0] * (len(power) + n)
            for i, left in enumerate(power):
                for j, right in enumerate(one):
                    grown[i + j] += left * right
            power = grown
        return float(sum(c * (1 + k * mass / a) ** (-a) for k, c in enumerate(power) if c))


@pytest.mark.parametrize("fail", [1e-12, 1e-6, 1e-3, 0.05, 0.4, 0.9])
@pytest.mark.parametrize(("group", "spares"), [(1, 0), (8, 0), (8, 1), (4, 2), (64, 8), (2, 9)])
def test_independent_lanes_are_the_binomial_power(fail: float, group: int, spares: int) -> None:
    with localcontext() as context:
        context.prec = 120
        expected = float(exact_group(fail, group, spares) ** (D(1024) / group))
    value = spare_lane_yield(1024, fail, group=group, spares=spares)
    assert value == pytest.approx(expected, rel=1e-11, abs=1e-300)
    mean = bump_bond_mean(1024, fail, group=group, spares=spares)
    assert value == pytest.approx(math.exp(-mean), rel=1e-12, abs=1e-300)


@pytest.mark.parametrize("alpha", [0.083, 0.5, 3.0, 40.0, 1e4])
@pytest.mark.parametrize("fail", [1e-6, 1e-3, 0.05, 0.4])
@pytest.mark.parametrize(
    ("groups", "group", "spares"), [(1, 2, 1), (12, 4, 2), (6, 8, 1), (3, 5, 6)]
)
def test_clustered_lanes_to_many_digits(
    groups: int, group: int, spares: int, fail: float, alpha: float
) -> None:
    value = float(spare_lane_yield(groups * group, fail, group=group, spares=spares, alpha=alpha))
    expected = exact_clustered(groups, fail, group, spares, alpha)
    assert value == pytest.approx(expected, rel=1e-12)
    assert 1 - value == pytest.approx(1 - expected, rel=1e-9, abs=2e-15)


@pytest.mark.parametrize("alpha", [0.05, 0.7, 20.0, 1e9])
def test_clustering_keeps_the_chance_of_one_lane(alpha: float) -> None:
    fails = np.array([1e-9, 1e-3, 0.1])
    for group, spares in ((1, 0), (3, 0)):
        value = spare_lane_yield(1, fails, group=group, spares=spares, alpha=alpha)
        np.testing.assert_allclose(value, 1 - fails, rtol=1e-13)


@pytest.mark.parametrize(("lanes", "fail"), [(64, 0.02), (4096, 1e-3), (4096, 1e-9)])
def test_weak_clustering_goes_smoothly_to_none(lanes: int, fail: float) -> None:
    plain = float(spare_lane_yield(lanes, fail, group=8, spares=1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for alpha in (1e5, 1e8, 1e12, 1e300):
            value = float(spare_lane_yield(lanes, fail, group=8, spares=1, alpha=alpha))
            assert value == pytest.approx(plain, rel=10 / alpha + 1e-13)


def test_clustering_helps_bare_lanes_and_defeats_spares() -> None:
    """Failing lanes that keep together spoil fewer parts, but more than the spares of a group."""
    bare = [float(spare_lane_yield(1024, 1e-3, group=8, spares=0, alpha=a)) for a in (5.0, 0.5)]
    spared = [float(spare_lane_yield(1024, 1e-3, group=8, spares=1, alpha=a)) for a in (5.0, 0.5)]
    assert spare_lane_yield(1024, 1e-3, group=8, spares=0) < bare[0] < bare[1]
    assert spare_lane_yield(1024, 1e-3, group=8, spares=1) > spared[0] > spared[1]


@SETTINGS
@given(st.floats(1e-9, 0.3), st.integers(1, 16), st.integers(0, 4), alphas)
def test_lanes_move_the_right_way(f: float, group: int, spares: int, alpha: float | None) -> None:
    def share(lanes: float, fail: float, more: int = 0) -> float:
        return float(spare_lane_yield(lanes, fail, group=group, spares=spares + more, alpha=alpha))

    value = share(256, f)
    assert 0.0 <= value <= 1.0
    assert share(256, f, more=1) >= value - 1e-15
    assert share(512, f) <= value + 1e-15
    assert share(256, f * 1.5) <= value + 1e-15


@pytest.mark.parametrize("alpha", [None, 0.8])
def test_simulated_lanes(alpha: float | None) -> None:
    """Faults fall on every lane of a part at its own rate; a lane with any fault fails."""
    rng = np.random.default_rng(22)
    parts, groups, group, spares, mean = 20_000, 10, 6, 2, 0.08
    rate = np.full(parts, mean) if alpha is None else rng.gamma(alpha, mean / alpha, parts)
    faults = rng.poisson(rate[:, None, None], (parts, groups, group + spares))
    good = np.all(np.sum(faults > 0, axis=2) <= spares, axis=1)
    fail = 1 - (math.exp(-mean) if alpha is None else (1 + mean / alpha) ** -alpha)
    value = spare_lane_yield(groups * group, fail, group=group, spares=spares, alpha=alpha)
    agree(float(value), good)


def test_published_lanes_and_blocks() -> None:
    """Google's 32 blocks without spares (Y25) and a memory of sense amplifiers.

    MIT 6.780J, 2008, assignment 5: 256 amplifiers of 99.5 % yield 27.7 %, four such blocks 0.6 %,
    and nearly all once 25 may fail.
    """
    blocks = float(spare_lane_yield(32, 0.01, group=32, spares=0))
    published("Y25", blocks)
    assert spare_lane_yield(256, 0.005, group=256, spares=0) == pytest.approx(0.277, abs=5e-4)
    assert spare_lane_yield(1024, 0.005, group=256, spares=0) == pytest.approx(0.006, abs=5e-4)
    assert spare_lane_yield(231, 0.005, group=231, spares=25) > 1 - 1e-12


@pytest.mark.parametrize(("block", "recovered"), [(50, 0.90), (25, 0.95)])
def test_published_recovery_of_lanes(block: int, recovered: float) -> None:
    """Hsieh and Hwang: one spare a block of 50 or 25 recovers 90 % or 95 % of two failing lanes.

    The abstract names no number of lanes; 500 is inferred (it is what gives both figures). At a
    vanishing f the loss is that of the tiers with exactly two failing lanes.
    """
    lanes, fail = 500, 1e-6
    total = lanes // block * (block + 1)
    two = math.comb(total, 2) * fail**2
    lost = -math.log(float(spare_lane_yield(lanes, fail, group=block, spares=1)))
    assert 1 - lost / two == pytest.approx(recovered, abs=0.005)


def test_arrays_of_lanes_equal_scalars() -> None:
    lanes, fail = np.array([0.0, 8.0, 1e4]), np.array([0.2, 0.1, 0.0])
    for alpha in (None, 2.0):
        each = [
            spare_lane_yield(n, f, group=4, spares=1, alpha=alpha)
            for n, f in zip(lanes, fail, strict=True)
        ]
        together = np.asarray(spare_lane_yield(lanes, fail, group=4, spares=1, alpha=alpha))
        np.testing.assert_allclose(together, np.array(each), rtol=1e-14)
        assert together[0] == together[2] == 1.0
        assert np.ndim(each[1]) == 0
    np.testing.assert_array_equal(group_log_yield(np.zeros(2), group=3, spares=2), [0.0, 0.0])


# --- memory ------------------------------------------------------------------------------------

SPARES: dict[str, Any] = {"row_spares": 3, "column_spares": 2, "row_frac": 0.3, "column_frac": 0.15}


def log_count(n: int, mean: float, alpha: float | None) -> float:
    """ln P(n faults) by gamma functions."""
    if alpha is None:
        return n * math.log(mean) - mean - math.lgamma(n + 1)
    odds = math.log(mean / (alpha + mean))
    choose = math.lgamma(alpha + n) - math.lgamma(alpha) - math.lgamma(n + 1)
    return choose + n * odds - alpha * math.log1p(mean / alpha)


def counted(mean: float, alpha: float | None, given: dict[str, Any]) -> float:
    """Sum over rows i, columns j and cells k; some split of the cells over both spares must fit."""
    r, c = given["row_spares"], given["column_spares"]
    a, b = given["row_frac"], given["column_frac"]
    terms = []
    for i in range(r + 1):
        for j in range(c + 1):
            for k in range(r + c + 1):
                if not any(i + x <= r and j + k - x <= c for x in range(k + 1)):
                    continue
                ways = math.comb(i + j + k, i) * math.comb(j + k, j)
                share = ways * a**i * b**j * (1 - a - b) ** k
                terms.append(math.exp(log_count(i + j + k, mean, alpha)) * share)
    return math.fsum(terms)


@pytest.mark.parametrize("alpha", [None, 0.3, 2.0, 50.0])
@pytest.mark.parametrize("mean", [1e-6, 0.1, 2.0, 9.0, 60.0])
@pytest.mark.parametrize(
    "given",
    [SPARES, {**SPARES, "row_spares": 0}, {**SPARES, "row_frac": 0.0, "column_frac": 0.6},
     {"row_spares": 8, "column_spares": 8, "row_frac": 0.1, "column_frac": 0.1}],
)  # fmt: skip
def test_memory_counted_over_rows_columns_and_cells(
    given: dict[str, Any], mean: float, alpha: float | None
) -> None:
    value = memory_repair_yield(mean, alpha=alpha, **given)
    assert value == pytest.approx(counted(mean, alpha, given), rel=1e-11)


@pytest.mark.parametrize(
    ("shares", "limit"), [((1.0, 0.0), 30), ((0.0, 1.0), 12), ((0.0, 0.0), 42)]
)
@pytest.mark.parametrize("mean", [0.5, 12.0, 40.0, 2000.0])
def test_one_kind_of_fault_is_a_poisson_sum(
    shares: tuple[float, float], limit: int, mean: float
) -> None:
    """Only rows, only columns or only cells: at most 30, 12 or 42 of them, in 60 digits."""
    with localcontext() as context:
        context.prec = 60
        m = D(mean)
        terms = [m**n / math.factorial(n) for n in range(limit + 1)]
        expected = float(D(sum(terms)) * (-m).exp())
    value = memory_repair_yield(
        mean, row_spares=30, column_spares=12, row_frac=shares[0], column_frac=shares[1]
    )
    assert value == pytest.approx(expected, rel=1e-12, abs=1e-300)


def test_memory_without_spares_is_its_yield_law() -> None:
    none: dict[str, Any] = {**SPARES, "row_spares": 0, "column_spares": 0}
    means = np.array([0.0, 1e-9, 0.7, 12.0])
    np.testing.assert_allclose(memory_repair_yield(means, **none), np.exp(-means), rtol=1e-14)
    clustered = memory_repair_yield(means, alpha=0.6, **none)
    np.testing.assert_allclose(clustered, (1 + means / 0.6) ** -0.6, rtol=1e-14)


def test_memory_clustering_goes_smoothly_to_poisson() -> None:
    means = np.array([0.1, 3.0, 8.0])
    plain = memory_repair_yield(means, **SPARES)
    for alpha in (1e5, 1e9, 1e15, 1e300):
        value = memory_repair_yield(means, alpha=alpha, **SPARES)
        np.testing.assert_allclose(value, plain, rtol=100 / alpha + 1e-14)


@SETTINGS
@given(st.floats(0.0, 30.0), st.integers(0, 8), st.integers(0, 8), fractions, fractions, alphas)
def test_memory_moves_the_right_way(
    mean: float, rows: int, columns: int, some: float, rest: float, alpha: float | None
) -> None:
    a, b = some * 0.5, rest * 0.5

    def share(m: float, r: int, c: int, x: float = a, y: float = b) -> float:
        spares: dict[str, Any] = {"row_spares": r, "column_spares": c}
        return float(memory_repair_yield(m, row_frac=x, column_frac=y, alpha=alpha, **spares))

    value = share(mean, rows, columns)
    assert 0.0 <= value <= 1.0
    assert share(mean, rows + 1, columns) >= value - 1e-15
    assert share(mean, rows, columns + 1) >= value - 1e-15
    assert share(mean * 1.1, rows, columns) <= value + 1e-15
    assert share(mean, columns, rows, b, a) == pytest.approx(value, rel=1e-12)
    cells = share(mean, rows, columns, 0.0, 0.0)  # a cell is the easiest fault to repair
    assert cells >= value - 1e-15


@pytest.mark.parametrize("alpha", [None, 1.3])
def test_simulated_memory(alpha: float | None) -> None:
    """Dies with faults of a kind each, repaired one fault at a time; rows and columns go first."""
    rng = np.random.default_rng(23)
    good = np.zeros(30_000, dtype=bool)
    for die in range(len(good)):
        rate = 3.0 if alpha is None else rng.gamma(alpha, 3.0 / alpha)
        left = [SPARES["row_spares"], SPARES["column_spares"]]
        kinds = rng.random(rng.poisson(rate))
        lines = np.where(kinds < 0.3, 0, np.where(kinds < 0.45, 1, 2))
        for line in sorted(lines):
            left[int(line) if line < 2 else int(left[1] > left[0])] -= 1
        good[die] = min(left) >= 0
    agree(float(memory_repair_yield(3.0, alpha=alpha, **SPARES)), good)


def test_memory_at_its_ends_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for alpha in (None, 2.0):
            value = memory_repair_yield(np.array([0.0, 1e-300, 1e6]), alpha=alpha, **SPARES)
            np.testing.assert_allclose(value, [1.0, 1.0, 0.0], atol=1e-6)
            assert np.ndim(memory_repair_yield(1.0, alpha=alpha, **SPARES)) == 0
            many = {**SPARES, "row_spares": 20, "column_spares": 20}
            shares = memory_repair_yield(np.linspace(0.01, 3.0, 500), alpha=alpha, **many)
            assert np.all(shares <= 1.0)


# --- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("function", "arguments", "named"), [
    (reworked, {"scrap_frac": 1.1, "success_frac": math.nan, "tries": -1},
     ["scrap_frac", "success_frac", "tries"]),
    (spare_lane_yield, {"lanes": -1.0, "fail_per_lane": 1.0, "group": 0, "spares": 0.5,
                        "alpha": 0.0}, ["lanes", "fail_per_lane", "group", "spares", "alpha"]),
    (memory_repair_yield, {"mean_faults": math.inf, "row_spares": -1, "column_spares": True,
                           "row_frac": -0.1, "column_frac": 1.2, "alpha": math.nan},
     ["mean_faults", "row_spares", "column_spares", "row_frac", "column_frac", "alpha"]),
    (memory_repair_yield, {"mean_faults": 1.0, **SPARES, "row_frac": 0.6, "column_frac": 0.5},
     ["row_frac + column_frac"]),
    (spare_lane_yield, {"lanes": 8.0, "fail_per_lane": 0.9, "group": 8, "spares": 1,
                        "alpha": 1e-3}, ["alpha"]),
])  # fmt: skip
def test_every_fault_is_named_at_once(
    function: Any, arguments: dict[str, Any], named: list[str]
) -> None:
    assert refused(function, **arguments) == named
