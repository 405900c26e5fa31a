"""Programmes of far more columns than rows: solved over few columns, the others priced.

The optimum over some columns is that over all if no other has a negative reduced cost c − A′y. The
wanted ones are added, the best of each row first, until there are none (Bixby et al. 1992, the
method called sifting). Exact: the answer is the simplex code's own, with its tolerances.
"""

from __future__ import annotations

import numpy as np

from yieldopt.errors import SolverError
from yieldopt.optimize.backends import Array, Index, Infeasible, LinearProgram, LpAnswer
from yieldopt.optimize.backends.highs_session import HighsSession

_WIDE, _MANY = 20, 50_000  # columns to a row, and columns, from which it pays
_TOLERANCE = 1e-9  # of a reduced cost, against the largest term that it is the sum of
_A_ROW = 3  # columns added for each row in a round, by the first row of a column
_ROUNDS = 1000


def is_wide(lp: LinearProgram) -> bool:
    """Whether a programme has far more columns than rows, all x ≥ 0, and no whole numbers."""
    count, rows = len(lp.cost), len(lp.row_lower)
    plain = lp.lower is None and lp.upper is None and lp.integral is None
    return plain and count >= _MANY and count >= _WIDE * rows


def solve(lp: LinearProgram) -> LpAnswer:
    """Solve a wide programme.

    Raises
    ------
    SolverError, Infeasible
        As the backend; nothing keeps all rows.
    """
    sifted = _Sifted(lp)
    count, rows = len(lp.cost), len(lp.row_lower)
    short = sifted.run(np.zeros(count), np.ones(2 * rows))
    scale = max(1.0, *(float(np.abs(b[np.isfinite(b)]).max(initial=0.0)) for b in sifted.bounds))
    if short.objective > 1e-9 * scale * rows:
        raise Infeasible("sifting: nothing is feasible")
    sifted.close()
    found = sifted.run(lp.cost, np.zeros(2 * rows))
    x = np.zeros(count)
    x[sifted.chosen] = found.x[2 * rows :]
    return LpAnswer(found.objective, x, found.duals, found.objective)


class _Sifted:
    """A programme by columns, and the session that holds those chosen so far."""

    def __init__(self, lp: LinearProgram) -> None:
        count, rows = len(lp.cost), len(lp.row_lower)
        order = np.argsort(lp.columns, kind="stable")
        self.row, self.value = lp.rows[order], lp.values[order]
        columns = lp.columns[order]
        self.start = np.searchsorted(columns, np.arange(count + 1))
        filled = np.diff(self.start) > 0
        self.filled = np.flatnonzero(filled)
        self.group = np.zeros(count, np.intp)
        self.group[self.filled] = self.row[self.start[:-1][filled]]
        self.bounds = (lp.row_lower, lp.row_upper)
        self.session = HighsSession(*self.bounds)
        ones, every = np.ones(rows), np.arange(rows)
        signs, both = np.concatenate([ones, -ones]), np.concatenate([every, every])
        self.session.add(np.zeros(2 * rows), both, np.arange(2 * rows), signs)
        self.chosen = np.empty(0, np.intp)
        self.is_in = np.zeros(count, bool)

    def run(self, cost: Array, artificial: Array) -> LpAnswer:
        """Solve at the costs of all columns and of the artificial ones."""
        self.session.price(np.concatenate([artificial, cost[self.chosen]]))
        for _ in range(_ROUNDS):
            found = self.session.solve()
            if found is None:
                raise Infeasible("sifting: nothing is feasible")
            wanted = self._wanted(cost, found.duals)
            if not len(wanted):
                return found
            self._add(cost, wanted)
        raise SolverError(f"sifting: not done after {_ROUNDS} rounds")

    def close(self) -> None:
        """Close the artificial columns."""
        count = 2 * len(self.bounds[0])
        self.session.bound(np.arange(count), np.zeros(count), np.zeros(count))

    def _wanted(self, cost: Array, duals: Array) -> Index:
        """Return columns to add: the best of each row, and the best of all."""
        terms = self.value * duals[self.row]
        reduced, size = cost.copy(), np.abs(cost)
        starts = self.start[self.filled]
        if len(starts):
            reduced[self.filled] -= np.add.reduceat(terms, starts)
            largest = np.maximum.reduceat(np.abs(terms), starts)
            size[self.filled] = np.maximum(size[self.filled], largest)
        reduced[self.is_in] = np.inf
        bad = np.flatnonzero(reduced < -_TOLERANCE * np.maximum(size, 1e-6))
        bad = bad[np.lexsort((reduced[bad], self.group[bad]))]
        first = np.diff(self.group[bad], prepend=-1) != 0
        place = np.arange(len(bad)) - np.maximum.accumulate(np.where(first, np.arange(len(bad)), 0))
        return bad[place < _A_ROW]

    def _add(self, cost: Array, wanted: Index) -> None:
        counts = self.start[wanted + 1] - self.start[wanted]
        owner = np.repeat(np.arange(len(wanted)), counts)
        place = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
        entry = self.start[wanted][owner] + place
        self.session.add(cost[wanted], self.row[entry], owner, self.value[entry])
        self.chosen = np.concatenate([self.chosen, wanted])
        self.is_in[wanted] = True
