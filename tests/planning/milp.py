"""A small mixed-integer programme, by SCIP (OR-Tools).

Once the integers are known they are fixed and the linear rest is solved again, so that the optimum
does not carry the rounding of binaries times large coefficients.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from ortools.linear_solver import pywraplp

USD = 1e-3  # the solvers see thousands of dollars: their tolerances are absolute
_SCIP = """limits/gap = 1e-9
limits/absgap = 1e-9
numerics/feastol = 1e-9
numerics/dualfeastol = 1e-9
"""


@dataclass
class Milp:
    """min cost·x + constant, rows low <= a·x <= high, x >= 0."""

    cost: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    whole: list[bool] = field(default_factory=list)
    rows: list[tuple[dict[int, float], float, float]] = field(default_factory=list)
    constant: float = 0.0

    def add(self, cost: float = 0.0, upper: float = math.inf, whole: bool = False) -> int:
        """Add a variable; return its index."""
        self.cost.append(cost)
        self.upper.append(upper)
        self.whole.append(whole)
        return len(self.cost) - 1

    def row(
        self, terms: Mapping[int, float], low: float = -math.inf, high: float = math.inf
    ) -> None:
        """Add a row."""
        self.rows.append((dict(terms), low, high))

    def solve(self) -> tuple[float, list[float]] | None:
        """Return the optimum and a plan; ``None``: infeasible."""
        first = self._run({})
        if first is None or not any(self.whole):
            return first
        fixed = {at: round(first[1][at]) for at, whole in enumerate(self.whole) if whole}
        rest = self._run(fixed)
        assert rest is not None, "the integers found leave no plan"
        assert math.isclose(rest[0], first[0], rel_tol=1e-6, abs_tol=1.0), (rest[0], first[0])
        return rest

    def _run(self, fixed: Mapping[int, int]) -> tuple[float, list[float]] | None:
        solver = pywraplp.Solver.CreateSolver("SCIP")
        assert solver.SetSolverSpecificParametersAsString(_SCIP)
        solver.SuppressOutput()
        goal = solver.Objective()
        held = []
        for at, (cost, upper, whole) in enumerate(
            zip(self.cost, self.upper, self.whole, strict=True)
        ):
            low, high = (fixed[at], fixed[at]) if at in fixed else (0.0, min(upper, 1e20))
            held.append(solver.Var(low, high, whole and at not in fixed, f"x{at}"))
            goal.SetCoefficient(held[-1], cost * USD)
        goal.SetMinimization()
        for terms, low, high in self.rows:
            row = solver.Constraint(max(low, -1e20), min(high, 1e20))
            for at, value in terms.items():
                row.SetCoefficient(held[at], value)
        status = solver.Solve()
        if status == pywraplp.Solver.INFEASIBLE:
            return None
        assert status == pywraplp.Solver.OPTIMAL, status
        found = [x.solution_value() for x in held]
        return math.fsum(
            c * x for c, x in zip(self.cost, found, strict=True)
        ) + self.constant, found
