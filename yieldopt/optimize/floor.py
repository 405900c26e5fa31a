"""What packages cost at least, and how many are good at most, whatever levels are chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from yieldopt.optimize.labels import Menu
from yieldopt.optimize.menus import Menus


@dataclass
class Floor:
    """The cheapest of everything, where nothing is lost.

    Parameters
    ----------
    menus, priced
        The template, and its menus at the prices that count.
    """

    menus: Menus
    priced: Mapping[tuple[str, int], Menu]

    @cached_property
    def usd(self) -> float:
        """Least cost of a package that loses nothing [USD]."""
        return sum(self._raw(n.name, len(n.items)) for n in self.menus.template.nodes)

    @cached_property
    def log_q(self) -> float:
        """The most that ln Q can be: every fault met by the exposure best for it."""
        total = 0.0
        for (node, at), menu in self.priced.items():
            ahead = self.menus.paths.ahead(node, at + 1)
            best = sum(float(q[:, ahead[c].ends].max()) for c, (_, q) in menu.left.items())
            total += self.menus.tree.count(node) * best
        return total

    def to_come(self, node: str, stage: int) -> float:
        """Return the share of :attr:`usd` that is not spent after a stage of a node [USD]."""
        tree = self.menus.tree
        inputs = tree.nodes[node].inputs
        below = [tree.nodes[source.node] for source in inputs[: stage + 1]]
        done = sum(self._raw(n.name, len(n.items)) for top in below for n in tree.parts(top))
        items = min(max(0, stage + 1 - len(inputs)), len(tree.nodes[node].items))
        return self.usd - done - self._raw(node, items)

    def _raw(self, node: str, items: int) -> float:
        """Cost of the first items of a node in a package that loses nothing, cheapest levels."""
        units = self.menus.tree.count(node)
        return units * sum(float(self.priced[node, i].charge[:, 0].min()) for i in range(items))
