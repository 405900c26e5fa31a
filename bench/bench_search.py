"""The search on a case of 1.4·10⁸ combinations, bound switched off: nanoseconds per combination.

One thread (`make bench` holds BLAS to one), float64, without and with a DPPM limit; the case is a
B200-class package with long menus. A ratio against a bare matrix product of the same inner
dimension with its argmin says how near the limit of the method is.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from yieldopt import Faults, Input, Law, Step
from yieldopt.optimize.coverage import best_levels
from yieldopt.optimize.problem import Problem, prepare
from yieldopt.template import Choice, OpenNode, Template

LIMIT_NS = {None: 3.0, 300_000.0: 5.0}


def menu(name: str, cost: float, classes: dict[str, float], levels: int, **more: Any) -> Choice:
    """Return a menu whose coverage rises with its cost."""
    options: dict[str, Step | None] = {"off": None}
    for level in range(1, levels):
        share = 1.0 - 0.9995 ** (3.0 * level) * (1.0 - level / levels)
        coverage = {c: top * share for c, top in classes.items()}
        bump = {"bump": Faults(1e-4 * level)}
        options[f"l{level}"] = Step(
            name,
            "test",
            cost * level,
            coverage=coverage,
            overkill=2e-4 * level,
            faults=bump,
            **more,
        )
    return Choice(name, options)


def leaf(name: str, cost: float, mean: float, levels: tuple[int, ...]) -> OpenNode:
    """Return a die with one menu for each number of levels."""
    law = Law("negative_binomial", alpha=3.0)
    faults = {"logic": Faults(0.7 * mean, law, "d0"), "io": Faults(0.3 * mean, law, "d0")}
    fab = Step("fab", "process", cost, faults=faults, category="die")
    menus = [
        menu(f"t{at}", cost / 100, {"logic": 0.99 - 0.05 * at, "io": 0.6}, count)
        for at, count in enumerate(levels)
    ]
    return OpenNode(name, (), (fab, *menus))


def large() -> Problem:
    """Return 4·4 trunk combinations × 3,000 × 2,880 entries: 1.4·10⁸ plans."""
    leaves = [
        leaf("gpu", 400.0, 0.8, (15, 20)),
        leaf("io", 60.0, 0.2, (10,)),
        leaf("hbm", 300.0, 0.05, (12, 20)),
        leaf("interposer", 80.0, 0.15, (12,)),
    ]
    joint = Step("bond", "process", 100.0, 0.005, {"joint": Faults(0.03)})
    classes = {"logic": 0.995, "io": 0.99, "joint": 0.99, "bump": 0.9}
    final = menu("final", 30.0, classes, 4, fail_cost_fraction=0.7)
    system = menu("system", 20.0, classes, 4, overlap="independent")
    counts = (2, 1, 8, 1)
    inputs = tuple(Input(node.name, n) for node, n in zip(leaves, counts, strict=True))
    return prepare(
        Template("package", (*leaves, OpenNode("package", inputs, (joint, final, system))))
    )


def product_ns(rows: int, columns: int, inner: int) -> float:
    """Return ns per entry of a bare blocked product with argmin."""
    rng = np.random.default_rng(0)
    a, b = rng.random((rows, inner)), rng.random((inner, columns))
    step = max(1, 32_768 // columns)
    start = time.perf_counter()
    for low in range(0, rows, step):
        (a[low : low + step] @ b).argmin()
    return (time.perf_counter() - start) / (rows * columns) * 1e9


@pytest.mark.parametrize("limit", [None, 300_000.0])
def test_nanoseconds_per_combination(benchmark: Any, limit: float | None) -> None:
    problem = large()
    assert problem.combinations >= 10**8
    for _ in problem.blocks():
        pass  # what prices do not change is computed once
    found = benchmark.pedantic(
        lambda: best_levels(problem, dppm_limit=limit, bound=False), rounds=2, iterations=1
    )
    assert found.levels is not None
    assert found.proof.enumerated == problem.combinations
    ns = benchmark.stats.stats.min / problem.combinations * 1e9
    bare = min(product_ns(3000, 2880, 4) for _ in range(3))
    print(
        f"\n{problem.combinations:.2e} combinations, limit {limit}: {ns:.2f} ns each "
        f"(bar {LIMIT_NS[limit]}), bare product with argmin {bare:.2f} ns: ratio {ns / bare:.2f}"
    )
    benchmark.extra_info.update(ns_per_combination=ns, ratio_to_bare_product=ns / bare)
    assert ns <= LIMIT_NS[limit]


def test_bound_agrees_and_prunes() -> None:
    problem = large()
    start = time.perf_counter()
    bounded = best_levels(problem, dppm_limit=300_000.0)
    took = time.perf_counter() - start
    full = best_levels(problem, dppm_limit=300_000.0, bound=False)
    pruned = f"{bounded.proof.pruned:,} of {problem.combinations:,} pruned"
    print(f"\nwith the bound: {took:.2f} s, {pruned}")
    assert bounded.value_usd == pytest.approx(full.value_usd, rel=1e-12)
