"""The reference planner against what can be worked out by hand.

One product, one or two lines, mostly one recipe: its cost c and use u are the engine's, the rest is
arithmetic in the tests. ``SAME``: the LP behind it is solved to 1e-9.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import highspy
import numpy as np
import pytest

from tests.planning.milp import Milp
from tests.planning.model import Model
from tests.planning.random_plans import random_case
from tests.planning.reference import Plan, reference
from tests.seeds import seeds
from yieldopt import evaluate, load
from yieldopt.compile import compile_template
from yieldopt.schema.case import Case

SAME = 1e-8
WAFER, HOUR = "interposer.cowos_s", "tester.ft_h"
HEAD = """\
name = "tiny"
periods = [{periods}]
insertions = ["wafer_sort", "final_test"]
{case}

[[products]]
name = "switch"
routes = [{routes}]
interposer_mm = [30.0, 36.0]
substrate_mm = [60.0, 60.0]
dppm_limit = {limit}
demand = {demand}
levels = {{"switch_die/wafer_sort" = ["p94"], "package/final_test" = [{final}]}}
{keys}
[products.slots]
logic = [{{part = "switch_die"}}]
memory = []
substrate = [{{part = "abf_ai_gpu"}}]

"""


@dataclass(frozen=True)
class Tiny:
    """A case with one product, solved."""

    case: Case
    status: str
    usd: float
    plan: Plan

    def recipe(self, route: str = "cowos_s", final: str = "f999") -> tuple[float, float, float]:
        """Cost, wafers of cowos_s (or of the route) per good package, and quality."""
        product = self.case.product("switch")
        template = compile_template(self.case, product, self.case.library.routes[route])
        out = evaluate(template.at({"switch_die/wafer_sort": "p94", "package/final_test": final}))
        quality = float(out.quality)
        uses = float(out.uses[f"interposer.{route}"]) / quality
        return float(out.cost_per_good_usd), uses, quality


@pytest.fixture
def solve(tmp_path: Path) -> Any:
    def run(*tables: str, demand: list[float], keys: str = "", case: str = "",
            routes: tuple[str, ...] = ("cowos_s",), final: str = '"f999"',
            limit: float = 1e6) -> Tiny:  # fmt: skip
        path = tmp_path / "case.toml"
        text = HEAD.format(
            periods=", ".join(f'"q{t}"' for t in range(len(demand))), case=case, demand=demand,
            routes=", ".join(f'"{route}"' for route in routes), final=final, keys=keys, limit=limit,
        )  # fmt: skip
        path.write_text(text + "\n\n".join(tables))
        got = load(path)
        return Tiny(got, *reference(got))

    return run


def table(kind: str, **keys: Any) -> str:
    rows = [f"{key} = {_toml(value)}" for key, value in keys.items()]
    return "\n".join([f"[[{kind}]]", *rows, 'source = "assumed: a test"', ""])


def _toml(value: Any) -> str:
    if isinstance(value, str):
        return value if value[:1] in "[{" else f'"{value}"'
    return str(value).lower()


def wafers(*amounts: float, name: str = WAFER, **keys: Any) -> str:
    return table("resources", name=name, capacity=list(amounts), **keys)


def short(usd: float) -> str:
    return f"shortage_cost_usd = {usd}"


def test_ample_capacity_takes_the_cheapest_recipe(solve: Any) -> None:
    got = solve(demand=[300.0, 200.0], routes=("cowos_s", "i_cube"), final='"f990", "f999"')
    pairs = itertools.product(["cowos_s", "i_cube"], ["f990", "f999"])
    least = min(got.recipe(*pair)[0] for pair in pairs)
    assert got.usd == pytest.approx(500.0 * least, rel=SAME)


def test_unmet_is_what_the_wafers_do_not_carry(solve: Any) -> None:
    got = solve(wafers(3.0, 30.0), demand=[300.0, 200.0], keys=short(5000.0))
    c, u, _ = got.recipe()
    made = 3.0 / u
    assert got.usd == pytest.approx((made + 200.0) * c + (300.0 - made) * 5000.0, rel=SAME)
    assert got.plan.unmet == {("switch", 0): pytest.approx(300.0 - made, rel=SAME)}


def test_firm_demand_beyond_capacity_is_infeasible(solve: Any) -> None:
    assert solve(wafers(3.0), demand=[300.0]).status == "infeasible"


def test_two_recipes_share_scarce_hours(solve: Any) -> None:
    """One scarce resource: the best of all mixes of two recipes that fill it."""
    got = solve(wafers(17.0, name=HOUR), demand=[300.0], final='"f990", "f999"', keys=short(3000.0))
    product = got.case.product("switch")
    template = compile_template(got.case, product, got.case.library.routes["cowos_s"])
    rows = [(3000.0, 0.0)]
    for final in ("f990", "f999"):
        out = evaluate(template.at({"switch_die/wafer_sort": "p94", "package/final_test": final}))
        rows.append((float(out.cost_per_good_usd), float(out.uses[HOUR]) / float(out.quality)))
    best = min(c for c, h in rows if h * 300.0 <= 17.0) * 300.0
    for (c, h), (d, k) in itertools.permutations(rows, 2):
        if h * 300.0 > 17.0 > k * 300.0:
            part = (17.0 - 300.0 * k) / (h - k)
            best = min(best, part * c + (300.0 - part) * d)
    assert got.usd == pytest.approx(best, rel=SAME)


def test_stock_carries_what_a_later_period_lacks(solve: Any) -> None:
    keys = f"{short(9000.0)}\nholding_usd_per_period = 12.0\nstock_start_packages = 10.0"
    got = solve(wafers(10.0, 4.0), demand=[100.0, 300.0], keys=keys)
    c, u, _ = got.recipe()
    carried = 300.0 - 4.0 / u
    assert carried + 100.0 < 10.0 / u
    assert got.usd == pytest.approx(390.0 * c + carried * 12.0, rel=SAME)


def test_stock_is_limited(solve: Any) -> None:
    keys = f"{short(9000.0)}\nholding_usd_per_period = 12.0\nstock_most_packages = 50.0"
    got = solve(wafers(10.0, 4.0), demand=[100.0, 300.0], keys=keys)
    c, u, _ = got.recipe()
    short_by = 250.0 - 4.0 / u
    expected = (400.0 - short_by) * c + 50.0 * 12.0 + short_by * 9000.0
    assert got.usd == pytest.approx(expected, rel=SAME)


def test_late_is_paid_each_period_and_made_in_the_end(solve: Any) -> None:
    got = solve(wafers(3.0, 0.0, 30.0), demand=[300.0, 0.0, 0.0], keys="late_usd_per_period = 7.0")
    c, u, _ = got.recipe()
    owed = 300.0 - 3.0 / u
    assert got.usd == pytest.approx(300.0 * c + 2 * owed * 7.0, rel=SAME)
    late = solve(wafers(30.0, 3.0), demand=[0.0, 300.0], keys="late_usd_per_period = 7.0")
    assert late.status == "infeasible"


def test_discount(solve: Any) -> None:
    got = solve(demand=[100.0, 100.0], case="discount_frac_per_year = 0.21\nperiod_weeks = 26.0")
    c, _, _ = got.recipe()
    assert got.usd == pytest.approx(100.0 * c * (1.0 + 1.0 / 1.1), rel=SAME)


@pytest.mark.parametrize("cost", [2e4, 1e5, 4e5])
def test_lumps_are_bought_while_they_pay(cost: float, solve: Any) -> None:
    lump = table("expansions", name="more", resource=WAFER, amount_per_period=2.0, cost_usd=cost,
                 running_usd_per_period=100.0, lead_time_periods=1, most=3)  # fmt: skip
    got = solve(wafers(1.0, 1.0, 1.0), lump, demand=[200.0] * 3, keys=short(3000.0))
    c, u, _ = got.recipe()

    def total(count: int) -> float:
        made = [min(200.0, 1.0 / u)] + [min(200.0, (1.0 + 2.0 * count) / u)] * 2
        money = count * (cost + 2 * 100.0)
        return money + sum(n * c + (200.0 - n) * 3000.0 for n in made)

    assert got.usd == pytest.approx(min(total(count) for count in range(4)), rel=SAME)


def booking(**keys: Any) -> str:
    base = {"name": "offer", "resource": WAFER, "capacity": [4.0, 4.0],
            "prepayment_usd_per_unit": 100.0, "take_or_pay_frac": 0.75,
            "usd_per_unit_not_taken": 900.0}  # fmt: skip
    return table("reservations", **(base | keys))


def test_what_is_booked_and_not_used_is_paid(solve: Any) -> None:
    """A commitment that nothing needs: own wafers suffice, but booked ones are drawn first."""
    got = solve(wafers(50.0, 50.0), booking(committed=True), demand=[100.0, 50.0])
    c, u, _ = got.recipe()
    left = max(0.0, 3.0 - 100.0 * u) + max(0.0, 3.0 - 50.0 * u)
    assert left > 0.0
    assert got.usd == pytest.approx(150.0 * c + 8.0 * 100.0 + 900.0 * left, rel=SAME)


def test_a_share_of_an_offer_is_booked_where_it_pays(solve: Any) -> None:
    offer = booking(capacity=[4.0, 4.0], take_or_pay_frac=0.0, usd_per_unit_not_taken=0.0)
    got = solve(wafers(1.0, 1.0), offer, demand=[100.0, 100.0], keys=short(4000.0))
    c, u, _ = got.recipe()
    need = 100.0 * u - 1.0
    assert 0.0 < need < 4.0
    assert got.usd == pytest.approx(200.0 * c + 2 * need * 100.0, rel=SAME)
    assert got.plan.booked["offer"] == pytest.approx(need / 4.0, rel=SAME)


LEAD = "[override.routes.cowos_s]\nlead_time_weeks = 14.0\none_off_cost_usd = {}\n"


def test_a_line_is_qualified_if_it_pays_and_takes_its_time(solve: Any) -> None:
    """14 weeks are two periods of 13; the cost is paid at the start."""
    keys = f"qualified = []\nvolume = 1000\n{short(2000.0)}"
    got = solve(demand=[10.0, 10.0, 200.0], keys=keys, case=LEAD.format(1e5))
    c, _, _ = got.recipe()
    assert got.usd == pytest.approx(1e5 + 20.0 * 2000.0 + 200.0 * c, rel=SAME)
    assert list(got.plan.started) == [("switch", "cowos_s", 0)]
    dear = solve(demand=[10.0, 10.0, 200.0], keys=keys, case=LEAD.format(4e5))
    assert dear.usd == pytest.approx(220.0 * 2000.0, rel=SAME)


def test_a_port_and_an_exit_are_paid_too(solve: Any) -> None:
    keys = 'qualified = []\npresent_route = "i_cube"'
    case = ("[override.routes.cowos_s]\nlead_time_weeks = 0\none_off_cost_usd = 1e5\n"
            "port_cost_usd = 2e4\n[override.routes.i_cube]\nexit_cost_usd = 3e3")  # fmt: skip
    got = solve(demand=[100.0], keys=keys, case=case)
    assert got.usd == pytest.approx(100.0 * got.recipe()[0] + 123e3, rel=SAME)
    same = solve(demand=[100.0], keys=keys.replace("i_cube", "osat_2p5d"), case=case)
    assert same.usd == pytest.approx(100.0 * got.recipe()[0] + 12e4, rel=SAME)


def test_a_lot_is_made_whole_or_not_at_all(solve: Any) -> None:
    keys = f"least_lot_packages = 150.0\n{short(3000.0)}"
    got = solve(demand=[200.0, 100.0], keys=keys)
    c, _, _ = got.recipe()
    assert got.usd == pytest.approx(200.0 * c + 100.0 * 3000.0, rel=SAME)
    stored = solve(demand=[100.0, 0.0], keys=keys + "\nholding_usd_per_period = 1.0")
    assert stored.usd == pytest.approx(150.0 * c + 2 * 50.0, rel=SAME)


def test_one_programme_takes_the_best_single_recipe(solve: Any) -> None:
    """Long tests pay where hours are ample, short ones where they are not: to mix is cheaper."""
    keys = f"escape_cost_usd = 20000.0\n{short(3000.0)}\n"
    hours = wafers(14.0, 90.0, name=HOUR)
    names = ("f990", "f995", "f999")
    final = ", ".join(f'"{name}"' for name in names)
    mixed = solve(hours, demand=[220.0, 220.0], final=final, keys=keys)
    one = solve(hours, demand=[220.0, 220.0], final=final, keys=keys + "one_programme = true")
    alone = [solve(hours, demand=[220.0, 220.0], final=f'"{name}"', keys=keys) for name in names]
    assert one.usd == pytest.approx(min(each.usd for each in alone), rel=SAME)
    assert mixed.usd < one.usd * (1 - 1e-4)


SHARES = [  # and the part that cowos_s, the cheaper one, then makes
    ('line = "cowos_s"\nmost_frac = 0.3', 0.3),
    ('route = "cowos_s"\nleast_frac = 0.6', 1.0),
    ('site = "samsung_korea"\nmost_frac = 0.2', 1.0),
    ('site = "samsung_korea"\nleast_frac = 0.2', 0.8),
    ('region = "other Asia-Pacific"\nleast_frac = 0.35', 0.65),
    ('each = "region"\nmost_frac = 0.55', 0.55),
    ('vendor = "one"\nmost_frac = 0.25', 0.25),
]


@pytest.mark.parametrize(("share", "part"), SHARES)
def test_shares(share: str, part: float, solve: Any) -> None:
    text = f'[[shares]]\nname = "s"\nproduct = "switch"\nsource = "assumed: a test"\n{share}\n'
    vendor = wafers(90.0, vendor="one")
    got = solve(text, vendor, demand=[100.0], routes=("cowos_s", "i_cube"))
    a, b = got.recipe("cowos_s")[0], got.recipe("i_cube")[0]
    assert a < b
    assert got.usd == pytest.approx(100.0 * (part * a + (1.0 - part) * b), rel=SAME)


def test_the_pool_keeps_the_limit_over_all_that_is_shipped(solve: Any) -> None:
    got = solve(demand=[100.0], final='"f990", "f9995"', limit=2500.0, keys="dppm_pooled = true")
    (a, _, p), (b, _, q) = got.recipe(final="f990"), got.recipe(final="f9995")
    assert a < b
    bad, good = 1 / p - 1 - 2.5e-3 / p, 1 / q - 1 - 2.5e-3 / q  # per good package, over the limit
    assert good < 0.0 < bad
    part = good / (good - bad)
    assert got.usd == pytest.approx(100.0 * (part * a + (1 - part) * b), rel=SAME)


def test_surcharges_rise_with_use_and_fixed_costs_are_paid(solve: Any) -> None:
    steps = "[{above_frac = 0.5, usd_per_unit = 100.0}, {above_frac = 0.75, usd_per_unit = 300.0}]"
    got = solve(wafers(4.0, surcharges=steps, fixed_usd_per_period=77.0), demand=[150.0])
    c, u, _ = got.recipe()
    used = 150.0 * u
    assert 3.0 < used < 4.0
    assert got.usd == pytest.approx(150.0 * c + 77.0 + 100.0 + 300.0 * (used - 3.0), rel=SAME)


def test_a_budget_leaves_lumps_out(solve: Any) -> None:
    lump = table("expansions", name="more", resource=WAFER, amount_per_period=1.0, cost_usd=1000.0,
                 lead_time_periods=0, most=9)  # fmt: skip
    budget = table("budgets", name="b", of="capital", most_usd=2500.0)
    got = solve(wafers(0.0), lump, budget, demand=[200.0], keys=short(3000.0))
    c, u, _ = got.recipe()
    made = 2.0 / u
    assert got.usd == pytest.approx(2000.0 + made * c + (200.0 - made) * 3000.0, rel=SAME)


def test_margin_makes_what_earns(solve: Any) -> None:
    case = 'objective = "margin"'
    got = solve(demand=[100.0], case=case, keys="price_usd = 1500.0")
    c, _, _ = got.recipe()
    assert got.usd == pytest.approx(100.0 * (c - 1500.0), rel=SAME)
    purse = table("budgets", name="b", of="all", most_usd=10.0 * c)
    poor = solve(purse, demand=[100.0], case=case, keys="price_usd = 1500.0")
    assert poor.usd == pytest.approx(10.0 * (c - 1500.0), rel=SAME)
    assert solve(demand=[100.0], case=case, keys="price_usd = 500.0").usd == pytest.approx(0.0)


def test_a_service_level_is_served_at_a_loss(solve: Any) -> None:
    got = solve(demand=[100.0, 60.0], keys="service_frac = 0.75")
    assert got.usd == pytest.approx(120.0 * got.recipe()[0], rel=SAME)


def test_changes_hold_from_their_period_on(solve: Any) -> None:
    cheaper = table("changes", begins="q1", override="{processes = {n5 = {d0_per_cm2 = 0.02}}}")
    got = solve(cheaper, demand=[100.0, 100.0, 100.0])
    before = got.recipe()[0]
    after = Tiny(got.case.changes[0].case, "", 0.0, got.plan).recipe()[0]
    assert after < before
    assert got.usd == pytest.approx(100.0 * (before + 2 * after), rel=SAME)


def test_a_line_has_its_own_wafers_and_freight(solve: Any) -> None:
    tables = [
        table("lines", name="home", route="cowos_s"),
        table("lines", name="west", route="cowos_s", resources=f'{{"{WAFER}" = "wafers.west"}}',
              sites='[{name = "amkor_arizona", region = "USA"}]', extra_usd_per_good=50.0),
        wafers(2.0), wafers(2.0, name="wafers.west"),
    ]  # fmt: skip
    got = solve(*tables, demand=[150.0])
    c, u, _ = got.recipe()
    assert 2.0 < 150.0 * u < 4.0
    assert got.usd == pytest.approx(150.0 * c + (150.0 - 2.0 / u) * 50.0, rel=SAME)
    assert solve(*tables, demand=[150.0], keys='barred_regions = ["USA"]').status == "infeasible"


MANY = {"lines", "stock", "late", "lumps", "bookings", "qualification", "lots", "one_programme"}


@pytest.mark.parametrize("seed", seeds(range(2), 1))
def test_another_solver_finds_the_same_optimum(seed: int, tmp_path: Path) -> None:
    """HiGHS on the same rows: it stops at a gap of 1e-7 and feasibility of 1e-9."""
    path = tmp_path / "case.toml"
    path.write_text(random_case(seed, MANY))
    milp = Model(load(path), 4.0).milp
    found = milp.solve()
    assert found is not None
    assert by_highs(milp) == pytest.approx(found[0], rel=1e-6)


def by_highs(milp: Milp) -> float:
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("mip_rel_gap", 1e-7)
    for name in ("primal_feasibility_tolerance", "mip_feasibility_tolerance"):
        highs.setOptionValue(name, 1e-9)
    for at, (cost, upper) in enumerate(zip(milp.cost, milp.upper, strict=True)):
        highs.addVar(0.0, min(upper, highspy.kHighsInf))
        highs.changeColCost(at, cost)
        if milp.whole[at]:
            highs.changeColIntegrality(at, highspy.HighsVarType.kInteger)
    for terms, low, high in milp.rows:
        at = np.array(list(terms), dtype=np.int32)
        highs.addRow(low, high, len(at), at, np.array(list(terms.values())))
    highs.run()
    assert highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return float(highs.getInfo().objective_function_value) + milp.constant
