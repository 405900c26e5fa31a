r"""The coverage problem as a log-linearised MILP, solved by SCIP through OR-Tools.

For one trunk combination every plan picks an entry of each leaf's menu, Σ_m x_im = 1, x binary. The
logarithm of each term of J and ln Q are linear in x, so with l_k that logarithm and s_k the term,

    min Σ_k s_k    s.t.  s_k ≥ e^a·(1 + l_k − a)  for tangent points a,     Σ ln Q·x ≥ limit .

The exponential is convex: its tangents bound it from below, so the MILP's value is a lower bound
on J. Where its plan costs more, tangents are added at that plan, until bound and plan agree to
1e-6. The trunk combinations are taken one after the other, each only as far as it may still be
better than the best plan found.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from ortools.linear_solver import pywraplp

from bench.peers.coverage_problem import Tables

GAP = 1e-6
_FIRST = 6  # tangents of each term to begin with, over the range of its logarithm


@dataclass(frozen=True)
class Solved:
    """The best plan: cost, lower bound, how many MILPs were solved."""

    value_usd: float
    bound_usd: float
    programmes: int


class _Trunk:
    """One trunk combination as a MILP."""

    def __init__(self, known: Tables, trunk: int) -> None:
        self.known, self.trunk = known, trunk
        self.model = pywraplp.Solver.CreateSolver("SCIP")
        self.model.SetNumThreads(1)
        model = self.model
        self.x = [
            [model.BoolVar(f"x{i}_{m}") for m in range(q.shape[1])]
            for i, q in enumerate(known.log_q)
        ]
        for row in self.x:
            model.Add(sum(row) == 1)
        log_q = sum(
            float(q[trunk, m]) * x
            for q, row in zip(known.log_q, self.x, strict=True)
            for m, x in enumerate(row)
        )
        model.Add(log_q >= known.log_q_least - float(known.log_q_trunk[trunk]))
        self.logs, self.costs = [], []
        for number, (base, parts) in enumerate(known.terms(trunk)):
            low = base + sum(float(part.min()) for part in parts)
            high = base + sum(float(part.max()) for part in parts)
            log = model.NumVar(low, high, f"l{number}")
            cost = model.NumVar(0.0, math.exp(high), f"s{number}")
            model.Add(
                log
                == base
                + sum(
                    float(value) * x
                    for part, row in zip(parts, self.x, strict=True)
                    for value, x in zip(part, row, strict=True)
                )
            )
            self.logs.append(log)
            self.costs.append(cost)
            for at in np.linspace(low, high, _FIRST):
                self.cut(number, float(at))
        model.Minimize(sum(self.costs))

    def cut(self, number: int, at: float) -> None:
        """Add the tangent of a term at a logarithm."""
        slope = math.exp(at)
        self.model.Add(self.costs[number] >= slope * (1.0 - at) + slope * self.logs[number])

    def solve(self, known_usd: float) -> tuple[float, float, int]:
        """Return (best J found, lower bound, programmes); stops when nothing is better."""
        best, solved = math.inf, 0
        options = pywraplp.MPSolverParameters()
        options.SetDoubleParam(options.RELATIVE_MIP_GAP, GAP / 10)
        while True:
            solved += 1
            if self.model.Solve(options) != pywraplp.Solver.OPTIMAL:
                return best, math.inf, solved  # no plan holds the limit
            bound = self.model.Objective().BestBound()
            picks = [
                np.array([max(range(len(row)), key=lambda m: row[m].solution_value())])
                for row in self.x
            ]
            logs = [log.solution_value() for log in self.logs]
            cost, _ = self.known.evaluate(np.array([self.trunk]), picks)
            best = min(best, float(cost[0]))
            if bound >= min(best, known_usd) * (1.0 - GAP):
                return best, bound, solved
            for number, at in enumerate(logs):
                self.cut(number, at)


def solve(known: Tables) -> Solved:
    """Solve the whole problem: every trunk combination, to a gap of 1e-6."""
    best, lower, solved = math.inf, math.inf, 0
    for trunk in range(len(known.log_q_trunk)):
        value, bound, count = _Trunk(known, trunk).solve(best)
        best, solved = min(best, value), solved + count
        lower = min(lower, bound)
    return Solved(best, min(lower, best), solved)
