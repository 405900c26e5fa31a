"""The exact choice of the level at every insertion, with its proof."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yieldopt.optimize.bound import bounds
from yieldopt.optimize.enumeration import best_of, many_pairs
from yieldopt.optimize.pricing import Ask, priced
from yieldopt.optimize.problem import Problem
from yieldopt.optimize.terms import ROUNDING, Terms

Array = NDArray[np.float64]
_AT_ONCE = 1 << 18  # plans computed before what is left is pruned anew
HOPELESS_USD = 1e15  # nothing worth the name passes; and solvers take 1e20 for infinite


@dataclass(frozen=True)
class Proof:
    """How optimality was shown.

    Parameters
    ----------
    method
        ``"enumeration"``: every plan of the trunk combinations not pruned was computed;
        ``"labels"``: partial plans were dropped where another is no worse in every completion.
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
    reasons: tuple[str, ...] = ()  # why no plan is allowed, where the rules alone say so

    @property
    def gap(self) -> float:
        """Gap between the value and the proven lower bound, relative to the value."""
        if self.value_usd == self.proof.lower_bound_usd:
            return 0.0
        if self.value_usd == math.inf:
            return math.inf
        return (self.value_usd - self.proof.lower_bound_usd) / max(abs(self.value_usd), 1e-300)


@dataclass
class Progress:
    """Best plan so far, and what has been covered."""

    value: float = math.inf
    trunk: int = -1
    entries: tuple[int, ...] = ()
    enumerated: int = 0
    pruned: int = 0
    open_lower: float = math.inf  # least bound of what time was left for no longer


@dataclass
class _Part:
    """One block of a problem and the lower bounds of its trunk combinations."""

    problem: Problem
    first: int
    lower: Array


def best_levels(
    problem: Problem,
    prices: Mapping[str, float] | None = None,
    *,
    dppm_limit: float | None = None,
    escape_cost_usd: float | None = None,
    prices_only: bool = False,
    resource_limits: Mapping[str, float] | None = None,
    bound: bool = True,
    known_usd: float = math.inf,
    until: float = math.inf,
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
        Count resource use at its prices, an escape cost that is given, and no other cost (the
        feasibility phase of the allocation).
    resource_limits
        Most use of a resource per good package [units], compared to 1e-11 relative. What no plan
        uses is used 0 times.
    bound
        Prune trunk combinations by the tangent bound; off, everything is enumerated.
    known_usd
        Value of a plan known already; only a better one is looked for.
    until
        Time (``time.perf_counter``) at which the search stops with what it has.

    Returns
    -------
    Found
        The best plan and its proof; the bound equals the value unless time ran out. Where nothing
        is better than the known plan, no levels and its value.

    Raises
    ------
    CaseError
        A limit below zero or not a number.

    Examples
    --------
    >>> from yieldopt import Faults, Step
    >>> from yieldopt.optimize.problem import prepare
    >>> from yieldopt.template import Choice, OpenNode, Template
    >>> fab = Step("fab", "process", 100.0, faults={"logic": Faults(0.5)})
    >>> full = Step("cp", "test", 9.0, coverage={"logic": 0.99}, uses={"tester_h": 0.01})
    >>> die = OpenNode("die", (), (fab, Choice("cp", {"off": None, "full": full})))
    >>> problem = prepare(Template("die", (die,)))
    >>> best_levels(problem, dppm_limit=10_000.0).levels
    {'die/cp': 'full'}
    >>> best_levels(problem, resource_limits={"tester_h": 0.005}).levels
    {'die/cp': 'off'}
    """
    ask = Ask(prices or {}, dppm_limit, escape_cost_usd, prices_only, resource_limits or {})
    ask.check()
    state = Progress(value=known_usd + ask.escape_usd)
    parts: list[_Part] = []
    for first, block in problem.blocks():
        if parts and time.perf_counter() > until:
            state.open_lower = 0.0
            break
        part = _Part(problem, first, np.full(len(block.base), -np.inf))
        if bound:
            _bound(part, priced(problem, block, ask), ask, state)
        parts.append(part)
    # All are bounded before any is enumerated, the most promising first.
    for part in sorted(parts, key=lambda part: float(part.lower.min(initial=math.inf))):
        _close(part, ask, state, until)
    return answer(problem, state, ask.escape_usd)


def _bound(part: _Part, terms: Terms, ask: Ask, state: Progress) -> None:
    problem = part.problem
    found = bounds(terms, ask.log_q_least, state.value, problem.plans_at(part.first))
    problem.keep_plans(part.first, found.plans)
    part.lower = found.lower
    at = int(found.value.argmin())
    if found.value[at] < state.value:
        state.value, state.trunk = float(found.value[at]), part.first + at
        state.entries = tuple(int(m) for m in found.entries[at])


def _close(part: _Part, ask: Ask, state: Progress, until: float) -> None:
    """Enumerate what is left of a block, the most promising trunk combinations first."""
    terms = None
    if (part.lower < state.value * (1.0 + ROUNDING)).any():
        terms = priced(part.problem, part.problem.block(part.first), ask)
    rows = Rows(terms, 0, part.lower, math.prod(part.problem.menu_counts))
    enumerate_rows(rows, part.first, ask.log_q_least, state, until)


@dataclass(frozen=True)
class Rows:
    """Trunk combinations of one problem that follow each other in a block, ``first`` of them the
    block's; their lower bounds (T,) and the plans of each. ``terms`` may be left out where no
    bound is below the incumbent.
    """

    terms: Terms | None
    first: int
    lower: Array
    menus: int


def enumerate_rows(
    rows: Rows, trunk: int, log_q_least: float | None, state: Progress, until: float
) -> None:
    """Compute every plan of what no bound rules out, the most promising first.

    ``trunk`` is the number of the first in its problem.
    """
    order = np.argsort(rows.lower, kind="stable")
    done = 0
    while done < len(order):
        some = order[done : done + max(1, _AT_ONCE // rows.menus)]
        some = some[rows.lower[some] < state.value * (1.0 + ROUNDING)]
        if rows.terms is None or not len(some):
            state.pruned += rows.menus * (len(order) - done)
            return
        if time.perf_counter() > until:
            state.open_lower = min(state.open_lower, float(rows.lower[some[0]]))
            return
        done += len(some)
        state.enumerated += rows.menus * len(some)
        found = many_pairs(rows.terms, rows.first + some)
        value, at, entries = best_of(found, log_q_least, state.value)
        if at >= 0:
            state.value, state.trunk, state.entries = value, trunk + int(some[at]), entries


def answer(problem: Problem, state: Progress, escape: float) -> Found:
    """Return what a search that ended found, and its proof."""
    value = state.value - escape if state.value < HOPELESS_USD else math.inf
    lower = min(value, max(state.open_lower - escape, 0.0))
    # What time was left for no longer is covered, too, where its bound shows nothing better.
    pruned = state.pruned if lower < value else problem.combinations - state.enumerated
    proof = Proof("enumeration", problem.combinations, state.enumerated, pruned, lower)
    better = state.trunk >= 0 and value < math.inf
    return Found(problem.levels(state.trunk, state.entries) if better else None, value, proof)
