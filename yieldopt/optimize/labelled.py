"""The exact choice of levels by labels, for trunks too long to enumerate; any gap, any time limit.

Sweeps of finer and finer tolerance (:mod:`yieldopt.optimize.sweep`): the first gives a good plan
and a first bound at once, the later ones close the gap, each with the labels of those before it as
references. A sweep of tolerance 0 keeps every label that matters and proves the plan optimal.

Limits are left out first. If the best plan breaks one, prices are put on what is limited
(:mod:`yieldopt.optimize.limit_prices`): they give plans within the limits, a bound, and hints that
show sweeps with the limits which labels to drop.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from yieldopt.engine import evaluate
from yieldopt.errors import CaseError, Fault
from yieldopt.optimize.coverage import HOPELESS_USD, Found, Proof
from yieldopt.optimize.effort import Goal
from yieldopt.optimize.limit_prices import log_quality, priced_limits
from yieldopt.optimize.menus import Menus, Purses
from yieldopt.optimize.pricing import Ask
from yieldopt.optimize.sweeping import Best, Sweeping, closed

_EQUAL = 1e-11  # limits are compared to this
_FEW = 100_000  # combinations that need no prices of limits


def best_labelled(
    menus: Menus,
    ask: Ask,
    *,
    known_usd: float = math.inf,
    gap: float = 0.0,
    until: float = math.inf,
) -> Found:
    """Choose the level at every insertion by sweeps of labels.

    Parameters
    ----------
    menus
        The template, prepared.
    ask
        Objective and limits.
    known_usd
        Value of a plan known already; only a better one is looked for.
    gap
        Relative gap between value and bound at which the search may stop; 0: only at the proof.
    until
        Time (``time.perf_counter``) at which it must stop.

    Returns
    -------
    Found
        The best plan found and its proof, whose lower bound says how much better any other can be.

    Raises
    ------
    TooMany
        More exposures than tables can hold.
    CaseError
        A price below zero: here costs may only grow along a flow.
    """
    below = [Fault("must be 0 or more", f"prices.{k}", v) for k, v in ask.prices.items() if v < 0.0]
    if below:
        raise CaseError(below)
    purses = Purses(0.0 if ask.prices_only else 1.0, ask.prices, tuple(ask.resource_limits))
    # Without its limits the problem is far easier; often its plan keeps them.
    free = Best(known_usd)
    loose = replace(purses, limited=())
    Sweeping(menus, loose, Goal(ask.escape_usd), until).close(free, gap)
    found = _answer(menus, free, ask.escape_usd)
    if not (ask.resource_limits or ask.dppm_limit is not None):
        return found
    if found.levels is not None and _keeps(menus, ask, found.levels):
        return found
    goal = Goal(
        ask.escape_usd,
        -math.inf if ask.log_q_least is None else ask.log_q_least - _EQUAL,
        np.array(list(ask.resource_limits.values())) * (1.0 + _EQUAL),
    )
    best = Best(known_usd, min(free.lower, known_usd), plans=free.plans)
    if free.levels is not None:
        many = found.proof.combinations > _FEW
        hints = priced_limits(menus, purses, goal, best, gap, until) if many else None
        if not closed(best, gap, goal.escape):
            Sweeping(menus, purses, goal, until, hints).close(best, gap)
    return _answer(menus, best, ask.escape_usd)


def _keeps(menus: Menus, ask: Ask, levels: Mapping[str, str]) -> bool:
    """Whether a plan keeps the limits."""
    out = evaluate(menus.template.at(levels))
    quality, log_q = float(out.quality), log_quality(out)
    fits = ask.log_q_least is None or log_q >= ask.log_q_least - _EQUAL
    for name, most in ask.resource_limits.items():
        fits &= float(out.uses.get(name, 0.0)) / quality <= most * (1.0 + _EQUAL)
    return fits


def _answer(menus: Menus, best: Best, escape: float) -> Found:
    choices = menus.template.choices()
    combinations = math.prod(len(choice.options) for choice in choices.values())
    value = best.upper if best.upper < HOPELESS_USD else math.inf
    lower = value if closed(best, 0.0, escape) else max(best.lower, 0.0)
    proof = Proof("labels", combinations, best.plans, combinations - best.plans, lower)
    if best.levels is None or value == math.inf:
        return Found(None, value, proof)
    levels = {p: list(choice.options)[best.levels[p]] for p, choice in choices.items()}
    return Found(levels, value, proof)
