"""A case solved: routes weighed, levels chosen, capacity shared out."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

from yieldopt.optimize.allocation import Allocation, Capacity, Demand, allocate, shortest
from yieldopt.optimize.backends import LinearProgram
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.candidates import weigh
from yieldopt.plan import ProductResult, Recipe, Result, RouteVerdict, Status, without_plan
from yieldopt.schema.case import Case, ProductShape

_CLOSED = 1e-9  # a relative gap that is rounding
_DUST = 1e-9  # shares of a demand below this are rounding of the LP


@dataclass(frozen=True)
class Solved:
    """A result with the linear programme behind it (for ``.lp`` and ``.mps`` files)."""

    result: Result
    program: LinearProgram | None


def solve(case: Case, *, solver: str = "highs", time_limit_s: float | None = None) -> Result:
    """Solve a case: route, levels and allocation of every product, with the proof.

    Parameters
    ----------
    case
        From :func:`yieldopt.load`.
    solver
        LP backend: ``"highs"``, ``"ortools"``, ``"pulp"`` or ``"pulp:SOLVER"``.
    time_limit_s
        Seconds for all searches of the case; then the best plan found is the answer, ``feasible``
        with its true gap, or ``unknown`` where none was found. Left out: no limit, and 120 s for
        one search. A step that is running ends first.

    Returns
    -------
    Result
        Infeasible problems too: ``status`` says so and ``binding`` what binds.

    Raises
    ------
    UnknownName, CaseError, SolverError
        No such backend; a time limit that is not above 0; the backend failed.

    Examples
    --------
    >>> from yieldopt import load
    >>> result = solve(load("minimal"))
    >>> str(result.status), round(result.gap, 9)
    ('optimal', 0.0)
    """
    return solve_whole(case, solver, time_limit_s).result


def solve_whole(case: Case, solver: str = "highs", time_limit_s: float | None = None) -> Solved:
    """Like :func:`solve`, and return the last linear programme as well."""
    if not isinstance(case, Case):
        raise TypeError(f"solve takes a Case, as load(path) gives it, not {type(case).__name__}")
    start, budget = time.perf_counter(), Budget.of(time_limit_s)
    periods = len(case.periods)
    demands, verdicts = [], []
    for product in case.products:
        candidates, weighed = weigh(case, product, budget)
        shortage = product.shortage_cost_usd
        demands.append(
            Demand(
                product.name,
                _asked(product, periods),
                shortage.base if shortage else None,
                tuple(candidates),
                any(product.demand.over(periods)),
                any(verdict.stopped for verdict in weighed),
            )
        )
        verdicts.append(tuple(weighed))
    missed = any(d.is_open and not d.candidates and d.shortage_usd is None for d in demands)
    if missed or not any(demand.candidates for demand in demands):
        return Solved(_no_route(demands, verdicts, solver, start), None)
    capacities = [Capacity(r.name, r.capacity.over(periods)) for r in case.resources]
    found = allocate(demands, capacities, periods, solver)
    if found.short:
        return Solved(_short(case, demands, verdicts, found, solver, start), found.program)
    return Solved(_answer(case, demands, verdicts, capacities, found, solver, start), found.program)


def _asked(product: ProductShape, periods: int) -> tuple[float, ...]:
    """Demand by period; a product without any is solved for one package in the first."""
    asked = product.demand.over(periods)
    return asked if any(asked) else (1.0, *asked[1:])


def _best(verdicts: tuple[RouteVerdict, ...]) -> RouteVerdict | None:
    feasible = [v for v in verdicts if v.cost_per_good_usd is not None]
    return min(feasible, key=lambda v: v.cost_per_good_usd or 0.0, default=None)


def _no_route(
    demands: list[Demand],
    verdicts: list[tuple[RouteVerdict, ...]],
    solver: str,
    start: float,
) -> Result:
    binding = [
        f"{demand.product} on {verdict.route}: {reason}"
        for demand, own in zip(demands, verdicts, strict=True)
        for verdict in own
        for reason in verdict.reasons
    ]
    status = without_plan(verdict for own in verdicts for verdict in own)
    return _infeasible(demands, verdicts, binding, solver, start, status)


def _short(
    case: Case,
    demands: list[Demand],
    verdicts: list[tuple[RouteVerdict, ...]],
    found: Allocation,
    solver: str,
    start: float,
) -> Result:
    binding = [
        f"{resource} in {case.periods[t]}: capacity {_capacity(case, resource, t):g}"
        for resource, t in found.binding
    ]
    proved = found.bound_usd > shortest(demands)
    if proved:
        binding.append(
            f"firm demand is short by at least {found.bound_usd:,.6g} good packages; "
            "a shortage_cost_usd would allow unmet demand"
        )
    else:
        binding.append(
            f"time ended: the plans found leave firm demand short by {found.short:,.6g} good "
            "packages, and whether others would meet it is not known"
        )
    status = Status.INFEASIBLE if proved else Status.UNKNOWN
    return _infeasible(demands, verdicts, binding, solver, start, status)


def _capacity(case: Case, resource: str, period: int) -> float:
    held = next(r for r in case.resources if r.name == resource)
    return held.capacity.over(len(case.periods))[period]


def _infeasible(
    demands: list[Demand],
    verdicts: list[tuple[RouteVerdict, ...]],
    binding: list[str],
    solver: str,
    start: float,
    status: Status,
) -> Result:
    products = tuple(
        ProductResult(
            demand.product,
            None,
            None,
            sum(demand.packages),
            0.0,
            sum(demand.packages),
            _best(own),
            own,
        )
        for demand, own in zip(demands, verdicts, strict=True)
    )
    took = time.perf_counter() - start
    return Result(status, None, None, None, solver, took, products, binding=tuple(binding))


def _answer(
    case: Case,
    demands: list[Demand],
    verdicts: list[tuple[RouteVerdict, ...]],
    capacities: list[Capacity],
    found: Allocation,
    solver: str,
    start: float,
) -> Result:
    made = _made(case, demands, found)
    products = tuple(
        _product(demand, own, made) for demand, own in zip(demands, verdicts, strict=True)
    )
    unmet = tuple(
        {"product": demand.product, "period": period, "packages": left}
        for demand in demands
        for t, period in enumerate(case.periods)
        if (left := _unmet(demand, made, period, t)) > 0.0
    )
    gap = max(0.0, found.objective_usd - found.bound_usd) / max(abs(found.objective_usd), 1e-300)
    closed = gap <= _CLOSED
    used = [
        math.fsum(
            row["packages"] * recipe.uses_per_good.get(capacity.resource, 0.0)
            for recipe, row in made
            if row["period"] == period
        )
        for capacity in capacities
        for period in case.periods
    ]
    places = [(c.resource, t, period) for c in capacities for t, period in enumerate(case.periods)]
    amounts = [c.amount[t] for c in capacities for t in range(len(case.periods))]
    recipes = tuple(dict.fromkeys(recipe.id for recipe, _ in made))
    by_id = {recipe.id: recipe for recipe, _ in made}
    return Result(
        Status.OPTIMAL if closed else Status.FEASIBLE,
        found.objective_usd,
        found.bound_usd,
        gap,
        solver,
        time.perf_counter() - start,
        products,
        tuple(by_id[name] for name in recipes),
        tuple(row for _, row in made),
        unmet,
        tuple(
            {"resource": name, "period": period, "used": use, "capacity": amount}
            for (name, _, period), use, amount in zip(places, used, amounts, strict=True)
        ),
        tuple(
            {"resource": name, "period": period, "usd_per_unit": float(price)}
            for (name, _, period), price in zip(places, found.shadow.reshape(-1), strict=True)
        ),
    )


def _made(
    case: Case, demands: list[Demand], found: Allocation
) -> list[tuple[Recipe, dict[str, Any]]]:
    asked = {demand.product: demand.packages for demand in demands}
    return [
        (
            recipe,
            {
                "recipe": recipe.id,
                "product": recipe.product,
                "route": recipe.route,
                "period": period,
                "packages": float(found.packages[at, t]),
            },
        )
        for at, recipe in enumerate(found.recipes)
        for t, period in enumerate(case.periods)
        if found.packages[at, t] > _DUST * max(asked[recipe.product][t], 1.0)
    ]


def _unmet(demand: Demand, made: list[tuple[Recipe, dict[str, Any]]], period: str, t: int) -> float:
    done = sum(
        row["packages"]
        for recipe, row in made
        if recipe.product == demand.product and row["period"] == period
    )
    left = demand.packages[t] - done
    return left if left > _DUST * max(demand.packages[t], 1.0) else 0.0


def _product(
    demand: Demand, verdicts: tuple[RouteVerdict, ...], made: list[tuple[Recipe, dict[str, Any]]]
) -> ProductResult:
    own = [(r, row["packages"]) for r, row in made if r.product == demand.product]
    total = math.fsum(packages for _, packages in own)
    alone = _best(verdicts)
    asked = sum(demand.packages)
    cost, dppm = alone.cost_per_good_usd if alone else None, None
    if total > 0.0:
        cost = sum(r.cost_per_good_usd * n for r, n in own) / total
        shipped = sum(n / r.quality for r, n in own)
        dppm = sum(r.dppm * n / r.quality for r, n in own) / shipped
    elif alone is not None:
        candidate = next(c for c in demand.candidates if c.route == alone.route)
        dppm = candidate.recipes[0].dppm
    left = asked - total
    left = left if left > _DUST * max(asked, 1.0) else 0.0
    return ProductResult(demand.product, cost, dppm, asked, total, left, alone, verdicts)
