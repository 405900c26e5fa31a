r"""Coverage against test time, coverage of two temperatures, cost of returns.

The curve is fitted to nothing here: T_max and τ are inputs. What a coverage does to yield and
escapes is not here either (see :mod:`yieldopt.physics.yields`).

References
----------
.. [1] The saturating curve is assumed: no source gives a coverage curve of an advanced package.
   models/insertions/final_test.toml uses it with τ = 39 s.
.. [2] S. Mitra et al., IEEE Design & Test, 2025, arXiv 2508.01786: escapes in data centres are at
   least 10 times the target (no cost of a return is given).
"""

from __future__ import annotations

import numpy as np

from yieldopt.errors import CaseError, Fault
from yieldopt.physics.arguments import check
from yieldopt.physics.yields import Value

_SHARES_SUM = 1e-12  # shares written in decimals may sum to a little more than 1


def coverage_after(seconds: Value, *, max_coverage_frac: Value, tau_s: Value) -> Value:
    """Return the coverage that a test of given length reaches.

    Parameters
    ----------
    seconds
        Test time. [s] Zero gives a coverage of 0.
    max_coverage_frac
        T_max, what no time goes beyond. [0…1]
    tau_s
        Time constant τ of the programme. [s] Above 0.

    Returns
    -------
    float or (n,) array
        Coverage of the fault mass. [0…1]

    Raises
    ------
    CaseError
        An argument is out of its range.

    Notes
    -----
    T(t) = T_max·(1 − e^(−t/τ)) [1]_: each second finds the same share of what is left.

    Examples
    --------
    >>> round(float(coverage_after(180.0, max_coverage_frac=1.0, tau_s=39.0)), 4)
    0.9901
    """
    check(
        ("seconds", seconds, "[0, inf)"),
        ("max_coverage_frac", max_coverage_frac, "[0, 1]"),
        ("tau_s", tau_s, "(0, inf)"),
    )
    return -max_coverage_frac * np.expm1(-seconds / tau_s)


def seconds_for(coverage_frac: Value, *, max_coverage_frac: Value, tau_s: Value) -> Value:
    """Return the test time that reaches a coverage: the inverse of :func:`coverage_after`.

    Parameters
    ----------
    coverage_frac
        Coverage of the fault mass, below ``max_coverage_frac``. [0…1]
    max_coverage_frac, tau_s
        As in :func:`coverage_after`. [0…1], [s]

    Returns
    -------
    float or (n,) array
        Test time −τ·ln(1 − T/T_max). [s]

    Raises
    ------
    CaseError
        An argument is out of its range, or no time reaches the coverage.

    Examples
    --------
    >>> round(float(seconds_for(0.995, max_coverage_frac=1.0, tau_s=39.0)), 1)
    206.6
    """
    _check_reachable(coverage_frac, max_coverage_frac, tau_s)
    return -tau_s * np.log1p(-coverage_frac / max_coverage_frac)


def usd_per_coverage(
    coverage_frac: Value, *, max_coverage_frac: Value, tau_s: Value, usd_per_h: Value
) -> Value:
    """Return what one more unit of coverage costs in test time at the margin.

    Parameters
    ----------
    coverage_frac, max_coverage_frac, tau_s
        As in :func:`seconds_for`. [0…1], [0…1], [s]
    usd_per_h
        Price of an hour of test time. [USD/h]

    Returns
    -------
    float or (n,) array
        d(cost of a run)/d(coverage), rising without limit towards T_max. [USD per 1 of coverage]

    Raises
    ------
    CaseError
        An argument is out of its range, or no time reaches the coverage.

    Notes
    -----
    dt/dT = τ/(T_max − T): convex, so the least cost has one optimum along a single curve.

    Examples
    --------
    One percent more at 0.99, with a tester of 500 USD/h:

    >>> args = {"max_coverage_frac": 1.0, "tau_s": 39.0, "usd_per_h": 500.0}
    >>> round(0.01 * usd_per_coverage(0.99, **args), 2)
    5.42
    """
    _check_reachable(coverage_frac, max_coverage_frac, tau_s, usd_per_h)
    return usd_per_h / 3600.0 * tau_s / (max_coverage_frac - coverage_frac)


def _check_reachable(
    coverage_frac: Value, max_coverage_frac: Value, tau_s: Value, usd_per_h: Value = 0.0
) -> None:
    """Refuse bad ranges, then coverages that no time reaches."""
    check(
        ("coverage_frac", coverage_frac, "[0, 1]"),
        ("max_coverage_frac", max_coverage_frac, "[0, 1]"),
        ("tau_s", tau_s, "(0, inf)"),
        ("usd_per_h", usd_per_h, "[0, inf)"),
    )
    if np.any(np.asarray(coverage_frac) >= np.asarray(max_coverage_frac)):
        text = "must be below max_coverage_frac, which no time reaches"
        raise CaseError(Fault(text, "coverage_frac", coverage_frac))


def hot_and_cold(
    hot_coverage_frac: Value,
    cold_coverage_frac: Value,
    *,
    common_frac: Value,
    hot_only_frac: Value = 0.0,
    cold_only_frac: Value = 0.0,
) -> Value:
    """Return the coverage of the fault mass by a hot and a cold insertion together.

    Parameters
    ----------
    hot_coverage_frac, cold_coverage_frac
        c_h and c_c: coverage of each insertion on the faults that it can see. [0…1]
    common_frac
        Share s of the fault mass that both see with the same patterns: nested there. [0…1]
    hot_only_frac, cold_only_frac
        Shares u and v that show at one temperature only; the other insertion is blind. [0…1]

    Returns
    -------
    float or (n,) array
        Coverage of the whole mass. [0…1]

    Raises
    ------
    CaseError
        An argument is out of its range, or the shares sum to more than 1.

    Notes
    -----
    s·max(c_h, c_c) + u·c_h + v·c_c + (1−s−u−v)·(1 − (1−c_h)(1−c_c)): in the mass that no share
    names, each finds with its own patterns, independently of the other (union). In a flow the four
    masses are four fault classes; the sum is exact for the mass, and for yields of Poisson law.

    Examples
    --------
    >>> shares = {"common_frac": 0.8, "hot_only_frac": 0.1, "cold_only_frac": 0.1}
    >>> round(hot_and_cold(0.95, 0.9, **shares).item(), 4)
    0.945
    """
    check(
        ("hot_coverage_frac", hot_coverage_frac, "[0, 1]"),
        ("cold_coverage_frac", cold_coverage_frac, "[0, 1]"),
        ("common_frac", common_frac, "[0, 1]"),
        ("hot_only_frac", hot_only_frac, "[0, 1]"),
        ("cold_only_frac", cold_only_frac, "[0, 1]"),
    )
    rest = 1.0 - common_frac - hot_only_frac - cold_only_frac
    if np.any(np.asarray(rest) < -_SHARES_SUM):
        named = "common_frac + hot_only_frac + cold_only_frac"
        raise CaseError(Fault("the shares sum to more than 1", named))
    alone = hot_only_frac * hot_coverage_frac + cold_only_frac * cold_coverage_frac
    union = hot_coverage_frac + cold_coverage_frac * (1.0 - hot_coverage_frac)
    nested = np.maximum(hot_coverage_frac, cold_coverage_frac)
    return common_frac * nested + alone + rest * union


def rma_cost_usd(dppm: Value, rma_usd_per_return: Value, *, returned_frac: Value = 1.0) -> Value:
    """Return the expected cost of returned packages per shipped package.

    Parameters
    ----------
    dppm
        Bad packages per million shipped. [0…10⁶]
    rma_usd_per_return
        Replacement, freight, analysis and penalty of one return. [USD per return]
    returned_frac
        Share of the bad packages that come back. [0…1]

    Returns
    -------
    float or (n,) array
        dppm/10⁶ · returned share · cost of a return. [USD per shipped package]

    Raises
    ------
    CaseError
        An argument is out of its range.

    Notes
    -----
    Divide by the quality for the cost per good package. Left out: returns without a fault, and
    replacements that are bad again (of second order in dppm). No source gives a cost of a return,
    and the dppm in the field may be far above the one aimed at [2]_.

    Examples
    --------
    >>> round(rma_cost_usd(500.0, 40_000.0), 6)
    20.0
    """
    check(
        ("dppm", dppm, "[0, 1000000]"),
        ("rma_usd_per_return", rma_usd_per_return, "[0, inf)"),
        ("returned_frac", returned_frac, "[0, 1]"),
    )
    return dppm * 1e-6 * returned_frac * rma_usd_per_return
