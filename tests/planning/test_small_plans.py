"""Small plans against one programme over all combinations of levels, each evaluated by the engine.

Capacity and demand alone: no lumps, lots or shares. The backends solve the planner's programme.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from tests.optimize.programmes import prove_optimal
from tests.optimize.test_backends import AGREE, read_back
from tests.planning.small_plans import (
    CASE,
    PERIODS,
    SOFT,
    SOFT_SWITCH,
    Small,
    enumerated,
    whole_programme,
)
from yieldopt import load
from yieldopt.optimize.backends import BACKENDS, backend
from yieldopt.optimize.budget import Budget
from yieldopt.plan import Result, Status
from yieldopt.planning.generation import relax
from yieldopt.planning.master import Master
from yieldopt.planning.programme import programme_of
from yieldopt.planning.setting import setting_of


@pytest.fixture(scope="module", params=["short", "ample", "firm"])
def small(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Small:
    """Too few wafers and tester hours; enough; too few, but the asic must be made (at the OSAT)."""
    wafers = 100.0 if request.param == "ample" else 7.0
    asic = "" if request.param == "firm" else SOFT
    text = CASE.format(wafers=wafers, asic=asic, switch=SOFT_SWITCH)
    if request.param != "short":
        text = text.replace("[20.0, 25.0]", "[200.0, 200.0]")
    path = tmp_path_factory.mktemp(request.param) / "case.toml"
    path.write_text(text)
    return Small(load(path))


def unmet_of(small: Small, result: Result) -> np.ndarray:
    """Return unmet packages (products, periods)."""
    out = np.zeros(small.asked().shape)
    names = [product.name for product in small.case.products]
    for row in result.unmet:
        out[names.index(row["product"]), small.case.periods.index(row["period"])] += row["packages"]
    return out


def shadow_of(small: Small, result: Result) -> np.ndarray:
    """Return shadow prices (resources, periods)."""
    found = {(r["resource"], r["period"]): r["usd_per_unit"] for r in result.shadow_prices}
    return np.array([[found[r.name, t] for t in small.case.periods] for r in small.case.resources])


def test_backends_agree_on_cases(small: Small) -> None:
    found = {name: small.plan(name) for name in BACKENDS}
    best = found["highs"].result.objective_usd
    for name, one in found.items():
        assert one.result.status is Status.OPTIMAL
        assert one.result.solver == name
        assert one.result.objective_usd == pytest.approx(best, rel=AGREE)
        lp = one.program
        assert lp is not None
        for other in BACKENDS:
            answer = backend(other)(lp)
            assert answer.objective == pytest.approx(best, rel=AGREE)
            prove_optimal(lp, answer)


def test_priced_columns_reach_the_optimum_over_all_recipes(small: Small) -> None:
    found = small.plan().result
    every = whole_programme(small)
    assert len(every.cost) > 800
    assert found.objective_usd == pytest.approx(backend("highs")(every).objective, rel=1e-9)
    assert found.objective_usd is not None
    assert found.bound_usd is not None
    assert found.bound_usd <= found.objective_usd
    assert found.objective_usd - found.bound_usd <= 1e-9 * found.objective_usd


def test_what_is_made_keeps_demand_and_capacity(small: Small) -> None:
    found = small.plan().result
    recipes = {recipe.id: recipe for recipe in found.recipes}
    made, used = np.zeros(small.asked().shape), np.zeros(small.amounts().shape)
    names = [product.name for product in small.case.products]
    for row in found.allocation:
        recipe, t = recipes[row["recipe"]], small.case.periods.index(row["period"])
        assert recipe.product == row["product"]
        assert row["packages"] > 0.0
        made[names.index(row["product"]), t] += row["packages"]
        for k, resource in enumerate(small.case.resources):
            used[k, t] += row["packages"] * recipe.uses_per_good.get(resource.name, 0.0)
    np.testing.assert_allclose(made + unmet_of(small, found), small.asked(), rtol=1e-9)
    assert (used <= small.amounts() * (1 + 1e-9)).all()
    told = {(r["resource"], r["period"]): (r["used"], r["capacity"]) for r in found.resource_use}
    for k, resource in enumerate(small.case.resources):
        for t, period in enumerate(small.case.periods):
            own = (used[k, t], small.amounts()[k, t])
            assert told[resource.name, period] == pytest.approx(own, rel=1e-9)
    assert (shadow_of(small, found) >= 0).all()


def test_the_cases_are_not_trivial(small: Small, request: pytest.FixtureRequest) -> None:
    plan, kind = small.plan(), request.node.callspec.params["small"]
    found = plan.result
    assert plan.program is not None
    assert bool(shadow_of(small, found).any()) == (kind != "ample")
    assert bool(unmet_of(small, found).sum() > 1.0) == (kind != "ample")
    names = (name.rpartition(" ")[0] for name in plan.program.column_names)
    recipes = {name for name in names if name.count("/") == 2}  # product/line/number
    assert len(recipes) > (3 if kind == "short" else 2)


def test_a_shadow_price_is_what_a_little_more_capacity_saves(small: Small) -> None:
    """The optimum is piecewise linear in capacity: within a piece the difference is exact."""
    found, amounts = small.plan().result, small.amounts()
    shadow = shadow_of(small, found)
    assert found.objective_usd is not None
    for k, t in np.ndindex(amounts.shape):
        step = 1e-4 * amounts[k, t]
        objective = {}
        for sign in (-1, 1):
            more = amounts.copy()
            more[k, t] += sign * step
            objective[sign] = small.with_amounts(more).plan().result.objective_usd
        saved = (objective[-1] - objective[1]) / (2 * step)
        # The objective, some 1e6 USD, is known to 1e-9 of itself.
        rounding = 2e-9 * found.objective_usd / (2 * step)
        assert shadow[k, t] == pytest.approx(saved, rel=1e-5, abs=rounding)


def firm(tmp_path: Path, wafers: float) -> Small:
    path = tmp_path / "firm.toml"
    text = CASE.format(wafers=wafers, asic=SOFT, switch="").replace("[20.0, 25.0]", "200.0")
    path.write_text(text)
    return Small(load(path))


@pytest.mark.parametrize("solver", BACKENDS)
def test_firm_demand_is_met_or_named(solver: str, tmp_path: Path) -> None:
    """The switch goes on cowos_s alone: 400 packages need some 8 wafers."""
    enough = firm(tmp_path, 13.5)
    found = enough.plan(solver).result
    assert found.status is Status.OPTIMAL
    assert np.abs(unmet_of(enough, found)[1]).max() <= 1e-9
    short = firm(tmp_path, 7.0).plan(solver).result
    assert short.status is Status.INFEASIBLE
    assert short.objective_usd is None
    assert not short.allocation
    *named, how_much = short.binding
    assert named
    assert all(line.startswith("interposer.cowos_s in q") for line in named)
    assert how_much.startswith("firm demand is short by at least")


def test_the_shortfall_is_the_least_one(tmp_path: Path) -> None:
    """Phase 1 prices by uses alone: it finds the recipes that stretch the wafers farthest."""
    small = firm(tmp_path, 4.0)
    switch = small.case.product("switch")
    best = min(uses["interposer.cowos_s"] for _, uses in enumerated(small.case, switch))
    left = sum(max(0.0, asked - 4.0 / best) for asked in switch.demand.over(PERIODS))
    setting = setting_of(small.case, Budget())
    master = Master(setting, programme_of(setting), "highs")
    master.set_phase(True)
    broken = relax(master)
    assert broken is not None
    assert broken.value == pytest.approx(left, rel=1e-7)
    assert broken.bound == pytest.approx(left, rel=1e-7)
    said = re.search(r"short by at least ([\d,.]+) good", small.plan().result.binding[-1])
    assert said is not None
    assert float(said[1].replace(",", "")) == pytest.approx(left, rel=1e-5)  # six digits are shown


@pytest.mark.parametrize("suffix", [".lp", ".mps"])
def test_a_written_plan_reads_back_to_the_same_optimum(
    suffix: str, small: Small, tmp_path: Path
) -> None:
    found = small.plan()
    assert found.program is not None
    # The files hold some twelve digits of every number.
    value = read_back(found.program, tmp_path / f"plan{suffix}")
    assert value == pytest.approx(backend("highs")(found.program).objective, rel=1e-8)
    assert value == pytest.approx(found.result.objective_usd, rel=1e-8)
