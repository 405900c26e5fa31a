"""Change over time: learning of D0, ramps, eroded prices.

Learning is checked against its differential equation stepped in time and against the reported fall
of N5; ramps against lots started at the rate of the moment and against the integral of the rate;
mean prices against units sold one by one.
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
from yieldopt.physics.learning import (
    d0_after,
    d0_after_volume,
    eroded_price_usd,
    halving_months,
    mean_price_usd,
    ramp,
    ramp_geometric,
)

SETTINGS = settings(derandomize=True, deadline=None, max_examples=60)
densities = st.floats(1e-4, 10.0)
times = st.floats(0.0, 100.0)


# --- learning over time ------------------------------------------------------------------------


def test_n5_fell_from_1271_to_105_in_eight_months() -> None:
    """AnandTech: 1.271 in December 2019, 0.10-0.11 in August 2020; a halving every 2.2 months."""
    tau = 8.0 / math.log(1.271 / 0.105)
    assert halving_months(tau) == pytest.approx(2.2, abs=0.05)
    assert d0_after(8.0, d0_start=1.271, d0_final=0.0, tau_months=tau) == pytest.approx(0.105)
    at_stated_halving = d0_after(8.0, d0_start=1.271, d0_final=0.0, tau_months=2.2 / math.log(2.0))
    assert 0.10 <= at_stated_halving <= 0.11


def test_learning_solves_its_equation_step_by_step() -> None:
    """dD/dt = −(D − D∞)/τ in 40,000 midpoint steps: exact to 2e-9."""
    density, step = 1.271, 8.0 / 40_000
    for _ in range(40_000):
        half = density - 0.5 * step * (density - 0.06) / 3.0
        density -= step * (half - 0.06) / 3.0
    found = d0_after(8.0, d0_start=1.271, d0_final=0.06, tau_months=3.0)
    assert found == pytest.approx(density, rel=1e-8)


@SETTINGS
@given(times, densities, st.floats(0.0, 1.0), st.floats(0.1, 50.0))
def test_learning_goes_from_start_to_final_and_halves_on_time(
    months: float, start: float, share: float, tau: float
) -> None:
    final = share * start
    learn: dict[str, Any] = {"d0_start": start, "d0_final": final, "tau_months": tau}
    now = d0_after(months, **learn)
    assert d0_after(0.0, **learn) == start
    assert final * (1 - 1e-15) <= now <= start * (1 + 1e-15)
    assert d0_after(months + 1.0, **learn) <= now * (1 + 1e-15)
    later = d0_after(months + halving_months(tau), **learn)
    assert later - final == pytest.approx(0.5 * (now - final), rel=1e-9, abs=1e-14 * start)
    assert d0_after(1e9, **learn) == final


def test_learning_keeps_its_digits_far_out() -> None:
    """No D∞ to hide behind: e^(−200) to full relative accuracy."""
    found = d0_after(200.0, d0_start=1.0, d0_final=0.0, tau_months=1.0)
    assert found == pytest.approx(1.3838965267367376e-87, rel=1e-13, abs=0.0)


# --- learning over volume ----------------------------------------------------------------------


@pytest.mark.parametrize("ratio", [0.7, 0.85, 1.0])
def test_each_doubling_multiplies_by_the_progress_ratio(ratio: float) -> None:
    density, volume = 0.8, 250.0
    for _ in range(12):
        found = d0_after_volume(volume, d0_first=0.8, progress_ratio=ratio, first_volume=250.0)
        assert found == pytest.approx(density, rel=1e-13, abs=0.0)
        density, volume = ratio * density, 2.0 * volume


@SETTINGS
@given(st.floats(1.0, 1e6), st.floats(1.0, 1e4), st.floats(1.0, 1e4), st.floats(0.3, 1.0))
def test_wrights_law_is_a_straight_line_in_logarithms(
    first: float, more: float, again: float, ratio: float
) -> None:
    """Going on from any point of the curve stays on the curve."""

    def at(volume: float, d0: float, from_volume: float) -> float:
        return float(
            d0_after_volume(volume, d0_first=d0, progress_ratio=ratio, first_volume=from_volume)
        )

    middle = at(first * more, 0.5, first)
    end = at(first * more * again, 0.5, first)
    assert at(first * more * again, middle, first * more) == pytest.approx(end, rel=1e-11, abs=0.0)
    assert end <= middle * (1 + 1e-14) <= 0.5 * (1 + 1e-13)
    slope = math.log(middle / 0.5)
    assert slope == pytest.approx(math.log(ratio) / math.log(2.0) * math.log(more), abs=1e-11)


# --- ramps -------------------------------------------------------------------------------------


def linear(start: float, end: float, at: Any) -> Any:
    return start + (end - start) * at


def geometric(start: float, end: float, at: Any) -> Any:
    return start * (end / start) ** at


@pytest.mark.parametrize(("function", "rate"), [(ramp, linear), (ramp_geometric, geometric)])
@pytest.mark.parametrize(("start", "end"), [(5000.0, 10000.0), (10000.0, 300.0), (7.0, 7.0)])
def test_ramp_is_the_rate_integrated(function: Any, rate: Any, start: float, end: float) -> None:
    """Midpoint sums of 3,000 slices a period: exact to 1e-7 of it."""
    at = (np.arange(12 * 3000) + 0.5) / (12 * 3000)
    slices = rate(start, end, at).reshape(12, 3000).mean(axis=1)
    assert function(start, end, 12) == pytest.approx(slices, rel=1e-7)


@pytest.mark.parametrize(("function", "rate"), [(ramp, linear), (ramp_geometric, geometric)])
def test_ramp_is_what_lots_started_at_random_make(function: Any, rate: Any) -> None:
    """Lots start at random, at the rate of the moment (thinned); within 4 standard errors."""
    rng = np.random.default_rng(3)
    moments = rng.uniform(0.0, 1.0, rng.poisson(10_000.0 * 12))
    kept = moments[rng.uniform(0.0, 10_000.0, moments.size) < rate(5000.0, 10_000.0, moments)]
    counted = np.histogram(kept, bins=12, range=(0.0, 1.0))[0]
    expected = function(5000.0, 10_000.0, 12)
    assert np.all(np.abs(counted - expected) < 4.0 * np.sqrt(expected))


def test_a_fan_out_line_makes_90_000_wafers_while_it_doubles() -> None:
    """Brief 2026: 5,000 wafers a month at the end of 2026, 10,000 at the end of 2027."""
    months = ramp(5000.0, 10000.0, 12)
    assert np.cumsum(months)[-1] == pytest.approx(90_000.0, rel=1e-14)
    assert np.diff(months) == pytest.approx(5000.0 / 12, rel=1e-11)
    grown = ramp_geometric(5000.0, 10000.0, 12)
    assert grown[1:] / grown[:-1] == pytest.approx(2.0 ** (1 / 12), rel=1e-14)
    assert np.cumsum(grown)[-1] == pytest.approx(12 * 5000.0 / math.log(2.0), rel=1e-14)


rates = st.floats(1e-3, 1e6)


@SETTINGS
@given(rates, rates, st.integers(1, 40), st.integers(1, 5))
def test_finer_periods_make_the_same(start: float, end: float, periods: int, split: int) -> None:
    for function in (ramp, ramp_geometric):
        coarse = function(start, end, periods)
        fine = function(start, end, periods * split) / split
        assert fine.reshape(periods, split).sum(axis=1) == pytest.approx(coarse, rel=1e-12)
        assert function(end, start, periods)[::-1] == pytest.approx(coarse, rel=1e-12)
        low, high = min(start, end), max(start, end)
        assert np.all((coarse >= low * (1 - 1e-13)) & (coarse <= high * (1 + 1e-13)))
    assert ramp_geometric(start, end, periods).sum() <= ramp(start, end, periods).sum() * (
        1 + 1e-12
    )


@pytest.mark.parametrize("gap", [0.0, 1e-15, 1e-9, 1e-6])
def test_geometric_ramp_goes_smoothly_to_a_level_one(gap: float) -> None:
    level = ramp_geometric(100.0, 100.0 * (1.0 + gap), 4)
    assert level == pytest.approx(ramp(100.0, 100.0 * (1.0 + gap), 4), rel=1e-12)


def test_learning_along_a_ramp() -> None:
    """The running total of a ramp is the volume of Wright's law: 10, 15 and 20 thousand made."""
    made = 5000.0 + np.cumsum(ramp(5000.0, 5000.0, 3))
    found = d0_after_volume(made, d0_first=0.4, progress_ratio=0.8, first_volume=5000.0)
    assert found == pytest.approx(
        [0.4 * 0.8, 0.4 * 0.8 ** math.log2(3.0), 0.4 * 0.64], rel=1e-13, abs=0.0
    )


# --- prices ------------------------------------------------------------------------------------


def test_a_price_loses_its_share_each_year() -> None:
    price = 560.0
    for year in range(6):
        found = eroded_price_usd(560.0, annual_frac=0.15, years=float(year))
        assert found == pytest.approx(price, rel=1e-14)
        price -= 0.15 * price
    assert eroded_price_usd(100.0, annual_frac=-0.05, years=2.0) == pytest.approx(110.25)


@pytest.mark.parametrize("erosion", [0.0, 1e-12, 0.3, 0.9, -0.1])
def test_mean_price_is_that_of_units_sold_one_by_one(erosion: float) -> None:
    """Twenty thousand units a period, evenly: exact to 1e-8."""
    volumes = np.array([1.0, 4.0, 0.0, 7.0, 2.0])
    years = (np.arange(5 * 20_000) + 0.5) / 20_000 / 4.0
    prices = 900.0 * (1.0 - erosion) ** years
    sold = np.repeat(volumes, 20_000)
    expected = float((sold * prices).sum() / sold.sum())
    found = mean_price_usd(900.0, annual_frac=erosion, volumes=volumes, periods_per_year=4.0)
    assert found == pytest.approx(expected, rel=1e-8)


@SETTINGS
@given(st.floats(0.0, 0.9), st.lists(st.floats(0.1, 100.0), min_size=1, max_size=12))
def test_mean_price_lies_between_first_and_last(erosion: float, volumes: list[float]) -> None:
    sold = np.array(volumes)
    mean = mean_price_usd(500.0, annual_frac=erosion, volumes=sold, periods_per_year=2.0)
    last = eroded_price_usd(500.0, annual_frac=erosion, years=len(volumes) / 2.0)
    assert last * (1 - 1e-12) <= mean <= 500.0 * (1 + 1e-12)
    more = mean_price_usd(500.0, annual_frac=erosion, volumes=3.0 * sold, periods_per_year=2.0)
    assert more == pytest.approx(mean, rel=1e-12)


def test_selling_later_sells_cheaper() -> None:
    growing = ramp(1000.0, 9000.0, 12)
    kind: dict[str, Any] = {"annual_frac": 0.25, "periods_per_year": 12.0}
    late = mean_price_usd(100.0, volumes=growing, **kind)
    assert late < mean_price_usd(100.0, volumes=growing[::-1], **kind)


# --- arrays and refusals -----------------------------------------------------------------------


def test_arrays_are_taken_element_by_element() -> None:
    months, taus = np.array([0.0, 3.0, 9.0]), np.array([2.0, 3.0, 4.0])
    found = d0_after(months, d0_start=1.0, d0_final=0.1, tau_months=taus)
    pairs = list(zip(months, taus, strict=True))
    one_by_one = [d0_after(m, d0_start=1.0, d0_final=0.1, tau_months=t) for m, t in pairs]
    assert list(found) == one_by_one
    volumes = np.array([1e3, 5e3])
    wright: dict[str, Any] = {"d0_first": 0.5, "progress_ratio": 0.8, "first_volume": 1e3}
    found = d0_after_volume(volumes, **wright)
    assert list(found) == [d0_after_volume(v, **wright) for v in volumes]
    assert list(halving_months(taus)) == [halving_months(t) for t in taus]
    found = eroded_price_usd(100.0, annual_frac=0.2, years=months)
    assert list(found) == [eroded_price_usd(100.0, annual_frac=0.2, years=m) for m in months]


def test_every_bad_argument_is_named_at_once() -> None:
    learn = {"d0_start": math.nan, "d0_final": -0.1, "tau_months": 0.0}
    assert refused(d0_after, -1.0, **learn) == ["months", *learn]
    assert refused(halving_months, 0.0) == ["tau_months"]
    wright = {"d0_first": -1.0, "progress_ratio": 1.5, "first_volume": 0.0}
    assert refused(d0_after_volume, 0.0, **wright) == ["volume", *wright]
    assert refused(ramp, -1.0, math.inf, 2.5) == ["start", "end", "periods"]
    assert refused(ramp_geometric, 0.0, math.nan, 0) == ["start", "end", "periods"]
    price = {"annual_frac": 1.0, "years": -1.0}
    assert refused(eroded_price_usd, math.nan, **price) == ["price_usd", *price]
    sold = {"annual_frac": 1.0, "volumes": np.array([math.nan]), "periods_per_year": 0.0}
    assert refused(mean_price_usd, -1.0, **sold) == ["price_usd", *sold]


def test_what_contradicts_itself_is_refused() -> None:
    with pytest.raises(CaseError, match="d0_final: must be at most d0_start"):
        d0_after(1.0, d0_start=0.1, d0_final=0.2, tau_months=1.0)
    with pytest.raises(CaseError, match="volume: must be at least first_volume"):
        d0_after_volume(10.0, d0_first=0.1, progress_ratio=0.8, first_volume=20.0)
    with pytest.raises(CaseError, match="volumes: nothing is sold"):
        mean_price_usd(1.0, annual_frac=0.1, volumes=np.zeros(3), periods_per_year=4.0)
    with pytest.raises(CaseError, match="arrays of different lengths"):
        d0_after(np.ones(2), d0_start=1.0, d0_final=0.0, tau_months=np.ones(3))
