r"""Harvest: a die of M equal blocks, m of which may be switched off.

The faults of a class fall evenly on M blocks. The first test that covers the class (kill mass κ₀)
decides which blocks go: at most m may hold a fault it saw, and exactly m are switched off. What the
first test has not seen, in the blocks that stay, is screened by later tests. With the mixing W of
the base law (gamma of shape α and mean 1, or W = 1 for Poisson)

    S(κ) = E_W[ P(Binomial(M, 1 − e^(−Wκ₀λ/M)) ≤ m) · e^(−Wλ(1−m/M)(κ−κ₀)) ].

Write t = κ₀λ and s = λ(1−m/M)(κ−κ₀). Counting the faults n seen first instead of the blocks, with
Tail_n the chance that n faults fall on more than m blocks,

    S = (1 + s/α)^(−α) · (1 − F),   F = (1−q)^α Σ_{n>m} C(α+n−1, n) q^n Tail_n,   q = t/(α+t+s):

a gamma mixture is conjugate to Poisson counts, so no quadrature is needed, every term is positive,
and F is small wherever harvesting does its work. Differences of F are taken factor by factor.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from yieldopt.errors import CaseError
from yieldopt.physics.elementary import anywhere, choose, exp, expm1, larger, log, log1p

Value = float | NDArray[np.float64]
_MAX_TERMS = 50_000
_NEGLIGIBLE = 1e-18
_MOST_LOG = 600.0  # the largest −ln P(no fault) for which the series of F is formed
_NO_FAULT = 1e-300  # stands for q = 0 in a logarithm: its power m+1 ≥ 2 is 0 all the same


def harvest(
    a: Value, d: Value, first: Value | None, *, alpha: float | None, blocks: int, spares: int
) -> Value:
    """Return ln S(κ+δ) − ln S(κ) of a harvested die.

    Parameters
    ----------
    a, d
        Mass already looked at and mass now looked at, Σλκ and Σλδ [faults], scalar or (n,).
    first
        Mass t = Σλκ₀ that the first covering test saw [faults]; ``None`` when this is that test.
    alpha
        Clustering of the base law; ``None`` for Poisson.
    blocks, spares
        M ≥ 1 blocks, of which 0 ≤ m ≤ M may be switched off.

    Returns
    -------
    float or (n,) array
        Log of the conditional chance to pass; 0 when every block may be switched off.
    """
    alpha = None if alpha is None else min(alpha, 1e15)  # the same doubles as any larger one
    t, s, ds = _masses(a, d, first, 1.0 - spares / blocks)
    if spares == blocks:
        return 0.0 * t
    if spares == 0:  # nothing to switch off: the base law itself
        before = a if first is not None else 0.0 * a
        return -d if alpha is None else -alpha * log1p(d / (alpha + before))
    if alpha is None:
        if first is not None:
            return -ds
        return _log_binomial(t, blocks, spares)
    if first is None:
        failing = _first_loss(t, s, alpha, blocks, spares)
        counted = failing > 0.5
        out = log1p(-choose(counted, 0.0, failing))
    else:
        failing, out = _later_gain(t, s, ds, alpha, blocks, spares)
        counted = failing > 0.5
    if anywhere(counted):  # 1 − F would lose its digits
        after = _log_survival(t, s + ds, alpha, blocks, spares)
        before = 0.0 if first is None else _log_survival(t, s, alpha, blocks, spares)
        out = choose(counted, after - before, out)
    return out


def _log_survival(t: Value, s: Value, alpha: float, blocks: int, spares: int) -> Value:
    """Return ln S by counting the faults that a die survives, in logs."""
    chance = t / (alpha + t + s)
    with np.errstate(divide="ignore"):
        log_q = np.log(chance)
    log_pmf = alpha * np.log1p(-chance)
    total = np.full(np.shape(t), -np.inf)
    for n, alive in enumerate(_occupancy(blocks, spares)):
        total = np.logaddexp(total, log_pmf + math.log(alive))
        log_pmf = log_pmf + math.log((alpha + n) / (n + 1)) + log_q
    out = total - alpha * np.log1p(s / alpha)
    return out if isinstance(t, np.ndarray) else float(out)


def _masses(a: Value, d: Value, first: Value | None, alive: float) -> tuple[Value, Value, Value]:
    """Return t, s and the growth of s; arrays of one shape where any is one."""
    if first is None:
        return d, 0.0 * d, 0.0 * d
    s, ds = alive * larger(a - first, 0.0), alive * d
    if any(isinstance(mass, np.ndarray) for mass in (first, s, ds)):
        first, s, ds = np.broadcast_arrays(first, s, ds)
    return first, s, ds


def _first_loss(t: Value, s: Value, alpha: float, blocks: int, spares: int) -> Value:
    """F of a die that the first test sees."""
    chance, x, coefficients = _chance(t, s, alpha, blocks, spares)
    series = 0.0 * x
    for c in coefficients[::-1]:  # an array in place
        series *= x
        series += c
    return _failing(chance, x, series, alpha, spares) if coefficients else series + 1.0


def _later_gain(
    t: Value, s: Value, ds: Value, alpha: float, blocks: int, spares: int
) -> tuple[Value, Value]:
    """F, and a later test's gain: the screened die's own and the tilt of what harvest let pass.

    F'/F = exp(α(L₁−L₂) − (m+1)L₂)·T'/T with L₁ = log1p(ds/(α+s)), L₂ = log1p(ds/(α+t+s)), so
    F − F' needs no subtraction of near equals.
    """
    chance, x, coefficients = _chance(t, s, alpha, blocks, spares)
    fall_of_x = x * ds / (alpha + t + s + ds)
    series, slope = _series(coefficients, x, x - fall_of_x)
    if not coefficients:
        return series + 1.0, series
    failing = _failing(chance, x, series, alpha, spares)
    screened = log1p(ds / (alpha + s))
    shift = log1p(ds / (alpha + t + s))
    change = -slope * fall_of_x / choose(series > 0.0, series, 1.0)  # T = 0: no slope either
    fall = -expm1(alpha * (screened - shift) - (spares + 1) * shift + log1p(change))
    odds = failing / choose(failing < 1.0, 1.0 - failing, 1.0)
    return failing, -alpha * screened + log1p(odds * fall)


def _chance(
    t: Value, s: Value, alpha: float, blocks: int, spares: int
) -> tuple[Value, Value, tuple[float, ...]]:
    """Return q, x = q/q₀ and the coefficients of T(x) = Σ_j c_(m+1+j) x^j.

    q₀ is at least the largest q, so that x ≤ 1 and c_n = C(α+n−1, n)·Tail_n·q₀ⁿ are doubles. No
    coefficients where F is too near to 1 for a series.
    """
    chance = t / (alpha + t + s)
    q_unit = _coarse(
        float(np.max(chance, initial=0.0)) if isinstance(chance, np.ndarray) else chance
    )
    if alpha * -math.log1p(-q_unit) > _MOST_LOG:
        return chance, chance, ()  # counted by the caller
    return chance, chance / q_unit, _coefficients(alpha, blocks, spares, q_unit)


def _failing(chance: Value, x: Value, series: Value, alpha: float, spares: int) -> Value:
    """F = (1−q)^α·x^(m+1)·T(x)."""
    return exp(alpha * log1p(-chance) + (spares + 1) * log(larger(x, _NO_FAULT))) * series


def _series(coefficients: tuple[float, ...], x: Value, y: Value) -> tuple[Value, Value]:
    """Return T(x) and (T(x) − T(y))/(x − y), without the ratio; the coefficients are positive."""
    value = 0.0 * x
    slope = 0.0 * y
    for c in coefficients[::-1]:  # arrays in place
        slope *= y
        slope += value
        value *= x
        value += c
    return value, slope


@lru_cache(maxsize=256)
def _coefficients(alpha: float, blocks: int, spares: int, q: float) -> tuple[float, ...]:
    """Coefficients C(α+n−1, n)·Tail_n·qⁿ, n > m, until the rest is negligible."""
    tails = _occupancy_tails(blocks, spares)
    found: list[float] = []
    log_term = _log_choose(alpha, spares + 1) + (spares + 1) * math.log(q)
    log_none = alpha * math.log1p(-q)
    for n in range(spares + 1, spares + 1 + _MAX_TERMS):
        found.append(math.exp(log_term) * (tails[n] if n < len(tails) else 1.0))
        # The chance of n faults, not the term: Tail_n still rises when that has begun to fall.
        chance = math.exp(log_term + log_none)
        ratio = q * (alpha + n) / (n + 1)
        if ratio < 1.0 and chance * ratio < _NEGLIGIBLE * (1.0 - ratio):
            return tuple(found)
        log_term += math.log((alpha + n) / (n + 1) * q)
    raise CaseError(f"harvest: the mean is more than {q / (1 - q):.0f} times alpha")


def _coarse(q_max: float) -> float:
    """Return a q on a coarse grid, never below the largest, so that the cache is hit."""
    if q_max < 0.0625:
        return float(2.0 ** math.ceil(math.log2(max(q_max, 1e-300))))
    bits = math.ceil(-8.0 * math.log2(max(1.0 - q_max, 1e-12)))
    return float(1.0 - 2.0 ** (-bits / 8))


def _log_choose(alpha: float, n: int) -> float:
    return sum(math.log((alpha + k) / (k + 1)) for k in range(n))


@lru_cache(maxsize=64)
def _occupancy(blocks: int, spares: int) -> tuple[float, ...]:
    """Chance that n faults fall on at most ``spares`` of ``blocks``, n = 0, 1, … while above 0."""
    occupied = np.zeros(spares + 1)
    occupied[0] = 1.0
    stay = np.arange(spares + 1) / blocks
    alive = [1.0]
    while alive[-1] > 1e-300 and len(alive) < _MAX_TERMS:
        moved = occupied * stay
        moved[1:] += occupied[:-1] * (1.0 - stay[:-1])
        occupied = moved
        alive.append(float(occupied.sum()))
    return tuple(alive)


@lru_cache(maxsize=64)
def _occupancy_tails(blocks: int, spares: int) -> tuple[float, ...]:
    """Tail_n: chance that n faults fall on more than ``spares`` of ``blocks``, n = 0, 1, …

    The distribution of the number k of occupied blocks moves by k → k with k/M, k → k+1 with
    1 − k/M; everything above the spares is absorbed. Ends where 1 − Tail_n is below rounding.
    """
    occupied = np.zeros(spares + 1)
    occupied[0] = 1.0
    stay = np.arange(spares + 1) / blocks
    tails, tail = [0.0], 0.0
    while tail < 1.0 - 1e-17 and len(tails) < _MAX_TERMS:
        tail += occupied[-1] * (1.0 - stay[-1])
        moved = occupied * stay
        moved[1:] += occupied[:-1] * (1.0 - stay[:-1])
        occupied = moved
        tails.append(min(float(tail), 1.0))
        if occupied.sum() < 1e-18:
            break
    return tuple(tails)


def _log_binomial(t: Value, blocks: int, spares: int) -> Value:
    """ln S of the Poisson base: P(Binomial(M, 1−e^(−t/M)) ≤ m), by the smaller of its two sides."""
    each = np.asarray(t, float) / blocks
    occupied = np.arange(1.0, blocks + 1.0)
    logs = np.empty((blocks + 1, *each.shape))
    with np.errstate(divide="ignore", invalid="ignore"):
        log_p = np.log(-np.expm1(-each))
        logs[0] = -blocks * each
        logs[1:] = np.multiply.outer(occupied, log_p) - np.multiply.outer(blocks - occupied, each)
        logs[1:] += _log_choose_whole(blocks).reshape(-1, *[1] * each.ndim)
        failing = np.minimum(np.exp(logs[spares + 1 :]).sum(axis=0), 1.0)
        alive = np.logaddexp.reduce(logs[: spares + 1], axis=0)
        out = np.where(failing > 0.5, alive, np.log1p(-failing))
    return out if isinstance(t, np.ndarray) else float(out)


@lru_cache(maxsize=64)
def _log_choose_whole(n: int) -> NDArray[np.float64]:
    """ln of n over k, k = 1…n."""
    return np.array([math.log(math.comb(n, k)) for k in range(1, n + 1)])
