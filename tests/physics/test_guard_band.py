"""Guard band and retest.

Proved here: overkill and escapes equal an independent quadrature (the normal density of the units
times the chance of the error, by `math.erfc`) to 1e-13, and to 1e-9 of themselves where they are
small; the orthant of the bivariate normal, no error, no band and a band without end have their
closed values; both agree with plain simulations of units (fixed seeds, within 4 standard errors).
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.physics.support import refused
from yieldopt.errors import CaseError
from yieldopt.physics.guard_band import GuardBand, expected_touches, guard_band

SETTINGS = settings(derandomize=True, deadline=None, max_examples=60)
fractions = st.floats(0.0, 1.0)
NODES, WEIGHTS = np.polynomial.legendre.leggauss(20)


def below(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


def integral(low: float, high: float, step: float, mean: float, rejected: Any) -> float:
    """∫ of the density of units N(mean, 1) times `rejected`, by panels of about `step`."""
    if high <= low:
        return 0.0
    edges = np.linspace(low, high, max(2, math.ceil((high - low) / step) + 1))
    total = 0.0
    for a, b in itertools.pairwise(edges.tolist()):
        for x, w in zip((a + b) / 2 + (b - a) / 2 * NODES, (b - a) / 2 * WEIGHTS, strict=True):
            total += w * math.exp(-((x - mean) ** 2) / 2) * rejected(x)
    return total / math.sqrt(2 * math.pi)


def by_quadrature(
    mean: float, limit: float, error: float, band: float, lower: float = -math.inf
) -> tuple[float, float]:
    """Overkill and escape of units N(mean, 1) from the density of x and the tails of e."""
    low, high, step = mean - 11.0, mean + 11.0, max(0.4 * error, 0.02)

    def beyond(x: float) -> float:
        above = below((x - (limit - band)) / error)
        return above + (below((lower + band - x) / error) if lower > -math.inf else 0.0)

    def between(x: float) -> float:
        if lower == -math.inf:
            return below((limit - band - x) / error)
        if x > limit:  # from the side where both tails are small
            return below((limit - band - x) / error) - below((lower + band - x) / error)
        return below((x - lower - band) / error) - below((x - limit + band) / error)

    overkill = integral(max(low, lower), min(high, limit), step, mean, beyond)
    escape = integral(max(low, limit), high, step, mean, between)
    if lower > -math.inf:
        escape += integral(low, min(high, lower), step, mean, between)
    return overkill, escape


ONE_SIDED = [
    (0.0, 2.0, 0.5, 0.0),
    (0.0, 2.0, 0.5, 0.75),
    (1.0, 2.5, 0.1, 0.15),
    (0.0, 3.0, 0.2, -0.1),  # a limit set outside
    (3.0, 2.0, 1.5, 0.5),  # most units bad
    (0.0, -1.0, 0.3, 0.2),
    (0.0, 1.0, 20.0, 3.0),  # the measurement says nothing
    (0.0, 0.0, 1.0, 1e-7),  # a band far below the noise: the integrand jumps next to ψ = 0
]


@pytest.mark.parametrize(("mean", "limit", "error", "band"), ONE_SIDED)
def test_one_limit_equals_quadrature(mean: float, limit: float, error: float, band: float) -> None:
    overkill, escape = by_quadrature(mean, limit, error, band)
    found = guard_band(mean, 1.0, limit, error_sigma=error, band=band)
    assert found.overkill_frac == pytest.approx(overkill, rel=1e-12, abs=1e-13)
    assert found.escape_frac == pytest.approx(escape, rel=1e-12, abs=1e-13)


TWO_SIDED = [
    (0.0, -2.0, 2.0, 0.25, 0.0),
    (0.4, -1.0, 2.0, 0.6, 0.3),
    (3.0, -1.0, 2.0, 2.5, 0.3),
    (5.0, 1.0, 2.0, 9.0, 0.3),
    (-2.0, 0.0, 1.0, 1.0, -0.2),
]


@pytest.mark.parametrize(("mean", "lower", "limit", "error", "band"), TWO_SIDED)
def test_two_limits_equal_quadrature(
    mean: float, lower: float, limit: float, error: float, band: float
) -> None:
    overkill, escape = by_quadrature(mean, limit, error, band, lower)
    found = guard_band(mean, 1.0, limit, error_sigma=error, band=band, lower_limit=lower)
    assert found.overkill_frac == pytest.approx(overkill, rel=1e-12, abs=1e-13)
    assert found.escape_frac == pytest.approx(escape, rel=1e-12, abs=1e-13)
    assert found.pass_frac == pytest.approx(found.good_frac - overkill + escape, abs=1e-13)


@pytest.mark.parametrize(
    ("limit", "error", "band"), [(4.0, 0.25, 1.25), (5.0, 0.5, 1.5), (3.0, 0.1, 0.6)]
)
def test_small_escapes_keep_their_digits(limit: float, error: float, band: float) -> None:
    escape = by_quadrature(0.0, limit, error, band)[1]
    assert 1e-30 < escape < 1e-9
    found = guard_band(0.0, 1.0, limit, error_sigma=error, band=band)
    assert found.escape_frac == pytest.approx(escape, rel=1e-9, abs=0.0)


# --- closed forms ------------------------------------------------------------------------------


@SETTINGS
@given(st.floats(1e-6, 1e6))
def test_limit_at_the_mean_is_the_orthant(error: float) -> None:
    """P(x ≤ 0, m ≤ 0) = 1/4 + asin(ρ)/2π, written with acos ρ = atan(σ/s) for small errors."""
    found = guard_band(7.0, 1.0, 7.0, error_sigma=error, band=0.0)
    shared = math.atan(error) / (2.0 * math.pi)
    assert found.overkill_frac == pytest.approx(shared, rel=1e-13)
    assert found.escape_frac == pytest.approx(shared, rel=1e-13)
    both = found.good_frac - found.overkill_frac
    correlation = 1.0 / math.hypot(1.0, error)
    assert both == pytest.approx(0.25 + math.asin(correlation) / (2.0 * math.pi), abs=1e-8)


@SETTINGS
@given(st.floats(-3.0, 5.0), st.floats(0.0, 3.0))
def test_exact_measurement_lets_nothing_pass_and_rejects_the_band(
    limit: float, band: float
) -> None:
    found = guard_band(0.0, 1.0, limit, error_sigma=0.0, band=band)
    assert found.escape_frac == 0.0
    assert found.overkill_frac == pytest.approx(below(limit) - below(limit - band), abs=1e-15)
    near = guard_band(0.0, 1.0, limit, error_sigma=1e-9, band=band)
    assert near.escape_frac == pytest.approx(0.0, abs=1e-9)
    assert near.overkill_frac == pytest.approx(found.overkill_frac, abs=1e-9)


def test_few_units_beyond_the_test_limit_keep_their_digits() -> None:
    found = guard_band(0.0, 1.0, 9.0, error_sigma=0.0, band=1.0)
    assert found.overkill_frac == pytest.approx(below(-8.0) - below(-9.0), rel=1e-13, abs=0.0)


def test_a_band_without_end_rejects_all() -> None:
    found = guard_band(0.0, 1.0, 2.0, error_sigma=0.5, band=30.0)
    assert found.overkill_frac == pytest.approx(below(2.0), rel=1e-14)
    assert found.escape_frac == pytest.approx(0.0, abs=1e-100)


def test_a_useless_measurement_splits_by_chance() -> None:
    """σ without end: the result is a coin, whatever the unit."""
    found = guard_band(0.0, 1.0, 1.5, error_sigma=1e9, band=0.0)
    assert found.overkill_frac == pytest.approx(below(1.5) / 2, abs=1e-8)
    assert found.escape_frac == pytest.approx(below(-1.5) / 2, abs=1e-8)


def test_rule_of_thumb_of_four_to_one() -> None:
    """±2σ limits, measurement four times finer: 0.8 % and 1.5 % (metrology; recalled)."""
    found = guard_band(0.0, 1.0, 2.0, error_sigma=0.25, band=0.0, lower_limit=-2.0)
    assert found.escape_frac == pytest.approx(0.008, abs=0.0005)
    assert found.overkill_frac == pytest.approx(0.015, abs=0.0005)


# --- properties --------------------------------------------------------------------------------

places = st.floats(-4.0, 4.0)
errors = st.floats(0.0, 5.0)
bands = st.floats(-2.0, 3.0)


def shares(found: GuardBand) -> list[Any]:
    return [found.good_frac, found.pass_frac, found.overkill_frac, found.escape_frac]


@SETTINGS
@given(places, errors, bands, st.floats(0.0, 1.0))
def test_shares_balance_and_a_wider_band_trades_escapes_for_overkill(
    limit: float, error: float, band: float, more: float
) -> None:
    found = guard_band(0.0, 1.0, limit, error_sigma=error, band=band)
    balance = found.good_frac - found.overkill_frac + found.escape_frac
    assert found.pass_frac == pytest.approx(balance, abs=1e-14)
    assert 0.0 <= found.overkill_frac <= found.good_frac * (1 + 1e-13)
    assert 0.0 <= found.escape_frac <= found.pass_frac * (1 + 1e-13)
    wider = guard_band(0.0, 1.0, limit, error_sigma=error, band=band + more)
    assert wider.overkill_frac >= found.overkill_frac - 1e-15
    assert wider.escape_frac <= found.escape_frac + 1e-15


@SETTINGS
@given(places, places, errors, bands, st.floats(0.1, 1e3), st.floats(-100.0, 100.0))
def test_only_distances_in_spreads_matter(
    limit: float, lower: float, error: float, band: float, scale: float, shift: float
) -> None:
    assume(lower + max(band, 0.0) < limit - max(band, 0.0) - 0.01)
    plain = guard_band(0.3, 1.0, limit, error_sigma=error, band=band, lower_limit=lower)
    moved = guard_band(
        scale * (0.3 + shift),
        scale,
        scale * (limit + shift),
        error_sigma=scale * error,
        band=scale * band,
        lower_limit=scale * (lower + shift),
    )
    assert shares(moved) == pytest.approx(shares(plain), abs=1e-12)


@SETTINGS
@given(places, places, errors, bands)
def test_two_limits_mirror_and_a_far_one_is_none(
    limit: float, lower: float, error: float, band: float
) -> None:
    assume(lower + max(band, 0.0) < limit - max(band, 0.0) - 0.01)
    given_ = {"error_sigma": error, "band": band}
    found = guard_band(0.3, 1.0, limit, lower_limit=lower, **given_)
    mirrored = guard_band(-0.3, 1.0, -lower, lower_limit=-limit, **given_)
    assert shares(mirrored) == pytest.approx(shares(found), abs=1e-15)
    far = guard_band(0.3, 1.0, limit, lower_limit=-1e3, **given_)
    alone = guard_band(0.3, 1.0, limit, **given_)
    assert shares(far) == pytest.approx(shares(alone), abs=1e-15)


def test_rows_of_arrays_equal_single_calls() -> None:
    limits, found_bands = np.array([1.0, 2.0, 3.0]), np.array([0.0, 0.1, 0.5])
    for lower in (None, -2.0):
        rows = guard_band(0.2, 1.0, limits, error_sigma=0.3, band=found_bands, lower_limit=lower)
        single = [
            guard_band(0.2, 1.0, a, error_sigma=0.3, band=b, lower_limit=lower)
            for a, b in zip(limits.tolist(), found_bands.tolist(), strict=True)
        ]
        for at, one in enumerate(single):
            row = [share[at] for share in shares(rows)]
            assert row == pytest.approx(shares(one), rel=1e-15)
        assert rows.overkill_per_good == pytest.approx(rows.overkill_frac / rows.good_frac)
        assert rows.escape_per_passed == pytest.approx(rows.escape_frac / rows.pass_frac)


@pytest.mark.parametrize("lower", [None, -1.5])
def test_simulated_units(lower: float | None) -> None:
    """Two million units measured once each; 4 standard errors of a counted share."""
    rng = np.random.default_rng(11)
    n, mean, sigma, limit, error, band = 2_000_000, 0.2, 0.8, 1.7, 0.3, 0.2
    x = rng.normal(mean, sigma, n)
    m = x + rng.normal(0.0, error, n)
    good, passed = x <= limit, m <= limit - band
    if lower is not None:
        good &= x >= lower
        passed &= m >= lower + band
    found = guard_band(mean, sigma, limit, error_sigma=error, band=band, lower_limit=lower)
    counted = [good, passed, good & ~passed, ~good & passed]
    for share, units in zip(shares(found), counted, strict=True):
        assert abs(share - units.mean()) < 4 * math.sqrt(share * (1 - share) / n)
    lost = found.overkill_per_good
    assert abs(lost - (~passed)[good].mean()) < 4 * math.sqrt(lost * (1 - lost) / good.sum())
    bad = found.escape_per_passed
    assert abs(bad - (~good)[passed].mean()) < 4 * math.sqrt(bad * (1 - bad) / passed.sum())


# --- retest ------------------------------------------------------------------------------------


@SETTINGS
@given(fractions, fractions, fractions, st.integers(0, 6))
def test_intermittent_chances_go_to_the_power_of_the_runs(
    bad: float, coverage: float, overkill: float, retests: int
) -> None:
    found = expected_touches(
        bad,
        coverage_frac=coverage,
        overkill_frac=overkill,
        retests=retests,
        intermittent_bad_frac=1.0,
    )
    assert found.coverage_frac == pytest.approx(coverage ** (retests + 1), rel=1e-14)
    assert found.overkill_frac == pytest.approx(overkill ** (retests + 1), rel=1e-14)
    runs = sum((1 - bad) * overkill**j + bad * coverage**j for j in range(retests + 1))
    assert found.runs_per_unit == pytest.approx(runs, rel=1e-13)


@SETTINGS
@given(fractions, fractions, fractions, fractions, fractions, st.integers(0, 6))
def test_retest_never_raises_coverage_overkill_or_scrap(
    bad: float, coverage: float, overkill: float, u: float, v: float, retests: int
) -> None:
    def tested(r: int) -> Any:
        return expected_touches(
            bad,
            coverage_frac=coverage,
            overkill_frac=overkill,
            retests=r,
            intermittent_bad_frac=u,
            intermittent_overkill_frac=v,
        )

    once, less, more = tested(0), tested(retests), tested(retests + 1)
    assert once.coverage_frac == pytest.approx(coverage, abs=1e-15)
    assert once.overkill_frac == pytest.approx(overkill, abs=1e-15)
    assert once.runs_per_unit == pytest.approx(1.0, rel=1e-15)
    assert more.coverage_frac <= less.coverage_frac + 1e-15
    assert more.overkill_frac <= less.overkill_frac + 1e-15
    assert more.pass_frac >= less.pass_frac - 1e-15
    # a further run is spent on exactly what still fails
    assert more.runs_per_unit == pytest.approx(less.runs_per_unit + 1 - less.pass_frac, abs=1e-14)


def test_results_that_repeat_gain_nothing_from_a_retest() -> None:
    found = expected_touches(
        0.1, coverage_frac=0.9, overkill_frac=0.02, retests=3, intermittent_overkill_frac=0.0
    )
    assert (found.coverage_frac, found.overkill_frac) == (0.9, 0.02)
    failing = 0.1 * 0.9 + 0.9 * 0.02
    assert found.runs_per_unit == pytest.approx(1 + 3 * failing, rel=1e-14)


def test_simulated_retests() -> None:
    """Units one by one: good or bad, redrawing or repeating, run until a pass or r retests.

    300 000 units, 4 standard errors of each counted mean.
    """
    rng = np.random.default_rng(5)
    bad_share, c, k, u, v, retests = 0.25, 0.8, 0.3, 0.4, 0.7, 2
    runs, passed, bad = [], [], []
    for _ in range(300_000):
        is_bad = rng.random() < bad_share
        redraws = rng.random() < (u if is_bad else v)
        fails = rng.random() < (c if is_bad else k)
        count = 1
        while fails and count <= retests:
            count += 1
            if redraws:
                fails = rng.random() < (c if is_bad else k)
        runs.append(count)
        passed.append(not fails)
        bad.append(is_bad)
    found = expected_touches(
        bad_share,
        coverage_frac=c,
        overkill_frac=k,
        retests=retests,
        intermittent_bad_frac=u,
        intermittent_overkill_frac=v,
    )
    through, faulty = np.array(passed), np.array(bad)
    for share, sample in (
        (found.runs_per_unit, np.array(runs)),
        (found.pass_frac, through),
        (found.coverage_frac, ~through[faulty]),
        (found.overkill_frac, ~through[~faulty]),
    ):
        error = np.std(sample, ddof=1) / math.sqrt(len(sample))
        assert abs(share - np.mean(sample)) < 4 * error


# --- refusals ----------------------------------------------------------------------------------


def test_every_bad_argument_is_named_at_once() -> None:
    bad = {"error_sigma": -1.0, "band": math.inf, "lower_limit": math.nan}
    assert refused(guard_band, math.nan, 0.0, math.inf, **bad) == ["mean", "sigma", "limit", *bad]
    shares_ = {
        "coverage_frac": 1.1,
        "overkill_frac": -0.1,
        "retests": -1,
        "intermittent_bad_frac": math.nan,
        "intermittent_overkill_frac": 2.0,
    }
    assert refused(expected_touches, 1.5, **shares_) == ["bad_frac", *shares_]


def test_limits_that_leave_nothing_are_refused() -> None:
    with pytest.raises(CaseError, match="leave nothing between them"):
        guard_band(0.0, 1.0, 1.0, error_sigma=0.1, band=1.0, lower_limit=-1.0)
    with pytest.raises(CaseError, match="leave nothing between them"):
        guard_band(0.0, 1.0, 1.0, error_sigma=0.1, band=-1.0, lower_limit=1.0)
    with pytest.raises(CaseError, match="no unit is good"):
        guard_band(0.0, 1.0, -60.0, error_sigma=0.1, band=0.0)
    with pytest.raises(CaseError, match="no unit is passed"):
        guard_band(0.0, 1.0, 0.0, error_sigma=0.1, band=60.0)
    with pytest.raises(CaseError, match="1e100 times sigma"):
        guard_band(0.0, 1e-200, 1.0, error_sigma=0.1, band=0.0)
