r"""One sweep of labels through the tree, and what it proves of every partial plan.

Forward, the labels of every branch go through its steps and joins; at each stage those for which
another stands within a tolerance are absorbed. Backward, from the plans found, follows a lower
bound on the best completion of every label kept: a candidate that was absorbed with excess ε can
complete for no less than e^(−ε) times what the label that stands for it can. In the next sweep,
with a smaller tolerance, these labels are *references*: a new label close to one whose completions
are all too dear is dropped at once.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from yieldopt.optimize.absorption import absorb
from yieldopt.optimize.effort import Effort, Goal, OutOfTime, rounding
from yieldopt.optimize.floor import Floor
from yieldopt.optimize.labels import (
    Labels,
    Menu,
    Origin,
    all_levels,
    all_pairs,
    apply,
    join,
    shipped,
    start,
    times,
)
from yieldopt.optimize.menus import Menus
from yieldopt.optimize.references import Hints, Reference, bounds_near
from yieldopt.optimize.worth import BEYOND, Scale, Worth, worth
from yieldopt.template import OpenNode

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Key = tuple[str, int]  # node, number of the stage within it
Source = tuple[Key, Index, Array]  # a branch, the row of each label in it, slack of the others


@dataclass
class _Stage:
    """What happened at one stage: where candidates came from and what became of them."""

    sources: tuple[Source, ...]  # branch, row, slack of the other branches
    target: Index  # number among the kept, −1: dropped
    excess: Array
    bound: Array  # of those dropped
    worth: Worth  # of the kept
    origin: Origin


@dataclass
class Sweep:
    """A sweep being made."""

    menus: Menus
    priced: Mapping[Key, Menu]
    goal: Goal
    effort: Effort
    upper: float = math.inf  # value of a plan known
    references: Mapping[Key, Reference] = field(default_factory=dict)
    lower: float = 0.0  # a bound on every plan
    hints: Hints | None = None
    stages: dict[Key, _Stage] = field(default_factory=dict)
    coarsened: int = 0  # stages whose tolerance had to be raised
    _floor: dict[Key, float] = field(default_factory=dict)  # least bound of what was dropped

    def forward(self) -> Labels:
        """Return the labels of whole packages."""
        ready: dict[str, tuple[Key, Labels]] = {}
        for node in self.menus.template.nodes:
            held = self._joined(node, ready)
            for at in range(len(node.items)):
                key = (node.name, len(node.inputs) + at)
                menu = self.priced[node.name, at]
                before, labels = held or (None, start(1 + len(self.goal.most)))
                labels = self._fitting(before, labels, self._room(node.name, at) // len(menu.kept))
                rows, pick = all_levels(labels, menu)
                came = ((before, rows, np.zeros(len(rows))),) if before is not None else ()
                held = key, self._thinned(key, apply(labels, menu, rows, pick), came, at + 1)
            if held is None:  # a part that comes for nothing
                key = (node.name, 0)
                held = key, self._thinned(key, start(1 + len(self.goal.most)), (), 0)
            ready[node.name] = held
        return ready[self.menus.template.ship][1]

    def _joined(
        self, node: OpenNode, ready: dict[str, tuple[Key, Labels]]
    ) -> tuple[Key, Labels] | None:
        """Join what a node is made of, one kind of units after the other."""
        held: tuple[Key, Labels] | None = None
        empty = tuple(one.empty for one in self.menus.paths.ahead(node.name, 0))
        for number, source in enumerate(node.inputs):
            below, own = ready.pop(source.node)
            key = (node.name, number)
            room = self._room(node.name, 0)
            if held is not None:  # the pairs of both must fit
                most = max(room // max(len(held[1]), 1), math.isqrt(room))
                own = self._fitting(below, own, most)
            own = times(own, source.count, empty)
            if held is None:
                came: tuple[Source, ...] = ((below, np.arange(len(own)), np.zeros(len(own))),)
                labels = own
            else:
                labels = self._fitting(held[0], held[1], room // max(len(own), 1))
                left, right = all_pairs(labels, own)
                came = (
                    (held[0], left, own.slack[right, 0]),
                    (below, right, labels.slack[left, 0]),
                )
                labels = join(labels, own, empty, (left, right))
            held = key, self._thinned(key, labels, came, 0)
        return held

    def _thinned(self, key: Key, labels: Labels, came: tuple[Source, ...], at: int) -> Labels:
        """Drop and absorb labels; remember what became of each."""
        ahead = self.menus.paths.ahead(key[0], at)
        counts = self.goal.escape > 0.0 or self.goal.least_log_q > -math.inf
        own = worth(
            labels,
            ahead,
            self.menus.tree.count(key[0]),
            self._wanted(labels.slack) if counts else None,
            to_come=self._cheapest.to_come(*key),
            scale=self.scale,
        )
        bound = self._bounds(key, own, labels.slack[:, 1])
        below = bound * np.exp(-labels.slack[:, 0])  # of what a label stands for already, too
        dropped = below >= (self._enough if key[0] in self._main else BEYOND * self.upper)
        floor = float(below[dropped].min(initial=math.inf))
        self._floor[key] = min([floor, *(self._floor[source] for source, _, _ in came)])
        left = np.flatnonzero(~dropped)
        kept, to, lost, slack = self._absorbed(
            own.take(left), labels.slack[left], self.effort.labels
        )
        target = np.full(len(labels), -1, np.intp)
        loss = np.zeros(len(labels))
        target[left], loss[left] = to, lost
        chosen = labels.take(left[kept])
        self.stages[key] = _Stage(came, target, loss, bound, own.take(left[kept]), chosen.origin)
        return Labels(chosen.v, chosen.tables, slack, chosen.origin)

    def _absorbed(self, own: Worth, slack: Array, most: int) -> tuple[Index, Index, Array, Array]:
        """Return the rows kept, what stands for each row, its ε, and the slack of those kept."""
        kept, to = np.arange(len(own)), np.arange(len(own))
        lost = np.zeros(len(own))
        tolerance, room = self.effort.tolerance, self._lacking / (2 * self._count)
        while True:
            some = own.take(kept)
            if self.goal.least_log_q > -math.inf:
                some = some.wanting(self._wanted(slack))
            found = absorb(some, tolerance, room, self.scale, self._check_time)
            gone = np.stack([np.maximum(found.excess, 0.0), found.missing], axis=1) + slack
            slack = slack[found.kept]
            np.maximum.at(slack, found.target, gone)
            lost = lost + found.excess[to]
            kept, to = kept[found.kept], found.target[to]
            if len(kept) <= most or tolerance > 1.0:
                return kept, to, lost, slack
            tolerance, room = max(2.0 * tolerance, 1e-7), max(2.0 * room, 1e-12)
            self.coarsened += 1

    def _fitting(self, key: Key | None, labels: Labels, most: int) -> Labels:
        """Absorb further labels of a stage just made, so that what follows fits the memory."""
        if key is None or len(labels) <= most:
            return labels
        stage = self.stages[key]
        kept, to, lost, slack = self._absorbed(stage.worth, labels.slack, most)
        stood = stage.target >= 0
        stage.excess[stood] += lost[stage.target[stood]]
        stage.target[stood] = to[stage.target[stood]]
        chosen = labels.take(kept)
        stage.worth, stage.origin = stage.worth.take(kept), chosen.origin
        return Labels(chosen.v, chosen.tables, slack, chosen.origin)

    def _room(self, node: str, at: int) -> int:
        """Most labels that a stage may begin with."""
        width = sum(len(one) for one in self.menus.paths.ahead(node, at))
        return max(2_000, self.effort.numbers // (2 * width + 1))

    def _wanted(self, slack: Array) -> Array:
        """ln Q below which no package of a label counts, (L,): out of limits, or beyond."""
        least: Array = self.goal.least_log_q - slack[:, 1] - self._lacking
        if self.goal.escape:
            least = np.maximum(
                least, -math.log1p((self.scale.high + self.goal.base) / self.goal.escape)
            )
        return least

    @cached_property
    def _lacking(self) -> float:
        """What limits may be missed by (ln); anything, where there are none."""
        return self.effort.lacking if self.goal.is_limited else math.inf

    @cached_property
    def scale(self) -> Scale:
        """What the objective of a completion can be."""
        bad = math.expm1(-self._cheapest.log_q)
        least = self._cheapest.usd + max(self.goal.escape * bad - self.goal.base, 0.0)
        # Labels that stand for others may be out of limits, and cost less than any plan within.
        low = least if self.goal.is_limited else max(self.lower, least)
        return Scale.of(self.goal.escape, low, self.upper, self.goal.base)

    @cached_property
    def _enough(self) -> float:
        """A bound from which on a label need not be looked at."""
        if self.upper == math.inf:
            return math.inf
        return self.upper - rounding(self.upper, self.goal.escape)

    @cached_property
    def _main(self) -> frozenset[str]:
        """The nodes of the longest branch: only there are labels dropped as soon as they may.

        Elsewhere they are kept a little longer, so that what was dropped does not loosen the bounds
        of the labels that it would be joined with.
        """
        tree = self.menus.tree
        node = tree.nodes[tree.root]
        found = {node.name}
        while node.inputs:
            below = [tree.nodes[source.node] for source in node.inputs]
            node = max(below, key=lambda one: len(tree.sizes(one)))
            found.add(node.name)
        return frozenset(found)

    @cached_property
    def _cheapest(self) -> Floor:
        return Floor(self.menus, self.priced)

    @cached_property
    def _count(self) -> int:
        """Number of stages."""
        nodes = self.menus.template.nodes
        return max(1, sum(len(node.inputs) + len(node.items) for node in nodes))

    def _check_time(self) -> None:
        if time.perf_counter() > self.effort.until:
            raise OutOfTime

    def _bounds(self, key: Key, own: Worth, missing: Array) -> Array:
        """Return lower bounds on the completions of labels, from references."""
        bound = np.full(len(own), -np.inf)
        if not 0.0 < self.upper < math.inf:
            return bound
        held = self.references.get(key)
        if held is not None:
            room = missing + self._lacking
            np.maximum(bound, bounds_near(held, own, self._enough, room, self.scale), out=bound)
        if self.hints is not None:
            to_come = self._cheapest.to_come(*key)
            priced = own.repriced(self.hints.prices, self.hints.scale, to_come)
            allowed = self.hints.allowed(self.goal, missing + self._lacking)
            held = self.hints.references[key]
            enough = self._enough + float(allowed.max(initial=0.0))
            hinted = bounds_near(held, priced, enough, np.zeros(len(own)), self.hints.scale)
            np.maximum(bound, np.minimum(hinted, self.hints.most) - allowed, out=bound)
        return bound

    def backward(self, labels: Labels) -> tuple[float, dict[Key, Reference]]:
        """Return a lower bound on every plan and the references that follow."""
        value, log_q = shipped(labels)
        total = self.goal.objective(value, log_q)
        missed = labels.slack[:, 1] + self._lacking
        total[self.goal.broken(value, log_q, missed)] = np.inf
        last = self.menus.template.ship
        beyond = BEYOND * self.upper  # what is not looked at costs at least that
        bounds: dict[Key, Array] = {max(k for k in self.stages if k[0] == last): total}
        references = {}
        least = -math.inf
        for key in reversed(list(self.stages)):
            stage = self.stages[key]
            kept = bounds.pop(key)
            room = np.full(len(kept), self._lacking)
            found = Reference(stage.worth, kept, room)
            former = self.references.get(key)
            references[key] = found if former is None else former + found
            candidate = np.minimum(stage.bound, beyond)
            stood = stage.target >= 0
            found_for = kept[stage.target[stood]] * np.exp(-stage.excess[stood])
            candidate[stood] = np.minimum(found_for, beyond)
            if not stage.sources:
                least = max(least, float(candidate.min(initial=math.inf)))
            for below, rows, others in stage.sources:
                size = len(self.stages[below].worth)
                floor = min(
                    (self._floor[k] for k, _, _ in stage.sources if k != below), default=math.inf
                )
                known = bounds.setdefault(below, np.full(size, min(floor, beyond)))
                np.minimum.at(known, rows, candidate * np.exp(-others))
        return least, references
