"""The frontier of cost and DPPM against brute force over every plan, point by point.

200 random templates; the reference knows only what ``evaluate`` says of every plan, and decides by
its own rules which are dominated and which are supported.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from tests.certificate import JUST, Asked, brute, keeps, per_good
from tests.optimize.test_rules import line, random_rules
from tests.seeds import seeds
from yieldopt import CaseError, Faults, Flow, Input, Law, Step, evaluate
from yieldopt.flow import Node, Outcome
from yieldopt.optimize.coverage import best_levels
from yieldopt.optimize.frontier import Frontier, frontier
from yieldopt.optimize.problem import prepare
from yieldopt.optimize.rules import Rules
from yieldopt.template import Choice, OpenNode, Template

SEEDS = range(200)
MOST = 100  # plans of a random template: every one is evaluated
SAME = 1e-10  # two plans this near (relative) count as one; those of these templates are not nearer
# than 1e-9 apart unless they differ by rounding alone (a test that no fault comes by)


def reference(outs: list[Outcome], asked: Asked) -> list[tuple[float, float]]:
    """Return (cost, DPPM) of the plans that none beats, from the cheapest on."""
    rows = sorted((asked.value(o), float(o.dppm)) for o in outs if asked.allows(o))
    points: list[tuple[float, float]] = []
    for value, dppm in rows:
        if points and value <= points[-1][0] * (1 + SAME) and dppm <= points[-1][1]:
            points[-1] = (value, dppm)  # as cheap and better
        elif not points or dppm < points[-1][1] * (1 - SAME) - 1e-9:
            points.append((value, dppm))
    return points


def supported(points: list[tuple[float, float]], at: int) -> bool:
    """Whether some price of a ppm makes a point least: the intervals of prices intersect."""
    value, dppm = points[at]
    least = max(((value - v) / (d - dppm) for v, d in points[:at]), default=0.0)
    most = min(((v - value) / (dppm - d) for v, d in points[at + 1 :]), default=math.inf)
    return least <= most * (1 + 1e-9)


def compare(found: Frontier, points: list[tuple[float, float]]) -> None:
    assert found.complete
    assert found.note == ""
    assert len(found.points) == len(points)
    for at, (point, (value, dppm)) in enumerate(zip(found.points, points, strict=True)):
        assert point.value_usd == pytest.approx(value, rel=1e-11)
        assert point.dppm == pytest.approx(dppm, rel=1e-9, abs=1e-9)
        assert point.supported == supported(points, at)
        if at + 1 == len(points):
            assert point.usd_per_ppm is None
            continue
        dearer, better = points[at + 1]
        rounding = 1e-11 * value / (dppm - better)  # of a difference of two values
        slope = (dearer - value) / (dppm - better)
        assert point.usd_per_ppm == pytest.approx(slope, rel=1e-6, abs=2 * rounding)


@pytest.mark.parametrize("seed", seeds(SEEDS, 100))
def test_frontier_equals_brute_force(seed: int) -> None:
    template, plans = brute(seed, MOST)
    problem = prepare(template)
    outs = [out for _, out in plans]
    middle = float(np.median([float(out.dppm) for out in outs])) * JUST
    used = float(np.median([per_good(out, "tester_h") for out in outs])) * JUST
    limits = {"tester_h": used} if any("tester_h" in o.uses for o in outs) else {}
    everything = Asked({"tester_h": 300.0}, middle, 2000.0, resource_limits=limits)
    for asked in (Asked(), everything):
        points = reference(outs, asked)
        options = {
            "prices": asked.prices,
            "escape_cost_usd": asked.escape_cost_usd,
            "dppm_max": None if asked.dppm_limit == math.inf else asked.dppm_limit,
        }
        rules = Rules(resource_limits=asked.resource_limits)
        found = frontier(problem, rules, **options)
        assert found.method == "enumeration"
        assert found.enumerated + found.pruned == found.combinations == len(plans)
        compare(found, points)
        for point in found.points:
            out = evaluate(template.at(point.levels))
            assert asked.value(out) == pytest.approx(point.value_usd, rel=1e-11)
            assert float(out.dppm) == pytest.approx(point.dppm, rel=1e-9, abs=1e-9)
        if seed % 4 == 0:
            repeated = frontier(problem, rules, **options, most_plans=0.0)
            assert repeated.method == "repeated search"
            compare(repeated, points)


@pytest.mark.parametrize("seed", seeds(range(0, 200, 4), 25))
def test_frontier_under_rules(seed: int) -> None:
    template, plans = brute(seed, MOST)
    kinds = random_rules(template, np.random.default_rng([seed, 5]))
    for name in ("tie", "both", "coverage"):
        if name in kinds:
            rules = kinds[name]
            outs = [out for plan, out in plans if keeps(rules, template, plan)]
            for most_plans in (1e9, 0.0):
                found = frontier(template, rules, most_plans=most_plans)
                compare(found, reference(outs, Asked()))
                assert all(keeps(rules, template, point.levels) for point in found.points)


def long_menus() -> tuple[Template, Outcome]:
    """Four menus of 14 levels on two dies and a package, and all 38,416 plans as one batch."""
    law = Law("negative_binomial", alpha=2.0)
    share = 1.0 - np.exp(-0.55 * np.arange(14))
    picks = dict(zip("abcd", np.unravel_index(np.arange(14**4), (14,) * 4), strict=True))
    costs = {"a": 1.0, "b": 1.7, "c": 3.1, "d": 4.3}

    def step(name: str, at: int | np.ndarray) -> Step:
        covered = {"logic": share[at] * (0.95 if name == "d" else 0.999)}
        cost = costs[name] * at**1.2
        overlap = "independent" if name == "d" else "nested"
        return Step(name, "test", cost, coverage=covered, overkill=1e-4 * at, overlap=overlap)

    def shape(name: str) -> tuple[Choice, Step]:
        menu = Choice(name, {f"l{at}": step(name, at) for at in range(14)})
        return menu, step(name, picks[name])

    tests = {name: shape(name) for name in "abcd"}
    fabs = [
        Step("fab", "process", c, faults={"logic": Faults(m, law)})
        for c, m in ((90, 0.3), (40, 0.1))
    ]
    bond = Step("bond", "process", 60.0, 0.01, {"logic": Faults(0.02)})
    inputs = (Input("left", 2), Input("right"))
    rows = (("left", (), fabs[0], "a"), ("right", (), fabs[1], "b"), ("pkg", inputs, bond, "cd"))
    made = [
        (name, inputs, step_, [tests[test] for test in names])
        for name, inputs, step_, names in rows
    ]
    nodes = tuple(OpenNode(n, i, (s, *(menu for menu, _ in t))) for n, i, s, t in made)
    closed = tuple(Node(n, i, (s, *(batch for _, batch in t))) for n, i, s, t in made)
    return Template("pkg", nodes), evaluate(Flow("pkg", closed), details=False)


@pytest.mark.parametrize("rules", [Rules(), Rules(same_level=[("left/a", "right/b")])])
def test_frontier_of_long_menus_is_pruned_and_equals_a_batch_of_all_plans(rules: Rules) -> None:
    template, out = long_menus()
    costs, dppms = np.asarray(out.cost_per_good_usd), np.asarray(out.dppm)
    if rules.same_level:
        a, b, _, _ = np.unravel_index(np.arange(14**4), (14,) * 4)
        costs, dppms = costs[a == b], dppms[a == b]
    order = np.lexsort((dppms, costs))
    best = np.minimum.accumulate(np.append(np.inf, dppms[order]))
    kept = order[dppms[order] < best[:-1]]
    found = frontier(template, rules)
    assert found.pruned > 0.3 * found.combinations
    assert len(found.points) == len(kept) > 60
    points = list(zip(costs[kept].tolist(), dppms[kept].tolist(), strict=True))
    compare(found, points)


def test_a_free_last_test_adds_no_points_but_its_best() -> None:
    """Its coverage moves no cost: of plans as cheap but for rounding only the best is a point."""
    fab = Step("fab", "process", 97.3, faults={"logic": Faults(0.31)})
    coverages = [0.1 * at + 0.037 for at in range(9)]
    sort = {f"s{c:.3f}": Step("cp", "test", 7.1 * c, coverage={"logic": c}) for c in coverages}
    last = {f"f{at}": Step("ft", "test", coverage={"logic": 0.5 + 0.05 * at}) for at in range(10)}
    die = OpenNode("die", (), (fab, Choice("cp", sort)))
    package = OpenNode(
        "pkg", (Input("die", 3),), (Step("bond", "process", 31.7), Choice("ft", last))
    )
    found = frontier(Template("pkg", (die, package)))
    assert len(found.points) == 1
    assert found.points[0].levels["pkg/ft"] == "f9"


def test_the_random_frontiers_have_points_that_no_price_finds() -> None:
    found = [frontier(brute(seed, MOST)[0]) for seed in range(0, 200, 4)]
    assert np.mean([len(f.points) for f in found]) > 4
    assert sum(any(not p.supported for p in f.points) for f in found) > 15
    assert sum(f.pruned > 0 for f in found) > 3


def test_a_point_is_what_the_search_finds_at_its_limit_or_at_its_price() -> None:
    problem = prepare(line())
    found = frontier(problem)
    assert [p.dppm for p in found.points] == sorted((p.dppm for p in found.points), reverse=True)
    for point in found.points:
        again = best_levels(problem, dppm_limit=point.dppm * JUST)
        assert again.value_usd == pytest.approx(point.value_usd, rel=1e-12)
    assert found.within(found.points[3].dppm * JUST) == found.points[3]
    assert found.within(found.points[-1].dppm * 0.9) is None
    inner = [p for p in found.points if p.supported]
    pairs = itertools.pairwise(inner)
    slopes = [(b.value_usd - a.value_usd) / (a.dppm - b.dppm) for a, b in pairs]
    assert 3 <= len(slopes) < len(found.points) - 1
    assert slopes == sorted(slopes)
    assert found.points[-1].usd_per_ppm is None
    assert found.to_dict()["points"][0]["levels"] == found.points[0].levels


def test_a_repeated_search_says_what_it_left_out() -> None:
    whole = frontier(line())
    found = frontier(line(), most_plans=0.0, most_points=3)
    assert [p.levels for p in found.points] == [p.levels for p in whole.points[:3]]
    assert not found.complete
    lowest = f"{whole.points[-1].dppm:.6g}"
    assert found.note.startswith("stopped after 3 points: those below")
    assert found.note.endswith(f"down to {lowest}, are left out")
    just = frontier(line(), most_plans=0.0, most_points=len(whole.points))
    assert (just.complete, just.note, len(just.points)) == (True, "", len(whole.points))


def test_no_plan_is_an_empty_frontier() -> None:
    assert frontier(line(), dppm_max=1e-6).points == ()
    assert frontier(line(), dppm_max=1e-6, most_plans=0.0).points == ()
    found = frontier(line(), Rules(forced={"left/cp": "low"}, forbidden={"left/cp": ["low"]}))
    assert found.points == ()
    assert "left/cp: no level is left" in found.note
    with pytest.raises(CaseError, match="dppm_limit"):
        frontier(line(), dppm_max=math.nan)
