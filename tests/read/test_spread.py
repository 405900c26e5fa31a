"""How evenly lines can be spread over places, against a linear programme in floating point."""

from __future__ import annotations

from fractions import Fraction

import highspy
import numpy as np
import pytest

from yieldopt.read.spread import least_share


def by_highs(places: list[set[str]]) -> float:
    """min m with y >= 0, sum y = 1, and in every place sum y <= m."""
    model = highspy.Highs()
    model.setOptionValue("output_flag", False)
    most = model.addVariable(0.0, 1.0, 1.0)
    shares = [model.addVariable(0.0, 1.0) for _ in places]
    model.addConstr(sum(shares) == 1.0)
    for name in sorted(set().union(*places)):
        inside = [y for y, names in zip(shares, places, strict=True) if name in names]
        model.addConstr(sum(inside) <= most)
    model.minimize()
    return float(model.getInfo().objective_function_value)


@pytest.mark.parametrize("seed", range(60))
def test_the_least_share_is_that_of_the_linear_programme(seed: int) -> None:
    rng = np.random.default_rng([seed, 47])
    density = rng.uniform(0.1, 0.7)
    lines, names = int(rng.integers(1, 9)), "abcdefg"[: int(rng.integers(1, 8))]
    places = [{name for name in names if rng.random() < density} for _ in range(lines)]
    found = least_share(places)
    assert float(found) == pytest.approx(by_highs(places), abs=1e-7)  # HiGHS: 1e-7 feasible
    assert 0 <= found <= 1


@pytest.mark.parametrize("count", [1, 2, 3, 7, 60])
def test_lines_with_places_of_their_own_share_evenly(count: int) -> None:
    assert least_share([{str(at)} for at in range(count)]) == Fraction(1, count)
    assert least_share([{str(at), "all"} for at in range(count)]) == 1


def test_a_line_in_more_places_than_another_does_not_help() -> None:
    assert least_share([{"a"}, {"a", "b"}, {"a", "b", "c"}]) == 1
    assert least_share([{"a"}, {"b"}, {"a", "b"}]) == Fraction(1, 2)
    assert least_share([{"a"}, set()]) == 0
