"""Questions on plans over time: idle lines, a ramp, lines that are barred.

As in ``test_questions_planning``, every number of a head is computed anew.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np

from tests.test_questions_packaging import Changes, says
from tests.test_questions_planning import case_of, plan_of, total, unmet_of
from yieldopt.optimize.weighing import candidate_on
from yieldopt.plan import Result

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


# Export rules

BARRED = "ask_barred_region"
OPEN: dict[str, dict[str, list[str]]] = {
    name: {f"products.{name}.barred_regions": []} for name in ("domestic", "advanced")
}
RULES: dict[str, Changes] = {
    "none": {**OPEN["domestic"], **OPEN["advanced"]},
    "domestic product not abroad": OPEN["advanced"],
    "advanced product not on the mainland": OPEN["domestic"],
    "both": {},
}


@cache
def ruled(rule: str) -> Result:
    return plan_of(BARRED, RULES[rule])


def million(rule: str) -> float:
    return (ruled(rule).objective_usd or 0.0) / 1e6


def test_what_each_bar_costs() -> None:
    lines = []
    for rule in RULES:
        unmet = unmet_of(ruled(rule))
        lines.append(
            f"| {rule} | {million(rule) - million('none'):.0f} | {unmet['domestic']:,.0f} "
            f"| {unmet['advanced']:,.0f} |"
        )
    says(BARRED, *lines)
    lost = 0.0
    for product in case_of(BARRED).products:
        more = unmet_of(ruled("both"))[product.name] - unmet_of(ruled("none"))[product.name]
        cost = next(p for p in ruled("both").products if p.name == product.name).cost_per_good_usd
        assert product.shortage_cost_usd is not None
        lost += more * (product.shortage_cost_usd.base - (cost or 0.0)) / 1e6
    assert lost > 0.9 * (million("both") - million("none"))  # the rest is the dearer line


def test_nothing_is_made_where_it_is_barred() -> None:
    case = case_of(BARRED)
    regions = {n: {site.region for site in r.sites} for n, r in case.library.routes.items()}
    for product in case.products:
        rows = [row for row in ruled("both").allocation if row["product"] == product.name]
        places = {region for row in rows for region in regions[row["route"]]}
        assert not places & set(product.barred_regions)
        free = [row for row in ruled("none").allocation if row["product"] == product.name]
        assert {r for row in free for r in regions[row["route"]]} & set(product.barred_regions)


def test_a_barred_product_is_short_while_wafers_abroad_stand_idle() -> None:
    result = ruled("both")
    early = result.periods[:3]
    idle = math.fsum(
        row["capacity"] - row["used"]
        for row in result.resource_use
        if row["resource"] in ("interposer.cowos_s", LINE) and row["period"] in early
    )
    short = math.fsum(
        total(result.unmet, "packages", product="domestic", period=period) for period in early
    )
    says(
        BARRED,
        f"{short:,.0f} packages of the domestic product are short",
        f"{idle:,.0f} wafers abroad stand idle",
    )


def test_the_mainland_line_is_the_cheapest_for_both() -> None:
    case = case_of(BARRED)
    for product in case.products:
        usd = {}
        for route in product.routes:
            free = product.model_copy(update={"barred_regions": ()})
            candidate, _ = candidate_on(case, free, route)
            assert candidate is not None
            usd[route] = candidate.recipes[0].cost_per_good_usd
        assert min(usd, key=lambda route: usd[route]) == "xdfoi"
        says(BARRED, f"{usd['xdfoi']:,.0f} against {usd['cowos_s']:,.0f} USD")
