"""The standard normal law: its distribution function, without cancellation in either tail."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_Floats = NDArray[np.float64]


def below(x: _Floats) -> _Floats:
    """Return Φ(x), the chance to be below x; arguments are not checked.

    Parameters
    ----------
    x : array
        Distance from the mean [standard deviations].

    Returns
    -------
    array
        Chance [-], to full relative accuracy also far on the left.

    Notes
    -----
    ½ erfc(−x/√2).

    Examples
    --------
    >>> float(f"{below(np.array(-10.0)):.4g}")
    7.62e-24
    """
    erfc = np.frompyfunc(math.erfc, 1, 1)
    return np.asarray(0.5 * np.asarray(erfc(-x / math.sqrt(2.0)), float))


def between(low: _Floats, high: _Floats) -> _Floats:
    """Return Φ(high) − Φ(low), from the side where both are small; arguments are not checked.

    Parameters
    ----------
    low, high : array
        Distances from the mean [standard deviations].

    Returns
    -------
    array
        Chance to be in between [-]; negative where ``high`` is below ``low``.

    Examples
    --------
    >>> float(f"{between(np.array(8.0), np.array(9.0)):.4g}")
    6.22e-16
    """
    return np.where(low > 0.0, below(-low) - below(-high), below(high) - below(low))
