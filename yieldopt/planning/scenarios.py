r"""One plan for the scenarios of a case: its expected cost and risk, and what knowing is worth.

Orders, starts, bookings and programmes are decided before one knows the scenario; packages, stock
and what is unmet once one does. With M what the plan is chosen for (expected cost, or with a weight
the conditional value at risk),

    VSS = M(costs of the mean-value plan's decisions) − M(costs of this plan) ≥ 0
    EVPI = M(costs of this plan) − M(least cost in each scenario) ≥ 0

the value of the stochastic solution and of perfect information (Birge & Louveaux 1997, ch. 4). The
mean-value plan is for the expected coefficients of the programme: mean demand and capacity, and
each recipe at the mean of its costs, uses and packages shipped over the scenarios
(:mod:`yieldopt.planning.average`). What a line costs to enter is averaged, too; how long that takes
is the case's own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from yieldopt.planning.average import mean_setting
from yieldopt.planning.desk import Desk, Met
from yieldopt.planning.futures import Future, as_it_is, scenario_futures
from yieldopt.planning.joint import Risk
from yieldopt.planning.prepared import (
    InFuture,
    Prepared,
    Row,
    at_risk,
    better,
    differing,
    prepared,
    told,
    weighed,
)
from yieldopt.planning.recourse import FirstStage, Solved, first_stage
from yieldopt.planning.setting import Setting
from yieldopt.planning.sheet import Key, Programme
from yieldopt.schema.case import Case, PerPeriod

MEAN = "means of the scenarios"
_PLAN, _MEAN = "plan for the scenarios", "mean-value plan"  # as progress names them


@dataclass(frozen=True)
class Worth:
    """A difference of two values, and what bounds it: never below 0 [USD, discounted].

    ``None``: one of the two is not known, or no plan keeps the rules.
    """

    usd: float | None
    low_usd: float | None
    high_usd: float | None


@dataclass(frozen=True)
class Measured:
    """Costs over all scenarios: expected, the mean of the dearest 1 − α, and the dearest [USD]."""

    expected_usd: float | None
    cvar_usd: float | None
    worst_usd: float | None


@dataclass(frozen=True)
class Scenarios:
    """Plans for the scenarios of a case.

    Parameters
    ----------
    cvar, weight
        α, and the weight of the conditional value at risk in what the plan is chosen for.
    plan, measured
        The plan for all scenarios.
    mean_value, mean_value_measured, differs
        The decisions of the mean-value plan, met with each scenario; and where the plan
        decides otherwise (``base_amount``: the mean-value plan's).
    known, known_measured
        The least cost in each scenario, if it is known before anything is decided.
    stochastic, information
        The value of the stochastic solution and of perfect information.
    not_averaged
        Products on lines on which scenarios differ in more than numbers: there the mean-value plan
        has the models of the case itself.
    """

    cvar: float
    weight: float
    plan: Prepared
    measured: Measured
    mean_value: Prepared
    mean_value_measured: Measured
    differs: tuple[Row, ...]
    known: tuple[InFuture, ...]
    known_measured: Measured
    stochastic: Worth
    information: Worth
    not_averaged: tuple[str, ...]


def scenarios(setting: Setting, desk: Desk, risk: Risk) -> Scenarios:
    """Plan for the scenarios of a case.

    Parameters
    ----------
    setting
        Of the case.
    desk
        How plans are found.
    risk
        What the plan has least; its α is also that of what is told.
    """
    case = setting.case
    futures = list(scenario_futures(setting, desk.budget))
    likely = [future.probability for future in futures]
    share = 0.2 / len(futures)
    alone = [Met(one, desk.alone(one, share, f"{one.name} known")) for one in futures]
    known = [told(one, desk.ties) for one in alone]
    mean_found, mean_first, apart = mean_value_plan(setting, futures, desk)
    whole = mean_first and desk.settled(mean_first, futures, risk, 0.2, _MEAN)
    mean_mets = [] if whole is None else desk.meet(whole, futures, 0.3, _MEAN)
    mean = prepared(mean_found, mean_first, mean_mets, case, desk.ties)
    found, first = desk.together(futures, risk, 0.6, mean_mets, _PLAN)
    mets = [] if first is None else desk.meet(first, futures, 0.8, _PLAN)
    plan = better(prepared(found, first, mets, case, desk.ties), mean, likely, risk)
    ours = (plan.bound_usd, plan.objective_usd)
    theirs = tuple(_value(each, likely, risk) for each in (mean.bounds(), mean.costs()))
    lows, highs = ([getattr(one, key) for one in known] for key in ("bound_usd", "cost_usd"))
    least = tuple(_value(_finite(each), likely, risk) for each in (lows, highs))
    return Scenarios(
        risk.cvar,
        risk.weight,
        plan,
        _measured(plan.costs(), likely, risk),
        mean,
        _measured(mean.costs(), likely, risk),
        differing(plan, mean),
        tuple(known),
        _measured(_finite(highs), likely, risk),
        _worth(ours, (theirs[0], theirs[1])),
        _worth((least[0], least[1]), ours),
        apart,
    )


def mean_value_plan(
    setting: Setting, futures: Sequence[Future], desk: Desk
) -> tuple[Solved, FirstStage | None, tuple[str, ...]]:
    """Solve the mean-value problem.

    Parameters
    ----------
    setting, futures, desk
        Of the case, of its scenarios, and how plans are found.

    Returns
    -------
    Solved, FirstStage or None, tuple of str
        The plan, what it decides before one knows, and where models could not be averaged.
    """
    own, apart = mean_setting(setting, _mean_case(setting.case), futures)
    mean = as_it_is(own, MEAN, 1.0)
    mean = replace(mean, programme=_mean_costs(mean.programme, futures))
    found = desk.alone(mean, 0.2, _MEAN)
    if found.x is None:
        return found, None, apart
    return found, _paid_alike(first_stage(found.master, found.x, desk.ties), futures), apart


def _mean_costs(programme: Programme, futures: Sequence[Future]) -> Programme:
    """Return a programme whose decisions cost the mean of what they cost in the scenarios."""
    total, likely = np.zeros(len(programme.cost)), np.zeros(len(programme.cost))
    at = {(column.kind, *column.key): number for number, column in enumerate(programme.columns)}
    for future in futures:
        own = future.programme
        for column, usd in zip(own.columns, own.cost, strict=True):
            number = at.get((column.kind, *column.key))
            if number is not None:
                total[number] += future.probability * usd
                likely[number] += future.probability
    cost = np.where(likely > 0.0, total / np.where(likely > 0.0, likely, 1.0), programme.cost)
    return replace(programme, cost=cost)


def _paid_alike(first: FirstStage, futures: Sequence[Future]) -> FirstStage:
    """Return decisions at what the plan for all scenarios pays where one has no use for them."""
    usd: dict[Key, float] = {}
    for future in reversed(futures):
        own = future.programme
        for column, cost in zip(own.columns, own.cost, strict=True):
            usd[column.kind, *column.key] = float(cost)
    decisions = {
        key: replace(decided, cost_usd=usd.get(key, decided.cost_usd))
        for key, decided in first.decisions.items()
    }
    return replace(first, decisions=decisions)


def _mean_case(case: Case) -> Case:
    """Return the case with the mean demand and capacity of its scenarios."""
    total = math.fsum(scenario.probability for scenario in case.scenarios)
    shares = [(scenario.probability / total, scenario.case) for scenario in case.scenarios]
    count = len(case.periods)

    def mean(parts: Iterable[tuple[float, PerPeriod]]) -> PerPeriod:
        sums = np.sum([share * np.array(own.over(count)) for share, own in parts], axis=0)
        return PerPeriod(values=tuple(float(amount) for amount in sums))

    demand = [mean((q, c.products[n].demand) for q, c in shares) for n in range(len(case.products))]
    capacity = [
        mean((q, c.resources[n].capacity) for q, c in shares) for n in range(len(case.resources))
    ]
    products = zip(case.products, demand, strict=True)
    resources = zip(case.resources, capacity, strict=True)
    return replace(
        case,
        products=tuple(p.model_copy(update={"demand": own}) for p, own in products),
        resources=tuple(r.model_copy(update={"capacity": own}) for r, own in resources),
    )


Bounds = tuple[float | None, float | None]  # below, and found


def _worth(lower: Bounds, higher: Bounds) -> Worth:
    """Return by how much the second value is above the first."""

    def less(one: float | None, other: float | None) -> float | None:
        return None if one is None or other is None else one - other

    usd, low = less(higher[1], lower[1]), less(higher[0], lower[1])
    high = less(higher[1], lower[0])
    return Worth(*(None if value is None else max(0.0, value) for value in (usd, low, high)))


def _finite(values: Sequence[float | None]) -> list[float]:
    return [math.inf if value is None else value for value in values]


def _value(costs: Sequence[float], likely: Sequence[float], risk: Risk) -> float | None:
    known = len(costs) == len(likely) and all(map(math.isfinite, costs))
    return weighed(costs, likely, risk) if known else None


def _measured(costs: Sequence[float], likely: Sequence[float], risk: Risk) -> Measured:
    expected = _value(costs, likely, Risk())
    if expected is None:
        return Measured(None, None, None)
    return Measured(expected, at_risk(costs, likely, risk.cvar), max(costs))
