r"""Elementary functions of a number or an array, for laws that are written once for both.

A NumPy function on one number costs some 0.5 µs more than the ``math`` function, and a single
``evaluate`` takes hundreds of them. These functions take the ``math`` one for a number. They keep
NumPy's answers at the edge (−inf, inf, NaN) where ``math`` raises; NumPy's warnings are the
caller's to silence. For numbers a result is within two units in the last place of NumPy's.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Value = float | NDArray[np.float64]
Where = bool | NDArray[np.bool_]


def log1p(x: Value) -> Value:
    """Return ln(1 + x): −inf at −1, NaN below.

    Examples
    --------
    >>> log1p(-1.0), log1p(0.0)
    (-inf, 0.0)
    """
    if isinstance(x, np.ndarray):
        return np.log1p(x)
    return math.log1p(x) if x > -1.0 else (-math.inf if x == -1.0 else math.nan)


def log(x: Value) -> Value:
    """Return ln x: −inf at 0, NaN below.

    Examples
    --------
    >>> log(0.0), log(1.0)
    (-inf, 0.0)
    """
    if isinstance(x, np.ndarray):
        return np.log(x)
    return math.log(x) if x > 0.0 else (-math.inf if x == 0.0 else math.nan)


def exp(x: Value) -> Value:
    """Return e^x; inf where a double cannot hold it.

    Examples
    --------
    >>> exp(0.0), exp(1000.0), exp(-1000.0)
    (1.0, inf, 0.0)
    """
    if isinstance(x, np.ndarray):
        return np.exp(x)
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def expm1(x: Value) -> Value:
    """Return e^x − 1; inf where a double cannot hold it.

    Examples
    --------
    >>> expm1(1e-20), expm1(-1000.0), expm1(1000.0)
    (1e-20, -1.0, inf)
    """
    if isinstance(x, np.ndarray):
        return np.expm1(x)
    try:
        return math.expm1(x)
    except OverflowError:
        return math.inf


def sqrt(x: Value) -> Value:
    """Return √x of x ≥ 0.

    Examples
    --------
    >>> sqrt(4.0)
    2.0
    """
    return np.sqrt(x) if isinstance(x, np.ndarray) else math.sqrt(x)


def quotient(a: Value, b: Value) -> Value:
    """Return a/b as floating point has it: inf at b = 0, NaN for 0/0; b is not negative.

    Examples
    --------
    >>> quotient(1.0, 4.0), quotient(1.0, 0.0), quotient(0.0, 0.0)
    (0.25, inf, nan)
    """
    if isinstance(b, np.ndarray) or b != 0.0:
        return a / b
    if isinstance(a, np.ndarray):
        return a / np.float64(b)
    return math.copysign(math.inf, a) if a and a == a else math.nan


def choose(where: Where, yes: Value, no: Value) -> Value:
    """Return ``yes`` where a condition holds, else ``no``; one of them whole for one bool.

    Examples
    --------
    >>> choose(True, 1.0, 2.0)
    1.0
    >>> choose(np.array([True, False]), 1.0, 2.0).tolist()
    [1.0, 2.0]
    """
    if isinstance(where, np.ndarray):
        return np.where(where, yes, no)
    return yes if where else no


def larger(a: Value, b: Value) -> Value:
    """Return the larger of two, element by element.

    Examples
    --------
    >>> larger(1.0, 2.0)
    2.0
    """
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return np.maximum(a, b)
    return a if a > b else b


def anywhere(where: Where) -> bool:
    """Whether a condition holds for any element.

    Examples
    --------
    >>> anywhere(np.array([True, False])), anywhere(False)
    (True, False)
    """
    return bool(where.any()) if isinstance(where, np.ndarray) else bool(where)
