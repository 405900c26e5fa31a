"""The frontier beyond enumeration: by prices and limits, against brute force over every plan."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.certificate import JUST, Asked, brute, keeps, per_good
from tests.optimize.test_frontier import MOST, compare, reference
from tests.optimize.test_rules import random_rules
from tests.random_templates import all_plans
from tests.seeds import seeds
from yieldopt import Faults, Input, Step, evaluate
from yieldopt.benchmark.stacks import ten_dies
from yieldopt.flow import Outcome
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.coverage import Found, Proof
from yieldopt.optimize.effort import rounding
from yieldopt.optimize.frontier import Frontier, Point, frontier
from yieldopt.optimize.frontier_case import ProductFrontier
from yieldopt.optimize.frontier_floor import Floor
from yieldopt.optimize.labelled import best_labelled
from yieldopt.optimize.pricing import Ask
from yieldopt.optimize.problem import Problem, prepare
from yieldopt.optimize.ruled import Search
from yieldopt.optimize.rules import Rules
from yieldopt.optimize.search import search as any_search
from yieldopt.report.frontier import frontier_text
from yieldopt.template import Choice, OpenNode, Template


def labels(
    problem: Problem,
    prices: Any = None,
    *,
    dppm_limit: float | None = None,
    escape_cost_usd: float | None = None,
    prices_only: bool = False,
    resource_limits: Any = None,
    known_usd: float = math.inf,
) -> Found:
    """The search by labels, also where enumeration is cheaper."""
    ask = Ask(prices or {}, dppm_limit, escape_cost_usd, prices_only, resource_limits or {})
    return best_labelled(problem.menus, ask, known_usd=known_usd)


def spread(subject: Template | Problem, rules: Rules | None = None, **how: Any) -> Frontier:
    return frontier(subject, rules, enumerable=False, **how)


def check(seed: int, most: int, kinds: Sequence[bool], search: Search) -> None:
    """Compare with brute force, with no more asked and with everything."""
    template, plans = brute(seed, most)
    problem = prepare(template)
    outs = [out for _, out in plans]
    middle = float(np.median([float(out.dppm) for out in outs])) * JUST
    used = float(np.median([per_good(out, "tester_h") for out in outs])) * JUST
    limits = {"tester_h": used} if any("tester_h" in o.uses for o in outs) else {}
    everything = Asked({"tester_h": 300.0}, middle, 2000.0, resource_limits=limits)
    for asked in [everything if kind else Asked() for kind in kinds]:
        found = spread(
            problem,
            Rules(resource_limits=asked.resource_limits),
            prices=asked.prices,
            escape_cost_usd=asked.escape_cost_usd,
            dppm_max=None if asked.dppm_limit == math.inf else asked.dppm_limit,
            search=search,
        )
        assert found.method == "prices and limits"
        compare(found, reference(outs, asked))
        for point in found.points:
            out = evaluate(template.at(point.levels))
            assert asked.value(out) == pytest.approx(point.value_usd, rel=1e-11)
            assert point.gap == 0.0


@pytest.mark.parametrize("seed", seeds(range(0, 200, 2), 25))
def test_prices_and_limits_find_what_brute_force_finds(seed: int) -> None:
    check(seed, MOST, (False, True), any_search)


@pytest.mark.parametrize("seed", seeds(range(1, 200, 3), 16))
def test_with_labels_too(seed: int) -> None:
    check(seed, 30, (seed % 2 > 0,), labels)


@pytest.mark.parametrize("seed", seeds(range(0, 200, 4), 12))
def test_prices_and_limits_under_rules(seed: int) -> None:
    template, plans = brute(seed, MOST)
    kinds = random_rules(template, np.random.default_rng([seed, 5]))
    for name in ("tie", "both"):
        if name in kinds:
            rules = kinds[name]
            outs = [out for plan, out in plans if keeps(rules, template, plan)]
            compare(spread(template, rules), reference(outs, Asked()))


def true_of_every_plan(found: Frontier, every: Sequence[tuple[float, float]]) -> None:
    """Gaps, what can be missing, which points are supported: no (cost, DPPM) refutes them."""
    for point in found.points:
        least = min(value for value, dppm in every if dppm <= point.dppm * JUST + 1e-9)
        assert point.value_usd * (1.0 - point.gap) <= least * (1.0 + 1e-9)
        if point.supported is not None:  # prices of a ppm at which it is least: from, and up to
            own, at = point.value_usd, point.dppm
            worse = [(own - v) / (d - at) for v, d in every if d > at * JUST + 1e-9]
            better = [(v - own) / (at - d) for v, d in every if d < at / JUST - 1e-9]
            least, most = max([*worse, 0.0]), min(better, default=math.inf)
            assert least <= most * (1.0 + 1e-6) + 1e-12 if point.supported else least > 0.999 * most
    for value, dppm in every:
        shown = [p.value_usd for p in found.points if p.dppm <= dppm * JUST + 1e-9]
        if shown:
            assert found.missed is not None
            assert min(shown) * (1.0 - found.missed) <= value * (1.0 + 1e-9)
        if found.complete:
            assert min(shown) <= value * (1.0 + 1e-9)


@pytest.mark.parametrize("seed", seeds(range(0, 200, 3), 16))
def test_what_a_stopped_search_says_holds_for_every_plan(seed: int) -> None:
    """Points, gaps, what can be missing and which points are supported: none is refuted."""
    template, plans = brute(seed, MOST)
    outs = [out for _, out in plans]
    every = [(Asked().value(out), float(out.dppm)) for out in outs if float(out.quality) > 0.0]
    for most in (1, 2, 3):
        found = spread(template, most_points=most)
        assert len(found.points) <= max(most, 1)
        true_of_every_plan(found, every)


def stopping(plans: Sequence[tuple[dict[str, str], Outcome]], rng: np.random.Generator) -> Any:
    """A search of which some answers are of a stop: any plan or none, and a bound below all."""
    share = float(rng.choice([0.1, 0.5, 1.0]))

    def some(*args: Any, **how: Any) -> Found:
        found = any_search(*args, **how)
        if rng.random() > share:
            return found
        known, escape = how["known_usd"], how["escape_cost_usd"] or 0.0
        limit = math.inf if how["dppm_limit"] is None else how["dppm_limit"]
        asked = Asked({}, limit, escape)
        lower = min(found.proof.lower_bound_usd, 1e12) * float(rng.choice([0.0, 0.5, 0.9, 0.99]))
        proof = replace(found.proof, lower_bound_usd=lower)
        for at in rng.permutation(len(plans))[:2]:
            levels, out = plans[at]
            if asked.allows(out) and asked.value(out) < known:
                return Found(levels, asked.value(out), proof)
        return Found(None, known, proof)

    return some


@pytest.mark.parametrize("seed", seeds(range(200), 50))
def test_what_is_said_after_searches_that_stopped_holds_for_every_plan(seed: int) -> None:
    """Also where the cheapest plan of all was not proved: dearer ones that ship more can exist."""
    template, plans = brute(seed, 60)
    rng = np.random.default_rng([seed, 3])
    outs = [out for _, out in plans if float(out.quality) > 0.0]
    middle = float(np.median([float(out.dppm) for out in outs])) * JUST
    limit = math.inf if seed % 3 else middle
    found = spread(
        template,
        dppm_max=None if seed % 3 else limit,
        search=stopping(plans, rng),
        most_points=int(rng.choice([2, 4, 500])),
    )
    every = [(Asked().value(out), float(out.dppm)) for out in outs if out.dppm <= limit]
    true_of_every_plan(found, every)


def coarse(problem: Problem, prices: Any = None, **how: Any) -> Found:
    """Of plans that a search need not tell apart the one that costs most, escapes aside."""
    escape = how["escape_cost_usd"] or 0.0
    limit = math.inf if how["dppm_limit"] is None else how["dppm_limit"] * (1.0 + 1e-11)
    asked = Asked({}, limit, escape)
    plans = [
        (levels, evaluate(problem.template.at(levels))) for levels in all_plans(problem.template)
    ]
    fine = [(asked.value(o), float(o.cost_per_good_usd), k) for k, o in plans if asked.allows(o)]
    known = how["known_usd"]
    least = min((value for value, _, _ in fine), default=math.inf)
    if least >= known:
        return Found(None, known, Proof("all", len(plans), len(plans), 0, known))
    same = [one for one in fine if one[0] <= least + rounding(least, escape)]
    value, _, levels = max(same, key=lambda one: one[1])
    return Found(levels, value, Proof("all", len(plans), len(plans), 0, value))


@pytest.mark.parametrize("more", [1e-6, 1e-7, 1e-8])
def test_high_prices_prove_no_more_digits_than_they_tell_apart(more: float) -> None:
    """A last test that helps by a hair is bought at a price where a cheaper bond is a rounding."""
    fab = Step("fab", "process", 100.0, faults={"logic": Faults(0.3), "joint": Faults(0.05)})
    bonds = {name: Step("bond", "process", cost) for name, cost in (("a", 50.0), ("b", 50.002))}
    tests = {
        name: Step("ft", "test", cost, coverage={"logic": share})
        for name, cost, share in (("some", 4.0, 0.9), ("most", 60.0, 0.9 + more))
    }
    package = OpenNode("pkg", (Input("die", 2),), (Choice("bond", bonds), Choice("ft", tests)))
    template = Template("pkg", (OpenNode("die", (), (fab,)), package))
    outs = [evaluate(template.at(plan)) for plan in all_plans(template)]
    for most in (2, 500):
        found = spread(template, search=coarse, most_points=most)
        true_of_every_plan(found, [(Asked().value(out), float(out.dppm)) for out in outs])
        assert len(found.points) == 2
        assert found.complete == (most > 2)


def test_time_that_ended_before_any_search_leaves_the_plan_known() -> None:
    """It can cost all it does too much, for all that is shown."""
    template, plans = brute(4, MOST)
    late = Budget(1.0, 0.0)
    found = spread(template, known=[plans[0][0]], budget=late)
    assert [(point.levels, point.gap) for point in found.points] == [(plans[0][0], 1.0)]
    assert (found.complete, found.missed, found.points[0].supported) == (False, 1.0, None)
    none = spread(template, budget=late)
    assert (none.points, none.complete, none.missed) == ((), False, None)


def test_the_table_shows_gaps_where_there_are_any() -> None:
    proved = Point({"die/cp": "off"}, 100.0, 900.0, None, 0.1)
    loose = Point({"die/cp": "on"}, 110.0, 800.0, None, None, 1.0)
    for last, words in ((loose, ["100", "%"]), (replace(loose, gap=0.0), [])):
        front = Frontier((proved, last), "prices and limits", 4, 2, 2, False, "why", last.gap)
        text = frontier_text(ProductFrontier("p", "r", (), 1000.0, 0.0, 0, None, 0, front, True))
        head, first, second, after = text.splitlines()[2:6]
        assert head.startswith("USD per good  unproved") == bool(words)
        assert first.split() == ["100.00", "900.00", "0.1", "?<"]
        assert second.split() == ["110.00", *words, "800.00", "?", "die/cp", "on"]
        assert after.split() == ["…", "more,", "not", "counted"]
        assert ("unproved: so much less" in text) == bool(words)


def test_floor_is_the_best_of_what_is_known() -> None:
    floor = Floor([(0.0, 100.0), (1000.0, 120.0), (4000.0, 135.0)])
    assert floor.corners().tolist() == pytest.approx([0.005, 0.02])  # two meet below, at 0.00875
    # Chord from (0, 140) to (0.02, 110): farthest above where the last two lines meet.
    assert floor.below([(0.0, 140.0), (0.02, 110.0)]).tolist() == pytest.approx([132.5 - 115.0])
    chords = floor.below([(0.0, 140.0), (0.01, 125.0), (0.02, 104.0)]).tolist()
    assert chords == pytest.approx([17.5, 15.0])  # the second at an end
    assert Floor([(5.0, 100.0), (5.0, 90.0)]).corners().tolist() == []


def test_ten_dies_in_time() -> None:
    """8^20 plans: a few points, each proved, and what can be missing between them."""
    template = ten_dies(2)
    found = frontier(template, most_points=4, budget=Budget.of(60.0))
    assert found.combinations == 8**20
    assert len(found.points) == 4
    assert not found.complete
    assert sum(point.gap == 0.0 for point in found.points) >= 3
    assert found.missed is not None
    assert 0.0 < found.missed < 0.2
    assert f"{len(found.points)} points" in found.note
    for point in found.points:
        out = evaluate(template.at(point.levels))
        assert float(out.cost_per_good_usd) == pytest.approx(point.value_usd, rel=1e-11)
        assert float(out.dppm) == pytest.approx(point.dppm, rel=1e-9)
