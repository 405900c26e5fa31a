"""HiGHS through arrays."""

from __future__ import annotations

import highspy
import numpy as np

from yieldopt.errors import SolverError
from yieldopt.optimize.backends import LinearProgram, LpAnswer, quiet


def solve(lp: LinearProgram) -> LpAnswer:
    """Solve with HiGHS (dual simplex); ``SolverError`` unless it ends optimal."""
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = len(lp.cost), len(lp.row_lower)
    model.col_cost_ = lp.cost
    model.col_lower_ = np.zeros(len(lp.cost))
    model.col_upper_ = np.full(len(lp.cost), highspy.kHighsInf)
    model.row_lower_ = np.maximum(lp.row_lower, -highspy.kHighsInf)
    model.row_upper_ = np.minimum(lp.row_upper, highspy.kHighsInf)
    order = np.lexsort((lp.rows, lp.columns))
    starts = np.searchsorted(lp.columns[order], np.arange(len(lp.cost) + 1))
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_ = starts.astype(np.int32)
    model.a_matrix_.index_ = lp.rows[order].astype(np.int32)
    model.a_matrix_.value_ = lp.values[order]
    with quiet():  # its constructor prints a banner
        highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    for option in ("primal_feasibility_tolerance", "dual_feasibility_tolerance"):
        highs.setOptionValue(option, 1e-9)
    highs.passModel(model)
    highs.run()
    status = highs.getModelStatus()
    if status != highspy.HighsModelStatus.kOptimal:
        raise SolverError(f"HiGHS ended with {highs.modelStatusToString(status)}")
    answer = highs.getSolution()
    objective = float(highs.getInfo().objective_function_value)
    return LpAnswer(objective, np.array(answer.col_value), np.array(answer.row_dual))
