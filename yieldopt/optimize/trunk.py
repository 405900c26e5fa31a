"""The trunk of a search problem: passes of every branch at every inner test, weights, own costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from yieldopt.optimize.tree import Tree, is_test, run_step, screen, superposed
from yieldopt.physics.yields import Value
from yieldopt.screening import Group, door, log_pass
from yieldopt.template import Choice, OpenNode

Array = NDArray[np.float64]
Index = NDArray[np.intp]
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

    @cached_property
    def e(self) -> tuple[Array, ...]:
        """E of every leaf, (T, M_i, G): no price changes it."""
        return tuple(np.exp(log_e) for log_e in self.log_e)


@dataclass
class _Passes:
    """Logs of the trunk's own chances to pass, by position of a node, each (T, 1)."""

    own: dict[tuple[str, int], Value] = field(default_factory=dict)
    door: Value = 0.0

    def add(self, place: tuple[str, int], log_p: Value) -> None:
        self.own[place] = self.own.get(place, 0.0) + log_p


def build_block(tree: Tree, leaves: Sequence[OpenNode], picks: Sequence[Index]) -> Block:
    """Compute a block.

    Parameters
    ----------
    tree
        The template's tree.
    leaves
        Last nodes of its branches, in order.
    picks
        Level index of every trunk choice in order, each (T,).
    """
    count = len(picks[0]) if picks else 1
    trunk = {place: pick[:, None] for place, pick in zip(tree.open_places(), picks, strict=True)}
    passes = _Passes()
    for node in tree.inner:
        groups: list[Group] = []
        for at, item in enumerate(node.items):
            for step in superposed(item, trunk.get((node.name, at))):
                passes.add((node.name, at), run_step(groups, step))
        seen = _climb(tree, node, groups, trunk)
        for place, log_p in seen.items():
            passes.add(place, log_p)
        passes.door = passes.door + _door(groups)
    found = [_leaf(tree, node, trunk, count) for node in leaves]
    base, uses = _base(tree, trunk, passes, count)
    parents = [tree.parent[node.name][0] for node in leaves]
    weights = [
        tree.count(n.name) * _ahead(tree, p, 0, passes)
        for n, p in zip(leaves, parents, strict=True)
    ]
    weight = (
        np.concatenate([_column(w, count) for w in weights], axis=1)
        if weights
        else np.zeros((count, 0))
    )
    return Block(
        tuple(log_e for log_e, _ in found),
        tuple(log_q for _, log_q in found),
        base,
        uses,
        weight,
        _column(passes.door, count)[:, 0],
    )


def _climb(
    tree: Tree, node: OpenNode, groups: list[Group], trunk: Mapping[tuple[str, int], Index]
) -> dict[tuple[str, int], Value]:
    """Carry groups from their node to the door; return their log passes at the tests above."""
    seen: dict[tuple[str, int], Value] = {}
    for above, count in tree.above(node.name):
        for group in groups:
            group.count *= count
        for at, item in enumerate(above.items):
            if is_test(item):
                log_p: Value = 0.0
                for step in superposed(item, trunk.get((above.name, at))):
                    if step.kind == "test":
                        log_p = log_p + screen(groups, step)
                seen[above.name, at] = log_p
    return seen


def _door(groups: list[Group]) -> Value:
    with np.errstate(divide="ignore"):
        return log_pass(tuple(door(group) for group in groups), lambda value: value)


def _leaf(
    tree: Tree, node: OpenNode, trunk: Mapping[tuple[str, int], Index], count: int
) -> tuple[Array, Array]:
    """Return ln E (T, M, G) and ln Q (T, M) of a leaf."""
    menus = tree.menu_picks(node)
    size = len(menus[0]) if menus else 1
    groups = _grown(tree, node, iter([pick[None, :] for pick in menus]))
    seen = _climb(tree, node, groups, trunk)
    shape = (count, size)
    log_q = np.maximum(np.broadcast_to(_door(groups), shape), -LOG_LIMIT)
    log_e = np.empty((*shape, len(tree.gaps)))
    for gap, tests in enumerate(tree.gaps):
        total: Value = -log_q
        for place, number in tree.tests.items():
            if number in tests and place in seen:
                total = total - seen[place]
        log_e[:, :, gap] = np.minimum(total, LOG_LIMIT)
    return log_e, log_q


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
    tree: Tree, trunk: Mapping[tuple[str, int], Index], passes: _Passes, count: int
) -> tuple[Array, dict[str, Array]]:
    base = np.zeros((count, len(tree.gaps)))
    uses: dict[str, Array] = {}
    for node in tree.inner:
        units = tree.count(node.name)
        for at, item in enumerate(node.items):
            before = units * _ahead(tree, node.name, at, passes)
            after = units * _ahead(tree, node.name, at + 1, passes)
            here, there = tree.gap(node.name, at), tree.gap(node.name, at + 1)
            for step in superposed(item, trunk.get((node.name, at))):
                share = step.fail_cost_fraction if step.kind == "test" else 1.0
                early, late = share * before, (1.0 - share) * after
                _book(base, here, there, early, late, step.cost_usd)
                for name, amount in step.uses.items():
                    held = uses.setdefault(name, np.zeros_like(base))
                    _book(held, here, there, early, late, amount)
    return base, uses


def _book(table: Array, here: int, there: int, early: Value, late: Value, amount: Value) -> None:
    table[:, here] += _column(early * amount, len(table))[:, 0]
    table[:, there] += _column(late * amount, len(table))[:, 0]


def _column(value: Value, count: int) -> Array:
    return np.array(np.broadcast_to(np.asarray(value, float).reshape(-1, 1), (count, 1)))
