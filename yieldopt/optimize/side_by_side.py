"""Searches of problems that differ in numbers alone, side by side: one walk, one bound for all.

One small problem costs overheads, not arithmetic. Of S problems with T trunk combinations each the
tables, the bounds and the pruning are those of one block of S·T (:func:`.robust_merge.stacked`),
each problem with its own incumbent; what is left of each is enumerated as in
:mod:`yieldopt.optimize.coverage`, to the same proof.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Event

import numpy as np
from numpy.typing import NDArray

from yieldopt.flow import Step
from yieldopt.optimize.bound import Groups, bounds_of_groups
from yieldopt.optimize.coverage import Found, Progress, Rows, answer, enumerate_rows
from yieldopt.optimize.pricing import Ask
from yieldopt.optimize.problem import Problem, costs_of_unit
from yieldopt.optimize.robust_merge import Together, stacked
from yieldopt.optimize.search import is_enumerable
from yieldopt.optimize.terms import Terms, values
from yieldopt.optimize.tree import Tree
from yieldopt.template import Choice, Template

Array = NDArray[np.float64]
Index = NDArray[np.intp]
_NUMBERS = 4_000_000  # of ln E of all problems at once
_LEAST = 4  # fewer problems at once are not worth the merging


@dataclass(frozen=True)
class One:
    """A template to be searched: its limit [ppm] and what an escape costs [USD]."""

    template: Template
    dppm_limit: float | None = None
    escape_cost_usd: float = 0.0

    @property
    def ask(self) -> Ask:
        """The same for the search."""
        return Ask({}, self.dppm_limit, self.escape_cost_usd)


def best_of_each(
    kin: Problem,
    known: Mapping[str, str],
    ones: Sequence[One],
    until: float = math.inf,
    *,
    most_s: float = math.inf,
    stop: Event | None = None,
) -> list[Found | None]:
    """Choose the levels of each template for the least cost per good package.

    Parameters
    ----------
    kin
        A problem whose template differs from theirs in numbers alone.
    known
        Its best plan: one that may be good in the others.
    ones
        Templates with the menus of the kin.
    until
        Time (``time.perf_counter``) at which the searches stop with what they have.
    most_s
        Seconds to compute the plans of one of them that its bounds leave.
    stop
        Set by whoever wants them to stop now.

    Returns
    -------
    list of Found or None
        As :func:`yieldopt.optimize.coverage.best_levels` gives it, for each template; ``None``
        where few have its laws and classes of faults, where more differs from the kin than numbers,
        or time ended before anything was found out: search it by itself.

    Examples
    --------
    >>> from yieldopt import Faults, Input, Step
    >>> from yieldopt.optimize.problem import prepare
    >>> from yieldopt.template import Choice, OpenNode
    >>> def template(usd):
    ...     fab = Step("fab", "process", usd, faults={"logic": Faults(0.5)})
    ...     full = Step("cp", "test", 9.0, coverage={"logic": 0.99})
    ...     die = OpenNode("die", (), (fab, Choice("cp", {"off": None, "full": full})))
    ...     bond = Step("bond", "process", 5.0)
    ...     return Template("pkg", (die, OpenNode("pkg", (Input("die", 2),), (bond,))))
    >>> kin = prepare(template(100.0))
    >>> ones = [One(template(usd)) for usd in (1.0, 2.0, 50.0, 90.0)]
    >>> found = best_of_each(kin, {"die/cp": "off"}, ones)
    >>> [one.levels["die/cp"] for one in found]
    ['off', 'off', 'full', 'full']
    """
    out: list[Found | None] = [None] * len(ones)
    if not is_enumerable(kin):
        return out
    most, time_left = _most(kin), _Time(until, most_s, stop)
    for same in alike([one.template for one in ones]):
        for numbers in _limited_and_not(same, ones):
            for low in range(0, len(numbers), most):
                some = numbers[low : low + most]
                if len(some) < _LEAST or time_left.is_over:
                    break
                found = _searched(kin, known, [ones[number] for number in some], time_left)
                for number, one in zip(some, found, strict=True):
                    out[number] = one
    return out


@dataclass(frozen=True)
class _Time:
    """When all searches end, and how long one may take."""

    until: float
    most_s: float
    stop: Event | None

    @property
    def is_over(self) -> bool:
        stopped = self.stop is not None and self.stop.is_set()
        return stopped or time.perf_counter() > self.until

    def of_one(self) -> float:
        """Return when a search that begins now ends."""
        return -math.inf if self.is_over else min(self.until, time.perf_counter() + self.most_s)


def _most(kin: Problem) -> int:
    """Return how many problems are searched at once."""
    numbers = kin.trunk_count * sum(kin.menu_counts) * len(kin.tree.gaps)
    return max(1, _NUMBERS // max(1, numbers))


def alike(templates: Sequence[Template]) -> list[list[int]]:
    """Return the numbers of templates that differ in numbers alone, together."""
    found: dict[object, list[int]] = {}
    for number, template in enumerate(templates):
        found.setdefault(_kinds(template), []).append(number)
    return list(found.values())


def _limited_and_not(numbers: Sequence[int], ones: Sequence[One]) -> tuple[list[int], list[int]]:
    """Split problems in those under a limit and those under none: their bounds are others."""
    limited = [number for number in numbers if ones[number].dppm_limit is not None]
    return limited, [number for number in numbers if ones[number].dppm_limit is None]


def _kinds(template: Template) -> object:
    """Return what must be the same: nodes, kinds and overlaps of steps, laws of faults."""
    return tuple((node.name, node.inputs, tuple(map(_kind, node.items))) for node in template.nodes)


def _kind(item: Step | Choice | None) -> object:
    if item is None:
        return None
    if isinstance(item, Choice):
        return item.name, tuple((level, _kind(step)) for level, step in item.options.items())
    laws = tuple((name, one.law, one.cluster) for name, one in item.faults.items())
    return item.name, item.kind, item.overlap, laws


def _searched(
    kin: Problem, known: Mapping[str, str], ones: Sequence[One], time_left: _Time
) -> Sequence[Found | None]:
    count = kin.trunk_count
    if Tree(ones[0].template).shape != kin.tree.shape:  # other menus, or tests elsewhere
        return [None] * len(ones)
    together = stacked([one.template for one in ones], np.arange(count))
    if together is None:
        return [None] * len(ones)
    terms = _terms(together, ones, count)
    asks = [one.ask for one in ones]
    least = [ask.log_q_least for ask in asks]
    states = _from_known(kin, known, terms, least)
    limits = None if None in least else np.array(least)  # none has one, or all have
    groups = Groups(
        np.repeat(np.arange(len(ones)), count),
        limits,
        np.array([state.value for state in states]),
        np.tile(_start(kin, known), (len(ones), 1)),
    )
    bound = bounds_of_groups(terms, groups)
    out: list[Found | None] = []
    for s, (ask, state) in enumerate(zip(asks, states, strict=True)):
        mine = slice(s * count, (s + 1) * count)
        at = int(bound.value[mine].argmin())
        if bound.value[mine][at] < state.value:
            state.value, state.trunk = float(bound.value[mine][at]), at
            state.entries = tuple(int(m) for m in bound.entries[mine][at])
        rows = Rows(terms, mine.start, bound.lower[mine], math.prod(kin.menu_counts))
        enumerate_rows(rows, 0, ask.log_q_least, state, time_left.of_one())
        unseen = state.open_lower == -math.inf  # the plan known, and nothing said about others
        out.append(None if unseen else answer(kin, state, ask.escape_usd))
    return out


def _start(kin: Problem, known: Mapping[str, str]) -> Index:
    """Return a plan for each trunk combination, (T, n)."""
    plans = kin.plans_at(0)
    if plans is not None and len(plans) == kin.trunk_count:
        return plans
    return np.tile(np.array(kin.plan(known)[1], dtype=np.intp), (kin.trunk_count, 1))


def _terms(together: Together, ones: Sequence[One], count: int) -> Terms:
    """Return the terms of all problems, (S·T, …), without E."""
    tree, block = together.tree, together.block
    costs = [costs_of_unit(node, tree) for node in tree.branches]
    k = [own if len(own) == 1 else np.repeat(own, count, axis=0) for own in costs]
    base = block.base.copy()
    escapes = np.repeat([one.escape_cost_usd for one in ones], count)
    base[:, tree.gaps.index(())] += escapes * np.exp(-block.log_q_trunk)
    gap = [tree.gap(tree.parent[node.name][0], 0) for node in tree.branches]
    return Terms((), block.log_e, block.log_q, k, gap, base, block.weight, block.log_q_trunk)


def _from_known(
    kin: Problem, known: Mapping[str, str], terms: Terms, least: Sequence[float | None]
) -> list[Progress]:
    """Return searches that begin with a plan, where it keeps the limit."""
    trunk, entries = kin.plan(known)
    rows = trunk + kin.trunk_count * np.arange(len(least))
    at = np.tile(np.array(entries, dtype=np.intp), (len(rows), 1))
    value, log_q = values(terms.rows(rows), at)
    return [
        Progress(float(usd), trunk, entries) if limit is None or q >= limit else Progress()
        for usd, q, limit in zip(value, log_q, least, strict=True)
    ]
