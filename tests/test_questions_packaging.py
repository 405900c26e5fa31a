"""Questions on packaging and test: the answer in the head of each case, and where it turns.

Every number that a head states is computed anew and must stand there as rounded here, so that text
and model cannot drift apart.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.test_calibration import at_area, crossover_mm2, readme, reference
from yieldopt import load
from yieldopt.breakeven import BreakEven, Crossing, breakeven
from yieldopt.optimize.weighing import candidate_on
from yieldopt.plan import Recipe

CASES = Path(__file__).parent.parent / "cases"
Changes = Mapping[str, Any]


@cache
def head(case: str) -> str:
    """The comment that opens a case, as one line."""
    text = (CASES / f"{case}.toml").read_text(encoding="utf-8").split("\nname =")[0]
    return re.sub(r"\s*\n# ?", " ", text)


def says(case: str, *phrases: str) -> None:
    missing = [phrase for phrase in phrases if phrase not in head(case)]
    assert not missing, f"the head of {case} does not say {missing}"


def recipe(case: str, product: str, route: str = "", changes: Changes | None = None) -> Recipe:
    loaded = load(CASES / f"{case}.toml", changes or {})
    asked = loaded.product(product)
    candidate, verdict = candidate_on(loaded, asked, route or asked.routes[0])
    assert candidate is not None, verdict.reasons
    return candidate.recipes[0]


def cost(case: str, product: str, route: str = "", changes: Changes | None = None) -> float:
    return recipe(case, product, route, changes).cost_per_good_usd


def reasons(case: str, product: str, route: str, changes: Changes | None = None) -> tuple[str, ...]:
    loaded = load(CASES / f"{case}.toml", changes or {})
    candidate, verdict = candidate_on(loaded, loaded.product(product), route)
    assert candidate is None
    return verdict.reasons


def only(found: BreakEven) -> Crossing:
    (crossing,) = found.crossings
    return crossing


def turning(holds: Callable[[float], bool], low: float, high: float) -> float:
    """Bisect to a thousandth for where an answer that holds at ``low`` no longer does."""
    assert holds(low)
    assert not holds(high)
    while high - low > 1e-3 * high:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if holds(middle) else (low, middle)
    return 0.5 * (low + high)


# HBM4 16-high: MR-MUF or hybrid?
BONDING = "ask_hbm4_16h_bonding"
STACKS = ("hbm_mr_muf", "hbm_hybrid_d2w")
MR_MUF, HYBRID = (f"routes.{route}.steps.layer_bond" for route in STACKS)
GROWTH = f"{MR_MUF}.growth_frac_per_layer"


def test_sixteen_high_is_a_draw_and_lower_stacks_are_mr_muf() -> None:
    muf, hybrid = ({n: cost(BONDING, f"stack_{n}h", r) for n in (8, 12, 16)} for r in STACKS)
    assert muf[8] < 0.9 * hybrid[8]
    assert muf[12] < 0.9 * hybrid[12]
    assert muf[16] < hybrid[16] < 1.01 * muf[16]
    says(BONDING, *(f"{hybrid[n]:.0f} against {muf[n]:.0f} USD at {n}-high" for n in (8, 12, 16)))


def lead_of_hybrid(changes: Changes) -> float:
    muf, hybrid = (cost(BONDING, "stack_16h", route, changes) for route in STACKS)
    return muf - hybrid


def lead_in_package(changes: Changes) -> float:
    muf, hybrid = (cost(BONDING, f"package_{p}", changes=changes) for p in ("mr_muf", "hybrid"))
    return muf - hybrid


@pytest.mark.long
def test_the_layer_yield_and_the_growth_with_height_turn_it() -> None:
    key = f"{HYBRID}.faults.hybrid.yield_frac"
    found = breakeven(CASES / f"{BONDING}.toml", key, STACKS, product="stack_16h")
    layer = only(found)
    assert (layer.cheaper_below, layer.cheaper_above) == STACKS
    worst, _, best = found.costs["hbm_hybrid_d2w"]
    says(BONDING, f"{found.base} a layer, assumed", f"above {layer.value:.4f} a layer")
    says(BONDING, f"{worst:.0f} to {best:.0f} USD over the range of {found.low} to {found.high}")
    assert lead_of_hybrid({GROWTH: 0.1305}) < 0.0 < lead_of_hybrid({GROWTH: 0.1315})
    says(BONDING, "hybrid cheaper above 13.1 %")


def test_in_the_package_the_draw_tips_to_hybrid_and_a_low_limit_forbids_mr_muf() -> None:
    """Hybrid stacks are dearer and the package is not: it is what they carry along that tips it."""
    muf, hybrid = cost(BONDING, "package_mr_muf"), cost(BONDING, "package_hybrid")
    assert hybrid < muf < 1.01 * hybrid
    assert lead_of_hybrid({}) < 0.0
    says(BONDING, f"{hybrid:,.0f} against {muf:,.0f} USD, {muf - hybrid:.0f} USD saved")
    says(BONDING, f"its four stacks cost {-4 * lead_of_hybrid({}):.0f} more")
    bad = [recipe(BONDING, "stack_16h", route).dppm for route in STACKS]
    assert bad[0] > bad[1]
    hours = [
        recipe(BONDING, f"package_{p}").levels[f"hbm4_16h_{p}/burn_in"].removeprefix("h")
        for p in ("mr_muf", "hybrid")
    ]
    says(BONDING, f"burn in for {hours[0]} h, not {hours[1]}")
    assert lead_in_package({GROWTH: 0.1285}) < 0.0 < lead_in_package({GROWTH: 0.1295})
    says(BONDING, "growth below 12.9 %")
    low = {"routes.cowos_s.limits.stack_height_um": 720}
    (reason,) = reasons(BONDING, "package_mr_muf", "cowos_s", low)
    assert "720" in reason
    assert cost(BONDING, "package_hybrid", changes=low) == hybrid


# CoWoS-S or -L?
S_OR_L = "ask_cowos_s_or_l"
SILICON, BRIDGED = "cowos_s", "cowos_l"
LINE_OF_L = "processes.cow_l.cost_usd"


def test_silicon_is_cheaper_up_to_its_limit_though_yields_cross_before() -> None:
    for product in ("tight", "middle", "limit"):
        silicon, bridged = cost(S_OR_L, product, SILICON), cost(S_OR_L, product, BRIDGED)
        assert silicon < bridged
        if product != "middle":
            says(S_OR_L, f"{silicon:,.0f} against {bridged:,.0f} USD")
    area = math.prod(load(CASES / f"{S_OR_L}.toml").product("tight").interposer_mm or ())
    yields = [at_area(reference(), route, area) for route in (SILICON, BRIDGED)]
    assert yields[0] == pytest.approx(yields[1], abs=5e-4)
    assert f"{round(crossover_mm2(), -1):,.0f} mm²" in readme()
    says(S_OR_L, f"{round(crossover_mm2(), -1):,.0f} mm2")
    (reason,) = reasons(S_OR_L, "beyond", SILICON)
    assert "exceeds the limit" in reason
    assert cost(S_OR_L, "beyond", BRIDGED) > 0.0


@pytest.mark.long
def test_the_price_of_the_line_carries_it() -> None:
    case = CASES / f"{S_OR_L}.toml"
    found = only(
        breakeven(case, LINE_OF_L, (SILICON, BRIDGED), product="limit", low=9e3, high=19e3)
    )
    assert (found.cheaper_below, found.cheaper_above) == (BRIDGED, SILICON)
    says(S_OR_L, f"{found.value:,.0f} USD a wafer")
    falls = [recipe(S_OR_L, "limit", route).waterfall_usd for route in (SILICON, BRIDGED)]
    line = falls[1]["assembly"] - falls[0]["assembly"]
    scrap = falls[1]["scrap"] - falls[0]["scrap"]
    gap = cost(S_OR_L, "limit", BRIDGED) - cost(S_OR_L, "limit", SILICON)
    says(S_OR_L, f"{line:.0f} of the {gap:.0f} USD", f"{scrap:.0f} USD more scrap")


def test_at_like_prices_bridges_win_at_any_size_that_holds_the_parts() -> None:
    like = {LINE_OF_L: load(CASES / f"{S_OR_L}.toml").library.processes["cow_s"].cost_usd.base}
    for product in ("tight", "middle", "limit"):
        bridged = cost(S_OR_L, product, BRIDGED, like)
        assert bridged < cost(S_OR_L, product, SILICON, like)
    free = {
        LINE_OF_L: 12000,
        **{f"routes.{r}.limits.interposer_mm2": 9000 for r in (SILICON, BRIDGED)},
    }
    sides = ((59.6, 67.3), (64.5, 72.9))  # 4,011 and 4,702 mm2
    small, large = ({**free, "products.limit.interposer_mm": list(pair)} for pair in sides)
    assert cost(S_OR_L, "limit", SILICON, small) < cost(S_OR_L, "limit", BRIDGED, small)
    assert cost(S_OR_L, "limit", SILICON, large) > cost(S_OR_L, "limit", BRIDGED, large)


# FOPLP or CoWoS-L?
PANEL = "ask_foplp_or_cowos_l"
ROUTES = ("cowos_l", "foplp_chip_last")
BONDS = "routes.foplp_chip_last.steps.chip_bond.faults.joint.yield_frac"


@cache
def between(
    key: str, product: str, low: float | None = None, high: float | None = None
) -> Crossing:
    case = CASES / f"{PANEL}.toml"
    return only(breakeven(case, key, ROUTES, product=product, low=low, high=high))


@pytest.mark.long
def test_panels_win_until_their_wiring_is_many_times_worse() -> None:
    density = "processes.foplp_rdl.d0_per_cm2"
    four, b200 = (between(density, product, 0.05, 3.0) for product in ("four_stacks", "b200"))
    for crossing in (four, b200):
        assert (crossing.cheaper_below, crossing.cheaper_above) == ROUTES[::-1]
        assert crossing.value > 0.1  # the high end of D0_fanout_RDL
    says(PANEL, f"{four.value:.2f} per cm2", f"{b200.value:.2f} per cm2")
    panel, bridged = (cost(PANEL, "b200", route) for route in ROUTES[::-1])
    says(PANEL, f"{panel:,.0f} against {bridged:,.0f} USD")


def test_only_what_kills_counts_of_the_defects() -> None:
    """With the critical area of silicon, ten times its own, a tenth of the density is the same."""
    four = between("processes.foplp_rdl.d0_per_cm2", "four_stacks", 0.05, 3.0).value
    b200 = between("processes.foplp_rdl.d0_per_cm2", "b200", 0.05, 3.0).value
    for product, value in (("four_stacks", four), ("b200", b200)):
        there = {"processes.foplp_rdl.d0_per_cm2": 0.1 * value,
                 "processes.foplp_rdl.critical_area_frac": 0.3}  # fmt: skip
        assert lead_of_panel(product, there) == pytest.approx(0.0, abs=0.01)
    says(PANEL, f"{0.1 * four:.2f} and {0.1 * b200:.3f}")


def lead_of_panel(product: str, changes: Changes) -> float:
    panel, bridged = (cost(PANEL, product, route, changes) for route in ROUTES[::-1])
    return bridged - panel


@pytest.mark.parametrize(("product", "bonds"), [("four_stacks", 0.959), ("b200", 0.973)])
def test_the_panel_line_and_its_bonds_turn_it_sooner(product: str, bonds: float) -> None:
    line = "processes.cop_panel.cost_usd"
    assert lead_of_panel(product, {line: 65300}) > 0.0 > lead_of_panel(product, {line: 65500})
    worse, better = {BONDS: bonds - 0.0005}, {BONDS: bonds + 0.0005}
    assert lead_of_panel(product, worse) < 0.0 < lead_of_panel(product, better)
    says(PANEL, "65,400 USD", f"{bonds:.3f}")


# Mid-bond test?
MID = "ask_mid_bond"
CHIP_BOND = "routes.cowos_s.steps.chip_bond.faults.joint.yield_frac"
PROBED = ("scan60", "scan80", "bist90", "lanes90", "full95")


def mid_level(changes: Changes) -> str:
    return recipe(MID, "chosen", changes=changes).levels["cow/mid_bond"]


def test_mid_bond_test_is_off_at_the_yield_of_bonds_and_would_cost_more() -> None:
    """3D-COSTAR (c): it can be skipped where stacking yields well."""
    assert mid_level({}) == "off"
    without, probed = cost(MID, "without"), cost(MID, "probed")
    assert cost(MID, "chosen") == without < probed
    says(MID, f"{probed - without:.0f} USD more")
    for end in (0.99, 0.9995):  # of bond_yield_chip_silicon_interposer
        assert mid_level({CHIP_BOND: end}) == "off"


def test_worse_bonds_bring_it_on() -> None:
    value = turning(lambda y: mid_level({CHIP_BOND: 1.0 - y}) == "off", 0.002, 0.05)
    says(MID, f"{1.0 - value:.3f} a chip")
    for product in ("without", "probed"):
        says(MID, f"{cost(MID, product, changes={CHIP_BOND: 0.95}):,.0f}")
    assert mid_level({CHIP_BOND: 0.95}) == "full95"


def test_overkill_and_the_substrate_it_saves_turn_it_too() -> None:
    def off(overkill: float) -> bool:
        names = {f"insertions.mid_bond.levels.{level}.overkill": overkill for level in PROBED}
        return mid_level(names) == "off"

    overkill = turning(lambda x: off(0.005 - x), 0.0, 0.005)
    says(MID, f"below {1e2 * (0.005 - overkill):.2f} %")
    price = turning(lambda x: mid_level({"parts.abf_ai_gpu.price_usd": x}) == "off", 200.0, 900.0)
    says(MID, f"above {round(price, -1):.0f} USD")


# Probing micro-bumps or pads?
PROBING = "ask_microbump_probing"
TOUCHES = {"detect85": 1, "p80": 1, "p90": 1, "p94": 1, "p97": 1, "kgd98": 2}


def crushed(per_touch: float) -> dict[str, float]:
    return {
        f"insertions.wafer_sort.levels.{level}.damage.bump.mean": per_touch * touches
        for level, touches in TOUCHES.items()
    }


def test_probing_micro_bumps_is_cheaper_than_pads() -> None:
    """3D-COSTAR (b), in direction; its margin hangs on what a touch does to the bumps."""
    bumps, pads = cost(PROBING, "bumps"), cost(PROBING, "pads")
    assert bumps < pads
    says(PROBING, f"{bumps:,.0f} against {pads:,.0f} USD")
    says(PROBING, f"{100 * (pads / bumps - 1):.1f} % of the package")
    unhurt = cost(PROBING, "bumps", changes=crushed(0.0))
    says(PROBING, f"{pads - unhurt:.0f} USD of silicon", f"{bumps - unhurt:.0f} USD of crushed")


@pytest.mark.long
def test_pads_win_where_a_touch_crushes_more_or_pads_are_few() -> None:
    pads, bumps = cost(PROBING, "pads"), cost(PROBING, "bumps")
    mean = turning(lambda x: cost(PROBING, "bumps", changes=crushed(x)) < pads, 0.001, 0.005)
    says(PROBING, f"{1e3 * mean:.1f} in a thousand")

    def cheap(height_mm: float) -> bool:
        return cost(PROBING, "pads", changes={"parts.tpu_die_pads.height_mm": height_mm}) < bumps

    height = turning(lambda x: cheap(27.0 + x), 0.01, 0.9)
    says(PROBING, f"{round(22.0 * height / 0.01, -1):.0f} pads")


# Interposer test?
INTERPOSER = "ask_interposer_test"
LEVELS = ("off", "aoi", "opens70", "shorts85", "full95", "ebeam98")
SILICON_WAFER = "processes.si_interposer_65"


def test_more_coverage_of_the_interposer_costs_less_in_all() -> None:
    """3D-COSTAR (a): higher pre-bond interposer coverage lowers the total."""
    costs = [cost(INTERPOSER, level) for level in LEVELS]
    assert costs == sorted(costs, reverse=True)
    assert len(set(costs)) == len(costs)
    says(INTERPOSER, ", ".join(f"{value:,.0f}" for value in costs))
    assert recipe(INTERPOSER, "chosen").levels["interposer/interposer_test"] == LEVELS[-1]
    falls = recipe(INTERPOSER, "chosen").waterfall_usd
    riding = falls["die"] + falls["memory"]
    says(INTERPOSER, f"{riding:,.0f} USD ride on an interposer of {falls['interposer']:.0f} USD")
    assert recipe(INTERPOSER, "off").levels["cow/mid_bond"] == "lanes90"


def test_it_pays_over_the_whole_range_of_defects_but_not_without_any() -> None:
    low = {f"{SILICON_WAFER}.d0_per_cm2": 0.001}
    saved = cost(INTERPOSER, "off", changes=low) - cost(INTERPOSER, "chosen", changes=low)
    says(INTERPOSER, f"{saved:.0f} USD at 0.001")

    def needed(density: float) -> bool:
        clean = {f"{SILICON_WAFER}.d0_per_cm2": density,
                 f"{SILICON_WAFER}.stitch.faults_per_mm": 0.0}  # fmt: skip
        return recipe(INTERPOSER, "chosen", changes=clean).levels[
            "interposer/interposer_test"
        ] != "off"  # fmt: skip

    density = turning(lambda x: needed(1e-3 - x), 0.0, 1e-3)
    says(INTERPOSER, f"{1e-3 - density:.4f} per cm2")


def test_the_last_points_of_coverage_hang_on_test_time() -> None:
    key = "insertions.interposer_test.levels.ebeam98.seconds"
    full = cost(INTERPOSER, "full95")
    value = turning(lambda x: cost(INTERPOSER, "ebeam98", changes={key: x}) < full, 180.0, 900.0)
    says(INTERPOSER, f"{round(value, -1):.0f} s")


# Which HBM grade?
GRADE = "ask_hbm_grade"
PREMIUM, ECONOMY = (
    f"parts.hbm4_16h_graded.grades.{name}.price_usd" for name in ("premium", "economy")
)


def grade(product: str, changes: Changes | None = None) -> str:
    return recipe(GRADE, product, changes=changes).levels["hbm4_16h_graded/grade"]


def test_the_grade_follows_the_value_of_the_package() -> None:
    assert (grade("small"), grade("large")) == ("standard", "premium")
    grades = load(CASES / f"{GRADE}.toml").library.parts["hbm4_16h_graded"].grades or {}
    price = {name: one.price_usd.base for name, one in grades.items()}
    says(GRADE, f"{price['premium'] - price['standard']:.0f} USD is assumed")
    says(GRADE, f"{price['standard'] - price['economy']:.0f} are assumed")
    says(GRADE, f"{cost(GRADE, 'small'):,.0f} USD", f"{cost(GRADE, 'large'):,.0f} USD")


@pytest.mark.long
@pytest.mark.parametrize("product", ["small", "large"])
def test_the_price_step_turns_the_grade(product: str) -> None:
    step = turning(lambda x: grade(product, {PREMIUM: 750.0 + x}) == "premium", 2.0, 30.0)
    says(GRADE, f"{step:.1f} USD")
    discount = turning(lambda x: grade(product, {ECONOMY: 750.0 - x}) != "economy", 10.0, 90.0)
    says(GRADE, f"{discount:.0f} USD")


def test_under_a_given_programme_a_dppm_limit_turns_the_grade_within_a_narrow_window() -> None:
    assert grade("fixed_programme") == "premium"
    premium = recipe(GRADE, "fixed_programme").dppm
    loose = {"products.fixed_programme.dppm_limit": 10000.0}
    assert grade("fixed_programme", loose) == "standard"
    standard = recipe(GRADE, "fixed_programme", changes=loose).dppm
    assert premium < 5000.0 < standard
    says(GRADE, f"{premium:,.0f} to {standard:,.0f} DPPM")
    for limit in (1000.0, 2000.0, 30000.0):  # with tests chosen, no limit does
        assert grade("small", {"products.small.dppm_limit": limit}) == "standard"
