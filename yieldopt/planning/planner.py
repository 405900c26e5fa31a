"""From a case to its plan."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from yieldopt.errors import SolverError
from yieldopt.optimize.backends import LinearProgram, LpAnswer, backend
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.rules import Menus
from yieldopt.plan import Result
from yieldopt.planning import answer
from yieldopt.planning.branching import Branching
from yieldopt.planning.generation import Progress
from yieldopt.planning.master import Master
from yieldopt.planning.programme import programme_of
from yieldopt.planning.setting import Setting, setting_of
from yieldopt.planning.sheet import MONEY
from yieldopt.planning.tightening import tightened
from yieldopt.schema.case import Case

_SAME = 1e-6  # of a value: the solver's own tolerances
_ALONE_S = 20.0  # for the plan at stand-alone coverage, which is for comparison


@dataclass(frozen=True)
class Plan:
    """A result with the programme behind it (for ``.lp`` and ``.mps`` files)."""

    result: Result
    program: LinearProgram | None


def plan(
    case: Case,
    solver: str,
    budget: Budget,
    gap: float = 0.0,
    progress: Progress | None = None,
) -> Plan:
    """Plan a case: lines, levels, packages and decisions of least cost, with the bound.

    Parameters
    ----------
    case
        The checked case.
    solver
        Backend of the linear programme, and of the programme with whole numbers.
    budget
        Time for everything; then the best plan found is the answer.
    gap
        Relative gap at which the search over whole decisions may stop; 0: at the proof.
    progress
        Called after each round of the search for columns.
    """
    setting = setting_of(case, budget)
    missed = any(
        p.is_open and not _has_pool(setting, n) and p.firm for n, p in enumerate(setting.products)
    )
    if missed or not setting.pools:
        return Plan(answer.no_route(setting), None)
    master = Master(setting, tightened(setting, programme_of(setting)), solver)
    _keep_programmes(setting)
    _offer_all(master)
    alone = stand_alone(master, solver, budget)
    hint = None if alone is None else alone.x[: master.decisions]
    found = Branching(master, solver, budget, gap, progress, hint).run()
    if found.found is None:
        result = answer.short(master, found)
    else:
        usd = None if alone is None else _at_least(alone, found.value)
        usd = None if usd is None else usd + master.programme.constant_usd
        result = replace(answer.planned(master, found), stand_alone_coverage_usd=usd)
    return Plan(replace(result, solver=solver), master.whole_programme())


def stand_alone(master: Master, solver: str, budget: Budget) -> LpAnswer | None:
    """Return the plan in which each line keeps its product's stand-alone best coverage.

    The same programme over the recipe of each line that is the cheapest by itself; lines, packages
    and decisions are chosen anew. ``None`` where no such plan keeps every rule, or none was found
    in the time that is left.
    """
    left_s = max(budget.left_s(_ALONE_S), 1.0)
    try:
        return backend(solver)(master.whole_programme(first_only=True), time_limit_s=left_s)
    except SolverError:
        return None


def _at_least(alone: LpAnswer, joint: float) -> float:
    """Return what stand-alone coverage costs at least: its value, or its bound where time ended.

    It is one of the plans that the joint one is the best of, so it never costs less. Where the
    solver tells no bound its value stands.
    """
    proved = alone.objective - alone.bound <= _SAME * abs(alone.objective)
    told = np.isfinite(alone.bound)
    return max(alone.bound, joint) if told and not proved else alone.objective


def _has_pool(setting: Setting, product: int) -> bool:
    return any(pool.product == product for pool in setting.pools)


def _keep_programmes(setting: Setting) -> None:
    """Find the recipe of a line with one programme again in periods when models have changed."""
    first: dict[tuple[int, str], Menus] = {}
    for pool in setting.pools:
        if setting.products[pool.product].shape.one_programme and pool.recipes:
            own: Menus = {place: (level,) for place, level in pool.recipes[0].levels.items()}
            menus = first.setdefault((pool.product, pool.line.name), own)
            if not pool.allowed(menus).any():
                prices = np.zeros(pool.width)
                prices[MONEY] = 1.0
                pool.price(prices, menus)


def _offer_all(master: Master) -> None:
    """Begin with every recipe that is known, in every slot of its pool."""
    for pool in master.setting.pools:
        count = len(pool.recipes)
        slots = np.repeat(np.array(pool.slots, np.intp), count)
        master.add(slots, np.tile(np.arange(count), len(pool.slots)))
