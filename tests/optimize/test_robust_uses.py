"""Limits on the use of resources, held in every scenario, against brute force."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from tests.robust_scenarios import Brute, scenarios
from tests.seeds import seeds
from yieldopt import CaseError, evaluate
from yieldopt.benchmark.problems import long_menus
from yieldopt.flow import Faults, Input, Step
from yieldopt.optimize.problem import prepare
from yieldopt.optimize.robust import Goal, robust_levels
from yieldopt.optimize.robust_bound import Proxy
from yieldopt.optimize.robust_measure import MEASURES, Measure, judged
from yieldopt.optimize.robust_search import RobustSearch
from yieldopt.optimize.robust_stack import Stack
from yieldopt.optimize.robust_uses import impossible
from yieldopt.optimize.robust_worth import worth
from yieldopt.template import Choice, OpenNode, Template

RELATIVE = 2e-10  # the search claims 1e-10 of the value


@pytest.mark.parametrize("seed", seeds(range(60), 30))
def test_limits_on_use_against_brute_force(seed: int) -> None:
    """Binding ones, alone and with a DPPM limit, with bounds and without."""
    templates, p = scenarios(seed)
    names = [node.name for node in templates[0].nodes]
    start = names[seed % len(names)]
    brute = Brute(templates, p, start)
    problems = [prepare(template) for template in templates]
    used = (brute.tester / brute.quality).max(axis=1)
    dppm = np.sort(brute.dppm.max(axis=1))
    loose = float(dppm[(3 * len(dppm)) // 4]) * (1 + 1e-9)
    for at, measure in enumerate(MEASURES):
        share = (0.15, 0.4, 0.02, 0.7)[(at + seed) % 4]
        most = float(np.quantile(used, share)) * (1 + 1e-9)
        limit = (None, loose)[(at + seed // 4) % 2]
        goal = Goal(measure, cvar_tail=0.35, dppm_limit=limit, starts_of=start,
                    use_limits={"tester_h": most, "nothing": 0.0})  # fmt: skip
        values = np.where(used <= most, brute.values(goal), np.inf)
        least = float(values.min())
        for bound in (True, False):
            found = robust_levels(problems, p, goal, bound=bound)
            proof = found.proof
            assert proof.enumerated + proof.pruned == proof.combinations == len(brute.plans)
            if least == math.inf:
                assert (found.levels, found.value_usd) == (None, math.inf)
                continue
            assert found.levels is not None
            assert found.value_usd == pytest.approx(least, rel=RELATIVE), goal
            assert used[brute.plans.index(dict(found.levels))] <= most * (1 + 1e-10)
            assert proof.lower_bound_usd <= least * (1 + 1e-13)


def test_the_limits_bind() -> None:
    """In most of the problems the plan without them uses more; some plans keep them."""
    binding = feasible = 0
    for seed in range(30):
        templates, p = scenarios(seed)
        brute = Brute(templates, p, templates[0].ship)
        used = (brute.tester / brute.quality).max(axis=1)
        free = int(brute.values(Goal()).argmin())
        most = float(np.quantile(used, 0.4)) * (1 + 1e-9)
        binding += used[free] > most
        feasible += bool((used <= most).any())
    assert binding >= 10
    assert feasible >= 25


@pytest.mark.parametrize("seed", range(30))
def test_only_impossible_trunk_combinations_are_left_out(seed: int) -> None:
    templates, p = scenarios(seed)
    problems = [prepare(template) for template in templates]
    brute = Brute(templates, p, templates[0].ship)
    used = (brute.tester / brute.quality).max(axis=1)
    goal = Goal(use_limits={"tester_h": float(np.quantile(used, 0.3))})
    for _, block in Stack(problems, goal.ask, None).blocks():
        sizes = [len(menu[0]) for menu in block.log_q]
        entries = np.array(list(itertools.product(*map(range, sizes))), dtype=np.intp)
        at = np.repeat(np.arange(len(block.base)), len(entries))
        fine = block.scores(np.tile(entries, (len(block.base), 1)), at).fine
        some = fine.reshape(len(block.base), -1).any(axis=1)
        assert not (some & impossible(block)).any()


def timed(template: Template) -> Template:
    """Every level of a test takes time on one of two testers: the dearer the longer."""
    nodes = []
    for node in template.nodes:
        tester = "final_h" if node.inputs else "sort_h"

        def step(held: Step, tester: str = tester) -> Step:
            return replace(held, uses={tester: held.cost_usd})

        items: list[Step | Choice] = [
            item
            if isinstance(item, Step)
            else Choice(item.name, {k: v and step(v) for k, v in item.options.items()})
            for item in node.items
        ]
        nodes.append(OpenNode(node.name, node.inputs, tuple(items)))
    return Template(template.ship, tuple(nodes))


@pytest.mark.parametrize("measure", MEASURES)
def test_two_limits_on_wide_halves(measure: str) -> None:
    """Products cut by two resources find what every plan computed by scenario gives."""
    problems = [prepare(timed(long_menus(4, share))) for share in (0.5, 1.0, 1.7)]
    p, of_package = [0.3, 0.5, 0.2], "package" if measure == "fixed_starts" else None
    free_goal = Goal(measure, escape_cost_usd=3000.0)
    free = robust_levels(problems, p, free_goal)
    assert free.levels is not None
    outs = [evaluate(problem.template.at(free.levels)) for problem in problems]
    limits = {
        name: 0.8 * max(float(out.uses[name] / out.quality) for out in outs)
        for name in ("sort_h", "final_h")
    }
    goal = replace(free_goal, use_limits=limits)
    ((_, block),) = Stack(problems, goal.ask, of_package).blocks()
    sizes = [np.arange(len(menu[0])) for menu in block.log_q]
    entries = np.stack([m.reshape(-1) for m in np.meshgrid(*sizes, indexing="ij")], axis=1)
    least = math.inf
    for t in range(len(block.base)):
        scores = block.scores(entries, np.full(len(entries), t))
        values = judged(Measure(measure, np.array(p), goal.cvar_tail), None, scores, 1e15)
        least = min(least, float(values.min()))
    for bound in (True, False):
        found = robust_levels(problems, p, goal, bound=bound)
        assert found.levels is not None
        assert found.value_usd > free.value_usd
        assert found.value_usd + 3000.0 == pytest.approx(least, rel=RELATIVE)
        for problem in problems:
            out = evaluate(problem.template.at(found.levels))
            for name, most in limits.items():
                assert out.uses[name] / out.quality <= most * (1 + 1e-10)


def test_worth_says_where_the_nominal_plan_keeps_them() -> None:
    seen = set()
    for seed in range(40):
        templates, p = scenarios(seed)
        problems = [prepare(template) for template in templates]
        brute = Brute(templates, p, templates[0].ship)
        used = brute.tester / brute.quality
        most = float(np.quantile(used.max(axis=1), 0.5)) * (1 + 1e-9)
        goal = Goal(use_limits={"tester_h": most})
        found = robust_levels(problems, p, goal)
        if found.levels is None:
            continue
        of = worth(problems, p, goal, found, problems[0])
        costs = np.where(used <= most, brute.spend / brute.quality, np.inf).min(axis=0)
        assert of.best_usd == pytest.approx(tuple(costs), rel=1e-9)
        at = brute.plans.index(dict(of.nominal_levels or {}))
        assert of.nominal_uses_held == pytest.approx(float((used[at] <= most) @ brute.p))
        assert of.information_usd is not None
        assert of.information_usd >= -1e-9 * found.value_usd
        seen.add(of.nominal_uses_held > 1.0 - 1e-9)
    assert seen == {True, False}


def test_a_limit_below_zero_is_refused() -> None:
    templates, p = scenarios(0)
    with pytest.raises(CaseError, match=r"use_limits\.tester_h: must be a number of at least 0"):
        robust_levels([prepare(t) for t in templates], p, Goal(use_limits={"tester_h": -1.0}))


def scrapped() -> tuple[list[Template], list[float]]:
    """Scenarios in which starts differ sixfold, and the use of the tester not at all."""
    menu = Choice(
        "ft",
        {
            name: Step("ft", "test", 1.0, coverage={"logic": share}, uses={"tester_h": hours})
            for name, share, hours in (("short", 0.5, 1.0), ("long", 0.9, 1.2))
        },
    )

    def template(scrap: float) -> Template:
        faults = {"logic": Faults(0.1)}
        die = OpenNode("die", (), (Step("fab", "process", 100.0, scrap, faults),))
        return Template("package", (die, OpenNode("package", (Input("die"),), (menu,))))

    return [template(0.1), template(0.85)], [0.5, 0.5]


@pytest.mark.parametrize("seed", range(-1, 40))
def test_prices_bound_what_keeps_the_limits(seed: int) -> None:
    """By trunk combination: weighted means, and Dinkelbach's difference with its own weights."""
    templates, p = scenarios(seed) if seed >= 0 else scrapped()
    problems = [prepare(template) for template in templates]
    brute = Brute(templates, p, templates[0].ship)
    used = (brute.tester / brute.quality).max(axis=1)
    goal = Goal(use_limits={"tester_h": float(np.quantile(used, 0.4)) * (1 + 1e-9)})
    for starts_of in (None, templates[0].nodes[0].name):
        stack = Stack(problems, goal.ask, starts_of)
        for first, block in stack.blocks():
            sizes = [len(menu[0]) for menu in block.log_q]
            entries = np.array(list(itertools.product(*map(range, sizes))), dtype=np.intp)
            at = np.repeat(np.arange(len(block.base)), len(entries))
            scores = block.scores(np.tile(entries, (len(block.base), 1)), at)
            if starts_of is None:
                proxy = Proxy(np.array(p))
                values = scores.value @ p
            else:
                good = np.array(p) * np.exp(scores.log_y - (scores.log_y @ p)[:, None])
                ratio = float(np.median((good * scores.value).sum(axis=1) / good.sum(axis=1)))
                proxy = Proxy(np.array(p), ratio)
                values = ratio + (good * (scores.value - ratio)).sum(axis=1)
            kept = np.where(scores.fine, values, np.inf).reshape(len(block.base), -1).min(axis=1)
            search = RobustSearch(stack, Measure("expected", np.array(p)), None)
            lower = np.full(len(kept), -math.inf)
            search._with_prices(first, block, proxy, lower)
            # Nothing cheaper than the best plan met is left out; all else lies above its bound.
            assert np.all(lower > -math.inf)
            assert np.all(lower <= kept + 1e-11 * np.abs(values).max())
