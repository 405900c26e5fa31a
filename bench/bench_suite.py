"""Every workload of ``yieldopt bench``, and two checks that belong to it.

One thread of the linear algebra (`make bench` sees to it), float64.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from yieldopt.benchmark.problems import LARGE_DPPM, long_menus
from yieldopt.benchmark.process import command
from yieldopt.benchmark.suite import WORKS
from yieldopt.benchmark.work import Effort, Work
from yieldopt.optimize.coverage import best_levels
from yieldopt.optimize.problem import prepare


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.name)
def test_workload(held: Callable[[Work], None], work: Work) -> None:
    held(work)


def test_case_of_make_run(held: Callable[[Work], None]) -> None:
    held(Work("yieldopt solve accelerators_2026", "s", 20.0, command("solve", "accelerators_2026")))


def test_bound_agrees_with_enumeration(effort: Effort) -> None:
    problem = prepare(long_menus(4 if effort.small else 1))
    bounded = best_levels(problem, dppm_limit=LARGE_DPPM)
    full = best_levels(problem, dppm_limit=LARGE_DPPM, bound=False)
    print(f"\nwith the bound {bounded.proof.pruned:,} of {problem.combinations:,} pruned")
    assert bounded.value_usd == pytest.approx(full.value_usd, rel=1e-12)
