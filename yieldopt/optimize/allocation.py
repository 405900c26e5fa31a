r"""Who gets the scarce capacity: an LP over recipes and periods, its columns priced by the search.

    min  Σ cost_r·x_rt + Σ shortage_p·u_pt
    s.t. Σ_{r of p} x_rt + u_pt = demand_pt            (dual π_pt)
         Σ_r uses_r,k·x_rt ≤ capacity_kt               (dual −σ_kt, σ ≥ 0 the shadow price)

A recipe exists for every combination of levels. The search finds the one of least
cost + Σσ·uses − π; when none is negative the LP optimum holds over all of them. With z the LP's
objective, z + Σ demand_pt·min(0, least reduced cost) is a lower bound at any time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from yieldopt.optimize.backends import Array, LinearProgram, LpAnswer, backend
from yieldopt.optimize.candidates import Candidate
from yieldopt.plan import Recipe

_TOLERANCE = 1e-9  # of a reduced cost against the price π
_ROUNDS = 500


@dataclass(frozen=True)
class Demand:
    """What a product asks for: packages by period, and what not making one costs."""

    product: str
    packages: tuple[float, ...]
    shortage_usd: float | None  # None: must be met
    candidates: tuple[Candidate, ...]
    capped: bool = True  # False: a package for information, which takes no capacity
    is_open: bool = False  # time ended on a route that may be cheaper than all candidates


@dataclass(frozen=True)
class Capacity:
    """What there is of a resource, by period."""

    resource: str
    amount: tuple[float, ...]


@dataclass(frozen=True)
class Allocation:
    """The optimum: packages by recipe and period, unmet by product and period, duals."""

    recipes: tuple[Recipe, ...]
    packages: Array  # (recipes, periods)
    unmet: Array  # (products, periods)
    shadow: Array  # (resources, periods)
    objective_usd: float
    bound_usd: float
    program: LinearProgram
    short: float  # packages of firm demand that are not made; no plan makes more, if proved
    binding: tuple[tuple[str, int], ...] = ()  # (resource, period), when firm demand is short


def allocate(
    demands: Sequence[Demand], capacities: Sequence[Capacity], periods: int, solver: str
) -> Allocation:
    """Solve the allocation to proven optimality over every combination of levels.

    Parameters
    ----------
    demands, capacities
        The case; products without candidates stay unmet.
    periods
        Number of periods.
    solver
        Backend name.

    Returns
    -------
    Allocation
        With ``short > 0`` and the binding rows if demand that must be met cannot be; then
        ``bound_usd`` is the least that any plan is short by: 0 where time ended before a proof.
    """
    firm = any(d.shortage_usd is None and d.candidates for d in demands)
    if firm:
        first = _Master(demands, capacities, periods, solver, feasibility=True).run()
        if first.short > shortest(demands):
            return first
    return _Master(demands, capacities, periods, solver, feasibility=False).run()


def shortest(demands: Sequence[Demand]) -> float:
    """Return the packages below which nothing is short: rounding of the LP."""
    return 1e-7 * max(1.0, sum(sum(d.packages) for d in demands))


class _Master:
    """The master programme and its pricing loop."""

    def __init__(
        self,
        demands: Sequence[Demand],
        capacities: Sequence[Capacity],
        periods: int,
        solver: str,
        feasibility: bool,
    ) -> None:
        self.demands, self.capacities, self.periods = demands, capacities, periods
        self.solve = backend(solver)
        self.feasibility = feasibility
        self.row_of = {c.resource: i for i, c in enumerate(capacities)}

    def run(self) -> Allocation:
        best = -np.inf
        for _ in range(_ROUNDS):
            program, recipes = self._program()
            answer = self.solve(program)
            slack, fresh = self._price(answer)
            best = max(best, answer.objective + slack)
            if not fresh:
                break
        return self._result(program, recipes, answer, best)

    def _recipes(self) -> list[tuple[int, Recipe]]:
        return [
            (at, recipe)
            for at, demand in enumerate(self.demands)
            for candidate in demand.candidates
            for recipe in candidate.recipes
        ]

    def _unmet_cost(self, demand: Demand) -> float:
        """Cost of an unmet package: in the feasibility phase only firm demand counts."""
        firm = demand.shortage_usd is None and bool(demand.candidates)
        if self.feasibility:
            return 1.0 if firm else 0.0
        if demand.shortage_usd is not None:
            return demand.shortage_usd
        return 0.0

    def _program(self) -> tuple[LinearProgram, list[tuple[int, Recipe]]]:
        recipes, periods = self._recipes(), self.periods
        products = len(self.demands)
        costs = [0.0 if self.feasibility else r.cost_per_good_usd for _, r in recipes]
        unmet = [self._unmet_cost(demand) for demand in self.demands]
        cost = np.repeat(np.array(costs + unmet), periods)
        rows, columns, values = [], [], []
        for at, (product, recipe) in enumerate(recipes):
            used = recipe.uses_per_good if self.demands[product].capped else {}
            uses = {self.row_of[k]: v for k, v in used.items() if k in self.row_of}
            for t in range(periods):
                column = at * periods + t
                rows.append(product * periods + t)
                columns.append(column)
                values.append(1.0)
                for resource, amount in uses.items():
                    rows.append((products + resource) * periods + t)
                    columns.append(column)
                    values.append(amount)
        for product, demand in enumerate(self.demands):
            if not self.feasibility and demand.shortage_usd is None and demand.candidates:
                continue  # firm: no unmet column
            for t in range(periods):
                rows.append(product * periods + t)
                columns.append((len(recipes) + product) * periods + t)
                values.append(1.0)
        asked = np.array([d.packages for d in self.demands], float).reshape(-1)
        amounts = np.array([c.amount for c in self.capacities], float).reshape(-1)
        names = [f"demand {d.product}" for d in self.demands]
        names += [f"capacity {c.resource}" for c in self.capacities]
        labels = [r.id for _, r in recipes] + [f"unmet {d.product}" for d in self.demands]
        return (
            LinearProgram(
                cost,
                np.array(rows, dtype=np.intp),
                np.array(columns, dtype=np.intp),
                np.array(values, float),
                np.concatenate([asked, np.full(len(amounts), -np.inf)]),
                np.concatenate([asked, amounts]),
                tuple(f"{name} {t}" for name in names for t in range(periods)),
                tuple(f"{name} {t}" for name in labels for t in range(periods)),
            ),
            recipes,
        )

    def _duals(self, answer: LpAnswer) -> tuple[Array, Array]:
        """Return π (products, periods) and σ ≥ 0 (resources, periods)."""
        duals = answer.duals.reshape(-1, self.periods)
        products = len(self.demands)
        return duals[:products], np.maximum(-duals[products:], 0.0)

    def _price(self, answer: LpAnswer) -> tuple[float, bool]:
        """Ask the search for better recipes; return Σ demand·min(0, reduced cost) and if any."""
        value, shadow = self._duals(answer)
        slack, fresh = 0.0, False
        for product, demand in enumerate(self.demands):
            for t, packages in enumerate(demand.packages):
                if packages <= 0.0 or not (demand.candidates or demand.is_open):
                    continue
                prices = {c.resource: float(shadow[i, t]) for i, c in enumerate(self.capacities)}
                prices = prices if demand.capped else {}
                # A route that time ended on costs no less than nothing.
                reduced = min(0.0, -float(value[product, t])) if demand.is_open else 0.0
                for candidate in demand.candidates:
                    held = len(candidate.recipes)
                    cost = candidate.price(self._relevant(candidate, prices), self.feasibility)
                    reduced = min(reduced, cost - float(value[product, t]))
                    grown = len(candidate.recipes) > held
                    scale = max(abs(float(value[product, t])), 1e-6)
                    fresh |= grown and cost - value[product, t] < -_TOLERANCE * scale
                slack += packages * min(0.0, reduced)
        return slack, fresh

    @staticmethod
    def _relevant(candidate: Candidate, prices: Mapping[str, float]) -> dict[str, float]:
        used = candidate.resources
        return {name: price for name, price in prices.items() if name in used}

    def _result(
        self,
        program: LinearProgram,
        recipes: list[tuple[int, Recipe]],
        answer: LpAnswer,
        bound: float,
    ) -> Allocation:
        x = answer.x.reshape(-1, self.periods)
        _, shadow = self._duals(answer)
        unmet = x[len(recipes) :]
        tight = [
            (capacity.resource, t)
            for i, capacity in enumerate(self.capacities)
            for t in range(self.periods)
            if shadow[i, t] > 1e-12
        ]
        return Allocation(
            tuple(recipe for _, recipe in recipes),
            x[: len(recipes)],
            unmet,
            shadow,
            answer.objective,
            min(bound, answer.objective),
            program,
            answer.objective if self.feasibility else 0.0,
            tuple(tight) if self.feasibility else (),
        )
