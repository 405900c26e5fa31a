r"""Overkill and escapes of a measurement: the guard band of its limit, and runs repeated on a fail.

Guard band: a parameter x of the units is normal (mean μ, spread s), its measurement m = x + e has
an independent normal error e (spread σ). A unit is good when x ≤ L and passes when m ≤ L − g.
With h = (L−μ)/s, k = (L−g−μ)/√(s²+σ²) and ψ₀ = arctan(σ/s), Plackett's derivative of the bivariate
normal integral in its correlation ρ = cos ψ [1]_, summed from perfect correlation (ψ = 0), gives

    P(x ≤ L, m > L−g) = max(0, Φ(h) − Φ(k)) + J
    P(x > L, m ≤ L−g) = max(0, Φ(k) − Φ(h)) + J
    J = 1/(2π) ∫₀^ψ₀ exp(−(h−k)²/(2 sin²ψ) − hk/(1 + cos ψ)) dψ.

No term is negative, so a small escape loses no digits. J is summed by Gauss–Legendre rules on
panels that shrink by 8 towards ψ = 0: absolute error below 1e-15, relative error below 1e-11 for
any J above 1e-50.

References
----------
.. [1] R. L. Plackett, "A reduction formula for normal multivariate integrals", Biometrika 41, 1954;
   the angle as variable: A. Genz, "Numerical computation of rectangular bivariate and trivariate
   normal and t probabilities", Statistics and Computing 14, 2004.
.. [2] D. B. Owen, J. M. Wiesen, "A method of computing bivariate normal probabilities with an
   application to handling errors in testing and measuring", Bell System Technical Journal 38, 1959
   (this very model: producer's and consumer's loss).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yieldopt.errors import CaseError, Fault
from yieldopt.physics.arguments import check
from yieldopt.physics.normal import below, between
from yieldopt.physics.yields import Value

_Floats = NDArray[np.float64]
_FARTHEST = 1e100  # spreads: keeps the squares finite


@dataclass(frozen=True, slots=True)
class GuardBand:
    """Shares of the units tested; scalar or (n,) array. [0…1]

    Parameters
    ----------
    good_frac, pass_frac
        Truly within the limits; measured within the guarded limits.
    overkill_frac, escape_frac
        Good but rejected; bad but passed. pass = good − overkill + escape.
    overkill_per_good, escape_per_passed
        Share of the good that is rejected (the overkill of a test step); share of the passed that
        is bad (times 10⁶: DPPM of this parameter).
    """

    good_frac: Value
    pass_frac: Value
    overkill_frac: Value
    escape_frac: Value

    @property
    def overkill_per_good(self) -> Value:
        return self.overkill_frac / self.good_frac

    @property
    def escape_per_passed(self) -> Value:
        return self.escape_frac / self.pass_frac


def guard_band(
    mean: Value,
    sigma: Value,
    limit: Value,
    *,
    error_sigma: Value,
    band: Value,
    lower_limit: Value | None = None,
) -> GuardBand:
    """Return overkill and escapes of a test limit set inside the specified limit.

    Parameters
    ----------
    mean, sigma
        μ and s > 0 of the parameter over the units, in its own unit.
    limit
        Upper limit L of the specification, same unit. (A lower limit alone: change all signs.)
    error_sigma
        Standard deviation σ of the measurement, same unit. Zero measures exactly.
    band
        g, how far the test limit stands inside the limit, same unit. Negative: outside.
    lower_limit
        Second limit; the same band stands inside it. ``None``: one-sided.

    Returns
    -------
    GuardBand
        Shares of the units tested.

    Raises
    ------
    CaseError
        An argument is out of its range, the limits leave nothing between them, a distance is
        beyond 1e100·s, or so far out that no unit is good or none passes in double precision.

    Notes
    -----
    The model of [2]_ by the sum of the module docstring; 480 points for each element and limit.
    Left out: repeatable measurement offsets (shift ``band``), lots of different mean.

    Examples
    --------
    Limit at 2 s, measurement four times finer than the limit, no band, then a band of 1.5 σ:

    >>> for g in (0.0, 0.75):
    ...     found = guard_band(0.0, 1.0, 2.0, error_sigma=0.5, band=g)
    ...     print(round(found.overkill_frac, 5), round(found.escape_frac, 5))
    0.02026 0.00619
    0.10958 0.00055
    """
    check(
        ("mean", mean, "(-inf, inf)"),
        ("sigma", sigma, "(0, inf)"),
        ("limit", limit, "(-inf, inf)"),
        ("error_sigma", error_sigma, "[0, inf)"),
        ("band", band, "(-inf, inf)"),
        ("lower_limit", limit if lower_limit is None else lower_limit, "(-inf, inf)"),
    )
    least = 2.0 * np.maximum(band, 0.0)
    if lower_limit is not None and np.any(np.asarray(limit - lower_limit <= least)):
        raise CaseError(Fault("the limits leave nothing between them", "band", band))
    noise, inside, upper = _spreads(sigma, error_sigma, band, limit - mean)
    if lower_limit is None:
        found = _one_sided(upper, inside, noise)
    else:
        found = _two_sided(upper, _spreads(sigma, mean - lower_limit)[0], inside, noise)
    for key, share in (("good", found.good_frac), ("passed", found.pass_frac)):
        if np.any(np.asarray(share) <= 0.0):
            raise CaseError(Fault(f"so far out that no unit is {key}", "limit", limit))
    return found


def _spreads(sigma: Value, *distances: Value) -> list[_Floats]:
    """Distances in units of the spread."""
    with np.errstate(over="ignore"):
        ratios = [np.asarray(distance / np.asarray(sigma, float)) for distance in distances]
    if not all(np.all(np.abs(ratio) <= _FARTHEST) for ratio in ratios):
        raise CaseError("a limit, the band or the error is more than 1e100 times sigma away")
    return ratios


def _one_sided(h: _Floats, inside: _Floats, noise: _Floats) -> GuardBand:
    """Limit h, band and noise in units of s."""
    radius = np.hypot(1.0, noise)
    k = (h - inside) / radius
    gap = (inside + h * noise * (noise / (1.0 + radius))) / radius  # h − k, no near equals
    shared = _shared(h, k, gap, noise)
    overkill = np.maximum(between(k, h), 0.0) + shared
    escape = np.maximum(between(h, k), 0.0) + shared
    return GuardBand(below(h)[()], below(k)[()], overkill[()], escape[()])


def _two_sided(upper: _Floats, lower: _Floats, inside: _Floats, noise: _Floats) -> GuardBand:
    """Both limits as distances from the mean, outwards.

    Each limit alone, less the units with x beyond one limit and m beyond the other: bad for the far
    limit (no overkill), or rejected by it (no escape).
    """
    radius = np.hypot(1.0, noise)
    overkill, escape = np.zeros(()), np.zeros(())
    for near, far in ((upper, lower), (lower, upper)):
        side = _one_sided(near, inside, noise)
        k = (inside - far) / radius
        corner = np.maximum(between(near, k), 0.0) + _shared(near, k, near - k, noise)
        overkill = overkill + side.overkill_frac - corner
        escape = escape + side.escape_frac - corner
    good = between(-lower, upper)
    passed = between((inside - lower) / radius, (upper - inside) / radius)
    return GuardBand(good[()], passed[()], overkill[()], escape[()])


def _graded_rule() -> tuple[_Floats, _Floats]:
    """Points and weights on [0, 1], in 16 panels that shrink by 8 towards 0."""
    points, weights = np.polynomial.legendre.leggauss(30)
    high = 8.0 ** -np.arange(16.0)[:, None]
    half = (high - np.append(high[1:], [[0.0]], axis=0)) / 2.0
    return (high - half + half * points).ravel(), (half * weights).ravel()


_POINTS, _WEIGHTS = _graded_rule()


def _shared(h: _Floats, k: _Floats, gap: _Floats, noise: _Floats) -> _Floats:
    """J of the module docstring: what noise moves over the limits, equally both ways."""
    span = np.arctan(noise)[..., None]
    psi = span * _POINTS
    sine = np.where(psi > 0.0, np.sin(psi), 1.0)
    with np.errstate(over="ignore"):  # a noise so small that it moves nothing over this gap
        steep = (gap[..., None] / sine) ** 2 / 2.0
    exponent = steep + (h * k)[..., None] / (1.0 + np.cos(psi))
    area: _Floats = (np.exp(-exponent) * (span * _WEIGHTS)).sum(axis=-1) / (2.0 * math.pi)
    return area


@dataclass(frozen=True, slots=True)
class Retest:
    """What retesting the failed units comes to; scalar or (n,) array.

    Parameters
    ----------
    runs_per_unit, pass_frac
        Mean runs of a unit tested, and share of the units that pass in the end. [runs], [0…1]
    overkill_frac, coverage_frac
        Share of the good units lost, and of the bad units caught, in the end. [0…1]
    """

    runs_per_unit: Value
    pass_frac: Value
    overkill_frac: Value
    coverage_frac: Value


def expected_touches(
    bad_frac: Value,
    *,
    coverage_frac: Value,
    overkill_frac: Value,
    retests: int,
    intermittent_bad_frac: Value = 0.0,
    intermittent_overkill_frac: Value = 1.0,
) -> Retest:
    """Return runs, overkill and coverage when a failed unit is tested again up to r times.

    Parameters
    ----------
    bad_frac, coverage_frac, overkill_frac
        Share of bad units; chance that a run fails a bad unit, and a good one. [0…1]
    retests
        r, further runs of a unit while it fails; the first pass ends it. [runs]
    intermittent_bad_frac, intermittent_overkill_frac
        Share of the bad, of the good units whose every run is drawn afresh (contacts); the others
        repeat their first result. [0…1]

    Returns
    -------
    Retest
        Per unit tested.

    Raises
    ------
    CaseError
        An argument is out of its range.

    Notes
    -----
    A chance p with share u drawn afresh stays failed with u·p^(r+1) + (1−u)·p, after
    1 + u·(p + … + p^r) + (1−u)·r·p runs. Here c is the chance that a *bad unit* is caught
    (``bad_die_detection``), not a share of fault mass: they agree for units of one fault.

    Examples
    --------
    >>> found = expected_touches(0.1, coverage_frac=0.9, overkill_frac=0.02, retests=1)
    >>> round(found.overkill_frac, 6), found.coverage_frac, round(found.runs_per_unit, 4)
    (0.0004, 0.9, 1.108)
    """
    check(
        ("bad_frac", bad_frac, "[0, 1]"),
        ("coverage_frac", coverage_frac, "[0, 1]"),
        ("overkill_frac", overkill_frac, "[0, 1]"),
        ("retests", retests, 0),
        ("intermittent_bad_frac", intermittent_bad_frac, "[0, 1]"),
        ("intermittent_overkill_frac", intermittent_overkill_frac, "[0, 1]"),
    )
    caught, bad_runs = _stubborn(coverage_frac, intermittent_bad_frac, retests)
    lost, good_runs = _stubborn(overkill_frac, intermittent_overkill_frac, retests)
    good_frac = 1.0 - bad_frac
    return Retest(
        runs_per_unit=good_frac * good_runs + bad_frac * bad_runs,
        pass_frac=good_frac * (1.0 - lost) + bad_frac * (1.0 - caught),
        overkill_frac=lost,
        coverage_frac=caught,
    )


def _stubborn(chance: Value, afresh: Value, retests: int) -> tuple[Value, Value]:
    """Chance to fail every run, and mean runs."""
    again = chance * sum(chance**run for run in range(retests))  # p + … + p^r
    fails = afresh * chance ** (retests + 1) + (1.0 - afresh) * chance
    return fails, 1.0 + afresh * again + (1.0 - afresh) * retests * chance
