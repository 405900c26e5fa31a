"""Rules on levels against brute force over every plan that keeps them.

200 random templates with repair, damage, stop-on-fail, sub-assemblies and grades; every rule alone
and all of them together, with limits, prices and escapes. The rules are checked by
``tests.certificate`` in their own words.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tests.certificate import JUST, Asked, brute, keeps, least, per_good, recheck
from tests.seeds import seeds
from yieldopt import CaseError, Faults, Input, Step, UnknownName, evaluate
from yieldopt.optimize.coverage import Found, best_levels
from yieldopt.optimize.problem import Problem, prepare
from yieldopt.optimize.ruled import apply_rules, best_under
from yieldopt.optimize.rules import Move, Rules
from yieldopt.template import Choice, OpenNode, Template

SEEDS = range(200)
MOST = 100  # plans of a random template: every one is evaluated


def random_rules(template: Template, rng: np.random.Generator) -> dict[str, Rules]:
    """Return a rule of every kind that the template has room for, and all of them."""
    choices = template.choices()
    places = [str(place) for place in rng.permutation(sorted(choices))]
    tests = [place for place in places if "off" in choices[place].options]
    parts: dict[str, dict[str, Any]] = {}
    if places:
        at = places[0]
        parts["forced"] = {"forced": {at: str(rng.choice(list(choices[at].options)))}}
        at = places[-1]
        parts["forbidden"] = {"forbidden": {at: [str(rng.choice(list(choices[at].options)))]}}
    if tests:
        at = tests[-1]
        seen = [(c, v) for s in choices[at].options.values() if s for c, v in s.coverage.items()]
        if seen:
            name, covered = seen[int(rng.integers(len(seen)))]
            parts["coverage"] = {"least_coverage": {at: {name: float(covered)}}}
    if len(tests) >= 2:
        parts["tie"] = {"same_level": [tests[: int(rng.integers(2, 4))]]}
        parts["exactly"] = {"moves": [Move(tuple(tests[:3]))]}
        parts["at most"] = {"moves": [Move(tuple(tests[-3:]), least=0)]}
    if len(tests) >= 3:
        parts["both"] = {"same_level": [tests[:2]], "moves": [Move(tuple(tests[1:]), 0, 2)]}
    rules = {name: Rules(**part) for name, part in parts.items()}
    used = {
        k: v for name in parts if name not in ("both", "at most") for k, v in parts[name].items()
    }
    return rules | {"all": Rules(**used)}


@pytest.mark.parametrize("seed", seeds(SEEDS, 100))
def test_rules_equal_brute_force(seed: int) -> None:
    template, plans = brute(seed, MOST)
    rng = np.random.default_rng([seed, 5])
    problem = prepare(template)
    for rules in random_rules(template, rng).values():
        allowed = [out for plan, out in plans if keeps(rules, template, plan)]
        ruled = apply_rules(template, rules)
        assert ruled.combinations == len(allowed)
        assert (ruled.reasons == ()) == bool(allowed)
        assert sum(part.combinations for part in ruled.parts()) == len(allowed)
        dppm = sorted(float(out.dppm) for out in allowed) or [0.0]
        limit = dppm[int(rng.integers(len(dppm)))] * JUST
        for asked, subject, given in (
            (Asked(dppm_limit=limit), problem, rules),
            (Asked({"tester_h": 500.0}, limit, 3000.0), ruled, None),
            (Asked(), ruled, None),
        ):
            best = least(plans, asked, lambda plan, r=rules: keeps(r, template, plan))
            found = best_under(subject, given, **asked.options())
            recheck(template, found, asked, rules)
            assert found.value_usd == pytest.approx(best, rel=1e-11)
            assert found.proof.combinations == len(allowed)
            assert (found.levels is None) == (best == math.inf)


@pytest.mark.parametrize("seed", range(0, 200, 4))
def test_limits_on_resources_with_ties_and_a_plan_known_already(seed: int) -> None:
    template, plans = brute(seed, MOST)
    assert any("tester_h" in out.uses for _, out in plans)
    kinds = random_rules(template, np.random.default_rng([seed, 5]))
    rules = kinds.get("tie", Rules())
    used = sorted(per_good(o, "tester_h") for p, o in plans if keeps(rules, template, p))
    limits = {"tester_h": used[len(used) // 2] * JUST}
    rules = Rules(same_level=rules.same_level, resource_limits=limits)
    asked = Asked(escape_cost_usd=800.0, resource_limits=limits)
    best = least(plans, asked, lambda plan: keeps(rules, template, plan))
    found = best_under(template, rules, **asked.options())
    recheck(template, found, asked, rules)
    assert found.value_usd == pytest.approx(best, rel=1e-11)
    known = best_under(template, rules, **asked.options(), known_usd=best * 1.01)
    assert known.value_usd == pytest.approx(best, rel=1e-11)
    beaten = best_under(template, rules, **asked.options(), known_usd=best * 0.99)
    assert (beaten.levels, beaten.value_usd) == (None, best * 0.99)


def line() -> Template:
    """Two dies of one design with a sort each, a final and an independent system-level test."""
    fab = Step("fab", "process", 100.0, faults={"logic": Faults(0.2), "io": Faults(0.02)})

    def menu(name: str, cost: float, overlap: str = "nested") -> Choice:
        shares = {"low": 0.5, "mid": 0.8, "high": 0.98}
        covers = {k: dict.fromkeys(("logic", "io", "joint"), c) for k, c in shares.items()}
        steps = {
            level: Step(name, "test", cost * c, coverage=covers[level], overlap=overlap)
            for level, c in shares.items()
        }
        return Choice(name, {"off": None, **steps})

    dies = [OpenNode(name, (), (fab, menu("cp", 3.0))) for name in ("left", "right")]
    bond = Step("bond", "process", 50.0, faults={"joint": Faults(0.05)})
    items = (bond, menu("ft", 12.0), menu("slt", 30.0, "independent"))
    return Template("pkg", (*dies, OpenNode("pkg", (Input("left"), Input("right")), items)))


def test_identical_parts_take_one_level_and_their_own_best_costs_no_more() -> None:
    template = line()
    tied = Rules(same_level=[("left/cp", "right/cp")], forbidden={"left/cp": ["high"]})
    found = best_under(template, tied, dppm_limit=12_000.0)
    assert found.levels is not None
    assert found.levels["left/cp"] == found.levels["right/cp"] != "high"
    free = best_under(template, Rules(forbidden={"left/cp": ["high"]}), dppm_limit=12_000.0)
    assert free.levels is not None
    assert free.levels["right/cp"] == "high"
    assert free.value_usd < found.value_usd
    assert "branching on rules" in found.proof.method


def test_content_moves_to_where_it_is_cheapest() -> None:
    """A pattern set at sort, final or system level: with dear joins sort wins, with none final."""
    rules = Rules(forced={"right/cp": "off"}, moves=[Move(("left/cp", "pkg/ft", "pkg/slt"))])
    found = best_under(line(), rules, escape_cost_usd=2000.0)
    values = {}
    for place in ("left/cp", "pkg/ft", "pkg/slt"):
        outs = [evaluate(line().at({place: level})) for level in ("low", "mid", "high")]
        values[place] = min(Asked(escape_cost_usd=2000.0).value(out) for out in outs)
    assert found.levels is not None
    (used,) = [place for place, level in found.levels.items() if level != "off"]
    assert found.value_usd == pytest.approx(min(values.values()), rel=1e-12)
    assert values[used] == min(values.values())
    assert len({round(value, 3) for value in values.values()}) == 3


def test_optional_insertions_burn_in_and_grades_are_menus() -> None:
    """No rule is needed for them: an option ``None`` or another quality is a level."""
    grades = Choice(
        "buy",
        {
            "plain": Step("buy", "process", 50.0, faults={"early": Faults(0.05)}),
            "select": Step("buy", "process", 60.0, faults={"early": Faults(0.001)}),
        },
    )
    oven = Step("burn_in", "test", 4.0, coverage={"early": 0.9}, overkill=0.001)
    template = Template(
        "hbm", (OpenNode("hbm", (), (grades, Choice("oven", {"off": None, "on": oven}))),)
    )
    problem = prepare(template)
    for escape, levels in (
        (0.0, {"hbm/buy": "plain", "hbm/oven": "off"}),
        (150.0, {"hbm/buy": "plain", "hbm/oven": "on"}),
        (3000.0, {"hbm/buy": "select", "hbm/oven": "off"}),
        (90_000.0, {"hbm/buy": "select", "hbm/oven": "on"}),
    ):
        assert best_levels(problem, escape_cost_usd=escape).levels == levels


def test_what_nothing_can_keep_is_an_answer() -> None:
    rules = Rules(
        forbidden={"left/cp": ["high"]},
        least_coverage={"left/cp": {"logic": 0.9}, "pkg/ft": {"io": 0.6}},
    )
    found = best_under(line(), rules)
    assert (found.levels, found.value_usd, found.proof.combinations) == (None, math.inf, 0)
    assert found.reasons == (
        "left/cp: no level is left: off covers 0 of logic, less than 0.9, "
        "low covers 0.5 of logic, less than 0.9, mid covers 0.8 of logic, less than 0.9, "
        "high is forbidden",
    )
    forced = {"left/cp": "low", "right/cp": "mid"}
    found = best_under(line(), Rules(forced=forced, same_level=[("left/cp", "right/cp")]))
    assert found.reasons == ("left/cp = right/cp: no common choice of levels is left",)
    two = Rules(
        forced={"pkg/ft": "low"},
        same_level=[("left/cp", "pkg/ft")],
        moves=[Move(("left/cp", "pkg/ft", "right/cp"))],
    )
    assert "left with other rules" in best_under(line(), two).reasons[0]
    nothing = best_under(line(), Rules(forced=forced), dppm_limit=1e-9)
    assert (nothing.levels, nothing.reasons) == (None, ())


def test_unknown_names_and_wrong_numbers_all_at_once() -> None:
    rules = Rules(
        forced={"left/pc": "low"},
        forbidden={"right/cp": ["hihg"]},
        least_coverage={"pkg/ft": {"logik": 0.5, "io": 1.5}},
        same_level=[("left/cp", "righ/cp"), ("pkg/ft",)],
        moves=[Move(("left/cp", "pkg/ft"), least=2, most=1, resting="of")],
        resource_limits={"tester": -1.0},
    )
    with pytest.raises(UnknownName) as caught:
        apply_rules(line(), rules)
    text = str(caught.value)
    for part in (
        "forced.left/pc: unknown insertion (got 'left/pc'); did you mean 'left/cp'?",
        "forbidden.right/cp: unknown level of right/cp (got 'hihg'); did you mean 'high'?",
        "least_coverage.pkg/ft: unknown fault class (got 'logik'); did you mean 'logic'?",
        "least_coverage.pkg/ft.io: coverage must be in [0, 1] (got 1.5)",
        "same_level[0]: unknown insertion (got 'righ/cp'); did you mean 'right/cp'?",
        "same_level[1]: needs two or more different insertions",
        "moves[0]: unknown level of pkg/ft (got 'of'); did you mean 'off'?",
        "moves[0]: least must be 0 or more",
        "resource_limits.tester: unknown resource",
        "resource_limits.tester: must be a number of 0 or more (got -1.0)",
    ):
        assert part in text
    with pytest.raises(CaseError) as caught_numbers:
        apply_rules(line(), Rules(least_coverage={"pkg/ft": {"io": math.nan}}))
    assert not isinstance(caught_numbers.value, UnknownName)
    with pytest.raises(TypeError, match="applied already"):
        best_under(apply_rules(line(), Rules()), Rules())


def test_another_exact_search_serves_as_well_and_few_problems_are_solved() -> None:
    asked: list[int] = []

    def counted(problem: Problem, *args: Any, **options: Any) -> Found:
        asked.append(problem.combinations)
        return best_levels(problem, *args, bound=False, **options)

    tied = Rules(same_level=[("left/cp", "right/cp")])
    found = best_under(line(), tied, dppm_limit=12_000.0, search=counted)
    assert found.value_usd == best_under(line(), tied, dppm_limit=12_000.0).value_usd
    assert asked == [256]  # the best plan of all keeps the tie: nothing is split
    ruled = apply_rules(line(), tied)
    first = best_under(ruled, dppm_limit=12_000.0)
    again = best_under(ruled, dppm_limit=12_000.0, known_usd=first.value_usd)
    assert again.levels is None


def test_many_identical_parts_are_split_before_they_are_solved() -> None:
    """Eleven parts of 5 levels are 5·10⁷ plans, tied they are five; with two joints ten."""
    fab = Step("fab", "process", 30.0, faults={"logic": Faults(0.05)})
    steps = {f"l{c}": Step("cp", "test", c / 5, coverage={"logic": c / 10}) for c in (3, 5, 8, 9)}
    dies = [OpenNode(f"d{n}", (), (fab, Choice("cp", {"off": None, **steps}))) for n in range(11)]
    inputs = tuple(Input(die.name) for die in dies)
    template = Template("pkg", (*dies, OpenNode("pkg", inputs, (Step("bond", "process", 90.0),))))
    places = [f"{die.name}/cp" for die in dies]
    plans = [dict.fromkeys(places, level) for level in ("off", *steps)]
    asked = Asked(escape_cost_usd=500.0)
    values = [asked.value(evaluate(template.at(plan))) for plan in plans]
    found = best_under(template, Rules(same_level=[places]), escape_cost_usd=500.0)
    recheck(template, found, asked, Rules(same_level=[places]))
    assert (found.proof.combinations, found.levels) == (5, plans[values.index(min(values))])
    assert found.value_usd == pytest.approx(min(values), rel=1e-12)
    two = Rules(same_level=[places[:6], places[6:]], forbidden={"d0/cp": ["l8"]})
    found = best_under(template, two, escape_cost_usd=500.0)
    recheck(template, found, asked, two)
    assert found.proof.combinations == 4 * 5
    tied = [a | b for a in plans for b in ({p: plan[p] for p in places[6:]} for plan in plans)]
    fine = [plan for plan in tied if plan["d0/cp"] != "l8"]
    values = [asked.value(evaluate(template.at(plan))) for plan in fine]
    assert found.value_usd == pytest.approx(min(values), rel=1e-12)
