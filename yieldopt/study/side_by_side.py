"""The products of a case studied side by side, in processes of their own."""

from __future__ import annotations

import multiprocessing
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from yieldopt.optimize.budget import LEAST_S, Budget
from yieldopt.schema.case import Case
from yieldopt.study.product import ProductStudy, study_product

_FEW = 3  # products that are sooner studied one by one: a process takes half a second to begin


class Products:
    """The studies of all products, begun in other processes or still to be made.

    Parameters
    ----------
    case
        Whose products.
    budget
        Time for all of them.
    pool, processes
        Processes that they are studied in, and how many; ``None``: in this one.
    """

    def __init__(
        self,
        case: Case,
        budget: Budget,
        pool: ProcessPoolExecutor | None = None,
        processes: int = 1,
    ) -> None:
        self.case, self.budget, self.processes = case, budget, processes
        self._begun: list[Future[ProductStudy]] = []
        if pool is not None:
            left, now = (None if budget.limit_s is None else budget.left_s()), time.time()
            self._begun = [
                pool.submit(_in_time, case, at, left, now, processes)
                for at in range(len(case.products))
            ]

    def all(self) -> tuple[ProductStudy, ...]:
        """Return all studies, in the order of the case; those that a process died over anew."""
        return tuple(self._one(at) for at in range(len(self.case.products)))

    def _one(self, at: int) -> ProductStudy:
        try:
            if self._begun:
                return self._begun[at].result()
        except BrokenProcessPool:  # the system had no memory for it, say
            self._begun = []
        left = None if self.budget.limit_s is None else self.budget.left_s()
        return _in_time(self.case, at, left, time.time(), 1)


@contextmanager
def products_of(case: Case, budget: Budget, processes: int) -> Iterator[Products]:
    """Begin to study the products of a case; whatever ends the block ends the processes too.

    Parameters
    ----------
    case, budget
        Whose products, and the time for all of them.
    processes
        At most; with 1, or where products are few, they are studied when they are asked for.
    """
    if processes < 2 or len(case.products) < _FEW:
        yield Products(case, budget)
        return
    others = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context) as pool:
        try:
            with _interrupts_ignored():  # what begins here goes on so, and is ended below
                products = Products(case, budget, pool, processes)
            yield products
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in set(multiprocessing.active_children()) - others:
                process.terminate()
                process.join()
            raise


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Ctrl-C reaches every process of a terminal, but only the first has something to say of it."""
    if threading.current_thread() is not threading.main_thread():  # only the main one may say so
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _in_time(
    case: Case, at: int, left_s: float | None, since: float, processes: int
) -> ProductStudy:
    """Study a product in its share of what time is left by now of ``left_s`` at ``since``."""
    gone_s = max(0.0, time.time() - since)
    left = Budget.of(None if left_s is None else max(LEAST_S, left_s - gone_s))
    waves = -(-len(case.products) // processes) - at // processes
    return study_product(case, case.products[at], left.part(waves))
