"""The normal law: tables, both tails in 60 digits, and no cancellation between near points."""

from __future__ import annotations

from decimal import Decimal, localcontext

import numpy as np
import pytest

from yieldopt.physics.normal import below, between


def exact_below(x: float) -> Decimal:
    """Φ(x) from ½ + φ(x) Σ x^(2k+1)/(1·3·…·(2k+1)), in digits enough for the tail."""
    with localcontext() as context:
        context.prec = 120
        square, term = Decimal(x) ** 2, Decimal(x)
        total, odd = term, 1
        while abs(term) > Decimal("1e-110"):
            odd += 2
            term = term * square / odd
            total += term
        pi = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628"
                     "62089986280348253421170679821480865132823066470938")  # fmt: skip
        return Decimal("0.5") + total * (-square / 2).exp() / (2 * pi).sqrt()


@pytest.mark.parametrize(("x", "printed"), [(0.0, 0.5), (1.0, 0.8413447), (-1.959964, 0.025)])
def test_tables(x: float, printed: float) -> None:
    assert below(np.array(x)) == pytest.approx(printed, abs=5e-8)


@pytest.mark.parametrize("x", [-10.0, -6.5, -3.0, -0.25, 0.0, 0.25, 3.0, 6.5, 10.0])
def test_below_is_exact_far_on_the_left_too(x: float) -> None:
    assert float(below(np.array(x))) == pytest.approx(float(exact_below(x)), rel=1e-13, abs=0.0)


def test_between_loses_nothing_on_either_side() -> None:
    low, high = np.array([-9.0, 8.0, -1.0, 9.0]), np.array([-8.0, 9.0, 2.0, 8.0])
    exact = [exact_below(b) - exact_below(a) for a, b in zip(low, high, strict=True)]
    np.testing.assert_allclose(between(low, high), [float(x) for x in exact], rtol=1e-12)
