r"""Repair: rework of an attach, spare lanes in groups, spare rows and columns of a memory die.

References
----------
.. [1] A.-C. Hsieh, T. Hwang, "TSV redundancy: architecture and design issues in 3-D IC", IEEE
   Trans. VLSI Syst. 20(4), 2012 (groups of lanes with spares).
.. [2] L. Jiang, Q. Xu, B. Eklow, "On effective through-silicon via repair for 3-D-stacked ICs",
   IEEE Trans. CAD 32(4), 2013 (clustered faults break the repair by neighbours).
.. [3] C. H. Stapper, A. N. McLaren, M. Dreckmann, "Yield model for productivity optimization of
   VLSI memory chips with redundancy and partially good product", IBM J. Res. Dev. 24(3), 1980.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from yieldopt.errors import CaseError, Fault
from yieldopt.physics.arguments import check
from yieldopt.physics.yields import Value

_LOG_HALF = -math.log(2.0)
_NEGLIGIBLE = 40.0  # a term e^(−40) of a sum is below its rounding
_STEP = 0.15  # of the integral over ln W, in units of its narrowest feature


@dataclass(frozen=True, slots=True)
class Rework:
    """What becomes of a failing attach, per unit started: share scrapped, mean reworks."""

    scrap_frac: Value
    reworks_per_unit: Value


def reworked(scrap_frac: Value, *, success_frac: Value, tries: int) -> Rework:
    """Return the scrap and the number of reworks of an attach that may be done again.

    Parameters
    ----------
    scrap_frac : float or (n,) array
        Share p of the units whose first attach fails visibly, in [0, 1].
    success_frac : float or (n,) array
        Chance r that one rework makes the unit good, in [0, 1].
    tries : int
        Reworks m allowed for one unit, at least 0.

    Returns
    -------
    Rework
        Visible scrap left p(1−r)^m, and reworks per unit p(1−(1−r)^m)/r (pm at r = 0).

    Raises
    ------
    CaseError
        An argument is outside its range.

    Notes
    -----
    A geometric sum: a unit is reworked until a try succeeds or m are spent, tries being alike and
    independent. Hidden damage of a rework is left out: give it to the step as faults.

    Examples
    --------
    >>> left = reworked(0.04, success_frac=0.8, tries=2)
    >>> round(float(left.scrap_frac), 4), round(float(left.reworks_per_unit), 4)
    (0.0016, 0.048)
    """
    check(
        ("scrap_frac", scrap_frac, "[0, 1]"),
        ("success_frac", success_frac, "[0, 1]"),
        ("tries", tries, 0),
    )
    rate = np.asarray(success_frac, float)
    with np.errstate(divide="ignore"):
        log_left = tries * np.log1p(-rate) if tries else 0.0 * rate
    done = np.where(rate > 0.0, -np.expm1(log_left) / np.where(rate > 0.0, rate, 1.0), tries)
    return Rework(scrap_frac * np.exp(log_left)[()], scrap_frac * done[()])


def group_log_yield(mass: Value, *, group: int, spares: int) -> Value:
    """Return ln P(at most s of g + s members fail) of one group; arguments are not checked.

    Parameters
    ----------
    mass : float or (n,) array
        Mean faults of one member, −ln(1 − f) for a chance f to fail [faults], at least 0.
    group, spares : int
        Members g ≥ 1 that must work, spares s ≥ 0 of the group.

    Returns
    -------
    float or (n,) array
        Log of the chance that the group works; relative error below 1e-12.

    Notes
    -----
    Σ_{i≤s} C(g+s, i) f^i (1−f)^(g+s−i) [1]_, or 1 less the sum over i > s where that is the
    smaller: all terms are positive, and f = 1e-9 loses no digit.

    Examples
    --------
    >>> round(float(group_log_yield(1e-9, group=8, spares=1)) * 1e18, 6)
    -36.0
    """
    x = np.asarray(mass, float)
    if spares == 0:
        return (-group * x)[()]
    size = group + spares
    with np.errstate(divide="ignore"):
        log_fail = np.log(-np.expm1(-x))
    held, lost = -size * x, np.full(x.shape, -math.inf)
    log_choose = 0.0
    for i in range(1, size + 1):
        log_choose += math.log((size - i + 1) / i)
        term = log_choose + i * log_fail - (size - i) * x
        if i <= spares:
            held = np.logaddexp(held, term)
            continue
        lost = np.logaddexp(lost, term)
        if np.all((term <= lost - _NEGLIGIBLE) | (lost > _LOG_HALF)):
            break
    rare = np.log1p(-np.exp(np.minimum(lost, _LOG_HALF)))
    return np.where(lost < _LOG_HALF, rare, held)[()]


def spare_lane_yield(
    lanes: Value, fail_per_lane: Value, *, group: int, spares: int, alpha: float | None = None
) -> Value:
    """Return the yield of lanes in groups, each of which may replace some failing ones.

    Parameters
    ----------
    lanes : float or (n,) array
        Lanes N that must work, spares not counted, at least 0.
    fail_per_lane : float or (n,) array
        Chance f that any one lane fails, whatever the clustering, in [0, 1).
    group, spares : int
        Lanes g ≥ 1 that share s ≥ 0 spares; the spares fail like the others.
    alpha : float, optional
        Clustering over parts, above 0 (of the negative binomial law); ``None``: independent.

    Returns
    -------
    float or (n,) array
        Share of parts whose every group works.

    Raises
    ------
    CaseError
        An argument is outside its range.

    Notes
    -----
    [Σ_{i≤s} C(g+s, i) f^i (1−f)^(g+s−i)]^(N/g) [1]_; a last group of fewer lanes counts as that
    share of a group. With ``alpha``, f = 1 − e^(−Wm) where W is gamma of mean 1 and shape α, one
    for all lanes of a part, and m is such that E f is the given chance. Of the parts with a failing
    lane, the share that is repaired is the ratio of two integrals over ln W (trapezoid: converges
    exponentially); relative error below 1e-12. Left out: neighbours that fail together [2]_.

    Examples
    --------
    >>> [round(float(spare_lane_yield(1024, 1e-3, group=8, spares=s)), 4) for s in (0, 1, 2)]
    [0.359, 0.9954, 1.0]
    >>> round(float(spare_lane_yield(1024, 1e-3, group=8, spares=1, alpha=0.5)), 4)
    0.9874
    """
    check(
        ("lanes", lanes, "[0, inf)"),
        ("fail_per_lane", fail_per_lane, "[0, 1)"),
        ("group", group, 1),
        ("spares", spares, 0),
        ("alpha", 1.0 if alpha is None else alpha, "one (0, inf)"),
    )
    log_works = np.log1p(-np.asarray(fail_per_lane, float))
    if alpha is None:
        each = group_log_yield(-log_works, group=group, spares=spares)
        return np.exp(np.asarray(lanes) / group * each)[()]
    with np.errstate(over="ignore"):
        mass = alpha * np.expm1(-log_works / alpha)
        if not np.all(np.isfinite(lanes * mass * (group + spares))):
            raise CaseError(Fault("too small for such a chance to fail", "alpha", alpha))
    parts = np.broadcast(np.asarray(lanes, float) / group, mass)
    found = [_clustered(groups, m, alpha, group, spares) for groups, m in parts]
    return np.array(found).reshape(parts.shape)[()]


def _clustered(groups: float, mass: float, alpha: float, group: int, spares: int) -> float:
    """Yield of one clustered part: no lane fails, or some do and are repaired.

    Both integrands over z = ln W lie between gamma densities of shape α + 1 and rates α and
    α + total, which gives the ends.
    """
    total = groups * (group + spares) * mass
    log_clean = -alpha * math.log1p(total / alpha)
    if spares == 0 or total == 0.0:
        return math.exp(log_clean)
    shape = alpha + 1.0
    low = math.log(shape / (alpha + total))
    low -= math.sqrt(135.0 / shape) if shape > 135.0 else 1.0 + 45.0 / shape
    high = math.log1p(1.0 / alpha) + min(math.sqrt(90.0 / shape), 1.0 + math.log1p(90.0 / shape))
    z = np.arange(low, high, _STEP * min(1.0 / (spares + 1.0), 2.0 / math.sqrt(shape)))
    w = np.exp(z)
    log_weight = alpha * (z - np.expm1(z))
    weight = np.exp(log_weight - log_weight.max())
    held = groups * group_log_yield(w * mass, group=group, spares=spares)
    repaired = np.exp(held) * -np.expm1(-(held + w * total))
    share = np.sum(weight * repaired) / np.sum(weight * -np.expm1(-w * total))
    return float(math.exp(log_clean) - math.expm1(log_clean) * share)


def memory_repair_yield(
    mean_faults: Value,
    *,
    row_spares: int,
    column_spares: int,
    row_frac: float,
    column_frac: float,
    alpha: float | None = None,
) -> Value:
    """Return the share of memory dies that their spare rows and columns repair.

    Parameters
    ----------
    mean_faults : float or (n,) array
        Mean faults of a die before repair [faults], at least 0.
    row_spares, column_spares : int
        Spare rows r and columns c, at least 0 each: one pool for the die, itself free of faults.
    row_frac, column_frac : float
        Shares of the faults that take a whole row or column; the rest are single cells. Each at
        least 0, together at most 1.
    alpha : float, optional
        Clustering of the fault count, above 0 (negative binomial); ``None``: Poisson.

    Returns
    -------
    float or (n,) array
        Share that works, with or without repair; absolute error below 1e-12.

    Raises
    ------
    CaseError
        An argument is outside its range, or the shares sum to more than 1.

    Notes
    -----
    Σ_{n≤r+c} P(n faults) · P(rows ≤ r and columns ≤ c of n) [3]_: a cell takes a spare of either
    kind, so the cells fit exactly when all faults together are at most r + c. Left out: a line
    with more bad cells than there are spares of the other kind (it must take a spare of its own),
    cells that share a line (one spare for several), and pools that belong to a bank only.

    Examples
    --------
    >>> spares = dict(row_spares=2, column_spares=2, row_frac=0.3, column_frac=0.2)
    >>> [round(float(memory_repair_yield(1.5, alpha=a, **spares)), 4) for a in (None, 1.0)]
    [0.9718, 0.9135]
    """
    check(
        ("mean_faults", mean_faults, "[0, inf)"),
        ("row_spares", row_spares, 0),
        ("column_spares", column_spares, 0),
        ("row_frac", row_frac, "one [0, 1]"),
        ("column_frac", column_frac, "one [0, 1]"),
        ("alpha", 1.0 if alpha is None else alpha, "one (0, inf)"),
    )
    check(("row_frac + column_frac", row_frac + column_frac, "one [0, 1]"))
    mean = np.asarray(mean_faults, float)
    rate = 0.0 if alpha is None else 1.0 / alpha
    log_chance = -mean if alpha is None else -alpha * np.log1p(mean / alpha)
    total = np.zeros_like(mean)
    with np.errstate(divide="ignore"):
        log_ratio = np.log(mean / (1.0 + mean * rate))
    for n, share in enumerate(_repairable(row_spares, column_spares, row_frac, column_frac)):
        total += np.exp(log_chance) * share
        log_chance = log_chance + log_ratio + math.log((1.0 + n * rate) / (n + 1.0))
    capped: Value = np.minimum(total, 1.0)[()]  # rounding alone lifts it above 1
    return capped


@lru_cache(maxsize=64)
def _repairable(rows: int, columns: int, row_frac: float, column_frac: float) -> tuple[float, ...]:
    """Chance that n faults hold at most so many rows and columns, n = 0 … rows + columns."""
    state = np.zeros((rows + 1, columns + 1))
    state[0, 0] = 1.0
    found = [1.0]
    for _ in range(rows + columns):
        moved = (1.0 - (row_frac + column_frac)) * state
        moved[1:] += row_frac * state[:-1]
        moved[:, 1:] += column_frac * state[:, :-1]
        state = moved
        found.append(float(state.sum()))
    return tuple(found)
