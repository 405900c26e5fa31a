"""SciPy's differential evolution on the coverage problem, at its defaults, in three ways.

A variable a choice, whole numbers (``integrality``); the DPPM limit is a penalty. It asks for the
cost of a plan in one of three ways:

- ``point``: ``evaluate`` of one flow after the other, as its defaults do;
- ``batch``: ``evaluate`` of the whole population at once (``vectorized``), the levels of every
  choice laid out as arrays;
- ``tables``: the same from the tables of :mod:`.coverage_problem`, which hold what the search
  itself has worked out; that is half of our method given away.

Every seed is a run of its own: it stops by its own tolerance, without a proof.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import differential_evolution

from bench.peers.coverage_problem import Tables
from yieldopt import evaluate
from yieldopt.flow import Flow, Node
from yieldopt.optimize.problem import Problem
from yieldopt.optimize.tree import superposed
from yieldopt.template import Choice, Template

_PENALTY = 1e6  # USD for a unit of ln Q short of the limit
Array = NDArray[np.float64]
Index = NDArray[np.intp]
Costs = Callable[[Index], tuple[Array, Array]]  # levels (choices, n) -> J (n,), ln Q (n,)


@dataclass(frozen=True)
class Evolved:
    """The best plan of one run: its cost, whether it holds the limit, plans evaluated."""

    value_usd: float
    allowed: bool
    evaluations: int


def from_tables(problem: Problem, known: Tables) -> Costs:
    """Return the cost of plans from the tables."""
    sizes = [problem.trunk_sizes, *(leaf.sizes for leaf in problem.leaves)]
    places = [problem.trunk_places, *(leaf.places for leaf in problem.leaves)]
    order = {place: at for at, place in enumerate(problem.template.choices())}
    rows = [[order[place] for place in part] for part in places]

    def costs(levels: Index) -> tuple[Array, Array]:
        numbers = [
            np.ravel_multi_index(tuple(levels[row]), size)
            for row, size in zip(rows, sizes, strict=True)
        ]
        return known.evaluate(numbers[0], numbers[1:])

    return costs


def through_flows(template: Template, *, batch: bool) -> Costs:
    """Return the cost of plans through ``evaluate``, together or one after the other."""
    menus = {place: list(choice.options) for place, choice in template.choices().items()}

    def of(levels: Index) -> tuple[Array, Array]:
        if batch:
            out = evaluate(laid_out(template, levels), details=False)
            return np.asarray(out.cost_per_good_usd), np.log(np.asarray(out.quality))
        found = []
        for plan in levels.T:
            chosen = {p: menus[p][at] for p, at in zip(menus, plan, strict=True)}
            out = evaluate(template.at(chosen), details=False)
            found.append((float(out.cost_per_good_usd), float(np.log(out.quality))))
        cost, log_q = np.array(found).T
        return cost, log_q

    return of


def laid_out(template: Template, levels: Index) -> Flow:
    """Return one flow whose numbers are arrays over plans, levels (choices, n)."""
    picks = iter(levels)
    nodes = []
    for node in template.nodes:
        steps = []
        for item in node.items:
            pick = next(picks) if isinstance(item, Choice) else None
            parts = list(superposed(item, pick))
            steps += [replace(s, name=f"{s.name}.{at}") for at, s in enumerate(parts)]
        nodes.append(Node(node.name, node.inputs, tuple(steps)))
    return Flow(template.ship, tuple(nodes))


def evolve(
    template: Template,
    costs: Costs,
    log_q_least: float,
    *,
    seed: int,
    vectorized: bool,
    generations: int,
) -> Evolved:
    """Run differential evolution once, at SciPy's defaults for population, mutation, tolerance.

    SciPy's default of 1,000 ``generations`` is far more than it takes before it stops by itself.
    """
    sizes = [len(choice.options) for choice in template.choices().values()]
    asked = 0

    def levels(x: Array) -> Index:
        return np.rint(x.reshape(len(sizes), -1)).astype(np.intp)

    def objective(x: Array) -> Array | float:
        nonlocal asked
        cost, log_q = costs(levels(x))
        asked += len(cost)
        worth = cost + _PENALTY * np.maximum(log_q_least - log_q, 0.0)
        return worth if x.ndim == 2 else float(worth[0])

    found = differential_evolution(
        objective,
        [(0, size - 1) for size in sizes],
        integrality=np.ones(len(sizes), bool),
        vectorized=vectorized,
        maxiter=generations,
        updating="deferred" if vectorized else "immediate",
        polish=False,
        rng=seed,
    )
    cost, log_q = costs(levels(found.x))
    return Evolved(float(cost[0]), bool(log_q[0] >= log_q_least - 1e-12), asked)
