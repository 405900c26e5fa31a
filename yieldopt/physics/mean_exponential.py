"""ln of the mean of e^(−xu) over u uniform on [0, 1], and its differences.

h(x) = ln((1−e^(−x))/x) is what the laws of uniform and of triangular defect density are made of
(B. T. Murphy, Proc. IEEE 52, 1964). Its differences are formed in three regions, so that nothing
cancels in any; each is written once for a number and an array.
"""

from __future__ import annotations

import math

import numpy as np

from yieldopt.physics.elementary import Value, exp, expm1, log, log1p

# Taylor coefficients of ln((1−e^−x)/x) + x/2 in x²: B_2k / (2k (2k)!), k = 1…10.
_BERNOULLI = (
    1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798,
    -174611 / 330,
)  # fmt: skip
_SERIES = tuple(b / (2 * k * math.factorial(2 * k)) for k, b in enumerate(_BERNOULLI, start=1))


def gain_of_mean_exponential(a: Value, d: Value) -> Value:
    """Return h(a+d) − h(a) for h(x) = ln((1−e^(−x))/x), to full relative accuracy.

    Parameters
    ----------
    a, d
        Numbers or (n,) arrays, at least 0 [-].

    Returns
    -------
    float or (n,) array
        At most 0; −d/2 for small a and d.

    Examples
    --------
    >>> round(gain_of_mean_exponential(0.0, 1e-6), 12)
    -5e-07
    """
    if not isinstance(a, np.ndarray) and not isinstance(d, np.ndarray):
        if a + d <= 1.0:
            return _where_small(a, d)
        return _where_large(a, d) if a >= 0.5 else _where_middling(a, d)
    start, step = np.broadcast_arrays(np.asarray(a, float), np.asarray(d, float))
    out = np.empty(start.shape)
    small = start + step <= 1.0
    large = ~small & (start >= 0.5)
    middling = ~small & ~large
    for region, law in (
        (small, _where_small), (large, _where_large), (middling, _where_middling)
    ):  # fmt: skip
        out[region] = law(start[region], step[region])
    return out[()]


def _where_small(a: Value, d: Value) -> Value:
    """a+d ≤ 1: a power series with its differences factored by d."""
    p, q = a * a, (a + d) * (a + d)
    divided: Value = 0.0  # (q^k − p^k)/(q − p), built up as q·previous + p^(k−1)
    power: Value = 1.0
    total: Value = 0.0
    for coefficient in _SERIES:
        divided = q * divided + power
        total = total + coefficient * divided
        power = power * p
    return d * (total * (2.0 * a + d) - 0.5)


def _where_large(a: Value, d: Value) -> Value:
    """a ≥ 0.5: log1p of the ratios."""
    return log1p(exp(-a) * expm1(-d) / expm1(-a)) - log1p(d / a)


def _where_middling(a: Value, d: Value) -> Value:
    """a < 0.5 < d: plain subtraction, the first term is far from the second."""
    end = a + d
    return log(-expm1(-end) / end) - _where_small(0.0, a)
