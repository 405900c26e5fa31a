"""Workloads of the robust search: one plan for many scenarios."""

from __future__ import annotations

import numpy as np

from yieldopt.benchmark.problems import long_menus
from yieldopt.benchmark.work import Effort, Task, Work
from yieldopt.optimize.coverage import best_levels
from yieldopt.optimize.problem import prepare
from yieldopt.optimize.robust import robust_levels

SCENARIOS = 64


def _expected(effort: Effort) -> Task:
    """Every plan computed, over all scenarios and over one; means from half to double."""
    shares = np.linspace(0.5, 2.0, 4 if effort.small else SCENARIOS)
    problems = [prepare(long_menus(4 if effort.small else 1, float(share))) for share in shares]
    for problem in problems:
        for _ in problem.blocks():
            pass  # what is cached in both
    even = [1.0 / len(problems)] * len(problems)
    return Task(
        lambda: robust_levels(problems, even, bound=False),
        lambda: best_levels(problems[0], bound=False),
    )


WORKS = (Work("expected cost of 64 scenarios over one", "x", 3.0, _expected),)
