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

import numpy as np
from numpy.typing import NDArray

from yieldopt.optimize.dominance import Worth, absorb, distance, excess, nearest, worth
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

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Key = tuple[str, int]  # node, number of the stage within it
Source = tuple[Key, Index, Array]  # a branch, the row of each label in it, slack of the others
ROUNDING = 1e-11  # bounds closer than this to a known value are not told apart from it
_NEAREST = 6  # references tried for each label


class OutOfTime(Exception):
    """The sweep was not finished."""


@dataclass(frozen=True)
class Goal:
    """What is sought: ``escape`` USD a bad package, ln Q at least, most of each further purse."""

    escape: float = 0.0
    least_log_q: float = -math.inf
    most: Array = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True)
class Effort:
    """How finely: tolerance ε, what limits may be missed by (ln), most labels kept, until when."""

    tolerance: float
    lacking: float
    labels: int
    until: float


@dataclass
class Reference:
    """Labels kept at a stage in a former sweep and bounds on their completions (escape added).

    The bounds hold for completions that miss a limit by no more than ``room``.
    """

    worth: Worth
    bound: Array
    room: Array

    def __add__(self, other: Reference) -> Reference:
        """Return the references of both."""
        return Reference(
            self.worth + other.worth,
            np.concatenate([self.bound, other.bound]),
            np.concatenate([self.room, other.room]),
        )


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
    upper: float = math.inf  # value (escape added) of a plan known
    references: Mapping[Key, Reference] = field(default_factory=dict)
    stages: dict[Key, _Stage] = field(default_factory=dict)
    coarsened: int = 0  # stages whose tolerance had to be raised
    _share: dict[Key, float] = field(default_factory=dict)  # of all stages: those up to one

    def forward(self) -> Labels:
        """Return the labels of whole packages."""
        ready: dict[str, tuple[Key, Labels]] = {}
        for node in self.menus.template.nodes:
            key: Key | None = None
            labels: Labels | None = None
            number = 0
            empty = tuple(one.empty for one in self.menus.paths.ahead(node.name, 0))
            for source in node.inputs:
                below, own = ready.pop(source.node)
                own = times(own, source.count, empty)
                if labels is None or key is None:
                    rows = np.arange(len(own))
                    came: tuple[Source, ...] = ((below, rows, np.zeros(len(own))),)
                    labels, key = own, (node.name, number)
                else:
                    left, right = all_pairs(labels, own)
                    came = (
                        (key, left, own.slack[right, 0]),
                        (below, right, labels.slack[left, 0]),
                    )
                    labels = join(labels, own, empty, (left, right))
                    key = (node.name, number)
                labels = self._thinned(key, labels, came, 0)
                number += 1
            if labels is None:
                labels = start(1 + len(self.goal.most))
            for at in range(len(node.items)):
                menu = self.priced[node.name, at]
                rows, pick = all_levels(labels, menu)
                came = () if key is None else ((key, rows, np.zeros(len(rows))),)
                key = (node.name, number)
                labels = self._thinned(key, apply(labels, menu, rows, pick), came, at + 1)
                number += 1
            ready[node.name] = (key or (node.name, 0), labels)
        return ready[self.menus.template.ship][1]

    def _thinned(self, key: Key, labels: Labels, came: tuple[Source, ...], at: int) -> Labels:
        """Drop and absorb labels; remember what became of each."""
        if time.perf_counter() > self.effort.until:
            raise OutOfTime
        ahead = self.menus.paths.ahead(key[0], at)
        limited = self.goal.least_log_q > -math.inf
        own = worth(labels, ahead, self.menus.tree.count(key[0]), limited=limited)
        bound = self._bounds(key, own)
        left = np.flatnonzero(~(bound >= self.upper * (1.0 - ROUNDING)))
        self._share[key] = sum(self._share[below] for below, _, _ in came) + 1.0 / self._total()
        room = self._share[key] * self.effort.lacking / 2
        kept, to, lost, slack = self._absorbed(own.take(left), labels.slack[left], room)
        target = np.full(len(labels), -1, np.intp)
        loss = np.zeros(len(labels))
        target[left], loss[left] = to, lost
        chosen = labels.take(left[kept])
        self.stages[key] = _Stage(came, target, loss, bound, own.take(left[kept]), chosen.origin)
        return Labels(chosen.v, chosen.tables, slack, chosen.origin)

    def _total(self) -> int:
        """Number of stages."""
        nodes = self.menus.template.nodes
        return sum(len(node.inputs) + len(node.items) for node in nodes)

    def _absorbed(self, own: Worth, slack: Array, room: float) -> tuple[Index, Index, Array, Array]:
        """Return the rows kept, what stands for each row, its ε, and the slack of those kept."""
        kept, to = np.arange(len(own)), np.arange(len(own))
        lost = np.zeros(len(own))
        tolerance = self.effort.tolerance
        while True:
            some = own.take(kept)
            found = absorb(some, tolerance, room - slack[:, 1])
            gone = np.stack([np.maximum(found.excess, 0.0), found.missing], axis=1) + slack
            slack = slack[found.kept]
            np.maximum.at(slack, found.target, gone)
            lost = lost + found.excess[to]
            kept, to = kept[found.kept], found.target[to]
            if len(kept) <= self.effort.labels or tolerance > 1.0:
                return kept, to, lost, slack
            tolerance = max(2.0 * tolerance, 1e-7)
            self.coarsened += 1

    def _bounds(self, key: Key, own: Worth) -> Array:
        """Return lower bounds (escape added) on the completions of labels, from references."""
        bound = np.full(len(own), -np.inf)
        held = self.references.get(key)
        if held is None or not len(held.bound) or not 0.0 < self.upper < math.inf:
            return bound
        apart = distance(held.worth, own, np.arange(len(held.bound)), np.arange(len(own)))
        with np.errstate(divide="ignore", invalid="ignore"):
            hopes = np.log(held.bound)[None, :] - apart
        least = math.log(self.upper * (1.0 - ROUNDING))
        j, i = nearest(-hopes, min(_NEAREST, hopes.shape[1]), -least)
        over, lack = excess(held.worth, own, i, j)
        fine = lack <= held.room[i] - self.effort.lacking
        np.maximum.at(bound, j[fine], held.bound[i[fine]] * np.exp(-over[fine]))
        return bound

    def backward(self, labels: Labels) -> tuple[float, dict[Key, Reference]]:
        """Return a lower bound on every plan (escape added) and the references that follow."""
        value, log_q = shipped(labels)
        total = value[:, 0] + self.goal.escape * np.exp(-log_q)
        out = log_q < self.goal.least_log_q - self.effort.lacking
        out |= np.any(value[:, 1:] > self.goal.most * math.exp(self.effort.lacking), axis=1)
        total[out] = np.inf
        last = self.menus.template.ship
        bounds: dict[Key, Array] = {max(k for k in self.stages if k[0] == last): total}
        references = {}
        least = -math.inf
        for key in reversed(list(self.stages)):
            stage = self.stages[key]
            kept = bounds.pop(key)
            room = np.full(len(kept), self.effort.lacking / 2)
            found = Reference(stage.worth, kept, room)
            former = self.references.get(key)
            references[key] = found if former is None else former + found
            candidate = stage.bound.copy()
            stood = stage.target >= 0
            candidate[stood] = kept[stage.target[stood]] * np.exp(-stage.excess[stood])
            if not stage.sources:
                least = max(least, float(candidate.min(initial=math.inf)))
            for below, rows, others in stage.sources:
                size = len(self.stages[below].worth)
                known = bounds.setdefault(below, np.full(size, np.inf))
                np.minimum.at(known, rows, candidate * np.exp(-others))
        return least, references
