"""Rules of a product in a case: every key alone, and all of them, against every plan.

The reference evaluates each plan of the compiled route and decides in its own words, from the keys
of the case alone, whether it keeps the rules. Bad keys: ``tests/read/test_rules.py``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.planning import small_plans
from tests.random_templates import all_plans
from yieldopt import evaluate, load, solve
from yieldopt.cli import main
from yieldopt.compile import compile_template
from yieldopt.errors import CaseError
from yieldopt.explanation import explain
from yieldopt.flow import Outcome
from yieldopt.optimize.backends import backend
from yieldopt.optimize.product_rules import narrowed, product_ruled
from yieldopt.optimize.refine_case import refine_product
from yieldopt.optimize.weighing import candidate_on
from yieldopt.report.explanation import curve_text
from yieldopt.schema.case import Case, ProductShape
from yieldopt.template import Template

SAME = 1e-11  # some ten logs and exponentials in another order: 1e-13 each way
MATURE = ("ask_two_mature_dies", "two_mature", "organic_mcm")  # 252 plans
SWITCH = ("reference_2p5d", "switch", "cowos_r")  # 49 plans, two kinds of die
SORT, FINAL, SYSTEM = "accel_n6_half/wafer_sort", "package/final_test", "package/system_level"
DIES = ["switch_die/wafer_sort", "io_die/wafer_sort"]
Which = tuple[str, str, str]
Rules = Mapping[str, Any]

ALONE: list[tuple[Which, Rules]] = [
    (MATURE, {"forbidden_levels": {FINAL: ["f9995"]}}),
    (MATURE, {"forbidden_levels": {FINAL: ["f9995", "off"], SORT: ["p94"]}}),
    (MATURE, {"least_coverage": {SORT: {"logic": 0.96}}}),
    (MATURE, {"least_coverage": {SYSTEM: {"logic": 0.9, "c4": 0.93}}}),
    (SWITCH, {"same_level": [DIES]}),
    (MATURE, {"moves": [{"places": [FINAL, SORT]}]}),
    (MATURE, {"moves": [{"places": [FINAL, SORT, SYSTEM], "least": 2, "most": 3}, {
        "places": [FINAL, SYSTEM], "least": 2, "most": 2}]}),
    (MATURE, {"use_limits_per_good": {"tester.ft_h": 0.07}}),
    (MATURE, {"use_limits_per_good": {"wafer.n6": 0.0223, "tester.slt_h": 0.2}}),
    (SWITCH, {"same_level": [DIES], "forbidden_levels": {DIES[0]: ["p97", "p94"]},
              "least_coverage": {DIES[1]: {"logic": 0.85}}}),
]  # fmt: skip


def with_rules(which: Which, rules: Rules, **more: Any) -> Case:
    name, product, _ = which
    return load(name, {f"products.{product}.{key}": v for key, v in (rules | more).items()})


@cache
def every_plan(which: Which) -> tuple[Template, list[tuple[dict[str, str], Outcome]]]:
    """The compiled route of a shipped case, and all its plans with their outcome."""
    name, product, route = which
    case = load(name)
    template = compile_template(case, case.product(product), case.library.routes[route])
    return template, [(plan, evaluate(template.at(plan))) for plan in all_plans(template)]


def keeps_levels(rules: Rules, template: Template, plan: Mapping[str, str]) -> bool:
    """Whether a plan keeps the keys of a case that speak of levels, each where the plan has it."""
    choices = template.choices()
    if any(
        plan.get(place) in levels for place, levels in rules.get("forbidden_levels", {}).items()
    ):
        return False
    for place, table in rules.get("least_coverage", {}).items():
        step = choices[place].options[plan[place]]
        if any((step.coverage.get(k, 0.0) if step else 0.0) < least for k, least in table.items()):
            return False
    for places in rules.get("same_level", ()):
        if len({plan[place] for place in places if place in plan}) > 1:
            return False
    for move in rules.get("moves", ()):
        used = sum(plan[place] != "off" for place in move["places"])
        if not move.get("least", 1) <= used <= move.get("most", 1):
            return False
    return True


def keeps_limits(rules: Rules, out: Outcome) -> bool:
    limits = rules.get("use_limits_per_good", {}).items()
    return all(float(out.uses.get(k, 0.0)) / float(out.quality) <= most for k, most in limits)


@pytest.mark.parametrize(("which", "rules"), ALONE, ids=lambda value: " ".join(value)[:60])
def test_a_key_alone_equals_brute_force(which: Which, rules: Rules) -> None:
    template, plans = every_plan(which)
    case = with_rules(which, rules)
    product = case.product(which[1])
    limit = product.dppm_limit
    assert limit is not None
    within = [(p, out) for p, out in plans if float(out.dppm) <= limit]
    kept = [(p, out) for p, out in within if keeps_levels(rules, template, p)]
    costs = [float(out.cost_per_good_usd) for _, out in kept if keeps_limits(rules, out)]
    candidate, verdict = candidate_on(case, product, which[2])
    assert candidate is not None
    found = candidate.recipes[0]
    assert found.cost_per_good_usd == pytest.approx(min(costs), rel=SAME)
    assert verdict.cost_per_good_usd == found.cost_per_good_usd
    assert keeps_levels(rules, template, found.levels)
    assert keeps_limits(rules, evaluate(template.at(found.levels)))
    total = sum(keeps_levels(rules, template, p) for p, _ in plans)
    proof = found.proof
    assert proof.combinations == proof.enumerated + proof.pruned == total
    # The rules matter: without them the best plan is cheaper and breaks one.
    best, out = min(within, key=lambda pair: float(pair[1].cost_per_good_usd))
    assert not (keeps_levels(rules, template, best) and keeps_limits(rules, out))
    assert float(out.cost_per_good_usd) < min(costs) * (1 - 1e-6)


def test_solve_prints_the_plan_that_keeps_the_contract(tmp_path: Path) -> None:
    """The key written in a case file, through the command line."""
    text = (Path(__file__).parent.parent / "cases" / "minimal.toml").read_text()
    path = tmp_path / "case.toml"
    path.write_text(f'{text}least_coverage = {{"{FINAL}" = {{logic = 0.999}}}}\n')
    done = CliRunner().invoke(main, ["solve", str(path), "--json"])
    assert done.exit_code == 0, done.output
    (recipe,) = json.loads(done.stdout)["recipes"]
    assert recipe["levels"][FINAL] in ("f999", "f9995")
    assert recipe["cost_per_good_usd"] > solve(load("minimal")).recipes[0].cost_per_good_usd


INFEASIBLE: list[tuple[Rules, tuple[str, ...]]] = [
    ({"least_coverage": {SORT: {"logic": 0.9999}}}, ("no level is left: off covers 0 of logic",)),
    ({"forbidden_levels": {SYSTEM: ["off", "s90", "s92", "s94", "s96", "s98"]}},
     ("package/system_level: no level is left", "s98 is forbidden")),
    ({"same_level": [[SORT, FINAL]], "forbidden_levels": {SORT: ["off"]}},
     (f"{SORT} = {FINAL}: no common choice of levels is left",)),
    ({"same_level": [[SORT, FINAL]]}, ("that the rules allow reaches 800 DPPM; the lowest is",)),
    ({"use_limits_per_good": {"tester.ft_h": 0.01}},
     ("uses 0.01 of tester.ft_h or less per good package at 800 DPPM; the least is 0.05148",)),
    ({"use_limits_per_good": {"tester.ft_h": 0.052, "tester.slt_h": 0.18}},
     ("keeps all limits on use of resources at 800 DPPM together",)),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "words"), INFEASIBLE, ids=lambda value: str(value)[:40])
def test_rules_that_no_plan_keeps_are_a_verdict(rules: Rules, words: tuple[str, ...]) -> None:
    """The brute force agrees, and ``solve`` says why."""
    template, plans = every_plan(MATURE)
    case = with_rules(MATURE, rules)
    fine = [
        out.dppm <= 800.0 and keeps_levels(rules, template, p) and keeps_limits(rules, out)
        for p, out in plans
    ]
    assert not any(fine)
    answer = next(p for p in solve(case).products if p.name == MATURE[1])
    verdict = next(v for v in answer.routes if v.route == MATURE[2])
    assert not verdict.feasible
    assert verdict.cost_per_good_usd is None
    (reason,) = verdict.reasons
    assert [word for word in words if word not in reason] == []


def test_the_least_use_that_a_verdict_states_is_the_least() -> None:
    _, plans = every_plan(MATURE)
    least = min(
        float(out.uses["tester.ft_h"]) / float(out.quality)
        for _, out in plans
        if out.dppm <= 800.0 and "tester.ft_h" in out.uses
    )
    assert f"{least:.4g}" == "0.05148"


def test_a_rule_holds_on_the_routes_that_have_its_places() -> None:
    """Mid-bond stands on cowos_s: there the contract costs, on organic_mcm it does nothing."""
    plain = load(MATURE[0]).product(MATURE[1])
    costs = [
        {
            r: candidate_on(case, case.product(MATURE[1]), r)[1].cost_per_good_usd
            for r in plain.routes
        }
        for case in (
            load(MATURE[0]),
            with_rules(MATURE, {"least_coverage": {"cow/mid_bond": {"joint": 0.9}}}),
        )
    ]
    assert costs[1]["organic_mcm"] == costs[0]["organic_mcm"]
    assert (costs[1]["cowos_s"] or 0.0) > (costs[0]["cowos_s"] or math.inf)
    _, template, ruled = ruled_mature({"same_level": [["cow/mid_bond", SORT]]})
    assert "cow/mid_bond" not in template.choices()
    assert ruled.joints == ()
    assert ruled.menus[SORT] == tuple(template.choices()[SORT].options)
    _, template, ruled = ruled_mature({"moves": [{"places": ["cow/mid_bond", SYSTEM]}]})
    assert ruled.menus[SYSTEM] == tuple(k for k in template.choices()[SYSTEM].options if k != "off")
    move = {"places": ["cow/mid_bond", "interposer/interposer_test"], "least": 2, "most": 2}
    assert ruled_mature({"moves": [move]})[2].reasons == ()  # no content of this route
    _, _, ruled = ruled_mature({"moves": [{**move, "places": ["cow/mid_bond", SYSTEM]}]})
    assert ruled.reasons == (f"moves[0]: 2 must be in use, and this route has only {SYSTEM}",)


def ruled_mature(rules: Rules, **more: Any) -> tuple[ProductShape, Template, Any]:
    case = with_rules(MATURE, rules, **more)
    product = case.product(MATURE[1])
    template = compile_template(case, product, case.library.routes[MATURE[2]])
    return product, template, product_ruled(product, template)


def test_a_place_that_cannot_rest_is_always_in_use() -> None:
    """``levels`` takes "off" from final test: of the two places the other one must rest."""
    moves = {"moves": [{"places": [FINAL, SYSTEM]}]}
    _, _, ruled = ruled_mature(moves, levels={FINAL: ["f999", "f9995"]})
    assert ruled.reasons == ()
    assert ruled.menus[SYSTEM] == ("off",)
    assert ruled.menus[FINAL] == ("f999", "f9995")
    both = {FINAL: ["f999"], SYSTEM: ["s90"]}
    _, _, ruled = ruled_mature(moves, levels=both)
    assert ruled.reasons == (f"moves[0]: more than 1 of {FINAL}, {SYSTEM} cannot be at off",)
    all_three = {"moves": [{"places": [FINAL, SYSTEM], "least": 2, "most": 2}]}
    _, _, ruled = ruled_mature(all_three, levels={FINAL: ["f999"]})
    assert "off" not in ruled.menus[SYSTEM]


def test_a_class_that_no_unit_can_carry_is_a_fault() -> None:
    """A package without memory has no faults of class hbm; at sort nothing has joints yet."""
    rules = {"least_coverage": {FINAL: {"hbm": 0.9999}, SORT: {"joint": 0.9, "logic": 0.9}}}
    with pytest.raises(CaseError) as caught:
        with_rules(MATURE, rules)
    keys = [f'least_coverage."{FINAL}".hbm', f'least_coverage."{SORT}".joint']
    assert [fault.key.partition(".")[2] for fault in caught.value.faults] == keys
    assert all("no unit carries faults" in fault.message for fault in caught.value.faults)
    assert caught.value.faults[1].hint.startswith("carried here: ")
    assert "logic" in caught.value.faults[1].hint


def test_a_class_needs_no_coverage_on_a_route_that_does_not_leave_it() -> None:
    """The microbumps of cowos_s are covered there; the package of organic_mcm has none."""
    rules = {"least_coverage": {FINAL: {"joint": 0.9999}}}
    _, template, ruled = ruled_mature(rules)
    assert ruled.combinations == math.prod(len(c.options) for c in template.choices().values())
    case = with_rules(MATURE, rules)
    other = compile_template(case, case.product(MATURE[1]), case.library.routes["cowos_s"])
    assert product_ruled(case.product(MATURE[1]), other).reasons


def test_narrowed_rules_are_those_of_the_plans_left() -> None:
    rules = {"moves": [{"places": [FINAL, SORT, SYSTEM], "least": 2, "most": 2}]}
    _, template, ruled = ruled_mature(rules)
    left = narrowed(ruled, {FINAL: ("off", "f999"), SORT: ("p94",)})
    kept = [
        p for p in all_plans(template)
        if keeps_levels(rules, template, p) and p[FINAL] in ("off", "f999") and p[SORT] == "p94"
    ]  # fmt: skip
    assert left.combinations == len(kept) > 0
    assert narrowed(ruled, {FINAL: ("off",), SORT: ("off",)}).reasons
    assert narrowed(ruled, {FINAL: ()}).reasons == (f"{FINAL}: no level is left",)


def test_explain_keeps_the_rules_in_every_plan_that_it_compares() -> None:
    rules = {
        "forbidden_levels": {FINAL: ["f9995"]},
        "moves": [{"places": [FINAL, SORT, SYSTEM], "least": 3, "most": 3}],
        "use_limits_per_good": {"tester.slt_h": 0.2},
    }
    template, plans = every_plan(MATURE)
    found = explain(with_rules(MATURE, rules), MATURE[1], route=MATURE[2])
    assert found.explanation is not None
    costs = [
        (plan, float(out.cost_per_good_usd)) for plan, out in plans
        if out.dppm <= 800.0 and keeps_levels(rules, template, plan) and keeps_limits(rules, out)
    ]  # fmt: skip
    least = min(cost for _, cost in costs)
    optimum = found.explanation.plan
    assert optimum.cost_per_good_usd == pytest.approx(least, rel=SAME)
    outs = {json.dumps(plan, sort_keys=True): out for plan, out in plans}
    for account in found.explanation.insertions:
        for level in account.levels:
            own = [cost for plan, cost in costs if plan[account.insertion] == level.level]
            best = level.best.cost_per_good_usd if level.best else None
            assert best == (pytest.approx(min(own), rel=SAME) if own else None)
            held = {**optimum.levels, account.insertion: level.level}
            out = outs[json.dumps(held, sort_keys=True)]
            kept = keeps_levels(rules, template, held) and keeps_limits(rules, out)
            assert level.held_against_rules == (not kept)
            assert level.held_is_allowed == (kept and out.dppm <= 800.0)
            forbidden = level.level in rules["forbidden_levels"].get(account.insertion, [])
            assert level.against_rules == forbidden
    (line,) = (row for row in curve_text(found).splitlines() if row.startswith("f9995"))
    assert line.split("  ")[1:] != []
    assert line.count("against the rules") == 2


RULED = """shortage_cost_usd = 4000.0
use_limits_per_good = {"tester.ft_h" = 0.085}
forbidden_levels = {"tpu_die/wafer_sort" = ["p94"]}
[[products.moves]]
places = ["package/final_test", "package/system_level", "tpu_die/wafer_sort"]
least = 2
most = 2"""
AS_DATA: Rules = {
    "forbidden_levels": {"tpu_die/wafer_sort": ["p94"]},
    "moves": [{"places": [FINAL, SYSTEM, "tpu_die/wafer_sort"], "least": 2, "most": 2}],
    "use_limits_per_good": {"tester.ft_h": 0.085},
}


def test_priced_columns_reach_the_optimum_over_all_recipes_that_keep_the_rules(
    tmp_path: Path,
) -> None:
    """Scarce wafers and hours price the search; the LP over every allowed plan agrees."""
    path = tmp_path / "case.toml"
    text = small_plans.CASE.format(wafers=7.0, asic=RULED, switch=small_plans.SOFT_SWITCH)
    path.write_text(text.replace("dppm_limit = 1500.0", "dppm_limit = 6000.0"))
    small = small_plans.Small(load(path))

    def allowed(
        product: ProductShape, template: Template, levels: dict[str, str], out: Outcome
    ) -> bool:
        rules = AS_DATA if product.moves else {}
        fine = out.dppm <= (product.dppm_limit or math.inf) and keeps_limits(rules, out)
        return bool(fine) and keeps_levels(rules, template, levels)

    unruled = backend("highs")(small_plans.whole_programme(small)).objective
    every = backend("highs")(small_plans.whole_programme(small, allowed)).objective
    found = small.plan().result
    assert found.objective_usd == pytest.approx(every, rel=1e-9)
    assert found.objective_usd is not None
    assert found.bound_usd is not None
    assert found.objective_usd - found.bound_usd <= 1e-9 * found.objective_usd
    assert any(row["usd_per_unit"] > 0.0 for row in found.shadow_prices)
    assert every > unruled * (1 + 1e-4)


def test_refine_keeps_the_rules() -> None:
    """The bundled contract: no free time is asked for, so the plan is that of ``solve``."""
    case = load("ask_test_contract")
    solved = {p.name: p.standalone.cost_per_good_usd for p in solve(case).products if p.standalone}
    for name in ("contract", "probed"):
        found = refine_product(case, name).best
        assert found is not None and found.refined is not None
        assert found.on_grid_usd == pytest.approx(solved[name], rel=1e-9)
        assert found.refined.value_usd == pytest.approx(solved[name], rel=1e-6)
