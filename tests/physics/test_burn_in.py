"""Burn-in.

Proved here: closed forms and limits, a published acceleration factor, the formulas in 60 digits
where floats would cancel, a plain simulation of units with ages at failure (fixed seed, within 4
standard errors), and that both readings of a burn-in as a test of a fault class pass and ship the
same, through the package's own screening law.
"""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.physics.support import refused
from yieldopt.errors import CaseError
from yieldopt.physics.burn_in import (
    BOLTZMANN_EV_PER_K,
    acceleration,
    early_life_removed,
    latent_mean,
    weibull_fail_frac,
    weibull_mean,
)
from yieldopt.physics.yields import Law, gain, log_yield

SETTINGS = settings(derandomize=True, deadline=None, max_examples=100)
kelvins = st.floats(200.0, 500.0)
energies = st.floats(0.0, 1.5)
shapes = st.floats(0.05, 1.0)
ages = st.floats(1.0, 1e6)


def burn(hours: Any, factor: Any, field: Any, eta: Any = 1e8, beta: Any = 0.4) -> Any:
    return early_life_removed(
        hours, acceleration_factor=factor, eta_h=eta, beta=beta, field_h=field
    )


# --- acceleration ------------------------------------------------------------------------------


def test_published_acceleration() -> None:
    """ABLIC, reliability questions: 0.5 eV, 40 °C to 125 °C gives 52; 1000 h are 5.9 years."""
    factor = acceleration(313.15, 398.15, 0.5)
    assert factor == pytest.approx(52, abs=0.5)
    assert factor * 1000 / 8760 == pytest.approx(5.9, abs=0.1)


def test_boltzmann_constant_is_the_exact_one_of_the_si() -> None:
    """k/e of the SI since 2019: 1.380649e-23 over 1.602176634e-19."""
    assert pytest.approx(1.380649e-23 / 1.602176634e-19, rel=1e-9) == BOLTZMANN_EV_PER_K


@SETTINGS
@given(kelvins, kelvins, kelvins, energies)
def test_heat_compounds_over_an_intermediate_temperature(
    use: float, middle: float, stress: float, energy: float
) -> None:
    whole = acceleration(use, stress, energy)
    assert whole == pytest.approx(
        acceleration(use, middle, energy) * acceleration(middle, stress, energy), rel=1e-11
    )
    assert whole == pytest.approx(1.0 / acceleration(stress, use, energy), rel=1e-11)
    assert (whole >= 1.0) == (stress >= use or energy == 0.0 or whole == 1.0)


@SETTINGS
@given(st.floats(0.5, 2.0), st.floats(0.5, 2.0), st.floats(0.0, 10.0))
def test_voltage_multiplies_heat(use_v: float, stress_v: float, gamma: float) -> None:
    volts = {"use_v": use_v, "stress_v": stress_v, "gamma_per_v": gamma}
    both = acceleration(328.15, 398.15, 0.7, **volts)
    heat, volt = acceleration(328.15, 398.15, 0.7), acceleration(300.0, 300.0, 0.7, **volts)
    assert volt == pytest.approx(math.exp(gamma * (stress_v - use_v)), rel=1e-13)
    assert both == pytest.approx(heat * volt, rel=1e-13)


def test_equal_conditions_do_not_accelerate() -> None:
    assert acceleration(350.0, 350.0, 0.7, use_v=0.8, stress_v=0.8, gamma_per_v=5.0) == 1.0
    with pytest.raises(CaseError, match="too large"):
        acceleration(1.0, 1000.0, 1.0)


# --- Weibull -----------------------------------------------------------------------------------


def test_weibull_closed_values() -> None:
    assert weibull_fail_frac(1000.0, eta_h=1000.0, beta=0.4) == pytest.approx(1 - math.exp(-1))
    assert weibull_fail_frac(0.0, eta_h=1000.0, beta=0.4) == 0.0
    assert weibull_fail_frac(30.0, eta_h=1e4, beta=1.0) == pytest.approx(-math.expm1(-0.003))
    tiny = weibull_fail_frac(1.0, eta_h=1e20, beta=1.0)
    assert tiny == pytest.approx(1e-20, rel=1e-13, abs=0.0)
    row = weibull_mean(np.array([0.0, 1e8, 4e8]), eta_h=1e8, beta=0.5)
    assert row == pytest.approx([0.0, 1.0, 2.0])


# --- what burn-in removes ----------------------------------------------------------------------


@SETTINGS
@given(st.floats(1e-9, 1e9), st.floats(1e-3, 1e9), shapes)
def test_shares_in_sixty_digits(age: float, field: float, beta: float) -> None:
    """[F(a+t) − F(a)]/[1 − F(a)] and the coverages, as the literature writes them."""
    found = burn(age, 1.0, field, beta=beta)
    with localcontext() as context:
        context.prec = 60
        a, t, b, eta = Decimal(age), Decimal(field), Decimal(beta), Decimal("1e8")

        def mean(hours: Decimal) -> Decimal:
            return (hours / eta) ** b

        def failed(hours: Decimal) -> Decimal:
            return 1 - (-mean(hours)).exp()

        after = (failed(a + t) - failed(a)) / (1 - failed(a))
        coverage = mean(a) / mean(a + t)
        of_field = 1 - (mean(a + t) - mean(a)) / mean(t)
        lost = 1 - (-(mean(a + t) - mean(t))).exp()
    assert found.fail_frac_after == pytest.approx(float(after), rel=1e-12, abs=0.0)
    assert found.fail_frac_before == pytest.approx(float(failed(t)), rel=1e-13, abs=0.0)
    assert found.fallout_frac == pytest.approx(float(failed(a)), rel=1e-13, abs=0.0)
    assert found.coverage_frac == pytest.approx(float(coverage), rel=1e-13, abs=0.0)
    assert found.field_coverage_frac == pytest.approx(float(of_field), abs=1e-13)
    assert found.overkill_frac == pytest.approx(float(lost), rel=1e-11, abs=0.0)


def test_no_burn_in_changes_nothing() -> None:
    found = burn(0.0, 50.0, 8760.0)
    assert found.fail_frac_after == found.fail_frac_before > 0.0
    assert found.class_mean == found.field_mean
    for share in (
        found.fallout_frac,
        found.coverage_frac,
        found.field_coverage_frac,
        found.overkill_frac,
    ):
        assert share == 0.0


def test_a_constant_rate_has_no_early_life_to_remove() -> None:
    """β = 1 forgets its age: the field is as before, and the fallout is lost."""
    found = burn(100.0, 50.0, 8760.0, beta=1.0)
    assert found.fail_frac_after == pytest.approx(found.fail_frac_before, rel=1e-12)
    assert found.field_coverage_frac == pytest.approx(0.0, abs=1e-12)
    assert found.overkill_frac == pytest.approx(found.fallout_frac, rel=1e-12)


@SETTINGS
@given(st.floats(0.0, 1e3), ages, ages, shapes)
def test_longer_burn_in_ships_fewer_failures_and_costs_more_units(
    hours: float, more: float, field: float, beta: float
) -> None:
    short, long = burn(hours, 60.0, field, beta=beta), burn(hours + more, 60.0, field, beta=beta)
    assert long.fail_frac_after <= short.fail_frac_after * (1 + 1e-12)
    assert long.fallout_frac >= short.fallout_frac
    assert long.coverage_frac >= short.coverage_frac
    assert long.overkill_frac >= short.overkill_frac * (1 - 1e-12)
    # only the product of hours and acceleration matters
    assert burn(hours * 60.0, 1.0, field, beta=beta) == short


@SETTINGS
@given(ages, st.floats(1.0, 1e3), ages, shapes)
def test_both_readings_as_a_test_pass_and_ship_the_same(
    hours: float, factor: float, field: float, beta: float
) -> None:
    """Poisson class of mean Λ(a+t), or of mean Λ(t) with the overkill: same fallout and quality."""
    found = burn(hours, factor, field, beta=beta)
    law = Law()
    whole, seen = found.class_mean, found.coverage_frac * found.class_mean
    passing = math.exp(gain(law, 0.0, seen))
    quality = math.exp(gain(law, seen, whole - seen))
    assert passing == pytest.approx(1 - found.fallout_frac, rel=1e-12)
    assert quality == pytest.approx(1 - found.fail_frac_after, rel=1e-12)
    seen = found.field_coverage_frac * found.field_mean
    passing = math.exp(gain(law, 0.0, seen)) * (1 - found.overkill_frac)
    quality = math.exp(gain(law, seen, found.field_mean - seen))
    assert passing == pytest.approx(1 - found.fallout_frac, rel=1e-12)
    assert quality == pytest.approx(1 - found.fail_frac_after, rel=1e-12)


def test_simulated_units() -> None:
    """Units with the age of their first failure drawn; 4 standard errors of counted shares."""
    rng = np.random.default_rng(3)
    eta, beta, hours, factor, field = 5e4, 0.45, 48.0, 60.0, 20_000.0
    first_age = eta * rng.weibull(beta, 400_000)
    fails_in_burn_in = first_age <= hours * factor
    survivors = first_age[~fails_in_burn_in] - hours * factor
    found = burn(hours, factor, field, eta=eta, beta=beta)
    for share, sample in (
        (found.fallout_frac, fails_in_burn_in),
        (found.fail_frac_before, first_age <= field),
        (found.fail_frac_after, survivors <= field),
        (found.overkill_frac, first_age[first_age > field] <= field + hours * factor),
    ):
        assert abs(share - sample.mean()) < 4 * math.sqrt(share * (1 - share) / len(sample))


def test_simulated_faults() -> None:
    """Units of 500 weak spots, any of which may surface; 4 standard errors of counted faults.

    A spot is so unlikely to surface that their sum is Poisson to a thousandth.
    """
    rng = np.random.default_rng(8)
    eta, beta, hours, factor, field, units, spots = 5e4, 0.45, 48.0, 60.0, 20_000.0, 4000, 500
    ages = eta * spots ** (1 / beta) * rng.weibull(beta, (units, spots))
    harmful, seen = ages <= hours * factor + field, ages <= hours * factor
    found = burn(hours, factor, field, eta=eta, beta=beta)
    mean, c = found.class_mean, found.coverage_frac
    assert abs(mean - harmful.sum() / units) < 4 * math.sqrt(mean / units)
    assert abs(c - seen.sum() / harmful.sum()) < 4 * math.sqrt(c * (1 - c) / harmful.sum())


def test_rows_of_arrays_equal_single_calls() -> None:
    hours, factors = np.array([0.0, 24.0, 168.0]), np.array([10.0, 60.0, 80.0])
    rows = burn(hours, factors, 8760.0)
    single = [burn(a, b, 8760.0) for a, b in zip(hours.tolist(), factors.tolist(), strict=True)]
    for name in ("fallout_frac", "fail_frac_after", "coverage_frac", "overkill_frac"):
        expected = [getattr(one, name) for one in single]
        assert getattr(rows, name) == pytest.approx(expected, rel=1e-15)


# --- latent faults -----------------------------------------------------------------------------


def test_latent_mean_is_the_power_of_the_yield() -> None:
    """Y_R = Y^κ under the Poisson law."""
    law = Law()
    reliable = log_yield(law, latent_mean(0.6, 0.015))
    assert reliable == pytest.approx(0.015 * log_yield(law, 0.6), rel=1e-15)
    assert latent_mean(np.array([0.0, 2.0]), 0.01) == pytest.approx([0.0, 0.02])


# --- refusals ----------------------------------------------------------------------------------


def test_every_bad_argument_is_named_at_once() -> None:
    nan, inf = math.nan, math.inf
    volts = {"use_v": nan, "stress_v": inf, "gamma_per_v": -1.0}
    temperatures = ["use_k", "stress_k", "activation_ev"]
    assert refused(acceleration, 0.0, -1.0, nan, **volts) == [*temperatures, *volts]
    assert refused(weibull_mean, -1.0, eta_h=0.0, beta=nan) == ["hours", "eta_h", "beta"]
    assert refused(weibull_fail_frac, nan, eta_h=inf, beta=0.0) == ["hours", "eta_h", "beta"]
    rest = {"acceleration_factor": 0.0, "eta_h": -1.0, "beta": 1.5, "field_h": 0.0}
    assert refused(early_life_removed, -1.0, **rest) == ["hours", *rest]
    assert refused(latent_mean, -1.0, nan) == ["killer_mean", "ratio"]


def test_ages_beyond_numbers_are_refused() -> None:
    with pytest.raises(CaseError, match="too large or too small"):
        burn(1e300, 1e300, 1.0)
    with pytest.raises(CaseError, match="too large or too small"):
        burn(1.0, 1.0, 1e-200, eta=1e300, beta=1.0)
