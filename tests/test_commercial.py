"""Commercial terms: quotes, turnkey and consigned builds, one-off costs, port, shipping.

Builds are checked against a simulation of starts with real stacks, in which every party's purse is
kept: what the buyer pays, what the provider and the supplier of the stacks give back.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.physics.support import refused
from yieldopt.commercial import (
    Build,
    Price,
    consigned,
    one_off_per_good_usd,
    port_usd,
    quote_usd,
    shipping_usd_per_good,
    turnkey,
)
from yieldopt.errors import CaseError

SETTINGS = settings(derandomize=True, deadline=None, max_examples=60)
BUILD = Build(
    4000.0, 500.0, process_yield_frac=0.9, stacks=8, bad_stack_frac=0.01, bad_stack_credit_usd=300.0
)


# --- quotes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cost", "price", "margin"), [(3320, 28000, 0.881), (5300, 15000, 0.647)])
def test_published_gross_margins(cost: float, price: float, margin: float) -> None:
    """siliconanalysts.com cost bridge: H100 at 88.1 %, MI300X at 64.7 %, rounded to 0.1 %."""
    low, high = quote_usd(cost, margin - 0.0006), quote_usd(cost, margin + 0.0006)
    assert low < price < high


@pytest.mark.parametrize(
    ("margin", "factor"), [(0.0, 1.0), (0.15, 20 / 17), (0.25, 4 / 3), (0.5, 2.0), (0.55, 20 / 9)]
)
def test_a_margin_is_a_share_of_the_price(margin: float, factor: float) -> None:
    """Brief 2026: OSAT 15-25 %, foundry 50-55 %."""
    price = quote_usd(900.0, margin)
    assert price == pytest.approx(900.0 * factor, rel=1e-14)
    assert price - 900.0 == pytest.approx(margin * price, abs=1e-10)


# --- turnkey and consigned ---------------------------------------------------------------------


def simulate(build: Any, starts: int, seed: int) -> dict[str, np.ndarray[Any, Any]]:
    """Starts one by one: which are broken, how many bad stacks show, which are good."""
    rng = np.random.default_rng(seed)
    broken = rng.random(starts) > build.process_yield_frac
    bad = (rng.random((starts, build.stacks)) < build.bad_stack_frac).sum(axis=1)
    shown = np.where(broken, 0, bad)
    return {"broken": broken, "shown": shown, "good": ~broken & (bad == 0)}


def agrees(paid: np.ndarray[Any, Any], good: np.ndarray[Any, Any], expected: float) -> bool:
    """Ratio of the sums of (n,) amounts and good packages within 4 of its standard errors."""
    ratio = paid.sum() / good.sum()
    spread = (paid - ratio * good).std() / good.mean() / math.sqrt(good.size)
    return bool(abs(ratio - expected) < 4.0 * spread)


TERMS = [
    {"liability_frac": 0.5, "liability_cap_usd": 1e9},  # the share binds
    {"liability_frac": 0.5, "liability_cap_usd": 700.0},  # the cap binds
    {"liability_frac": 0.0, "liability_cap_usd": 700.0},
]


@pytest.mark.parametrize("terms", TERMS)
def test_consigned_is_what_a_simulated_buyer_pays(terms: dict[str, float]) -> None:
    """Within 4 standard errors over 300,000 starts of a fixed seed."""
    seen = simulate(BUILD, 300_000, seed=21)
    given_back = min(terms["liability_frac"] * 4000.0, terms["liability_cap_usd"])
    per_good = 500.0 / BUILD.good_frac / 0.8  # the provider's price: good packages carry the scrap
    purse = 4000.0 + per_good * seen["good"] - given_back * seen["broken"] - 300.0 * seen["shown"]
    price = consigned(BUILD, processing_margin_frac=0.2, **terms)
    assert agrees(purse, seen["good"], float(price.total_usd))
    assert agrees(4000.0 * ~seen["good"], seen["good"], float(price.scrapped_parts_usd))
    assert agrees(500.0 * np.ones(300_000), seen["good"], float(price.processing_usd))
    assert agrees(300.0 * seen["shown"], seen["good"], float(price.stack_credit_usd))
    if given_back:
        lost = given_back * seen["broken"]
        assert agrees(lost, seen["good"], float(price.liability_credit_usd))
    else:
        assert price.liability_credit_usd == 0.0


def test_turnkey_leaves_a_simulated_provider_its_margin() -> None:
    """The provider spends on all starts and sells good packages; within 4 standard errors."""
    seen = simulate(BUILD, 300_000, seed=22)
    price = turnkey(BUILD, processing_margin_frac=0.2, parts_margin_frac=0.05)
    spent = 4500.0 - 300.0 * seen["shown"]
    kept = float(price.total_usd) * seen["good"] - spent
    assert agrees(kept, seen["good"], float(price.margin_usd))
    on_parts = (4000.0 - 300.0 * seen["shown"]) / 0.95
    assert agrees(on_parts + 500.0 / 0.8, seen["good"], float(price.total_usd))
    assert price.liability_credit_usd == 0.0


def test_good_starts_are_those_simulated() -> None:
    good = simulate(BUILD, 300_000, seed=23)["good"]
    error = good.std() / math.sqrt(good.size)
    assert abs(good.mean() - BUILD.good_frac) < 4.0 * error


shares = st.floats(0.0, 0.9)
builds = st.builds(
    Build,
    st.floats(100.0, 1e5),
    st.floats(0.0, 1e4),
    process_yield_frac=st.floats(0.05, 1.0),
    stacks=st.integers(0, 12),
    bad_stack_frac=st.floats(0.0, 0.2),
    bad_stack_credit_usd=st.floats(0.0, 8.0),
)


@SETTINGS
@given(builds, shares, shares, shares, st.floats(0.0, 1e5))
def test_money_is_kept(build: Build, work: float, parts: float, paid: float, cap: float) -> None:
    """What the buyer spends is what all the work and parts cost and what the others keep."""
    liability = {"liability_frac": paid, "liability_cap_usd": cap}
    one = turnkey(build, processing_margin_frac=work, parts_margin_frac=parts)
    two = consigned(build, processing_margin_frac=work, **liability)
    for price in (one, two):
        spent = (build.parts_usd_per_start + build.processing_usd_per_start) / build.good_frac
        kept = price.margin_usd - price.liability_credit_usd - price.stack_credit_usd
        assert price.total_usd == pytest.approx(spent + kept, rel=1e-12)
    bought = (one.parts_usd + one.scrapped_parts_usd - one.stack_credit_usd) / (1.0 - parts)
    assert one.total_usd == pytest.approx(bought + one.processing_usd / (1.0 - work), rel=1e-12)
    # without margins and liability it does not matter who buys
    free = {"processing_margin_frac": 0.0}
    plain = turnkey(build, parts_margin_frac=0.0, **free).total_usd
    mine = consigned(build, liability_frac=0.0, liability_cap_usd=0.0, **free).total_usd
    assert plain == pytest.approx(mine, rel=1e-14)
    # a turnkey provider marks the parts up; a consigning one owes at most what its process broke
    assert one.total_usd >= mine * (1 - 1e-12)
    broken = (1.0 - build.process_yield_frac) * build.parts_usd_per_start / build.good_frac
    assert 0.0 <= two.liability_credit_usd <= broken * (1 + 1e-12)


@SETTINGS
@given(builds, shares, st.floats(0.0, 1e5), st.floats(1.0, 1e4))
def test_a_higher_cap_or_share_never_costs_the_buyer_more(
    build: Build, paid: float, cap: float, more: float
) -> None:
    def total(share: float, limit: float) -> float:
        terms = {"liability_frac": share, "liability_cap_usd": limit}
        return float(consigned(build, processing_margin_frac=0.2, **terms).total_usd)

    assert total(paid, cap + more) <= total(paid, cap)
    assert total(paid + 0.1, cap) <= total(paid, cap)
    beyond = float(np.max(build.parts_usd_per_start))
    assert total(1.0, beyond) == total(1.0, beyond + more)


def test_a_perfect_build_costs_its_parts_and_the_quoted_work() -> None:
    perfect = Build(4000.0, 500.0, process_yield_frac=1.0, stacks=8, bad_stack_credit_usd=300.0)
    terms = {"liability_frac": 1.0, "liability_cap_usd": 4000.0}
    price = consigned(perfect, processing_margin_frac=0.2, **terms)
    found = dataclasses.astuple(price)
    assert found == pytest.approx((4000.0, 0.0, 500.0, 125.0, 0.0, 0.0), rel=1e-14, abs=0.0)
    assert price.total_usd == pytest.approx(4000.0 + quote_usd(500.0, 0.2), rel=1e-14)


def test_rare_bad_stacks_keep_their_digits() -> None:
    """1/(1−q)⁸ − 1 = 8q + 36q² + …, at q = 1e-10."""
    rare = Build(1000.0, 0.0, process_yield_frac=1.0, stacks=8, bad_stack_frac=1e-10)
    price = turnkey(rare, processing_margin_frac=0.0, parts_margin_frac=0.0)
    assert price.scrapped_parts_usd == pytest.approx(1000.0 * (8e-10 + 36e-20), rel=1e-13, abs=0.0)


def test_arrays_are_taken_element_by_element() -> None:
    yields, margins = np.array([0.7, 0.9, 1.0]), np.array([0.1, 0.2, 0.3])
    many = Build(4000.0, 500.0, process_yield_frac=yields, stacks=4, bad_stack_frac=0.01)
    caps = np.array([100.0, 1e6, 900.0])

    def both(build: Build, margin: Any, cap: Any) -> list[Price]:
        work = {"processing_margin_frac": margin}
        return [
            turnkey(build, parts_margin_frac=margin, **work),
            consigned(build, liability_frac=0.5, liability_cap_usd=cap, **work),
        ]

    found = [price.total_usd for price in both(many, margins, caps)]
    for at in range(3):
        one = dataclasses.replace(many, process_yield_frac=float(yields[at]))
        alone = [price.total_usd for price in both(one, float(margins[at]), float(caps[at]))]
        assert [total[at] for total in found] == alone


# --- one-off, port, shipping -------------------------------------------------------------------


@pytest.mark.parametrize(("volume", "total"), [(0.5e6, 242.0), (1e6, 161.0), (5e6, 96.2)])
def test_published_amortisation(volume: float, total: float) -> None:
    """legitlads.com ASIC estimator: NRE 81 M$, unit 80 $, to half a dollar."""
    assert 80.0 + one_off_per_good_usd(81e6, volume) == pytest.approx(total, abs=0.5)


def test_leaving_a_closed_flow() -> None:
    """Brief 2026: IP above 100 M$ and a year; even free of new work and margin it is > 100 M$."""
    least: dict[str, float] = {"new_work_usd": 0.0, "written_off_usd": 100e6, "delay_months": 12.0}
    assert port_usd(**least, lost_usd_per_month=0.0) == 100e6
    port = port_usd(**(least | {"new_work_usd": 15e6}), lost_usd_per_month=2e6)
    assert port == 139e6
    assert one_off_per_good_usd(port, 1e6) == 139.0


def test_shipping_is_the_sum_of_the_trips_of_simulated_lots() -> None:
    """Parts in lots of 40 to the bonder, what passes in lots of 25 to the test house.

    Two parts a package; 4 standard errors over 100,000 packages, lots kept full.
    """
    rng = np.random.default_rng(31)
    starts = 100_000
    bonded = rng.random(starts) < 0.92
    good = bonded & (rng.random(starts) < 0.97)
    paid = 2 * 60.0 / 40 + bonded * 90.0 / 25
    visits = np.array([2 / (0.92 * 0.97), 1 / 0.97])
    found = shipping_usd_per_good(np.array([60.0, 90.0]), np.array([40.0, 25.0]), visits)
    assert agrees(paid, good, found)
    assert shipping_usd_per_good(60.0, 40.0, 2.0) == 3.0


# --- refusals ----------------------------------------------------------------------------------


def test_every_bad_argument_is_named_at_once() -> None:
    assert refused(quote_usd, -1.0, 1.0) == ["cost_usd", "gross_margin_frac"]
    names = [field.name for field in dataclasses.fields(Build)]
    assert refused(Build, -1.0, math.nan, 0.0, -1, 1.0, math.inf) == names
    margins = {"processing_margin_frac": 1.0, "parts_margin_frac": math.nan}
    assert refused(turnkey, BUILD, **margins) == list(margins)
    terms = {"processing_margin_frac": -0.1, "liability_frac": 1.1, "liability_cap_usd": -1.0}
    assert refused(consigned, BUILD, **terms) == list(terms)
    assert refused(one_off_per_good_usd, math.nan, 0.0) == ["one_off_usd", "volume"]
    port = dict.fromkeys(
        ("new_work_usd", "written_off_usd", "delay_months", "lost_usd_per_month"), -1.0
    )
    assert refused(port_usd, **port) == list(port)
    trips = ["lot_usd", "units_per_lot", "units_per_good"]
    assert refused(shipping_usd_per_good, -1.0, 0.0, math.nan) == trips


def test_credits_above_the_parts_are_refused() -> None:
    with pytest.raises(CaseError, match="all stacks together exceed the parts"):
        Build(2000.0, 1.0, process_yield_frac=0.9, stacks=8, bad_stack_credit_usd=251.0)
    Build(2000.0, 1.0, process_yield_frac=0.9, stacks=8, bad_stack_credit_usd=250.0)
