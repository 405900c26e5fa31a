"""Questions on plans: the answer in the head of each case, computed anew, and where it turns.

Every number that a head states must stand there as rounded here, so that text and plan cannot
drift apart.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest

from tests.test_questions_packaging import CASES, Changes, says
from yieldopt import load, solve
from yieldopt.optimize.backends import LinearProgram, backend
from yieldopt.optimize.weighing import candidate_on
from yieldopt.plan import Recipe, Result, Status
from yieldopt.schema.case import Case


def case_of(name: str, changes: Changes | None = None) -> Case:
    return load(CASES / f"{name}.toml", changes or {})


def plan_of(name: str, changes: Changes | None = None) -> Result:
    result = solve(case_of(name, changes))
    assert result.status is Status.OPTIMAL
    return result


def total(rows: Sequence[Mapping[str, Any]], key: str, **where: object) -> float:
    """Sum of a column over the rows that have these values."""
    chosen = (row for row in rows if all(row[name] == value for name, value in where.items()))
    return math.fsum(row[key] for row in chosen)


# The shortage of 2026: what closes it?

SHORTAGE = "ask_shortage_2026"
OSAT, PANEL = "osat_2p5d", "foplp_chip_last"
WAYS: dict[str, tuple[str, ...]] = {
    "the foundry's lines alone": (),
    "+ OSAT overflow": (OSAT,),
    "+ FOPLP": (PANEL,),
    "+ OSAT overflow + FOPLP": (OSAT, PANEL),
}


@cache
def short_case(over: tuple[str, ...]) -> Case:
    """The case with each product on its first route and some of those that take the overflow."""
    whole = case_of(SHORTAGE)
    routes = {f"products.{p.name}.routes": [p.routes[0], *over] for p in whole.products}
    return case_of(SHORTAGE, routes)


@cache
def alone(product: str, route: str) -> Recipe | None:
    """The best plan of a product by itself."""
    case = case_of(SHORTAGE)
    candidate, _ = candidate_on(case, case.product(product), route)
    return candidate.recipes[0] if candidate is not None else None


def home_wafers(product: str) -> float:
    """Wafers that a good package takes on the product's own route."""
    route = case_of(SHORTAGE).product(product).routes[0]
    recipe = alone(product, route)
    assert recipe is not None
    return recipe.uses_per_good[f"interposer.{route}"]


def wafers_short(unmet: Mapping[str, float]) -> float:
    return math.fsum(home_wafers(name) * packages for name, packages in unmet.items())


@cache
def joint(over: tuple[str, ...]) -> Result:
    return solve(short_case(over))


def unmet_of(result: Result) -> dict[str, float]:
    return {product.name: product.unmet for product in result.products}


@cache
def standalone(over: tuple[str, ...]) -> tuple[float, dict[str, float]]:
    """Cost and unmet demand with the test plans of each product by itself: an LP of its own."""
    case = short_case(over)
    numbers: dict[tuple[str, int], int] = {}
    periods, rows = len(case.periods), len(case.products) * len(case.periods)
    cost: list[float] = []
    entries: list[tuple[int, float]] = []  # row, value of each nonzero
    columns: list[int] = []
    sides = [value for p in case.products for value in p.demand.over(periods)]
    lower, upper = list(sides), list(sides)
    for resource in case.resources:
        for t, most in enumerate(resource.capacity.over(periods)):
            numbers[resource.name, t] = rows + len(numbers)
            lower.append(-math.inf)
            upper.append(most)

    def column(usd: float, own: list[tuple[int, float]]) -> None:
        columns.extend([len(cost)] * len(own))
        entries.extend(own)
        cost.append(usd)

    for at, product in enumerate(case.products):
        shortage = product.shortage_cost_usd
        assert shortage is not None
        for t in range(periods):
            column(shortage.base, [(at * periods + t, 1.0)])
    for at, product in enumerate(case.products):
        for recipe in filter(None, (alone(product.name, route) for route in product.routes)):
            for t in range(periods):
                used = [
                    (numbers[name, t], amount)
                    for name, amount in recipe.uses_per_good.items()
                    if (name, t) in numbers
                ]
                column(recipe.cost_per_good_usd, [(at * periods + t, 1.0), *used])
    program = LinearProgram(
        np.array(cost), np.array([row for row, _ in entries]), np.array(columns),
        np.array([value for _, value in entries]), np.array(lower), np.array(upper),
        tuple(map(str, range(len(upper)))), tuple(map(str, range(len(cost)))),
    )  # fmt: skip
    found = backend("highs")(program)
    unmet = found.x[:rows].reshape(-1, periods).sum(axis=1)
    return found.objective, {p.name: float(n) for p, n in zip(case.products, unmet, strict=True)}


def test_the_shortage_is_the_one_of_the_brief() -> None:
    """Demand is capacity and 100,000 wafers; 400 packages are the most that rounding adds."""
    _, unmet = standalone(())
    assert abs(wafers_short(unmet) - 100_000) < 400
    case = case_of(SHORTAGE)
    share = {p.name: home_wafers(p.name) * sum(p.demand.over(4)) / 1.3e6 for p in case.products}
    for name, percent in zip(share, (3, 60, 8, 24, 5), strict=True):
        assert abs(share[name] - percent / 100) < 1e-4
        assert f"{percent} % of the wafers" in (case.product(name).title or "")


@pytest.mark.long
def test_what_closes_the_shortage() -> None:
    lines = []
    for way, over in WAYS.items():
        before, after = (wafers_short(u) for u in (standalone(over)[1], unmet_of(joint(over))))
        lines.append(f"| {way} | {before:,.0f} | {after:,.0f} |")
        assert after < before
    says(SHORTAGE, *lines)
    left = unmet_of(joint((OSAT, PANEL)))
    assert [name for name, packages in left.items() if packages > 0.0] == ["b200_class"]
    says(SHORTAGE, f"{left['b200_class']:,.0f} packages of the B200 class")
    rows = joint((OSAT, PANEL)).resource_use
    idle = total(rows, "capacity", resource="interposer.cowos_s")
    idle -= total(rows, "used", resource="interposer.cowos_s")
    assert idle > wafers_short(left)
    says(SHORTAGE, f"{idle:,.0f} wafers of CoWoS-S stand idle")
    gained = 1.0 - wafers_short(unmet_of(joint(()))) / wafers_short(standalone(())[1])
    says(SHORTAGE, f"Better test plans close {100 * gained:.0f} %")


def test_the_joint_optimum_saves_money_in_every_way() -> None:
    saved = [standalone(over)[0] - (joint(over).objective_usd or 0.0) for over in WAYS.values()]
    for over in WAYS.values():
        told = joint(over).stand_alone_coverage_usd
        assert told is not None
        assert math.isclose(told, standalone(over)[0], rel_tol=1e-9)
    assert min(saved) > 0.0
    says(SHORTAGE, f"{saved[0] / 1e9:.2f} billion USD", f"{saved[-1] / 1e9:.2f} billion USD")


def test_the_tests_save_wafers_by_what_is_seen_before_the_bond() -> None:
    (recipe,) = (r for r in joint((OSAT, PANEL)).recipes if r.product == "b200_class")
    single = alone("b200_class", "cowos_l")
    assert single is not None
    differ = {key for key in recipe.levels if recipe.levels[key] != single.levels[key]}
    assert differ == {"lsi_bridge/interposer_test", "hbm3e_8h/hbm_incoming"}
    key = "interposer.cowos_l"
    wafers = 1.0 - recipe.uses_per_good[key] / single.uses_per_good[key]
    more = recipe.cost_per_good_usd - single.cost_per_good_usd
    says(SHORTAGE, f"{100 * wafers:.1f} % fewer wafers for {more:.0f} USD a package")
    prices = {
        row["period"]: row["usd_per_unit"]
        for row in joint((OSAT, PANEL)).shadow_prices
        if row["resource"] == key
    }
    assert len(prices) == 4
    says(SHORTAGE, f"one more wafer of L is worth {min(prices.values()):,.0f} USD")


def test_lines_entered_in_2026_come_late() -> None:
    case = case_of(SHORTAGE)
    names = [product.name for product in case.products]
    late = plan_of(
        SHORTAGE, {f"products.{n}.qualified": [case.product(n).routes[0]] for n in names}
    )
    entered = [(row["name"], row["product"], row["period"]) for row in late.decisions]
    assert entered == [(PANEL, name, "2026Q1") for name in ("h100_class", "switch_class")]
    osat, panel = (case.library.routes[route].lead_time_weeks.base for route in (OSAT, PANEL))
    says(SHORTAGE, f"{osat:.0f} weeks at the OSAT take all four quarters")
    says(
        SHORTAGE, f"after {panel:.0f} weeks leave {wafers_short(unmet_of(late)):,.0f} wafers short"
    )


# Accelerators, 2026 to 2027

ACCELERATORS = "accelerators_2026"


@cache
def accelerators() -> Result:
    return plan_of(ACCELERATORS)


@pytest.mark.long
def test_what_is_decided_for_the_accelerators() -> None:
    result = accelerators()
    decided = {(d["kind"], d["name"], d["product"], d["period"]): d for d in result.decisions}
    entered = decided.pop(("qualification", PANEL, "h100_class", "2026Q1"))
    assert {key[:2]: d["amount"] for key, d in decided.items()} == {
        ("expansion", "final_testers"): 2.0,
        ("booking", "cloud_cowos_s"): 1.0,
        ("booking", "cloud_hbm3e_12h"): 1.0,
    }
    route = case_of(ACCELERATORS).library.routes[PANEL]
    foundry = case_of(ACCELERATORS).library.routes["cowos_s"]
    left = foundry.exit_cost_usd
    paid = (route.one_off_cost_usd, route.port_cost_usd, left)
    assert math.isclose(entered["cost_usd"], sum(usd.base for usd in paid if usd is not None))
    says(
        ACCELERATORS,
        f"The plan costs {(result.objective_usd or 0.0) / 1e9:.1f} billion USD",
        f"for {entered['cost_usd'] / 1e6:.0f} million USD",
    )


def test_what_the_accelerators_are_short_of() -> None:
    result = accelerators()
    unmet = unmet_of(result)
    assert {name for name, n in unmet.items() if n > 0.0} == {
        "tpu_class", "mi300x_class", "b300_class",
    }  # fmt: skip
    says(
        ACCELERATORS,
        f"{unmet['tpu_class']:,.0f} packages of the TPU class",
        f"{unmet['mi300x_class']:,.0f} of MI300X and {unmet['b300_class']:,.0f} of B300",
    )
    owed = [row["packages"] for row in result.late if row["product"] == "b300_class"]
    says(ACCELERATORS, f"up to {max(owed):,.0f} packages are owed at a time")
    prices = {r["resource"] for r in result.shadow_prices if r["usd_per_unit"] > 0.0}
    assert "interposer.cowos_l" not in prices
    assert {"hbm.hbm3e_12h", "tester.ft_h", "interposer.cowos_s"} <= prices
    slots = [r for r in result.shadow_prices if r["resource"] == "interposer.cowos_s"]
    later = [r["usd_per_unit"] for r in slots if r["period"] >= "2026Q4"]
    assert max(later) < 50.0 < 10_000.0 < max(r["usd_per_unit"] for r in slots)


def test_stand_alone_tests_need_hours_that_there_are_not() -> None:
    result = accelerators()
    assert result.stand_alone_coverage_usd is not None
    says(ACCELERATORS, f"would cost {result.stand_alone_coverage_usd / 1e9:.1f} billion USD")
    case = case_of(ACCELERATORS)
    needed = np.zeros(len(case.periods))
    for product in case.products:
        candidate, _ = candidate_on(case, product, product.routes[0])
        assert candidate is not None
        hours = candidate.recipes[0].uses_per_good["tester.ft_h"]
        needed += hours * np.array(product.demand.over(len(case.periods)))
    (testers,) = (r for r in case.resources if r.name == "tester.ft_h")
    assert (needed > np.array(testers.capacity.over(len(case.periods)))).any()
