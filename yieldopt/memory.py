"""Working memory of large batches: arrays that begin where a large page of memory begins.

A fresh array is paid for when it is first written: the system hands out and clears its pages one
by one. Where it offers pages of 2 MB (NumPy asks for them), an array of 8 MB that begins anywhere
has a quarter of its memory in pages of 4 KB at its two ends, which take longer than the arithmetic.
The price is less than two pages for each array, whatever its length; results keep it as long as
they live, so those that it would double begin anywhere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_PAGE = 1 << 21  # bytes
_LARGE = 1 << 21  # bytes; with the room to begin at a page NumPy asks large pages for it (4 MB)
RESULT = 1 << 22  # bytes of the smallest result that is worth it


def empty(*shape: int, least: int = _LARGE) -> NDArray[np.float64]:
    """Return ``numpy.empty(shape)``; a large array begins at a large page.

    Parameters
    ----------
    shape
        Lengths of the axes.
    least
        Bytes from which on an array is large.

    Returns
    -------
    array of that shape
        Uninitialised float64.

    Examples
    --------
    >>> empty(2, 3).shape
    (2, 3)
    """
    count = int(np.prod(shape))
    if 8 * count < least:
        return np.empty(shape)
    pages = -(-8 * count // _PAGE) + 1  # all that it needs to their end, and room to begin at one
    whole = np.empty(pages * _PAGE // 8)
    first = -whole.ctypes.data % _PAGE // 8
    return whole[first : first + count].reshape(shape)
