"""Problems searched side by side find what each finds by itself, to the same proof."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.random_templates import random_template
from tests.robust_scenarios import scaled
from tests.seeds import seeds
from yieldopt.flow import Step
from yieldopt.optimize import side_by_side
from yieldopt.optimize.coverage import best_levels
from yieldopt.optimize.problem import Problem, prepare
from yieldopt.optimize.side_by_side import One, alike, best_of_each
from yieldopt.physics.yields import Law
from yieldopt.template import OpenNode, Template

RELATIVE = 1e-11  # of sums in another order


def posed(seed: int, count: int = 6) -> tuple[Problem, dict[str, str], list[One]]:
    """Return a problem, its best plan, and templates of other numbers under limits of their own."""
    rng = np.random.default_rng([seed, 31])
    template = random_template(seed, 300)
    kin = prepare(template)
    best = best_levels(kin, escape_cost_usd=float(rng.choice([0.0, 2000.0])))
    assert best.levels is not None
    limited = rng.random() < 0.6
    ones = []
    for _ in range(count):
        limit = float(10.0 ** rng.uniform(1.0, 5.5)) if limited else None
        ones.append(One(scaled(template, rng), limit, float(rng.choice([0.0, 500.0, 1e5]))))
    return kin, dict(best.levels), ones


@pytest.mark.parametrize("seed", seeds(range(300), 60))
def test_each_finds_what_it_finds_by_itself(seed: int) -> None:
    kin, known, ones = posed(seed)
    for one, found in zip(ones, best_of_each(kin, known, ones), strict=True):
        assert found is not None
        alone = best_levels(
            prepare(one.template), dppm_limit=one.dppm_limit, escape_cost_usd=one.escape_cost_usd
        )
        assert found.value_usd == pytest.approx(alone.value_usd, rel=RELATIVE)
        assert found.gap == 0.0
        assert found.proof.enumerated + found.proof.pruned == kin.combinations
        assert (found.levels is None) == (alone.levels is None)
        if found.levels is not None:
            again = best_levels(
                prepare(one.template.limited({k: (v,) for k, v in found.levels.items()})),
                dppm_limit=one.dppm_limit,
                escape_cost_usd=one.escape_cost_usd,
            )
            assert again.value_usd == pytest.approx(found.value_usd, rel=RELATIVE)


@pytest.mark.parametrize("seed", range(8))
def test_a_few_at_a_time(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of four: what is left over is searched by itself."""
    kin, known, ones = posed(seed, 11)
    monkeypatch.setattr(side_by_side, "_most", lambda _: 4)
    found = best_of_each(kin, known, ones)
    assert [one is None for one in found] == [False] * 8 + [True] * 3
    whole = posed(seed, 11)
    monkeypatch.setattr(side_by_side, "_most", lambda _: 99)
    for few, all_ in zip(found[:8], best_of_each(*whole), strict=False):
        assert few is not None
        assert all_ is not None
        assert few.value_usd == pytest.approx(all_.value_usd, rel=RELATIVE)


def test_other_laws_are_left_out() -> None:
    kin, known, ones = posed(3)
    first = ones[0].template
    nodes = list(first.nodes)
    at = next(n for n, node in enumerate(nodes) if isinstance(node.items[0], Step))
    step = nodes[at].items[0]
    assert isinstance(step, Step)
    faults = {k: replace(one, law=Law("murphy")) for k, one in step.faults.items()}
    assert faults
    items = (replace(step, faults=faults), *nodes[at].items[1:])
    nodes[at] = OpenNode(nodes[at].name, nodes[at].inputs, items)
    other = replace(ones[0], template=Template(first.ship, tuple(nodes)))
    assert alike([one.template for one in [other, *ones]]) == [[0], [1, 2, 3, 4, 5, 6]]
    found = best_of_each(kin, known, [other, *ones])
    assert [one is None for one in found] == [True, *[False] * 6]


def test_no_time() -> None:
    kin, known, ones = posed(5)
    assert best_of_each(kin, known, ones, until=-math.inf) == [None] * len(ones)


def test_time_that_ends_while_plans_are_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was found is given with a bound that holds."""
    kin, known, ones = posed(7)
    alone = [
        best_levels(prepare(o.template), dppm_limit=o.dppm_limit, escape_cost_usd=o.escape_cost_usd)
        for o in ones
    ]
    clock = iter([0.0])
    monkeypatch.setattr(side_by_side.time, "perf_counter", lambda: next(clock, 9.0))
    for one, found in zip(alone, best_of_each(kin, known, ones, until=1.0), strict=True):
        assert found is not None
        assert found.proof.lower_bound_usd <= one.value_usd * (1.0 + RELATIVE)
        assert found.value_usd >= one.value_usd * (1.0 - RELATIVE)
