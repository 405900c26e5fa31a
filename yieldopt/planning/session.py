"""A linear programme that grows: columns are added, bounds and costs change, it is solved again.

HiGHS keeps its basis from one solve to the next; every other backend gets the whole programme
anew each time.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from yieldopt.optimize.backends import (
    Array,
    Index,
    Infeasible,
    LinearProgram,
    LpAnswer,
    backend,
)
from yieldopt.optimize.backends.highs_session import HighsSession


class Session(Protocol):
    """What the planner needs of a solver."""

    def add(self, cost: Array, rows: Index, columns: Index, values: Array) -> None:
        """Add columns x ≥ 0; ``columns`` counts from the first new one."""

    def bound(self, columns: Index, lower: Array, upper: Array) -> None:
        """Set bounds of columns."""

    def price(self, cost: Array) -> None:
        """Set the cost of every column."""

    def solve(self) -> LpAnswer | None:
        """Return the optimum, or ``None`` where nothing is feasible."""


class WholeSession:
    """A session over any backend: the programme is built anew at each solve."""

    def __init__(self, row_lower: Array, row_upper: Array, solver: str) -> None:
        self.row_lower, self.row_upper = row_lower, row_upper
        self.run = backend(solver)
        self.cost = np.empty(0)
        self.lower, self.upper = np.empty(0), np.empty(0)
        self.rows, self.columns = np.empty(0, np.intp), np.empty(0, np.intp)
        self.values = np.empty(0)

    def add(self, cost: Array, rows: Index, columns: Index, values: Array) -> None:
        """Add columns x ≥ 0."""
        self.rows = np.concatenate([self.rows, rows])
        self.columns = np.concatenate([self.columns, columns + len(self.cost)])
        self.values = np.concatenate([self.values, values])
        self.cost = np.concatenate([self.cost, cost])
        self.lower = np.concatenate([self.lower, np.zeros(len(cost))])
        self.upper = np.concatenate([self.upper, np.full(len(cost), np.inf)])

    def bound(self, columns: Index, lower: Array, upper: Array) -> None:
        """Set bounds of columns."""
        self.lower, self.upper = self.lower.copy(), self.upper.copy()
        self.lower[columns], self.upper[columns] = lower, upper

    def price(self, cost: Array) -> None:
        """Set the cost of every column."""
        self.cost = cost

    def solve(self) -> LpAnswer | None:
        """Return the optimum, or ``None`` where nothing is feasible."""
        try:
            return self.run(self.program())
        except Infeasible:
            return None

    def program(self) -> LinearProgram:
        """Return the programme as it stands, with plain names."""
        names = tuple(f"r{i}" for i in range(len(self.row_lower)))
        columns = tuple(f"x{i}" for i in range(len(self.cost)))
        return LinearProgram(
            self.cost,
            self.rows,
            self.columns,
            self.values,
            self.row_lower,
            self.row_upper,
            names,
            columns,
            self.lower,
            self.upper,
        )


def session(row_lower: Array, row_upper: Array, solver: str) -> Session:
    """Begin a programme of rows without columns."""
    if solver == "highs":
        return HighsSession(row_lower, row_upper)
    return WholeSession(row_lower, row_upper, solver)
