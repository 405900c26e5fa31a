r"""What must be whole: branch and price, best bound first.

Branched on, never on recipes: lines entered, lumps ordered, runs of a least lot, and, where a
product has one test programme a line, the levels of an insertion. Every node's linear programme is
solved over all recipes that it allows, so its bound holds over all of them.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from yieldopt.errors import SolverError
from yieldopt.optimize.backends import backend
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.rules import Menus
from yieldopt.planning.generation import Progress, Relaxed, relax
from yieldopt.planning.master import Master, Node
from yieldopt.planning.sheet import Array

_WHOLE = 1e-6  # from a whole number: rounding, unless more than that hangs on it
_ROUNDING = 1e-9  # from a whole number: to this the solver keeps bounds
_DUST = 1e-9  # of a product's packages
_FIRST = ("qualification", "expansion", "run")  # branched on in this order
_CLOSED = 1e-9  # a relative gap that is rounding
_LOOK = 20  # nodes between two looks for a whole plan near a node
_ROUND_S = 60.0  # for one of them
_NEAR = 1e-6  # relative gap to which they are taken: they prove nothing
_PART = 0.25  # of the time of the search that they may take, once a plan is known
_LEAST_S = 5.0  # also where no time is left: a plan is worth more than the limit


@dataclass(frozen=True)
class Planned:
    """The best plan found: value, lower bound, solution and duals; and how it was shown.

    Columns and duals of ``found`` are those of the node with the decisions fixed. ``short`` is set
    instead where no plan keeps all rows: the least by which they are broken.
    """

    value: float
    bound: float
    found: Relaxed | None
    short: Relaxed | None = None


class Branching:
    """The search over nodes, with the best plan and what is still open."""

    def __init__(
        self,
        master: Master,
        solver: str,
        budget: Budget,
        gap: float = 0.0,
        progress: Progress | None = None,
        hint: Array | None = None,
    ) -> None:
        self.master, self.solver, self.budget = master, solver, budget
        self.gap, self.progress = gap, progress
        self.hint = hint  # decisions of a plan that is known
        self.value = np.inf
        self.found: Relaxed | None = None
        self.best = Node()  # of the plan found
        self.nodes = 0
        self.began, self.looked_s = time.perf_counter(), 0.0
        self.shortest: Relaxed | None = None
        self.proved = True  # that the last node without a plan has none: time did not end on it
        columns = master.programme.columns
        self.whole = [at for at, column in enumerate(columns) if column.integral]
        self.single = [
            p for p, own in enumerate(master.setting.products) if own.shape.one_programme
        ]

    def run(self) -> Planned:
        """Return the best plan, or by how much rows are broken where there is none."""
        tick = itertools.count()
        root = self._visit(Node())
        if root is None:
            return Planned(np.inf, np.inf, None, self.shortest)
        if self.hint is not None and not self._closed(root.bound):
            self._take(self._solve(Node(self._fixed(self.hint))))
        queue = [(root.bound, next(tick), Node(), root)]
        floor = np.inf  # of nodes that are done with
        while queue and not self.budget.is_spent:
            if self._closed(min(floor, queue[0][0])):
                break
            below, _, node, relaxed = heapq.heappop(queue)
            children = list(self._children(node, relaxed))
            if not children:
                floor = min(floor, below)
            for child in children:
                found = self._visit(child)
                if found is None:
                    floor = min(floor, floor if self.proved else below)
                    continue
                bound = max(found.bound, below)
                if bound >= self.value - self._slack():
                    floor = min(floor, bound)
                else:
                    heapq.heappush(queue, (bound, next(tick), child, found))
        self._settle()
        lower = min([floor, self.value, *(entry[0] for entry in queue)])
        return Planned(self.value, lower, self.found)

    def _settle(self) -> None:
        """Solve the best plan's node once more, for duals of what is scarce alone."""
        if self.found is None or not self.whole:
            return
        self.master.go_to(self.best)
        self.master.set_phase(False)
        self.master.let_go()
        found = relax(self.master)
        if found is not None and found.value <= self.value + _CLOSED * abs(self.value):
            self.value, self.found = found.value, found

    def _slack(self) -> float:
        """Return by how much the bound may be below the value: the gap, of what is answered."""
        if not np.isfinite(self.value):
            return 0.0
        total = abs(self.value + self.master.programme.constant_usd)
        return max(self.gap * total, _CLOSED * max(abs(self.value), total))

    def _closed(self, lower: float) -> bool:
        return np.isfinite(self.value) and self.value - lower <= self._slack()

    def _visit(self, node: Node) -> Relaxed | None:
        """Solve a node; keep its plan with its decisions fixed, or look for one near it.

        Fixed also where it is whole: to rounding a decision of 1e-7 lets through as much of a
        large demand, and duals would count on parts of decisions.
        """
        relaxed = self._solve(node)
        self.nodes += 1
        if relaxed is None or relaxed.bound >= self.value - self._slack():
            return relaxed
        whole = self._is_whole(relaxed)
        if whole and not self.whole and not self.single:
            self._keep(relaxed)
        elif whole or self.found is None or (self.nodes % _LOOK == 0 and self._may_look()):
            self._round(node, relaxed)
        return relaxed

    def _may_look(self) -> bool:
        return self.looked_s <= _PART * (time.perf_counter() - self.began)

    def _solve(self, node: Node) -> Relaxed | None:
        master = self.master
        master.go_to(node)
        master.set_phase(False)
        found = relax(master, self.progress, self.value)
        if found is None:
            master.set_phase(True)
            broken = relax(master, None)
            least = _WHOLE * max(1.0, self._most())
            if broken is None or broken.value > least:
                self.proved = broken is not None and broken.bound > least
                if not node.bounds and not node.menus:
                    self.shortest = broken
                return None
            master.set_phase(False)
            found = relax(master, self.progress, self.value)
            if found is None:  # feasible to rounding, and by rounding not
                master.let_off(broken.x)
                found = relax(master, self.progress, self.value)
        return found

    def _most(self) -> float:
        return 0.1 * sum(float(p.demand.sum()) for p in self.master.setting.products)

    def _keep(self, relaxed: Relaxed) -> None:
        if relaxed.value < self.value:
            self.value, self.found, self.best = relaxed.value, relaxed, self.master.node

    def _is_whole(self, relaxed: Relaxed) -> bool:
        return not self._fractions(relaxed.x) and self._mixed(relaxed.x) is None

    def _fractions(self, x: Array, rounding: float = _WHOLE) -> list[int]:
        return [at for at in self.whole if abs(x[at] - round(x[at])) > rounding]

    def _used(self, x: Array) -> Iterator[tuple[int, str, int, int, float]]:
        """Yield product, line, pool, recipe and packages of what a single programme makes."""
        setting, master = self.master.setting, self.master
        made = master.fill(x)
        for at in np.flatnonzero(made > 0.0):
            number = int(setting.slot_pool[master.slot[at]])
            pool = setting.pools[number]
            dust = _DUST * float(setting.products[pool.product].demand.sum())
            if pool.product in self.single and made[at] > dust:
                yield pool.product, pool.line.name, number, int(master.recipe[at]), float(made[at])

    def _mixed(self, x: Array) -> tuple[tuple[int, str], str, str] | None:
        """Return a line with two programmes, a place where they differ, and the likelier level."""
        weight: dict[tuple[int, str], dict[str, dict[str, float]]] = {}
        for product, line, number, recipe, made in self._used(x):
            levels = self.master.setting.pools[number].recipes[recipe].levels
            places = weight.setdefault((product, line), {})
            for place, level in levels.items():
                table = places.setdefault(place, {})
                table[level] = table.get(level, 0.0) + made
        for key, places in weight.items():
            for place, table in places.items():
                if len(table) > 1:
                    return key, place, max(table, key=lambda level: table[level])
        return None

    def _children(self, node: Node, relaxed: Relaxed) -> Iterator[Node]:
        columns = self.master.programme.columns
        mixed = self._mixed(relaxed.x)
        lower, upper = self.master.bounds(node)
        x = np.clip(relaxed.x[: len(lower)], lower, upper)
        open_ = self._fractions(x) or ([] if mixed else self._fractions(x, _ROUNDING))
        if open_:
            at = min(open_, key=lambda c: (_FIRST.index(columns[c].kind), abs(x[c] % 1.0 - 0.5), c))
            low, high = float(lower[at]), float(upper[at])
            down = float(np.floor(x[at]))
            yield Node({**node.bounds, at: (low, down)}, node.menus)
            yield Node({**node.bounds, at: (down + 1.0, high)}, node.menus)
        elif mixed is not None:
            key, place, level = mixed
            for levels in self._split(key, place, level, node):
                yield Node(node.bounds, {**node.menus, key: levels})

    def _split(self, key: tuple[int, str], place: str, level: str, node: Node) -> Iterator[Menus]:
        before = dict(node.menus.get(key, {}))
        every: dict[str, None] = {}
        for pool in self.master.setting.pools:
            if (pool.product, pool.line.name) == key and place in pool.candidate.ruled.menus:
                every |= dict.fromkeys(pool.candidate.ruled.menus[place])
        left = before.get(place, tuple(every))
        yield {**before, place: (level,)}
        yield {**before, place: tuple(k for k in left if k != level)}

    def _round(self, node: Node, relaxed: Relaxed) -> None:
        """Look for a whole plan: the best over the recipes that are there, then priced again."""
        bounds = dict(node.bounds) | self._whole_part(relaxed)
        menus: dict[tuple[int, str], Menus] = dict(node.menus)
        most: dict[tuple[int, str], tuple[float, Mapping[str, str]]] = {}
        for product, line, number, recipe, made in self._used(relaxed.x):
            if made > most.get((product, line), (0.0, {}))[0]:
                levels = self.master.setting.pools[number].recipes[recipe].levels
                most[product, line] = (made, levels)
        menus |= {key: {p: (k,) for p, k in levels.items()} for key, (_, levels) in most.items()}
        self._take(self._solve(Node(bounds, menus)))

    def _take(self, found: Relaxed | None) -> None:
        if found is not None and self._is_whole(found):
            self._keep(found)

    def _whole_part(self, relaxed: Relaxed) -> dict[int, tuple[float, float]]:
        """Return the whole decisions of the best plan over the recipes that are there, fixed."""
        x = relaxed.x
        if self._fractions(x):
            left_s = max(self.budget.left_s(_ROUND_S), _LEAST_S)
            before = time.perf_counter()
            try:
                lp, gap = self.master.whole_programme(), max(0.5 * self.gap, _NEAR)
                x = backend(self.solver)(lp, time_limit_s=left_s, gap=gap).x
            except SolverError:  # nothing is feasible, or nothing was found in time
                return {}
            finally:
                self.looked_s += time.perf_counter() - before
        return self._fixed(x)

    def _fixed(self, x: Array) -> dict[int, tuple[float, float]]:
        fixed = {at: float(round(x[at])) for at in self.whole}
        return {at: (value, value) for at, value in fixed.items()}
