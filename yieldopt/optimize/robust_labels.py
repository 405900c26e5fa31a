r"""One plan for many scenarios where trunks are too long to enumerate, with a true gap.

*Bound.* Knowing the scenario costs no more: every measure rises with each J_s, so that the least
J_s of each scenario by itself, from a search by labels, bounds it from below (where the DPPM limit
need not hold everywhere, with it and without; for E[spend]/E[good] also over all goods per start
that plans can have: :func:`~yieldopt.optimize.robust_perfect.least_ratio`).

*Branching.* Where the scenarios' best plans differ, the bound is below any one plan. So a choice in
which they differ is split: some levels, or the others, in all scenarios (dual decomposition, Caroe
and Schultz 1999). A scenario whose plan stays allowed is not searched again. Boxes whose bound
reaches the best plan are closed; one whose scenarios agree has that plan as its best.

*Plans.* The best of each scenario and of the mean numbers, and their moves of one level, computed
by the engine in all scenarios.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from yieldopt.optimize.coverage import HOPELESS_USD, Found
from yieldopt.optimize.problem import Problem, prepare
from yieldopt.optimize.robust_bound import CLOSED
from yieldopt.optimize.robust_goal import Goal
from yieldopt.optimize.robust_goods import least_goods, least_spend
from yieldopt.optimize.robust_merge import mean_template
from yieldopt.optimize.robust_perfect import least_ratio, perfect_usd
from yieldopt.optimize.robust_plans import Plan, Plans
from yieldopt.optimize.robust_stack import STARTS, Stack
from yieldopt.optimize.rules import Menus
from yieldopt.optimize.search import search as any_search

Array = NDArray[np.float64]
Search = Callable[..., Found]
_HALVINGS = 60
_TINY_USD = 1e-12
_SHARE = 3.0  # of the time left, for one search of a box
_MOVED = 3  # candidates whose moves are looked at first


@dataclass(frozen=True)
class Task:
    """The problem of one scenario, with the DPPM limit or without it."""

    scenario: int
    is_limited: bool


@dataclass
class Box:
    """Levels left by choice; by task the bound [USD], and the plan that has it."""

    menus: Menus
    lower: Array
    plans: list[Plan | None]

    def holds(self, plan: Plan) -> bool:
        """Whether a plan is in the box."""
        return all(level in k for level, k in zip(plan, self.menus.values(), strict=True))


@dataclass
class LabelSearch:
    """The search; ``plans.best``, ``plans.value`` and ``lower`` are its answer.

    Parameters
    ----------
    stack, p, goal
        Scenarios, their probabilities (S,), what is minimised.
    until
        Time (``time.perf_counter``) at which to stop.
    search
        The exact search of one scenario, called like :func:`yieldopt.optimize.search.search`.
    """

    stack: Stack
    p: Array
    goal: Goal
    until: float = math.inf
    search: Search = any_search
    lower: float = 0.0
    is_closed: bool = False

    def __post_init__(self) -> None:
        choices = self.stack.plain.template.choices()
        self.menus: Menus = {place: tuple(choice.options) for place, choice in choices.items()}
        self.plans = Plans(self.stack, self.p, self.goal, self.menus, self.until)
        limited = self.goal.dppm_limit is not None
        partly = limited and self.goal.dppm_share < 1.0
        kinds = [True] if limited and not partly else [False]
        if partly and self.goal.measure == "expected":
            kinds = [False, True]
        self.tasks = [Task(s, kind) for kind in kinds for s in range(len(self.p))]
        # Without fixed starts these say nothing.
        self.goods = np.zeros_like(self.p), np.ones_like(self.p)
        self.spend = np.zeros_like(self.p)  # least cost of a start

    def run(self) -> None:
        """Search until all boxes are closed, or time is up."""
        root = Box(self.menus, np.zeros(len(self.tasks)), [None] * len(self.tasks))
        if self.goal.measure == "fixed_starts":
            self._count_goods()
        self._solve(root, root=True)
        self._start(root)
        queue: list[tuple[float, int, Box]] = []
        tick = itertools.count()
        self._queue(queue, tick, root)
        while queue and not self._is_late():
            below, _, box = heapq.heappop(queue)
            if self._is_beaten(below):
                continue
            for child in self._split(box):
                self._solve(child)
                self._queue(queue, tick, child)
        left = [below for below, _, _ in queue if not self._is_beaten(below)]
        self.is_closed = not left
        escape = self.goal.escape_cost_usd or 0.0
        proved = (
            self.plans.value - CLOSED * abs(self.plans.value + escape)
            if self.plans.best
            else math.inf
        )
        self.lower = min([proved, *left])

    def _queue(
        self, queue: list[tuple[float, int, Box]], tick: itertools.count[int], box: Box
    ) -> None:
        if math.prod(len(levels) for levels in box.menus.values()) == 1:
            self.plans.value_of(tuple(levels[0] for levels in box.menus.values()))
            return
        below = self._bound(box.lower)
        if not self._is_beaten(below) and not self._is_settled(box):
            heapq.heappush(queue, (below, next(tick), box))

    def _is_settled(self, box: Box) -> bool:
        """Whether the bound of a box is the value of a plan in it, which is looked at already."""
        first = box.plans[0]
        if first is None or any(plan != first for plan in box.plans):
            return False
        return not self._is_above(self.plans.value_of(first), self._bound(box.lower))

    def _is_late(self) -> bool:
        return perf_counter() >= self.until

    def _is_beaten(self, below: float) -> bool:
        return below == math.inf or not self._is_above(self.plans.value, below)

    def _is_above(self, value: float, below: float) -> bool:
        """Whether a value is above a bound by more than is told apart."""
        if value == math.inf:
            return below < math.inf
        return below < value - CLOSED * abs(value + (self.goal.escape_cost_usd or 0.0))

    def _bound(self, lower: Array) -> float:
        """Return what the measure comes to at least, from bounds by task."""
        count = len(self.p)
        if np.any(lower[:count] == math.inf):
            return math.inf
        if self.goal.measure == "fixed_starts":
            # J ≥ (cost of a start)/Y: where J is above the mean q, Y·(J − q) ≥ cost·(1 − q/J),
            # which rises with J. So Y counts there as cost/J at least, J at its bound.
            few, many = self.goods
            paid = self.spend / np.maximum(lower[:count], _TINY_USD)
            return least_ratio(
                self.p, lower[:count], (np.minimum(np.maximum(few, paid), many), many)
            )
        held, free = lower[-count:], lower[:count] if len(lower) > count else None
        if free is not None:  # what holds for every plan holds for those within the limit
            held = np.maximum(held, free)
        if free is None and self.goal.dppm_limit is not None and self.goal.dppm_share < 1.0:
            free = held
        return perfect_usd(self.p, self.goal, held, free) or 0.0

    def _count_goods(self) -> None:
        """Bound good packages per start: the most by a search, the least without any test."""
        node = self.goal.starts_of or self.stack.plain.template.ship
        least = [least_goods(problem.template, node) for problem in self.stack.problems]
        prices = self.goal.prices or {}
        spend = [least_spend(problem.template, node, prices) for problem in self.stack.problems]
        self.spend = np.array(spend)
        most = []
        for at, problem in enumerate(self.stack.problems):
            found = self.search(
                problem, {STARTS: 1.0}, prices_only=True, **self._within(2 * len(self.p) - at)
            )
            most.append(1.0 / max(found.proof.lower_bound_usd, float(problem.tree.count(node))))
        self.goods = np.array(least), np.array(most)

    def _within(self, share: float) -> dict[str, float]:
        """Return the time limit of one search."""
        if self.until == math.inf:
            return {}
        return {"time_limit_s": max(self.until - perf_counter(), 0.0) / share}

    def _solve(self, box: Box, root: bool = False) -> None:
        """Raise the bounds of a box by searches of the scenarios that have no plan in it."""
        for at, task in enumerate(self.tasks):
            if box.plans[at] is not None or box.lower[at] == math.inf:
                continue
            if self._is_late() or self._is_beaten(self._bound(box.lower)):
                return
            left = len(self.tasks) - at + 1.0 if root else _SHARE
            before = self.plans.value
            found = self._search(box.menus, task, self._enough(box.lower, at), left)
            box.lower[at] = max(box.lower[at], found.proof.lower_bound_usd)
            if found.levels is not None:
                plan = tuple(found.levels[place] for place in self.menus)
                box.plans[at] = plan
                if not root and self.plans.value_of(plan) < before:
                    self.plans.improve(plan)

    def _search(self, menus: Menus, task: Task, known: float, share: float) -> Found:
        problem = self.stack.problems[task.scenario]
        if menus != self.menus:
            problem = prepare(problem.template.limited(menus))
        return self._asked(problem, task.is_limited, known, share)

    def _asked(self, problem: Problem, is_limited: bool, known: float, share: float) -> Found:
        return self.search(
            problem,
            self.goal.prices,
            dppm_limit=self.goal.dppm_limit if is_limited else None,
            escape_cost_usd=self.goal.escape_cost_usd,
            resource_limits=self.goal.use_limits,
            known_usd=known,
            **self._within(share),
        )

    def _enough(self, lower: Array, at: int) -> float:
        """Return a bound of one task that closes its box, the others' being as they are."""
        if self.plans.value == math.inf:
            return math.inf

        def closes(own: float) -> bool:
            some = lower.copy()
            some[at] = own
            return self._is_beaten(self._bound(some))

        low, high = 0.0, max(abs(self.plans.value), 1.0)
        while not closes(high):
            low, high = high, 2.0 * high
            if high > HOPELESS_USD:
                return math.inf
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            low, high = (low, middle) if closes(middle) else (middle, high)
        return high

    def _split(self, box: Box) -> list[Box]:
        """Return the two halves of a box, by the choice in which its plans differ most."""
        weights = np.array([self.p[task.scenario] for task in self.tasks])
        widest: tuple[float, str, int] = (-1.0, "", 0)
        for number, (place, levels) in enumerate(box.menus.items()):
            if len(levels) == 1:
                continue
            here = [
                (levels.index(p[number]), w) for p, w in zip(box.plans, weights, strict=True) if p
            ]
            spots, shares = np.array(here or [(0, 1.0)], float).T
            mean = float(spots @ shares) / float(shares.sum())
            spread = float(((spots - mean) ** 2) @ shares) / float(shares.sum())
            # Where all agree: the longest menu, cut beside their level.
            first = min(max(math.floor(mean) + 1, 1), len(levels) - 1)
            score = spread if spread > 1e-12 else 1e-15 * len(levels)
            widest = max(widest, (score, place, first))
        _, place, first = widest
        levels = box.menus[place]
        children = [Box(box.menus | {place: part}, box.lower.copy(), list(box.plans))
                    for part in (levels[:first], levels[first:])]  # fmt: skip
        for child in children:
            child.plans = [plan if plan and child.holds(plan) else None for plan in child.plans]
        return children

    def _start(self, root: Box) -> None:
        """Look at the scenarios' plans and that of the mean numbers, and at moves of the best."""
        plans = [plan for plan in root.plans if plan is not None]
        mean = mean_template([one.template for one in self.stack.problems], self.p)
        if mean is not None and len(self.p) > 1 and not self._is_late():
            found = self._asked(prepare(mean), self.goal.dppm_limit is not None, math.inf, _SHARE)
            if found.levels is not None:
                plans.append(tuple(found.levels[place] for place in self.menus))
        for plan in sorted(set(plans), key=self.plans.key)[:_MOVED]:
            self.plans.improve(plan)
