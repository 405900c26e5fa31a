"""Blocks of E: by axis equals by combination, merged states equal all entries, and both the engine.

Random templates with repair, damage, harvest, clusters, mixed overlap, grades and sub-assemblies;
E of a plan is checked against ``evaluate`` of the closed flow, by cost, resource use and quality.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest

from tests.random_templates import all_plans, random_template
from yieldopt import Faults, Input, Law, Step, evaluate
from yieldopt.optimize import problem as problems
from yieldopt.optimize import states
from yieldopt.optimize.grid import Grid, grid_of
from yieldopt.optimize.pricing import Ask, priced
from yieldopt.optimize.problem import Problem, prepare
from yieldopt.optimize.terms import values
from yieldopt.optimize.tree import superposed
from yieldopt.optimize.trunk import Block, build_block
from yieldopt.screening import Group
from yieldopt.template import Choice, OpenNode, Template

# Logs of a few dozen factors, summed in either order: some 1e-14; a term of J as in certificate.
LOGS, RELATIVE = 1e-12, 1e-11
CLASSES = ("logic", "io", "joint", "bump")
LAWS = (
    Law("negative_binomial", 0.4),
    Law("poisson"),
    Law("harvest", 1.5, None, 9, 2),
    Law("harvest", None, None, 6, 1),
    Law("murphy"),
    Law("moore"),
    Law("single"),
)


def level(rng: np.random.Generator, name: str, overlap: str | float, number: int) -> Step:
    """One of few coverages, some repair, and damage of one kind or another."""
    coverage = {c: float(rng.choice([0.3, 0.6, 0.9])) for c in CLASSES if rng.random() < 0.8}
    damage = Law("negative_binomial", 2.0) if number % 2 else Law("poisson")
    return Step(
        name,
        "test",
        float(rng.uniform(1, 9)),
        overlap=overlap,
        coverage=coverage,
        repair={c: 0.5 for c in coverage if rng.random() < 0.2},
        overkill=float(rng.uniform(0, 0.02)),
        faults={"bump": Faults(0.01 * (number + 1), damage)} if rng.random() < 0.5 else {},
        uses={"tester_h": float(rng.uniform(0, 0.1))},
        fail_cost_fraction=float(rng.uniform(0, 1)),
    )


def choice(rng: np.random.Generator, name: str, size: int, partly: bool) -> Choice:
    """A menu of mostly nested tests that see the same classes."""
    options: dict[str, Step | None] = {"off": None}
    for number in range(size - 1):
        overlap = 0.4 if partly and rng.random() < 0.3 else "nested"
        options[f"l{number}"] = level(rng, name, overlap, number)
    return Choice(name, options)


def nested_template(seed: int) -> Template:
    """A die of two tests sits twice on a sub-assembly with one, which is a branch at even seeds."""
    rng = np.random.default_rng([seed, 5])
    law = LAWS[seed % len(LAWS)]
    partly = seed % 3 == 2
    tied = "d0" if law.name in ("negative_binomial", "murphy") and seed % 2 else None
    faults = {"logic": Faults(0.3, law, tied), "io": Faults(0.1, law, tied)}
    die = OpenNode(
        "die",
        (),
        (
            Step("fab", "process", 90.0, faults=faults),
            choice(rng, "cp1", 4, partly),
            choice(rng, "cp2", 4, partly),
        ),
    )
    fab = Step("fab", "process", 30.0, faults={"io": Faults(0.05)})
    own = (choice(rng, "cp", 5, partly),) if seed % 2 else ()
    base = OpenNode("base", (), (fab, *own))
    bond = Step("bond", "process", 9.0, 0.01, {"joint": Faults(0.02)})
    stack = OpenNode(
        "stack", (Input("die", 2), Input("base")), (bond, choice(rng, "mid", 3, partly))
    )
    package = OpenNode(
        "package",
        (Input("stack", 2),),
        (
            bond,
            choice(rng, "ft", 3, False),
            Choice("one", {"full": level(rng, "one", "independent", 0)}),
        ),
    )
    return Template("package", (die, base, stack, package))


def numbers(block: Block) -> Iterator[np.ndarray]:
    """Every array of a block, the logs first."""
    yield from (*block.log_e, *block.log_q, block.log_q_trunk)
    yield from (block.base, block.weight, *block.base_uses.values())


def check_every_plan(problem: Problem) -> None:
    """Cost, use and quality of all plans against ``evaluate``."""
    plans = {tuple(plan.items()): plan for plan in all_plans(problem.template)}
    names = sorted({n for one in problem.leaves for n in one.uses})
    done = 0
    for first, block in problem.blocks():
        asks = [Ask(), *(Ask({name: 1.0}, prices_only=True) for name in names)]
        menus = np.indices(problem.menu_counts).reshape(len(problem.leaves), -1).T
        for entries in menus:
            at = np.tile(entries, (len(block.base), 1))
            found = [values(priced(problem, block, ask), at) for ask in asks]
            for t in range(len(block.base)):
                levels = problem.levels(first + t, tuple(int(m) for m in entries))
                out = evaluate(problem.template.at(plans[tuple(levels.items())]))
                done += 1
                cost, log_q = found[0][0][t], found[0][1][t]
                assert cost == pytest.approx(float(out.cost_per_good_usd), rel=RELATIVE)
                assert -1e6 * math.expm1(log_q) == pytest.approx(out.dppm, rel=RELATIVE, abs=1e-8)
                for name, (used, _) in zip(names, found[1:], strict=True):
                    per_good = float(out.uses.get(name, 0.0)) / float(out.quality)
                    assert used[t] == pytest.approx(per_good, rel=RELATIVE, abs=1e-15)
    assert done == len(plans)


def always(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Merge equal states of however few numbers; return how many each merge has left out."""
    monkeypatch.setattr(states, "_LEAST_TRUNK", 1)
    monkeypatch.setattr(states, "_LEAST_NUMBERS", 1)
    saved: list[int] = []
    merge = states._merge

    def counted(group: Group, grid: Grid) -> np.ndarray | None:
        index = merge(group, grid)
        if index is not None:
            saved.append(index.size - int(index.max()) - 1)
        return index

    monkeypatch.setattr(states, "_merge", counted)
    return saved


@pytest.mark.parametrize("seed", range(80))
def test_by_axis_equals_by_combination(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Combinations in disorder share one axis: nothing is taken from one for another there."""
    always(monkeypatch)
    template = nested_template(seed) if seed % 2 else random_template(seed)
    problem = prepare(template)
    count = problem.trunk_count
    order = np.random.default_rng(seed).permutation(count)
    picks = np.unravel_index(np.arange(count), problem.trunk_sizes) if problem.trunk_sizes else ()
    mixed = [pick[order] for pick in picks]
    leaves = problem.tree.branches
    one = build_block(problem.tree, leaves, picks)
    other = build_block(problem.tree, leaves, mixed)
    order = order if picks else np.arange(1)
    logs = 2 * len(leaves) + 1
    for at, (a, b) in enumerate(zip(numbers(one), numbers(other), strict=True)):
        assert a.shape == b.shape
        absolute = LOGS if at < logs else 0.0
        assert np.allclose(a[order], b, rtol=RELATIVE, atol=absolute)


@pytest.mark.parametrize("seed", range(28))
def test_merged_states_are_those_of_the_engine(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    always(monkeypatch)
    check_every_plan(prepare(nested_template(seed)))


def test_states_are_merged_under_most_laws(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check above has something to check: three coverages and "off" leave few states."""
    saved = always(monkeypatch)
    counts = []
    for seed in range(28):
        list(prepare(nested_template(seed)).blocks())
        counts.append(len(saved))
        saved.clear()
    assert sum(count > 0 for count in counts) >= 14
    for number, law in enumerate(LAWS):
        assert law.name == "single" or any(counts[number :: len(LAWS)])


def test_states_that_only_later_tests_tell_apart_are_not_merged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One test leaves the same mass unseen whatever its overlap, but not to the next one."""

    def test(name: str, overlap: str | float, cost_usd: float, coverage: float = 0.6) -> Step:
        return Step(name, "test", cost_usd, overlap=overlap, coverage={"logic": coverage})

    nested = {f"l{n}": test("cp1", "nested", n) for n in range(1, 4)}
    partly = {f"l{n}": test("cp2", 0.4 if n < 3 else 0.7, n) for n in range(1, 5)}
    fab = Step("fab", "process", 90.0, faults={"logic": Faults(0.5, Law("negative_binomial", 2.0))})
    menus = (Choice("cp1", {"off": None, **nested}), Choice("cp2", {"off": None, **partly}))
    final = Choice("ft", {"off": None, "on": test("ft", "nested", 5.0, 0.8)})
    nodes = (
        OpenNode("die", (), (fab, *menus)),
        OpenNode("package", (Input("die", 2),), (Step("bond", "process", 9.0), final)),
    )
    saved = always(monkeypatch)
    check_every_plan(prepare(Template("package", nodes)))
    assert saved == [20 - 6]


def test_merging_is_left_out_where_it_does_not_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    saved = always(monkeypatch)
    monkeypatch.setattr(states, "_LEAST_NUMBERS", 1 << 15)
    list(prepare(nested_template(0)).blocks())
    assert saved == []


@pytest.mark.parametrize("most", [1, 2, 5, 7, 17, 10**6])
@pytest.mark.parametrize("seed", range(12))
def test_blocks_cover_the_trunk_once(seed: int, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each block is a range of levels of one choice, all levels of those after it."""
    template = random_template(seed) if seed % 2 else nested_template(seed)
    whole = prepare(template)
    ((first, all_of_it),) = whole.blocks()
    assert first == 0
    widest = max(whole.menu_counts)
    monkeypatch.setattr(problems, "_BLOCK_PLANS", most * widest)
    problem = prepare(template)
    after = 0
    for low, block in problem.blocks():
        assert low == after
        after = low + len(block.base)
        assert len(block.base) <= most
        picks = np.unravel_index(np.arange(low, after), problem.trunk_sizes or (1,))
        assert grid_of(picks, [])[0].whole
        for a, b in zip(numbers(block), numbers(all_of_it), strict=True):
            assert np.allclose(a, b[low:after], rtol=RELATIVE, atol=LOGS)
    assert after == problem.trunk_count


def test_damage_of_one_kind_is_one_step() -> None:
    """Kinds that differ in law, class or cluster stay apart; each level keeps its own mean."""
    other = Law("negative_binomial", 2.0)
    left = [{"a": Faults(0.1)}, {"a": Faults(0.2)}, {"a": Faults(0.3, other)}, {"b": Faults(0.4)}]
    options: dict[str, Step | None] = {"off": None}
    for at, faults in enumerate(left):
        options[f"l{at}"] = Step("t", "test", faults=faults)
    steps = list(superposed(Choice("t", options), np.arange(5)))[1:]
    found = [
        (name, f.law, np.asarray(f.mean).tolist()) for s in steps for name, f in s.faults.items()
    ]
    assert found == [
        ("a", Law(), [0.0, 0.1, 0.2, 0.0, 0.0]),
        ("a", other, [0.0, 0.0, 0.0, 0.3, 0.0]),
        ("b", Law(), [0.0, 0.0, 0.0, 0.0, 0.4]),
    ]
