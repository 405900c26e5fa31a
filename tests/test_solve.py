"""Solved cases keep what the contract promises: sums, limits, products without demand or route.

Cases are built on the bundled models; every fact is checked on the answer itself.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

from yieldopt import Result, Status, evaluate, load, solve
from yieldopt.compile import compile_flow
from yieldopt.report.frames import COLUMNS, tables, to_pandas, to_polars
from yieldopt.report.result import result_text
from yieldopt.schema.case import Case
from yieldopt.solving import solve_whole

HEAD = """\
name = "t"
periods = ["q1", "q2", "q3"]
"""
HBM = """
[[resources]]
name = "hbm.hbm3e_8h"
source = "assumed: a test"
capacity = [1500, 2600, 9000]
"""
WAFERS = """
[[resources]]
name = "interposer.osat_2p5d"
source = "assumed: a test"
capacity = 9
"""
DIES = {"asic": ("tpu_die", 4), "twin": ("gpu_b200", 8), "switch": ("switch_die", 0)}


def product(name: str = "asic", **keys: Any) -> str:
    """One product of a case file; a key of value None is left out."""
    die, stacks = DIES.get(name, DIES["asic"])
    base: dict[str, Any] = {
        "routes": ["cowos_s", "osat_2p5d"], "interposer_mm": [32.0, 44.0],
        "substrate_mm": [60.0, 60.0], "dppm_limit": 1200.0, "demand": [400, 500, 600],
        "shortage_cost_usd": 5000.0,
    }  # fmt: skip
    lines = [f"{k} = {json.dumps(v)}" for k, v in (base | keys).items() if v is not None]
    memory = f'[{{part = "hbm3e_8h", count = {stacks}}}]' if stacks else "[]"
    slots = (f'[products.slots]\nlogic = [{{part = "{die}"}}]\nmemory = {memory}\n'
             'substrate = [{part = "abf_ai_gpu"}]')  # fmt: skip
    return "\n".join(["", "[[products]]", f'name = "{name}"', *lines, slots, ""])


def read(folder: Path, *parts: str) -> Case:
    path = folder / "case.toml"
    path.write_text(HEAD + "".join(parts))
    return load(path)


ESCAPE = {"dppm_limit": None, "escape_cost_usd": 20_000.0, "routes": ["cowos_s"],
          "interposer_mm": [28.0, 30.0], "demand": [300, 0, 300]}  # fmt: skip
BIG = {"routes": ["cowos_s", "osat_2p5d"], "interposer_mm": [55.0, 60.0], "power_w": 1100.0}
CASES: dict[str, tuple[str, ...]] = {
    "no limits": (product(),),
    "scarce": (HBM, WAFERS, product(), product("switch", **ESCAPE)),
    "no demand": (HBM, product(demand=None), product("switch", **ESCAPE)),
    "no route": (HBM, product("twin", **BIG), product()),
    "escape only": (WAFERS, product("switch", **ESCAPE)),
}


@pytest.fixture(scope="module", params=CASES)
def solved(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Case, Result]:
    case = read(tmp_path_factory.mktemp("case"), *CASES[request.param])
    return case, solve(case)


def test_the_answer_is_proved(solved: tuple[Case, Result]) -> None:
    _, result = solved
    assert result.status is Status.OPTIMAL
    assert result.bound_usd <= result.objective_usd
    assert 0.0 <= result.gap <= 1e-9
    for recipe in result.recipes:
        proof = recipe.proof
        assert proof.enumerated + proof.pruned == proof.combinations


def test_the_waterfall_sums_to_the_cost_of_the_recipe(solved: tuple[Case, Result]) -> None:
    case, result = solved
    for recipe in result.recipes:
        total = sum(recipe.waterfall_usd.values())
        assert total == pytest.approx(recipe.cost_per_good_usd, rel=1e-12)
        shape = case.product(recipe.product)
        escape = shape.escape_cost_usd.base if shape.escape_cost_usd else 0.0
        bad = (1 - recipe.quality) / recipe.quality
        assert recipe.waterfall_usd["escape"] == pytest.approx(escape * bad, rel=1e-12)
        assert (recipe.waterfall_usd["escape"] > 0) == (escape > 0)
        assert min(recipe.waterfall_usd.values()) >= 0.0


def test_a_recipe_is_what_the_engine_makes_of_its_levels(solved: tuple[Case, Result]) -> None:
    case, result = solved
    for recipe in result.recipes:
        shape, route = case.product(recipe.product), case.library.routes[recipe.route]
        out = evaluate(compile_flow(case, shape, route, recipe.levels))
        spend = recipe.cost_per_good_usd - recipe.waterfall_usd["escape"]
        assert spend == pytest.approx(out.cost_per_good_usd, rel=1e-12)
        assert (recipe.dppm, recipe.quality) == pytest.approx((out.dppm, out.quality), rel=1e-12)
        assert recipe.dppm <= (shape.dppm_limit or 1e6) * (1 + 1e-9)


def test_made_and_unmet_are_the_demand(solved: tuple[Case, Result]) -> None:
    case, result = solved
    for line in result.products:
        asked = case.product(line.name).demand.over(3)
        whole = sum(asked) or 1.0  # a product without demand is solved for one package
        assert line.demand == whole
        assert line.made + line.unmet == pytest.approx(whole, rel=1e-9)
        made = [row for row in result.allocation if row["product"] == line.name]
        left = [row for row in result.unmet if row["product"] == line.name]
        assert sum(row["packages"] for row in made) == pytest.approx(line.made, rel=1e-12)
        assert sum(row["packages"] for row in left) == pytest.approx(line.unmet, rel=1e-12)
        if sum(asked):
            for period, amount in zip(case.periods, asked, strict=True):
                rows = [r for r in [*made, *left] if r["period"] == period]
                total = sum(row["packages"] for row in rows)
                assert total == pytest.approx(amount, rel=1e-9, abs=1e-9)


def test_use_stays_within_capacity_and_prices_what_is_full(solved: tuple[Case, Result]) -> None:
    case, result = solved
    by_id = {recipe.id: recipe for recipe in result.recipes}
    prices = {(r["resource"], r["period"]): r["usd_per_unit"] for r in result.shadow_prices}
    assert len(result.resource_use) == len(prices) == len(case.resources) * 3
    for row in result.resource_use:
        assert row["used"] <= row["capacity"] * (1 + 1e-9)
        used = sum(
            made["packages"] * by_id[made["recipe"]].uses_per_good.get(row["resource"], 0.0)
            for made in result.allocation
            if made["period"] == row["period"]
        )
        assert row["used"] == pytest.approx(used, rel=1e-12)
        price = prices[row["resource"], row["period"]]
        assert price >= 0.0
        if price > 1e-6:
            assert row["used"] == pytest.approx(row["capacity"], rel=1e-9)


def test_the_objective_is_what_is_made_and_what_is_not(solved: tuple[Case, Result]) -> None:
    case, result = solved
    by_id = {recipe.id: recipe for recipe in result.recipes}
    total = sum(r["packages"] * by_id[r["recipe"]].cost_per_good_usd for r in result.allocation)
    for row in result.unmet:
        shortage = case.product(row["product"]).shortage_cost_usd
        total += row["packages"] * (shortage.base if shortage else 0.0)
    assert result.objective_usd == pytest.approx(total, rel=1e-9)


def test_a_products_numbers_are_means_over_what_is_made(solved: tuple[Case, Result]) -> None:
    _, result = solved
    by_id = {recipe.id: recipe for recipe in result.recipes}
    for line in result.products:
        made = [r for r in result.allocation if r["product"] == line.name]
        feasible = [v for v in line.routes if v.feasible]
        assert (line.standalone is None) == (not feasible)
        if line.standalone:
            costs = {v.route: v.cost_per_good_usd for v in feasible}
            assert line.standalone.cost_per_good_usd == min(costs.values())
            assert costs[line.standalone.route] == line.standalone.cost_per_good_usd
        if made:
            recipes = [by_id[r["recipe"]] for r in made]
            spend = sum(
                r["packages"] * b.cost_per_good_usd for r, b in zip(made, recipes, strict=True)
            )
            assert line.cost_per_good_usd == pytest.approx(spend / line.made, rel=1e-12)
            assert line.cost_per_good_usd >= line.standalone.cost_per_good_usd * (1 - 1e-12)
            low, high = (f(b.dppm for b in recipes) for f in (min, max))
            assert low * (1 - 1e-12) <= line.dppm <= high * (1 + 1e-12)


def test_scarcity_bites(tmp_path: Path) -> None:
    result = solve(read(tmp_path, *CASES["scarce"]))
    assert any(row["usd_per_unit"] > 0 for row in result.shadow_prices)
    assert len({row["route"] for row in result.allocation}) == 2
    assert result.unmet
    assert "scarce resource" in result_text(result)


def test_a_product_that_no_route_can_make_is_unmet(tmp_path: Path) -> None:
    case = read(tmp_path, *CASES["no route"])
    result = solve(case)
    twin, asic = result.products
    assert [(v.route, v.feasible, v.cost_per_good_usd) for v in twin.routes] == [
        ("cowos_s", False, None), ("osat_2p5d", False, None)]  # fmt: skip
    assert twin.routes[0].reasons == (
        "interposer 3300 mm2 exceeds the limit of 2831 mm2",
        "power 1100 W exceeds the limit of 1000 W",
    )
    assert (twin.made, twin.unmet, twin.standalone, twin.dppm) == (0.0, 1500.0, None, None)
    assert twin.cost_per_good_usd is None
    assert asic.made > 0
    assert {row["product"] for row in result.allocation} == {"asic"}


LIMITS: list[tuple[dict[str, Any], str, str]] = [
    ({"interposer_mm": [55.0, 60.0]}, "cowos_s",
     "interposer 3300 mm2 exceeds the limit of 2831 mm2"),
    ({"power_w": 900.0}, "osat_2p5d", "power 900 W exceeds the limit of 850 W"),
    ({"bump_pitch_um": 35.0}, "cowos_s", "bump pitch 35 um is below the smallest of 40 um"),
    ({"substrate_mm": [60.0, 110.0]}, "cowos_s",
     "substrate side 110 mm exceeds the limit of 100 mm"),
    ({"interposer_mm": [5.0, 400.0]}, "cowos_s",
     "a body of 5 x 400 mm fits no wafer of si_interposer_65"),
    ({"dppm_limit": 0.01}, "cowos_s", "no combination of levels reaches 0.01 DPPM; the lowest is"),
]  # fmt: skip


@pytest.mark.parametrize(("keys", "route", "reason"), LIMITS, ids=[row[2][:20] for row in LIMITS])
def test_reasons_of_excluded_routes(
    keys: dict[str, Any], route: str, reason: str, tmp_path: Path
) -> None:
    case = read(tmp_path, product(**keys), product("switch"))
    (verdict,) = [v for v in solve(case).products[0].routes if v.route == route]
    assert not verdict.feasible
    assert any(text.startswith(reason) for text in verdict.reasons), verdict.reasons


def test_a_stack_too_high(tmp_path: Path) -> None:
    override = "\n[override.parts.hbm3e_8h]\nheight_um = 790.0\n"
    result = solve(read(tmp_path, product(), product("switch"), override))
    assert result.products[0].routes[0].reasons == (
        "stack height 790 um of hbm3e_8h exceeds 775 um",)  # fmt: skip
    assert result.products[1].made == 1500.0


def test_no_route_for_any_product_is_infeasible(tmp_path: Path) -> None:
    solved = solve_whole(read(tmp_path, product("twin", **BIG)))
    assert (solved.result.status, solved.program) == (Status.INFEASIBLE, None)
    limit = "twin on cowos_s: interposer 3300 mm2 exceeds the limit of 2831 mm2"
    assert limit in solved.result.binding
    assert limit in result_text(solved.result)


def test_firm_demand_over_capacity_is_infeasible(tmp_path: Path) -> None:
    result = solve(read(tmp_path, HBM, product(shortage_cost_usd=None)))
    assert result.status is Status.INFEASIBLE
    assert result.binding[0] == "hbm.hbm3e_8h in q1: capacity 1500"
    assert (result.objective_usd, result.allocation, result.recipes) == (None, (), ())
    assert "status" in json.dumps(result.to_dict(), allow_nan=False)


def test_a_product_without_demand_does_not_make_a_case_infeasible(tmp_path: Path) -> None:
    """It is solved for one package, which needs no capacity that only a later period has."""
    late = HBM.replace("[1500, 2600, 9000]", "[0, 2600, 9000]")
    asic = product(demand=None, shortage_cost_usd=None)
    result = solve(read(tmp_path, late, asic, product("switch", **ESCAPE)))
    assert result.status is Status.OPTIMAL


def test_more_capacity_never_costs_more(tmp_path: Path) -> None:
    last = float("inf")
    for wafers in (2, 9, 20, 60):
        extra = WAFERS.replace("= 9", f"= {wafers}")
        found = solve(read(tmp_path, HBM, extra, product())).objective_usd
        assert found <= last * (1 + 1e-12)
        last = found


def test_frames_have_the_same_rows(solved: tuple[Case, Result]) -> None:
    _, result = solved
    rows, polars, pandas = tables(result), to_polars(result), to_pandas(result)
    assert list(rows) == list(polars) == list(pandas)
    assert set(rows) == set(COLUMNS)
    for name, table in rows.items():
        assert isinstance(polars[name], pl.DataFrame)
        assert isinstance(pandas[name], pd.DataFrame)
        assert tuple(polars[name].columns) == tuple(pandas[name].columns) == COLUMNS[name]
        assert polars[name].to_dicts() == table
        plain = pandas[name].astype(object).where(pandas[name].notna(), None)
        assert plain.to_dict("records") == table
