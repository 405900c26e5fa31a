"""HiGHS kept from one solve to the next: it starts from the last basis."""

from __future__ import annotations

import numpy as np

from yieldopt.errors import SolverError
from yieldopt.optimize.backends import Array, Index, Infeasible, LpAnswer
from yieldopt.optimize.backends.highs_lp import INFINITE, check, ended, quiet_highs

_DUAL, _PRIMAL = 1, 4  # HiGHS's numbers of its simplex methods
_SCALED, _UNSCALED = 2, 0  # and of how it scales: its own choice (the default), and not at all
# From the last basis, anew, anew by the primal simplex, and not scaled by both: where what is
# optimal scaled breaks rows as they are, HiGHS does not know.
_ATTEMPTS = (
    (_DUAL, _SCALED),
    (_DUAL, _SCALED),
    (_PRIMAL, _SCALED),
    (_DUAL, _UNSCALED),
    (_PRIMAL, _UNSCALED),
)


class HighsSession:
    """A programme ``row_lower ≤ A·x ≤ row_upper`` that grows by columns."""

    def __init__(self, row_lower: Array, row_upper: Array) -> None:
        self.highs = quiet_highs()
        lower = np.maximum(row_lower, -INFINITE)
        upper = np.minimum(row_upper, INFINITE)
        none = np.empty(0, np.int32)
        starts = np.zeros(len(lower), np.int32)
        check(self.highs.addRows(len(lower), lower, upper, 0, starts, none, np.empty(0)))
        self.count = 0

    def add(self, cost: Array, rows: Index, columns: Index, values: Array) -> None:
        """Add columns x ≥ 0; ``columns`` counts from the first new one."""
        count = len(cost)
        order = np.argsort(columns, kind="stable")
        starts = np.searchsorted(columns[order], np.arange(count)).astype(np.int32)
        index = rows[order].astype(np.int32)
        upper = np.full(count, INFINITE)
        done = self.highs.addCols(
            count, cost, np.zeros(count), upper, len(index), starts, index, values[order]
        )
        check(done)
        self.count += count

    def bound(self, columns: Index, lower: Array, upper: Array) -> None:
        """Set bounds of columns."""
        most = np.minimum(upper, INFINITE)
        if len(columns):
            own = columns.astype(np.int32)
            check(self.highs.changeColsBounds(len(columns), own, lower, most))

    def price(self, cost: Array) -> None:
        """Set the cost of every column."""
        every = np.arange(self.count, dtype=np.int32)
        check(self.highs.changeColsCost(self.count, every, cost))

    def solve(self) -> LpAnswer | None:
        """Return the optimum, or ``None`` where nothing is feasible.

        Raises
        ------
        SolverError
            It ends otherwise, also when begun anew with either simplex method, or not scaled.
        """
        for attempt, (strategy, scaling) in enumerate(_ATTEMPTS):
            if attempt:
                self.highs.clearSolver()
            self.highs.setOptionValue("simplex_strategy", strategy)
            self.highs.setOptionValue("simplex_scale_strategy", scaling)
            self.highs.run()
            try:
                if ended(self.highs):
                    answer = self.highs.getSolution()
                    value = float(self.highs.getInfo().objective_function_value)
                    x, duals = np.array(answer.col_value), np.array(answer.row_dual)
                    return LpAnswer(value, x, duals, value)
            except Infeasible:
                if attempt:
                    return None
        status = self.highs.modelStatusToString(self.highs.getModelStatus())
        raise SolverError(f"HiGHS ended with {status}")
