"""The answer of a plan: a result with the contract's tables, also where there is no plan."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from yieldopt.plan import ProductResult, Recipe, Result, RouteVerdict, Status, without_plan
from yieldopt.planning.blocked import blocked_by_shares
from yieldopt.planning.branching import Planned
from yieldopt.planning.costs import costs_of
from yieldopt.planning.master import Master
from yieldopt.planning.outcome import Made, Outcome, outcome_of
from yieldopt.planning.setting import Setting

_CLOSED = 1e-9  # a relative gap that is rounding
_PROVED = 1e-7  # to which searches that are not enumerated prove a recipe: no gap is smaller
_DUST = 1e-9  # shares of a demand below this are rounding


def short_of(setting: Setting) -> float:
    """Return the packages below which nothing is short: rounding of the linear programme."""
    return 1e-7 * max(1.0, sum(float(p.demand.sum()) for p in setting.products))


def planned(master: Master, found: Planned) -> Result:
    """Return the result of a plan that was found."""
    if found.found is None:
        raise TypeError("there is no plan to read")
    setting, constant = master.setting, master.programme.constant_usd
    outcome = outcome_of(master, found.found.x, found.found.duals)
    value, bound = found.value + constant, found.bound + constant
    bounded = np.isfinite(bound)  # not where time ended on a route that may pay for others
    # A margin may be the small difference of large sums, which are known to rounding alone.
    rounding = _CLOSED * max(abs(value), abs(found.value))
    open_ = value - bound
    gap = 0.0 if open_ <= rounding else open_ / max(abs(value), rounding)
    made = np.zeros_like(outcome.unmet)
    for row in outcome.made:
        made[row.product, row.period] += row.packages
    return replace(
        _blank(setting, Status.OPTIMAL if gap <= _PROVED else Status.FEASIBLE),
        objective_usd=value,
        spend_usd=master.programme.spend_usd(found.value, found.found.x[: master.decisions]),
        bound_usd=bound if bounded else None,
        gap=gap if bounded else None,
        products=tuple(_product(setting, n, outcome) for n in range(len(setting.products))),
        recipes=tuple({made.recipe.id: made.recipe for made in outcome.made}.values()),
        allocation=tuple(_allocated(setting, made) for made in outcome.made),
        unmet=tuple(_unmet(setting, outcome)),
        resource_use=outcome.resource_use,
        shadow_prices=outcome.shadow_prices,
        stock=outcome.stock,
        late=outcome.late,
        decisions=outcome.decisions,
        costs=tuple(costs_of(master, found.found.x)),
        binding=tuple(blocked_by_shares(master, made, outcome.unmet)),
    )


def _blank(setting: Setting, status: Status) -> Result:
    periods = setting.case.periods
    return Result(status, None, None, None, "", 0.0, (), periods=periods)


def _allocated(setting: Setting, made: Made) -> dict[str, Any]:
    return {
        "recipe": made.recipe.id,
        "product": made.recipe.product,
        "route": made.recipe.route,
        "line": made.line,
        "period": setting.case.periods[made.period],
        "packages": made.packages,
    }


def _unmet(setting: Setting, outcome: Outcome) -> list[dict[str, Any]]:
    names = [product.shape.name for product in setting.products]
    return [
        {"product": names[p], "period": setting.case.periods[t], "packages": float(packages)}
        for (p, t), packages in np.ndenumerate(outcome.unmet)
        if packages > 0.0
    ]


def best_of(verdicts: Sequence[RouteVerdict]) -> RouteVerdict | None:
    """Return the cheapest route of a product by itself."""
    feasible = [v for v in verdicts if v.cost_per_good_usd is not None]
    return min(feasible, key=lambda v: v.cost_per_good_usd or 0.0, default=None)


def alone(setting: Setting, number: int) -> Recipe | None:
    """Return the cheapest recipe of a product by itself."""
    best = best_of(setting.products[number].verdicts)
    pools = (p for p in setting.pools if p.product == number and p.recipes)
    held = (p.recipes[0] for p in pools if best is not None and p.line.route == best.route)
    return next(held, None)


def _product(setting: Setting, number: int, outcome: Outcome) -> ProductResult:
    product = setting.products[number]
    own = [made for made in outcome.made if made.product == number]
    total = math.fsum(made.packages for made in own)
    best, cheapest = best_of(product.verdicts), alone(setting, number)
    cost = best.cost_per_good_usd if best else None
    dppm = cheapest.dppm if cheapest else None
    if total > 0.0:
        cost = math.fsum(m.recipe.cost_per_good_usd * m.packages for m in own) / total
        shipped = math.fsum(m.packages / m.recipe.quality for m in own)
        dppm = math.fsum(m.recipe.dppm * m.packages / m.recipe.quality for m in own) / shipped
    asked, unmet = float(product.demand.sum()), float(outcome.unmet[number].sum())
    return ProductResult(
        product.shape.name, cost, dppm, asked, total, unmet, best, product.verdicts
    )


def without(setting: Setting, status: Status, binding: Sequence[str]) -> Result:
    """Return the result where there is no plan, with each product by itself."""
    products, recipes = [], []
    for number, product in enumerate(setting.products):
        asked = float(product.demand.sum())
        best, cheapest = best_of(product.verdicts), alone(setting, number)
        known = status is Status.UNKNOWN and cheapest is not None
        cost = cheapest.cost_per_good_usd if known and cheapest else None
        dppm = cheapest.dppm if known and cheapest else None
        recipes += [cheapest] if known and cheapest else []
        products.append(
            ProductResult(product.shape.name, cost, dppm, asked, 0.0, asked, best, product.verdicts)
        )
    blank = _blank(setting, status)
    return replace(blank, products=tuple(products), recipes=tuple(recipes), binding=tuple(binding))


def no_route(setting: Setting) -> Result:
    """Return the result where no product can be made, with the reasons of every route."""
    verdicts = [(p, v) for p in setting.products for v in p.verdicts]
    lines = [f"{p.shape.name} on {v.route}: {why}" for p, v in verdicts for why in v.reasons]
    return without(setting, without_plan(verdict for _, verdict in verdicts), lines)


def short(master: Master, found: Planned) -> Result:
    """Return the result where no plan keeps every row: which rows bind, and by how much."""
    setting, names = master.setting, master.programme.row_names
    broken = found.short
    if broken is None:
        ended = np.isfinite(found.bound)
        lines = ["no plan with whole lumps, lots, starts and programmes keeps every rule"]
        if ended:
            lines = ["time ended before a plan with whole decisions was found"]
        return without(setting, Status.UNKNOWN if ended else Status.INFEASIBLE, lines)
    lines = [_bound(master, int(at)) for at in np.flatnonzero(np.abs(broken.duals) > 1e-12)]
    kinds = {master.programme.row_kinds[at] for at in _broken_rows(master, broken.x)}
    what = "firm demand short" if kinds <= {"demand"} else "the rules broken"
    proved = broken.bound > short_of(setting)
    if proved and kinds <= {"demand"}:
        lines.append(
            f"firm demand is short by at least {broken.bound:,.6g} good packages; "
            "a shortage_cost_usd would allow unmet demand"
        )
    elif proved:
        which = ", ".join(names[at] for at in _broken_rows(master, broken.x))
        lines.append(f"the rules cannot be kept together; broken are {which}")
    else:
        lines.append(
            f"time ended: the plans found leave {what} by {broken.value:,.6g} good "
            "packages, and whether others would meet it is not known"
        )
    status = Status.INFEASIBLE if proved else Status.UNKNOWN
    return without(setting, status, [line for line in lines if line])


def _broken_rows(master: Master, x: np.ndarray) -> list[int]:
    """Return the rows that only artificial columns make hold."""
    count = len(master.programme.row_lower)
    slack = x[master.decisions : master.decisions + 2 * count].reshape(2, count).sum(axis=0)
    return [int(at) for at in np.flatnonzero(slack > short_of(master.setting))]


def _bound(master: Master, at: int) -> str:
    """Return a row that binds, in the words of the case; demand is what is short, not a limit."""
    programme, setting = master.programme, master.setting
    kind, name = programme.row_kinds[at], programme.row_names[at]
    if kind == "demand":
        return ""
    if kind == "capacity":
        resource, t = programme.row_keys[at]
        amount = programme.row_upper[at]
        shown = f"{setting.case.resources[resource].name} in {setting.case.periods[t]}"
        return f"{shown}: capacity {amount:g}"
    return name
