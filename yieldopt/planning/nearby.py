r"""The optimum near one that is proved: recipes are priced only where some price fell.

With f(w) the least of w @ features over the recipes of a slot, and features that are never below 0,
w ≥ w₀ in every feature gives f(w) ≥ f(w₀). At the duals of an optimum no f(w₀) is below 0; so
where no price fell nothing is wanted.
"""

from __future__ import annotations

import numpy as np

from yieldopt.planning.generation import Relaxed
from yieldopt.planning.master import Master
from yieldopt.planning.sheet import PACKAGES, Array, Index

_TOLERANCE = 1e-9  # of a reduced cost, against the worth of a package
_SAME = 1e-12  # of a price: rounding of the duals
_SMALL = 1e-13  # of the largest price of a slot, likewise
_ROUNDS = 5000


def relax_near(master: Master, before: Array) -> Relaxed | None:
    """Solve the linear programme at the master's node over every recipe.

    Parameters
    ----------
    master
        At a node that allows no recipe that it did not allow before; counts money.
    before
        Prices at which no recipe of any slot is wanted, (slots, features).

    Returns
    -------
    Relaxed or None
        ``None`` where the columns that are there cannot keep all rows.
    """
    size = np.abs(before).max(axis=1, keepdims=True, initial=0.0)
    least = before - _SAME * np.abs(before) - _SMALL * size
    last = None
    for _ in range(_ROUNDS):
        answer = master.solve()
        if answer is None:
            return None
        last = Relaxed(answer.objective, -np.inf, answer.x, answer.duals)
        prices = master.programme.prices(answer.duals)
        fell = np.flatnonzero((prices < least).any(axis=1))
        if not (_known(master, prices, fell) or _searched(master, prices, fell)):
            return Relaxed(answer.objective, answer.objective, answer.x, answer.duals)
    return last


def _pools(master: Master, slots: Index) -> dict[int, Index]:
    """Return slots by pool."""
    owner = master.setting.slot_pool[slots]
    return {int(number): slots[owner == number] for number in np.unique(owner)}


def _limit(prices: Array) -> Array:
    scale: Array = np.maximum(np.abs(prices[..., PACKAGES]), 1e-6)
    return -_TOLERANCE * scale


def _known(master: Master, prices: Array, slots: Index) -> int:
    """Add the recipes found before that are wanted most; return how many."""
    found = 0
    for number, own in _pools(master, slots).items():
        pool = master.setting.pools[number]
        reduced = pool.features @ prices[own].T  # (recipes, slots)
        reduced[~pool.allowed(master.menus(number))] = np.inf
        best = reduced.argmin(axis=0)
        wanted = reduced[best, np.arange(len(own))] < _limit(prices[own])
        found += master.add(own[wanted], best[wanted])
    return found


def _searched(master: Master, prices: Array, slots: Index) -> int:
    """Search the slots that no bound excludes; add what is wanted, return how many."""
    found = 0
    for number, own in _pools(master, slots).items():
        pool, menus = master.setting.pools[number], master.menus(number)
        open_ = own[pool.bounds(prices[own]) < _limit(prices[own])]
        for slot in open_:
            if pool.price(prices[slot], menus, 0.0) < _limit(prices[slot]):
                found += _known(master, prices, own)
                break
    return found
