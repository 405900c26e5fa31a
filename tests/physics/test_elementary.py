"""Laws give for a number what they give for an array: elementary functions, edges, every law.

NumPy's vector loops and the C library round differently in the last place. A function may differ by
two units there; a law by as many as its last steps add up to, stated below.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from tests.physics.test_yields import EVERY, name
from yieldopt.physics import elementary
from yieldopt.physics.elementary import Value
from yieldopt.physics.yields import Law, gain

FUNCTIONS: dict[str, tuple[Callable[[Value], Value], Callable[..., Value], float, float]] = {
    "log1p": (elementary.log1p, np.log1p, -0.999, 5.0),
    "log": (elementary.log, np.log, 1e-6, 5.0),
    "exp": (elementary.exp, np.exp, -30.0, 30.0),
    "expm1": (elementary.expm1, np.expm1, -30.0, 30.0),
    "sqrt": (elementary.sqrt, np.sqrt, 0.0, 5.0),
}
EDGES = [-math.inf, -2.0, -1.0, -1e-300, 0.0, 1e-300, 1.0, 800.0, math.inf, math.nan]


def ulps(value: Value, expected: Value) -> float:
    """Largest distance in units in the last place of the expected."""
    value, expected = np.asarray(value), np.asarray(expected)
    return float(np.max(np.abs(value - expected) / np.spacing(np.abs(expected))))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_of_a_number_is_that_of_an_array(function: str) -> None:
    own, numpys, low, high = FUNCTIONS[function]
    x = np.random.default_rng(0).uniform(low, high, 5_000)
    x[::2] *= 1e-8  # also where log1p and expm1 matter
    x = np.abs(x) if low >= 0 else x
    np.testing.assert_array_equal(own(x), numpys(x))
    each = [own(float(value)) for value in x]
    assert all(type(value) is float for value in each)
    assert ulps(each, numpys(x)) <= 2.0


@pytest.mark.parametrize(
    ("function", "x"), [(f, x) for f in FUNCTIONS for x in EDGES if f != "sqrt" or not x < 0.0]
)
def test_edges_are_numpys(function: str, x: float) -> None:
    own, numpys, *_ = FUNCTIONS[function]
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(own(x), numpys(np.array([x]))[0], rtol=1e-15)


@pytest.mark.parametrize("b", [0.0, 1e-300, 2.0, math.inf])
@pytest.mark.parametrize("a", [0.0, 3.0, math.inf, math.nan])
def test_quotients_are_numpys(a: float, b: float) -> None:
    with np.errstate(all="ignore"):
        expected = np.float64(a) / np.float64(b)
        np.testing.assert_array_equal(elementary.quotient(a, b), expected)
        np.testing.assert_array_equal(elementary.quotient(np.array([a]), b), [expected])


def test_choices_of_numbers_are_those_of_arrays() -> None:
    where, yes, no = np.array([True, False]), np.array([1.0, 2.0]), np.array([3.0, 4.0])
    for at in range(2):
        picked = elementary.choose(bool(where[at]), float(yes[at]), float(no[at]))
        assert picked == elementary.choose(where, yes, no)[at]
        assert elementary.larger(float(yes[at]), 1.5) == elementary.larger(yes, 1.5)[at]
    assert elementary.anywhere(where)
    assert not elementary.anywhere(np.zeros(2, bool))


# One logarithm is good to a unit on either side, and its product rounds: 4. Laws of several: 8.
ULPS = {"murphy": 8.0, "rectangular": 8.0, "harvest": 8.0}


@pytest.mark.parametrize("law", EVERY, ids=name)
def test_a_law_of_numbers_is_that_of_arrays(law: Law) -> None:
    rng = np.random.default_rng(7)
    a, d = 10.0 ** rng.uniform(-6, 0.5, (2, 400))
    a[:50], d[50:100] = 0.0, 1e-9
    if law.name == "single":
        a, d = np.minimum(a, 0.6), np.minimum(d, 0.3)
    firsts = [None] if law.name != "harvest" else [None, 0.7 * a, 0.0 * a]
    for first in firsts:
        start = 0.0 * a if law.name == "harvest" and first is None else a
        for at in range(len(a)):
            one = None if first is None else first[at]
            number = gain(law, float(start[at]), float(d[at]), None if one is None else float(one))
            array = gain(
                law, start[at : at + 1], d[at : at + 1], one if one is None else np.array([one])
            )
            assert type(number) is float
            assert ulps(number, array) <= ULPS.get(law.name, 4.0), (start[at], d[at], one)
