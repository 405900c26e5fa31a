"""The reference kernel: a fixed mix of NumPy calls, the yardstick of every ratio.

It holds what the package spends its time on and nothing of the package itself: a blocked matrix
product of small inner dimension with its argmin (the enumeration), and log1p and exp over arrays
that fit the cache (the engine). It must never change: the stored history is measured in it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
BLOCK = 32_768  # numbers held at once: they stay in the cache
_ROWS, _COLUMNS, _INNER = 1_024, 1_024, 4
_LAYERS = 8


def reference() -> None:
    """Run the kernel once: 2²⁰ pairs of a product with argmin, 2¹⁸ log1p and as many exp."""
    _mix()()


@cache
def _mix() -> Callable[[], None]:
    pairs = product(_ROWS, _COLUMNS, _INNER)
    x = np.linspace(0.0, 1.0, BLOCK)
    out = np.empty_like(x)

    def run() -> None:
        pairs()
        for _ in range(_LAYERS):
            np.log1p(x, out=out)
            np.exp(x, out=out)

    return run


def product(rows: int, columns: int, inner: int, repeats: int = 1) -> Callable[[], None]:
    """Return a run of a bare blocked matrix product with an argmin of every block.

    Parameters
    ----------
    rows, columns, inner
        Shape of the product.
    repeats
        How many times over.
    """
    a = np.random.default_rng(0).random((rows, inner))
    b = np.random.default_rng(1).random((inner, columns))
    step = max(1, BLOCK // columns)
    out = np.empty((min(step, rows), columns))

    def run() -> None:
        for _ in range(repeats):
            for low in range(0, rows, step):
                part = a[low : low + step]
                np.matmul(part, b, out=out[: len(part)]).argmin()

    return run


def calls(logs: int, exps: int, inputs: list[Array]) -> Callable[[], None]:
    """Return a run of so many log1p and exp calls over every block of the inputs, nothing else.

    Parameters
    ----------
    logs, exps
        Calls for each element.
    inputs
        Arrays of one shape (n,), read in turn.
    """
    out = np.empty(BLOCK)
    size = len(inputs[0])
    funcs = [np.log1p] * logs + [np.exp] * exps

    def run() -> None:
        for low in range(0, size, BLOCK):
            high = min(low + BLOCK, size)
            for at, func in enumerate(funcs):
                func(inputs[at % len(inputs)][low:high], out=out[: high - low])

    return run
