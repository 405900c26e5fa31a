"""The products of a case studied side by side, in processes of their own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing.connection import Connection

from yieldopt.optimize.budget import LEAST_S, Budget
from yieldopt.schema.case import Case
from yieldopt.study.product import ProductStudy, study_product

_FEW = 3  # products that are sooner studied one by one: a process takes half a second to begin
# What a system says that begins no (more) processes, or ends them.
_NONE = (BrokenProcessPool, ImportError, NotImplementedError, OSError)
_SHORT_S = 5.0  # in less time a process hardly begins


class Products:
    """The studies of all products: other processes take them from the front, this from the end.

    Parameters
    ----------
    case
        Whose products.
    budget
        Time for all of them.
    pool, processes
        Processes that they are studied in besides this one, and how many with it.
    """

    def __init__(
        self,
        case: Case,
        budget: Budget,
        pool: ProcessPoolExecutor | None = None,
        processes: int = 1,
    ) -> None:
        self.case, self.budget, self.processes = case, budget, processes
        self._left = deque(range(len(case.products)))
        self._found: dict[int, ProductStudy] = {}
        self._errors: list[Exception] = []
        self._feeders = [
            threading.Thread(target=self._feed, args=(pool,), daemon=True)
            for _ in range(processes - 1 if pool else 0)
        ]
        for feeder in self._feeders:
            feeder.start()

    def all(self) -> tuple[ProductStudy, ...]:
        """Return all studies, in the order of the case."""
        self._study_here()
        for feeder in self._feeders:
            feeder.join()
        self._study_here()  # what a process died over
        if self._errors:
            raise self._errors[0]
        return tuple(self._found[at] for at in range(len(self.case.products)))

    def _study_here(self) -> None:
        while self._left:
            share = self._share()
            try:
                at = self._left.pop() if self._feeders else self._left.popleft()
            except IndexError:  # another has just taken the last
                return
            self._found[at] = study_product(self.case, self.case.products[at], share)

    def _feed(self, pool: ProcessPoolExecutor) -> None:
        """Give a process one product after the other."""
        while self._left:
            share = self._share()
            try:
                at = self._left.popleft()
            except IndexError:
                return
            try:
                asked = pool.submit(_study, self.case, at, share.limit_s, time.time())
                self._found[at] = asked.result()
            except _NONE:  # the system had no memory for it, say
                self._left.append(at)
                return
            except Exception as error:  # of another process: raised where the studies are asked for
                self._errors.append(error)

    def _share(self) -> Budget:
        return self.budget.part(-(-len(self._left) // self.processes) or 1)


@contextmanager
def products_of(case: Case, budget: Budget, processes: int) -> Iterator[Products]:
    """Begin to study the products of a case; whatever ends the block ends the processes too.

    Parameters
    ----------
    case, budget
        Whose products, and the time for all of them.
    processes
        At most, this one among them; with 1, or where products or seconds are few, they are studied
        in it.
    """
    late = budget.limit_s is not None and budget.left_s() < _SHORT_S
    if processes < 2 or len(case.products) < _FEW or late:
        yield Products(case, budget)
        return
    context = multiprocessing.get_context("spawn")
    end, line = context.Pipe(duplex=False)  # of this program's life: the system closes it too
    with end, line, ExitStack() as ended:
        pool = None
        with suppress(*_NONE):
            pool = ended.enter_context(ProcessPoolExecutor(processes - 1, context, _begin, (end,)))
        try:
            with suppress(*_NONE), _interrupts_ignored():
                for _ in range(processes - 1):
                    if pool:
                        pool.submit(int)  # a process begins
            yield Products(case, budget, pool, processes if pool else 1)
        finally:
            line.close()  # what was begun ends now, without taking leave
            if pool:
                pool.shutdown(cancel_futures=True)


def _begin(end: Connection) -> None:
    """Let this process end with the program that began it, however that ends, and not by Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(end,), daemon=True).start()


def _end_with(end: Connection) -> None:
    end.poll(None)  # nothing is ever sent: the other end was closed
    os._exit(1)


def _study(case: Case, at: int, limit_s: float | None, asked: float) -> ProductStudy:
    """Study a product; of its seconds those are gone that this process took to begin."""
    if limit_s is not None:
        limit_s = max(LEAST_S, limit_s - max(0.0, time.time() - asked))
    return study_product(case, case.products[at], Budget.of(limit_s))


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Ctrl-C reaches every process of a terminal: those begun here leave the word to this one."""
    if threading.current_thread() is not threading.main_thread():  # only the main one may say so
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
