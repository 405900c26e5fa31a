r"""Change over time: defect density learnt, production ramped up, prices eroded.

References
----------
.. [1] T. P. Wright, "Factors affecting the cost of airplanes", J. Aeronaut. Sci. 3(4), 1936.
.. [2] Sources ``D0_risk_production_N5`` and ``D0_N5_N4``: N5 fell from 1.271 to 0.10-0.11 per cm2
   in about 8 months, a halving every 2.2 months if exponential.
.. [3] Source ``brief2026``: a fan-out line of 5,000 wafers a month grows to 10,000 in a year.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from yieldopt.errors import CaseError, Fault
from yieldopt.physics.arguments import check
from yieldopt.physics.yields import Value


def d0_after(months: Value, *, d0_start: Value, d0_final: Value, tau_months: Value) -> Value:
    """Return the defect density after a time of exponential learning.

    Parameters
    ----------
    months
        Time since the start, at least 0 [months].
    d0_start, d0_final
        Defect density at the start and after endless learning, 0 ≤ final ≤ start [faults per area,
        any unit, under one yield law].
    tau_months
        Time constant, above 0 [months]; see :func:`halving_months`.

    Returns
    -------
    float or (n,) array
        Defect density, in the unit of ``d0_start``.

    Raises
    ------
    CaseError
        Arguments out of range, all named; or a final density above that of the start.

    Notes
    -----
    D(t) = D∞ + (D₀ − D∞) e^(−t/τ), written as a mean of the two so that nothing cancels.

    Examples
    --------
    N5 after eight months, at a halving every 2.22 months [2]_:

    >>> round(float(d0_after(8.0, d0_start=1.271, d0_final=0.0, tau_months=2.22 / math.log(2))), 3)
    0.105
    """
    check(
        ("months", months, "[0, inf)"),
        ("d0_start", d0_start, "[0, inf)"),
        ("d0_final", d0_final, "[0, inf)"),
        ("tau_months", tau_months, "(0, inf)"),
    )
    if np.any(np.asarray(d0_final) > d0_start):
        raise CaseError(Fault("must be at most d0_start", "d0_final", d0_final))
    with np.errstate(over="ignore"):  # a time far beyond tau
        lag = -np.asarray(months) / tau_months
    density: Value = (d0_start * np.exp(lag) - d0_final * np.expm1(lag))[()]
    return density


def halving_months(tau_months: Value) -> Value:
    """Return the time in which D0 comes half way to its final value, τ ln 2 [months].

    Parameters
    ----------
    tau_months
        Time constant of :func:`d0_after`, above 0 [months].

    Raises
    ------
    CaseError
        ``tau_months`` out of range.

    Examples
    --------
    >>> round(halving_months(8.0 / math.log(1.271 / 0.105)), 1)
    2.2
    """
    check(("tau_months", tau_months, "(0, inf)"))
    return math.log(2.0) * tau_months


def d0_after_volume(
    volume: Value, *, d0_first: Value, progress_ratio: Value, first_volume: Value = 1.0
) -> Value:
    """Return the defect density after a cumulative volume, by Wright's law.

    Parameters
    ----------
    volume
        Volume made since the beginning, at least ``first_volume`` [wafers or any unit].
    d0_first
        Defect density when ``first_volume`` was reached, at least 0 [faults per area].
    progress_ratio
        Factor on D0 for each doubling of the volume, above 0 and at most 1 [-].
    first_volume
        Volume at which ``d0_first`` holds, above 0 [unit of ``volume``]; if left out, unit one.

    Returns
    -------
    float or (n,) array
        Defect density, in the unit of ``d0_first``.

    Raises
    ------
    CaseError
        Arguments out of range, all named; or a volume below ``first_volume``.

    Notes
    -----
    D = D₁ (n/n₁)^(log₂ b) [1]_; it falls without end, so mind the last volume asked for.

    Examples
    --------
    Three doublings at a progress ratio of 0.8 leave 0.8³:

    >>> round(float(d0_after_volume(8000.0, d0_first=0.5, progress_ratio=0.8,
    ...     first_volume=1000.0)), 3)
    0.256
    """
    check(
        ("volume", volume, "(0, inf)"),
        ("d0_first", d0_first, "[0, inf)"),
        ("progress_ratio", progress_ratio, "(0, 1]"),
        ("first_volume", first_volume, "(0, inf)"),
    )
    if np.any(np.asarray(volume) < first_volume):
        raise CaseError(Fault("must be at least first_volume", "volume", volume))
    doublings = np.log2(volume) - np.log2(first_volume)
    density: Value = (d0_first * np.asarray(np.exp(np.log(progress_ratio) * doublings)))[()]
    return density


def ramp(start: float, end: float, periods: int) -> NDArray[np.float64]:
    """Return the volume of each period of a ramp whose rate grows linearly.

    Parameters
    ----------
    start, end
        Rate at the start of the first and at the end of the last period, at least 0 [units per
        period].
    periods
        Number of periods, at least 1.

    Returns
    -------
    (periods,) array
        Units made in each period.

    Raises
    ------
    CaseError
        Arguments out of range, all named.

    Notes
    -----
    Period k = 0 … n−1 makes start + (end − start)(k+½)/n, all together n (start + end)/2. The
    running total is the volume that :func:`d0_after_volume` takes.

    Examples
    --------
    A line that grows from 5,000 to 10,000 wafers a month over a year [3]_ makes 90,000:

    >>> monthly = ramp(5000.0, 10000.0, 12)
    >>> round(float(monthly[0]), 1), round(float(monthly.sum()), 1)
    (5208.3, 90000.0)
    """
    check(
        ("start", start, "one [0, inf)"),
        ("end", end, "one [0, inf)"),
        ("periods", periods, 1),
    )
    middle = (np.arange(periods) + 0.5) / periods
    return start * (1.0 - middle) + end * middle


def ramp_geometric(start: float, end: float, periods: int) -> NDArray[np.float64]:
    """Return the volume of each period of a ramp whose rate grows by a constant factor.

    Parameters
    ----------
    start, end, periods
        As in :func:`ramp`, but with rates above 0.

    Raises
    ------
    CaseError
        Arguments out of range, all named.

    Notes
    -----
    With g = ln(end/start)/n, period k makes start·e^(gk)·(e^g − 1)/g, taken from the larger end of
    the period; all together n (end − start)/ln(end/start).

    Examples
    --------
    >>> round(float(ramp_geometric(5000.0, 10000.0, 12).sum()))
    86562
    """
    check(
        ("start", start, "one (0, inf)"),
        ("end", end, "one (0, inf)"),
        ("periods", periods, 1),
    )
    growth = (math.log(end) - math.log(start)) / periods
    larger: NDArray[np.float64] = np.exp(growth * (np.arange(periods) + (growth > 0.0))) * start
    return larger * _mean_decay(abs(growth))


def _mean_decay(rate: float) -> float:
    """Mean of e^(−rate·t) over t from 0 to 1."""
    return -math.expm1(-rate) / rate if rate else 1.0


def eroded_price_usd(price_usd: Value, *, annual_frac: Value, years: Value) -> Value:
    """Return a price after years of erosion, price·(1 − f)^years [USD].

    Parameters
    ----------
    price_usd, years
        Price today, at least 0 [USD]; time from today, at least 0 [years].
    annual_frac
        Share f lost in each year, below 1; negative when prices rise [-].

    Raises
    ------
    CaseError
        Arguments out of range, all named.

    Examples
    --------
    >>> round(float(eroded_price_usd(1000.0, annual_frac=0.1, years=2.0)), 2)
    810.0
    """
    check(
        ("price_usd", price_usd, "[0, inf)"),
        ("annual_frac", annual_frac, "(-inf, 1)"),
        ("years", years, "[0, inf)"),
    )
    price: Value = (price_usd * np.asarray(np.exp(years * np.log1p(-np.asarray(annual_frac)))))[()]
    return price


def mean_price_usd(
    price_usd: float, *, annual_frac: float, volumes: NDArray[np.float64], periods_per_year: float
) -> float:
    """Return the mean price [USD] of the units sold over a ramp while the price erodes.

    Parameters
    ----------
    price_usd, annual_frac
        As in :func:`eroded_price_usd`: price at the start of the first period, and its erosion.
    volumes
        Units sold in each period, spread evenly within it, at least 0, some above 0 [units].
    periods_per_year
        Periods in a year, above 0 [1/year].

    Raises
    ------
    CaseError
        Arguments out of range, all named; or nothing sold.

    Notes
    -----
    Σ v_k p_k / Σ v_k, p_k the mean of price·(1−f)^t over period k.

    Examples
    --------
    >>> round(mean_price_usd(1000.0, annual_frac=0.3, volumes=ramp(5e3, 1e4, 12),
    ...     periods_per_year=12.0), 1)
    824.6
    """
    check(
        ("price_usd", price_usd, "one [0, inf)"),
        ("annual_frac", annual_frac, "one (-inf, 1)"),
        ("volumes", volumes, "[0, inf)"),
        ("periods_per_year", periods_per_year, "one (0, inf)"),
    )
    if not np.any(volumes):
        raise CaseError(Fault("nothing is sold", "volumes", volumes))
    decay = -math.log1p(-annual_frac) / periods_per_year
    prices = price_usd * np.exp(-decay * np.arange(np.size(volumes))) * _mean_decay(decay)
    return float(np.sum(volumes * prices) / np.sum(volumes))
