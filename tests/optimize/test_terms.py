"""The tangent bound at any plan and any multiplier, against every plan of random terms.

J is spelled out term by term here; the menus hold entries of K = 0, as where only some levels of a
test use a resource.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from yieldopt.optimize.terms import Terms, Use, descend, rows_of, tangent, values

GAPS, ROWS = 3, 2


def random_terms(rng: np.random.Generator) -> Terms:
    """Return two trunk combinations with one to three leaves of up to four entries."""
    sizes = rng.integers(1, 5, int(rng.integers(1, 4)))
    log_e = [rng.uniform(0, 1.5, (ROWS, size, GAPS)) for size in sizes]
    log_q = [-rng.uniform(0, 0.1, (ROWS, size)) for size in sizes]
    rows = int(rng.choice([1, ROWS]))  # of K: the same in all trunk combinations, or not
    k = [rng.uniform(0, 9, (rows, size)) * (rng.random((rows, size)) < 0.6) for size in sizes]
    base = rng.uniform(0, 5, (ROWS, GAPS)) * (rng.random() < 0.5)
    weight = rng.uniform(1, 4, (ROWS, len(sizes)))
    gap = [int(g) for g in rng.integers(0, GAPS, len(sizes))]
    use = Use(
        [rng.uniform(0, 1, (rows, size)) for size in sizes], rng.uniform(0, 1, (ROWS, GAPS)), 1.0
    )
    e = [np.exp(table) for table in log_e]
    return Terms(e, log_e, log_q, k, gap, base, weight, np.full(ROWS, -0.01), (use,))


def spelled(terms: Terms, t: int, plan: tuple[int, ...]) -> tuple[float, float]:
    """Return J and ln Q of one plan."""
    total = 0.0
    for g in range(GAPS):
        load = terms.base[t, g]
        load += sum(
            terms.weight[t, i] * rows_of(terms.k[i], np.array([t]))[0, m]
            for i, m in enumerate(plan)
            if terms.gap[i] == g
        )
        total += load * math.prod(math.exp(terms.log_e[i][t, m, g]) for i, m in enumerate(plan))
    return total, terms.log_q_trunk[t] + sum(terms.log_q[i][t, m] for i, m in enumerate(plan))


@pytest.mark.parametrize("seed", range(40))
def test_tangent_lies_below_every_plan(seed: int) -> None:
    rng = np.random.default_rng([seed, 9])
    terms = random_terms(rng)
    plans = list(itertools.product(*(range(k.shape[1]) for k in terms.k)))
    for slope in (0.0, 3.0, 300.0):
        for start in plans:
            at = np.tile(np.array(start, dtype=np.intp), (ROWS, 1))
            value, log_q = values(terms, at)
            below = tangent(terms, np.full(ROWS, slope), at) - slope * log_q
            for t in range(ROWS):
                assert (value[t], log_q[t]) == pytest.approx(spelled(terms, t, start), rel=1e-13)
                rows = [spelled(terms, t, plan) for plan in plans]
                scale = 1e-12 * (value[t] + slope)
                assert below[t] <= min(j - slope * q for j, q in rows) + scale


@pytest.mark.parametrize("seed", range(40))
def test_descent_ends_where_no_single_leaf_does_better(seed: int) -> None:
    rng = np.random.default_rng([seed, 10])
    terms = random_terms(rng)
    start = np.zeros((ROWS, len(terms.k)), dtype=np.intp)
    slope = 20.0
    found = descend(terms, np.full(ROWS, slope), start)
    for t in range(ROWS):
        plan = tuple(int(m) for m in found[t])
        here = spelled(terms, t, plan)[0] - slope * spelled(terms, t, plan)[1]
        for i, k in enumerate(terms.k):
            for m in range(k.shape[1]):
                j, q = spelled(terms, t, (*plan[:i], m, *plan[i + 1 :]))
                assert here <= j - slope * q + 1e-9


def test_a_price_of_a_resource_makes_it_part_of_the_cost() -> None:
    terms = random_terms(np.random.default_rng(3))
    at = np.zeros((ROWS, len(terms.k)), dtype=np.intp)
    (use,) = terms.uses
    priced = values(terms.at_prices([2.5]), at)[0]
    assert priced == pytest.approx(values(terms, at)[0] + 2.5 * values(terms.of_use(use), at)[0])
    kept = terms.rows(np.array([1]))
    assert values(kept, at[:1])[0] == values(terms, at)[0][1:]
    assert kept.uses[0].base.shape == (1, GAPS)
