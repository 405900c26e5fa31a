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

from tests.test_questions_packaging import CASES, Changes, says
from yieldopt import load, solve
from yieldopt.optimize.backends import LinearProgram, backend
from yieldopt.optimize.candidates import candidate_on
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


# Overcapacity: demand halves after the lines are bought

OVER = "ask_overcapacity"
LINE = "interposer.osat_2p5d_ase"
HALVED_FROM = 6  # 2027Q3: all lines are ordered by then


def halved() -> list[float]:
    case = case_of(OVER)
    planned = case.products[0].demand.over(len(case.periods))
    return [n / 2.0 if t >= HALVED_FROM else n for t, n in enumerate(planned)]


@cache
def ordered() -> list[int]:
    """Lines ordered in each period by the plan that trusts its demand."""
    result = plan_of(OVER)
    rows = [row for row in result.decisions if row["kind"] == "expansion"]
    return [int(total(rows, "amount", period=period)) for period in result.periods]


@cache
def standing() -> list[int]:
    lead = case_of(OVER).expansions[0].lead_time_periods
    return [sum(ordered()[: max(0, t - lead + 1)]) for t in range(len(ordered()))]


def today(usd: Sequence[float]) -> float:
    """Money by quarter, at its worth in the first [USD]."""
    rate = 1.0 + case_of(OVER).discount_frac_per_year
    return math.fsum(value * rate ** (-t / 4.0) for t, value in enumerate(usd))


def of_lines() -> tuple[float, float]:
    """What the lines bought cost to buy, and to run [USD]."""
    lump = case_of(OVER).expansions[0]
    buy, run = lump.cost_usd.base, lump.running_usd_per_period.base
    return today([buy * n for n in ordered()]), today([run * n for n in standing()])


def bound(demand: Sequence[float], changes: Changes | None = None) -> Result:
    """The plan once lines stand and wafers are booked: it can leave neither."""
    case = case_of(OVER)
    lump = case.expansions[0]
    built = [lump.amount_per_period * n for n in standing()]
    given = {LINE: built, "interposer.cowos_s": 4000.0}
    resources = [{"name": n, "capacity": c, "source": "assumed: bought"} for n, c in given.items()]
    return plan_of(
        OVER,
        {
            "products.tpu_class.demand": list(demand),
            "resources": resources,
            "expansions": [],
            "reservations.foundry_contract.committed": True,
            **(changes or {}),
        },
    )


@cache
def fallen() -> Result:
    """The plan that is bound when demand halves."""
    return bound(halved())


def spent(result: Result) -> float:
    """All costs of a plan that is bound, its lines included [USD]."""
    return (result.objective_usd or 0.0) + sum(of_lines())


def not_taken(result: Result) -> list[float]:
    """Wafers owed and not taken by quarter, the buyer's own 4,000 used last."""
    offer = case_of(OVER).reservations[0]
    owed = offer.take_or_pay_frac * offer.capacity.over(len(result.periods))[0]
    rows = [row for row in result.resource_use if row["resource"] == offer.resource]
    return [max(0.0, owed - row["used"]) for row in rows]


def test_a_plan_that_is_bound_to_what_it_would_buy_costs_the_same() -> None:
    case = case_of(OVER)
    planned = plan_of(OVER)
    assert sum(ordered()) == 5
    assert ordered()[HALVED_FROM - 1 :] == [0] * (len(case.periods) - HALVED_FROM + 1)
    kept = bound(case.products[0].demand.over(len(case.periods)))
    assert math.isclose(spent(kept), planned.objective_usd or 0.0, rel_tol=1e-9)


def test_what_overcapacity_costs() -> None:
    after, known = fallen(), plan_of(OVER, {"products.tpu_class.demand": halved()})
    assert known.objective_usd is not None
    loss = spent(after) - known.objective_usd
    buy, run = of_lines()
    offer = case_of(OVER).reservations[0]
    owed = today([n * offer.usd_per_unit_not_taken.base for n in not_taken(after)])
    assert [row["kind"] for row in known.decisions] == ["booking"]
    says(
        OVER,
        f"{loss / 1e6:.0f} million USD, nearly all of it in the lines",
        f"{buy / 1e6:.0f} million USD to buy and {run / 1e6:.0f} to run",
        f"{owed / 1e6:.0f} million USD for {sum(not_taken(after)):,.0f} wafers",
        f"{spent(after) / 1e9:.2f} against {known.objective_usd / 1e9:.2f} billion USD",
        f"no line and {100 * known.decisions[0]['amount']:.0f} % of the wafers",
        f"{loss / after.products[0].made:.0f} USD on every package made",
    )


def test_packages_go_where_wafers_are_owed() -> None:
    after = fallen()
    offered = total(after.resource_use, "capacity", resource=LINE)
    used = total(after.resource_use, "used", resource=LINE)
    by_route = {v.route: v.cost_per_good_usd or 0.0 for v in after.products[0].routes}
    cheaper = by_route["cowos_s"] - by_route["osat_2p5d_ase"]
    assert cheaper > 0.0
    says(OVER, f"{cheaper:.0f} USD cheaper", f"{used:,.0f} of the {offered:,.0f} wafers")


def test_a_harder_contract_costs_more() -> None:
    hard = bound(halved(), {"reservations.foundry_contract.take_or_pay_frac": 1.0})
    more = (hard.objective_usd or 0.0) - (fallen().objective_usd or 0.0)
    says(OVER, f"all of them owed instead of four fifths: {more / 1e6:.0f} million USD more")


# Accelerators, 2026 to 2027

ACCELERATORS = "accelerators_2026"


@cache
def accelerators() -> Result:
    return plan_of(ACCELERATORS)


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


# A memory maker's ramp

RAMP = "ask_memory_ramp"
FANOUT = "wafer.fanout_biwin"
LEARNT = (
    "routes.foms_r.steps.placement.faults.joint.yield_frac",
    "routes.cmc.steps.die_drift.faults.joint.yield_frac",
    "processes.fanout_wafer.d0_per_cm2",
    "processes.fanout_memory.d0_per_cm2",
)
BEGIN = (0.98, 0.98, 0.1, 0.1)
MATURE = (0.998, 0.997, 0.05, 0.05)


@cache
def ramp() -> Result:
    return plan_of(RAMP)


def margin(changes: Changes | None = None) -> float:
    """Margin of the plan [million USD]."""
    result = plan_of(RAMP, changes) if changes else ramp()
    return -(result.objective_usd or 0.0) / 1e6


def test_what_is_lost_beyond_the_mature_line_is_halved_every_quarter() -> None:
    case = case_of(RAMP)
    for at, models in enumerate([case, *(change.case for change in case.changes)]):
        step = {n: models.library.routes[n].steps for n in ("foms_r", "cmc")}
        (placed,) = (s for s in step["foms_r"] if s.work == "placement")
        (drift,) = (s for s in step["cmc"] if s.work == "die_drift")
        yields = [s.faults["joint"].yield_frac for s in (placed, drift)]
        density = [models.library.processes[key.split(".")[1]].d0_per_cm2 for key in LEARNT[2:]]
        now = [q.base for q in (*yields, *density) if q is not None]
        want = [end + (start - end) * 0.5**at for start, end in zip(BEGIN, MATURE, strict=True)]
        np.testing.assert_allclose(now, want, rtol=1e-12)


def test_wafers_are_as_many_as_the_brief_says() -> None:
    (line,) = case_of(RAMP).resources
    monthly = [5000 + 5000 * (t + 0.5) / 4 if t < 4 else 10000.0 for t in range(6)]
    np.testing.assert_allclose(line.capacity.over(6), [3 * n for n in monthly])


def test_what_carries_the_ramp() -> None:
    never = margin({"changes": []})
    at_once = margin({"changes": [], **dict(zip(LEARNT, MATURE, strict=True))})
    flat = margin({f'resources."{FANOUT}".capacity': 15000})
    says(
        RAMP,
        f"earns {margin():.0f} million USD",
        f"{margin() - flat:.0f} million less without the new wafers",
        f"{margin() - never:.0f} million less without learning",
        f"{at_once - margin():.0f} million more if all were learnt at once",
    )
    assert flat < never < margin() < at_once


def test_probing_is_taken_off_as_the_line_learns() -> None:
    result = ramp()
    levels = {recipe.id: recipe.levels["fanout/mid_bond"] for recipe in result.recipes}
    rows = [row for row in result.allocation if row["product"] == "thin_memory"]
    probed = [levels[row["recipe"]] for row in sorted(rows, key=lambda row: row["period"])]
    assert probed == ["full95", "lanes90", "lanes90", "scan80", "scan80", "scan80"]
    says(RAMP, ", ".join(dict.fromkeys(probed)))
    memories = [recipe for recipe in result.recipes if recipe.product == "thin_memory"]
    usd = [recipe.cost_per_good_usd for recipe in (memories[0], memories[-1])]
    a_wafer = [1.0 / recipe.uses_per_good[FANOUT] for recipe in (memories[0], memories[-1])]
    says(
        RAMP,
        f"{usd[0]:.2f} USD in the first quarter and {usd[1]:.2f} in the last",
        f"a wafer gives {a_wafer[0]:.0f} and then {a_wafer[1]:.0f} of them",
    )


def test_wafers_bind_in_every_quarter_and_little_waits() -> None:
    result = ramp()
    worth = [row["usd_per_unit"] for row in result.shadow_prices if row["resource"] == FANOUT]
    assert len(worth) == 6
    assert min(worth) > 0.0
    says(RAMP, f"{min(worth):,.0f} to {max(worth):,.0f} USD")
    (waits,) = result.stock
    unmet = unmet_of(result)
    says(
        RAMP,
        f"{waits['packages']:,.0f} memories wait",
        f"{unmet['thin_memory'] / 1e6:.1f} million memories",
        f"{unmet['wearable_cmc'] / 1e6:.1f} million processors",
    )
