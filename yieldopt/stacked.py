r"""All screens of a flow for a block of scenarios, in few passes over memory.

When coverages and repairs are scalars, κ and δ of every term are too, and only the means λ vary
over the batch. Then −ln pass of every test, and −ln Q, is a sum of rows, each with a few constant
weights: a matrix product. What the rows are is decided in :mod:`yieldopt.stacking`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from yieldopt.interpolation import Array, Placed
from yieldopt.memory import empty
from yieldopt.physics.yields import Value
from yieldopt.screening import Cut, Place, log_pass

FillRows = Callable[[Cut, Array], None]  # writes the rows of a block, (rows, size)


@dataclass(frozen=True, slots=True)
class Sums:
    """Rows that are sums of means."""

    means: tuple[tuple[Value, ...], ...]  # by row

    def fill(self, cut: Cut, rows: Array) -> None:
        """Write the rows of a block, (rows, size), one after the other in memory."""
        firsts = [cut(row[0]) for row in self.means]
        np.concatenate(firsts, out=rows.reshape(-1))  # one call: threads wait for it once
        for row, (_, *others) in zip(rows, self.means, strict=True):
            for mean in others:
                np.add(row, cut(mean), out=row)


@dataclass(frozen=True, slots=True)
class Product:
    """Rows with dense weights for the screens they enter: one matrix product.

    Weights beyond the rows that are filled are of one more row, of ones.
    """

    screens: tuple[int, ...]
    weights: Array  # (screens, rows)
    fills: tuple[tuple[int, FillRows], ...]  # how many rows, and what writes them


@dataclass(frozen=True, slots=True)
class Stack:
    """What −ln pass of each test, and −ln Q, is the sum of.

    The losses stand in an order in which those of the first product, the largest, are neighbours:
    it is written where it stays, base included.
    """

    places: tuple[Place, ...]  # tests, in the order of the screens; the door is the next screen
    order: tuple[int, ...]  # screens, as their losses stand; the door is last
    base: tuple[float, ...]  # by screen
    products: tuple[Product, ...]
    other: tuple[Placed, ...]


@dataclass(frozen=True, slots=True)
class _Task:
    """One product at work: all views of the memory that it writes."""

    fills: list[tuple[FillRows, Array]]
    weights: Array
    rows: Array
    out: Array
    sums: list[tuple[Array, Array, Array]]  # total ← what it was + what the product gives

    def do(self, cut: Cut) -> None:
        for fill, into in self.fills:
            fill(cut, into)
        np.matmul(self.weights, self.rows, out=self.out)
        for total, held, more in self.sums:
            np.add(held, more, out=total)


class Desk:
    """Where one thread works on blocks of a stack: memory laid out for one size at a time.

    Few and long NumPy calls: between them a thread needs the interpreter, for which others wait.

    Parameters
    ----------
    stack
        The stack.
    block
        The largest size.
    """

    def __init__(self, stack: Stack, block: int) -> None:
        self.stack = stack
        self.stand = {screen: at for at, screen in enumerate(stack.order)}
        self.widest = max((len(part.screens) for part in stack.products[1:]), default=0)
        most = max((part.weights.shape[1] for part in stack.products), default=0)
        self.memory = empty(len(stack.base) + self.widest + most + 1, block)  # and a row of ones
        self._lay(block)

    def look_up(self, cut: Cut, size: int) -> tuple[dict[Place, Value], Array]:
        """Return 1/pass of every test, and ln Q, of a block, in memory that is used again."""
        if size != self.total.shape[1]:
            self._lay(size)
        for task in self.tasks:
            task.do(cut)
        for at, base in self.constant:
            self.total[at] = base
        for screen, term in self.stack.other:
            self.total[self.stand[screen]] -= log_pass((term,), cut)
        tests, door = self.total[:-1], self.total[-1]
        np.exp(tests, out=tests)
        return dict(self.inverse), np.negative(door, out=door)

    def _lay(self, size: int) -> None:
        """Lay the memory out: losses as they stand, a product to be added, rows, ones last."""
        table = self.memory.reshape(-1)[: len(self.memory) * size].reshape(-1, size)
        count = len(self.stack.base)
        self.total, second, rows = np.split(table, [count, count + self.widest])
        rows[-1] = 1.0
        order = self.stack.order[:-1]
        self.inverse: dict[Place, Value] = {
            self.stack.places[screen]: row
            for screen, row in zip(order, self.total, strict=False)  # the door is none
        }
        fresh = set(self.stand)  # screens that nothing has been written to
        self.tasks: list[_Task] = []
        for part in self.stack.products:
            out, sums = second[: len(part.screens)], []
            if part is self.stack.products[0]:
                first = self.stand[part.screens[0]]
                out = self.total[first : first + len(part.screens)]
            else:
                sums = self._sums(part.screens, out, fresh)
            ends = np.cumsum([0, *(number for number, _ in part.fills)]).tolist()
            used = rows[len(rows) - 1 - ends[-1] :][: part.weights.shape[1]]
            pieces = zip(part.fills, pairwise(ends), strict=True)
            fills = [(fill, used[low:high]) for (_, fill), (low, high) in pieces]
            self.tasks.append(_Task(fills, part.weights, used, out, sums))
            fresh -= set(part.screens)
        self.constant = [(self.stand[screen], self.stack.base[screen]) for screen in fresh]

    def _sums(
        self, screens: tuple[int, ...], out: Array, fresh: set[int]
    ) -> list[tuple[Array, Array, Array]]:
        """Return what is added where, for each run of neighbours among the screens."""
        runs: list[list[int]] = []
        for at, screen in enumerate(screens):
            before = screens[at - 1]
            beside = at > 0 and self.stand[screen] == self.stand[before] + 1
            if beside and (screen in fresh) == (before in fresh):
                runs[-1].append(at)
            else:
                runs.append([at])
        found: list[tuple[Array, Array, Array]] = []
        for run in runs:
            first, many = screens[run[0]], len(run)
            total = self.total[self.stand[first] :][:many]
            base = np.array([[self.stack.base[screens[at]]] for at in run])
            found.append((total, base if first in fresh else total, out[run[0] :][:many]))
        return found
