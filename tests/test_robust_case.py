"""The way in: scenarios of a case, ``yieldopt robust``, its text and its JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from yieldopt import CaseError, UnknownName, evaluate, load, solve
from yieldopt.cli import main
from yieldopt.compile import compile_template
from yieldopt.data import bundled_cases
from yieldopt.optimize import robust
from yieldopt.optimize.exposure import TooMany
from yieldopt.optimize.robust import Goal
from yieldopt.optimize.robust_case import RobustAnswer, robust_answer
from yieldopt.optimize.robust_labels import LabelSearch

RAMP = "ask_ramp_programme"
PLANNED = {"package/final_test": "f995", "package/system_level": "s98"}
ROBUST = {"package/final_test": "f9995", "package/system_level": "s92"}


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["robust", *words])


def answer(**more: Any) -> RobustAnswer:
    return robust_answer(load(RAMP), "b200", goal=Goal(**more))


def final_levels(found: RobustAnswer) -> dict[str, str]:
    assert found.best is not None
    assert found.best.found is not None
    levels = found.best.found.levels or {}
    return {place: levels[place] for place in PLANNED}


def test_the_case_states_its_answer() -> None:
    """Numbers of the header; each cost again through the compiled flow of its scenario."""
    found = answer()
    assert final_levels(found) == ROBUST
    assert found.best is not None
    plan, of = found.best.found, found.best.worth
    assert plan is not None
    assert of is not None
    assert plan.value_usd == pytest.approx(5886.01, abs=0.01)
    assert of.information_usd == pytest.approx(7.50, abs=0.01)
    assert {place: (of.nominal_levels or {})[place] for place in PLANNED} == PLANNED
    assert of.stochastic_usd == pytest.approx(-6.85, abs=0.01)
    assert of.nominal_dppm_held == pytest.approx(0.7)
    assert plan.proof.enumerated + plan.proof.pruned == plan.proof.combinations
    case = load(RAMP)
    total = 0.0
    for scenario in case.scenarios:
        own = scenario.case
        flow = compile_template(own, own.products[0], own.library.routes["cowos_l"])
        total += scenario.probability * float(
            evaluate(flow.at(plan.levels or {})).cost_per_good_usd
        )
    assert plan.value_usd == pytest.approx(total, rel=1e-12)


def test_other_measures_of_the_case() -> None:
    fixed, worst, often = (
        answer(measure="fixed_starts"),
        answer(measure="worst"),
        answer(dppm_share=0.7),
    )
    assert final_levels(fixed) == final_levels(worst) == ROBUST
    assert final_levels(often) == PLANNED
    assert fixed.best is not None
    assert fixed.best.found is not None
    assert fixed.best.found.value_usd == pytest.approx(5865.21, abs=0.01)
    assert worst.best is not None
    assert worst.best.found is not None
    assert (worst.best.found.levels or {})["hbm3e_8h/hbm_incoming"] == "inspect"
    assert max(worst.best.found.values_usd) == worst.best.found.value_usd


def test_text_and_json() -> None:
    shown = run(RAMP, "--product", "b200")
    assert shown.exit_code == 0
    assert "least expected cost per good package, starts adapting" in shown.stdout
    assert "pays for not knowing" in shown.stdout
    assert "breaks the DPPM limit: held with probability 0.7" in shown.stdout
    assert "proof: all 444,528 plans covered: 444,528 by lower bounds" in shown.stdout
    printed = run(RAMP, "--product", "b200", "--measure", "cvar", "--tail", "0.3", "--json")
    data = json.loads(printed.stdout)
    assert (data["status"], data["best"]) == ("optimal", "cowos_l")
    (route,) = data["routes"]
    assert route["found"]["value_usd"] == pytest.approx(6471.40, abs=0.01)
    assert set(data["scenarios"]) == {"as_planned", "good_start", "slow_ramp"}
    assert route["found"]["proof"]["combinations"] == 444_528
    fixed = run(RAMP, "--product", "b200", "--measure", "fixed_starts", "--starts-of", "cow")
    assert "starts fixed" in fixed.stdout
    assert "pays for not knowing" not in fixed.stdout


MINIMAL = bundled_cases()["minimal"].read_text()
TWO = """
[[scenarios]]
name = "base"
probability = 0.5
[[scenarios]]
name = "other"
probability = 0.5
"""


def written(folder: Path, text: str, case: str = MINIMAL) -> str:
    path = folder / "case.toml"
    path.write_text(case + TWO + text)
    return str(path)


def test_scenarios_that_change_nothing_give_the_answer_of_solve(tmp_path: Path) -> None:
    data = json.loads(run(written(tmp_path, ""), "--product", "asic", "--json").stdout)
    solved = json.loads(CliRunner().invoke(main, ["solve", "minimal", "--json"]).stdout)
    costs = {r["route"]: r["found"]["value_usd"] for r in data["routes"]}
    verdicts = solved["products"][0]["routes"]
    assert costs == {v["route"]: pytest.approx(v["cost_per_good_usd"], rel=1e-9) for v in verdicts}
    assert data["best"] == solved["products"][0]["standalone"]["route"]


def test_one_off_costs_move_every_measure_alike(tmp_path: Path) -> None:
    dear = MINIMAL.replace("dppm_limit", "volume = 1000.0\ndppm_limit", 1)
    override = "[override.routes.cowos_s]\none_off_cost_usd = 90000000.0\n"
    text = "[scenarios.override.processes.n5]\nd0_per_cm2 = 0.2\n"
    for measure in ("expected", "worst"):
        words = ("--product", "asic", "--route", "cowos_s", "--measure", measure, "--json")
        plain, more = (
            json.loads(run(written(tmp_path, text, case), *words).stdout)["routes"][0]
            for case in (dear, dear + override)
        )
        moved = more["one_off_usd"] - plain["one_off_usd"]
        assert moved > 0.0
        for of, key in (("found", "value_usd"), ("worth", "perfect_usd"), ("worth", "nominal_usd")):
            assert more[of][key] - plain[of][key] == pytest.approx(moved, rel=1e-9)
    text += "[scenarios.override.routes.cowos_s]\none_off_cost_usd = 1.0\n"
    failed = run(written(tmp_path, text, dear), "--product", "asic")
    assert failed.exit_code == 2
    assert "scenarios[1]: a scenario cannot change one-off costs" in failed.stderr


def test_infeasible_is_an_answer(tmp_path: Path) -> None:
    text = "[scenarios.override.routes.cowos_s.limits]\ninterposer_mm2 = 1.0\n"
    words = ("--product", "asic", "--route", "cowos_s")
    out = run(written(tmp_path, text), *words)
    assert out.exit_code == 3
    assert "exceeds the limit of 1 mm2 (in other)" in out.stdout
    case = MINIMAL.replace("dppm_limit = ", "dppm_limit = 1e-6 # ", 1)
    out = run(written(tmp_path, "", case), *words, "--json")
    assert out.exit_code == 3
    data = json.loads(out.stdout)
    assert (data["status"], data["best"]) == ("infeasible", None)
    first, *why = data["routes"][0]["reasons"]
    assert first == "no plan holds 1e-06 DPPM in scenarios of probability 1"
    assert len(why) == 1
    assert why[0].startswith("no combination of levels reaches 1e-06 DPPM; the lowest is ")
    scenario = "[scenarios.override.processes.n5]\nd0_per_cm2 = 0.3\n"
    out = run(written(tmp_path, scenario, case), *words)
    assert "(in base); no combination of levels" in out.stdout  # the lowest is not the same
    assert "(in other)" in out.stdout


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="the case has no scenarios"):
        robust_answer(load("minimal"), "asic")
    with pytest.raises(UnknownName, match="none of the routes of b200"):
        robust_answer(load(RAMP), "b200", route="cowos_s")
    for words, text in (
        (("--product", "b300"), "unknown product"),
        (("--product", "b200", "--measure", "mean"), "unknown measure"),
        (("--product", "b200", "--dppm-share", "0"), "dppm-share: must be above 0"),
        (("--product", "b200", "--measure", "fixed_starts", "--starts-of", "x"), "unknown node"),
    ):
        out = run(RAMP, *words)
        assert (out.exit_code, text in out.stderr) == (2, True)


def test_alternatives_say_whether_they_hold_the_limit() -> None:
    """With a share below 1: best alone with the limit and without, and where the plan breaks it."""
    words = (RAMP, "--product", "b200", "--dppm-share", "0.7")
    shown = run(*words).stdout
    for text in ("best alone, DPPM held", "best alone, DPPM free", "or more: limit held with"):
        assert text in shown
    (slow,) = [line for line in shown.splitlines() if line.startswith("slow_ramp")]
    assert slow.endswith("over the limit")
    assert shown.count("over the limit") == 1
    of = json.loads(run(*words, "--json").stdout)["routes"][0]["worth"]
    assert all(free < held for free, held in zip(of["free_usd"], of["best_usd"], strict=True))
    always = run(RAMP, "--product", "b200")
    assert "DPPM free" not in always.stdout
    always = run(RAMP, "--product", "b200", "--json")
    assert json.loads(always.stdout)["routes"][0]["worth"]["free_usd"] is None


def too_many(_: LabelSearch) -> None:
    raise TooMany


@pytest.mark.long
def test_a_long_trunk_goes_to_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same plan and value, and the proof says how."""
    words = (RAMP, "--product", "b200", "--dppm-share", "0.7")
    plain = json.loads(run(*words, "--json").stdout)["routes"][0]["found"]
    monkeypatch.setattr(robust, "is_enumerable", lambda *_: False)
    again = json.loads(run(*words, "--json").stdout)["routes"][0]["found"]
    assert again["proof"]["method"] == "labels over scenarios"
    assert again["levels"] == plain["levels"]
    assert again["value_usd"] == pytest.approx(plain["value_usd"], rel=1e-12)
    assert again["complete"]
    assert "split where their plans differ" in run(*words).stdout


def test_too_many_combinations_say_what_to_narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(robust, "_MOST_TRUNK", 3)
    monkeypatch.setattr(robust, "is_enumerable", lambda *_: False)
    monkeypatch.setattr(LabelSearch, "run", too_many)  # no table holds what its tests can do
    out = run(RAMP, "--product", "b200")
    assert out.exit_code == 2
    for text in ("too many for scenarios", "3 at most", "forbidden_levels of the product",
                 "package/final_test has "):  # fmt: skip
        assert text in out.stderr


def test_rules_of_the_product_are_kept(tmp_path: Path) -> None:
    """Cut menus stay cut, moves are moved."""
    words = ("--product", "asic", "--route", "cowos_s", "--json")
    data = json.loads(run(written(tmp_path, ""), *words).stdout)
    plain = data["routes"][0]["found"]
    place, level = next((k, v) for k, v in plain["levels"].items() if v != "off")
    rule = f'forbidden_levels = {{"{place}" = ["{level}"]}}\ndppm_limit'
    data = json.loads(
        run(written(tmp_path, "", MINIMAL.replace("dppm_limit", rule, 1)), *words).stdout
    )
    found = data["routes"][0]["found"]
    assert found["levels"][place] != level
    assert found["value_usd"] > plain["value_usd"]
    assert found["proof"]["combinations"] < plain["proof"]["combinations"]
    places = ["package/final_test", "cow/mid_bond"]
    move = f"moves = [{{places = {json.dumps(places)}}}]\ndppm_limit"
    moved = run(written(tmp_path, "", MINIMAL.replace("dppm_limit", move, 1)), *words)
    route = json.loads(moved.stdout)["routes"][0]
    levels = route["found"]["levels"]
    used = [levels[place] != "off" for place in places]
    assert sum(used) == 1
    solved = load("minimal", {"products.asic.moves": [{"places": places}]})
    (best,) = [v for v in solve(solved).products[0].routes if v.route == "cowos_s"]
    assert route["found"]["value_usd"] == pytest.approx(best.cost_per_good_usd, rel=1e-9)
    assert route["worth"]["information_usd"] == pytest.approx(0.0, abs=1e-5)
    proof = route["found"]["proof"]
    assert proof["enumerated"] + proof["pruned"] == proof["combinations"]


@pytest.mark.long
def test_limits_on_use_are_held_in_every_scenario(tmp_path: Path) -> None:
    """As `solve` where nothing changes; where a scenario is worse, there too; or the reasons."""
    name = "tester.cp_h"

    def limited(text: str, resource: str, most: float) -> str:
        rule = f'use_limits_per_good = {{"{resource}" = {most}}}\ndppm_limit'
        return written(tmp_path, text, MINIMAL.replace("dppm_limit", rule, 1))

    words = ("--product", "asic", "--route", "osat_2p5d", "--json")
    free = json.loads(run(written(tmp_path, ""), *words).stdout)["routes"][0]
    alike = json.loads(run(limited("", name, 0.05), *words).stdout)["routes"][0]
    solved = solve(load("minimal", {"products.asic.use_limits_per_good": {name: 0.05}}))
    (best,) = [v for v in solved.products[0].routes if v.route == "osat_2p5d"]
    assert alike["found"]["value_usd"] == pytest.approx(best.cost_per_good_usd, rel=1e-9)
    assert alike["found"]["value_usd"] > free["found"]["value_usd"]
    worse = "[scenarios.override.processes.n5]\nd0_per_cm2 = 0.15\n"
    path = limited(worse, name, 0.05)
    (route,) = json.loads(run(path, *words).stdout)["routes"]
    case = load(path)
    for scenario in case.scenarios:
        own = scenario.case
        template = compile_template(own, own.products[0], own.library.routes["osat_2p5d"])
        out = evaluate(template.at(route["found"]["levels"]))
        assert 0.0 < out.uses[name] / out.quality <= 0.05
    assert route["worth"]["nominal_uses_held"] == pytest.approx(0.5)
    assert route["worth"]["stochastic_usd"] < 0.0  # the plan without scenarios uses too much
    shown = run(path, *words[:-1]).stdout
    assert "breaks limits on use: held with probability 0.5" in shown
    assert "in every scenario" in shown
    out = run(limited("", "hbm.hbm3e_8h", 4.0), *words[:-1])
    assert out.exit_code == 3
    assert "keeps all limits on use of resources in every one" in out.stdout
    assert "no combination of levels uses 4 of hbm.hbm3e_8h or less per good" in out.stdout
