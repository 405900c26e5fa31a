"""Workloads of company plans: many products, routes and quarters under scarce capacity."""

from __future__ import annotations

from functools import cache

import numpy as np

from yieldopt.benchmark.plans import company
from yieldopt.benchmark.work import FULL, Effort, Task, Work
from yieldopt.optimize.backends import LinearProgram, highs_lp
from yieldopt.optimize.budget import Budget
from yieldopt.planning.planner import plan
from yieldopt.schema.case import Case

_WHOLE, _QUICK_WHOLE, _GAP = 200, 20, 5e-3
_LINEAR_GAP = 1e-6
_GROWTH = 10.0**1.5  # of the time, from 5 products to 50

_case = cache(company)


def _solved(case: Case, most: float) -> None:
    found = plan(case, "highs", Budget(), most).result
    if found.gap is None or found.gap > max(most, _LINEAR_GAP):
        raise RuntimeError(f"the gap is {found.gap}: it measures nothing")


def _products(effort: Effort) -> int:
    return 50 if effort == FULL else 2 if effort.small else 3


def _linear(effort: Effort) -> Task:
    """Compile, weigh and plan; the linear programme is certified over every recipe."""
    case = _case(_products(effort))
    return Task(lambda: _solved(case, 0.0))


def _whole(effort: Effort) -> Task:
    case = _case(_products(effort), whole=_WHOLE if effort == FULL else _QUICK_WHOLE)
    return Task(lambda: _solved(case, _GAP))


def _growth(effort: Effort) -> Task:
    large, small = _case(_products(effort)), _case(5 if effort == FULL else 1)
    return Task(lambda: _solved(large, 0.0), lambda: _solved(small, 0.0))


def _columns(effort: Effort) -> int:
    return 1_000_000 if effort == FULL else 10_000 if effort.small else 100_000


def _build(effort: Effort) -> Task:
    """Arrays of a programme of every recipe, from the recipes' own numbers."""
    recipes = _recipes(_columns(effort))
    return Task(lambda: _enumerated(*recipes))


def _solve(effort: Effort) -> Task:
    lp = _enumerated(*_recipes(_columns(effort)))
    return Task(lambda: highs_lp.solve(lp))


_PRODUCTS, _PERIODS, _TESTS, _PARTS = 50, 12, 6, 24


@cache
def _recipes(columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Return cost (products, recipes) and use (products, recipes, resources) per good package.

    Hours of six tests, that find what would be scrapped later and slip through; five parts a
    product of twenty-four.
    """
    rng = np.random.default_rng(columns)
    count = columns // (_PRODUCTS * _PERIODS)
    hours = rng.uniform(0.0, 1.0, (_PRODUCTS, count, _TESTS))
    passing = 1.0 - 0.1 * np.exp(-2.0 * hours[..., :3].sum(axis=-1))
    good = passing * (1.0 - 0.2 * np.exp(-0.5 * hours.sum(axis=-1)))
    price = rng.uniform(20.0, 200.0, _TESTS)
    cost = (rng.uniform(1e3, 4e3, (_PRODUCTS, 1)) + hours @ price) / good
    uses = np.zeros((_PRODUCTS, count, _PARTS + _TESTS))
    for product in range(_PRODUCTS):
        own = rng.choice(_PARTS, 5, replace=False)
        uses[product][:, own] = rng.uniform(0.01, 8.0, 5) / good[product][:, None]
    uses[..., _PARTS:] = 0.1 * hours / good[..., None]
    return cost, uses


def _enumerated(cost: np.ndarray, uses: np.ndarray) -> LinearProgram:
    """Return the programme: demand by product and period, capacity by resource and period."""
    rng = np.random.default_rng(7)
    products, count, resources = uses.shape
    demand = rng.uniform(1e4, 1e5, (products, _PERIODS))
    need = np.einsum("pr,pt->rt", uses.mean(axis=1), demand)
    capacity = need * rng.uniform(0.7, 1.2, need.shape)
    recipes = products * count
    flat = uses.reshape(recipes, resources)
    recipe, resource = np.nonzero(flat)
    value = flat[recipe, resource]
    # A column for each period and recipe: the recipes' nonzeros again, shifted.
    t = np.arange(_PERIODS)[:, None]
    of = np.repeat(np.arange(products), count)
    rows = np.concatenate([
        (of * _PERIODS + t).ravel(),
        (products * _PERIODS + resource * _PERIODS + t).ravel(),
        np.arange(products * _PERIODS),
    ])  # fmt: skip
    last = recipes * _PERIODS
    columns = np.concatenate([
        (t * recipes + np.arange(recipes)).ravel(),
        (t * recipes + recipe).ravel(),
        last + np.arange(products * _PERIODS),
    ])  # fmt: skip
    values = np.concatenate([
        np.ones(last), np.tile(value, _PERIODS), np.ones(products * _PERIODS)
    ])  # fmt: skip
    unmet = np.full(products * _PERIODS, 9e3)
    low = np.concatenate([demand.ravel(), np.full(capacity.size, -np.inf)])
    high = np.concatenate([demand.ravel(), capacity.ravel()])
    names = tuple(f"row {i}" for i in range(len(low)))
    every = np.concatenate([np.tile(cost.ravel(), _PERIODS), unmet])
    return LinearProgram(every, rows, columns, values, low, high, names, ())


_PLAN = "plan of {} products, 8 routes, 12 quarters, over every recipe"
_LUMPS = "the same with {} whole decisions, to 0.5 %"
WORKS = (
    Work(_PLAN.format(50), "s", 120.0, _linear, _PLAN.format(3)),
    Work(_LUMPS.format(_WHOLE), "s", 300.0, _whole, "plan of 3 products with 20 whole decisions"),
    Work("plan of 50 products over one of 5", "x", _GROWTH, _growth, "plan of 3 products over 1"),
    Work("programme of 1e6 columns, built", "s", 2.0, _build, "programme of 1e5 columns, built"),
    Work("programme of 1e6 columns, solved", "s", 15.0, _solve, "programme of 1e5 columns, solved"),
)
