r"""A template as a search problem: everything that prices do not change, computed once.

A *menu* holds all combinations of levels of one branch (a leaf, or a sub-assembly with few), the
*trunk* all those of the inner nodes.
For a trunk combination T and menu entries m_i the cost per good package is

    J = Σ_g ( B_g + Σ_{i joining at g} W_i·K_i(m_i) ) · Π_i E_i,g(m_i) ,

with a gap g for every set of inner tests still ahead, E_i,g = Π 1/pass of leaf i over those tests
and the door, K_i the cost of one passed unit of leaf i, and B_g, W_i what the trunk alone decides
(own costs, scrap, overkill, its own faults). E does not depend on prices; K and B are linear in
them. See DESIGN.md, "Choosing coverage exactly".
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from yieldopt.flow import Step
from yieldopt.optimize.menus import Menus
from yieldopt.optimize.tree import Tree, menu_sizes, run_step, same_branches, superposed
from yieldopt.optimize.trunk import LOG_LIMIT, Block, build_block
from yieldopt.physics.yields import Value
from yieldopt.screening import Group
from yieldopt.template import Choice, OpenNode, Template

Array = NDArray[np.float64]
Index = NDArray[np.intp]
_BLOCK_PLANS = 1 << 18  # trunk combinations × widest menu held at once
_CACHED_NUMBERS = 20_000_000  # of ln E; E itself takes as much again


@dataclass(frozen=True)
class Leaf:
    """One branch's menu: cost and uses of one passed unit by entry, each (M,)."""

    name: str
    places: tuple[str, ...]
    sizes: tuple[int, ...]
    cost: Array
    uses: Mapping[str, Array]
    gap: int  # where it joins


@dataclass(frozen=True)
class Problem:
    """A template prepared for the search.

    ``kin`` is the problem of a template that differs little, or ``None``: the tables of branches
    that are the same in both are taken from it. ``held_leaves`` are those known already.
    """

    template: Template
    tree: Tree
    trunk_places: tuple[str, ...]
    trunk_sizes: tuple[int, ...]
    kin: Problem | None = field(default=None, repr=False, compare=False)
    held_leaves: tuple[Leaf, ...] = field(default=(), repr=False, compare=False)
    _cache: dict[int, Block] = field(default_factory=dict, repr=False, compare=False)
    _plans: dict[int, Index] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def leaves(self) -> tuple[Leaf, ...]:
        """The menu of every branch: a leaf, or a sub-assembly small enough to be one menu."""
        return self.held_leaves or tuple(
            self.kin.leaves[at] if self.kin and same else _leaf(node, self.tree)
            for at, (node, same) in enumerate(zip(self.tree.branches, self._as_kin, strict=True))
        )

    @cached_property
    def _as_kin(self) -> tuple[bool, ...]:
        """Whether the tables of each branch are those of the kin."""
        if self.kin is None:
            return (False,) * len(self.tree.branches)
        return same_branches(self.tree, self.kin.tree)

    @cached_property
    def _has_trunk_of_kin(self) -> bool:
        """Whether the kin has the same trunk, with branches of the same names and counts below."""
        return self.kin is not None and (
            self.tree.shape == self.kin.tree.shape and self.tree.inner == self.kin.tree.inner
        )

    @cached_property
    def menus(self) -> Menus:
        """The same template for the search by labels."""
        return Menus.of(self.template)

    @cached_property
    def menu_counts(self) -> tuple[int, ...]:
        """Number of entries of every branch's menu."""
        return tuple(math.prod(self.tree.sizes(node)) for node in self.tree.branches)

    @cached_property
    def trunk_count(self) -> int:
        """Number of trunk combinations."""
        return math.prod(self.trunk_sizes)

    @cached_property
    def combinations(self) -> int:
        """Number of plans: trunk combinations × menu entries."""
        return self.trunk_count * math.prod(self.menu_counts)

    @property
    def only_block(self) -> Block | None:
        """The block that holds all trunk combinations, if there is one and it is at hand."""
        block = self._cache.get(0)
        return block if block is not None and len(block.base) == self.trunk_count else None

    def blocks(self) -> Iterator[tuple[int, Block]]:
        """Yield (first trunk combination, block), each small enough to stay in memory."""
        low = 0
        while low < self.trunk_count:
            yield low, self.block(low)
            low = self._end(low)

    def block(self, low: int) -> Block:
        """Return the block that starts at a trunk combination."""
        if low in self._cache:
            return self._cache[low]
        numbers = np.arange(low, self._end(low))
        picks = np.unravel_index(numbers, self.trunk_sizes) if self.trunk_sizes else ()
        known = self.kin._cache.get(low) if self.kin else None
        found = [
            known.tables(at) if known and same else None for at, same in enumerate(self._as_kin)
        ]
        trunk = known if known and self._has_trunk_of_kin else None
        block = build_block(self.tree, self.tree.branches, picks, found, trunk)
        if self._is_kept:
            self._cache[low] = block
        return block

    def plans_at(self, low: int) -> Index | None:
        """Return plans that were good in the last search of a block, or of the kin's, (T, n)."""
        if low in self._plans:
            return self._plans[low]
        kin = self.kin
        if kin is None or (kin.trunk_sizes, kin.menu_counts) != (
            self.trunk_sizes,
            self.menu_counts,
        ):
            return None
        return kin._plans.get(low)

    def keep_plans(self, low: int, plans: Index) -> None:
        """Keep them for the next search, at other prices, where the blocks are kept."""
        if self._is_kept:
            self._plans[low] = plans

    @cached_property
    def _is_kept(self) -> bool:
        """Whether all blocks together are small enough to be kept."""
        return self.trunk_count * self._numbers <= _CACHED_NUMBERS

    @cached_property
    def _widest(self) -> int:
        return max((len(leaf.cost) for leaf in self.leaves), default=1)

    @cached_property
    def _numbers(self) -> int:
        """Numbers of ln E of one trunk combination."""
        return sum(len(leaf.cost) for leaf in self.leaves) * len(self.tree.gaps)

    def _end(self, low: int) -> int:
        """Return where the block that starts at ``low`` ends.

        A block holds all levels of the last trunk choices and a range of those of one before them,
        so that each choice has an axis of its own (:mod:`.grid`).
        """
        whole, most = 1, max(1, _BLOCK_PLANS // self._widest)
        for size in reversed(self.trunk_sizes):
            if whole * size > most:
                parts = -(-size // (most // whole))  # about equal
                end = low + -(-size // parts) * whole
                return min(end, (low // (whole * size) + 1) * whole * size)
            whole *= size
        return whole

    def plan(self, levels: Mapping[str, str]) -> tuple[int, tuple[int, ...]]:
        """Return the trunk combination and the entries of one plan."""
        choices = self.template.choices()
        at = {place: list(choice.options).index(levels[place]) for place, choice in choices.items()}
        return (
            _number([at[place] for place in self.trunk_places], self.trunk_sizes),
            tuple(
                _number([at[place] for place in leaf.places], leaf.sizes) for leaf in self.leaves
            ),
        )

    def levels(self, trunk: int, entries: tuple[int, ...]) -> dict[str, str]:
        """Return the level of every choice of one plan."""
        chosen = dict(zip(self.trunk_places, _digits(trunk, self.trunk_sizes), strict=True))
        for leaf, entry in zip(self.leaves, entries, strict=True):
            chosen |= dict(zip(leaf.places, _digits(entry, leaf.sizes), strict=True))
        choices = self.template.choices()
        return {place: list(choices[place].options)[chosen[place]] for place in choices}


def prepare(template: Template, kin: Problem | None = None) -> Problem:
    """Prepare a template for the search, with tables of one that differs little where they hold."""
    tree = Tree(template)
    places = tuple(f"{name}/{tree.nodes[name].items[at].name}" for name, at in tree.open_places())
    sizes = tuple(size for node in tree.inner for size in menu_sizes(node))
    return Problem(template, tree, places, sizes, kin)


def _digits(number: int, sizes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(d) for d in np.unravel_index(number, sizes)) if sizes else ()


def _number(digits: Sequence[int], sizes: tuple[int, ...]) -> int:
    return int(np.ravel_multi_index(tuple(digits), sizes)) if sizes else 0


def _leaf(node: OpenNode, tree: Tree) -> Leaf:
    sizes = tree.sizes(node)
    unit = _unit(node, tree, iter(tree.menu_picks(node)), math.prod(sizes))
    whole = np.shape(unit.cost)
    full = {name: np.broadcast_to(np.asarray(n), whole) for name, n in unit.uses.items()}
    places = tuple(
        f"{part.name}/{item.name}"
        for part in tree.parts(node)
        for item in part.items
        if isinstance(item, Choice)
    )
    gap = tree.gap(tree.parent[node.name][0], 0)
    return Leaf(node.name, places, sizes, np.asarray(unit.cost), full, gap)


def costs_of_unit(node: OpenNode, tree: Tree) -> Array:
    """Return the cost of one passed unit of a branch by entry of its menu, (1, M).

    (S, M) in a tree of numbers that vary along an axis of length S, ahead of all others.
    """
    size = math.prod(tree.sizes(node))
    unit = _unit(node, tree, iter(tree.menu_picks(node)), size)
    return np.asarray(unit.cost).reshape(-1, size)


@dataclass
class _Unit:
    """A passed unit of a node over a menu: its fault groups, cost and uses."""

    groups: list[Group]
    cost: Value
    uses: dict[str, Value]


def _unit(node: OpenNode, tree: Tree, menus: Iterator[Index], size: int) -> _Unit:
    """Walk a branch once for its whole menu: V ← (V + f·c)/pass + (1−f)·c."""
    unit = _Unit([], np.zeros(size), {})
    for source in node.inputs:
        below = _unit(tree.nodes[source.node], tree, menus, size)
        for group in below.groups:
            group.count *= source.count
        unit.groups += below.groups
        unit.cost = unit.cost + source.count * below.cost
        for name, used in below.uses.items():
            unit.uses[name] = unit.uses.get(name, 0.0) + source.count * used
    for item in node.items:
        steps = list(superposed(item, next(menus) if isinstance(item, Choice) else None))
        # One pass for the whole item: a charge is due before any of the kinds of overlap.
        log_p = sum((np.asarray(run_step(unit.groups, step)) for step in steps), np.zeros(1))
        inverse = np.exp(np.minimum(-log_p, LOG_LIMIT))
        charged = sum(step.cost_usd * _charged(step, inverse) for step in steps)
        unit.cost = unit.cost * inverse + charged
        for name in dict.fromkeys([*unit.uses, *(name for step in steps for name in step.uses)]):
            runs = (step.uses.get(name, 0.0) * _charged(step, inverse) for step in steps)
            unit.uses[name] = unit.uses.get(name, 0.0) * inverse + sum(runs)
    return unit


def _charged(step: Step, inverse: Value) -> Value:
    """Return charged runs per passed unit: f/pass + (1−f)."""
    share = step.fail_cost_fraction if step.kind == "test" else 1.0
    return share * inverse + (1.0 - share)
