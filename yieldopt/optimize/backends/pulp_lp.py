"""PuLP: any solver that the user has; also writes the programme as .lp or .mps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pulp

from yieldopt.errors import SolverError
from yieldopt.optimize.backends import Infeasible, LinearProgram, LpAnswer, quiet


def solve(
    lp: LinearProgram,
    time_limit_s: float | None = None,
    gap: float = 1e-9,
    *,
    solver: str = "HiGHS",
) -> LpAnswer:
    """Solve through PuLP; ``SolverError`` if the solver is absent or finds no optimum.

    ``gap`` is for whole numbers; not every solver under PuLP knows it, so each keeps its own.
    """
    if solver not in pulp.listSolvers(onlyAvailable=True):
        known = ", ".join(pulp.listSolvers(onlyAvailable=True))
        raise SolverError(f"PuLP finds no solver {solver!r} here; available: {known}")
    problem, variables = _problem(lp)
    with quiet():
        ended = problem.solve(pulp.getSolver(solver, msg=False, timeLimit=time_limit_s))
    status = getattr(ended, "status", ended)  # PuLP 3 returns the number, PuLP 4 an object
    if int(getattr(status, "value", status)) == -1:
        raise Infeasible(f"PuLP's {solver}: nothing is feasible")
    if int(getattr(status, "value", status)) != 1:
        raise SolverError(f"PuLP's {solver} ended with status {status}")
    x = np.array([variable.value() or 0.0 for variable in variables])
    if lp.whole.any():  # PuLP tells no bound
        return LpAnswer(float(lp.cost @ x), x, np.zeros(len(lp.row_lower)))
    found = {constraint.name: constraint.pi for constraint in _constraints(problem)}
    duals = np.array([_dual(found, row) for row in range(len(lp.row_lower))])
    return LpAnswer(float(lp.cost @ x), x, duals, float(lp.cost @ x))


def write(lp: LinearProgram, path: Path) -> None:
    """Write the programme as .lp or .mps, by the suffix."""
    problem, _ = _problem(lp)
    if path.suffix == ".mps":
        problem.writeMPS(str(path))
    else:
        problem.writeLP(str(path))


def _problem(lp: LinearProgram) -> tuple[Any, list[Any]]:
    problem = pulp.LpProblem("allocation", pulp.LpMinimize)
    variables = [
        problem.add_variable(
            f"x{i}",
            float(low),
            float(high) if np.isfinite(high) else None,
            "Integer" if whole else "Continuous",
        )
        for i, (low, high, whole) in enumerate(zip(*lp.bounds, lp.whole, strict=True))
    ]
    problem += pulp.lpSum(float(c) * v for c, v in zip(lp.cost, variables, strict=True)), "cost"
    order = np.argsort(lp.rows, kind="stable")
    starts = np.searchsorted(lp.rows[order], np.arange(len(lp.row_lower) + 1))
    for row, (low, high) in enumerate(zip(lp.row_lower, lp.row_upper, strict=True)):
        mine = order[starts[row] : starts[row + 1]]
        pairs = zip(lp.values[mine], lp.columns[mine], strict=True)
        total = pulp.lpSum(float(value) * variables[column] for value, column in pairs)
        if low == high:
            problem += total == float(low), f"r{row}"
        else:
            if np.isfinite(high):
                problem += total <= float(high), f"r{row}"
            if np.isfinite(low):
                problem += total >= float(low), f"r{row}_least"
    return problem, variables


def _constraints(problem: Any) -> list[Any]:
    held = problem.constraints
    held = held() if callable(held) else held
    return list(held.values()) if hasattr(held, "values") else list(held)


def _dual(found: dict[str, Any], row: int) -> float:
    both = (found.get(f"r{row}"), found.get(f"r{row}_least"))
    return sum(float(value) for value in both if value is not None)
