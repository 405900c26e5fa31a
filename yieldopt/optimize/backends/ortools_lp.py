"""OR-Tools GLOP, a simplex code independent of HiGHS."""

from __future__ import annotations

import numpy as np
from ortools.linear_solver import linear_solver_pb2, pywraplp

from yieldopt.errors import SolverError
from yieldopt.optimize.backends import LinearProgram, LpAnswer


def solve(lp: LinearProgram) -> LpAnswer:
    """Solve with GLOP; ``SolverError`` unless it ends optimal."""
    model = linear_solver_pb2.MPModelProto(maximize=False)
    for cost in lp.cost:
        model.variable.add(lower_bound=0.0, objective_coefficient=float(cost))
    order = np.argsort(lp.rows, kind="stable")
    starts = np.searchsorted(lp.rows[order], np.arange(len(lp.row_lower) + 1))
    for row, (low, high) in enumerate(zip(lp.row_lower, lp.row_upper, strict=True)):
        mine = order[starts[row] : starts[row + 1]]
        model.constraint.add(
            lower_bound=float(low),
            upper_bound=float(high),
            var_index=[int(c) for c in lp.columns[mine]],
            coefficient=[float(v) for v in lp.values[mine]],
        )
    solver = pywraplp.Solver.CreateSolver("GLOP")
    if solver is None:
        raise SolverError("OR-Tools offers no GLOP here")
    solver.LoadModelFromProto(model)
    parameters = pywraplp.MPSolverParameters()
    parameters.SetDoubleParam(parameters.PRIMAL_TOLERANCE, 1e-9)
    parameters.SetDoubleParam(parameters.DUAL_TOLERANCE, 1e-9)
    if solver.Solve(parameters) != pywraplp.Solver.OPTIMAL:
        raise SolverError("GLOP found no optimum")
    x = np.array([variable.solution_value() for variable in solver.variables()])
    duals = np.array([constraint.dual_value() for constraint in solver.constraints()])
    return LpAnswer(float(solver.Objective().Value()), x, duals)
