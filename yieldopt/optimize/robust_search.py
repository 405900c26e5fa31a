"""The search for one plan over scenarios: bound every trunk combination, list what is left."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from yieldopt.optimize.coverage import HOPELESS_USD
from yieldopt.optimize.effort import OutOfTime
from yieldopt.optimize.robust_bound import Bounder, Proxy, beaten_below, mixed
from yieldopt.optimize.robust_compress import Span
from yieldopt.optimize.robust_measure import Limit, Measure, game_weights, judged
from yieldopt.optimize.robust_pairs import Pairs
from yieldopt.optimize.robust_stack import Scores, Stack, Stacked
from yieldopt.optimize.robust_uses import at_prices, impossible, price_ladder

Array = NDArray[np.float64]
Index = NDArray[np.intp]
_ROUNDS = 12  # of weights for a risk measure
_SETTLED = 1e-6  # relative: weights are not worth a further round


@dataclass
class Best:
    """The best plan so far: its measure, trunk combination, entries and J by scenario."""

    value: float = math.inf
    trunk: int = -1
    entries: tuple[int, ...] = ()
    by_scenario: Array | None = None


class RobustSearch:
    """One measure over one stack of scenarios.

    Parameters
    ----------
    stack, measure, limit
        The scenarios, what is minimised, and a DPPM limit or ``None``.
    bound
        Prune trunk combinations by their bound; off, everything is enumerated.
    until
        Time (``time.perf_counter``) at which it stops; ``open_lower`` then bounds what is left.
    """

    def __init__(
        self,
        stack: Stack,
        measure: Measure,
        limit: Limit | None,
        bound: bool = True,
        until: float = math.inf,
    ) -> None:
        self.stack, self.measure, self.limit, self.bound = stack, measure, limit, bound
        self.best = Best()
        self.until = until
        self.open_lower = math.inf
        self.enumerated = self.pruned = self.examined = 0
        self._asked: Index | None = None
        self._span = Span()  # trunk combinations have most directions in common

    def run(self) -> Best:
        """Return the best plan; everything not computed is proved to be no better."""
        if self.measure.name == "expected":
            return self._pass(Proxy(self.measure.p))
        # A plan of least expected cost to start from; without one there is none at all.
        first = RobustSearch(
            self.stack, Measure("expected", self.measure.p), self.limit, self.bound, self.until
        )
        start = first.run()
        self.examined = first.examined
        if start.by_scenario is None:
            self.enumerated, self.pruned = first.enumerated, first.pruned
            if first.open_lower < math.inf:
                self.open_lower = 0.0  # a bound of another measure says nothing
            return start
        block = self.stack.one(start.trunk)
        entries = np.array([start.entries], dtype=np.intp).reshape(1, -1)
        self._take(np.array([start.trunk]), block.scores(entries), entries)
        if self.measure.is_risk:
            return self._pass(Proxy(self._risk_weights(start.by_scenario)))
        return self._pass(Proxy(self.measure.p, self.best.value))

    def _risk_weights(self, first: Array) -> Array:
        """Return weights under which the least weighted mean is high: a game against plans met."""
        pool = [first]
        chosen, highest = self.measure.weights(first[None, :])[0], -math.inf
        for _ in range(_ROUNDS):
            weights, hoped = game_weights(np.array(pool), self.measure.most)
            lowest, met = self._sweep(weights)
            if lowest > highest:
                chosen, highest = weights, lowest
            if self._is_late() or met is None or float(met @ weights) >= hoped * (1.0 - _SETTLED):
                break
            pool.append(met)
        out: Array = chosen
        return out

    def _offer(self, first: int, block: Stacked, kept: Index, entries: Index) -> float:
        self._take(first + kept, block.rows(kept).scores(entries), entries)
        return self.best.value

    def _sweep(self, weights: Array) -> tuple[float, Array | None]:
        """Return a lower bound of the least weighted mean, and J of the best plan met."""
        lowest = math.inf
        met: Array | None = None
        for first, block in self.stack.blocks():
            bounder = Bounder(mixed(block, Proxy(weights), self.relaxed(block)))
            found: list[Array] = [] if met is None else [met[None, :]]
            offer = partial(self._meet, first, block, found)
            lowest = min(lowest, float(bounder.run(math.inf, offer).min()))
            values = np.concatenate([np.zeros((0, len(weights))), *found])
            met = values[int((values @ weights).argmin())] if len(values) else None
        return lowest, met

    def _meet(
        self, first: int, block: Stacked, found: list[Array], kept: Index, entries: Index
    ) -> float:
        """Note what allowed plans cost by scenario; prune nothing: the lowest bound is wanted."""
        scores = block.rows(kept).scores(entries)
        found.append(scores.value[self._take(first + kept, scores, entries)])
        return math.inf

    def _pass(self, proxy: Proxy) -> Best:
        """Bound every trunk combination by the proxy and enumerate those left."""
        for first, block in self.stack.blocks():
            if self._is_late():
                self.open_lower = 0.0
                return self.best
            least = self.relaxed(block)
            lower = np.full(len(block.base), -math.inf)
            if self.bound:
                offer = partial(self._offer, first, block)
                lower = Bounder(mixed(block, proxy, least)).run(self.best.value, offer)
                lower[impossible(block)] = math.inf
                self._with_prices(first, block, proxy, lower)
            for t in np.argsort(lower, kind="stable"):
                if lower[t] == math.inf or lower[t] >= beaten_below(self.best.value):
                    self.pruned += self.stack.menus
                    continue
                try:
                    self._enumerate(first, int(t), block, proxy, least)
                except OutOfTime:  # those after it have bounds that are no lower
                    self.open_lower = min(self.open_lower, max(float(lower[t]), 0.0))
                    break
        return self.best

    def _is_late(self) -> bool:
        return perf_counter() >= self.until

    def _with_prices(self, first: int, block: Stacked, proxy: Proxy, lower: Array) -> None:
        """Raise lower bounds by prices on what is limited, where they do not prune yet."""
        for prices in price_ladder(block):
            kept = np.flatnonzero(lower < beaten_below(self.best.value))
            if not len(kept):
                return
            some, allowed = at_prices(block.rows(kept), prices)
            dear = proxy if proxy.ratio is None else replace(proxy, ratio=proxy.ratio + allowed)

            def offer(
                at: Index, entries: Index, kept: Index = kept, more: float = allowed
            ) -> float:
                return self._offer(first, block, kept[at], entries) + more

            bounder = Bounder(mixed(some, dear, self.relaxed(some)))
            found = bounder.run(self.best.value + allowed, offer) - allowed
            lower[kept] = np.maximum(lower[kept], found)

    def _enumerate(
        self,
        first: int,
        t: int,
        block: Stacked,
        proxy: Proxy,
        least: tuple[Sequence[Array], Array] | None,
    ) -> None:
        row = np.array([t])
        own = ([one[row] for one in least[0]], least[1][row]) if least else None

        def take(scores: Scores, entries: Index) -> float:
            self.examined += len(entries)
            self._take(np.full(len(entries), first + t), scores, entries)
            return self.best.value

        if self._is_late():
            raise OutOfTime
        pairs = Pairs(block.rows(row), proxy, own, self._span)
        pairs.until = self.until
        pairs.search(self.best.value, take)
        self.enumerated += self.stack.menus

    def _take(self, trunk: Index, scores: Scores, entries: Index) -> NDArray[np.bool_]:
        """Judge plans exactly and keep the best; return which are allowed."""
        values = judged(self.measure, self.limit, scores, HOPELESS_USD)
        at = int(values.argmin()) if len(values) else -1
        if at >= 0 and values[at] < self.best.value:
            picked = tuple(int(m) for m in entries[at])
            self.best = Best(float(values[at]), int(trunk[at]), picked, scores.value[at].copy())
        fine: NDArray[np.bool_] = values < math.inf
        return fine

    def relaxed(self, block: Stacked) -> tuple[list[Array], Array] | None:
        """Return the relaxed ln Q by leaf, (T, M), and of the trunk, (T,), less its least.

        Of certain scenarios one at least must hold the limit. The best of them at every leaf is a
        product again, and no worse than any one of them.
        """
        if self.limit is None:
            return None
        if self._asked is None:
            usual = block.log_q_trunk.mean(axis=0)
            usual = usual + sum(q.mean(axis=(0, 1)) for q in block.log_q)
            self._asked = self.limit.asked(np.argsort(usual, kind="stable"))
        trunk = block.log_q_trunk[:, self._asked] - self.limit.log_q_least
        return [q[:, :, self._asked].max(axis=2) for q in block.log_q], trunk.max(axis=1)
