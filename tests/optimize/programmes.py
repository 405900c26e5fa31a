"""Random programmes with a known feasible point, and the proof that an answer is an optimum."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from yieldopt.optimize.backends import Array, LinearProgram, LpAnswer


def random_lp(seed: int) -> LinearProgram:
    """min c·x, x ≥ 0 with equal, upper, lower and two-sided rows around a known point."""
    rng = np.random.default_rng([seed, 5])
    m, n = int(rng.integers(3, 25)), int(rng.integers(5, 60))
    dense = rng.uniform(-1, 2, (m, n)) * (rng.random((m, n)) < 0.4)
    x = rng.uniform(0, 10, n) * (rng.random(n) < 0.6)
    at = dense @ x
    slack, kind = rng.uniform(0, 3, m), rng.integers(0, 4, m)
    lower = np.where(kind == 0, at, np.where(kind == 1, -np.inf, at - slack))
    upper = np.where(kind == 0, at, np.where(kind == 2, np.inf, at + slack * (kind == 1) + 1e-3))
    cost = rng.uniform(0, 5, n) + dense.T @ (rng.normal(0, 1, m) * (kind == 0))
    rows, columns = np.nonzero(dense)
    names = tuple(f"r{i}" for i in range(m)), tuple(f"x{i}" for i in range(n))
    return LinearProgram(cost, rows, columns, dense[rows, columns], lower, upper, *names)


def bounded_lp(seed: int) -> LinearProgram:
    """:func:`random_lp` with bounds around another point; rows are moved so that it keeps them.

    Some columns are fixed, some begin above 0, some have no upper bound.
    """
    lp, rng = random_lp(seed), np.random.default_rng([seed, 6])
    n = len(lp.cost)
    lower = rng.uniform(0, 3, n) * (rng.random(n) < 0.3)
    width = np.where(rng.random(n) < 0.1, 0.0, rng.uniform(0.1, 6, n))
    upper = np.where(rng.random(n) < 0.4, np.inf, lower + width)
    x = lower + rng.random(n) * np.where(np.isfinite(upper), width, 4.0)
    at, middle = dense_of(lp) @ x, np.where(np.isfinite(lp.row_lower), lp.row_lower, lp.row_upper)
    moved = replace(lp, row_lower=lp.row_lower + at - middle, row_upper=lp.row_upper + at - middle)
    return replace(moved, lower=lower, upper=upper)


def whole_lp(seed: int) -> LinearProgram:
    """A programme in which some columns are whole: covering and packing rows, all data positive.

    The known point is whole where it must be. Rows are one-sided: an equal row of real numbers
    would leave no room for whole ones.
    """
    rng = np.random.default_rng([seed, 7])
    m, n = int(rng.integers(3, 9)), int(rng.integers(6, 16))
    dense = rng.uniform(0.2, 3, (m, n)) * (rng.random((m, n)) < 0.6)
    whole = rng.random(n) < 0.6
    whole[0] = True
    upper = np.where(rng.random(n) < 0.7, rng.integers(1, 6, n).astype(float), np.inf)
    x = np.minimum(rng.uniform(0, 4, n), upper)
    x[whole] = np.floor(x[whole])
    at, packs = dense @ x, rng.random(m) < 0.4
    row_lower = np.where(packs, -np.inf, 0.9 * at)
    row_upper = np.where(packs, 1.05 * at, np.inf)
    rows, columns = np.nonzero(dense)
    return LinearProgram(
        rng.uniform(1, 5, n), rows, columns, dense[rows, columns], row_lower, row_upper,
        tuple(f"r{i}" for i in range(m)), tuple(f"x{i}" for i in range(n)), np.zeros(n), upper,
        whole,
    )  # fmt: skip


def dense_of(lp: LinearProgram) -> Array:
    a = np.zeros((len(lp.row_lower), len(lp.cost)))
    np.add.at(a, (lp.rows, lp.columns), lp.values)
    return a


def keeps_rows(lp: LinearProgram, x: Array, within: float = 1e-8) -> None:
    """All rows and bounds hold, to a share of the largest row (bounds to a tenth of it)."""
    at, (lower, upper) = dense_of(lp) @ x, lp.bounds
    size = 1.0 + np.abs(at).max()
    assert (x >= lower - 0.1 * within * size).all()
    assert (x <= upper + 0.1 * within * size).all()
    assert (at >= lp.row_lower - within * size).all()
    assert (at <= lp.row_upper + within * size).all()


def prove_optimal(lp: LinearProgram, answer: LpAnswer) -> None:
    """Feasible, dual feasible, complementary, and both objectives alike."""
    keeps_rows(lp, answer.x)
    a, (lower, upper) = dense_of(lp), lp.bounds
    at, y = a @ answer.x, answer.duals
    size, scale = 1.0 + np.abs(at).max(), 1.0 + np.abs(lp.cost).max()
    reduced = lp.cost - a.T @ y
    assert reduced[~np.isfinite(upper)].min(initial=0.0) >= -1e-7 * scale
    side = np.where(y > 0, lp.row_lower, lp.row_upper)  # a positive dual holds the lower side
    held = np.abs(y) > 1e-9 * scale
    assert np.isfinite(side[held]).all()
    assert np.abs(at - side)[held].max(initial=0.0) <= 1e-7 * size
    end = np.where((reduced < 0) & np.isfinite(upper), upper, lower)  # where the column should be
    assert float(np.abs(reduced * (answer.x - end)).max()) <= 1e-7 * scale * size
    terms = np.concatenate([y[held] * side[held], reduced * end])
    total, magnitude = float(terms.sum()), max(abs(answer.objective), np.abs(terms).sum(), 1.0)
    assert answer.objective == pytest.approx(total, abs=1e-9 * magnitude)
    assert answer.objective == pytest.approx(float(lp.cost @ answer.x), abs=1e-9 * magnitude)
