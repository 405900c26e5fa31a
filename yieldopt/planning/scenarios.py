r"""One plan for the scenarios of a case: its expected cost and risk, and what knowing is worth.

Orders, starts, bookings and programmes are decided before one knows the scenario; packages, stock
and what is unmet once one does. With M what the plan is chosen for (expected cost, or with a weight
the conditional value at risk),

    VSS = M(costs of the mean-value plan's decisions) − M(costs of this plan) ≥ 0
    EVPI = M(costs of this plan) − M(least cost in each scenario) ≥ 0

the value of the stochastic solution and of perfect information (Birge & Louveaux 1997, ch. 4). The
mean-value plan is for the mean demand and capacity, with the models of the case itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from yieldopt.planning.desk import Desk, Met
from yieldopt.planning.futures import Future, as_it_is, in_case, scenario_futures
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
from yieldopt.planning.recourse import first_stage
from yieldopt.planning.setting import Setting
from yieldopt.schema.case import Case, PerPeriod

MEAN = "mean demand and capacity"
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
        The decisions for the mean demand and capacity, met with each scenario; and where the plan
        decides otherwise (``base_amount``: the mean-value plan's).
    known, known_measured
        The least cost in each scenario, if it is known before anything is decided.
    stochastic, information
        The value of the stochastic solution and of perfect information.
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
    mean, mean_mets = _mean_value(setting, futures, desk)
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
    )


def _mean_value(
    setting: Setting, futures: Sequence[Future], desk: Desk
) -> tuple[Prepared, list[Met]]:
    """Plan for the mean demand and capacity; meet each scenario with what that plan decides."""
    case = setting.case
    mean = as_it_is(in_case([setting], _mean_case(case), desk.budget), MEAN, 1.0)
    found = desk.alone(mean, 0.2, _MEAN)
    first = None if found.x is None else first_stage(found.master, found.x, desk.ties)
    mets = [] if first is None else desk.meet(first, futures, 0.3, _MEAN)
    return prepared(found, first, mets, case, desk.ties), mets


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
