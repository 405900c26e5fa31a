"""Workloads of the search: enumeration, pruning, the whole call, new prices."""

from __future__ import annotations

import math
from collections.abc import Callable

from yieldopt.benchmark.kernel import product
from yieldopt.benchmark.problems import (
    LARGE_DPPM,
    STACK_DPPM,
    b200_case,
    b200_levels,
    four_dies_six_tests,
    long_menus,
)
from yieldopt.benchmark.work import Effort, Task, Work
from yieldopt.compile import compile_template
from yieldopt.optimize.coverage import Found, best_levels
from yieldopt.optimize.problem import Problem, prepare
from yieldopt.schema.case import Case
from yieldopt.template import Template

ROUTE = "cowos_l"
_SCARCE = "wafer.rdl_interposer"


def b200_template(case: Case) -> Template:
    """Compile the B200-class product on the route that carries it."""
    return compile_template(case, case.products[0], case.library.routes[ROUTE])


def solved(template: Template, dppm_limit: float | None) -> Found:
    """Prepare and search, as one call does; the plan must exist."""
    found = best_levels(prepare(template), dppm_limit=dppm_limit)
    if found.levels is None:
        raise RuntimeError(f"no plan of the workload holds {dppm_limit} DPPM: it measures nothing")
    return found


def _stack(effort: Effort) -> Task:
    template = four_dies_six_tests(3 if effort.small else 6)
    limit = 200_000.0 if effort.small else STACK_DPPM
    return Task(lambda: solved(template, limit))


def _long(limit: float | None, *, bare: bool = False) -> Callable[[Effort], Task]:
    """Every plan computed: the bound is off, and what prices do not change is cached."""

    def ready(effort: Effort) -> Task:
        problem = prepare(long_menus(4 if effort.small else 1))
        rows, columns = halves(problem)
        against = product(rows, columns, 4, problem.trunk_count) if bare else None
        for _ in problem.blocks():
            pass
        return Task(lambda: _all_plans(problem, limit), against, problem.combinations)

    return ready


def halves(problem: Problem) -> tuple[int, int]:
    """Return plans of the two halves of the leaves of ``long_menus``: (gpu, io) and the others."""
    sizes = [len(leaf.cost) for leaf in problem.leaves]
    return math.prod(sizes[:2]), math.prod(sizes[2:])


def _all_plans(problem: Problem, limit: float | None) -> None:
    found = best_levels(problem, dppm_limit=limit, bound=False)
    if found.levels is None or found.proof.enumerated != problem.combinations:
        raise RuntimeError("the workload must compute every plan and find one")


def _b200(effort: Effort) -> Task:
    case = b200_levels(4 if effort.small else 12)
    limit = case.products[0].dppm_limit
    return Task(lambda: solved(b200_template(case), limit))


def _repriced(levels: int | None) -> Callable[[Effort], Task]:
    def ready(effort: Effort) -> Task:
        case = b200_case() if levels is None else b200_levels(4 if effort.small else levels)
        problem = prepare(b200_template(case))
        limit = case.products[0].dppm_limit
        best_levels(problem, dppm_limit=limit)
        prices = iter(range(1, 10**9))  # never the same twice

        def run() -> None:
            best_levels(problem, {_SCARCE: 400.0 + 1e-3 * next(prices)}, dppm_limit=limit)

        return Task(run)

    return ready


WORKS = (
    Work("4 dies x 6 tests, all 1.3e8 flows, whole call", "ms", 50.0, _stack),
    Work("1.4e8 combinations, each", "ns", 2.0, _long(None)),
    Work("1.4e8 combinations over bare product and argmin", "x", 1.5, _long(None, bare=True)),
    Work("1.4e8 combinations with DPPM limit, each", "ns", 3.0, _long(LARGE_DPPM)),
    Work("B200-class 7 x 12 levels, DPPM limit, compile too", "ms", 60.0, _b200),
    Work("re-pricing, B200-class, its own levels", "ms", 5.0, _repriced(None)),
    Work("re-pricing, B200-class 7 x 12 levels", "ms", 5.0, _repriced(12)),
)
