"""The choices of a block as axes of its arrays: what few choices decide is computed once for them.

A block of T trunk combinations against a branch's menu of M entries asks for (T, M) chances to
pass. A fault group of the branch depends on few of the choices: those of its menu that saw it, and,
at a test of the trunk, that test and the ones before it. With an axis for each choice and NumPy's
broadcasting its state has these axes alone: the first of three tests of 12 levels takes 12 numbers
for each state, not 12³. Nothing is rounded or compared to find what is equal.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yieldopt.physics.yields import Value

Array = NDArray[np.float64]
Index = NDArray[np.intp]
_EPSILON = float(np.finfo(float).eps)


class Sum:
    """A sum kept by the shapes of its parts until it is asked for.

    It works in place: an array that is added is no longer the caller's.
    """

    def __init__(self, values: Iterable[Value] = ()) -> None:
        self._parts: dict[tuple[int, ...], Value] = {}
        self._terms = 0
        for value in values:
            self.add(value)

    def add(self, value: Value) -> None:
        """Add a number or an array."""
        self._terms += 1
        shape = np.shape(value)
        if shape in self._parts:
            self._parts[shape] += value
        else:
            self._parts[shape] = value

    def take(self, other: Sum) -> None:
        """Add another sum, which ends with it."""
        terms = self._terms + other._terms
        for value in other._parts.values():
            self.add(value)
        self._terms = terms

    def least(self) -> float:
        """Return a number that no element lies below: the least of every part, rounded down.

        In whatever order n parts are added, rounding is at most (n − 1)·ε/2 of their absolute sum,
        here and there. The terms are counted, not the parts: where all have one sign, it holds for
        any order of the terms as well.
        """
        spans = [(float(np.min(part)), float(np.max(part))) for part in self._parts.values()]
        most = sum(max(-low, high) for low, high in spans)
        return sum(low for low, _ in spans) - self._terms * _EPSILON * most

    def total(self) -> Value:
        """Return the sum.

        Examples
        --------
        >>> total = Sum([1.0, np.ones((3, 1)), np.ones((1, 2)), 2.0]).total()
        >>> total.shape, float(total[0, 0])
        ((3, 2), 5.0)
        """
        first, *others = self._small_first() or [0.0]
        return sum(others, first)

    def into(self, out: Array, *, minus: bool = False) -> None:
        """Write the sum, or minus the sum, into an array of the shape of the whole."""
        more = np.subtract if minus else np.add
        total: Value = 0.0
        for part in self._small_first():
            whole = total is out or np.broadcast(total, part).size == out.size
            total = more(total, part, out=out if whole else None)
        if total is not out:
            out[...] = total

    def _small_first(self) -> list[Value]:
        parts = list(self._parts.values())
        return sorted(parts, key=np.size) if len(parts) > 1 else parts


@dataclass(frozen=True)
class Grid:
    """The axes of a block: those of its trunk choices, then ``depth`` of a branch's menu.

    Parameters
    ----------
    trunk
        Lengths of the trunk's axes: one for each choice that varies, or one for all combinations.
    depth
        Axes of the longest menu; shorter ones take the last of them.
    whole
        Every trunk choice has its own axis, and so has every choice of a menu.
    """

    trunk: tuple[int, ...]
    depth: int
    whole: bool

    @property
    def count(self) -> int:
        """Trunk combinations T."""
        return math.prod(self.trunk)

    def menu(self, sizes: Sequence[int]) -> list[Index]:
        """Return the level index of every choice of a menu, of that many levels, along its axes."""
        if self.whole:
            return _along([np.arange(size) for size in sizes], 0)
        return list(np.unravel_index(np.arange(math.prod(sizes)), sizes)) if sizes else []

    def shape(self, sizes: Sequence[int]) -> tuple[int, ...]:
        """Return the shape of what depends on all choices of the trunk and of one menu."""
        own = tuple(n for n in sizes if n > 1) if self.whole else (math.prod(sizes),)
        return (*self.trunk, *[1] * (self.depth - len(own)), *own)

    def column(self, value: Value) -> Array:
        """Return what the trunk alone decides by trunk combination, (T,)."""
        return np.array(np.broadcast_to(value, (*self.trunk, *[1] * self.depth))).reshape(-1)


def grid_of(picks: Sequence[Index], menus: Sequence[Sequence[int]]) -> tuple[Grid, list[Index]]:
    """Return the axes of a block, and the level indices of its trunk choices along them.

    Parameters
    ----------
    picks
        Level index of every trunk choice, each (T,).
    menus
        Number of levels of every choice of each branch.

    Notes
    -----
    Where the combinations are not all those of a range of levels for each choice, the last choice
    varying fastest, they share one axis, and each menu has one: arrays (T, M).

    Examples
    --------
    >>> one, other = np.repeat(np.arange(3), 2), np.tile(np.arange(2), 3)
    >>> grid, picks = grid_of([one, other], [[4]])
    >>> grid.trunk, [pick.shape for pick in picks]
    ((3, 2), [(3, 1, 1), (2, 1)])
    >>> grid_of([other, one], [[4]])[0].trunk
    (6,)
    """
    ranges = _ranges(picks)
    if ranges is None:
        return Grid((len(picks[0]),), 1, False), [pick[:, None] for pick in picks]
    trunk = tuple(len(levels) for levels in ranges if len(levels) > 1)
    depth = max((sum(n > 1 for n in sizes) for sizes in menus), default=0)
    return Grid(trunk, depth, True), _along(ranges, depth)


def _ranges(picks: Sequence[Index]) -> list[Index] | None:
    """Return the levels that each index runs over, ``None`` where they are not a grid in order."""
    ranges = [np.arange(pick.min(), pick.max() + 1) for pick in picks]
    sizes = [len(levels) for levels in ranges]
    if picks and math.prod(sizes) != len(picks[0]):
        return None
    for at, (pick, levels) in enumerate(zip(picks, ranges, strict=True)):
        table = pick.reshape(-1, sizes[at], math.prod(sizes[at + 1 :]))
        if (table != levels[:, None]).any():
            return None
    return ranges


def _along(ranges: Sequence[Index], after: int) -> list[Index]:
    """Give all levels that vary an axis of their own, ``after`` axes ahead of the end."""
    out: list[Index] = []
    for levels in reversed(ranges):
        out.append(levels.reshape((-1, *[1] * after) if len(levels) > 1 else ()))
        after += len(levels) > 1
    return out[::-1]
