"""Memory of a batch: working memory is of one block for each thread, whatever the batch.

Results of 4 MB and more begin at a large page (:mod:`yieldopt.memory`); what they own beyond their
numbers is less than two such pages each, and counts as theirs here.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from yieldopt import Flow, Outcome, evaluate
from yieldopt.benchmark.engine import b200_flow, varied
from yieldopt.engine import BLOCK
from yieldopt.memory import RESULT, empty
from yieldopt.screening import screens
from yieldopt.stacking import stack

PAGE = 1 << 21
HEAD = ("cost_per_shipped_usd", "cost_per_good_usd", "quality", "dppm")


def owned(array: np.ndarray) -> int:
    """Return the bytes that an array keeps alive."""
    return (array if array.base is None else array.base).nbytes


def results(out: Outcome) -> list[np.ndarray]:
    tables = (out.visits, out.uses, out.waterfall_usd)
    values = [getattr(out, name) for name in HEAD]
    values += [value for table in tables for value in table.values()]
    return [value for value in values if isinstance(value, np.ndarray)]


def peak(run: Callable[[], object]) -> tuple[int, object]:
    """Return the peak of what is allocated during a run, and what it returns."""
    tracemalloc.start()
    try:
        found = run()
        return tracemalloc.get_traced_memory()[1], found
    finally:
        tracemalloc.stop()


def overhead(flow: Flow, count: int, *, details: bool = False, threads: int = 1) -> int:
    batch = varied(flow, count)
    most, out = peak(lambda: evaluate(batch, details=details, threads=threads))
    assert isinstance(out, Outcome)
    whole = {id(a if a.base is None else a.base): owned(a) for a in results(out)}
    assert all(owned(a) - a.nbytes < 2 * PAGE for a in results(out))
    assert all(owned(a) == a.nbytes for a in results(out) if a.nbytes < RESULT)
    return most - sum(whole.values())


@pytest.mark.parametrize("details", [False, True])
def test_memory_beyond_the_results_does_not_grow(details: bool) -> None:
    flow = b200_flow()
    evaluate(varied(flow, 10), details=details)  # what is made once
    few, more = (overhead(flow, blocks * BLOCK, details=details) for blocks in (4, 8))
    assert more < 1.05 * few + 1e5


def test_threads_take_no_more_than_one_each() -> None:
    flow = b200_flow()
    one = overhead(flow, 4 * BLOCK)
    assert overhead(flow, 8 * BLOCK, threads=2) < 1.05 * 2 * one + 1e5


def test_results_that_begin_at_a_page_leave_the_rest_as_it_is() -> None:
    flow = b200_flow()
    few, more = (overhead(flow, blocks * BLOCK) for blocks in (8, 20))  # 2 MB and 5 MB each
    assert more < 1.05 * few + 1e5


def test_the_look_at_all_elements_takes_one_block() -> None:
    batch = varied(b200_flow(), 8 * BLOCK)
    stack(batch, screens(batch))  # what is made once
    most, _ = peak(lambda: stack(batch, screens(batch)))
    assert most < 8 * BLOCK + 1e5


@pytest.mark.parametrize("count", [PAGE // 8, PAGE // 8 + 1, 400_000, 1_000_000, PAGE])
def test_a_large_array_lies_in_whole_pages_of_its_own(count: int) -> None:
    array = empty(count)
    assert isinstance(array.base, np.ndarray)
    first, low = array.ctypes.data, array.base.ctypes.data
    assert first % PAGE == 0
    assert first + -(-array.nbytes // PAGE) * PAGE <= low + array.base.nbytes
    assert array.base.nbytes - array.nbytes < 2 * PAGE
    assert array.base.nbytes >= 1 << 22  # from here on NumPy asks for large pages


def test_a_small_array_is_no_larger_than_it_is() -> None:
    assert owned(empty(PAGE // 8 - 1)) == PAGE - 8
    assert owned(empty(RESULT // 8 - 1, least=RESULT)) == RESULT - 8
