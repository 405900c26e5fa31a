"""Wide programmes solved over few columns: the optimum of all, with its duals, or infeasible."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from yieldopt.optimize.backends import Infeasible, LinearProgram, ortools_lp, sifting


def wide(seed: int, columns: int = 4000) -> LinearProgram:
    """Demands to meet and capacities to keep, as a plan has them, in a random order of nonzeros."""
    rng = np.random.default_rng([seed, 44])
    demands, capacities = int(rng.integers(3, 12)), int(rng.integers(1, 8))
    of = rng.integers(0, demands, columns)
    uses = rng.uniform(0, 2, (capacities, columns)) * (rng.random((capacities, columns)) < 0.6)
    cost = rng.uniform(50, 100, columns) - 8.0 * uses.sum(axis=0)
    cost = np.concatenate([cost, np.full(demands, 150.0)])  # unmet
    rows = [of, np.arange(demands)]
    cols = [np.arange(columns), columns + np.arange(demands)]
    values = [np.ones(columns), np.ones(demands)]
    k, j = np.nonzero(uses)
    rows, cols, values = [*rows, demands + k], [*cols, j], [*values, uses[k, j]]
    asked = rng.uniform(10, 100, demands)
    most = rng.uniform(0.3, 1.2, capacities) * asked.sum()
    low = np.concatenate([asked, np.full(capacities, -np.inf)])
    high = np.concatenate([asked, most])
    order = rng.permutation(sum(map(len, rows)))
    r, c, v = (np.concatenate(part)[order] for part in (rows, cols, values))
    names = tuple(map(str, range(len(low)))), tuple(map(str, range(len(cost))))
    return LinearProgram(cost, r, c, v.astype(float), low, high, *names)


@pytest.mark.parametrize("seed", range(20))
def test_the_optimum_is_that_of_all_columns(seed: int) -> None:
    lp = wide(seed)
    found, other = sifting.solve(lp), ortools_lp.solve(lp)
    assert found.objective == pytest.approx(other.objective, rel=1e-9)
    at = np.bincount(lp.rows, lp.values * found.x[lp.columns], len(lp.row_lower))
    room = 1e-7 * np.abs(at).max()
    assert (at >= lp.row_lower - room).all()
    assert (at <= lp.row_upper + room).all()
    assert found.x.min() >= 0.0
    spent = np.bincount(lp.columns, lp.values * found.duals[lp.rows], len(lp.cost))
    assert (lp.cost - spent).min() >= -1e-6
    assert found.objective == pytest.approx(lp.cost @ found.x, rel=1e-12)


def test_columns_that_gain_in_no_row_are_taken() -> None:
    """A column without nonzeros, and one at a cost below 0, in rows that bound it."""
    lp = wide(3, 60)
    cost = np.concatenate([lp.cost, [0.0, -5.0]])
    rows, columns = np.append(lp.rows, 0), np.append(lp.columns, len(cost) - 1)
    values = np.append(lp.values, 1.0)
    names = (*lp.column_names, "free", "gain")
    more = replace(lp, cost=cost, rows=rows, columns=columns, values=values, column_names=names)
    found = sifting.solve(more)
    assert found.objective == pytest.approx(ortools_lp.solve(more).objective, rel=1e-9)
    assert found.x[-1] == pytest.approx(lp.row_lower[0], rel=1e-9)


def test_nothing_feasible_is_said() -> None:
    """One more row lets all columns together make less than is asked for."""
    lp = wide(1, 500)
    count, rows = len(lp.cost), len(lp.row_lower)
    asked = float(lp.row_lower[np.isfinite(lp.row_lower)].sum())
    capped = replace(
        lp,
        rows=np.append(lp.rows, np.full(count, rows)),
        columns=np.append(lp.columns, np.arange(count)),
        values=np.append(lp.values, np.ones(count)),
        row_lower=np.append(lp.row_lower, -np.inf),
        row_upper=np.append(lp.row_upper, 0.9 * asked),
    )
    with pytest.raises(Infeasible):
        sifting.solve(capped)
    enough = replace(capped, row_upper=np.append(lp.row_upper, asked))
    assert sifting.solve(enough).objective == pytest.approx(sifting.solve(lp).objective, rel=1e-9)


def test_only_wide_plain_programmes_are_sifted() -> None:
    lp = wide(0, sifting._MANY)
    assert sifting.is_wide(lp)
    assert not sifting.is_wide(wide(0, 4000))
    assert not sifting.is_wide(replace(lp, upper=np.ones(len(lp.cost))))
    assert not sifting.is_wide(replace(lp, integral=np.ones(len(lp.cost), bool)))
