"""Large arrays begin at a large page, keep nothing but themselves, and are ordinary arrays."""

from __future__ import annotations

import numpy as np
import pytest

from yieldopt.memory import empty

PAGE = 1 << 21


@pytest.mark.parametrize("shape", [(1 << 19,), (1_000_000,), (44, 16_384), (3, 700_001)])
def test_a_large_array_begins_at_a_page(shape: tuple[int, ...]) -> None:
    array = empty(*shape)
    assert array.shape == shape
    assert array.dtype == np.float64
    assert array.ctypes.data % PAGE == 0
    assert array.flags.c_contiguous
    assert array.flags.writeable
    array[...] = 1.0  # the last element too is its own
    assert array.sum() == array.size
    assert array.base is not None
    assert array.base.nbytes - array.nbytes <= 2 * PAGE


def test_arrays_do_not_overlap() -> None:
    one, two = empty(600_000), empty(600_000)
    one[...], two[...] = 1.0, 2.0
    assert one.max() == 1.0
    assert not np.shares_memory(one, two)


@pytest.mark.parametrize("shape", [(0,), (1,), (16, 100), (0, 5)])
def test_a_small_array_is_numpys(shape: tuple[int, ...]) -> None:
    assert empty(*shape).shape == shape
    assert empty(*shape).base is None
