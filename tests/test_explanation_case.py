"""A product of a case explained, from Python and from the command line."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.random_templates import all_plans
from yieldopt import UnknownName, evaluate, load, solve
from yieldopt.cli import main
from yieldopt.compile import compile_template
from yieldopt.explanation import explain, explain_template
from yieldopt.report.explanation import curve_text

SMALL = ("ask_two_mature_dies", "two_mature", "organic_mcm")  # 252 plans


def run(*args: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["explain", *args])
    assert result.exit_code == code, result.output
    return result


def strict(text: str) -> Any:
    def refuse(word: str) -> None:
        raise AssertionError(word)

    return json.loads(text, parse_constant=refuse)


def test_a_shipped_case_end_to_end_equals_brute_force() -> None:
    """Every plan of the compiled route through ``evaluate``: optimum, U-curves, net savings."""
    name, product, route = SMALL
    printed = strict(run(name, "--product", product, "--route", route, "--json").stdout)
    case = load(name)
    shape = case.product(product)
    template = compile_template(case, shape, case.library.routes[route])
    assert shape.dppm_limit is not None
    plans = [(levels, evaluate(template.at(levels))) for levels in all_plans(template)]
    costs = [
        (levels, float(out.cost_per_good_usd))
        for levels, out in plans
        if float(out.dppm) <= shape.dppm_limit
    ]
    least = min(cost for _, cost in costs)
    assert printed["plan"]["cost_per_good_usd"] == pytest.approx(least, rel=1e-11)
    assert [row["insertion"] for row in printed["insertions"]] == list(template.choices())
    for row in printed["insertions"]:
        for level in row["levels"]:
            own = [cost for plan, cost in costs if plan[row["insertion"]] == level["level"]]
            best = level["best"]["cost_per_good_usd"] if level["best"] else None
            assert best == (pytest.approx(min(own), rel=1e-11) if own else None)
            if level["level"] == "off":
                saved = pytest.approx(min(own) - least, abs=1e-11 * least) if own else None
                assert row["saves_usd_per_good"] == saved
    spread = sum(row["dppm"] for row in printed["dppm_budget"])
    assert spread == pytest.approx(printed["plan"]["dppm"], rel=1e-9)
    again = explain_template(template, shape.dppm_limit)
    assert again is not None
    assert json.loads(json.dumps(asdict(again))).items() <= printed.items()


@pytest.mark.parametrize(
    ("case", "product"),
    [("minimal", "asic"), ("ask_hbm_grade", "large"), ("reference_panel", "cpo_switch")],
)
def test_a_product_is_explained_at_what_solve_finds_by_itself(case: str, product: str) -> None:
    """On its best route; one-off costs and escapes included."""
    found = explain(load(case), product)
    answer = next(p for p in solve(load(case)).products if p.name == product)
    assert found.explanation is not None
    assert answer.standalone is not None
    assert found.route == answer.standalone.route
    cost = found.explanation.plan.cost_per_good_usd
    assert cost == pytest.approx(answer.standalone.cost_per_good_usd, rel=1e-12)
    assert found.routes == answer.routes


def test_a_supplier_grade_has_rivals_and_cannot_be_off() -> None:
    found = explain(load("ask_hbm_grade"), "small").explanation
    assert found is not None
    (grade,) = (row for row in found.insertions if row.insertion.endswith("/grade"))
    assert not grade.can_be_off
    assert grade.saves_usd_per_good is None
    assert grade.next_best is not None
    assert grade.cost_usd_per_good > 0.0
    assert grade.overkill_usd_per_good == grade.damage_usd_per_good == 0.0


def test_the_table_names_every_insertion_and_source() -> None:
    name, product, route = SMALL
    text = run(name, "--product", product, "--route", route).stdout
    found = explain(load(name), product, route=route).explanation
    assert found is not None
    for row in found.insertions:
        assert text.count(f"{row.insertion} ") >= 2
        assert f"{row.cost_usd_per_good:,.2f}" in text
    assert f"{found.plan.cost_per_good_usd:,.2f} USD per good package" in text
    assert found.dppm_budget[0].origin in text
    assert "not allowed without" in text


def test_the_curve_shows_every_level_of_one_insertion() -> None:
    place = "package/final_test"
    text = run("minimal", "--product", "asic", "--insertion", place).stdout
    found = explain(load("minimal"), "asic", insertion=place)
    assert text == curve_text(found) + "\n"
    assert found.explanation is not None
    (row,) = found.explanation.insertions
    lines = text.splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith(place))
    shown = lines[start + 1 : start + 1 + len(row.levels)]
    assert [line.split()[0] for line in shown] == [level.level for level in row.levels]
    (chosen,) = (line for line in shown if line.endswith("<- chosen"))
    assert chosen.split()[0] == row.level
    longest = max(shown, key=lambda line: line.count("#"))
    losses = {level.level: level.loses_usd_per_good or 0.0 for level in row.levels}
    assert longest.count("#") == 30
    assert losses[longest.split()[0]] == max(losses.values())


def test_a_level_out_by_a_limit_on_use_names_it_as_solve_does() -> None:
    """Not "nothing passes": packages do, and the JSON tells a script which limit it is."""
    words = ("ask_floor_rules", "--product", "short", "--insertion", "package/final_test")
    text = run(*words).stdout
    assert "nothing passes" not in text
    (account,) = strict(run(*words, "--json").stdout)["insertions"]
    rows = {level["level"]: level for level in account["levels"]}
    for level in ("f999", "f9995"):
        (reason,) = rows[level]["why_not"]
        assert (reason["kind"], reason["name"]) == ("use_limit", "tester.ft_h")
        assert reason["least"] > reason["limit"]
        assert f"uses {reason['least']:.4g} tester.ft_h per good or more" in text
        forced = {"products.short.levels": {"package/final_test": [level]}}
        forced["products.short.routes"] = ["cowos_r"]
        (product,) = [p for p in solve(load(words[0], forced)).products if p.name == "short"]
        assert product.routes[0].reasons == (reason["text"],)
    (off,) = rows["off"]["why_not"]
    assert (off["kind"], off["least"]) == ("dppm_limit", rows["off"]["lowest_dppm"])
    assert [level for level, row in rows.items() if not row["why_not"]] == ["f990", "f995", "f998"]


def test_unknown_names_are_refused_with_the_nearest() -> None:
    for args, words in (
        (("--product", "asik"), "unknown product (got 'asik'); did you mean 'asic'?"),
        (("--product", "asic", "--route", "cowos"), "none of the routes of asic (got 'cowos')"),
        (
            ("--product", "asic", "--insertion", "package/final"),
            "unknown insertion (got 'package/final'); did you mean 'package/final_test'?",
        ),
    ):
        result = run("minimal", *args, code=2)
        assert result.stdout == ""
        assert words in result.stderr
    with pytest.raises(UnknownName):
        explain(load("minimal"), "asic", route="emib")


def test_infeasible_is_an_answer_with_its_reasons() -> None:
    args = ("b200_class", "--product", "b200_class", "--route", "osat_2p5d")
    text = run(*args, code=3).stdout
    assert "power 1000 W exceeds the limit of 850 W" in text
    printed = strict(run(*args, "--json", code=3).stdout)
    assert printed["status"] == "infeasible"
    assert printed["route"] is None
    assert "osat_2p5d: power 1000 W exceeds the limit of 850 W" in printed["binding"]


def test_a_limit_that_no_plan_meets_is_infeasible() -> None:
    case = load("minimal", {"products.asic.dppm_limit": 0.001})
    found = explain(case, "asic")
    assert found.explanation is None
    assert [verdict.feasible for verdict in found.routes] == [False, False]
    assert "no combination of levels reaches" in curve_text(found)
