"""Pricing a product on a line: against every recipe, evaluated by the engine one by one.

The searches of these plans are enumerations: a value is known to some 1e-11 of the terms that it
sums, ``SAME`` of their absolute sum.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from tests.planning.whole_pools import drawn, features, fresh, kept
from yieldopt import load
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.candidates import Candidate
from yieldopt.optimize.weighing import candidate_on
from yieldopt.planning.pools import keeps
from yieldopt.planning.sheet import MONEY, PACKAGES, SHIPPED, USES, Array

SAME = 1e-10
CASES = [
    (0, frozenset[str]()),
    (1, frozenset({"pooled", "lines"})),
    (2, frozenset({"changes", "surcharges", "pooled"})),
    (8, frozenset({"lines", "budget_all"})),
]
Which = tuple[int, frozenset[str]]


def some_prices(rng: np.random.Generator, every: Array, count: int) -> Iterator[Array]:
    """Prices of every kind: all at once, some 0, money alone, use alone, escapes alone, near ones.

    What they add up to is about what a package costs; the price of a package may have either sign.
    """
    size = every.mean(axis=0)
    size[SHIPPED] = 1e-3  # of the bad ones
    before = np.zeros(len(size))
    for number in range(count):
        own = rng.lognormal(0.0, 1.0, len(size)) * np.divide(
            1000.0, size, out=np.zeros(len(size)), where=size > 0.0
        )
        own *= rng.random(len(size)) < 0.6
        own[MONEY] = rng.choice([0.0, 1.0, 0.8, 1.0003])
        kind = number % 6
        if kind == 1:
            own = before * rng.uniform(0.9, 1.2, len(own))
        elif kind == 2:
            own[[MONEY, SHIPPED]] = 0.0
        elif kind == 3:
            own[MONEY], own[SHIPPED:] = 1.0, 0.0
        elif kind == 4:
            own[[MONEY, *range(USES, len(own))]] = 0.0
        own[PACKAGES] = rng.normal(0.0, 3000.0)
        before = own
        yield own


def least(every: Array, prices: Array) -> tuple[float, float]:
    """Return the least value of all recipes, and how far it is known."""
    return float((every @ prices).min()), SAME * float((np.abs(every) @ np.abs(prices)).max())


@pytest.mark.parametrize("which", CASES)
def test_a_price_is_the_least_of_all_recipes_and_bounds_stay_below(which: Which) -> None:
    """Bounds before anything was searched, after it, and at the prices that were searched."""
    rng = np.random.default_rng(5)
    tight = looked = 0
    for pool in fresh(drawn(*which)).pools[:6]:
        every = features(*which, pool)[1]
        seen: list[Array] = []
        for prices in some_prices(rng, every, 13):
            value, off = least(every, prices)
            before = float(pool.bounds(prices[None, :])[0])
            assert before <= value + off
            assert pool.price(prices) == pytest.approx(value, abs=off)
            seen.append(prices)
            after = pool.bounds(np.array(seen))
            for held, bound in zip(seen, after, strict=True):
                value, off = least(every, held)
                assert bound <= value + off
            assert after[-1] == pytest.approx(least(every, prices)[0], abs=off)
            span = float((every @ prices).max()) - value
            tight += before > value - 0.05 * span - off
            looked += 1
    assert tight > looked // 8  # the bounds say something where nothing was searched


@pytest.mark.parametrize("which", CASES)
def test_enough_cuts_a_search_short_and_never_below_it(which: Which) -> None:
    """Exact where something is below ``enough``; else at least that, and below what there is."""
    rng = np.random.default_rng(6)
    cuts = 0
    for number in range(3):
        pools = fresh(drawn(*which)).pools
        pool = pools[number % len(pools)]
        every = features(*which, pool)[1]
        for prices in some_prices(rng, every, 8):
            value, off = least(every, prices)
            span = float((every @ prices).max()) - value + 1.0
            for share in (-0.2, 0.1, -0.05, -0.2, 0.5, 0.0):
                enough = value + share * span
                found = pool.price(prices, None, enough)
                assert found <= value + off
                if enough > value + off:
                    assert found == pytest.approx(value, abs=off)
                    assert float((pool.features @ prices).min()) == pytest.approx(value, abs=off)
                else:
                    cuts += 1
                    assert found >= enough - off
    assert cuts > 20


@pytest.mark.parametrize("which", CASES)
def test_menus_are_kept_in_every_recipe_found(which: Which) -> None:
    rng = np.random.default_rng(7)
    narrower = 0
    for pool in fresh(drawn(*which)).pools[:4]:
        levels, every = features(*which, pool)
        for prices in some_prices(rng, every, 8):
            menus = {}
            for place, own in pool.candidate.ruled.menus.items():
                if rng.random() < 0.5:
                    count = int(rng.integers(1, len(own) + 1))
                    menus[place] = tuple(str(k) for k in rng.permutation(own)[:count])
            held = len(pool.recipes)
            value = pool.price(prices, menus)
            left = every[kept(levels, menus)]
            assert all(keeps(recipe, menus) for recipe in pool.recipes[held:])
            if not len(left):
                assert value == np.inf
                continue
            best, off = least(left, prices)
            assert value == pytest.approx(best, abs=off)
            allowed = pool.features[pool.allowed(menus)]
            assert float((allowed @ prices).min()) == pytest.approx(best, abs=off)
            narrower += best > least(every, prices)[0] + off
    assert narrower > 4


def test_menus_that_leave_nothing_have_no_price() -> None:
    """No level at all; and levels of which no combination keeps the DPPM limit."""
    rng = np.random.default_rng(9)
    pool = fresh(drawn(*CASES[0])).pools[0]
    levels, every = features(*CASES[0], pool)
    own = pool.candidate.ruled.menus
    place = next(iter(own))
    bare = {p: ("off",) for p, names in own.items() if "off" in names}
    assert not len(kept(levels, bare))
    held = len(pool.recipes)
    for prices in some_prices(rng, every, 6):
        for menus in ({place: ()}, bare):
            assert pool.price(prices, menus) == np.inf
            assert pool.price(prices, menus, 0.0) in (np.inf, 0.0)
    assert len(pool.recipes) == held


def test_what_is_remembered_is_never_taken_for_more_than_it_was() -> None:
    """One price asked with ever more: a cut answer is asked anew, whatever rounding there is."""
    rng = np.random.default_rng(8)
    case = load("minimal")
    found, _ = candidate_on(case, case.products[0], "cowos_s", Budget())
    assert found is not None
    for _ in range(40):
        one_off = float(rng.uniform(0.01, 900.0))
        prices = {name: float(rng.uniform(0.0, 800.0)) for name in sorted(found.resources)}
        escape = float(rng.choice([0.0, rng.uniform(1.0, 1e5)]))

        def begun_anew(one_off: float = one_off) -> Candidate:
            return replace(found, one_off_usd=one_off, recipes=[], _answers={})

        best, own = begun_anew().price(prices, escape_usd=escape), begun_anew()
        asked = best - rng.uniform(1e-6, 500.0, 12)
        for enough in asked:
            value = own.price(prices, escape_usd=escape, enough_usd=float(enough))
            assert enough * (1 - 1e-12) <= value <= best * (1 + 1e-12)
        assert not own.recipes
        assert own.price(prices, escape_usd=escape) == pytest.approx(best, rel=1e-12)
        assert len(own.recipes) == 1
