"""Coverage against time, hot and cold insertions, cost of returns.

Proved here: the curve and its inverse undo each other, the margin is the slope, the times that the
final test's levels state come out, hot and cold equal a count over faults drawn one by one (fixed
seed, within 4 standard errors) and its limiting cases, returns are linear.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.physics.support import refused
from yieldopt.errors import CaseError
from yieldopt.physics.coverage_curve import (
    coverage_after,
    hot_and_cold,
    rma_cost_usd,
    seconds_for,
    usd_per_coverage,
)

SETTINGS = settings(derandomize=True, deadline=None, max_examples=100)
fractions = st.floats(0.0, 1.0)
ceilings = st.floats(0.5, 1.0)
taus = st.floats(0.1, 1e3)


# --- the curve ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("coverage", "stated"), [(0.99, 180), (0.995, 207), (0.998, 243), (0.999, 270), (0.9995, 297)]
)
def test_seconds_of_the_final_test_levels(coverage: float, stated: int) -> None:
    """models/insertions/final_test.toml: from 1 − exp(−t/39 s), rounded up."""
    assert math.ceil(seconds_for(coverage, max_coverage_frac=1.0, tau_s=39.0)) == stated


@SETTINGS
@given(fractions, ceilings, taus)
def test_time_and_coverage_undo_each_other(share: float, ceiling: float, tau: float) -> None:
    coverage = 0.999 * share * ceiling
    curve = {"max_coverage_frac": ceiling, "tau_s": tau}
    seconds = seconds_for(coverage, **curve)
    assert coverage_after(seconds, **curve) == pytest.approx(coverage, rel=1e-12, abs=1e-300)


@SETTINGS
@given(st.floats(0.0, 10.0), st.floats(0.001, 1.0), ceilings, taus)
def test_coverage_rises_by_less_and_less_below_its_ceiling(
    time: float, step: float, ceiling: float, tau: float
) -> None:
    def reached(periods: float) -> Any:
        return coverage_after(periods * tau, max_coverage_frac=ceiling, tau_s=tau)

    first = reached(time + step) - reached(time)
    second = reached(time + 2 * step) - reached(time + step)
    assert 0.0 <= second <= first + 1e-15
    assert reached(0.0) == 0.0
    assert reached(1e3) == ceiling
    # each period finds the same share of what is left
    left = ceiling - reached(time + step)
    assert left == pytest.approx((ceiling - reached(time)) * math.exp(-step), abs=1e-15)


def test_short_times_are_linear() -> None:
    tiny = coverage_after(1e-18, max_coverage_frac=0.9, tau_s=3.0)
    assert tiny == pytest.approx(3e-19, rel=1e-14, abs=0.0)
    assert seconds_for(3e-19, max_coverage_frac=0.9, tau_s=3.0) == pytest.approx(
        1e-18, rel=1e-14, abs=0.0
    )


@SETTINGS
@given(st.floats(0.01, 0.98), ceilings, taus, st.floats(1.0, 1e3))
def test_margin_is_the_slope_of_the_cost(
    share: float, ceiling: float, tau: float, rate: float
) -> None:
    """Against a central difference of the test time; its error is of second order in the step."""
    coverage, curve = share * ceiling, {"max_coverage_frac": ceiling, "tau_s": tau}
    step = 1e-4 * (ceiling - coverage)
    rise = seconds_for(coverage + step, **curve) - seconds_for(coverage - step, **curve)
    margin = usd_per_coverage(coverage, usd_per_h=rate, **curve)
    assert margin == pytest.approx(rate / 3600 * rise / (2 * step), rel=1e-7)


def test_rows_of_arrays_equal_single_calls() -> None:
    coverages = np.array([0.1, 0.5, 0.9])
    curve: dict[str, Any] = {"max_coverage_frac": np.array([0.95, 0.96, 0.97]), "tau_s": 10.0}
    seconds = seconds_for(coverages, **curve)
    assert coverage_after(seconds, **curve) == pytest.approx(coverages, rel=1e-14)
    single = seconds_for(0.5, max_coverage_frac=0.96, tau_s=10.0)
    assert np.asarray(seconds)[1] == pytest.approx(single, rel=1e-15)


# --- hot and cold ------------------------------------------------------------------------------


@SETTINGS
@given(fractions, fractions)
def test_limits_are_nested_blind_and_independent(hot: float, cold: float) -> None:
    assert hot_and_cold(hot, cold, common_frac=1.0) == max(hot, cold)
    assert hot_and_cold(hot, cold, common_frac=0.0, hot_only_frac=1.0) == hot
    assert hot_and_cold(hot, cold, common_frac=0.0, cold_only_frac=1.0) == cold
    union = hot_and_cold(hot, cold, common_frac=0.0)
    assert union == pytest.approx(1 - (1 - hot) * (1 - cold), abs=1e-15)


@SETTINGS
@given(fractions, fractions, fractions, fractions, fractions)
def test_between_blind_and_union_and_symmetric(
    hot: float, cold: float, common: float, hot_only: float, cold_only: float
) -> None:
    assume(common + hot_only + cold_only <= 1.0)
    shares = {"hot_only_frac": hot_only, "cold_only_frac": cold_only}
    found = hot_and_cold(hot, cold, common_frac=common, **shares)
    assert min(hot, cold) - 1e-14 <= found <= 1 - (1 - hot) * (1 - cold) + 1e-14
    swapped = hot_and_cold(
        cold, hot, common_frac=common, hot_only_frac=cold_only, cold_only_frac=hot_only
    )
    assert found == pytest.approx(swapped, abs=1e-15)
    assert hot_and_cold(1.0, 1.0, common_frac=common, **shares) == pytest.approx(1.0, abs=1e-15)


def test_simulated_faults() -> None:
    """A million faults of four kinds, each with a fixed hardness; 4 standard errors.

    Both insertions see the common kind by its hardness, one kind each by one alone; the rest has a
    second draw for the cold insertion. A fault counts when either finds it.
    """
    rng = np.random.default_rng(17)
    n, hot, cold = 1_000_000, 0.7, 0.5
    kind = rng.choice(["common", "hot", "cold", "rest"], n, p=[0.5, 0.2, 0.1, 0.2])
    hardness, draw = rng.uniform(0, 1, n), rng.uniform(0, 1, n)
    by_hot = (hardness < hot) & (kind != "cold")
    by_cold = np.where(kind == "rest", draw < cold, hardness < cold) & (kind != "hot")
    seen = (by_hot | by_cold).mean()
    found = hot_and_cold(hot, cold, common_frac=0.5, hot_only_frac=0.2, cold_only_frac=0.1)
    assert found == pytest.approx(0.5 * 0.7 + 0.2 * 0.7 + 0.1 * 0.5 + 0.2 * 0.85, rel=1e-14)
    assert abs(found - seen) < 4 * math.sqrt(seen * (1 - seen) / n)


def test_shares_in_decimals_may_sum_to_one() -> None:
    assert 1.0 - 0.3 - 0.6 - 0.1 < 0.0  # in floats
    found = hot_and_cold(1.0, 1.0, common_frac=0.3, hot_only_frac=0.6, cold_only_frac=0.1)
    assert found == pytest.approx(1.0, abs=1e-15)
    with pytest.raises(CaseError, match="sum to more than 1"):
        hot_and_cold(0.9, 0.9, common_frac=0.7, hot_only_frac=0.2, cold_only_frac=0.1001)


# --- returns -----------------------------------------------------------------------------------


def test_returns_by_hand() -> None:
    """500 DPPM, 80 % of which come back at 40 000 USD: 16 USD a shipped package."""
    assert rma_cost_usd(500.0, 40_000.0, returned_frac=0.8) == pytest.approx(16.0, rel=1e-14)
    row = rma_cost_usd(np.array([0.0, 1e6]), 40_000.0)
    assert row == pytest.approx([0.0, 40_000.0], rel=1e-14)


def test_simulated_returns() -> None:
    """A million packages, each bad, and if bad returned, by chance; 4 standard errors."""
    rng = np.random.default_rng(23)
    n, dppm, share, usd = 1_000_000, 3000.0, 0.6, 250.0
    returned = (rng.uniform(0, 1e6, n) < dppm) & (rng.uniform(0, 1, n) < share)
    found = rma_cost_usd(dppm, usd, returned_frac=share)
    spread = usd * math.sqrt(returned.mean() * (1 - returned.mean()) / n)
    assert abs(found - usd * returned.mean()) < 4 * spread


# --- refusals ----------------------------------------------------------------------------------


def test_every_bad_argument_is_named_at_once() -> None:
    nan = math.nan
    curve = {"max_coverage_frac": 1.1, "tau_s": 0.0}
    assert refused(coverage_after, -1.0, **curve) == ["seconds", *curve]
    assert refused(seconds_for, nan, **curve) == ["coverage_frac", *curve]
    priced = {**curve, "usd_per_h": -1.0}
    assert refused(usd_per_coverage, -0.1, **priced) == ["coverage_frac", *priced]
    shares = {"common_frac": nan, "hot_only_frac": -1.0, "cold_only_frac": 2.0}
    hot_cold = ["hot_coverage_frac", "cold_coverage_frac"]
    assert refused(hot_and_cold, 2.0, -1.0, **shares) == [*hot_cold, *shares]
    assert refused(rma_cost_usd, 2e6, -1.0, returned_frac=nan) == [
        "dppm", "rma_usd_per_return", "returned_frac",
    ]  # fmt: skip


@pytest.mark.parametrize("coverage", [0.9, 0.95, np.array([0.1, 0.9])])
def test_a_coverage_that_no_time_reaches_is_refused(coverage: Any) -> None:
    assert refused(seconds_for, coverage, max_coverage_frac=0.9, tau_s=1.0) == ["coverage_frac"]
    with pytest.raises(CaseError, match="which no time reaches"):
        usd_per_coverage(coverage, max_coverage_frac=0.9, tau_s=1.0, usd_per_h=1.0)
