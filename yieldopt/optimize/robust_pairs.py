"""All plans of one trunk combination over scenarios: a product of two halves of the leaves.

Each half holds its plans by scenario; the weighted sum over scenarios is one matrix product, made
small by :func:`lower_factors` with its error on the safe side. Every pair whose lower bound is
below the best value known is then computed scenario by scenario, in double precision. The halves
need less: their rounding is part of the margin, so they are held in single precision where no
number leaves its range.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yieldopt.optimize.effort import OutOfTime
from yieldopt.optimize.robust_bound import SLACK, Proxy, beaten_below, relative
from yieldopt.optimize.robust_compress import Span, lower_factors
from yieldopt.optimize.robust_stack import Scores, Stacked
from yieldopt.optimize.robust_uses import scarcest

Array = NDArray[np.float64]
Table = NDArray[np.floating[Any]]
Index = NDArray[np.intp]
Take = Callable[[Scores, Index], float]  # plans by scenario and their entries → best value known
_HALF_NUMBERS = 16_000_000  # of one half held at once
_BLOCK = 131_072  # of the product: stays in the cache
_LOG_SINGLE = 30.0  # squares and sums of what is below e^30 are far from 3e38
_HUGE = 1e60  # far beyond what any plan is worth, and its square is still a double
_BEFORE = 64  # rounded operations behind a number of a half, besides those of its leaves
_BY_LEAF = 8  # of each leaf: an exponential, its argument rounded, and what it is combined with
_FIRST = 256  # candidates computed before the rest is looked at again
_MOST_AT_ONCE = 16_384  # of them later on: their numbers by scenario have to fit the memory


@dataclass(frozen=True)
class Half:
    """Plans P of some leaves: factors (P, C, S), ln Y (P, S), relaxed ln Q (P,)."""

    table: Table
    log_y: Array
    least: Array
    entries: Index  # (P, leaves of the half)

    def flat(self) -> Table:
        """Return the factors by plan, (P, C·S)."""
        return self.table.reshape(len(self.table), -1)

    def rows(self, kept: Index) -> Half:
        """Return some of the plans."""
        return Half(self.table[kept], self.log_y[kept], self.least[kept], self.entries[kept])


class Pairs:
    """The plans of one trunk combination, ``block`` of T = 1, with its leaves in two halves.

    J_s of a pair is the product of both halves' factors summed over columns C. A gap's term is
    (B + K_a)·E_a·E_b + E_a·(K_b·E_b): one column where only one half joins. Weights of scenarios
    stand in the first half.
    """

    def __init__(
        self,
        block: Stacked,
        proxy: Proxy,
        least: tuple[Sequence[Array], Array] | None,
        span: Span | None = None,
    ) -> None:
        self.block, self.proxy, self.least = block, proxy, least
        self.span = Span() if span is None else span
        self.until = math.inf  # time (``time.perf_counter``) at which ``OutOfTime`` is raised
        self.sides = split([e.shape[1] for e in block.log_e])
        self.base = block.base[0]
        joins = [{block.gap[i] for i in side} for side in self.sides]
        gaps = range(self.base.shape[1])
        self.second = [g in joins[1] and g not in joins[0] for g in gaps]  # B stands there
        both = [g for g in gaps if g in joins[0] and g in joins[1]]
        # By half: (gap, whether money is in it: B or K·E, or else E alone).
        self.columns = (
            [*((g, not self.second[g]) for g in gaps), *((g, False) for g in both)],
            [*((g, self.second[g]) for g in gaps), *((g, True) for g in both)],
        )
        fits = _log_most(block, proxy) < _LOG_SINGLE
        self.dtype: type[np.floating[Any]] = np.float32 if fits else np.float64
        self.uses = [(self._of_use(scarcest(block, use)), use.allowed) for use in block.uses]

    def _of_use(self, block: Stacked) -> Pairs:
        """Return the same plans with the use of a resource in one scenario for J."""
        out = Pairs(block, Proxy(np.ones(1)), None)
        out.dtype = np.float64
        return out

    def search(self, known: float, take: Take) -> int:
        """Hand every plan that may be better than ``known`` to ``take``; return pairs computed."""
        computed = 0
        for a in self._halves(0):
            for b in self._halves(1):
                known = self._product(a, b, known, take)
                computed += len(a[0].least) * len(b[0].least)
        return computed

    def _halves(self, which: int) -> Iterator[list[Half]]:
        """Yield the plans of a side, J and uses, cut along its largest menu to fit the memory."""
        every = (self, *(pairs for pairs, _ in self.uses))
        for kept in self._cuts(which):
            yield [pairs._half(which, kept) for pairs in every]

    def _cuts(self, which: int) -> Iterator[list[Index]]:
        """Yield the entries of every leaf of a side that are combined at once."""
        side = self.sides[which]
        sizes = [self.block.log_e[i].shape[1] for i in side]
        numbers = math.prod(sizes) * self.base.size
        if not side or numbers <= _HALF_NUMBERS:
            yield [np.arange(size) for size in sizes]
            return
        widest = int(np.argmax(sizes))
        parts = min(sizes[widest], -(-numbers // _HALF_NUMBERS))
        for part in np.array_split(np.arange(sizes[widest]), parts):
            yield [part if n == widest else np.arange(size) for n, size in enumerate(sizes)]

    def _half(self, which: int, kept: Sequence[Index]) -> Half:
        """Combine the menus of some leaves, the last varying fastest."""
        block, side, scenarios = self.block, self.sides[which], len(self.base)
        e, k = self._begun(which)
        log_y, least = np.zeros((1, scenarios)), np.zeros(1)
        entries = np.zeros((1, 0), dtype=np.intp)
        every = range(self.base.shape[1])
        table = np.stack([(k if paid else e)[:, g] for g, paid in self.columns[which]], axis=1)
        for number, (i, own) in enumerate(zip(side, kept, strict=True), start=1):
            last = number == len(side)
            columns = (
                self.columns[which] if last else [(g, p) for p in (False, True) for g in every]
            )
            table = self._joined(e, k, i, own, columns)
            if not last:
                e, k = table[:, : len(every)], table[:, len(every) :]
            log_y = _added(log_y, block.log_y[i][0, own]) if block.log_y else log_y
            least = _added(least, self.least[0][i][0, own]) if self.least else least
            repeated = np.repeat(entries, len(own), axis=0)
            entries = np.column_stack([repeated, np.tile(own, len(entries))])
        count = len(table)
        log_y = np.broadcast_to(log_y, (count, scenarios))
        return Half(table, log_y, np.broadcast_to(least, count), entries)

    def _begun(self, which: int) -> tuple[Table, Table]:
        """Return E and money of a half without leaves, (1, G, S)."""
        scenarios, gaps = self.base.shape
        weighted = which == 0 and self.proxy.ratio is None
        e = np.ones((gaps, scenarios)) * (self.proxy.weights if weighted else 1.0)
        here = np.array(self.second) == bool(which)
        k = np.where(here[:, None], self.base.T, 0.0) * e
        return e[None].astype(self.dtype), k[None].astype(self.dtype)

    def _joined(
        self, e: Table, k: Table, i: int, own: Index, columns: Sequence[tuple[int, bool]]
    ) -> Table:
        """Return columns (P·M, C, S) of plans (P, G, S) combined with entries of leaf i."""
        one = np.array(self.block.log_e[i][0, own].transpose(0, 2, 1), self.dtype, order="C")
        np.exp(one, out=one)
        at = self.block.gap[i]
        cost = self.block.load[i][0, own].astype(self.dtype) * one[:, at]
        out = np.empty((len(e), len(own), len(columns), e.shape[2]), self.dtype)
        for c, (g, paid) in enumerate(columns):
            np.multiply((k if paid else e)[:, None, g], one[:, g], out=out[:, :, c])
            if paid and g == at:
                out[:, :, c] += e[:, None, g] * cost
        if self.dtype is np.float64:
            np.minimum(out, _HUGE, out=out)  # below what a product of two can take
        return out.reshape(-1, *out.shape[2:])

    def _product(
        self, halves: Sequence[Half], others: Sequence[Half], known: float, take: Take
    ) -> float:
        """Find candidates in the product of two halves, J first and then what is limited."""
        a, b = halves[0], others[0]
        rows, columns = np.arange(len(a.least)), np.arange(len(b.least))
        allowed = np.full(len(rows), len(columns))
        if self.least:  # what may keep the limit is a prefix of the columns in each row
            rows, columns = np.argsort(-a.least), np.argsort(-b.least)
            most = a.least[rows] + self.least[1][0] + SLACK
            allowed = np.searchsorted(-b.least[columns], most, side="right")
            if not allowed[0]:
                return known
            halves = [half.rows(rows) for half in halves]
            others = [half.rows(columns) for half in others]
            a, b = halves[0], others[0]
        left, right, constant = self._weighted(a, b)
        before = _BEFORE + _BY_LEAF * len(self.block.log_e)
        left, right = lower_factors(left, right, self.span, before=before)
        uses = [
            (*lower_factors(one.flat(), other.flat()), most)
            for one, other, (_, most) in zip(halves[1:], others[1:], self.uses, strict=True)
        ]
        buffer = np.empty(max(_BLOCK, len(columns)), left.dtype)
        low = 0
        while low < len(left) and allowed[low] > 0:
            if perf_counter() >= self.until:
                raise OutOfTime
            wide = int(allowed[low])
            part = slice(low, min(len(left), low + max(1, _BLOCK // wide)))
            out = buffer[: (part.stop - low) * wide].reshape(-1, wide)
            np.matmul(left[part], right[:, :wide], out=out)
            if allowed[part][-1] < wide:
                out[np.arange(wide) >= allowed[part][:, None]] = np.inf
            for own, other, most in uses:
                out[own[part] @ other[:, :wide] > most] = np.inf
            if constant:
                out += constant
            look = _Look(self, a, b, take, low, wide)
            known = _candidates(out.reshape(-1), known, look)
            low = part.stop
        return known

    def _weighted(self, a: Half, b: Half) -> tuple[Table, Table, float]:
        """Return the proxy's factors (P, N) and (Q, N), and its constant."""
        weights, ratio = self.proxy.weights, self.proxy.ratio
        if ratio is None:
            return a.flat(), b.flat(), 0.0
        left, right = a.table, b.table
        trunk = relative(self.block.log_y_trunk, weights)
        own = (np.exp(relative(a.log_y, weights) + trunk) * weights).astype(self.dtype)
        other = np.exp(relative(b.log_y, weights)).astype(self.dtype)
        left = left * own[:, None, :]
        right = right * other[:, None, :]
        return (
            np.column_stack([left.reshape(len(left), -1), -ratio * own]),
            np.column_stack([right.reshape(len(right), -1), other]),
            ratio,
        )


def _log_most(block: Stacked, proxy: Proxy) -> float:
    """Return the log of what no number of a product exceeds."""
    tables = [block.base, *block.load]
    most = math.log(max(1.0, *(float(table.max()) for table in tables)))
    most += sum(float(e.max()) for e in block.log_e)
    if proxy.ratio is not None:
        tables = [block.log_y_trunk, *block.log_y]
        most += sum(float(np.abs(relative(y, proxy.weights)).max()) for y in tables)
        most += math.log(max(1.0, proxy.ratio))
    return most


def _added(plans: Array, menu: Array) -> Array:
    """Return sums over plans × entries, scenarios last where there are any."""
    return (plans[:, None] + menu).reshape(-1, *menu.shape[1:])


@dataclass(frozen=True)
class _Look:
    """Computes places of a block of the product scenario by scenario."""

    pairs: Pairs
    a: Half
    b: Half
    take: Take
    low: int  # first row of the block
    wide: int  # its columns

    def __call__(self, places: Index) -> float:
        row, column = self.low + places // self.wide, places % self.wide
        block, sides = self.pairs.block, self.pairs.sides
        entries = np.empty((len(row), len(block.log_e)), dtype=np.intp)
        entries[:, sides[0]] = self.a.entries[row]
        entries[:, sides[1]] = self.b.entries[column]
        return self.take(block.scores(entries, np.zeros_like(row)), entries)


def _candidates(lower: Table, known: float, look: Callable[[Index], float]) -> float:
    """Compute all places below the best value, the most promising first."""
    if not float(lower.min()) < beaten_below(known):
        return known
    places = np.flatnonzero(lower < beaten_below(known))
    size = _FIRST
    while len(places):
        if len(places) > size:
            order = np.argpartition(lower[places], size)
            now, places = places[order[:size]], places[order[size:]]
        else:
            now, places = places, places[:0]
        known = look(now)
        places = places[lower[places] < beaten_below(known)]
        size = min(2 * size, _MOST_AT_ONCE)
    return known


def split(sizes: Sequence[int]) -> tuple[list[int], list[int]]:
    """Split leaves into halves of about equal numbers of plans, the smaller one first."""
    halves: tuple[list[int], list[int]] = ([], [])
    plans = [1, 1]
    for i in np.argsort(-np.asarray(sizes, int), kind="stable"):
        side = int(plans[1] < plans[0])
        halves[side].append(int(i))
        plans[side] *= sizes[i]
    return (halves[0], halves[1]) if plans[0] <= plans[1] else (halves[1], halves[0])
