"""The exact choice of the level at every insertion, with its proof."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yieldopt.optimize.bound import ROUNDING, Terms, bounds
from yieldopt.optimize.enumeration import Half, best_pair, half
from yieldopt.optimize.problem import Problem
from yieldopt.optimize.trunk import Block

Array = NDArray[np.float64]
HOPELESS_USD = 1e15  # nothing worth the name passes; and solvers take 1e20 for infinite


@dataclass(frozen=True)
class Proof:
    """How optimality was shown.

    Parameters
    ----------
    method
        ``"enumeration"``: every plan of the trunk combinations not pruned was computed.
    combinations
        Plans in all.
    enumerated
        Plans computed one by one.
    pruned
        Plans in trunk combinations whose lower bound reaches the incumbent.
    lower_bound_usd
        Proven lower bound on the objective.
    """

    method: str
    combinations: int
    enumerated: int
    pruned: int
    lower_bound_usd: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


@dataclass(frozen=True)
class Found:
    """The best plan: levels by ``"node/insertion"``; ``None`` when no plan is allowed."""

    levels: Mapping[str, str] | None
    value_usd: float  # cost per good package at the given prices, escapes included
    proof: Proof


@dataclass
class _State:
    """Best plan so far, and what has been covered."""

    value: float = math.inf
    trunk: int = -1
    entries: tuple[int, ...] = ()
    enumerated: int = 0
    pruned: int = 0


def best_levels(
    problem: Problem,
    prices: Mapping[str, float] | None = None,
    *,
    dppm_limit: float | None = None,
    escape_cost_usd: float | None = None,
    prices_only: bool = False,
    bound: bool = True,
    known_usd: float = math.inf,
) -> Found:
    """Choose the level at every insertion for the least cost per good package.

    Parameters
    ----------
    problem
        From :func:`yieldopt.optimize.problem.prepare`.
    prices
        Price of resource use on top of the costs [USD per unit].
    dppm_limit
        Bad packages per million shipped may not exceed this.
    escape_cost_usd
        Cost of one bad package shipped [USD]: (spend + e·bad)/good.
    prices_only
        Count resource use at its prices and no cost (the feasibility phase of the allocation).
    bound
        Prune trunk combinations by the tangent bound; off, everything is enumerated.
    known_usd
        Value of a plan known already; only a better one is looked for.

    Returns
    -------
    Found
        The best plan and its proof; the bound equals the value: the search is exact. Where nothing
        is better than the known plan, no levels and its value.
    """
    least = None if dppm_limit is None else math.log1p(-min(dppm_limit / 1e6, 1.0 - 1e-15))
    escape = 0.0 if prices_only else escape_cost_usd or 0.0
    state = _State(value=known_usd + escape)
    menus = math.prod(len(leaf.cost) for leaf in problem.leaves)
    for first, block in problem.blocks():
        terms = _priced(problem, block, prices or {}, escape, 0.0 if prices_only else 1.0)
        order = np.arange(len(terms.base))
        lower = np.full(len(terms.base), -np.inf)
        if bound:
            found = bounds(terms, least, state.value)
            lower = found.lower
            at = int(found.value.argmin())
            if found.value[at] < state.value:
                state.value, state.trunk = float(found.value[at]), first + at
                state.entries = tuple(int(m) for m in found.entries[at])
            order = np.argsort(lower, kind="stable")
        for t in order:
            if lower[t] >= state.value * (1.0 + ROUNDING):
                state.pruned += menus
                continue
            state.enumerated += menus
            _enumerate(terms, int(t), first, least, state)
    return _answer(problem, state, escape)


def _answer(problem: Problem, state: _State, escape: float) -> Found:
    value = state.value - escape if state.value < HOPELESS_USD else math.inf
    proof = Proof("enumeration", problem.combinations, state.enumerated, state.pruned, value)
    better = state.trunk >= 0 and value < math.inf
    return Found(problem.levels(state.trunk, state.entries) if better else None, value, proof)


def _priced(
    problem: Problem, block: Block, prices: Mapping[str, float], escape: float, money: float
) -> Terms:
    base = money * block.base
    for name, table in block.base_uses.items():
        if prices.get(name):
            base += prices[name] * table
    if escape:  # e/Q is a cost at the door, weighed by the trunk's own 1/Q
        base[:, problem.tree.gaps.index(())] += escape * np.exp(-block.log_q_trunk)
    k = []
    for leaf in problem.leaves:
        cost = money * leaf.cost
        for name, used in leaf.uses.items():
            if prices.get(name):
                cost = cost + prices[name] * used
        k.append(cost)
    gap = [leaf.gap for leaf in problem.leaves]
    return Terms(block.log_e, block.log_q, k, gap, base, block.weight, block.log_q_trunk)


def _enumerate(terms: Terms, t: int, first: int, least: float | None, state: _State) -> None:
    """Compute every plan of one trunk combination."""
    members = _split([len(k) for k in terms.k])
    halves = [_half(terms, t, side) for side in members]
    limit = None if least is None else least - float(terms.log_q_trunk[t])
    value, row, column = best_pair(terms.base[t], halves[0], halves[1], limit)
    if value < state.value:
        entries = [0] * len(terms.k)
        for side, number in zip(members, (row, column), strict=True):
            sizes = tuple(len(terms.k[i]) for i in side)
            picks = np.unravel_index(number, sizes) if sizes else ()
            for i, pick in zip(side, picks, strict=True):
                entries[i] = int(pick)
        state.value, state.trunk, state.entries = value, first + t, tuple(entries)


def _half(terms: Terms, t: int, side: Sequence[int]) -> Half:
    return half(
        [np.exp(terms.log_e[i][t]) for i in side],
        [terms.weight[t, i] * terms.k[i] for i in side],
        [terms.log_q[i][t] for i in side],
        [terms.gap[i] for i in side],
        terms.base.shape[1],
    )


def _split(sizes: Sequence[int]) -> tuple[list[int], list[int]]:
    """Split leaves into halves of about equal numbers of plans, the larger one second."""
    halves: tuple[list[int], list[int]] = ([], [])
    products = [1, 1]
    for i in sorted(range(len(sizes)), key=lambda i: -sizes[i]):
        side = 0 if products[0] <= products[1] else 1
        halves[side].append(i)
        products[side] *= sizes[i]
    return halves if products[0] <= products[1] else (halves[1], halves[0])
