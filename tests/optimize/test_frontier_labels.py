"""The frontier beyond enumeration: by prices and limits, against brute force over every plan."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tests.certificate import JUST, Asked, brute, keeps, per_good
from tests.optimize.test_frontier import MOST, compare, reference
from tests.optimize.test_rules import random_rules
from yieldopt import evaluate
from yieldopt.benchmark.stacks import ten_dies
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.coverage import Found
from yieldopt.optimize.frontier import Frontier, frontier
from yieldopt.optimize.frontier_floor import Floor
from yieldopt.optimize.labelled import best_labelled
from yieldopt.optimize.pricing import Ask
from yieldopt.optimize.problem import Problem, prepare
from yieldopt.optimize.ruled import Search
from yieldopt.optimize.rules import Rules
from yieldopt.optimize.search import search as any_search
from yieldopt.template import Template


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


@pytest.mark.parametrize("seed", range(0, 200, 2))
def test_prices_and_limits_find_what_brute_force_finds(seed: int) -> None:
    check(seed, MOST, (False, True), any_search)


@pytest.mark.parametrize("seed", range(1, 200, 3))
def test_with_labels_too(seed: int) -> None:
    check(seed, 30, (seed % 2 > 0,), labels)


@pytest.mark.parametrize("seed", range(0, 200, 4))
def test_prices_and_limits_under_rules(seed: int) -> None:
    template, plans = brute(seed, MOST)
    kinds = random_rules(template, np.random.default_rng([seed, 5]))
    for name in ("tie", "both"):
        if name in kinds:
            rules = kinds[name]
            outs = [out for plan, out in plans if keeps(rules, template, plan)]
            compare(spread(template, rules), reference(outs, Asked()))


@pytest.mark.parametrize("seed", range(0, 200, 3))
def test_what_a_stopped_search_says_holds_for_every_plan(seed: int) -> None:
    """Points, gaps, what can be missing and which points are supported: none is refuted."""
    template, plans = brute(seed, MOST)
    outs = [out for _, out in plans]
    whole = frontier(template)
    every = [(Asked().value(out), float(out.dppm)) for out in outs if float(out.quality) > 0.0]
    for most in (1, 2, 3):
        found = spread(template, most_points=most)
        assert len(found.points) <= max(most, 1)
        assert found.missed is not None
        for point in found.points:
            least = min(value for value, dppm in every if dppm <= point.dppm * JUST + 1e-9)
            assert point.value_usd * (1.0 - point.gap) <= least * (1.0 + 1e-9)
            same = [p for p in whole.points if p.dppm == pytest.approx(point.dppm, rel=1e-9)]
            if point.supported is not None and same and point.gap == 0.0:
                assert point.supported == same[0].supported
        for value, dppm in every:
            shown = [p.value_usd for p in found.points if p.dppm <= dppm * JUST + 1e-9]
            if shown:
                assert min(shown) * (1.0 - found.missed) <= value * (1.0 + 1e-9)


def test_floor_is_the_best_of_what_is_known() -> None:
    floor = Floor([(0.0, 100.0), (1000.0, 120.0), (4000.0, 135.0)])
    assert floor.corners().tolist() == pytest.approx([0.005, 0.00875, 0.02])
    # Chord from (0.02, 110) to (0, 140): farthest above where the last two lines meet.
    assert floor.below((0.02, 110.0), (0.0, 140.0)) == pytest.approx(132.5 - 115.0)


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
