"""The trunk of a search problem: passes of every branch at every inner test, weights, own costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import overload

import numpy as np
from numpy.typing import NDArray

from yieldopt.flow import Step
from yieldopt.memory import empty
from yieldopt.optimize.grid import Grid, Sum, grid_of
from yieldopt.optimize.states import merged, spread
from yieldopt.optimize.tree import Tree, is_test, run_step, screen, superposed
from yieldopt.physics.yields import Value
from yieldopt.screening import Group, door, log_pass
from yieldopt.template import Choice, OpenNode

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Place = tuple[str, int]  # a node, a position in it
Closed = Mapping[Place, Sequence[Step]]  # the steps of all inner nodes, levels along the axes
LOG_LIMIT = 230.0  # a chance to pass below e^−230 counts as none


@dataclass(frozen=True)
class Block:
    """The problem over some trunk combinations T.

    ``log_e[i]`` (T, M_i, G), ``log_q[i]`` (T, M_i): leaf i. ``base`` (T, G), ``base_uses``: costs
    and uses of the trunk, weighted. ``weight`` (T, n): W_i. ``log_q_trunk`` (T,).
    """

    log_e: tuple[Array, ...]
    log_q: tuple[Array, ...]
    base: Array
    base_uses: Mapping[str, Array]
    weight: Array
    log_q_trunk: Array

    def tables(self, at: int) -> tuple[Array, Array]:
        """Return ln E and ln Q of one leaf."""
        return self.log_e[at], self.log_q[at]

    @cached_property
    def e(self) -> Sequence[Array]:
        """E of every leaf, (T, M_i, G), each formed when asked for: no price changes it."""
        return _Exponentials(self.log_e)


class _Exponentials(Sequence[Array]):
    """e to the power of each array, computed once, when it is first asked for."""

    def __init__(self, logs: Sequence[Array]) -> None:
        self._logs = logs
        self._known: dict[int, Array] = {}

    def __len__(self) -> int:
        return len(self._logs)

    @overload
    def __getitem__(self, at: int) -> Array: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Array]: ...
    def __getitem__(self, at: int | slice) -> Array | Sequence[Array]:
        if isinstance(at, slice):
            return [self[i] for i in range(*at.indices(len(self)))]
        at = range(len(self))[at]  # from the end as well; IndexError beyond
        if at not in self._known:
            log = self._logs[at]
            self._known[at] = np.exp(log, out=empty(*log.shape))
        return self._known[at]


@dataclass
class _Passes:
    """Logs of the trunk's own chances to pass, by position of a node, along the trunk's axes."""

    own: dict[Place, Value] = field(default_factory=dict)
    door: Value = 0.0

    def add(self, place: Place, log_p: Value) -> None:
        self.own[place] = self.own.get(place, 0.0) + log_p


def build_block(
    tree: Tree,
    leaves: Sequence[OpenNode],
    picks: Sequence[Index],
    known: Sequence[tuple[Array, Array] | None] = (),
    trunk: Block | None = None,
    ahead: int = 0,
) -> Block:
    """Compute a block.

    Parameters
    ----------
    tree
        The template's tree.
    leaves
        Last nodes of its branches, in order.
    picks
        Level index of every trunk choice in order, each (T,). Where they are all combinations of
        ranges of levels, in order, every choice gets its own axis (:mod:`.grid`).
    known
        ln E and ln Q of leaves where they are known already, else ``None``; left out: of none.
    trunk
        A block of the same trunk, if one is known: what the trunk alone decides is taken from it.
    ahead
        How many of the first picks are of no choice: the tree's numbers vary along their axes.
    """
    grid, closed = _closed(tree, leaves, picks, ahead)
    found = [
        tables or _leaf(tree, node, closed, grid)
        for node, tables in zip(leaves, known or [None] * len(leaves), strict=True)
    ]
    return replace(
        trunk or _trunk(tree, leaves, closed, grid),
        log_e=tuple(log_e for log_e, _ in found),
        log_q=tuple(log_q for _, log_q in found),
    )


def leaf_tables(
    tree: Tree, leaf: OpenNode, picks: Sequence[Index], ahead: int = 0
) -> tuple[Array, Array]:
    """Return ln E (T, M, G) and ln Q (T, M) of one leaf alone; parameters as of a block."""
    grid, closed = _closed(tree, tree.branches, picks, ahead)
    return _leaf(tree, leaf, closed, grid)


def _closed(
    tree: Tree, leaves: Sequence[OpenNode], picks: Sequence[Index], ahead: int
) -> tuple[Grid, Closed]:
    """Return the axes of a block, and the steps of all inner nodes along them."""
    grid, along = grid_of(picks, [tree.sizes(node) for node in leaves])
    open_places = dict(zip(tree.open_places(), along[ahead:], strict=True))
    return grid, {
        (node.name, at): list(superposed(item, open_places.get((node.name, at))))
        for node in tree.inner
        for at, item in enumerate(node.items)
    }


def _trunk(tree: Tree, leaves: Sequence[OpenNode], closed: Closed, grid: Grid) -> Block:
    """Return a block with what the trunk alone decides."""
    passes = _Passes()
    for node in tree.inner:
        groups: list[Group] = []
        for at in range(len(node.items)):
            for step in closed[node.name, at]:
                passes.add((node.name, at), run_step(groups, step))
        for place, log_p in _climb(tree, node, groups, closed).items():
            passes.add(place, log_p.total())
        passes.door = passes.door + _door(groups).total()
    base, uses = _base(tree, closed, passes, grid)
    weights = [
        grid.column(tree.count(node.name) * _ahead(tree, tree.parent[node.name][0], 0, passes))
        for node in leaves
    ]
    weight = np.stack(weights, axis=1) if weights else np.zeros((grid.count, 0))
    log_q = np.maximum(grid.column(passes.door), -LOG_LIMIT)  # a leaf's has the same floor
    return Block((), (), base, uses, weight, log_q)


def _climb(tree: Tree, node: OpenNode, groups: list[Group], closed: Closed) -> dict[Place, Sum]:
    """Carry groups from their node to the door; return their log passes at the tests above."""
    seen: dict[Place, Sum] = {}
    for above, count in tree.above(node.name):
        for group in groups:
            group.count *= count
        for at, item in enumerate(above.items):
            if is_test(item):
                seen[above.name, at] = Sum()
                for step in closed[above.name, at]:
                    if step.kind == "test":
                        seen[above.name, at].take(screen(groups, step))
    return seen


def _door(groups: list[Group]) -> Sum:
    with np.errstate(divide="ignore"):
        return Sum(log_pass((door(group),), lambda value: value) for group in groups)


def _leaf(tree: Tree, node: OpenNode, closed: Closed, grid: Grid) -> tuple[Array, Array]:
    """Return ln E (T, M, G) and ln Q (T, M) of a leaf."""
    sizes = tree.sizes(node)
    shape = grid.shape(sizes)
    log_q, log_e = empty(*shape), empty(*shape, len(tree.gaps))
    parts = []
    for groups, index in merged(_grown(tree, node, iter(grid.menu(sizes))), grid):
        seen = _climb(tree, node, groups, closed)
        parts.append(_Part(_door(groups), seen, index))
    _write(parts, grid, log_q)
    if not _least(parts) > -LOG_LIMIT:
        np.maximum(log_q, -LOG_LIMIT, out=log_q)
    # The leaf's own tests ahead of a gap are its last ones: go from the door backward.
    places = {number: place for place, number in tree.tests.items() if place in parts[0].seen}
    ahead = [[n for n in tests if n in places] for tests in tree.gaps]
    for gap in sorted(range(len(ahead)), key=lambda gap: len(ahead[gap])):
        for part in parts:
            part.take([places[n] for n in ahead[gap]])
        _write(parts, grid, log_e[..., gap], minus=True)
    if not _least(parts) > -LOG_LIMIT:  # all tests are in by now
        np.minimum(log_e, LOG_LIMIT, out=log_e)
    whole = (grid.count, -1)
    return log_e.reshape(*whole, len(tree.gaps)), log_q.reshape(whole)


@dataclass
class _Part:
    """Log passes of some groups: at the door and the tests taken so far, and at those left."""

    passed: Sum
    seen: dict[Place, Sum]
    index: Index | None  # their state by menu entry, where equal ones are merged

    def take(self, places: Sequence[Place]) -> None:
        """Add what has not been added of the given tests."""
        for place in places:
            if place in self.seen:
                self.passed.take(self.seen.pop(place))


def _write(parts: Sequence[_Part], grid: Grid, out: Array, *, minus: bool = False) -> None:
    """Write the sum of all parts, or minus it, the first part being along the axes of ``out``."""
    parts[0].passed.into(out, minus=minus)
    for part in parts[1:]:
        assert part.index is not None
        more = spread(part.passed.total(), part.index, grid)
        (np.subtract if minus else np.add)(out, more, out=out)


def _least(parts: Sequence[_Part]) -> float:
    return sum(part.passed.least() for part in parts)


def _grown(tree: Tree, node: OpenNode, menus: Iterator[Index]) -> list[Group]:
    """Run all steps of a branch for its whole menu; return its fault groups."""
    groups: list[Group] = []
    for source in node.inputs:
        for group in _grown(tree, tree.nodes[source.node], menus):
            group.count *= source.count
            groups.append(group)
    for item in node.items:
        for step in superposed(item, next(menus) if isinstance(item, Choice) else None):
            run_step(groups, step)
    return groups


def _ahead(tree: Tree, node: str, at: int, passes: _Passes) -> Value:
    """Return what a dollar at a position weighs through the trunk's own losses: Π 1/pass / Q."""
    total: Value = -passes.door
    name: str | None = node
    first = at
    while name is not None:
        for index in range(first, len(tree.nodes[name].items)):
            total = total - passes.own.get((name, index), 0.0)
        name = tree.parent[name][0] if name != tree.root else None
        first = 0
    return np.exp(np.minimum(total, LOG_LIMIT))


def _base(
    tree: Tree, closed: Closed, passes: _Passes, grid: Grid
) -> tuple[Array, dict[str, Array]]:
    base = np.zeros((grid.count, len(tree.gaps)))
    uses: dict[str, Array] = {}
    for node in tree.inner:
        units = tree.count(node.name)
        for at in range(len(node.items)):
            before = units * _ahead(tree, node.name, at, passes)
            after = units * _ahead(tree, node.name, at + 1, passes)
            here, there = tree.gap(node.name, at), tree.gap(node.name, at + 1)
            for step in closed[node.name, at]:
                share = step.fail_cost_fraction if step.kind == "test" else 1.0
                charged = ((here, share * before), (there, (1.0 - share) * after))
                for gap, runs in charged:
                    base[:, gap] += grid.column(runs * step.cost_usd)
                for name, amount in step.uses.items():
                    held = uses.setdefault(name, np.zeros_like(base))
                    for gap, runs in charged:
                        held[:, gap] += grid.column(runs * amount)
    return base, uses
