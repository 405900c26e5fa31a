"""Harvest bins: shares of dies by bad blocks, and what a die and a wafer are worth.

Shares are checked in four ways that share no formula with the package: dies simulated fault by
fault, the binomial in exact fractions, the gamma mixture integrated over ln W, and the yield of the
harvest law that the engine uses. Google's "rec yield" is met as a share of dies, not as a yield.
"""

from __future__ import annotations

import csv
import itertools
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.physics.support import refused
from yieldopt.errors import CaseError
from yieldopt.physics.bins import bin_shares, mean_value_usd, value_per_wafer_usd
from yieldopt.physics.harvesting import harvest

GOLDEN = Path(__file__).parents[1] / "golden" / "google_die.csv"
SETTINGS = settings(derandomize=True, deadline=None, max_examples=40)
CASES = [
    (3.0, 144, (0, 6, 12), 2.0),
    (3.0, 144, (0, 6, 12), None),
    (0.4, 8, (0, 1, 2), 0.5),
    (6.0, 32, (0, 2, 3, 8), 10.0),
    (2.0, 5, (1, 4), None),
    (24.0, 76, (0, 64), 0.16),  # few dies carry nearly all faults: the scrap is late in the sum
]


def simulated_shares(
    mean: float, blocks: int, bins: tuple[int, ...], alpha: float | None, dies: int, seed: int
) -> np.ndarray[Any, Any]:
    """Dies one by one: a mixing variable each, faults thrown on blocks, bad blocks counted."""
    rng = np.random.default_rng(seed)
    mixing = np.ones(dies) if alpha is None else rng.gamma(alpha, 1.0 / alpha, dies)
    faults = rng.poisson(mean * mixing)
    die = np.repeat(np.arange(dies), faults)
    hit = np.zeros((dies, blocks), dtype=bool)
    hit[die, rng.integers(0, blocks, die.size)] = True
    bad = hit.sum(axis=1)
    into = np.searchsorted(np.array(bins), bad)  # first bin that takes so many bad blocks
    return np.bincount(into, minlength=len(bins) + 1) / dies


@pytest.mark.parametrize(("mean", "blocks", "bins", "alpha"), CASES)
def test_shares_are_those_of_simulated_dies(
    mean: float, blocks: int, bins: tuple[int, ...], alpha: float | None
) -> None:
    """Within 4 standard errors over 100,000 dies of a fixed seed."""
    dies = 100_000
    seen = simulated_shares(mean, blocks, bins, alpha, dies, seed=blocks)
    shares = bin_shares(mean, blocks=blocks, bins=bins, alpha=alpha)
    errors = np.sqrt(shares * (1.0 - shares) / dies)
    assert np.all(np.abs(seen - shares) < 4.0 * errors)


@pytest.mark.parametrize("mean", [1e-9, 0.03, 1.0, 20.0, 300.0])
def test_poisson_shares_are_binomial(mean: float) -> None:
    """C(M,k) p^k (1−p)^(M−k), p = 1 − e^(−λ/M), in fractions; relative 1e-12."""
    blocks, bins = 12, (0, 1, 4, 10)
    p = Fraction(-math.expm1(-mean / blocks))
    good = Fraction(math.exp(-mean / blocks))
    pmf = [math.comb(blocks, k) * p**k * good ** (blocks - k) for k in range(blocks + 1)]
    edges = [0, 1, 2, 5, 11, 13]
    expected = [float(sum(pmf[low:high])) for low, high in itertools.pairwise(edges)]
    shares = bin_shares(mean, blocks=blocks, bins=bins)
    assert shares == pytest.approx(expected, rel=1e-12, abs=0.0)


def mixed_shares(mean: float, blocks: int, bins: tuple[int, ...], alpha: float) -> list[float]:
    """Binomial shares averaged over the gamma by a trapezoid over u = ln W."""
    u = np.linspace(-60.0 / alpha - 5.0, 6.0, 40_001)
    log_weight = alpha * math.log(alpha) - math.lgamma(alpha) + alpha * u - alpha * np.exp(u)
    weight = np.exp(log_weight) * (u[1] - u[0])
    each = mean * np.exp(u) / blocks
    with np.errstate(divide="ignore"):
        log_bad, log_good = np.log(-np.expm1(-each)), -each
    pmf = [
        float(np.sum(weight * math.comb(blocks, k) * np.exp(k * log_bad + (blocks - k) * log_good)))
        for k in range(blocks + 1)
    ]
    edges = [0, *(most + 1 for most in bins), blocks + 1]
    return [math.fsum(pmf[low:high]) for low, high in itertools.pairwise(edges)]


@pytest.mark.parametrize("mean", [1e-6, 0.5, 4.0, 60.0])
@pytest.mark.parametrize("alpha", [0.2, 1.0, 3.0, 50.0])
def test_mixed_shares_are_the_binomial_averaged_over_the_gamma(mean: float, alpha: float) -> None:
    """Relative 1e-10, the reference's own accuracy; the scrap of 1e-6 faults is below 1e-20."""
    bins = (0, 2, 5)
    shares = bin_shares(mean, blocks=16, bins=bins, alpha=alpha)
    assert shares == pytest.approx(mixed_shares(mean, 16, bins, alpha), rel=1e-10, abs=0.0)


@SETTINGS
@given(
    st.floats(0.0, 8.0),
    st.integers(2, 80),
    st.one_of(st.none(), st.floats(0.5, 30.0)),
    st.data(),
)
def test_bins_up_to_m_add_up_to_the_harvest_law_of_the_engine(
    mean: float, blocks: int, alpha: float | None, data: st.DataObject
) -> None:
    """Up to a quarter of the blocks to spare, as dies are harvested."""
    limits = st.sets(st.integers(0, blocks // 4), min_size=1, max_size=4)
    bins = tuple(sorted(data.draw(limits)))
    shares = bin_shares(mean, blocks=blocks, bins=bins, alpha=alpha)
    assert np.all(shares >= 0.0)
    assert shares.sum() == pytest.approx(1.0, abs=1e-13)
    for most, share in zip(bins, np.cumsum(shares), strict=False):
        law = np.exp(harvest(0.0, mean, None, alpha=alpha, blocks=blocks, spares=most))
        assert share == pytest.approx(law, rel=1e-11, abs=0.0)


@SETTINGS
@given(st.floats(0.0, 8.0), st.floats(0.01, 3.0), st.one_of(st.none(), st.floats(0.2, 30.0)))
def test_more_faults_never_make_a_better_die(mean: float, more: float, alpha: float | None) -> None:
    kind: dict[str, Any] = {"blocks": 24, "bins": (0, 1, 3, 6), "alpha": alpha}
    one, two = bin_shares(mean, **kind), bin_shares(mean + more, **kind)
    assert np.all(np.cumsum(two)[:-1] <= np.cumsum(one)[:-1] * (1 + 1e-13))
    values = (900.0, 700.0, 500.0, 300.0, 0.0)
    assert mean_value_usd(two, values) <= mean_value_usd(one, values) * (1 + 1e-13)


@pytest.mark.parametrize(("blocks", "most"), [(38, 37), (76, 64), (32, 20)])
def test_scrap_keeps_its_digits_with_many_spares(blocks: int, most: int) -> None:
    """Nearly every block may be bad: what is scrapped carries far more faults than the mean."""
    shares = bin_shares(2.0, blocks=blocks, bins=(0, most), alpha=0.5)
    expected = mixed_shares(2.0, blocks, (0, most), 0.5)
    assert shares == pytest.approx(expected, rel=1e-10, abs=0.0)


def test_limits() -> None:
    """No fault: all full. α → ∞: Poisson. A bin with no new limit between: shares merge."""
    assert list(bin_shares(0.0, blocks=9, bins=(0, 3), alpha=2.0)) == [1.0, 0.0, 0.0]
    poisson = bin_shares(5.0, blocks=40, bins=(0, 2, 6))
    for alpha, off in ((1e6, 1e-4), (1e9, 1e-7), (1e15, 1e-12)):
        near = bin_shares(5.0, blocks=40, bins=(0, 2, 6), alpha=alpha)
        assert near == pytest.approx(poisson, rel=off)
    fine = bin_shares(5.0, blocks=40, bins=(0, 2, 6), alpha=2.0)
    merged = bin_shares(5.0, blocks=40, bins=(2,), alpha=2.0)
    assert merged == pytest.approx([fine[0] + fine[1], fine[2] + fine[3]], rel=1e-13)
    assert fine[0] == pytest.approx(
        (1.0 + 5.0 / 2.0) ** -2, rel=1e-14, abs=0.0
    )  # no spare: the base law


def test_a_row_of_means_gives_a_row_of_shares_each() -> None:
    means = np.array([0.0, 0.7, 30.0, 1e-5])
    rows = bin_shares(means, blocks=16, bins=(0, 4), alpha=1.5)
    assert rows.shape == (4, 3)
    for mean, row in zip(means, rows, strict=True):
        alone = bin_shares(float(mean), blocks=16, bins=(0, 4), alpha=1.5)
        assert row == pytest.approx(alone, rel=1e-13, abs=0.0)
    values = (100.0, 60.0, 0.0)
    assert mean_value_usd(rows, values) == pytest.approx([mean_value_usd(r, values) for r in rows])


# --- Google's cost model -----------------------------------------------------------------------


def google_rows() -> list[dict[str, str]]:
    with GOLDEN.open(encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def exactly_bad(blocks: int, bad: int, chance: float) -> float:
    """Share of dies with exactly so many bad blocks, each bad with the same chance."""
    bins = (bad - 1, bad) if bad else (0,)
    return float(bin_shares(-blocks * math.log1p(-chance), blocks=blocks, bins=bins)[len(bins) - 1])


def test_google_rec_yield_of_32_blocks_is_the_share_without_a_bad_one() -> None:
    """Unit test of google/chiplets-cost-model: C(32,0) 0.01^0 0.99^32 = 0.72498."""
    assert exactly_bad(32, 0, 0.01) == pytest.approx(0.72498, abs=5e-7)


def test_google_adds_a_bin_share_to_the_die_yield_which_then_exceeds_one() -> None:
    """Its term is the share with exactly as many bad blocks as spares; a yield takes all up to it.

    Added to the model's yield it passes 1 in 48 of the 120 rows kept; no bin sum ever does.
    """
    above = 0
    rows = google_rows()
    for row in rows:
        spares = int(row["rec_spares"])
        blocks = int(row["rec_baseline"]) + spares
        chance = float(row["rec_area"]) / 100.0 * float(row["defect_density_per_cm2"])
        share = exactly_bad(blocks, spares, chance)
        assert share == pytest.approx(float(row["rec_yield"]), rel=1e-12, abs=0.0)
        assert float(row["wafer_yield"]) == pytest.approx(float(row["model_yield"]) + share)
        above += float(row["wafer_yield"]) > 1.0
        up_to = bin_shares(-blocks * math.log1p(-chance), blocks=blocks, bins=(spares,))[0]
        assert share <= up_to * (1 + 1e-13)
        assert up_to <= 1.0
    assert (len(rows), above) == (120, 48)


# --- value -------------------------------------------------------------------------------------


def test_value_is_that_of_simulated_wafers() -> None:
    """Within 4 standard errors over 2,000 wafers of 60 dies, a mixing variable for each wafer.

    Clustered dies move the spread of a wafer's value, not its mean.
    """
    rng = np.random.default_rng(8)
    values = np.array([1000.0, 800.0, 450.0, -5.0])
    mixing = np.repeat(rng.gamma(2.0, 0.5, 2000), 60)
    bad_chance = -np.expm1(-3.0 * mixing / 144)
    into = np.searchsorted(np.array([0, 6, 12]), rng.binomial(144, bad_chance))
    wafers = values[into].reshape(2000, 60).sum(axis=1)
    shares = bin_shares(3.0, blocks=144, bins=(0, 6, 12), alpha=2.0)
    found = value_per_wafer_usd(shares, tuple(values), dies_per_wafer=60)
    assert abs(wafers.mean() - found) < 4.0 * wafers.std() / math.sqrt(2000)
    assert found == 60 * mean_value_usd(shares, tuple(values))


def test_value_by_hand() -> None:
    shares = np.array([0.5, 0.25, 0.25])
    assert mean_value_usd(shares, (100.0, 40.0, 0.0)) == 60.0
    assert mean_value_usd(shares, (100.0, 40.0, -8.0)) == 58.0
    assert mean_value_usd(bin_shares(0.0, blocks=4, bins=(0, 1)), (7.0, 5.0, 0.0)) == 7.0


# --- refusals ----------------------------------------------------------------------------------


def test_every_bad_argument_is_named_at_once() -> None:
    bad = {"blocks": 0, "alpha": 0.0, "bins": (3, 3)}
    assert refused(bin_shares, math.nan, **bad) == ["mean", *bad]
    wrong = np.array([0.5, -0.5]), (math.nan, 1.0, 2.0)
    assert refused(mean_value_usd, *wrong) == ["shares", "values_usd", "values_usd"]
    named = ["dies_per_wafer", "shares", "values_usd", "values_usd"]  # not finite, and one too many
    assert refused(value_per_wafer_usd, *wrong, dies_per_wafer=0) == named


@pytest.mark.parametrize("bins", [(), (-1, 2), (2, 1), (0, 0), (0, 1.5), (True,), ("2",), (0, 8)])
def test_bins_rise_in_whole_numbers_below_the_blocks(bins: Any) -> None:
    assert refused(bin_shares, 1.0, blocks=8, bins=bins) == ["bins"]


@pytest.mark.parametrize("mean", [-0.1, math.inf, "3", None, np.ones((2, 2))])
def test_means_are_numbers_from_0_on(mean: Any) -> None:
    assert refused(bin_shares, mean, blocks=8, bins=(0,)) == ["mean"]


def test_means_out_of_reach_are_refused_not_guessed() -> None:
    assert refused(bin_shares, 800.0, blocks=8, bins=(0,)) == ["mean"]
    assert refused(bin_shares, 50.0, blocks=8, bins=(0,), alpha=1e-3) == ["mean"]
    assert bin_shares(50.0, blocks=8, bins=(0,), alpha=0.1)[0] == pytest.approx(501.0**-0.1)


def test_shares_add_up_to_one_and_have_a_value_each() -> None:
    with pytest.raises(CaseError, match="shares: must add up to 1"):
        mean_value_usd(np.array([0.5, 0.4]), (1.0, 0.0))
    with pytest.raises(CaseError, match="as many values as shares"):
        mean_value_usd(np.array([0.5, 0.5]), (1.0, 0.5, 0.0))
    with pytest.raises(CaseError, match="as many values as shares"):
        mean_value_usd(np.float64(1.0), (1.0,))
