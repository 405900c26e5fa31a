"""The running staircase: what it keeps, what it asks of a plan, what it lets a bound clear."""

from __future__ import annotations

import math

import numpy as np
import pytest

from yieldopt.optimize.staircase import Lines, Staircase


def offered(value: list[float], log_q: list[float]) -> Staircase:
    stair = Staircase(1, 1e15)
    for at, (v, q) in enumerate(zip(value, log_q, strict=True)):
        stair.offer(np.array([v]), np.array([q]), np.array([[0, 0, at]]))
    return stair


@pytest.mark.parametrize("seed", range(20))
def test_keeps_what_no_other_beats_in_any_order_of_arrival(seed: int) -> None:
    rng = np.random.default_rng(seed)
    value, log_q = rng.integers(1, 30, 60) / 1.0, -rng.integers(1, 30, 60) / 100.0
    kept = {
        (v, q)
        for v, q in zip(value, log_q, strict=True)
        if not any(
            (a <= v and b >= q and (a, b) != (v, q)) for a, b in zip(value, log_q, strict=True)
        )
    }
    one = offered(value.tolist(), log_q.tolist())
    places = np.column_stack([np.zeros((60, 2), int), np.arange(60)])
    whole = Staircase(1, 1e15)
    whole.offer(value, log_q, places)
    for stair in (one, whole):
        assert set(zip(stair.value, stair.log_q, strict=True)) == kept
        assert len(stair.value) == len(kept)
        assert np.array_equal(value[stair.place[:, 2]], stair.value)
        columns = np.sort(-rng.uniform(0, 0.3, 40))[::-1]
        most = stair.most(columns - 0.05)
        assert np.array_equal(stair.most_in(-0.05, columns), most)
        # At an edge, where rounding decides, never less than the exact answer.
        edges = np.sort(stair.log_q)[::-1] - 0.1
        assert (stair.most_in(0.1, edges) >= stair.most(0.1 + edges)).all()


def test_plans_that_differ_by_rounding_are_one_and_others_are_not() -> None:
    stair = offered([1.0, 1.0 + 1e-13, 2.0, 3.0], [-0.3, -0.2, -0.1, -0.1 * (1 - 1e-13)])
    assert stair.place[stair.distinct(), 2].tolist() == [1, 2]
    stair = offered([1.0, 1.0 + 1e-10, 2.0], [-0.3, -0.2, -0.2 * (1 - 1e-10)])
    assert stair.place[stair.distinct(), 2].tolist() == [0, 1, 2]


def test_a_combination_is_cleared_where_its_bounds_reach_every_step_at_its_start() -> None:
    stair = offered([10.0, 12.0], [-0.3, -0.1])

    def lines(flat: float, slope: float, below: float, best: float) -> Lines:
        slopes, belows = np.array([[0.0], [slope]]), np.array([[flat], [below]])
        return Lines(slopes, belows, np.array([best]))

    # From −0.3 to −0.1 a plan is of interest below 12: the line reaches 12 at −0.3 or not.
    assert lines(10.1, 10.0, 15.1, -0.1).cleared(stair, -math.inf)[0]
    assert not lines(10.1, 10.0, 14.9, -0.1).cleared(stair, -math.inf)[0]
    assert not lines(9.9, 10.0, 15.1, -0.1).cleared(stair, -math.inf)[0]  # cheaper than all
    assert not lines(10.1, 10.0, 15.1, -0.09).cleared(stair, -math.inf)[0]  # better than all
    assert lines(10.1, 10.0, 14.9, -0.3).cleared(stair, -math.inf)[0]  # never gets there
    assert lines(0.0, 0.0, 0.0, -0.4).cleared(stair, -0.35)[0]  # never allowed
    assert lines(0.0, 10.0, 15.1, -0.1).cleared(stair, -0.35)[0]  # the line alone, from −0.35 on
    assert not lines(0.0, 0.0, 0.0, -0.1).cleared(Staircase(1, 1e15), -math.inf)[0]
