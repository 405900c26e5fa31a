"""Borders where a plan is easily wrong: rounding of large demand, no demand, no line, no margin.

Each against brute force (every recipe written out), or against the same case moved a little.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.planning.enumeration import ways
from tests.planning.random_plans import random_case
from tests.planning.reference import reference
from tests.planning.small_plans import CASE, SOFT, SOFT_SWITCH
from tests.seeds import seeds
from yieldopt import CaseError, Result, Status, load, solve
from yieldopt.optimize.budget import Budget
from yieldopt.planning.generation import relax
from yieldopt.planning.master import Master
from yieldopt.planning.programme import programme_of
from yieldopt.planning.setting import setting_of
from yieldopt.planning.tightening import tightened
from yieldopt.report.text import to_json
from yieldopt.schema.case import Case

SAME = 1e-6  # of the objective, against the MILP of the reference: its own tolerance
MANY = 1_000_000
TIGHT = {"lots", "qualification", "lumps", "bookings", "late"}
ONE = """\
name = "one"
periods = ["q1", "q2"]
insertions = ["wafer_sort", "final_test", "system_level"]

[override.routes.cowos_s]
lead_time_weeks = 0.0
one_off_cost_usd = {entry}

[[lines]]
name = "dear"
route = "cowos_s"
extra_usd_per_good = {extra}
source = "assumed: a test"

[[resources]]
name = "interposer.osat_2p5d"
source = "assumed: a test"
capacity = {wafers}

[[products]]
name = "asic"
routes = {routes}
interposer_mm = [32.0, 44.0]
substrate_mm = [68.5, 68.5]
dppm_limit = 1500.0
{asic}
[products.slots]
logic = [{{part = "tpu_die"}}]
memory = [{{part = "hbm3e_8h", count = 4}}]
substrate = [{{part = "abf_68"}}]
[products.levels]
"package/system_level" = ["off"]
"""
NO_MONEY = """
[[budgets]]
name = "none"
of = "all"
most_usd = 0.0
source = "assumed: a test"
"""
BOTH = '["osat_2p5d", "cowos_s"]'


def loaded(tmp_path: Path, text: str) -> Case:
    path = tmp_path / "case.toml"
    path.write_text(text)
    return load(path)


def one(tmp_path: Path, wafers: object, asic: str, **keys: object) -> Case:
    """One product; wafers at the OSAT are scarce, the other line is dear and must be entered."""
    given = {"entry": 5e6, "extra": 90_000.0, "routes": BOTH} | keys
    text = ONE.format(wafers=wafers, asic=asic, **given)
    if given["routes"] != BOTH:
        head, _, rest = text.partition("[[lines]]")
        text = head.partition("[override")[0] + rest[rest.index("[[resources]]") :]
    return loaded(tmp_path, text)


def least_wafers(case: Case) -> float:
    """Return the fewest wafers per good package at the OSAT."""
    own = [way.by_period[0] for way in ways(case)["asic"] if way.place.route == "osat_2p5d"]
    return min(made.uses["interposer.osat_2p5d"] for made in own if made is not None)


def two(tmp_path: Path, change: dict[str, str], more: str = "", **keys: str) -> Case:
    text = CASE.format(wafers=7.0, **({"asic": SOFT, "switch": SOFT_SWITCH} | keys))
    for old, new in change.items():
        assert old in text, old
        text = text.replace(old, new, 1)
    return loaded(tmp_path, text + more)


def agrees(case: Case) -> Result:
    """Solve, and compare with every recipe written out."""
    found, (status, best, _) = solve(case), reference(case)
    assert str(found.status) == status
    assert found.objective_usd == (None if best is None else pytest.approx(best, rel=SAME))
    return found


# Rounding of large amounts.


@pytest.mark.parametrize("short", [1e-6, 1e-3, 0.02])
def test_demand_that_only_rounding_leaves_unmet_is_made(short: float, tmp_path: Path) -> None:
    """Wafers for all but some 1e-8 of the demand: the plan costs what the demand costs."""
    keys = {"asic": f"demand = [0, {MANY}]", "routes": '["osat_2p5d"]'}
    need = least_wafers(one(tmp_path, 1e9, **keys))
    whole = agrees(one(tmp_path, need * MANY * (1.0 + 1e-9), **keys))
    found = solve(one(tmp_path, need * (MANY - short), **keys))
    assert found.status is Status.OPTIMAL
    assert found.products[0].made == pytest.approx(MANY, rel=1e-7)  # what counts as rounding
    assert found.objective_usd == pytest.approx(whole.objective_usd, rel=SAME)


@pytest.mark.parametrize("short", [0.2, 0.9, 2.0])
def test_a_few_packages_do_not_enter_a_line_for_nothing(short: float, tmp_path: Path) -> None:
    """A start of 1e-6 would let a millionth of the demand through; 1e-7 of it is rounding."""
    asic = f'demand = [0, {MANY}]\nqualified = ["osat_2p5d"]'
    need = least_wafers(one(tmp_path, 1e9, asic))
    found = agrees(one(tmp_path, need * (MANY - short), asic))
    assert [row["name"] for row in found.decisions] == ["dear"]


def test_a_small_sum_over_budget_is_not_rounding(tmp_path: Path) -> None:
    """1000 USD stand by where nothing may be spent; packages are millions."""
    fixed = {"capacity = [7.0, 7.0]": "capacity = 7.0\nfixed_usd_per_period = 500.0"}
    many = {"demand = [600, 700]": f"demand = [{2 * MANY}, {MANY}]"}
    found = agrees(two(tmp_path, fixed | many, NO_MONEY))
    assert any("budget none" in line for line in found.binding)


# Prices.


def test_a_shadow_price_counts_that_surcharges_begin_later(tmp_path: Path) -> None:
    """One more unit of capacity moves the row and both steps of the surcharge."""
    steps = (
        "surcharges = [{above_frac = 0.5, usd_per_unit = 1000.0}, "
        "{above_frac = 0.8, usd_per_unit = 3000.0}]"
    )
    saved, shadow = {}, 0.0
    for hours in (20.0, 20.001):
        change = {"capacity = [20.0, 25.0]": f"capacity = [{hours}, 25.0]\n{steps}"}
        found = solve(two(tmp_path, change))
        saved[hours] = found.objective_usd or 0.0
        shadow = next(
            row["usd_per_unit"]
            for row in found.shadow_prices
            if (row["resource"], row["period"]) == ("tester.ft_h", "q1")
        )
    # The objective, some 4e6 USD, is known to 1e-9 of itself, over a step of 1e-3.
    assert shadow == pytest.approx((saved[20.0] - saved[20.001]) / 1e-3, abs=8.0)
    assert shadow > 1e4


def test_a_shadow_price_does_not_pay_for_part_of_an_entry(tmp_path: Path) -> None:
    """The line is entered for the first quarter in any case; a wafer there saves no part of it."""
    asic = 'demand = [1000, 1000]\nshortage_cost_usd = 9000.0\nqualified = ["osat_2p5d"]'
    found = [
        solve(one(tmp_path, f"[{first}, 10.0]", asic, entry=3e5, extra=100.0))
        for first in (0.0, 1e-3)
    ]
    assert [len(plan.decisions) for plan in found] == [1, 1]
    saved = ((found[0].objective_usd or 0.0) - (found[1].objective_usd or 0.0)) / 1e-3
    price = next(row["usd_per_unit"] for row in found[0].shadow_prices if row["period"] == "q1")
    assert saved > 100.0
    assert price == pytest.approx(saved, abs=10.0)  # the objective to 1e-9, over 1e-3


# Products without demand, without a line, with more in stock than is asked for.


def test_a_product_whose_open_lines_cannot_make_it_is_unmet(tmp_path: Path) -> None:
    """One route lies in a region barred to it, the other breaks a limit; others are planned."""
    shut = 'barred_regions = ["Taiwan"]\nuse_limits_per_good = {"interposer.i_cube" = 1e-9}'
    change = {'routes = ["cowos_s"]': f'routes = ["cowos_s", "i_cube"]\n{shut}'}
    found = agrees(two(tmp_path, change, switch=""))
    assert [p.unmet for p in found.products][1] == 700.0


def test_a_route_whose_lines_are_all_barred_is_none_of_the_product(tmp_path: Path) -> None:
    shut = 'routes = ["cowos_s", "i_cube"]\nbarred_regions = ["Taiwan"]'
    found = agrees(two(tmp_path, {'routes = ["cowos_s"]': shut}))
    switch = found.products[1]
    assert [(v.route, v.feasible) for v in switch.routes] == [("cowos_s", False), ("i_cube", True)]
    assert any("Taiwan" in reason for reason in switch.routes[0].reasons)
    assert switch.standalone is not None
    assert switch.standalone.route == "i_cube"


@pytest.mark.parametrize("start", [1500, 5000])
def test_more_stock_than_is_ever_asked_for_can_wait(start: int, tmp_path: Path) -> None:
    stock = f"{SOFT}\nholding_usd_per_period = 1.0\nstock_start_packages = {start}"
    assert agrees(two(tmp_path, {}, asic=stock)).stock


@pytest.mark.parametrize("switch", ["", SOFT_SWITCH, "shortage_cost_usd = 5.0"])
def test_a_package_for_information_takes_no_money(switch: str, tmp_path: Path) -> None:
    """No budget counts it; and it is made, however cheap its shortage would be."""
    change = {"demand = [300, 400]": "demand = 0"}
    found = solve(two(tmp_path, change, NO_MONEY, switch=switch))
    assert found.status is Status.OPTIMAL
    assert {row["product"] for row in found.unmet} == {"asic"}
    assert [product.made for product in found.products] == [0.0, 1.0]


# A margin of nothing.


def test_a_plan_that_earns_nothing_is_still_proved(tmp_path: Path) -> None:
    """The objective is the difference of millions, and the gap below their rounding."""
    prices = {"asic": "price_usd = 3000.0", "switch": "price_usd = 1500.0"}
    change = {'name = "small"': 'name = "small"\nobjective = "margin"'}
    best = solve(two(tmp_path, change, **prices)).objective_usd
    assert best is not None
    assert best < -1e5
    fixed = f"capacity = 7.0\nfixed_usd_per_period = {-best / 2.0!r}"
    found = solve(two(tmp_path, change | {"capacity = [7.0, 7.0]": fixed}, **prices))
    assert found.status is Status.OPTIMAL
    assert found.objective_usd == pytest.approx(0.0, abs=1e-6 * abs(best))
    assert found.gap is not None
    assert found.gap <= 1e-9
    assert to_json(found.to_dict())  # no NaN, no Infinity


def test_nothing_worth_making_costs_nothing_and_is_proved(tmp_path: Path) -> None:
    path = tmp_path / "case.toml"
    rules = {"budget_all", "lots", "qualification", "share_site", "share_vendor", "shares", "stock"}
    path.write_text(random_case(5002, rules))
    found = agrees(load(path))
    assert found.objective_usd == 0.0
    assert found.gap == 0.0


# Limits of lines as tight as capacity allows.


@pytest.mark.parametrize("seed", seeds(range(6), 3))
def test_tight_limits_cut_off_no_plan(seed: int, tmp_path: Path) -> None:
    """The linear bound rises, in some cases by much, and stays below every whole plan."""
    path = tmp_path / "case.toml"
    path.write_text(random_case(seed, TIGHT))
    case = load(path)
    _, best, _ = reference(case)
    assert best is not None
    plain, tight = (_root_usd(case, tight) for tight in (False, True))
    assert plain <= tight * (1.0 + 1e-9)
    assert tight <= best * (1.0 + SAME)


def test_tight_limits_raise_the_bound(tmp_path: Path) -> None:
    gains = []
    for seed in range(4):
        path = tmp_path / "case.toml"
        path.write_text(random_case(seed, TIGHT))
        case = load(path)
        gains.append(_root_usd(case, True) / _root_usd(case, False) - 1.0)
    assert max(gains) > 1e-3


def _root_usd(case: Case, tight: bool) -> float:
    setting = setting_of(case, Budget())
    programme = programme_of(setting)
    master = Master(setting, tightened(setting, programme) if tight else programme, "highs")
    for pool in setting.pools:
        slots = np.array(pool.slots, np.intp)
        master.add(slots, np.zeros(len(slots), np.intp))
    found = relax(master)
    assert found is not None
    return found.bound + programme.constant_usd


@pytest.mark.parametrize("gap", [-1e-3, float("nan"), float("inf")])
def test_a_gap_that_is_none_is_refused(gap: float) -> None:
    with pytest.raises(CaseError, match="gap: must be at least 0"):
        solve(load("minimal"), gap=gap)


# Plans at stand-alone coverage.


@pytest.mark.parametrize("seed", [5012, *range(5)])
def test_a_stand_alone_programme_is_one_over_all_changes(seed: int, tmp_path: Path) -> None:
    """Models change, the programme of a line may not: what it saves to choose it is 0 or more."""
    path = tmp_path / "case.toml"
    path.write_text(random_case(seed, {"changes", "one_programme", "lines"}))
    found = solve(load(path))
    assert found.objective_usd is not None
    saved = found.coverage_saving_usd
    assert saved is None or saved >= -1e-9 * abs(found.objective_usd)
