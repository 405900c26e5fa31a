r"""A future met with what was decided before: the best that is left, whole decisions and all.

What was made before is put into the sides of the rows as Σ factor·features·packages, and its money
into the constant; decisions taken before are columns that are fixed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from yieldopt.optimize.budget import Budget
from yieldopt.optimize.candidates import Candidate
from yieldopt.optimize.product_rules import narrowed
from yieldopt.optimize.rules import Menus
from yieldopt.planning.branching import Branching, Planned
from yieldopt.planning.futures import Future, relaid
from yieldopt.planning.generation import Progress
from yieldopt.planning.joint import Joint, Ties
from yieldopt.planning.master import Master
from yieldopt.planning.pools import keeps
from yieldopt.planning.rules.budgets import spent
from yieldopt.planning.setting import Setting
from yieldopt.planning.sheet import MONEY, Array, Column, Key, Programme

_DUST = 1e-9  # of a product's packages: less is rounding
# By this share of what is fixed in it may a row be missed: the plan that fixed it kept its rows to
# the rounding of a linear programme. The larger one only where that of the first is not enough.
ROUNDING = (1e-10, 1e-7)


@dataclass(frozen=True)
class Decided:
    """A decision, its amount, and what it costs [USD, discounted]."""

    column: Column
    amount: float
    cost_usd: float


@dataclass(frozen=True)
class FirstStage:
    """What is decided before one knows the future.

    Parameters
    ----------
    decisions
        By kind and key.
    made
        Features of all packages, (features,), by product, line and period.
    programmes
        Levels by product and line, where a product has one programme a line.
    """

    decisions: Mapping[Key, Decided]
    made: Mapping[Key, Array] = field(default_factory=dict)
    programmes: Mapping[tuple[int, str], Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Solved:
    """A programme solved, with what it is of; ``value_usd`` and ``bound_usd`` with its constant."""

    master: Master
    planned: Planned

    @property
    def value_usd(self) -> float:
        """The cost of the plan found; infinite where there is none."""
        return self.planned.value + self.master.programme.constant_usd

    @property
    def bound_usd(self) -> float:
        """No plan costs less."""
        return self.planned.bound + self.master.programme.constant_usd

    @property
    def x(self) -> Array | None:
        """The plan, ``None`` where there is none."""
        found = self.planned.found
        return None if found is None else found.x


def solved(
    setting: Setting,
    programme: Programme,
    solver: str,
    budget: Budget,
    hint: Array | None = None,
    *,
    gap: float = 0.0,
    progress: Progress | None = None,
) -> Solved:
    """Solve a programme over every recipe, from those that are known on.

    Parameters
    ----------
    setting, programme
        What is solved.
    solver
        Backend.
    budget
        Time for the search over whole decisions.
    hint
        Decisions of a plan that is known.
    gap
        Relative gap at which the search over whole decisions may stop.
    progress
        Sees each round.
    """
    master = Master(setting, programme, solver)
    for pool in setting.pools:
        pairs = [(slot, at) for at in range(len(pool.recipes)) for slot in pool.slots]
        both = np.array(pairs, np.intp).reshape(-1, 2)
        master.add(both[:, 0], both[:, 1])
    return Solved(master, Branching(master, solver, budget, gap, progress, hint).run())


def first_stage(master: Master, x: Array, ties: Ties, joint: Joint | None = None) -> FirstStage:
    """Read what is decided before one knows.

    Parameters
    ----------
    master, x
        A programme and a solution: of a case alone, or of several futures.
    ties
        What is decided before.
    joint
        The futures, if it is of several.
    """
    programme, setting = master.programme, master.setting
    decisions = {
        (column.kind, *column.key): Decided(column, float(x[at]), _cost(programme, joint, at))
        for at, column in enumerate(programme.columns)
        if column.kind != "risk" and ties.hold(column)
    }
    made: dict[Key, Array] = {}
    packages = master.fill(x)
    for at in np.flatnonzero(packages):
        slot = int(master.slot[at])
        period = int(setting.slot_period[slot])
        if period < ties.made:
            pool = setting.pools[int(setting.slot_pool[slot])]
            key = (pool.product, pool.line.name, period)
            before = made.get(key, np.zeros(programme.features))
            made[key] = before + packages[at] * pool.features[int(master.recipe[at])]
    return FirstStage(decisions, made, dict(_programmes(master, packages)))


def _cost(programme: Programme, joint: Joint | None, at: int) -> float:
    """Return what a unit of a decision costs in any future."""
    if joint is None:
        return float(programme.cost[at])
    for future, columns in zip(joint.futures, joint.columns, strict=True):
        own = np.flatnonzero(columns == at)
        if len(own):
            return float(future.programme.cost[own[0]])
    return 0.0


def _programmes(
    master: Master, packages: Array
) -> Iterator[tuple[tuple[int, str], Mapping[str, str]]]:
    """Yield the levels of each line of a product that has one programme there."""
    setting = master.setting
    most: dict[tuple[int, str], float] = {}
    for at in np.flatnonzero(packages):
        pool = setting.pools[int(setting.slot_pool[master.slot[at]])]
        product, key = setting.products[pool.product], (pool.product, pool.line.name)
        least = max(_DUST * float(product.demand.sum()), most.get(key, 0.0))
        if product.shape.one_programme and packages[at] > least:
            most[key] = float(packages[at])
            yield key, pool.recipes[int(master.recipe[at])].levels


def after(
    future: Future, first: FirstStage, ties: Ties, rounding: float, alone: bool = True
) -> Future:
    """Return what is left of a future once the first stage is decided.

    Parameters
    ----------
    future, first, ties
        The future, and what is decided before one knows of it.
    rounding
        By which share of what is fixed in it a row may be missed.
    alone
        Whether it pays for decisions that it has no use for; joined with others it does anyway.
    """
    setting, programme = future.setting, future.programme
    found = list(_candidates(setting, first))
    keep = setting.slot_period >= ties.made
    keep &= np.array([found[at] is not None for at in setting.slot_pool], bool)
    number = np.cumsum(keep) - 1
    columns = tuple(_fixed(column, first, ties) for column in programme.columns)
    gone, usd = _made(setting, programme, first)
    size = np.abs(gone)
    before = np.array([ties.hold(column) for column in columns], bool)
    amounts = np.where(before, [column.lower for column in columns], 0.0)
    parts = np.abs(programme.values * amounts[programme.columns_of])
    size += np.bincount(programme.rows_of, parts, len(size))
    spent, more = _not_here(future, first) if alone else (np.zeros(len(size)), 0.0)
    gone, size, slots = gone + spent, rounding * (size + spent), programme.entry_slot
    kept = keep[slots]
    return replace(
        future,
        setting=relaid(setting, keep, candidates=found),
        programme=replace(
            programme,
            columns=columns,
            row_lower=programme.row_lower - gone - size,
            row_upper=programme.row_upper - gone + size,
            entry_row=programme.entry_row[kept],
            entry_slot=number[slots[kept]],
            entry_feature=programme.entry_feature[kept],
            entry_factor=programme.entry_factor[kept],
            weight=programme.weight[keep],
            constant_usd=programme.constant_usd + usd + more,
        ),
    )


def _fixed(column: Column, first: FirstStage, ties: Ties) -> Column:
    if not ties.hold(column):
        return column
    decided = first.decisions.get((column.kind, *column.key))
    amount = decided.amount if decided is not None else 0.0
    return replace(column, lower=amount, upper=amount, integral=False)


def _candidates(setting: Setting, first: FirstStage) -> Iterator[Candidate | None]:
    """Yield each pool's candidate, held to the programme decided; ``None`` where that fails."""
    held: dict[tuple[int, int, str], Candidate | None] = {}
    for pool in setting.pools:
        levels = first.programmes.get((pool.product, pool.line.name))
        if levels is None:
            yield pool.candidate
            continue
        key = (id(pool.candidate), pool.product, pool.line.name)
        if key not in held:
            menus: Menus = {place: (level,) for place, level in levels.items()}
            held[key] = _narrowed(pool.candidate, menus)
        yield held[key]


def _narrowed(candidate: Candidate, menus: Menus) -> Candidate | None:
    recipes = [recipe for recipe in candidate.recipes if keeps(recipe, menus)]
    ruled = narrowed(candidate.ruled, menus)
    own = replace(candidate, ruled=ruled, recipes=recipes, _answers={})
    if not own.recipes:
        own.price({})
    return own if own.recipes else None


def _made(setting: Setting, programme: Programme, first: FirstStage) -> tuple[Array, float]:
    """Return what packages made before put into each row, and their money."""
    table = np.zeros((len(setting.slot_pool), programme.features))
    for slot in range(len(table)):
        product, period = int(setting.slot_product[slot]), int(setting.slot_period[slot])
        part = first.made.get((product, setting.line_of(slot).name, period))
        if part is not None:
            table[slot] = part
    parts = programme.entry_factor * table[programme.entry_slot, programme.entry_feature]
    gone: Array = np.bincount(programme.entry_row, parts, len(programme.row_names)).astype(float)
    return gone, float(programme.weight @ table[:, MONEY])


def _not_here(future: Future, first: FirstStage) -> tuple[Array, float]:
    """Return what decisions that a future has no use for take of its budgets, and cost."""
    case, programme = future.setting.case, future.programme
    here = {(column.kind, *column.key) for column in programme.columns}
    gone = np.zeros(len(programme.row_names))
    usd = 0.0
    for key, decided in first.decisions.items():
        if key in here or decided.amount == 0.0:
            continue
        usd += decided.amount * decided.cost_usd
        rows = programme.row_indices("budget")
        for budget in case.budgets:
            each = spent(budget, case.periods, decided.column.flows)
            gone[rows[budget.name,]] += decided.amount * each
    return gone, usd
