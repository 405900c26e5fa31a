"""A plan over scenarios through the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yieldopt.engine import evaluate
from yieldopt.optimize.coverage import HOPELESS_USD
from yieldopt.optimize.robust_goal import Goal
from yieldopt.optimize.robust_measure import Measure, judged
from yieldopt.optimize.robust_merge import closed
from yieldopt.optimize.robust_stack import Scores, Stack
from yieldopt.optimize.terms import ROUNDING
from yieldopt.physics.yields import Value

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Judged:
    """A plan through the engine: the measure, cost per good and DPPM by scenario."""

    value_usd: float  # also where limits do not hold
    values_usd: tuple[float, ...]
    dppm: tuple[float, ...]
    dppm_held: float
    uses_held: float  # probability of the scenarios in which all limits on use are kept


def judge(stack: Stack, p: Array, goal: Goal, levels: Mapping[str, str]) -> Judged:
    """Evaluate a plan in every scenario: every number of an answer comes from the engine."""
    templates = [problem.template for problem in stack.problems]
    whole = closed(templates, levels)
    flows = [template.at(levels) for template in templates] if whole is None else [whole]
    outs = [evaluate(flow) for flow in flows]

    def over(numbers: Sequence[Value]) -> Array:
        """By scenario, (S,): of outcomes of one each, or of all at once."""
        return np.array(np.broadcast_to(np.hstack(numbers), p.shape), float)

    quality, dppm_ = over([out.quality for out in outs]), over([out.dppm for out in outs])
    escape, prices = goal.escape_cost_usd or 0.0, goal.prices or {}
    spend = over([out.cost_per_shipped_usd for out in outs])
    for name, price in prices.items():
        spend += price * over([out.uses.get(name, 0.0) for out in outs])
    with np.errstate(divide="ignore"):
        value = (spend + escape * (1.0 - quality)) / quality
        log_q = np.log(quality)
        log_y = log_q - np.log(over([stack.starts(out) for out in outs]))
    keeps = np.ones(len(p), bool)
    for name, most in (goal.use_limits or {}).items():
        used = over([out.uses.get(name, 0.0) for out in outs])
        keeps &= used / quality <= most * (1.0 + 10.0 * ROUNDING)
    scores = Scores(value[None, :], log_q[None, :], log_y[None, :], np.ones(1, bool))
    total = float(judged(Measure(goal.measure, p, goal.cvar_tail), None, scores, HOPELESS_USD)[0])
    dppm = tuple(float(one) for one in dppm_)
    limit = goal.limit(p)
    held = 1.0 if limit is None else float(p[log_q >= limit.log_q_least].sum())
    return Judged(
        total, tuple(float(v) for v in value), dppm, min(held, 1.0), min(float(p[keeps].sum()), 1.0)
    )
