"""The question on rules of a test floor: the answer in the head of the case, computed anew.

Every rule that a case can have is used by some shipped case.
"""

from __future__ import annotations

import math

import pytest

from tests.golden_cases import CASES
from tests.random_templates import all_plans
from tests.test_product_rules import SAME, keeps_levels, keeps_limits
from tests.test_questions_packaging import recipe, says
from yieldopt import evaluate, load
from yieldopt.compile import compile_template
from yieldopt.schema.rules import RulesShape

CASE, ROUTE = "ask_floor_rules", "cowos_r"
SORTS = ("switch_die/wafer_sort", "io_die/wafer_sort")
MID, FINAL, SYSTEM = "cow/mid_bond", "package/final_test", "package/system_level"
PRODUCTS = ["free", "forbidden", "tied", "moved", "short", "all"]
SHORT = {  # few levels, those of every answer among them
    "interposer/interposer_test": ["off", "shorts85"],
    SORTS[0]: ["p94", "p97"],
    SORTS[1]: ["p94", "p97"],
    MID: ["off", "xray"],
    FINAL: ["f990", "f995", "f999", "f9995"],
    SYSTEM: ["off", "s92", "s94"],
}


def test_what_each_rule_costs() -> None:
    found = {name: recipe(CASE, name) for name in PRODUCTS}
    usd = {name: one.cost_per_good_usd for name, one in found.items()}
    more = {name: value - usd["free"] for name, value in usd.items()}
    free, all_four = found["free"], found["all"]
    used = free.uses_per_good["tester.ft_h"]
    says(
        CASE,
        f"{math.floor(min(list(more.values())[1:]) + 0.5)} to {more['forbidden']:.0f} USD "
        f"of {usd['free']:.0f}",
        f"costs {usd['free']:.2f} USD and ships {free.dppm:.0f} DPPM",
        f"final test {free.levels[FINAL]} and without system level",
        f"costs {more['forbidden']:.2f} USD, and the plan moves to "
        f"{found['forbidden'].levels[FINAL]} with system level {found['forbidden'].levels[SYSTEM]}",
        f"0.07 hours of final test per good package, of {used:.3f} used, gives the same plan",
        f"One sort programme for both dies costs {more['tied']:.2f} USD",
        f"costs {more['moved']:.2f} USD: X-ray at mid-bond",
        f"All four cost {more['all']:.2f} USD",
    )
    assert more["all"] < 9.0
    assert free.levels[SYSTEM] == free.levels[MID] == "off"
    assert found["short"].levels == found["forbidden"].levels
    assert found["tied"].levels == {**free.levels, SORTS[1]: free.levels[SORTS[0]]}
    assert found["moved"].levels == {**free.levels, MID: "xray"}
    assert (all_four.levels[MID], all_four.levels[SYSTEM]) == ("off", "s92")
    assert more["all"] - more["forbidden"] == pytest.approx(more["tied"], rel=0.05)


@pytest.mark.parametrize("name", PRODUCTS)
def test_the_answers_are_the_best_of_every_plan_on_fewer_levels(name: str) -> None:
    case = load(CASE, {f"products.{name}.levels": SHORT})
    product = case.product(name)
    rules = product.model_dump(include=set(RulesShape.model_fields))
    template = compile_template(case, product, case.library.routes[ROUTE])
    costs = []
    for plan in all_plans(template):
        if keeps_levels(rules, template, plan):
            out = evaluate(template.at(plan))
            if float(out.dppm) <= 1000.0 and keeps_limits(rules, out):
                costs.append(float(out.cost_per_good_usd))
    assert recipe(CASE, name).cost_per_good_usd == pytest.approx(min(costs), rel=SAME)


@pytest.mark.long
def test_every_rule_and_scenarios_are_used_by_some_case() -> None:
    unused = set(RulesShape.model_fields)
    scenarios = 0
    for path in CASES:
        case = load(path)
        scenarios += len(case.scenarios)
        for product in case.products:
            unused -= {key for key in unused if getattr(product, key)}
    assert unused == set()
    assert scenarios > 0
