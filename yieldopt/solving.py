"""A case solved: routes weighed, levels chosen, capacity shared out."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from threading import Event

from yieldopt.errors import CaseError, Fault
from yieldopt.optimize.backends import LinearProgram
from yieldopt.optimize.budget import Budget
from yieldopt.plan import Result
from yieldopt.planning.generation import Progress
from yieldopt.planning.planner import plan
from yieldopt.schema.case import Case


@dataclass(frozen=True)
class Solved:
    """A result with the programme behind it (for ``.lp`` and ``.mps`` files)."""

    result: Result
    program: LinearProgram | None


def solve(
    case: Case,
    *,
    solver: str = "highs",
    time_limit_s: float | None = None,
    gap: float = 0.0,
) -> Result:
    """Solve a case: route, levels and allocation of every product, with the proof.

    Parameters
    ----------
    case
        From :func:`yieldopt.load`.
    solver
        LP backend: ``"highs"``, ``"ortools"``, ``"pulp"`` or ``"pulp:SOLVER"``.
    time_limit_s
        Seconds for all searches of the case; then the best plan found is the answer, ``feasible``
        with its true gap, or ``unknown`` where none was found for a product that must be made;
        the others then have their best plan by themselves. Left out: no limit, and 120 s for one
        search. A step that is running ends first.
    gap
        Relative gap at which the search over whole decisions (lines entered, lumps, lots, single
        programmes) may stop; 0: at the proof.

    Returns
    -------
    Result
        Infeasible problems too: ``status`` says so and ``binding`` what binds.

    Raises
    ------
    UnknownName, CaseError, SolverError
        No such backend; a time limit that is not above 0, or a gap below 0; the backend failed.

    Examples
    --------
    >>> from yieldopt import load
    >>> result = solve(load("minimal"))
    >>> str(result.status), round(result.gap, 9)
    ('optimal', 0.0)
    """
    return solve_whole(case, solver, time_limit_s, gap).result


def solve_whole(
    case: Case,
    solver: str = "highs",
    time_limit_s: float | None = None,
    gap: float = 0.0,
    progress: Progress | None = None,
    stop: Event | None = None,
) -> Solved:
    """Like :func:`solve`, and return the last programme as well.

    ``progress`` sees each round; once ``stop`` is set the best plan found is the answer.
    """
    if not isinstance(case, Case):
        raise TypeError(f"solve takes a Case, as load(path) gives it, not {type(case).__name__}")
    if not 0.0 <= gap < math.inf:
        raise CaseError(Fault("must be at least 0, and finite", "gap", gap))
    start = time.perf_counter()
    found = plan(case, solver, Budget.of(time_limit_s, stop), gap, progress)
    result = replace(found.result, runtime_s=time.perf_counter() - start)
    return Solved(result, found.program)
