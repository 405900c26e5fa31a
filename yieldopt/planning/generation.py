r"""Columns found by exact pricing: the optimum of the linear programme over all combinations.

Recipes found before are priced first (features @ prices); the search is asked only where none of
them is wanted, and there only where a bound from earlier searches does not already show that none
can be. When nothing is wanted the optimum holds over every recipe. At any time, with z the value
of the programme so far and c̄ the least reduced cost of a slot,

    z + Σ_products max( Σ_t most_t·min(0, c̄_t),  most·min_t min(0, c̄_t) )

is a lower bound: no plan makes more than ``most`` packages of a product (Lasdon 1970, ch. 3). The
sum is over groups of slots that serve the same demand: where a plan is for several futures, the
packages of a product in each, and those that are made before one knows which.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from yieldopt.optimize.backends import LpAnswer
from yieldopt.planning.master import Master
from yieldopt.planning.sheet import PACKAGES, Array

_TOLERANCE = 1e-9  # of a reduced cost, against the worth of a package
_ROUNDS = 5000
_NEAR = 0.1  # a recipe found so far is dearer than wanted by this share of a package's worth


@dataclass(frozen=True)
class Round:
    """How far the search for columns is."""

    round: int
    columns: int
    bound_usd: float
    value_usd: float
    is_short: bool = False  # value and bound are packages that are short, not money

    @property
    def gap(self) -> float:
        """Relative gap between value and bound."""
        return max(0.0, self.value_usd - self.bound_usd) / max(abs(self.value_usd), 1e-300)


Progress = Callable[[Round], None]


@dataclass(frozen=True)
class Relaxed:
    """The optimum of the linear programme at a node: value, lower bound, solution, duals."""

    value: float
    bound: float
    x: Array
    duals: Array


def relax(
    master: Master, progress: Progress | None = None, cutoff: float = np.inf
) -> Relaxed | None:
    """Solve the linear programme at the master's node over every recipe.

    Parameters
    ----------
    master
        At a node; gains columns.
    progress
        Called after each round.
    cutoff
        Stop once the bound is at or above it.

    Returns
    -------
    Relaxed or None
        ``None`` where the columns that are there cannot keep all rows.
    """
    bound = _floor(master)
    last = Relaxed(np.inf, bound, np.empty(0), np.empty(0))
    for number in range(_ROUNDS):
        answer = master.solve()
        if answer is None:
            return None
        prices = master.programme.prices(answer.duals, 0.0 if master.phase_one else 1.0)
        fresh = _from_pools(master, prices)
        if not fresh:
            slack, fresh = _by_search(master, prices, answer.duals)
            bound = max(bound, answer.objective + slack)
        last = _relaxed(answer, bound)
        if progress is not None:
            constant = 0.0 if master.phase_one else master.programme.constant_usd
            at = bound + constant, answer.objective + constant
            progress(Round(number, len(master.slot), *at, master.phase_one))
        if not fresh or bound >= cutoff:
            break
    return last


def _floor(master: Master) -> float:
    """Return what every plan costs at least: nothing, where nothing that is decided earns money.

    Recipes cost 0 or more, and so does by how much rows are broken.
    """
    programme = master.programme
    lower = np.array([column.lower for column in programme.columns], float)
    earns = (lower < 0.0).any() or (not master.phase_one and (programme.cost < 0.0).any())
    return -np.inf if earns else 0.0


def _relaxed(answer: LpAnswer, bound: float) -> Relaxed:
    return Relaxed(answer.objective, min(bound, answer.objective), answer.x, answer.duals)


def _limit(prices: Array) -> Array:
    """Reduced costs above this are 0 by rounding, by slot."""
    scale: Array = np.maximum(np.abs(prices[..., PACKAGES]), 1e-6)
    return -_TOLERANCE * scale


def _from_pools(master: Master, prices: Array) -> int:
    """Add the best recipe found before of each slot where one is wanted; return how many."""
    slots, recipes = [], []
    for number, pool in enumerate(master.setting.pools):
        own = prices[list(pool.slots)]
        reduced = pool.features @ own.T  # (recipes, slots)
        menus = master.menus(number)
        if menus is not None:
            reduced[~pool.allowed(menus)] = np.inf
        best = reduced.argmin(axis=0)
        wanted = reduced[best, np.arange(len(best))] < _limit(own)
        slots += [slot for slot, want in zip(pool.slots, wanted, strict=True) if want]
        recipes += best[wanted].tolist()
    return master.add(np.array(slots, np.intp), np.array(recipes, np.intp))


def _by_search(master: Master, prices: Array, duals: Array) -> tuple[float, int]:
    """Ask the search where a recipe may be wanted; return the slack of the bound and the gain.

    First in the likeliest slot of each pool; only if nothing is wanted in any of them in all the
    others, likeliest first, until some are found. So the duals are seldom old when most slots are
    asked, and all of them are asked once, at the end.
    """
    least = _bounds(master, prices)
    likely = _likely(master, prices)
    pools = master.setting.slot_pool
    first = [min(pool.slots, key=lambda s: likely[s]) for pool in master.setting.pools]
    near = [slot for slot in first if likely[slot] < _NEAR]
    fresh = _ask(master, prices, near, least, len(pools))
    if not fresh:
        rest = sorted(set(range(len(pools))) - set(near), key=lambda s: likely[s])
        fresh = _ask(master, prices, rest, least, 1 + len(first) // 8)
    return _slack(master, duals, np.minimum(least, 0.0)), fresh


def _ask(master: Master, prices: Array, slots: list[int], least: Array, enough: int) -> int:
    """Search slots in turn until enough recipes are found; note the least of each in ``least``."""
    limit = _limit(prices)
    fresh = 0
    for slot in slots:
        if least[slot] >= limit[slot]:
            continue
        number = int(master.setting.slot_pool[slot])
        pool = master.setting.pools[number]
        least[slot] = pool.price(prices[slot], master.menus(number), 0.0)
        if least[slot] < limit[slot]:
            fresh += _offer(master, prices, number)
            if fresh >= enough:
                break
    return fresh


def _bounds(master: Master, prices: Array) -> Array:
    """Return a lower bound of the least reduced cost of each slot."""
    out = np.empty(len(prices))
    for pool in master.setting.pools:
        own = list(pool.slots)
        out[own] = pool.bounds(prices[own])
    return out


def _likely(master: Master, prices: Array) -> Array:
    """Return the least reduced cost of the recipes found so far, against the worth of a package."""
    out = np.empty(len(prices))
    for pool in master.setting.pools:
        own = list(pool.slots)
        out[own] = (pool.features @ prices[own].T).min(axis=0)
    return out / np.maximum(np.abs(prices[:, PACKAGES]), 1e-6)


def _offer(master: Master, prices: Array, number: int) -> int:
    """Add recipes of a pool in each slot that wants them; return how many were not there.

    Not only the one just found: a search for a bound may have found it, or one for another line.
    """
    pool, menus = master.setting.pools[number], master.menus(number)
    own = prices[list(pool.slots)]
    wanted = pool.features @ own.T < _limit(own)
    recipes, at = np.nonzero(wanted & pool.allowed(menus)[:, None])
    return master.add(np.array(pool.slots, np.intp)[at], recipes)


def _slack(master: Master, duals: Array, least: Array) -> float:
    """Return by how much, at most, recipes that are not there can lower the value."""
    setting, total = master.setting, 0.0
    rows = master.programme.row_indices("demand")
    for group in setting.groups:
        by_period = np.zeros(setting.periods)
        np.minimum.at(by_period, setting.slot_period[group.slots], least[group.slots])
        if group.is_open:  # a route that time ended on costs no less than nothing
            worth = [sum(float(duals[rows[key]]) for key in keys) for keys in group.demand]
            by_period = np.minimum(by_period, -np.array(worth))
            if setting.case.shares:  # which may pay for what is made elsewhere
                return -np.inf
        each = float(by_period @ group.most)
        total += max(each, group.makeable * float(by_period.min(initial=0.0)))
    return total
