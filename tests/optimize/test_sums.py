"""A sum kept in parts is the sum, and no element of it lies below what is said to be the least."""

from __future__ import annotations

import numpy as np
import pytest

from yieldopt.optimize.grid import Sum


def test_a_sum_of_many_shapes() -> None:
    rng = np.random.default_rng(1)
    shapes = [(), (4, 1, 1), (1, 3, 1), (1, 1, 5), (4, 3, 1), (4, 1, 5), (4, 3, 5), (5,), (4, 1, 1)]
    parts = [rng.normal(size=shape) for shape in shapes]
    spelled = sum(np.broadcast_to(part, (4, 3, 5)) for part in parts)
    for some in (parts, parts[:6], parts[:3]):
        expected = sum(np.broadcast_to(part, (4, 3, 5)) for part in some)
        held = Sum(np.copy(part)[()] for part in some)
        assert np.allclose(held.total(), expected, rtol=1e-14, atol=1e-14)
        assert held.least() <= expected.min()
        assert held.least() <= np.min(held.total())
        for minus in (False, True):
            out = np.full((4, 3, 5, 2), np.nan)
            held.into(out[..., 1], minus=minus)
            assert np.allclose(out[..., 1], -expected if minus else expected, atol=1e-14)
            assert np.isnan(out[..., 0]).all()
    twice = Sum(np.copy(part)[()] for part in parts)
    twice.take(Sum(np.copy(part)[()] for part in parts))
    assert np.allclose(twice.total(), 2.0 * spelled, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("seed", range(200))
def test_no_sum_lies_below_the_least(seed: int) -> None:
    """However terms of one sign are ordered and grouped: exactly, for rounding is allowed for."""
    rng = np.random.default_rng([seed, 6])
    axes = [(4, 1, 1), (1, 3, 1), (1, 1, 5), (4, 3, 1), (4, 3, 5), ()]
    shapes = [axes[n] for n in rng.integers(len(axes), size=int(rng.integers(1, 40)))]
    terms = [-(10.0 ** rng.uniform(-12, 2, size=shape)) for shape in shapes]
    # Terms constant along their axes: every part has its least in the same place.
    terms = [np.full_like(term, term.min()) if seed % 2 else term for term in terms]
    held = Sum()
    for low in range(0, len(terms), 3):
        held.take(Sum(np.copy(term)[()] for term in terms[low : low + 3]))
    least = held.least()
    for _ in range(5):
        total = np.zeros((4, 3, 5))
        for at in rng.permutation(len(terms)):
            total += terms[at]
        assert least <= total.min()
    out = np.empty((4, 3, 5))
    held.into(out)
    assert least <= out.min()
    assert least <= np.min(held.total())
    if seed % 2:
        assert least == pytest.approx(total.min(), rel=1e-13)
