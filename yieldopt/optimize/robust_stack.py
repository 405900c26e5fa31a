r"""Scenarios of one template, stacked: the terms of S search problems side by side.

The scenarios share every name and every menu, so one plan stands for the same trunk combination
and entries in each. Cost per good package of scenario s is

    J_s = Σ_g ( B_s,g + Σ_{i joining at g} W_s,i·K_s,i(m_i) ) · Π_i E_s,i,g(m_i) ,

a sum over S·G columns once it is weighted by scenario. With starts fixed, good packages per start
of a node are Y_s = 1/(starts per good), a product over the leaves as well: ``log_y``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from yieldopt.errors import CaseError, Fault, UnknownName, near_miss
from yieldopt.flow import Outcome, Step
from yieldopt.optimize.pricing import Ask, priced
from yieldopt.optimize.problem import Problem, prepare
from yieldopt.optimize.robust_merge import scenario_blocks
from yieldopt.optimize.tree import is_test
from yieldopt.physics.yields import Value
from yieldopt.template import Choice, OpenNode, Template

Array = NDArray[np.float64]
Index = NDArray[np.intp]
STARTS = "(starts)"
_BLOCK_NUMBERS = 4_000_000  # of ln E held at once
_CACHED_NUMBERS = 16_000_000
_TINY = 1e-300


@dataclass(frozen=True)
class Used:
    """A limited resource: use per good package is a sum like J's, ``load[i]`` (T, M, S) and
    ``base`` (T, S, G), and may come to ``allowed`` in every scenario.
    """

    load: tuple[Array, ...]
    base: Array
    allowed: float

    def rows(self, kept: Index) -> Used:
        """Return the terms of some trunk combinations."""
        return Used(tuple(k[kept] for k in self.load), self.base[kept], self.allowed)


@dataclass(frozen=True)
class Stacked:
    """Some trunk combinations T in S scenarios with G gaps, leaves i with M entries.

    ``log_e[i]`` (T, M, S, G); ``load[i]`` (T, M, S), W·K; ``gap[i]``; ``base`` (T, S, G);
    ``log_q[i]`` (T, M, S); ``log_q_trunk`` (T, S); ``log_y[i]`` (T, M, S) and ``log_y_trunk``
    (T, S): ln good packages per start, empty and 0 where starts adapt; ``uses``: what is limited.
    """

    log_e: tuple[Array, ...]
    load: tuple[Array, ...]
    gap: tuple[int, ...]
    base: Array
    log_q: tuple[Array, ...]
    log_q_trunk: Array
    log_y: tuple[Array, ...]
    log_y_trunk: Array
    uses: tuple[Used, ...] = ()

    def rows(self, kept: Index) -> Stacked:
        """Return the terms of some trunk combinations."""
        return Stacked(
            tuple(e[kept] for e in self.log_e),
            tuple(k[kept] for k in self.load),
            self.gap,
            self.base[kept],
            tuple(q[kept] for q in self.log_q),
            self.log_q_trunk[kept],
            tuple(y[kept] for y in self.log_y),
            self.log_y_trunk[kept],
            tuple(use.rows(kept) for use in self.uses),
        )

    def scores(self, entries: Index, at: Index | None = None) -> Scores:
        """Return what plans give: ``entries`` (C, n) of trunk combinations ``at`` (C,); left out,
        one plan for each.
        """
        at = np.arange(len(self.base)) if at is None else at
        log_e = np.zeros((len(at), *self.base.shape[1:]))
        log_q = self.log_q_trunk[at]
        log_y = self.log_y_trunk[at]
        for i, e in enumerate(self.log_e):
            own = entries[:, i]
            log_e += e[at, own]
            log_q += self.log_q[i][at, own]
            if self.log_y:
                log_y += self.log_y[i][at, own]

        def total(base: Array, loads: Sequence[Array]) -> Array:
            load = base[at]
            for i, own in enumerate(loads):
                load[:, :, self.gap[i]] += own[at, entries[:, i]]
            summed: Array = (load * pulled).sum(axis=2)
            return summed

        fine = np.ones(len(at), bool)
        with np.errstate(over="ignore", invalid="ignore"):
            pulled = np.exp(log_e)
            value = total(self.base, self.load)
            for use in self.uses:
                fine &= (total(use.base, use.load) <= use.allowed).all(axis=1)
        return Scores(value, log_q, log_y, fine)


@dataclass(frozen=True)
class Scores:
    """Plans by scenario, each (C, S): J [USD per good], ln Q, ln good packages per start; and
    whether they keep the limits on use everywhere, (C,).
    """

    value: Array
    log_q: Array
    log_y: Array
    fine: NDArray[np.bool_]


class Stack:
    """The search problems of all scenarios (alike), in blocks of trunk combinations."""

    def __init__(self, problems: Sequence[Problem], ask: Ask, starts_of: str | None) -> None:
        self.plain = problems[0]
        self.problems = [_counting(p, starts_of) for p in problems] if starts_of else problems
        self.ask, self.starts_of = ask, starts_of
        self.gaps = len(self.plain.tree.gaps)
        self._cache: dict[int, Stacked] = {}

    @cached_property
    def _numbers(self) -> int:
        """Numbers of ln E of one trunk combination."""
        entries = sum(len(leaf.cost) for leaf in self.plain.leaves) or 1
        return entries * len(self.problems) * self.gaps

    @property
    def menus(self) -> int:
        """Plans of one trunk combination."""
        return math.prod(len(leaf.cost) for leaf in self.plain.leaves)

    def starts(self, out: Outcome) -> Value:
        """Return starts of the counted node per shipped package; 1 where none is counted."""
        return out.uses[STARTS] if self.starts_of else 1.0

    def blocks(self) -> Iterator[tuple[int, Stacked]]:
        """Yield (first trunk combination, block), each small enough to stay in memory."""
        count = self.plain.trunk_count
        step = max(1, _BLOCK_NUMBERS // self._numbers)
        for low in range(0, count, step):
            block = self._cache.get(low)
            if block is None:
                block = self._block(np.arange(low, min(low + step, count)))
                if count * self._numbers <= _CACHED_NUMBERS:
                    self._cache[low] = block
            yield low, block

    def one(self, trunk: int) -> Stacked:
        """Return a single trunk combination."""
        return self._block(np.array([trunk]))

    def _block(self, numbers: Index) -> Stacked:
        parts = []
        for problem, block in zip(
            self.problems, scenario_blocks(self.problems, numbers), strict=True
        ):
            terms = priced(problem, block, self.ask)
            starts = _log_y(problem, block.base_uses.get(STARTS), terms.weight, block.log_e)
            parts.append((terms, starts if self.starts_of else ([], np.zeros(len(terms.base)))))
        every = range(len(self.plain.leaves))

        def loads(ks: Sequence[Sequence[Array]]) -> tuple[Array, ...]:
            """Return W·K of every leaf, from K of every scenario."""
            return tuple(
                np.stack(
                    [t.weight[:, i, None] * k[i] for (t, _), k in zip(parts, ks, strict=True)],
                    axis=2,
                )
                for i in every
            )

        uses = []
        for own in zip(*(t.uses for t, _ in parts), strict=True):
            base = np.stack([use.base for use in own], axis=1)
            uses.append(Used(loads([use.k for use in own]), base, own[0].allowed))
        return Stacked(
            tuple(np.stack([t.log_e[i] for t, _ in parts], axis=2) for i in every),
            loads([t.k for t, _ in parts]),
            tuple(leaf.gap for leaf in self.plain.leaves),
            np.stack([t.base for t, _ in parts], axis=1),
            tuple(np.stack([t.log_q[i] for t, _ in parts], axis=2) for i in every),
            np.stack([t.log_q_trunk for t, _ in parts], axis=1),
            tuple(np.stack([y[0][i] for _, y in parts], axis=2) for i in every)
            if self.starts_of
            else (),
            np.stack([y[1] for _, y in parts], axis=1),
            tuple(uses),
        )


def check_alike(problems: Sequence[Problem]) -> None:
    """Refuse scenarios whose templates differ in more than numbers and process steps.

    Raises
    ------
    CaseError
        No scenario at all; or a node, a join, an insertion or a level that not all of them have.
    """
    if not problems:
        raise CaseError(Fault("no scenarios", "scenarios", hint="give one at least"))
    first = _shape(problems[0].template)
    faults = []
    for at, problem in enumerate(problems[1:], start=1):
        own = _shape(problem.template)
        differing = [key for key in dict.fromkeys([*first, *own]) if first.get(key) != own.get(key)]
        if differing:
            text = "not of the same structure as the first: nodes, tests and levels may not differ"
            faults.append(Fault(text, f"scenarios[{at}]", ", ".join(differing)))
    if faults:
        raise CaseError(faults)


def _shape(template: Template) -> dict[str, object]:
    """What decides the plans and the gaps of a template, by node: joins, tests and levels."""
    return {
        node.name: (
            [source.node for source in node.inputs],
            [
                (item.name, *item.options) if isinstance(item, Choice) else item.name
                for item in node.items
                if is_test(item)
            ],
            node.name == template.ship,
        )
        for node in template.nodes
    }


def _counting(problem: Problem, node: str) -> Problem:
    """Return the problem with a resource that counts the starts of a node."""
    template = problem.template
    names = [one.name for one in template.nodes]
    if node not in names:
        raise UnknownName(Fault("unknown node", "starts_of", node, near_miss(node, names)))
    mark = Step(STARTS, "process", uses={STARTS: 1.0})
    nodes: list[OpenNode] = [
        replace(one, items=(mark, *one.items)) if one.name == node else one
        for one in template.nodes
    ]
    return prepare(Template(template.ship, tuple(nodes)))


def _log_y(
    problem: Problem, of_trunk: Array | None, weight: Array, log_e: Sequence[Array]
) -> tuple[list[Array], Array]:
    """Return ln of good packages per start by leaf, each (T, M), and of the trunk (T,).

    Starts per good package are one term of J's form: W_i·U_i·Π E at the gap of the node.
    """
    counted = [STARTS in leaf.uses for leaf in problem.leaves]
    count = len(weight)
    if any(counted):
        which = counted.index(True)
        leaf = problem.leaves[which]
        own = np.log(np.maximum(leaf.uses[STARTS], _TINY))
        out = [-e[:, :, leaf.gap] for e in log_e]
        out[which] = out[which] - own
        return out, -np.log(weight[:, which])
    if of_trunk is None:
        return [], np.zeros(count)
    gap = int(np.argmax(of_trunk.sum(axis=0)))
    return [-e[:, :, gap] for e in log_e], -np.log(of_trunk[:, gap])
