r"""All screens of a flow for a block of scenarios, in few passes over memory.

When coverages and repairs are scalars, κ and δ of every term are too, and only the means λ vary
over the batch. Then −ln pass of every test, and −ln Q, is a sum of rows, each with a few constant
weights: a matrix product. What the rows are is decided in :mod:`yieldopt.stacking`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from yieldopt.interpolation import Array, Placed
from yieldopt.memory import empty
from yieldopt.physics.yields import Value
from yieldopt.screening import Cut, Place, log_pass

FillRows = Callable[[Cut, Array], None]  # writes the rows of a block, (rows, size)


@dataclass(frozen=True, slots=True)
class Product:
    """Rows with dense weights for the screens they enter: one matrix product."""

    screens: tuple[int, ...]
    weights: Array  # (screens, rows)
    fills: tuple[tuple[int, FillRows], ...]  # how many rows, and what writes them

    def into(self, cut: Cut, rows: Array, out: Array) -> None:
        """Write the weighted sums of a block (screens, size), with its rows as scratch."""
        rows = rows[: self.weights.shape[1]]
        at = 0
        for count, fill in self.fills:
            fill(cut, rows[at : at + count])
            at += count
        np.matmul(self.weights, rows, out=out)


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

    def buffer(self, block: int) -> Array:
        """Return the working memory for blocks of a size."""
        rows = max((p.weights.shape[1] for p in self.products), default=0)
        return empty(2 * len(self.base) + rows, block)

    def look_up(self, cut: Cut, size: int, buffer: Array) -> tuple[dict[Place, Value], Array]:
        """Return 1/pass of every test, and ln Q, of a block, inside ``buffer``."""
        losses = self._losses(cut, size, buffer)
        tests, door = losses[:-1], losses[-1]
        np.exp(tests, out=tests)
        inverse: dict[Place, Value] = {
            self.places[screen]: row for screen, row in zip(self.order[:-1], tests, strict=True)
        }
        return inverse, np.negative(door, out=door)

    def _losses(self, cut: Cut, size: int, buffer: Array) -> Array:
        """Return −ln pass of every test, and −ln Q last, (screens, size), as they stand."""
        count = len(self.base)
        total, rows = buffer[:count, :size], buffer[2 * count :, :size]
        product = buffer[count : 2 * count, :size]
        stand = {screen: at for at, screen in enumerate(self.order)}
        direct = self.products[0].screens if self.products else ()
        for screen, at in stand.items():
            if screen not in direct:
                total[at] = self.base[screen]
        for part in self.products:
            first, width = stand[part.screens[0]], len(part.screens)
            if part is self.products[0]:
                part.into(cut, rows, total[first : first + width])
                continue
            part.into(cut, rows, product[:width])
            for screen, row in zip(part.screens, product[:width], strict=True):
                total[stand[screen]] += row
        for screen, term in self.other:
            total[stand[screen]] -= log_pass((term,), cut)
        return total
