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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yieldopt.optimize.robust_bound import SLACK, Proxy, beaten_below, relative
from yieldopt.optimize.robust_compress import lower_factors
from yieldopt.optimize.robust_stack import Scores, Stacked

Array = NDArray[np.float64]
Table = NDArray[np.floating[Any]]
Index = NDArray[np.intp]
Take = Callable[[Scores, Index], float]  # plans by scenario and their entries → best value known
_HALF_NUMBERS = 16_000_000  # of one half held at once
_BLOCK = 32_768  # of the product: stays in the cache
_LOG_SINGLE = 30.0  # squares and sums of what is below e^30 are far from 3e38
_HUGE = 1e60  # far beyond what any plan is worth, and its square is still a double
_FIRST = 256  # candidates computed before the rest is looked at again


@dataclass(frozen=True)
class Half:
    """Plans P of some leaves: E and K·E (P, G, S), ln Y (P, S), relaxed ln Q (P,)."""

    e: Table
    k: Table
    log_y: Array
    least: Array
    entries: Index  # (P, leaves of the half)

    def rows(self, kept: Index) -> Half:
        """Return some of the plans."""
        logs = self.log_y[kept], self.least[kept]
        return Half(self.e[kept], self.k[kept], *logs, self.entries[kept])


class Pairs:
    """The plans of one trunk combination, ``block`` of T = 1, with its leaves in two halves."""

    def __init__(
        self, block: Stacked, proxy: Proxy, least: tuple[Sequence[Array], Array] | None
    ) -> None:
        self.block, self.proxy, self.least = block, proxy, least
        self.sides = split([e.shape[1] for e in block.log_e])
        self.base = block.base[0]
        self.joins = [[g in {block.gap[i] for i in side} for g in range(self.base.shape[1])]
                      for side in self.sides]  # fmt: skip
        fits = _log_most(block, proxy) < _LOG_SINGLE
        self.dtype: type[np.floating[Any]] = np.float32 if fits else np.float64

    def search(self, known: float, take: Take) -> int:
        """Hand every plan that may be better than ``known`` to ``take``; return pairs computed."""
        computed = 0
        for a in self._halves(self.sides[0]):
            for b in self._halves(self.sides[1]):
                known = self._product(a, b, known, take)
                computed += len(a.least) * len(b.least)
        return computed

    def _halves(self, side: Sequence[int]) -> Iterator[Half]:
        """Yield the plans of a side, cut along its largest menu to fit the memory."""
        sizes = [self.block.log_e[i].shape[1] for i in side]
        numbers = math.prod(sizes) * self.base.size
        if not side or numbers <= _HALF_NUMBERS:
            yield self._half(side, [np.arange(size) for size in sizes])
            return
        widest = int(np.argmax(sizes))
        parts = min(sizes[widest], -(-numbers // _HALF_NUMBERS))
        for part in np.array_split(np.arange(sizes[widest]), parts):
            kept = [part if n == widest else np.arange(size) for n, size in enumerate(sizes)]
            yield self._half(side, kept)

    def _half(self, side: Sequence[int], kept: Sequence[Index]) -> Half:
        """Combine the menus of some leaves, the last varying fastest."""
        block, (scenarios, gaps) = self.block, self.base.shape
        e = np.ones((1, gaps, scenarios), self.dtype)
        k = np.zeros_like(e)
        log_y, least = np.zeros((1, scenarios)), np.zeros(1)
        entries = np.zeros((1, 0), dtype=np.intp)
        for i, own in zip(side, kept, strict=True):
            one = np.ascontiguousarray(
                np.exp(block.log_e[i][0, own]).transpose(0, 2, 1), dtype=self.dtype
            )
            at = block.gap[i]
            joined = k[:, None] * one
            cost = (block.load[i][0, own] * one[:, at]).astype(self.dtype)
            joined[:, :, at] += e[:, None, at] * cost
            e = self._held((e[:, None] * one).reshape(-1, gaps, scenarios))
            k = self._held(joined.reshape(-1, gaps, scenarios))
            log_y = _added(log_y, block.log_y[i][0, own]) if block.log_y else log_y
            least = _added(least, self.least[0][i][0, own]) if self.least else least
            repeated = np.repeat(entries, len(own), axis=0)
            entries = np.column_stack([repeated, np.tile(own, len(entries))])
        log_y = np.broadcast_to(log_y, (len(e), scenarios))
        return Half(e, k, log_y, np.broadcast_to(least, len(e)), entries)

    def _held(self, table: Table) -> Table:
        """Hold a table below what a product of two can take."""
        return np.minimum(table, _HUGE) if self.dtype is np.float64 else table

    def _factors(self, a: Half, b: Half) -> tuple[Table, Table]:
        """Return (P, C, S) and (Q, C, S): J_s of a pair is their product summed over C.

        A gap's term is (B + K_a)·E_a·E_b + E_a·(K_b·E_b): one column where only one half joins.
        """
        gaps = self.base.shape[1]
        both = [g for g in range(gaps) if self.joins[0][g] and self.joins[1][g]]
        left = np.empty((len(a.e), gaps + len(both), self.base.shape[0]), self.dtype)
        right = np.empty((len(b.e), *left.shape[1:]), self.dtype)
        base = self.base.astype(self.dtype)
        for g in range(gaps):
            own, out, other, plain = a, left, b, right
            if self.joins[1][g] and not self.joins[0][g]:
                own, out, other, plain = b, right, a, left
            np.multiply(own.e[:, g], base[:, g], out=out[:, g])
            if self.joins[0][g] or self.joins[1][g]:
                out[:, g] += own.k[:, g]
            plain[:, g] = other.e[:, g]
        for c, g in enumerate(both, start=gaps):
            left[:, c], right[:, c] = a.e[:, g], b.k[:, g]
        return left, right

    def _product(self, a: Half, b: Half, known: float, take: Take) -> float:
        """Find candidates in the product of two halves."""
        rows, columns = np.arange(len(a.least)), np.arange(len(b.least))
        allowed = np.full(len(rows), len(columns))
        if self.least:  # what may keep the limit is a prefix of the columns in each row
            rows, columns = np.argsort(-a.least), np.argsort(-b.least)
            most = a.least[rows] + self.least[1][0] + SLACK
            allowed = np.searchsorted(-b.least[columns], most, side="right")
            a, b = a.rows(rows), b.rows(columns)
            if not allowed[0]:
                return known
        left, right, constant = self._weighted(a, b, *self._factors(a, b))
        left, right = lower_factors(left, right)
        low = 0
        while low < len(left) and allowed[low] > 0:
            wide = int(allowed[low])
            part = slice(low, low + max(1, _BLOCK // wide))
            out = left[part] @ right[:, :wide]
            if allowed[part][-1] < wide:
                out[np.arange(wide) >= allowed[part][:, None]] = np.inf
            if constant:
                out += constant
            look = _Look(self, a, b, take, low, wide)
            known = _candidates(out.reshape(-1), known, look)
            low = part.stop
        return known

    def _weighted(self, a: Half, b: Half, left: Table, right: Table) -> tuple[Table, Table, float]:
        """Return the proxy's factors (P, N) and (Q, N), and its constant."""
        weights, ratio = self.proxy.weights, self.proxy.ratio
        count, other_count = len(left), len(right)
        if ratio is None:
            left *= weights.astype(self.dtype)
            return left.reshape(count, -1), right.reshape(other_count, -1), 0.0
        trunk = relative(self.block.log_y_trunk, weights)
        own = (np.exp(relative(a.log_y, weights) + trunk) * weights).astype(self.dtype)
        other = np.exp(relative(b.log_y, weights)).astype(self.dtype)
        left *= own[:, None, :]
        right *= other[:, None, :]
        return (
            np.column_stack([left.reshape(count, -1), -ratio * own]),
            np.column_stack([right.reshape(other_count, -1), other]),
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
        size *= 2
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
