"""Free test times under the rules of a product, over its routes, and where the bound stays open."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.certificate import Asked
from tests.optimize.test_refine import GAP, ROUNDING, nested_pair, problem, recheck
from tests.random_curves import least_on, timed_plans, values
from yieldopt import CaseError, evaluate, load, solve
from yieldopt.compile import compile_template
from yieldopt.data import bundled_cases
from yieldopt.optimize.refine import Refined, refine
from yieldopt.optimize.refine_case import RefinedProduct, RefinedRoute, refine_product
from yieldopt.optimize.refine_open import opened
from yieldopt.optimize.refine_polish import flow_at
from yieldopt.report.refine import refined_text
from yieldopt.schema.case import Case

NAME, ROUTE = "co_packaged", "cpo"
OPTIC, FINAL, SYSTEM = (
    "optical_engine_graded/optic_test", "package/final_test", "package/system_level",
)  # fmt: skip
DIES = ["switch_die/wafer_sort", "io_die/wafer_sort"]
SHORT = {
    "interposer/interposer_test": ["shorts85"],
    DIES[0]: ["p94", "p97"],
    DIES[1]: ["p90", "p94"],
    "cow/mid_bond": ["full95"],
    "module/mid_bond": ["off"],
    "optical_engine_graded/grade": ["probed", "tested"],
    FINAL: ["off", "f995", "f999"],
    SYSTEM: ["off", "s92", "s98"],
}
LIMIT = 6000.0


def switch(rules: Mapping[str, Any]) -> Case:
    """The switch with optics, on fewer levels and a looser limit."""
    asked = {"levels": SHORT, "dppm_limit": LIMIT} | rules
    return load("ask_cpo_switch", {f"products.{NAME}.{key}": v for key, v in asked.items()})


def keeps(rules: Mapping[str, Any], levels: Mapping[str, str]) -> bool:
    """Whether a plan keeps ties and moves, in our own words; a place without level runs a time."""
    for places in rules.get("same_level", ()):
        if len({levels[place] for place in places}) > 1:
            return False
    for move in rules.get("moves", ()):
        used = sum(levels.get(place) != "off" for place in move["places"])
        if not move.get("least", 1) <= used <= move.get("most", 1):
            return False
    return True


COUPLED: list[Mapping[str, Any]] = [
    {"moves": [{"places": [OPTIC, FINAL]}]},
    {"moves": [{"places": [OPTIC, SYSTEM]}]},
    {"same_level": [DIES]},
    {"same_level": [DIES], "moves": [{"places": [OPTIC, FINAL, SYSTEM], "least": 2, "most": 2}]},
]


@pytest.mark.parametrize("rules", COUPLED, ids=str)
def test_coupled_rules_against_a_dense_grid(rules: Mapping[str, Any]) -> None:
    """Every plan that keeps the rules with 401 times; the rules cost something."""
    case = switch(rules)
    product = case.product(NAME)
    template, curves = opened(case, compile_template(case, product, case.library.routes[ROUTE]))
    (curve,) = curves
    asked = Asked(dppm_limit=LIMIT)
    times = {curve.place: np.linspace(curve.low_s, curve.high_s, 401)}
    free = kept = math.inf
    for levels, _, out in timed_plans(template, curves, times):
        least = float(values(asked, out).min())
        free = min(free, least)
        kept = min(kept, least if keeps(rules, levels) else math.inf)
    best = refine_product(case, NAME).best
    assert best is not None
    assert best.refined is not None
    found = best.refined
    assert found.levels is not None
    assert keeps(rules, found.levels)
    recheck(template, curves, found, asked)
    assert found.lower_bound_usd <= kept * (1.0 + ROUNDING)
    assert found.value_usd <= kept * (1.0 + 1e-9)
    assert found.gap is not None
    assert found.gap <= GAP
    assert best.on_grid_usd is not None
    assert best.on_grid_usd >= found.value_usd * (1.0 - 1e-9)
    assert free < kept * (1.0 - 1e-6)


def test_a_rule_on_single_times_is_refused_by_name() -> None:
    tied = [DIES[0], OPTIC]
    with pytest.raises(CaseError) as caught:
        # Of like names alone: the rule must leave something.
        rules = {"same_level": [tied], "levels": {k: v for k, v in SHORT.items() if k != DIES[0]}}
        refine_product(switch(rules), NAME)
    (fault,) = caught.value.faults
    assert (fault.key, fault.value) == ("products[1].same_level[0][1]", OPTIC)
    assert fault.hint.startswith(f"leave {OPTIC} out of same_level")


def test_the_refusal_names_file_and_line(tmp_path: Path) -> None:
    """Every rule at its own line of the case file."""
    text = bundled_cases()["ask_cpo_switch"].read_text(encoding="utf-8")
    name = f'name = "{NAME}"'
    assert text.count(name) == 1
    curve = next(one.curve for one in load("ask_cpo_switch").insertions if one.curve is not None)
    assert curve is not None
    resting = next(iter(curve.levels()))
    rules = [
        f'same_level = [["{DIES[0]}", "{OPTIC}"]]',
        f'moves = [{{places = ["{OPTIC}", "{FINAL}"], resting = "{resting}"}}]',
    ]
    for number, (key, value) in enumerate(
        [("same_level[0][1]", OPTIC), ("moves[0].resting", resting)]
    ):
        path = tmp_path / f"{number}.toml"
        path.write_text(text.replace(name, f"{name}\n{rules[number]}"), encoding="utf-8")
        try:
            case = load(path)
        except CaseError:  # no other place of the move has a time: reading refuses it already
            assert number == 1
            continue
        at = [one.name for one in case.products].index(NAME)
        with pytest.raises(CaseError) as caught:
            refine_product(path, NAME)
        (fault,) = caught.value.faults
        line = path.read_text(encoding="utf-8").splitlines().index(rules[number]) + 1
        assert (fault.file, fault.line) == (str(path), line)
        assert (fault.key, fault.value) == (f"products[{at}].{key}", value)
        assert fault.hint


def uses(case: Case, name: str, route: RefinedRoute, resource: str) -> float:
    shape = case.library.routes[route.route]
    template, curves = opened(case, compile_template(case, case.product(name), shape))
    assert route.refined is not None
    assert route.refined.levels is not None
    out = evaluate(flow_at(template, curves, route.refined.levels, route.refined.seconds))
    return float(out.uses[resource]) / float(out.quality)


@pytest.mark.long
def test_limits_on_use_that_bind_or_do_not_are_kept() -> None:
    plain = refine_product(switch({}), NAME).best
    assert plain is not None
    assert plain.refined is not None
    used = uses(switch({}), NAME, plain, "tester.optic_h")
    loose = refine_product(
        switch({"use_limits_per_good": {"tester.optic_h": 1.001 * used}}), NAME
    ).best
    assert loose is not None
    assert loose.refined is not None
    assert loose.refined == plain.refined
    tight = {"use_limits_per_good": {"tester.optic_h": 0.9 * used}}
    found = refine_product(switch(tight), NAME)
    best = found.best
    assert best is not None
    assert best.refined is not None
    assert f"free times uses {used:.6g} of tester.optic_h" in best.refined.note
    # Against every plan with 401 times that keeps both limits; the plan just keeps that on use.
    case, most = switch(tight), 0.9 * used
    template, curves = opened(
        case, compile_template(case, case.product(NAME), case.library.routes[ROUTE])
    )
    times = {c.place: np.linspace(c.low_s, c.high_s, 401) for c in curves}
    kept = math.inf
    for _, _, out in timed_plans(template, curves, times):
        use = np.asarray(out.uses.get("tester.optic_h", 0.0)) / np.asarray(out.quality)
        costs = np.where(use <= most, values(Asked(dppm_limit=LIMIT), out), np.inf)
        kept = min(kept, float(costs.min()))
    recheck(template, curves, best.refined, Asked(dppm_limit=LIMIT))
    assert uses(case, NAME, best, "tester.optic_h") == pytest.approx(most, rel=1e-6)
    assert uses(case, NAME, best, "tester.optic_h") <= most * (1.0 + ROUNDING)
    assert plain.refined.value_usd < best.refined.lower_bound_usd <= kept * (1.0 + ROUNDING)
    assert best.refined.value_usd <= kept * (1.0 + 1e-9)
    assert best.on_grid_usd is not None
    assert best.refined.value_usd < best.on_grid_usd
    assert best.refined.gap is not None
    assert best.refined.gap <= GAP
    assert found.status == "optimal"
    assert "shown is the best plan found that keeps it" in refined_text(found)


@pytest.mark.long
def test_what_forbids_every_plan_is_named_and_never_inf() -> None:
    """Without a curve in the words of ``solve``; with one the lowest DPPM of any time."""
    tight = load("minimal", {"products.asic.use_limits_per_good": {"tester.ft_h": 1e-5}})
    found = refine_product(tight, "asic")
    reasons = {one.route: one.reasons for one in solve(tight).products[0].routes}
    assert {one.route: one.reasons for one in found.routes} == reasons
    assert any("1e-05 of tester.ft_h or less" in text for own in reasons.values() for text in own)
    strict = refine_product(switch({"dppm_limit": 1e-3}), NAME)
    (why,) = strict.routes[0].reasons
    assert why.startswith("no plan of any time reaches 0.001 DPPM; the lowest is ")
    lowest = float(why.rpartition(" ")[2])
    for limit, fits in ((1.002 * lowest, True), (0.998 * lowest, False)):
        near = refine_product(switch({"dppm_limit": limit}), NAME)
        assert (near.best is not None) == fits
    for answer in (found, strict):
        assert answer.status == "infeasible"
        assert not re.search(r"\binf\b", refined_text(answer))


def test_without_a_curve_every_rule_is_kept() -> None:
    """No free time: the answer is that of the grid, also under a limit on use that binds."""
    case = load("minimal")
    plain = refine_product(case, "asic").best
    assert plain is not None
    most = 0.999 * uses(case, "asic", plain, "tester.ft_h")
    tight = load("minimal", {"products.asic.use_limits_per_good": {"tester.ft_h": most}})
    bound = refine_product(tight, "asic", route=plain.route).best
    assert bound is not None
    assert bound.refined is not None
    assert plain.refined is not None
    assert bound.refined.value_usd > plain.refined.value_usd * (1.0 + 1e-6)
    assert bound.refined.value_usd == pytest.approx(bound.on_grid_usd, rel=ROUNDING)
    assert uses(tight, "asic", bound, "tester.ft_h") <= most


def found_at(value: float, lower: float) -> Refined:
    levels = {} if value < math.inf else None
    return Refined(levels, {}, value, lower, 100.0, 1, {})


def test_a_product_is_proved_by_the_bounds_of_all_its_routes() -> None:
    """A route without a plan, or with a dearer one, may still hide a cheaper plan."""
    good = RefinedRoute("a", ranges_s={}, refined=found_at(100.0, 100.0 - 1e-5))
    for other, status in (
        (RefinedRoute("b", ("out",)), "optimal"),
        (RefinedRoute("b", refined=found_at(120.0, 110.0)), "optimal"),
        (RefinedRoute("b", refined=found_at(120.0, 99.0)), "feasible"),
        (RefinedRoute("b", ("none found",), refined=found_at(math.inf, 90.0)), "feasible"),
        (RefinedRoute("b", ("none",), refined=found_at(math.inf, math.inf)), "optimal"),
    ):
        product = RefinedProduct("p", 1000.0, None, GAP, (good, other))
        assert product.status == status
        assert product.to_dict()["gap"] == product.gap_reached
    product = RefinedProduct("p", 1000.0, None, GAP, (good, replace(other, refined=None)))
    assert product.lower_bound_usd == 100.0 - 1e-5
    hidden = RefinedRoute("b", ("none found",), refined=found_at(math.inf, 90.0))
    assert RefinedProduct("p", 1.0, None, GAP, (hidden,)).status == "unknown"
    none = RefinedRoute("b", ("none",), refined=found_at(math.inf, math.inf))
    assert RefinedProduct("p", 1.0, None, GAP, (none,)).status == "infeasible"
    open_one = RefinedRoute("b", refined=found_at(120.0, 99.0))
    text = refined_text(RefinedProduct("p", 1000.0, None, GAP, (good, open_one)))
    assert "not proved to 1e-06: no plan on any of these routes is below 99.0000" in text


THREE = (2, 8, 19)


@pytest.mark.long
@pytest.mark.parametrize("seed", THREE)
def test_three_curves_against_a_dense_grid(seed: int) -> None:
    found = problem(seed, 3)
    assert found is not None
    template, curves = found
    base = refine(template, curves, escape_cost_usd=3000.0)
    assert base.dppm is not None
    for asked in (Asked(escape_cost_usd=3000.0), Asked(dppm_limit=1.1 * base.dppm)):
        options = asked.options()
        del options["prices_only"]
        refined = refine(template, curves, **options)
        best = least_on(template, curves, 31, asked)
        assert refined.lower_bound_usd <= best * (1.0 + ROUNDING)
        recheck(template, curves, refined, asked)
        assert refined.value_usd <= best * (1.0 + 1e-9)
        assert refined.gap is not None
        assert refined.gap <= GAP


def test_no_time_left_reports_the_gap_that_is_left() -> None:
    template, curves = nested_pair(0.0)
    whole = refine(template, curves, escape_cost_usd=500.0)
    found = refine(template, curves, escape_cost_usd=500.0, time_limit_s=0.0)
    assert found.searches < whole.searches
    assert found.gap is not None
    assert found.gap > GAP
    assert found.lower_bound_usd <= whole.value_usd
    known = refine(template, curves, escape_cost_usd=500.0, known_usd=0.9 * whole.value_usd)
    assert known.searches <= whole.searches
    assert known.lower_bound_usd >= 0.9 * whole.value_usd * (1.0 - GAP)
