"""HiGHS through arrays."""

from __future__ import annotations

from typing import Any

import highspy
import numpy as np

from yieldopt.errors import SolverError
from yieldopt.optimize.backends import Infeasible, LinearProgram, LpAnswer, quiet

INFINITE = float(highspy.kHighsInf)
_NONE = (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible)


def quiet_highs() -> Any:
    """Return HiGHS, silent, with the tolerances of all our programmes."""
    with quiet():  # its constructor prints a banner
        highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    for option in ("primal_feasibility_tolerance", "dual_feasibility_tolerance"):
        highs.setOptionValue(option, 1e-9)
    return highs


def check(status: Any) -> None:
    """Raise ``SolverError`` where HiGHS refuses what it was given."""
    if status == highspy.HighsStatus.kError:
        raise SolverError("HiGHS refuses the programme")


def ended(highs: Any) -> bool:
    """Whether it ended with an optimum; ``Infeasible`` where nothing is feasible."""
    status = highs.getModelStatus()
    if status in _NONE:
        raise Infeasible("HiGHS: nothing is feasible")
    return bool(status == highspy.HighsModelStatus.kOptimal)


def solve(lp: LinearProgram, time_limit_s: float | None = None, gap: float = 1e-9) -> LpAnswer:
    """Solve with HiGHS; ``SolverError`` unless it ends optimal, or with a plan at the limit.

    Far more columns than rows are sifted.
    """
    from yieldopt.optimize.backends import sifting

    if sifting.is_wide(lp):
        return sifting.solve(lp)
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = len(lp.cost), len(lp.row_lower)
    model.col_cost_ = lp.cost
    lower, upper = lp.bounds
    model.col_lower_ = lower
    model.col_upper_ = np.minimum(upper, highspy.kHighsInf)
    model.row_lower_ = np.maximum(lp.row_lower, -highspy.kHighsInf)
    model.row_upper_ = np.minimum(lp.row_upper, highspy.kHighsInf)
    order = np.lexsort((lp.rows, lp.columns))
    starts = np.searchsorted(lp.columns[order], np.arange(len(lp.cost) + 1))
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_ = starts.astype(np.int32)
    model.a_matrix_.index_ = lp.rows[order].astype(np.int32)
    model.a_matrix_.value_ = lp.values[order]
    highs = quiet_highs()
    if lp.whole.any():
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        model.integrality_ = [kinds[int(whole)] for whole in lp.whole]
        highs.setOptionValue("mip_rel_gap", gap)
        if time_limit_s is not None:
            highs.setOptionValue("time_limit", time_limit_s)
    check(highs.passModel(model))
    highs.run()
    optimal, status = ended(highs), highs.getModelStatus()
    late = status == highspy.HighsModelStatus.kTimeLimit and highs.getSolution().value_valid
    if not optimal and not late:
        raise SolverError(f"HiGHS ended with {highs.modelStatusToString(status)}")
    answer = highs.getSolution()
    info = highs.getInfo()
    objective = float(info.objective_function_value)
    x, duals = np.array(answer.col_value), np.array(answer.row_dual)
    if lp.whole.any():
        return LpAnswer(objective, x, np.zeros(len(lp.row_lower)), float(info.mip_dual_bound))
    return LpAnswer(objective, x, duals, objective)
