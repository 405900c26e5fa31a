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

Value = float | NDArray[np.float64]
_MAX_TERMS = 50_000
_NEGLIGIBLE = 1e-18


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
        return np.zeros_like(t)
    if spares == 0:  # nothing to switch off: the base law itself
        before = a if first is not None else 0.0 * np.asarray(a)[()]
        return -d if alpha is None else -alpha * np.log1p(d / (alpha + before))
    if alpha is None:
        if first is not None:
            return -ds
        return np.log1p(-_failing_poisson(t, blocks, spares))[()]
    if first is None:
        return np.log1p(-_failing(t, s, alpha, blocks, spares)[0])[()]
    return _later_gain(t, s, ds, alpha, blocks, spares)


def _masses(
    a: Value, d: Value, first: Value | None, alive: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    a, d = np.asarray(a, float), np.asarray(d, float)
    if first is None:
        return np.asarray(d), np.zeros_like(d), np.zeros_like(d)
    t = np.asarray(first, float)
    t, s, ds = np.broadcast_arrays(t, alive * np.maximum(a - t, 0.0), alive * d)
    return t, s, ds


def _later_gain(
    t: NDArray[np.float64],
    s: NDArray[np.float64],
    ds: NDArray[np.float64],
    alpha: float,
    blocks: int,
    spares: int,
) -> Value:
    """Gain of a later test: the screened die's own, and the tilt of what the harvest let pass.

    F'/F = exp(α(L₁−L₂) − (m+1)L₂)·T'/T with L₁ = log1p(ds/(α+s)), L₂ = log1p(ds/(α+t+s)), so
    F − F' needs no subtraction of near equals.
    """
    failing, q, series = _failing(t, s, alpha, blocks, spares)
    screened = np.log1p(ds / (alpha + s))
    shift = np.log1p(ds / (alpha + t + s))
    fall_of_q = q * ds / (alpha + t + s + ds)
    q_after = q - fall_of_q
    largest = float(np.max(q)) / _scale(alpha)
    slope = _divided_difference(_coefficients(alpha, blocks, spares, largest), q, q_after)
    with np.errstate(invalid="ignore", divide="ignore"):
        change = np.where(series > 0.0, -slope * fall_of_q / series, 0.0)
    fall = -np.expm1(alpha * (screened - shift) - (spares + 1) * shift + np.log1p(change))
    out: Value = (-alpha * screened + np.log1p(failing * fall / (1.0 - failing)))[()]
    return out


def _failing(
    t: NDArray[np.float64], s: NDArray[np.float64], alpha: float, blocks: int, spares: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return F, q in units of ``_scale`` and the series T(q) = Σ_j c_(m+1+j) q^j."""
    chance = t / (alpha + t + s)
    q = chance * _scale(alpha)
    coefficients = _coefficients(alpha, blocks, spares, float(np.max(chance, initial=0.0)))
    series = np.full(q.shape, coefficients[-1])
    for c in coefficients[-2::-1]:
        series *= q
        series += c
    with np.errstate(divide="ignore"):
        log_weight = alpha * np.log1p(-chance) + (spares + 1) * np.log(q)
    return np.exp(log_weight) * series, q, series


def _divided_difference(
    coefficients: tuple[float, ...], x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (T(x) − T(y))/(x − y) of a polynomial of positive coefficients, without the ratio."""
    value = np.zeros(np.broadcast(x, y).shape)
    slope = np.zeros_like(value)
    for c in coefficients[::-1]:
        slope *= y
        slope += value
        value *= x
        value += c
    return slope


@lru_cache(maxsize=256)
def _coefficients_upto(alpha: float, blocks: int, spares: int, q: float) -> tuple[float, ...]:
    """Coefficients C(α+n−1, n)·Tail_n, n > m, until the rest is negligible at q."""
    tails = _occupancy_tails(blocks, spares)
    found: list[float] = []
    log_choose = _log_choose(alpha, spares + 1)
    log_scale = math.log(_scale(alpha))
    for n in range(spares + 1, spares + 1 + _MAX_TERMS):
        found.append(math.exp(log_choose - n * log_scale) * (tails[n] if n < len(tails) else 1.0))
        term = found[-1] * math.exp(alpha * math.log1p(-q) + n * (math.log(q) + log_scale))
        ratio = q * (alpha + n) / (n + 1)
        if ratio < 1.0 and term * ratio < _NEGLIGIBLE * (1.0 - ratio):
            return tuple(found)
        log_choose += math.log((alpha + n) / (n + 1))
    raise CaseError(f"harvest: the mean is more than {q / (1 - q):.0f} times alpha")


def _coefficients(alpha: float, blocks: int, spares: int, q_max: float) -> tuple[float, ...]:
    # The degree is chosen on a coarse grid of q, never below q_max, so that the cache is hit.
    if q_max < 0.0625:
        return _coefficients_upto(
            alpha, blocks, spares, 2.0 ** math.ceil(math.log2(max(q_max, 1e-300)))
        )
    bits = math.ceil(-8.0 * math.log2(max(1.0 - q_max, 1e-12)))
    return _coefficients_upto(alpha, blocks, spares, 1.0 - 2.0 ** (-bits / 8))


def _scale(alpha: float) -> float:
    """Return the unit of q in the series: its coefficients stay finite at any alpha."""
    return max(alpha, 1.0)


def _log_choose(alpha: float, n: int) -> float:
    return sum(math.log((alpha + k) / (k + 1)) for k in range(n))


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


def _failing_poisson(t: NDArray[np.float64], blocks: int, spares: int) -> NDArray[np.float64]:
    """F of the Poisson base: P(Binomial(M, 1−e^(−t/M)) > m), summed from the small end."""
    p = -np.expm1(-t / blocks)
    total = np.zeros(np.shape(t))
    with np.errstate(divide="ignore"):
        log_p, log_rest = np.log(p), -t / blocks
    for k in range(spares + 1, blocks + 1):
        total += np.exp(math.log(math.comb(blocks, k)) + k * log_p + (blocks - k) * log_rest)
    return np.minimum(total, 1.0)
