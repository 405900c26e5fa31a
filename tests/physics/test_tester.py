"""Time and money of a test.

Proved here: the closed forms and their limits, counting one by one, the published probe and Google
figures (all 50 golden rows of each stage), a plain simulation of touchdowns with retests and stop
on fail (fixed seed, within 4 standard errors), and that a fleet grows as utilisation falls, where a
peer lets it shrink.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.physics.support import refused
from yieldopt.errors import CaseError
from yieldopt.physics.tester import (
    google_final_test_usd,
    google_slt_usd,
    google_wafer_sort_usd,
    needed_testers,
    probe_card_usd_per_die,
    probe_card_usd_per_touchdown,
    seconds_per_unit,
    touchdowns,
    units_per_hour,
    usd_per_unit,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "google_test_cost.csv"
SETTINGS = settings(derandomize=True, deadline=None, max_examples=100)
SORT = {"usd_per_h": 200.0, "test_s": 15.0, "insertions": 2, "retests": 2}
FINAL = {"usd_per_h": 500.0, "test_s": 25.0, "insertions": 1, "retests": 0}

fractions = st.floats(0.0, 1.0)
site_counts = st.integers(1, 64)


# --- sites -------------------------------------------------------------------------------------


@SETTINGS
@given(st.floats(0.1, 1e4), st.floats(0.0, 60.0), site_counts)
def test_full_efficiency_shares_the_time_and_none_runs_in_series(
    test_s: float, index_s: float, sites: int
) -> None:
    share = seconds_per_unit(test_s, index_s=index_s, sites=sites)
    assert share == pytest.approx((test_s + index_s) / sites, rel=1e-14)
    series = seconds_per_unit(test_s, index_s=index_s, sites=sites, multi_site_efficiency=0.0)
    assert series == pytest.approx(test_s + index_s / sites, rel=1e-14)


@SETTINGS
@given(st.floats(0.1, 1e4), st.floats(0.0, 60.0), site_counts, st.floats(0.0, 0.999))
def test_more_sites_never_slower_and_limited_by_what_is_serial(
    test_s: float, index_s: float, sites: int, mse: float
) -> None:
    def seconds(n: int) -> Any:
        return seconds_per_unit(test_s, index_s=index_s, sites=n, multi_site_efficiency=mse)

    assert seconds(1) == pytest.approx(test_s + index_s, rel=1e-14)
    assert seconds(sites + 1) <= seconds(sites) * (1 + 1e-14)
    assert seconds(sites) >= test_s * (1.0 - mse) * (1 - 1e-14)


def test_sites_by_hand() -> None:
    """4 sites at 0.9: 90·(1 + 0.3) = 117 s, 2 s of index, so 119 s for 4; 121 units an hour."""
    seconds = seconds_per_unit(90.0, index_s=2.0, sites=4, multi_site_efficiency=0.9)
    assert seconds == pytest.approx(119.0 / 4, rel=1e-14)
    assert units_per_hour(seconds) == pytest.approx(4 * 3600 / 119.0, rel=1e-14)


def test_arrays_go_through() -> None:
    seconds = seconds_per_unit(np.array([30.0, 60.0]), index_s=np.array([1.0, 3.0]), sites=2)
    assert seconds == pytest.approx([15.5, 31.5], rel=1e-14)
    assert units_per_hour(seconds) == pytest.approx([3600 / 15.5, 3600 / 31.5], rel=1e-14)
    assert usd_per_unit(seconds, 3600.0) == pytest.approx([15.5, 31.5], rel=1e-14)


# --- touchdowns and cards ----------------------------------------------------------------------


@SETTINGS
@given(st.integers(1, 3000), site_counts, st.integers(0, 19))
def test_touchdowns_count_one_by_one(dies: int, sites: int, lost: int) -> None:
    """Whole numbers only: every touchdown reaches sites·(20 − lost)/20 dies on the mean."""
    count = 0
    while count * sites * (20 - lost) < 20 * dies:
        count += 1
    assert touchdowns(dies, sites, lost / 20) == count


def test_rounding_adds_no_touchdown() -> None:
    assert 1.0 / (1.0 - 0.9) > 10.0  # what a plain ceiling turns into 11
    assert touchdowns(1, 1, 0.9) == 10
    assert touchdowns(1, 1, 0.9 + 1e-9) == 11


def test_probe_card_share_is_card_over_life_and_sites() -> None:
    per_touch = probe_card_usd_per_touchdown(150_000.0, 1_000_000.0)
    assert per_touch == pytest.approx(0.15, rel=1e-15)
    assert probe_card_usd_per_die(per_touch, 64, 8) == pytest.approx(0.15 / 8, rel=1e-15)
    assert probe_card_usd_per_die(per_touch, 65, 8) == pytest.approx(0.15 * 9 / 65, rel=1e-15)
    wide = probe_card_usd_per_die(per_touch, 64, 8, np.array([0.0, 0.5]))
    assert wide == pytest.approx([0.15 / 8, 0.15 / 4], rel=1e-15)


# --- cost of a unit ----------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "stated"), [(30.0, 1.666666667), (12.0, 0.6666666667)])
def test_published_probe_cost(seconds: float, stated: float) -> None:
    """google/chiplets-cost-model, simulation inputs: 200 USD/h, one site."""
    assert usd_per_unit(seconds, 200.0) == pytest.approx(stated, abs=1e-9)


@SETTINGS
@given(st.floats(1.0, 4.0), fractions, fractions)
def test_stop_on_fail_at_one_site_charges_passing_and_failing_runs(
    runs: float, passing: float, fail_time: float
) -> None:
    cost = usd_per_unit(
        7.0, 3600.0, runs_per_unit=runs, pass_frac=passing, fail_time_frac=fail_time
    )
    assert cost == pytest.approx(7.0 * (passing + fail_time * (runs - passing)), rel=1e-12)


@SETTINGS
@given(st.floats(1.0, 4.0), fractions, fractions, st.integers(1, 32))
def test_more_sites_stop_later_and_never_beyond_the_full_run(
    runs: float, passing: float, fail_time: float, sites: int
) -> None:
    def cost(n: int) -> Any:
        return usd_per_unit(
            7.0, 3600.0, runs_per_unit=runs, pass_frac=passing, fail_time_frac=fail_time, sites=n
        )

    assert cost(sites) <= cost(sites + 1) * (1 + 1e-14)
    assert cost(sites) <= usd_per_unit(7.0, 3600.0, runs_per_unit=runs) * (1 + 1e-14)


@pytest.mark.parametrize(("sites", "chance", "retests"), [(1, 0.8, 1), (4, 0.5, 2), (2, 0.3, 0)])
def test_cost_of_simulated_touchdowns(sites: int, chance: float, retests: int) -> None:
    """Every slot of a touchdown holds a unit that passes with `chance`; stop when all failed.

    Units are drawn as runs in random order, so a site's fail does not depend on its neighbours'.
    Tolerance: 4 standard errors over independent batches.
    """
    rng = np.random.default_rng(20250101)
    batches, units, stop = 60, 4000, 0.3
    costs = []
    for _ in range(batches):
        outcomes: list[bool] = []
        for _ in range(units):
            for _ in range(retests + 1):
                outcomes.append(bool(rng.random() < chance))
                if outcomes[-1]:
                    break
        filled = len(outcomes) // sites * sites
        table = rng.permutation(np.array(outcomes))[:filled].reshape(-1, sites)
        seconds = np.where(table.any(axis=1), 10.0, 10.0 * stop).sum() * len(outcomes) / filled
        costs.append(seconds / units)  # a touchdown takes 10 s, so 10/sites a unit
    found = usd_per_unit(
        10.0 / sites,
        3600.0,
        runs_per_unit=sum((1 - chance) ** j for j in range(retests + 1)),
        pass_frac=1 - (1 - chance) ** (retests + 1),
        fail_time_frac=stop,
        sites=sites,
    )
    error = np.std(costs, ddof=1) / math.sqrt(batches)
    assert abs(found - np.mean(costs)) < 4 * error
    assert error < 0.01 * found


# --- fleet -------------------------------------------------------------------------------------


def test_fleet_by_hand() -> None:
    """120 000 units at 180 s are 6000 h; 720 h at 80 % give 576 h a tester."""
    fleet = needed_testers(120_000, 180.0, hours=720.0, utilisation_frac=0.8)
    assert fleet == pytest.approx(6000 / 576, rel=1e-14)
    more = needed_testers(120_000, 180.0, hours=720.0, utilisation_frac=0.8, runs_per_unit=1.2)
    assert more == pytest.approx(1.2 * fleet, rel=1e-14)


@SETTINGS
@given(st.floats(1.0, 1e7), st.floats(0.1, 1e4), site_counts, st.floats(0.1, 1.0))
def test_fleet_of_parallel_sites_is_the_textbook_formula(
    units: float, test_s: float, sites: int, utilisation: float
) -> None:
    """units·runs·t/(3600·hours·utilisation·sites) for MSE = 1 and no index time."""
    run_s = seconds_per_unit(test_s, sites=sites)
    fleet = needed_testers(
        units, run_s, hours=8760.0, utilisation_frac=utilisation, runs_per_unit=1.1
    )
    textbook = units * 1.1 * test_s / (3600 * 8760.0 * utilisation * sites)
    assert fleet == pytest.approx(textbook, rel=1e-13)


def test_catch_multiplies_by_uptime_where_a_fleet_divides() -> None:
    """CATCH (commit d60dafb): cost per second = machine/lifetime · uptime, so idling is free.

    A machine of 1 M USD and 5 years that works half the time costs twice as much per unit.
    """

    def per_unit(uptime: float) -> Any:
        fleet = needed_testers(1e6, 180.0, hours=5 * 8760.0, utilisation_frac=uptime)
        return fleet * 1e6 / 1e6

    def catch_per_unit(uptime: float) -> float:
        return 180.0 * 1e6 / (5 * 8760.0 * 3600.0) * uptime

    assert per_unit(0.45) == pytest.approx(2 * per_unit(0.9), rel=1e-14)
    assert catch_per_unit(0.45) == pytest.approx(catch_per_unit(0.9) / 2, rel=1e-14)
    assert per_unit(1.0) == pytest.approx(catch_per_unit(1.0), rel=1e-14)


# --- Google's staged test ----------------------------------------------------------------------


def test_published_google_figures() -> None:
    """Assertions of the peer's own unit tests."""
    assert google_wafer_sort_usd(0.7, 0.8, **SORT) == pytest.approx(2.400, abs=5e-4)
    assert google_final_test_usd(0.8, 0.8, 0.9, **FINAL) == pytest.approx(3.472, abs=5e-4)
    assert google_slt_usd(0.8, 0.9, 110.0, 360.0) == pytest.approx(9.020, abs=5e-4)


def test_google_retests_by_hand() -> None:
    """1 USD a second: 2 insertions of 10 s, 3 retests of a share 1 − 0.5·(0.8 − 0.9) = 1.05."""
    rates = {"usd_per_h": 3600.0, "test_s": 10.0, "insertions": 2, "retests": 3}
    cost = google_final_test_usd(0.5, 0.8, 0.9, **rates)
    assert cost == pytest.approx(20.0 + 1.05 * 30.0, rel=1e-14)
    assert google_wafer_sort_usd(0.5, 0.8, **rates) == pytest.approx(20.0 + 0.6 * 30.0, rel=1e-14)


def test_golden_google_rows() -> None:
    with GOLDEN.open(encoding="utf-8") as file:
        table = list(csv.DictReader(line for line in file if not line.startswith("#")))
    assert len(table) == 50
    values = {key: np.array([float(row[key]) for row in table]) for key in table[0]}
    good, sorted_out, final = values["yield_i"], values["WSxi"], values["FTxi"]
    sort = google_wafer_sort_usd(good, sorted_out, **SORT)
    test = google_final_test_usd(good, sorted_out, final, **FINAL)
    slt = google_slt_usd(good, final, 110.0, 360.0)
    assert sort == pytest.approx(values["wafer_sort_cost"], rel=1e-13)
    assert test == pytest.approx(values["final_test_cost"], rel=1e-13)
    assert slt == pytest.approx(values["slt_cost"], rel=1e-13)
    assert sort + test + slt == pytest.approx(values["total_test_cost"], rel=1e-13)


# --- refusals ----------------------------------------------------------------------------------


def test_every_bad_argument_is_named_at_once() -> None:
    nan, inf = math.nan, math.inf
    assert refused(
        seconds_per_unit, nan, index_s=-1.0, sites=0, multi_site_efficiency=1.1
    ) == ["test_s", "index_s", "sites", "multi_site_efficiency"]  # fmt: skip
    assert refused(units_per_hour, 0.0) == ["run_s"]
    assert refused(touchdowns, 0, 1.5, 1.0) == ["dies", "sites", "edge_loss_frac"]
    assert refused(probe_card_usd_per_touchdown, -1.0, 0.0) == ["card_usd", "life_touchdowns"]
    assert refused(probe_card_usd_per_die, nan, 0, 0, -0.1) == [
        "usd_per_touchdown", "dies", "sites", "edge_loss_frac",
    ]  # fmt: skip
    assert refused(
        usd_per_unit, -1.0, inf, runs_per_unit=0.9, pass_frac=2.0, fail_time_frac=nan, sites=0
    ) == ["run_s", "usd_per_h", "runs_per_unit", "pass_frac", "fail_time_frac", "sites"]
    assert refused(
        needed_testers, -1.0, nan, hours=0.0, utilisation_frac=0.0, runs_per_unit=0.0
    ) == ["units", "run_s", "hours", "utilisation_frac", "runs_per_unit"]  # fmt: skip
    bad = {"usd_per_h": -1.0, "test_s": nan, "insertions": -1, "retests": inf}
    assert refused(google_final_test_usd, 2.0, -1.0, nan, **bad) == [
        "yield_frac", "sort_frac", "final_frac", *bad,
    ]  # fmt: skip
    assert refused(google_wafer_sort_usd, 2.0, -1.0, **bad) == ["yield_frac", "sort_frac", *bad]
    assert refused(google_slt_usd, 2.0, -1.0, -1.0, nan) == [
        "yield_frac", "final_frac", "usd_per_h", "test_s",
    ]  # fmt: skip


@pytest.mark.parametrize("bad", ["7", None, True, 1 + 1j, [1.0], np.ones((2, 2))])
def test_what_is_no_number_is_refused(bad: Any) -> None:
    assert refused(units_per_hour, bad) == ["run_s"]


def test_arrays_of_different_lengths_are_refused() -> None:
    with pytest.raises(CaseError, match="different lengths"):
        seconds_per_unit(np.ones(2), index_s=np.ones(3))
