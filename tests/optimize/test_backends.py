"""The backends against each other, duality, whole numbers by brute force, and written files.

Random programmes have a known feasible point and costs that keep them bounded.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import highspy
import numpy as np
import pytest

from tests.optimize.programmes import (
    bounded_lp,
    dense_of,
    keeps_rows,
    prove_optimal,
    random_lp,
    whole_lp,
)
from yieldopt.errors import SolverError
from yieldopt.optimize.backends import BACKENDS, Infeasible, LinearProgram, backend, pulp_lp

# Backends stop at feasibility and duality tolerances of 1e-9 (CLP and PuLP's file: 1e-7).
AGREE = 1e-6


@pytest.mark.parametrize("seed", range(24))
@pytest.mark.parametrize("draw", [random_lp, bounded_lp])
def test_backends_agree_on_random_programmes(draw, seed: int) -> None:
    lp = draw(seed)
    answers = {name: backend(name)(lp) for name in BACKENDS}
    for answer in answers.values():
        assert answer.objective == pytest.approx(answers["highs"].objective, rel=AGREE, abs=AGREE)
        prove_optimal(lp, answer)


def test_bounds_of_columns_bind() -> None:
    """Without its bounds a programme has another optimum; else they would not be tested."""
    apart = 0
    for seed in range(24):
        lp = bounded_lp(seed)
        try:
            free = backend("highs")(replace(lp, lower=None, upper=None)).objective
        except SolverError:
            continue
        held = backend("highs")(lp).objective
        assert held >= free - AGREE * abs(free)
        apart += held > free + 1e-3
    assert apart > 12


@pytest.mark.parametrize("seed", range(16))
def test_backends_agree_on_whole_numbers(seed: int) -> None:
    lp = whole_lp(seed)
    best = backend("highs")(lp)
    for name in BACKENDS:
        answer = backend(name)(lp)
        assert answer.objective == pytest.approx(best.objective, rel=AGREE)
        assert answer.objective == pytest.approx(float(lp.cost @ answer.x), rel=1e-9)
        # HiGHS keeps rows to 1e-6 (mip_feasibility_tolerance) in programmes with whole numbers.
        assert np.abs(answer.x - np.round(answer.x))[lp.whole].max() <= 1e-6
        keeps_rows(lp, answer.x, within=1e-6)
        assert answer.bound <= answer.objective * (1 + 1e-9)
        if name != "pulp":  # which tells none
            assert answer.bound >= answer.objective * (1 - 1e-8)


def test_whole_numbers_are_those_of_brute_force() -> None:
    """Every whole point of small programmes, and the linear programme over the other columns."""
    apart = 0
    for seed in range(6):
        lp = whole_lp(seed)
        whole = np.flatnonzero(lp.whole)
        assert lp.upper is not None
        fixed = whole[4:]  # the others stay at 0, so that the points are few
        upper = np.where(lp.whole, np.minimum(lp.upper, 4.0), lp.upper)
        upper[fixed] = 0.0
        held = replace(lp, upper=upper)
        ranges = [range(int(upper[at]) + 1) for at in whole]
        best = min((_at(held, whole, point) for point in itertools.product(*ranges)), default=0.0)
        for name in BACKENDS:
            assert _value(name, held) == pytest.approx(best, rel=AGREE)
        loose = _value("highs", replace(held, integral=None))
        apart += np.isfinite(best) and best > loose * (1 + 1e-6)
    assert apart >= 3


def _at(lp: LinearProgram, whole: np.ndarray, point: tuple[int, ...]) -> float:
    lower, upper = (bound.copy() for bound in lp.bounds)
    lower[whole] = upper[whole] = point
    return _value("highs", replace(lp, lower=lower, upper=upper, integral=None))


def _value(name: str, lp: LinearProgram) -> float:
    try:
        return backend(name)(lp).objective
    except Infeasible:
        return np.inf


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("whole", [False, True])
def test_nothing_feasible_is_told_apart_from_failure(name: str, whole: bool) -> None:
    """Rows that contradict a bound; and whole numbers where only fractions would do."""
    lp = replace(random_lp(3), upper=np.full(len(random_lp(3).cost), 1e-6))
    assert np.abs(lp.row_lower[np.isfinite(lp.row_lower)]).max() > 1.0
    lp = replace(lp, integral=np.full(len(lp.cost), whole))
    with pytest.raises(Infeasible):
        backend(name)(lp)
    one = np.zeros(1, np.intp)
    half = LinearProgram(np.ones(1), one, one, np.ones(1), np.array([0.4]), np.array([0.6]),
                         ("r",), ("x",), np.zeros(1), np.ones(1), np.array([whole]))  # fmt: skip
    if whole:
        with pytest.raises(Infeasible):
            backend(name)(half)
    else:
        assert backend(name)(half).objective == pytest.approx(0.4, abs=1e-9)


@pytest.mark.parametrize("suffix", [".lp", ".mps"])
def test_written_programmes_read_back_to_the_same_optimum(suffix: str, tmp_path: Path) -> None:
    written = [random_lp(1), random_lp(2), bounded_lp(1), bounded_lp(2), whole_lp(1), whole_lp(2)]
    for number, lp in enumerate(written):
        # The files hold some twelve digits of every number.
        assert read_back(lp, tmp_path / f"{number}{suffix}") == pytest.approx(
            backend("highs")(lp).objective, rel=1e-8
        )


def read_back(lp: LinearProgram, path: Path) -> float:
    """Write a programme, let HiGHS read the file by itself, and return its optimum."""
    pulp_lp.write(lp, path)
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("mip_rel_gap", 1e-9)
    assert highs.readModel(str(path)) == highspy.HighsStatus.kOk
    highs.run()
    assert highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return float(highs.getInfo().objective_function_value)


def test_the_known_point_of_a_bounded_programme_exists() -> None:
    """The draw gives equal rows, fixed columns and columns that begin above 0."""
    drawn = [bounded_lp(seed) for seed in range(24)]
    assert any((lp.row_lower == lp.row_upper).any() for lp in drawn)
    assert any((lp.bounds[0] == lp.bounds[1]).any() for lp in drawn)
    assert all((lp.bounds[0] > 0).any() for lp in drawn if len(lp.cost) > 20)
    assert all(dense_of(lp).shape == (len(lp.row_lower), len(lp.cost)) for lp in drawn)
