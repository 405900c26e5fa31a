"""Tests that overlap partly: between the two ends, whatever the order, and as simulated."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.physics.support import refused
from yieldopt.physics.overlap import unseen_frac

fraction = st.floats(0.0, 1.0)
tests = st.lists(st.tuples(fraction, fraction), min_size=1, max_size=5)
checked = settings(derandomize=True, max_examples=300, deadline=None)
ROUNDING = 1e-14


@checked
@given(coverages=st.lists(fraction, min_size=1, max_size=5))
def test_the_ends_are_the_largest_and_the_union(coverages: list[float]) -> None:
    nested = unseen_frac([(c, 1.0) for c in coverages])
    free = unseen_frac([(c, 0.0) for c in coverages])
    assert nested == pytest.approx(1.0 - max(coverages), abs=ROUNDING)
    assert free == pytest.approx(float(np.prod([1.0 - c for c in coverages])), abs=ROUNDING)


@checked
@given(coverage=fraction, share=fraction)
def test_a_single_test_finds_its_coverage(coverage: float, share: float) -> None:
    assert unseen_frac([(coverage, share)]) == pytest.approx(1.0 - coverage, abs=ROUNDING)


@checked
@given(tests=tests, seed=st.integers(0, 1000))
def test_the_order_does_not_matter(tests: list[tuple[float, float]], seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(tests))
    assert unseen_frac(tests) == pytest.approx(unseen_frac([tests[i] for i in order]), abs=ROUNDING)


@checked
@given(tests=tests, coverage=fraction, share=fraction)
def test_one_more_test_leaves_less(
    tests: list[tuple[float, float]], coverage: float, share: float
) -> None:
    assert unseen_frac([*tests, (coverage, share)]) <= unseen_frac(tests) + ROUNDING


@checked
@given(tests=tests)
def test_arrays_are_their_elements(tests: list[tuple[float, float]]) -> None:
    scale = np.array([0.0, 0.3, 1.0])
    whole = unseen_frac([(c * scale, nu) for c, nu in tests])
    alone = [unseen_frac([(c * float(k), nu) for c, nu in tests]) for k in scale]
    np.testing.assert_allclose(whole, alone, atol=ROUNDING)


def test_simulated_faults_are_missed_as_often() -> None:
    """A million faults, each test nested for a fault with chance ν: within four standard errors."""
    rng = np.random.default_rng(5)
    tests = [(0.9, 0.7), (0.6, 0.2), (0.95, 0.5), (0.8, 1.0)]
    hardness = rng.random(1_000_000)
    missed = np.ones(hardness.size, bool)
    for coverage, share in tests:
        again = rng.random(hardness.size) < share
        missed &= np.where(again, hardness, rng.random(hardness.size)) >= coverage
    expected = unseen_frac(tests)
    error = np.sqrt(expected * (1.0 - expected) / hardness.size)
    assert missed.mean() == pytest.approx(expected, abs=4.0 * error)


def test_no_tests_leave_everything() -> None:
    assert unseen_frac([]) == 1.0


def test_every_bad_number_is_named() -> None:
    keys = ["tests[0].coverage", "tests[1].nested_share", "tests[2].coverage"]
    assert refused(unseen_frac, [(1.2, 0.5), (0.5, -0.1), (float("nan"), 0.2)]) == keys
