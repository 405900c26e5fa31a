"""Rows that set the search and the engine against peers, each on the same problem in one run.

The value is our time over the peer's, both of the processor, one thread. A row holds if that is at
most its bar and our answer is equal or better: cost within 1e-9 relative of the peer's best or
below it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import numpy as np

from bench.peers import actuary
from bench.peers.coverage_problem import DPPM, ready, template
from yieldopt.benchmark.search import solved
from yieldopt.benchmark.work import Effort, Row, least_seconds
from yieldopt.engine import evaluate

BAR = 1.0 / 20.0  # ours is faster by 20 times
SEEDS = 3
SAME = 1e-9
T = TypeVar("T")
Found = tuple[float, str]  # best cost, words
SYSTEM = actuary.System("5", 220.0, 4, "SI")


def timed(run: Callable[[], T]) -> tuple[float, T]:
    """Return seconds of the processor in one call, and its result."""
    start = time.process_time()
    result = run()
    return time.process_time() - start, result


def _against(name: str, bar: float, effort: Effort, theirs_s: float, found: Found) -> Row:
    """Time our whole call, preparing included, and set it against what the peer needed."""
    plan = template(effort)
    limit = limit_of(effort)
    ours = solved(plan, limit)
    (ours_s,) = (best.cpu for best in least_seconds([lambda: solved(plan, limit)], effort))
    cost, words = found
    print(
        f"\n{name}: ours {ours_s * 1e3:.1f} ms, {ours.value_usd:.4f} USD, proved; "
        f"theirs {theirs_s * 1e3:.1f} ms, {cost:.4f} USD, {words}"
    )
    ratio = ours_s / theirs_s
    equal = ours.value_usd <= cost * (1.0 + SAME)
    return Row(name, ratio, "x", ratio, bar, equal and ratio <= bar)


def limit_of(effort: Effort) -> float:
    """Return the DPPM limit; the small problem reaches less."""
    return 2 * DPPM if effort.small else DPPM


def _evolution(name: str, way: str, bar: float) -> Callable[[Effort], Row]:
    """The fastest seed's time and the best seed's cost: generous to the peer on both."""

    def row(effort: Effort) -> Row:
        from bench.peers import scipy_evolution as peer

        problem, known = ready(effort)
        plan = template(effort)
        costs = (
            peer.from_tables(problem, known)
            if way == "tables"
            else peer.through_flows(plan, batch=way == "batch")
        )
        evolve = partial(
            peer.evolve,
            plan,
            costs,
            known.log_q_least,
            vectorized=way != "point",
            generations=2 if effort.small else 1000,
        )
        seeds = range(1 if effort.small else SEEDS)
        runs = [timed(partial(evolve, seed=seed)) for seed in seeds]
        allowed = [result.value_usd for _, result in runs if result.allowed]
        best = min(allowed, default=float("inf"))
        reached = sum(value <= best * (1 + SAME) for value in allowed)
        words = f"no proof, {reached} of {len(runs)} seeds reach it, fastest seed timed"
        return _against(name, bar, effort, min(took for took, _ in runs), (best, words))

    return row


def _milp(name: str) -> Callable[[Effort], Row]:
    def row(effort: Effort) -> Row:
        from bench.peers import milp

        _, known = ready(effort)
        took, found = timed(lambda: milp.solve(known))
        gap = 1.0 - found.bound_usd / found.value_usd
        words = f"{found.programmes} programmes, gap {gap:.0e}"
        return _against(name, BAR, effort, took, (found.value_usd, words))

    return row


def agreement() -> float:
    """Return the largest relative difference of our flow from Actuary's algebra."""
    systems = [
        actuary.System(node, total * 1.1 / count, count, package)
        for node in actuary.NODES
        for total in (100.0, 400.0, 800.0)
        for count in (1, 2, 4, 8)
        for package in ("OS", "FO", "SI")
    ]
    pairs = [
        (evaluate(actuary.flow(s)).cost_per_good_usd, actuary.recurring_usd(s)) for s in systems
    ]
    return max(abs(float(ours) / theirs - 1.0) for ours, theirs in pairs)


def _actuary(name: str) -> Callable[[Effort], Row]:
    def row(effort: Effort) -> Row:
        count = 1_000 if effort.small else 200_000
        batch = actuary.varied(SYSTEM, np.linspace(0.5, 2.0, count))
        both = [lambda: evaluate(batch, details=False), lambda: actuary.recurring_usd(SYSTEM)]
        ours_s, theirs_s = (best.cpu for best in least_seconds(both, effort))
        ratio = ours_s / count / theirs_s
        print(
            f"\n{name}: ours {ours_s / count * 1e9:.0f} ns a system in a batch, the algebra "
            f"{theirs_s * 1e9:.0f} ns; largest difference {agreement():.1e}"
        )
        return Row(name, ratio, "x", ratio, 1.0, ratio <= 1.0 and agreement() <= SAME)

    return row


_POINT = "search over DE (SciPy), a flow at a time"
_BATCH = "search over DE (SciPy), flows in batches"
_TABLES = "search over DE (SciPy), given our tables"
_MILP = "search over a MILP (SCIP), given our tables"
_ACTUARY = "batch evaluate over Actuary's algebra, a system"
PEERS: dict[str, Callable[[Effort], Row]] = {
    _POINT: _evolution(_POINT, "point", BAR),
    _BATCH: _evolution(_BATCH, "batch", BAR),
    _TABLES: _evolution(_TABLES, "tables", 1.0),
    _MILP: _milp(_MILP),
    _ACTUARY: _actuary(_ACTUARY),
}
