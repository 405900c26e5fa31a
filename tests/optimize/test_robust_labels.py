"""One plan for many scenarios beyond enumeration, against brute force over every plan."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.optimize.test_frontier_labels import labels
from tests.optimize.test_robust import RELATIVE, goals
from tests.robust_scenarios import Brute, scenarios, shifted
from tests.seeds import seeds
from tests.test_robust_case import written
from yieldopt import evaluate, load
from yieldopt.benchmark.stacks import ten_dies
from yieldopt.optimize import robust_case
from yieldopt.optimize.coverage import Found
from yieldopt.optimize.problem import prepare
from yieldopt.optimize.robust import Goal, goal_stack, robust_levels
from yieldopt.optimize.robust_case import robust_answer
from yieldopt.optimize.robust_goods import least_goods, least_spend
from yieldopt.optimize.robust_labels import LabelSearch
from yieldopt.optimize.robust_merge import mean_template
from yieldopt.optimize.robust_perfect import least_ratio
from yieldopt.optimize.ruled import Search
from yieldopt.optimize.search import search as any_search


def check(seed: int, count: int, most: int, search: Search) -> None:
    """Compare with brute force: ``count`` of 20 goals, other ones with every seed."""
    templates, p = scenarios(seed, most)
    names = [node.name for node in templates[0].nodes]
    start = names[seed % len(names)]
    brute = Brute(templates, p, start)
    problems = [prepare(template) for template in templates]
    every = goals(brute, start)
    for goal in [every[(7 * seed + 3 * at) % len(every)] for at in range(count)]:
        values = brute.values(goal)
        least = float(values.min())
        found = robust_levels(problems, p, goal, search=search, enumerable=False)
        proof = found.proof
        assert proof.method == "labels over scenarios"
        assert found.complete
        if least == math.inf:
            assert (found.levels, found.value_usd) == (None, math.inf)
            continue
        assert found.levels is not None
        assert found.value_usd == pytest.approx(least, rel=RELATIVE), goal
        place = brute.plans.index(dict(found.levels))
        assert values[place] == pytest.approx(least, rel=RELATIVE)
        assert found.dppm == pytest.approx(tuple(brute.dppm[place]), rel=1e-9)
        assert proof.lower_bound_usd <= least * (1 + 1e-13)
        assert proof.lower_bound_usd >= least - RELATIVE * (least + (goal.escape_cost_usd or 0.0))


@pytest.mark.parametrize("seed", seeds(range(0, 240, 3), 20))
def test_every_measure_equals_brute_force(seed: int) -> None:
    check(seed, 3, 30, any_search)


@pytest.mark.parametrize("seed", seeds(range(1, 240, 4), 15))
def test_with_labels_too(seed: int) -> None:
    check(seed, 1, 12, labels)


@pytest.mark.parametrize("seed", seeds(range(0, 240, 4), 15))
def test_the_bound_of_a_stopped_search_is_below_every_plan(seed: int) -> None:
    """Time ends after some searches: the gap is true, and the plan's value is the engine's."""
    templates, p = scenarios(seed)
    start = templates[0].ship
    brute = Brute(templates, p, start)
    problems = [prepare(template) for template in templates]
    every = goals(brute, start)
    for number, goal in enumerate(every[seed % 5 :: 5]):
        left = [seed % 3 + number]  # searches before time ends
        over = LabelSearch(goal_stack(problems, goal), np.array(p), goal)

        def search(*args: Any, left: list[int] = left, over: Any = over, **how: Any) -> Found:
            left[0] -= 1
            if left[0] <= 0:
                over.until = over.plans.until = 0.0
            how.pop("time_limit_s", None)
            return any_search(*args, **how)

        over.search = search
        over.run()
        least = float(brute.values(goal).min())
        assert over.lower <= least * (1.0 + 1e-13)
        assert over.plans.value >= least * (1.0 - RELATIVE)
        if over.is_closed:
            assert over.plans.value == pytest.approx(least, rel=RELATIVE)


@pytest.mark.parametrize("seed", range(0, 240, 12))
def test_goods_per_start_are_within_their_bounds(seed: int) -> None:
    templates, p = scenarios(seed)
    for node in templates[0].nodes:
        brute = Brute(templates, p, node.name)
        goods = brute.quality / brute.starts
        least = np.array([least_goods(template, node.name) for template in templates])
        assert np.all(goods >= least * (1.0 - 1e-12))
        prices = {"tester_h": 200.0}
        spend = [least_spend(template, node.name, prices) for template in templates]
        paid = (brute.spend + 200.0 * brute.tester) / brute.starts
        assert np.all(paid >= np.array(spend) * (1.0 - 1e-12))


def test_a_bound_without_the_limit_holds_within_it() -> None:
    """Scenarios not looked at under the limit yet take nothing away from the bound."""
    templates, p = scenarios(3)
    goal = Goal(dppm_limit=1000.0, dppm_share=0.5)
    stack = goal_stack([prepare(template) for template in templates], goal)
    over = LabelSearch(stack, np.array(p), goal)
    free = np.full(len(p), 10.0)
    assert over._bound(np.append(free, 0.0 * free)) == pytest.approx(10.0)
    assert over._bound(np.append(free, 2.0 * free)) == pytest.approx(15.0)


def test_routes_share_the_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A search that never ends leaves the next route its share; what is not used goes on to it."""
    case = load(written(tmp_path, ""))
    names = case.product("asic").routes
    assert len(names) > 1
    asked: list[float] = []

    def noted(*args: Any, until: float, **how: Any) -> Any:
        asked.append((until - began) / 1e6)
        return robust_levels(*args, until=until, **how)

    monkeypatch.setattr(robust_case, "robust_levels", noted)
    began = time.perf_counter()
    robust_answer(case, "asic", time_limit_s=1e6)
    shares = [1.0 / (len(names) - at) for at in range(len(names))]
    assert asked == pytest.approx(shares, abs=1e-3)


def test_the_least_ratio_is_that_of_all_corners() -> None:
    rng = np.random.default_rng(3)
    for _ in range(200):
        count = int(rng.integers(1, 6))
        p = rng.dirichlet(np.ones(count))
        value, few = rng.uniform(1, 9, count), rng.uniform(0.1, 1, count)
        many = few + rng.uniform(0, 1, count)
        corners = np.array(np.meshgrid(*zip(few, many, strict=True))).reshape(count, -1).T
        ratios = (corners * p) @ value / (corners @ p)
        assert least_ratio(p, value, (few, many)) == pytest.approx(ratios.min(), rel=1e-13)


@pytest.mark.long
def test_ten_dies_in_four_scenarios() -> None:
    """8^20 plans: proved, or a gap that is small and true; nothing that is tried is below it."""
    rng = np.random.default_rng(1)
    template = ten_dies(2)
    factors = np.exp(0.3 * rng.normal(size=(len(template.nodes), 4)))
    templates = [shifted(template, factors[:, s]) for s in range(4)]
    problems = [prepare(one) for one in templates]
    p = [0.4, 0.3, 0.2, 0.1]
    goal = Goal(escape_cost_usd=2000.0)
    found = robust_levels(problems, p, goal, until=time.perf_counter() + 30.0)
    assert found.proof.combinations == 8**20
    assert found.levels is not None
    gap = (found.value_usd - found.proof.lower_bound_usd) / found.value_usd
    assert 0.0 <= gap < 0.01
    outs = [evaluate(one.at(found.levels)) for one in templates]
    costs = [(float(o.cost_per_shipped_usd) + 2000.0 * (1 - o.quality)) / o.quality for o in outs]
    assert found.value_usd == pytest.approx(float(np.dot(p, costs)), rel=1e-11)
    choices = {place: list(choice.options) for place, choice in template.choices().items()}
    for _ in range(50):
        other = dict(found.levels)
        for place in rng.choice(list(choices), 3):
            other[place] = str(rng.choice(choices[place]))
        outs = [evaluate(one.at(other)) for one in templates]
        costs = [
            float((o.cost_per_shipped_usd + 2000.0 * (1 - o.quality)) / o.quality) for o in outs
        ]
        assert float(np.dot(p, costs)) >= found.proof.lower_bound_usd


def test_mean_numbers_of_equal_scenarios_are_theirs() -> None:
    """Also where probabilities miss 1 by rounding; no number leaves its range."""
    for seed in range(12):
        templates, p = scenarios(seed)
        assert (
            mean_template([templates[0]] * 3, np.array([0.1, 0.2, 0.7000000000000002]))
            == templates[0]
        )
        mean = mean_template(templates, np.array(p))
        if mean is not None:
            prepare(mean)
