"""Where everything stands in a template, and its choices as arrays.

Levels become a batch axis: a choice is *superposed* into steps whose numbers are arrays over plans,
so that one walk of the screening state serves every combination.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from yieldopt.flow import Faults, Step
from yieldopt.optimize.grid import Sum
from yieldopt.physics.yields import Law, Value
from yieldopt.screening import Group, latent_groups, log_pass, see
from yieldopt.template import Choice, OpenNode, Template

Array = NDArray[np.float64]
Index = NDArray[np.intp]
_FOLDED = 200  # combinations of a sub-assembly that stands as one menu


class Tree:
    """Where everything stands: branches, parents, tests of the trunk in order, gaps.

    A *branch* is a leaf, or a sub-assembly whose levels have few enough combinations to be one
    menu; it is named by its last node. All other nodes are *inner*, the trunk.
    """

    def __init__(self, template: Template) -> None:
        self.nodes = {node.name: node for node in template.nodes}
        self.root = template.ship
        self.parent = {i.node: (n.name, i.count) for n in template.nodes for i in n.inputs}
        self.branches = [node for node in template.nodes if self._is_branch(node)]
        folded = {part.name for node in self.branches for part in self.parts(node)}
        self.inner = [node for node in template.nodes if node.name not in folded]
        self.tests = {
            place: number
            for number, place in enumerate(
                (node.name, at)
                for node in self.inner
                for at, item in enumerate(node.items)
                if is_test(item)
            )
        }
        positions = [(n.name, at) for n in self.inner for at in range(len(n.items) + 1)]
        self.gaps = tuple(dict.fromkeys([*(self.ahead(*p) for p in positions), ()]))

    @property
    def shape(self) -> tuple[object, ...]:
        """What decides the axes of all tables: the nodes, where tests stand, levels in order."""
        inner = [(node.name, _menus(node)) for node in self.inner]
        parts = [(node.name, self.parts(node)) for node in self.branches]
        branches = [(name, [_menus(part) for part in under]) for name, under in parts]
        return self.root, self.parent, self.tests, self.gaps, inner, branches

    def is_laid_out_as(self, other: Tree) -> bool:
        """Whether branches, trunk and gaps are the same, however many levels there are."""
        mine = (self.root, self.parent, self.tests, self.gaps)
        names = [[node.name for node in tree.branches] for tree in (self, other)]
        return mine == (other.root, other.parent, other.tests, other.gaps) and names[0] == names[1]

    def parts(self, node: OpenNode) -> list[OpenNode]:
        """Return the nodes of a sub-assembly, children before parents."""
        below = [self.parts(self.nodes[source.node]) for source in node.inputs]
        return [*(part for parts in below for part in parts), node]

    def sizes(self, node: OpenNode) -> tuple[int, ...]:
        """Return the number of levels of every choice of a sub-assembly."""
        return tuple(size for part in self.parts(node) for size in menu_sizes(part))

    def _is_small(self, node: OpenNode) -> bool:
        return not node.inputs or math.prod(self.sizes(node)) <= _FOLDED

    def _is_branch(self, node: OpenNode) -> bool:
        if node.name == self.root or not self._is_small(node):
            return False
        above = self.nodes[self.parent[node.name][0]]
        return above.name == self.root or not self._is_small(above)

    def ahead(self, node: str, at: int) -> tuple[int, ...]:
        """Return the inner tests from position ``at`` of a node to the door."""
        here = tuple(n for (name, i), n in self.tests.items() if name == node and i >= at)
        if node == self.root:
            return here
        return here + self.ahead(self.parent[node][0], 0)

    def gap(self, node: str, at: int) -> int:
        """Return the number of the gap at a position."""
        return self.gaps.index(self.ahead(node, at))

    def above(self, node: str) -> Iterator[tuple[OpenNode, int]]:
        """Yield (ancestor, count of the node below it), from the parent up."""
        while node != self.root:
            node, count = self.parent[node]
            yield self.nodes[node], count

    def open_places(self) -> list[tuple[str, int]]:
        """Return (node, position) of every trunk choice, in order."""
        return [
            (node.name, at)
            for node in self.inner
            for at, item in enumerate(node.items)
            if isinstance(item, Choice)
        ]

    def menu_picks(self, node: OpenNode) -> list[Index]:
        """Return the level index of every choice of a branch, over its menu, each (M,)."""
        sizes = self.sizes(node)
        return list(np.unravel_index(np.arange(math.prod(sizes)), sizes)) if sizes else []

    def count(self, node: str) -> int:
        """Return the units of a node per shipped package."""
        return math.prod(count for _, count in self.above(node))


def same_branches(tree: Tree, other: Tree) -> tuple[bool, ...]:
    """Return for each branch whether all that its tables hold is the same in another tree.

    They hold its own nodes, and what the tests above it find of its faults.
    """
    if tree.shape != other.shape:
        return (False,) * len(tree.branches)
    same_tests = {
        node.name: all(
            item == other.nodes[node.name].items[at]
            for at, item in enumerate(node.items)
            if is_test(item)
        )
        for node in tree.inner
    }
    return tuple(
        tree.parts(node) == other.parts(held)
        and all(same_tests[above.name] for above, _ in tree.above(node.name))
        for node, held in zip(tree.branches, other.branches, strict=True)
    )


def menu_sizes(node: OpenNode) -> tuple[int, ...]:
    """Return the number of levels of every choice of a node."""
    return tuple(len(item.options) for item in node.items if isinstance(item, Choice))


def _menus(node: OpenNode) -> list[list[str]]:
    """Return the levels of every choice of a node, in order: equal choices may differ in it."""
    return [list(item.options) for item in node.items if isinstance(item, Choice)]


def is_test(item: Step | Choice) -> bool:
    """Whether an item of a node is a test, fixed or open."""
    return isinstance(item, Choice) or item.kind == "test"


def superposed(item: Step | Choice, pick: Index | None) -> Iterator[Step]:
    """Yield a step as it is, or a choice closed by an index array, its numbers as arrays.

    A choice gives one test per overlap kind found among its levels, and one costless step for all
    levels that leave faults of the same classes and laws (their mean is zero where another level is
    picked). A process among the options, such as a supplier's grade, is to the search a test that
    sees nothing.
    """
    if isinstance(item, Step):
        yield item
        return
    assert pick is not None
    levels = list(item.options.values())
    steps = [step for step in levels if step is not None]
    overlaps = sorted({step.overlap for step in steps}, key=str) or ["nested"]
    for overlap in overlaps[:-1]:
        coverage, repair = _seen(levels, overlap, pick)
        yield Step(item.name, "test", overlap=overlap, coverage=coverage, repair=repair)
    # Charge, uses and overkill go with the last of the kinds.
    coverage, repair = _seen(levels, overlaps[-1], pick)
    yield Step(
        item.name,
        "test",
        _numbers([step.cost_usd if step else 0.0 for step in levels], pick),
        uses={
            name: _numbers([step.uses.get(name, 0.0) if step else 0.0 for step in levels], pick)
            for name in dict.fromkeys(name for step in steps for name in step.uses)
        },
        overlap=overlaps[-1],
        coverage=coverage,
        repair=repair,
        overkill=_numbers([_lost(step) for step in levels], pick),
        fail_cost_fraction=_numbers(
            [step.fail_cost_fraction if step else 1.0 for step in levels], pick
        ),
    )
    if any(step.faults for step in steps):
        yield from _left(item.name, levels, pick)


def _left(name: str, levels: Sequence[Step | None], pick: Index) -> Iterator[Step]:
    """Yield the faults that the levels leave: at most one level is picked, so equal kinds are one.

    Kinds are told apart by all that makes groups of faults: classes in order, laws and clusters.
    """
    tables = [step.faults if step is not None else {} for step in levels]
    kinds: dict[tuple[tuple[str, Law, str | None], ...], list[int]] = {}
    for number, table in enumerate(tables):
        kind = tuple((c, f.law, f.cluster) for c, f in table.items())
        kinds.setdefault(kind, []).append(number)
    for kind, mine in kinds.items():
        faults = {}
        for c, law, cluster in kind:
            means = [t[c].mean if n in mine else 0.0 for n, t in enumerate(tables)]
            faults[c] = Faults(_numbers(means, pick), law, cluster)
        if faults:
            yield Step(f"{name} {mine[0]}", "process", faults=faults)


def _lost(step: Step | None) -> Value:
    if step is None:
        return 0.0
    return step.overkill if step.kind == "test" else step.scrap


def _numbers(values: Sequence[Value], pick: Index) -> Array:
    """Return the value of the level picked; values that vary along other axes keep these."""
    if not any(isinstance(value, np.ndarray) for value in values):
        return np.asarray(values, float)[pick]
    found: Array = np.zeros(np.broadcast_shapes(pick.shape, *map(np.shape, values)))
    for number, value in enumerate(values):
        found = np.where(pick == number, value, found)
    return found


def _seen(
    levels: list[Step | None], overlap: str | float, pick: Index
) -> tuple[dict[str, Value], dict[str, Value]]:
    """Coverage and repair of the levels of one overlap kind, zero at the others."""
    mine = [step if step and step.overlap == overlap else None for step in levels]

    def spread(tables: list[Mapping[str, Value]]) -> dict[str, Value]:
        names = dict.fromkeys(name for table in tables for name in table)
        return {n: _numbers([table.get(n, 0.0) for table in tables], pick) for n in names}

    return (
        spread([step.coverage if step else {} for step in mine]),
        spread([step.repair if step else {} for step in mine]),
    )


def run_step(groups: list[Group], step: Step) -> Value:
    """Run a step on the groups of its own node; return the log of the chance to pass."""
    with np.errstate(divide="ignore"):
        if step.kind == "process":
            groups += latent_groups(step.faults)
            return _log_kept(step.scrap)
        log_p = screen(groups, step).total() + _log_kept(step.overkill)
    groups += latent_groups(step.faults)
    return log_p


def _log_kept(lost: Value) -> Value:
    kept: Value = np.log1p(-np.asarray(lost, float))[()]
    return kept


def screen(groups: list[Group], step: Step) -> Sum:
    """Let a test see groups that come from elsewhere; return the log of their chance to pass."""
    log_p = Sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        for group in groups:
            term = see(group, step, _whole)
            if term is not None:
                log_p.add(log_pass((term,), _whole))
    return log_p


def _whole(value: Value) -> Value:
    return value
