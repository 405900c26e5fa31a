r"""Harvest bins of different value: shares of dies by the number of bad blocks.

A die of M equal blocks carries faults at mean λ, gamma-mixed with shape α or Poisson, that fall
evenly on the blocks, as in :mod:`yieldopt.physics.harvesting` when one test sees everything. The
number of bad blocks sets the bin, and the bin the value. Counting faults first, with p_n the chance
of n faults and Occ_n(k) the chance that n faults fall on exactly k blocks,

    P(k bad blocks) = Σ_n p_n Occ_n(k),   P(more than m) = Σ_n p_n (1 − Σ_{k≤m} Occ_n(k)):

every term is positive, and the tail is built up from what leaves the m blocks, not by subtraction.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from yieldopt.errors import CaseError, Fault
from yieldopt.physics.arguments import faults_of
from yieldopt.physics.yields import Value

_MAX_FAULTS = 50_000  # longest sum over the number of faults
_NEGLIGIBLE = 1e-18  # what is left of the sum, against the scrap found so far
_LEAST_LOG = -700.0  # below it the chance of no fault is not a normal float


def _check(mean: Value, blocks: int, bins: Sequence[int], alpha: float | None) -> None:
    """Refuse bad arguments of `bin_shares`, all at once."""
    faults = faults_of(
        ("mean", mean, "[0, inf)"),
        ("blocks", blocks, 1),
        ("alpha", 1.0 if alpha is None else alpha, "one (0, inf)"),
    )
    whole = len(bins) > 0 and not faults_of(*(("bins", most, 0) for most in bins))
    if not whole or any(a >= b for a, b in itertools.pairwise(bins)):
        faults.append(Fault("must be whole numbers from 0 on, each above the last", "bins", bins))
    elif not faults and bins[-1] >= blocks:
        faults.append(Fault("a die with every block bad is no product", "bins", bins))
    if faults:
        raise CaseError(faults)


def bin_shares(
    mean: Value, *, blocks: int, bins: Sequence[int], alpha: float | None = None
) -> NDArray[np.float64]:
    """Return the share of dies in each bin, the scrap last.

    Parameters
    ----------
    mean
        Mean number of faults of the die, at least 0 [faults], scalar or (n,).
    blocks
        Number M of equal blocks, at least 1.
    bins
        Largest number of bad blocks of each bin, best bin first, rising, below ``blocks``:
        ``(0, 6, 12)`` is no bad block, 1 to 6, 7 to 12; more is scrap.
    alpha
        Clustering of the faults, above 0 [-]; ``None`` for Poisson.

    Returns
    -------
    (bins + 1,) or (n, bins + 1) array
        Shares [-], adding up to 1; each to full relative accuracy.

    Raises
    ------
    CaseError
        Arguments out of range, all named; or a mean beyond the reach of the sum: above 700 faults,
        or about a thousand times alpha.

    Notes
    -----
    See the module's docstring. The shares of the bins up to m add up to the yield of the law
    ``harvest`` with m spares. Law of the faults: C. H. Stapper, "Modeling of integrated circuit
    defect sensitivities", IBM J. Res. Dev. 27(6), 1983.

    Examples
    --------
    144 blocks at 3 faults a die: full, up to 6 off, up to 12 off, scrap.

    >>> bin_shares(3.0, blocks=144, bins=(0, 6, 12), alpha=2.0).round(3).tolist()
    [0.16, 0.739, 0.095, 0.007]
    """
    _check(mean, blocks, bins, alpha)
    edges = [0, *(most + 1 for most in bins)]
    counts = _bad_blocks(np.atleast_1d(np.asarray(mean, float)), blocks, edges[-1] - 1, alpha)
    shares = np.add.reduceat(counts, edges, axis=1)
    return shares[0] if np.ndim(mean) == 0 else shares


def _bad_blocks(
    mean: NDArray[np.float64], blocks: int, most: int, alpha: float | None
) -> NDArray[np.float64]:
    """Return P(k bad blocks) for k = 0 … most, and last P(more), for each mean."""
    rate = mean / alpha if alpha else np.zeros_like(mean)  # λ/α: 0 is Poisson
    log_none = -alpha * np.log1p(rate) if alpha else -mean
    if np.any(log_none < _LEAST_LOG):
        raise CaseError(Fault("nearly every die has hundreds of faults", "mean", float(mean.max())))
    chance, ratio_limit = np.exp(log_none), rate / (1.0 + rate)
    step = mean / (1.0 + rate)
    occupied = np.zeros(most + 2)  # Occ_n(k) for k = 0 … most, and last the tail
    occupied[0] = 1.0
    stay = np.append(np.arange(most + 1) / blocks, 1.0)
    counts = np.zeros((len(mean), most + 2))
    for n in range(_MAX_FAULTS):
        counts += chance[:, None] * occupied
        growth = 1.0 + n / alpha if alpha else 1.0
        ratio = step * growth / (n + 1)  # p_(n+1) / p_n; falls or rises towards its limit
        chance = chance * ratio
        worst = np.maximum(ratio, ratio_limit)
        with np.errstate(divide="ignore", invalid="ignore"):
            left = np.where(worst < 1.0, chance / (1.0 - worst), np.inf)
        if np.all(left <= _NEGLIGIBLE * counts[:, -1]):
            return counts
        moved = occupied * (1.0 - stay)
        occupied = occupied * stay
        occupied[1:] += moved[:-1]
    raise CaseError(Fault("too many times alpha to sum over the faults", "mean", float(mean.max())))


def mean_value_usd(shares: NDArray[np.float64], values_usd: Sequence[float]) -> Value:
    """Return the mean value of a die over its bins.

    Parameters
    ----------
    shares
        Shares of the bins and of the scrap, as :func:`bin_shares` gives them, adding up to 1 [-].
    values_usd
        Value of a die of each bin and, last, of a scrapped die [USD], finite; one below 0 is a
        cost of disposal.

    Returns
    -------
    float or (n,) array
        Mean value for each die made [USD].

    Raises
    ------
    CaseError
        Shares that are none or do not add up to 1, values that are not finite or not one for each
        share, all named.

    Notes
    -----
    Σ share · value.

    Examples
    --------
    >>> mean_value_usd(np.array([0.16, 0.75, 0.08, 0.01]), (1000.0, 800.0, 500.0, 0.0))
    800.0
    """
    faults = _value_faults(shares, values_usd)
    if faults:
        raise CaseError(faults)
    value = np.asarray(shares) @ np.asarray(values_usd, float)
    return value if np.ndim(value) else float(value)


def _value_faults(shares: NDArray[np.float64], values_usd: Sequence[float]) -> list[Fault]:
    """What is wrong with shares and their values."""
    faults = faults_of(("shares", np.ravel(shares), "[0, inf)"))
    faults += faults_of(("values_usd", np.asarray(values_usd), "(-inf, inf)"))
    if not faults and np.any(np.abs(np.atleast_1d(shares).sum(axis=-1) - 1.0) > 1e-9):
        faults.append(Fault("must add up to 1", "shares", shares))
    if np.shape(shares)[-1:] != np.shape(values_usd):
        hint = "give one value for each bin and one for the scrap"
        faults.append(Fault("as many values as shares are needed", "values_usd", values_usd, hint))
    return faults


def value_per_wafer_usd(
    shares: NDArray[np.float64], values_usd: Sequence[float], *, dies_per_wafer: int
) -> Value:
    """Return the value of a wafer of dies that are sold in bins.

    Parameters
    ----------
    shares, values_usd
        As in :func:`mean_value_usd`: shares [-] and values [USD], the scrap last.
    dies_per_wafer
        Whole dies on a wafer, at least 1, as
        :func:`yieldopt.physics.geometry.dies_per_wafer` counts them.

    Returns
    -------
    float or (n,) array
        Mean value of a wafer [USD]; wafers lost whole in the line are not in it.

    Raises
    ------
    CaseError
        As :func:`mean_value_usd`, or ``dies_per_wafer`` is out of range; all named.

    Notes
    -----
    Dies times the mean value, exact also where the faults of a wafer's dies are correlated.

    Examples
    --------
    >>> value_per_wafer_usd(np.array([0.5, 0.3, 0.2]), (900.0, 500.0, 0.0), dies_per_wafer=64)
    38400.0
    """
    faults = faults_of(("dies_per_wafer", dies_per_wafer, 1)) + _value_faults(shares, values_usd)
    if faults:
        raise CaseError(faults)
    return dies_per_wafer * mean_value_usd(shares, values_usd)
