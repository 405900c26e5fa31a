"""Fault groups over the menu of a branch: entries that leave a group in the same state are one.

Two nested tests of 12 levels leave a group in some 12 to 23 states, by the larger of the coverages,
not in 144: only these are carried through the trunk.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from yieldopt.optimize.grid import Grid
from yieldopt.physics.yields import Value
from yieldopt.screening import Group

Array = NDArray[np.float64]
Index = NDArray[np.intp]
_BITS = 48  # of a kill mass, a sum of coverages: the last ones depend on the way to it
_LEAST_TRUNK, _LEAST_NUMBERS = 64, 1 << 15  # fewer are sooner computed than compared


def merged(groups: Sequence[Group], grid: Grid) -> Iterator[tuple[list[Group], Index | None]]:
    """Yield groups to carry on together, and where their state is that of each menu entry.

    Parameters
    ----------
    groups
        Groups of a branch, arrays along the axes of its menu. Those that are merged get one axis,
        over the states that differ.
    grid
        Axes of the block.

    Returns
    -------
    iterator of (groups, index)
        First those left as they are, with ``None``; then each merged one, with the number of its
        state by menu entry, along the axes of the menu.
    """
    left, found = [], []
    for group in groups:
        index = _merge(group, grid)
        if index is None:
            left.append(group)
        else:
            found.append(([group], index))
    yield left, None
    yield from found


def spread(value: Value, index: Index, grid: Grid) -> Value:
    """Return what is known by state by menu entry, along the axes of the block."""
    if np.ndim(value) == 0 or np.shape(value)[-1] == 1:  # whatever the state
        return value
    value = np.asarray(value)
    trunk, menu = value.shape[: -grid.depth], (*[1] * (grid.depth - index.ndim), *index.shape)
    return np.take(value, index.reshape(-1), axis=-1).reshape(*trunk, *menu)


def _merge(group: Group, grid: Grid) -> Index | None:
    rows: list[Value | NDArray[np.bool_]] = [group.met, *group.first.values()]
    for state in group.classes.values():
        # Where the law has a pole, the last bits count.
        rows.append(state.kill if group.law.name == "single" else _near(state.kill))
        rows += [state.mean, state.nested, state.free, state.unseen]
        rows += [coverage for coverage, _ in state.partial]
    shape = np.broadcast_shapes(*(np.shape(row) for row in rows))
    own = len(shape) <= grid.depth and sum(size > 1 for size in shape) > 1
    if not own or grid.count < _LEAST_TRUNK or grid.count * math.prod(shape) < _LEAST_NUMBERS:
        return None
    keys = np.array([np.broadcast_to(row, shape).reshape(-1) for row in rows], dtype=float)
    _, first, index = np.unique(keys, axis=1, return_index=True, return_inverse=True)
    if 2 * len(first) > keys.shape[1]:
        return None

    def kept(value: Value) -> Value:
        out: Array = np.broadcast_to(value, shape).reshape(-1)[first]
        return out if isinstance(value, np.ndarray) else value

    if isinstance(group.met, np.ndarray):
        group.met = np.broadcast_to(group.met, shape).reshape(-1)[first]
    group.first = {name: kept(mass) for name, mass in group.first.items()}
    for state in group.classes.values():
        state.mean, state.nested, state.free = map(kept, (state.mean, state.nested, state.free))
        state.kill, state.unseen = kept(state.kill), kept(state.unseen)
        state.partial = tuple((kept(coverage), share) for coverage, share in state.partial)
    return index.reshape(shape).astype(np.intp)


def _near(value: Value) -> Value:
    """Round to a number of bits of its own size, so that 0 stays apart."""
    if not isinstance(value, np.ndarray):
        return value
    share, power = np.frexp(value)
    near: Array = np.ldexp(np.rint(np.ldexp(share, _BITS)), power - _BITS)
    return near
