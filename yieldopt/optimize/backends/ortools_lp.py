"""OR-Tools: GLOP, and SCIP for whole numbers; codes independent of HiGHS."""

from __future__ import annotations

import numpy as np
from ortools.linear_solver import linear_solver_pb2, pywraplp

from yieldopt.errors import SolverError
from yieldopt.optimize.backends import Infeasible, LinearProgram, LpAnswer


def solve(lp: LinearProgram, time_limit_s: float | None = None, gap: float = 1e-9) -> LpAnswer:
    """Solve with GLOP or SCIP; ``SolverError`` unless optimal, or with a plan at the limit."""
    name = "SCIP" if lp.whole.any() else "GLOP"
    solver = pywraplp.Solver.CreateSolver(name)
    if solver is None:
        raise SolverError(f"OR-Tools offers no {name} here")
    if refused := solver.LoadModelFromProto(_model(lp)):
        raise SolverError(f"OR-Tools refuses the programme: {refused}")
    parameters = pywraplp.MPSolverParameters()
    if name == "GLOP":  # SCIP gives up where amounts differ by much more than it can hold apart
        parameters.SetDoubleParam(parameters.PRIMAL_TOLERANCE, 1e-9)
        parameters.SetDoubleParam(parameters.DUAL_TOLERANCE, 1e-9)
    parameters.SetDoubleParam(parameters.RELATIVE_MIP_GAP, gap)
    if time_limit_s is not None and lp.whole.any():
        solver.set_time_limit(max(1, int(1e3 * time_limit_s)))
    ended = solver.Solve(parameters)
    if ended == pywraplp.Solver.INFEASIBLE:
        raise Infeasible(f"{name}: nothing is feasible")
    if ended not in (pywraplp.Solver.OPTIMAL, pywraplp.Solver.FEASIBLE):
        raise SolverError(f"{name} found no optimum")
    x = np.array([variable.solution_value() for variable in solver.variables()])
    objective = float(solver.Objective().Value())
    if lp.whole.any():
        bound = float(solver.Objective().BestBound())
        return LpAnswer(objective, x, np.zeros(len(lp.row_lower)), bound)
    duals = np.array([constraint.dual_value() for constraint in solver.constraints()])
    return LpAnswer(objective, x, duals, objective)


def _model(lp: LinearProgram) -> linear_solver_pb2.MPModelProto:
    model = linear_solver_pb2.MPModelProto(maximize=False)
    for cost, low, high, whole in zip(lp.cost, *lp.bounds, lp.whole, strict=True):
        model.variable.add(
            lower_bound=float(low),
            upper_bound=float(high),
            objective_coefficient=float(cost),
            is_integer=bool(whole),
        )
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
    return model
