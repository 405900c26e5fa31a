"""How evenly lines can be spread over places, against a linear programme."""

from __future__ import annotations

import numpy as np
import pytest
from ortools.linear_solver import pywraplp

from yieldopt.read.spread import least_share


def by_the_dual(places: list[set[str]]) -> float:
    """1 / max sum x, with sum of x in each place <= 1 (von Neumann 1928); a line nowhere: 0."""
    if not all(places):
        return 0.0
    model = pywraplp.Solver.CreateSolver("GLOP")
    some = [model.NumVar(0.0, model.infinity(), "") for _ in places]
    for name in sorted(set().union(*places)):
        model.Add(sum(x for x, names in zip(some, places, strict=True) if name in names) <= 1.0)
    model.Maximize(sum(some))
    assert model.Solve() == pywraplp.Solver.OPTIMAL
    return 1.0 / float(model.Objective().Value())


@pytest.mark.parametrize("seed", range(60))
def test_no_way_to_share_out_goes_below_it(seed: int) -> None:
    rng = np.random.default_rng([seed, 47])
    density = rng.uniform(0.1, 0.7)
    lines, names = int(rng.integers(1, 9)), "abcdefg"[: int(rng.integers(1, 8))]
    places = [{name for name in names if rng.random() < density} for _ in range(lines)]
    found, exact = least_share(places), by_the_dual(places)
    assert 0.0 <= found <= exact + 1e-7  # GLOP's own tolerance
    if all(len(names) == 1 for names in places) or set.intersection(*places):
        assert found == pytest.approx(exact, abs=1e-7)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 60])
def test_lines_with_places_of_their_own_share_evenly(count: int) -> None:
    assert least_share([{str(at)} for at in range(count)]) == 1.0 / count
    assert least_share([{str(at), "all"} for at in range(count)]) == 1.0


def test_a_line_in_more_places_than_another_does_not_help() -> None:
    assert least_share([{"a"}, {"a", "b"}, {"a", "b", "c"}]) == 1.0
    assert least_share([{"a"}, {"b"}, {"a", "b"}]) == 0.5
    assert least_share([{"a"}, set()]) == 0.0


def test_lines_in_several_places_each_are_spread_no_wider_than_they_can_be() -> None:
    assert least_share([{"a", "b"}, {"b", "c"}, {"a", "c"}]) == pytest.approx(2.0 / 3.0)
    assert least_share([{"a", "b"}, {"b", "c"}]) == 1.0
    assert least_share([set()]) == 0.0
