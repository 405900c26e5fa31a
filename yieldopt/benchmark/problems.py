"""Deterministic search problems, built in code: no file is read and nothing is drawn at random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

from yieldopt.flow import Faults, Input, Step
from yieldopt.physics.yields import Law
from yieldopt.read import load
from yieldopt.schema.case import Case
from yieldopt.schema.insertion import InsertionShape, LevelShape
from yieldopt.template import Choice, OpenNode, Template

LARGE_DPPM = 300_000.0  # a third of the plans of `long_menus` hold it
STACK_DPPM = 20_000.0  # half of the flows of `four_dies_six_tests` hold it


def menu(
    name: str,
    cost_usd: float,
    classes: Mapping[str, float],
    levels: int,
    *,
    overlap: str = "nested",
    fail_cost_fraction: float = 1.0,
) -> Choice:
    """Return "off" and ``levels − 1`` levels, each dearer, of more coverage and more overkill."""
    options: dict[str, Step | None] = {"off": None}
    for level in range(1, levels):
        share = 1.0 - 0.9995 ** (3.0 * level) * (1.0 - level / levels)
        options[f"l{level}"] = Step(
            name,
            "test",
            cost_usd * level,
            overlap=overlap,
            coverage={c: top * share for c, top in classes.items()},
            overkill=2e-4 * level,
            faults={"bump": Faults(1e-4 * level)},
            fail_cost_fraction=fail_cost_fraction,
        )
    return Choice(name, options)


def _die(name: str, cost_usd: float, mean: float, levels: Sequence[int]) -> OpenNode:
    """Return a die of two fault classes with one menu for each number of levels."""
    law = Law("negative_binomial", alpha=3.0)
    faults = {"logic": Faults(0.7 * mean, law, "d0"), "io": Faults(0.3 * mean, law, "d0")}
    fab = Step("fab", "process", cost_usd, faults=faults, category="die")
    menus = [
        menu(f"t{at}", cost_usd / 100, {"logic": 0.99 - 0.05 * at, "io": 0.6}, count)
        for at, count in enumerate(levels)
    ]
    return OpenNode(name, (), (fab, *menus))


def long_menus(shorter: int = 1, d0_share: float = 1.0) -> Template:
    """Return 4·4 trunk combinations × 3,000 × 2,880 menu entries: 1.4·10⁸ plans.

    Parameters
    ----------
    shorter
        Divides the length of every menu of a leaf, for a problem of the same shape but small.
    d0_share
        Multiplies the fault means of all dies: a scenario.

    Examples
    --------
    >>> from math import prod
    >>> prod(len(choice.options) for choice in long_menus().choices().values())
    138240000
    """
    shape = {
        "gpu": (400.0, 0.8, (15, 20), 2),
        "io": (60.0, 0.2, (10,), 1),
        "hbm": (300.0, 0.05, (12, 20), 8),
        "interposer": (80.0, 0.15, (12,), 1),
    }
    leaves = [
        _die(name, cost, d0_share * mean, [max(2, n // shorter) for n in levels])
        for name, (cost, mean, levels, _) in shape.items()
    ]
    inputs = tuple(Input(name, count) for name, (*_, count) in shape.items())
    joint = Step("bond", "process", 100.0, 0.005, {"joint": Faults(0.03)})
    classes = {"logic": 0.995, "io": 0.99, "joint": 0.99, "bump": 0.9}
    final = menu("final", 30.0, classes, 4, fail_cost_fraction=0.7)
    system = menu("system", 20.0, classes, 4, overlap="independent")
    return Template("package", (*leaves, OpenNode("package", inputs, (joint, final, system))))


def four_dies_six_tests(tests: int = 6) -> Template:
    """Return a stack of four dies: each may take any of six tests, each bond be followed by one.

    A flow is a subset of the tests for every die (2⁶ each) and, after each of the three bonds, a
    test or none: 2²⁷ = 1.3·10⁸ flows.

    Parameters
    ----------
    tests
        Tests of each die.

    Examples
    --------
    >>> len(four_dies_six_tests().choices())
    27
    """
    nodes: list[OpenNode] = []
    for at, (cost, mean) in enumerate(((300.0, 0.6), (120.0, 0.3), (120.0, 0.3), (60.0, 0.15))):
        law = Law("negative_binomial", alpha=2.0)
        fab = Step("fab", "process", cost, faults={"logic": Faults(mean, law)})
        patterns = [
            Choice(f"t{n}", {"off": None, "on": _pattern(f"t{n}", n)}) for n in range(tests)
        ]
        nodes.append(OpenNode(f"die{at}", (), (fab, *patterns)))
    below = "die0"
    for at in range(1, 4):
        bond = Step("bond", "process", 15.0, 0.01, {"joint": Faults(0.03)})
        test = _pattern("test", 3, classes={"logic": 0.9, "joint": 0.95}, cost_usd=12.0)
        choice = Choice("test", {"off": None, "on": test})
        nodes.append(OpenNode(f"bond{at}", (Input(below), Input(f"die{at}")), (bond, choice)))
        below = f"bond{at}"
    return Template(below, tuple(nodes))


def _pattern(
    name: str, number: int, *, classes: Mapping[str, float] | None = None, cost_usd: float = 0.0
) -> Step:
    """Return one test: independent of the others, the later the dearer and the sharper."""
    return Step(
        name,
        "test",
        cost_usd or 1.0 + 1.5 * number,
        overlap="independent",
        coverage=classes or {"logic": 0.45 + 0.09 * number},
        overkill=5e-4 * (number + 1),
    )


@cache
def b200_case() -> Case:
    """Return the bundled B200-class case, read once."""
    return load("b200_class")


@cache
def b200_levels(levels: int = 12) -> Case:
    """Return the case with seven insertions of ``levels`` levels each: 12⁷ = 3.6·10⁷ plans.

    The levels lie on the line through the bundled ones that state their coverage by class, at equal
    distances: time, cost, coverage and overkill in between, damage of the next.
    """
    case = b200_case()
    finer = tuple(_finer(insertion, levels) for insertion in case.insertions)
    return replace(case, insertions=finer)


def _finer(insertion: InsertionShape, levels: int) -> InsertionShape:
    plain = [
        level
        for level in insertion.menu().values()
        if level.bad_die_detection is None and level.burn_in is None
    ]
    if len(plain) < 2:
        return insertion
    dense = {"off": plain[0]}
    for number in range(1, levels):
        at = number * (len(plain) - 1) / (levels - 1)
        low = min(int(at), len(plain) - 2)
        dense[f"l{number}"] = _between(plain[low], plain[low + 1], at - low)
    return insertion.model_copy(update={"levels": dense, "curve": None})


def _between(a: LevelShape, b: LevelShape, share: float) -> LevelShape:
    def mixed(name: str) -> object:
        one, other = getattr(a, name), getattr(b, name)
        return one.model_copy(update={"base": (1.0 - share) * one.base + share * other.base})

    coverage = {
        name: limit.model_copy(
            update={
                "base": share * limit.base
                + (1.0 - share) * (a.coverage[name].base if name in a.coverage else 0.0)
            }
        )
        for name, limit in b.coverage.items()
    }
    own = {name: mixed(name) for name in ("seconds", "cost_usd", "overkill", "fail_cost_fraction")}
    return b.model_copy(update=own | {"coverage": coverage})
