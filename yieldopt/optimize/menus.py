"""Every item of a template as a :class:`~yieldopt.optimize.labels.Menu`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from yieldopt.flow import Step
from yieldopt.optimize.exposure import Paths, levels_of
from yieldopt.optimize.labels import Menu, Pair
from yieldopt.optimize.tree import Tree, is_test
from yieldopt.template import Choice, Template

Array = NDArray[np.float64]
_FLOOR = -230.0  # ln S of a part that never passes


@dataclass(frozen=True)
class Purses:
    """What is counted: first the objective, then one purse for each limited resource."""

    money: float
    prices: Mapping[str, float]
    limited: tuple[str, ...] = ()

    def charge(self, step: Step | None) -> list[float]:
        """Return what one run of a step takes from each purse."""
        if step is None:
            return [0.0] * (1 + len(self.limited))
        cost = self.money * float(step.cost_usd)
        cost += sum(self.prices.get(name, 0.0) * float(n) for name, n in step.uses.items())
        return [cost, *(float(step.uses.get(name, 0.0)) for name in self.limited)]


@dataclass
class Menus:
    """The items of a template: physics is computed once, prices are set on a copy."""

    template: Template
    tree: Tree
    paths: Paths
    _physics: dict[tuple[str, int], Menu] = field(default_factory=dict)

    @classmethod
    def of(cls, template: Template) -> Menus:
        """Prepare a template."""
        tree = Tree(template)
        return cls(template, tree, Paths(template, tree))

    def priced(self, purses: Purses) -> dict[tuple[str, int], Menu]:
        """Return the menu of every item by (node, position)."""
        return {
            (node.name, at): replace(
                self._at(node.name, at),
                charge=np.array([purses.charge(step) for step in levels_of(item)]),
            )
            for node in self.template.nodes
            for at, item in enumerate(node.items)
        }

    def _at(self, node: str, at: int) -> Menu:
        if (node, at) not in self._physics:
            self._physics[node, at] = self._menu(node, at)
        return self._physics[node, at]

    def _menu(self, node: str, at: int) -> Menu:
        item = self.tree.nodes[node].items[at]
        levels = levels_of(item)
        ahead, later = self.paths.ahead(node, at), self.paths.ahead(node, at + 1)
        left = [
            self.paths.tables(step.faults, node, at + 1) if step is not None else None
            for step in levels
        ]
        return Menu(
            f"{node}/{item.name}" if isinstance(item, Choice) else None,
            np.zeros((len(levels), 1)),
            np.array([_share(step) for step in levels]),
            1.0 - np.array([_lost(step) for step in levels]),
            tuple(one.after for one in ahead),
            _stacked(left, [len(one) for one in later]),
            tuple(one.empty for one in ahead),
            tuple(one.empty for one in later),
            is_test(item),
        )


def _stacked(left: Sequence[list[Pair | None] | None], sizes: Sequence[int]) -> dict[int, Pair]:
    found = {}
    for channel, size in enumerate(sizes):
        tables = [own[channel] if own is not None else None for own in left]
        if any(table is not None for table in tables):
            none = np.zeros(size)
            both = [(none, none) if table is None else table for table in tables]
            found[channel] = (
                np.maximum([a for a, _ in both], _FLOOR),
                np.maximum([q for _, q in both], _FLOOR),
            )
    return found


def _share(step: Step | None) -> float:
    return 1.0 if step is None or step.kind != "test" else float(step.fail_cost_fraction)


def _lost(step: Step | None) -> float:
    if step is None:
        return 0.0
    return float(step.overkill if step.kind == "test" else step.scrap)
