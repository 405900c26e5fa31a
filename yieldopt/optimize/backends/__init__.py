"""Linear programmes and the solvers that take them, behind one small interface.

A backend is a function ``solve(lp) -> LpAnswer`` in a module of its own; adding one is adding a
file and a line of :data:`BACKENDS`. Every programme is a minimisation over x ≥ 0, or within the
bounds that it gives.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from yieldopt.errors import Fault, SolverError, UnknownName, near_miss

Array = NDArray[np.float64]
Index = NDArray[np.intp]
BACKENDS = ("highs", "ortools", "pulp")


@dataclass(frozen=True)
class LinearProgram:
    """min cost·x with row_lower ≤ A·x ≤ row_upper and lower ≤ x ≤ upper.

    Parameters
    ----------
    cost
        (n,) objective.
    rows, columns, values
        The nonzeros of A, each (nz,).
    row_lower, row_upper
        (m,) with ±inf where there is no bound.
    row_names, column_names
        For written files.
    lower, upper, integral
        (n,) bounds of the columns, and which take whole numbers only; absent: x ≥ 0, none.
    """

    cost: Array
    rows: Index
    columns: Index
    values: Array
    row_lower: Array
    row_upper: Array
    row_names: tuple[str, ...]
    column_names: tuple[str, ...]
    lower: Array | None = None
    upper: Array | None = None
    integral: NDArray[np.bool_] | None = None

    @property
    def bounds(self) -> tuple[Array, Array]:
        """Bounds of the columns, each (n,): 0 and infinity where none are given."""
        count = len(self.cost)
        lower = np.zeros(count) if self.lower is None else self.lower
        return lower, np.full(count, np.inf) if self.upper is None else self.upper

    @property
    def whole(self) -> NDArray[np.bool_]:
        """Which columns take whole numbers only, (n,)."""
        return np.zeros(len(self.cost), bool) if self.integral is None else self.integral


@dataclass(frozen=True)
class LpAnswer:
    """Optimum: objective, x (n,), and row duals (m,): change of the objective per unit of a row.

    With whole numbers: no duals (0), and ``bound`` is below every plan.
    """

    objective: float
    x: Array
    duals: Array
    bound: float = -np.inf


class Infeasible(SolverError):
    """Nothing keeps all rows and bounds; the planner asks why, and answers."""


Solve = Callable[..., LpAnswer]  # solve(lp, time_limit_s, gap): both are for whole numbers


def backend(name: str) -> Solve:
    """Return a backend by name, e.g. ``"highs"``; ``"pulp:COIN_CMD"`` names PuLP's solver.

    Raises
    ------
    UnknownName
        No such backend.
    """
    head, _, rest = name.partition(":")
    if head not in BACKENDS or (":" in name and (head != "pulp" or not rest)):
        raise UnknownName(Fault("unknown solver", "solver", name, near_miss(head, BACKENDS)))
    module = import_module(f"yieldopt.optimize.backends.{head}_lp")
    solve: Callable[..., LpAnswer] = module.solve
    return partial(solve, solver=rest) if rest else solve


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what a solver prints off the standard output, which may carry JSON."""
    sys.stdout.flush()
    saved = os.dup(1)
    try:
        with open(os.devnull, "w") as sink:
            os.dup2(sink.fileno(), 1)
            yield
    finally:
        os.dup2(saved, 1)
        os.close(saved)
