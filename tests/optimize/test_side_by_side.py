"""Problems searched side by side find what each finds by itself, to the same proof."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from threading import Event
from typing import Any

import numpy as np
import pytest

from tests.random_templates import all_plans, random_template
from tests.robust_scenarios import scaled
from tests.seeds import seeds
from yieldopt import Faults, Input, Step, evaluate
from yieldopt.optimize import problem, robust_merge, side_by_side
from yieldopt.optimize.bound import Bounds
from yieldopt.optimize.coverage import Progress, Rows, best_levels, enumerate_rows
from yieldopt.optimize.pricing import Ask, priced
from yieldopt.optimize.problem import Problem, prepare
from yieldopt.optimize.side_by_side import One, alike, best_of_each
from yieldopt.physics.yields import Law
from yieldopt.template import Choice, OpenNode, Template

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


def bonded(broken: float, usd: float) -> Template:
    """Return two dies on a bond of two grades, one of which breaks a share of the packages."""
    fab = Step("fab", "process", 100.0, faults={"logic": Faults(0.3)})
    full = Step("cp", "test", 5.0, coverage={"logic": 0.9})
    die = OpenNode("die", (), (fab, Choice("cp", {"off": None, "full": full})))
    single = Law("single")
    grades = {
        "cheap": Step("bond", "process", 1.0, faults={"bond": Faults(broken, single)}),
        "dear": Step("bond", "process", usd, faults={"bond": Faults(0.05, single)}),
    }
    return Template("pkg", (die, OpenNode("pkg", (Input("die", 2),), (Choice("bond", grades),))))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("escape", [0.0, 800.0])
@pytest.mark.parametrize("limit", [None, 200_000.0, 1e6])
def test_where_nothing_passes_with_the_plan_known(escape: float, limit: float | None) -> None:
    """The plan of the kin ships nothing good at some ends: another grade does."""
    kin = prepare(bonded(0.02, 10.0))
    known = best_levels(kin).levels
    assert known is not None
    assert known["pkg/bond"] == "cheap"
    cases = [(1.0, 10.0), (1.0, 20.0), (0.9, 10.0), (0.2, 10.0), (0.0, 10.0)]
    ones = [One(bonded(broken, usd), limit, escape) for broken, usd in cases]
    for one, found in zip(ones, best_of_each(kin, known, ones), strict=True):
        plans = [evaluate(one.template.at(plan)) for plan in all_plans(one.template)]
        costs = [
            float(out.cost_per_good_usd) + escape * (1.0 - out.quality) / out.quality
            for out in plans
            if out.quality > 0.0 and (limit is None or out.dppm <= limit)
        ]
        assert found is not None
        assert found.value_usd == pytest.approx(min(costs), rel=RELATIVE)
        assert found.levels is not None
        assert found.gap == 0.0


def test_limits_and_none_at_once() -> None:
    """What has no limit does not bound, nor is a plan for, what has one."""
    kin = prepare(bonded(0.02, 10.0))
    known = best_levels(kin).levels
    assert known is not None
    limits = [None, 60_000.0] * 5
    ones = [One(bonded(0.1 + 0.02 * n, 80.0), limit) for n, limit in enumerate(limits)]
    grades = []
    for one, found in zip(ones, best_of_each(kin, known, ones), strict=True):
        alone = best_levels(prepare(one.template), dppm_limit=one.dppm_limit)
        assert found is not None
        assert found.levels == alone.levels
        assert found.value_usd == pytest.approx(alone.value_usd, rel=RELATIVE)
        grades.append(found.levels and found.levels["pkg/bond"])
    assert None in grades or len(set(grades)) == 2  # a limit tells


@pytest.mark.parametrize("change", ["levels", "places"])
def test_what_differs_from_the_kin_in_more_than_numbers_is_left_out(change: str) -> None:
    """Alike among themselves, but with a level less, or a test more."""
    kin = prepare(bonded(0.02, 10.0))
    known = best_levels(kin).levels
    assert known is not None
    ones = []
    for n in range(5):
        die, pkg = bonded(0.02, 10.0 + n).nodes
        if change == "levels":
            bond = pkg.items[0]
            assert isinstance(bond, Choice)
            items: tuple[Step | Choice, ...] = (Choice("bond", {"dear": bond.options["dear"]}),)
        else:
            items = (*pkg.items, Choice("ft", {"off": None, "on": Step("ft", "test", 1.0)}))
        ones.append(One(Template("pkg", (die, OpenNode("pkg", pkg.inputs, items)))))
    assert best_of_each(kin, known, ones) == [None] * 5


def test_no_time() -> None:
    kin, known, ones = posed(5)
    assert best_of_each(kin, known, ones, until=-math.inf) == [None] * len(ones)
    stop = Event()
    stop.set()
    assert best_of_each(kin, known, ones, stop=stop) == [None] * len(ones)


@pytest.mark.parametrize("ends", ["all", "each", "stopped"])
@pytest.mark.parametrize("seed", [6, 16, 30])
def test_time_that_ends_while_plans_are_computed(
    seed: int, ends: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was found is given with a bound that holds."""
    kin, known, ones = posed(seed)
    alone = [
        best_levels(prepare(o.template), dppm_limit=o.dppm_limit, escape_cost_usd=o.escape_cost_usd)
        for o in ones
    ]
    stop = Event()
    clock = itertools.count(0.0, 10.0)
    bounds = side_by_side.bounds_of_groups

    def slow(*args: Any) -> Bounds:
        if ends == "stopped":
            stop.set()
        return bounds(*args)

    monkeypatch.setattr(side_by_side, "bounds_of_groups", slow)
    if ends != "stopped":
        monkeypatch.setattr(side_by_side.time, "perf_counter", lambda: next(clock))
    until = 1.0 if ends == "all" else math.inf
    most_s = 1.0 if ends == "each" else math.inf
    searched = best_of_each(kin, known, ones, until, most_s=most_s, stop=stop)
    monkeypatch.undo()
    late = 0
    for one, found in zip(alone, searched, strict=True):
        assert found is not None
        assert found.proof.lower_bound_usd <= one.value_usd * (1.0 + RELATIVE)
        assert found.value_usd >= one.value_usd * (1.0 - RELATIVE)
        assert found.proof.enumerated == 0
        late += found.gap > 0.0
    assert late > 0


def test_time_that_ends_before_a_bound_was_taken() -> None:
    """Small problems take none: the plan known is no answer with nothing said about others."""
    kin, known, ones = posed(11)
    found = best_of_each(kin, known, ones)
    late = best_of_each(kin, known, ones, most_s=-1.0)
    for whole, one in zip(found, late, strict=True):
        assert whole is not None
        assert (one is None) == (whole.proof.enumerated > 0)
    assert None in late


def test_the_bound_left_open_is_the_least() -> None:
    whole = prepare(random_template(30, 300))
    terms = priced(whole, whole.block(0), Ask({}))
    lower = np.array([3.0, 1.0, 2.0])
    rows, state = Rows(terms, 0, lower, math.prod(whole.menu_counts)), Progress(value=2.5)
    enumerate_rows(rows, 0, None, state, -math.inf)
    assert state.open_lower == 1.0
    assert (state.value, state.enumerated, state.pruned) == (2.5, 0, 0)


def test_plans_of_a_large_problem_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, large = prepare(random_template(7, 300)), prepare(random_template(7, 300))
    found = best_levels(kept)
    assert kept.plans_at(0) is not None
    monkeypatch.setattr(problem, "_CACHED_NUMBERS", 0)
    assert best_levels(large).value_usd == found.value_usd
    assert large.plans_at(0) is None


@pytest.mark.parametrize("seed", range(40))
def test_what_few_change_is_computed_once(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three of twelve templates differ in one node: tables of leaves are computed for few."""
    rng = np.random.default_rng([seed, 47])
    kin, known, ones = posed(seed, 12)
    template, shared = kin.template, []
    for number, one in enumerate(ones):
        nodes = list(template.nodes)
        at = int(rng.integers(len(nodes)))
        nodes[at] = nodes[at] if number % 4 else scaled(template, rng).nodes[at]
        shared.append(replace(one, template=Template(template.ship, tuple(nodes))))
    calls = []
    tables = robust_merge.leaf_tables

    def counted(*asked: object, **how: int) -> object:
        calls.append(asked)
        return tables(*asked, **how)

    monkeypatch.setattr(robust_merge, "leaf_tables", counted)
    for one, found in zip(shared, best_of_each(kin, known, shared), strict=True):
        assert found is not None
        alone = best_levels(
            prepare(one.template), dppm_limit=one.dppm_limit, escape_cost_usd=one.escape_cost_usd
        )
        assert found.value_usd == pytest.approx(alone.value_usd, rel=RELATIVE)
    assert len(calls) == len(kin.tree.branches)
