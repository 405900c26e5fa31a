"""The exact choice of levels by labels, for trunks too long to enumerate; any gap, any time limit.

Sweeps of finer and finer tolerance (:mod:`yieldopt.optimize.sweep`): the first gives a good plan
and a first bound at once, the later ones close the gap, each with the labels of those before it as
references. A sweep of tolerance 0 keeps every label that matters and proves the plan optimal.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from yieldopt.engine import evaluate
from yieldopt.optimize.coverage import HOPELESS_USD, Found, Proof
from yieldopt.optimize.effort import Effort, Goal, OutOfTime, Reference
from yieldopt.optimize.labels import Labels, shipped
from yieldopt.optimize.menus import Menus, Purses
from yieldopt.optimize.pricing import Ask
from yieldopt.optimize.sweep import Key, Sweep, rounding

_FIRST = 3e-3  # tolerance ε of the first sweep
_FINER = 1.0 / 3.0
_LAST = 1e-9  # a finer tolerance is none
_LACKING = 0.3  # of the limit on ln Q, in the first sweep; falls with ε
_LACKING_USE = 0.03  # ln of a limited resource
_LABELS = 4_000
_EQUAL = 1e-11  # limits are compared to this


@dataclass
class _Best:
    """The best plan so far (escape added) and the best bound."""

    upper: float
    lower: float = 0.0
    levels: dict[str, int] | None = None
    plans: int = 0
    sweeps: int = 0


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
    """
    if not ask.resource_limits and ask.dppm_limit is None:
        return _swept(menus, ask, known_usd, gap, until)
    # Without its limits the problem is far easier; often its plan keeps them.
    free = _swept(menus, replace(ask, dppm_limit=None, resource_limits={}), known_usd, gap, until)
    if free.levels is None or _keeps(menus, ask, free.levels):
        return free
    found = _swept(menus, ask, known_usd, gap, until)
    lower = min(max(free.proof.lower_bound_usd, found.proof.lower_bound_usd), found.value_usd)
    return replace(found, proof=replace(found.proof, lower_bound_usd=lower))


def _keeps(menus: Menus, ask: Ask, levels: Mapping[str, str]) -> bool:
    """Whether a plan keeps the limits."""
    out = evaluate(menus.template.at(levels))
    quality = float(out.quality)
    log_q = math.log(quality) if quality < 0.5 else math.log1p(-float(out.dppm) * 1e-6)
    fits = ask.log_q_least is None or log_q >= ask.log_q_least - _EQUAL
    for name, most in ask.resource_limits.items():
        fits &= float(out.uses.get(name, 0.0)) / quality <= most * (1.0 + _EQUAL)
    return fits


def _swept(menus: Menus, ask: Ask, known_usd: float, gap: float, until: float) -> Found:
    """Sweep until the gap is closed or time is up."""
    goal = Goal(
        ask.escape_usd,
        -math.inf if ask.log_q_least is None else ask.log_q_least - _EQUAL,
        np.array(list(ask.resource_limits.values())) * (1.0 + _EQUAL),
    )
    purses = Purses(0.0 if ask.prices_only else 1.0, ask.prices, tuple(ask.resource_limits))
    priced = menus.priced(purses)
    best = _Best(known_usd + goal.escape)
    references: Mapping[Key, Reference] = {}
    effort = _first(ask, until)
    while True:
        sweep = Sweep(menus, priced, goal, effort, best.upper, references)
        try:
            labels = sweep.forward()
        except OutOfTime:
            break
        _take(best, labels, goal)
        lower, references = sweep.backward(labels)
        best.lower = max(best.lower, min(lower, best.upper))
        best.sweeps += 1
        if _closed(best, gap, goal.escape) or effort.tolerance == 0.0 == sweep.coarsened:
            break
        effort = _finer(effort, coarsened=sweep.coarsened > 0)
    return _answer(menus, best, goal.escape)


def _first(ask: Ask, until: float) -> Effort:
    lacking = _LACKING_USE if ask.resource_limits else math.inf
    if ask.log_q_least is not None:
        lacking = min(lacking, _LACKING * max(-ask.log_q_least, 1e-12))
    return Effort(_FIRST, lacking if lacking < math.inf else 0.0, _LABELS, until)


def _finer(effort: Effort, *, coarsened: bool) -> Effort:
    tolerance = effort.tolerance * _FINER
    if tolerance < _LAST:
        tolerance = 0.0
    lacking = effort.lacking * _FINER if tolerance else 0.0
    labels = effort.labels * (2 if coarsened else 1)
    return replace(effort, tolerance=tolerance, lacking=lacking, labels=labels)


def _take(best: _Best, labels: Labels, goal: Goal) -> None:
    """Keep the best of the whole plans that a sweep ended with."""
    value, log_q = shipped(labels)
    total = value[:, 0] + goal.escape * np.exp(-log_q)
    total[(log_q < goal.least_log_q) | np.any(value[:, 1:] > goal.most, axis=1)] = np.inf
    best.plans += len(total)
    total[np.isnan(total)] = np.inf
    if len(total) and float(total.min()) < best.upper:
        row = int(total.argmin())
        best.upper, best.levels = float(total[row]), labels.origin.levels(row)


def _closed(best: _Best, gap: float, escape: float) -> bool:
    if best.upper == math.inf:
        return best.lower == math.inf
    room = max(gap * abs(best.upper - escape), rounding(best.upper, escape))
    return best.lower >= best.upper - room


def _answer(menus: Menus, best: _Best, escape: float) -> Found:
    choices = menus.template.choices()
    combinations = math.prod(len(choice.options) for choice in choices.values())
    value = best.upper - escape if best.upper < HOPELESS_USD else math.inf
    proved = _closed(best, 0.0, escape)
    lower = value if proved else max(best.lower - escape, 0.0)
    proof = Proof("labels", combinations, best.plans, combinations - best.plans, lower)
    if best.levels is None or value == math.inf:
        return Found(None, value, proof)
    levels = {p: list(choice.options)[best.levels[p]] for p, choice in choices.items()}
    return Found(levels, value, proof)
