r"""Time and money of a test: sites, touchdowns, probe cards, fleets, and a peer's staged formulas.

What a test finds is not here; retests: :func:`yieldopt.physics.guard_band.expected_touches`.

References
----------
.. [1] J. Rivoir, "Lowering cost of test: parallel test or low-cost ATE?", Asian Test Symposium,
   2003 (abstract read; the multi-site formula is recalled).
.. [2] google/chiplets-cost-model, commit 2cbd30c, Apache-2.0, baseline and its unit tests; cited as
   ``wafer_sort_ATE_rate``, ``final_test_ATE_rate`` and ``SLT_tester_rate`` in models/sources.toml.
"""

from __future__ import annotations

import numpy as np

from yieldopt.physics.arguments import check
from yieldopt.physics.yields import Value

_S_PER_H = 3600.0
_ROUNDING = 1e-12  # 1/(1 − 0.9) is 10.000000000000002: no further touchdown


def seconds_per_unit(
    test_s: Value, *, index_s: Value = 0.0, sites: int = 1, multi_site_efficiency: Value = 1.0
) -> Value:
    """Return the tester seconds of one run of one unit.

    Parameters
    ----------
    test_s, index_s
        Test time t₁ of a unit alone; time to move to the next units, once for all sites. [s]
    sites, multi_site_efficiency
        Units N tested at once, all sites filled; MSE: 1 tests N units in the time of one, 0 one
        after the other. [units], [0…1]

    Returns
    -------
    float or (n,) array
        (t_N + index)/N with t_N = t₁·(1 + (N−1)(1−MSE)) [1]_. [s per unit and run]

    Raises
    ------
    CaseError
        An argument is out of its range.

    Examples
    --------
    >>> round(seconds_per_unit(90.0, index_s=2.0, sites=4, multi_site_efficiency=0.9), 2)
    29.75
    """
    check(
        ("test_s", test_s, "[0, inf)"),
        ("index_s", index_s, "[0, inf)"),
        ("sites", sites, 1),
        ("multi_site_efficiency", multi_site_efficiency, "[0, 1]"),
    )
    return (test_s * (1.0 + (sites - 1) * (1.0 - multi_site_efficiency)) + index_s) / sites


def units_per_hour(run_s: Value) -> Value:
    """Return the throughput of a tester: 3600 over the seconds of one run of one unit [s] > 0.

    Examples
    --------
    >>> units_per_hour(30.0)
    120.0
    """
    check(("run_s", run_s, "(0, inf)"))
    return _S_PER_H / run_s


def touchdowns(dies: int, sites: int = 1, edge_loss_frac: Value = 0.0) -> Value:
    """Return how often a probe card touches a wafer to reach every die once.

    Parameters
    ----------
    dies, sites, edge_loss_frac
        Dies of the wafer; dies under the card; share of the sites beside the wafer. [0…1)

    Returns
    -------
    float or (n,) array
        ⌈dies/(sites·(1 − loss))⌉, whole. [touchdowns per wafer]

    Raises
    ------
    CaseError
        An argument is out of its range.

    Examples
    --------
    >>> touchdowns(64, 8, 0.2).item()
    10.0
    """
    check(("dies", dies, 1), ("sites", sites, 1), ("edge_loss_frac", edge_loss_frac, "[0, 1)"))
    return np.ceil(dies / (sites * (1.0 - edge_loss_frac)) * (1.0 - _ROUNDING))


def probe_card_usd_per_touchdown(card_usd: Value, life_touchdowns: Value) -> Value:
    """Return the price of a probe card (no public source) over its life [USD, touchdowns > 0].

    Examples
    --------
    >>> probe_card_usd_per_touchdown(150_000.0, 500_000)
    0.3
    """
    check(("card_usd", card_usd, "[0, inf)"), ("life_touchdowns", life_touchdowns, "(0, inf)"))
    return card_usd / life_touchdowns


def probe_card_usd_per_die(
    usd_per_touchdown: Value, dies: int, sites: int = 1, edge_loss_frac: Value = 0.0
) -> Value:
    """Return the share of a probe card in one run of one die. [USD per die and run]

    Touchdowns over dies as in :func:`touchdowns`: card/(life·sites) when no site is ever lost.

    Examples
    --------
    >>> round(probe_card_usd_per_die(0.3, 60, 8).item(), 6)
    0.04
    """
    check(
        ("usd_per_touchdown", usd_per_touchdown, "[0, inf)"),
        ("dies", dies, 1),
        ("sites", sites, 1),
        ("edge_loss_frac", edge_loss_frac, "[0, 1)"),
    )
    return usd_per_touchdown * touchdowns(dies, sites, edge_loss_frac) / dies


def usd_per_unit(
    run_s: Value,
    usd_per_h: Value,
    *,
    runs_per_unit: Value = 1.0,
    pass_frac: Value = 1.0,
    fail_time_frac: Value = 1.0,
    sites: int = 1,
) -> Value:
    """Return the cost of testing one unit, retests and stop on fail included.

    Parameters
    ----------
    run_s, usd_per_h
        Seconds of a full run of one unit (:func:`seconds_per_unit`); tester rate. [s], [USD/h]
    runs_per_unit, pass_frac
        Mean runs R of a unit, at least 1; share that passes in the end. [runs], [0…1]
    fail_time_frac, sites
        f, share of the run after which a failing run stops (1: no stop on fail); units N tested at
        once: a touchdown stops early only if all N fail. [0…1], [units]

    Returns
    -------
    float or (n,) array
        Cost per unit that enters the test. [USD]

    Raises
    ------
    CaseError
        An argument is out of its range.

    Notes
    -----
    A share q = 1 − pass/R of the runs fails: rate·s·R·(1 − q^N·(1−f)), which for N = 1 is
    rate·s·(pass + f·(R − pass)). Sites fail independently; every failing run stops at the same f.

    Examples
    --------
    >>> round(usd_per_unit(30.0, 200.0), 4)
    1.6667
    """
    check(
        ("run_s", run_s, "[0, inf)"),
        ("usd_per_h", usd_per_h, "[0, inf)"),
        ("runs_per_unit", runs_per_unit, "[1, inf)"),
        ("pass_frac", pass_frac, "[0, 1]"),
        ("fail_time_frac", fail_time_frac, "[0, 1]"),
        ("sites", sites, 1),
    )
    failing = 1.0 - pass_frac / runs_per_unit
    charged = runs_per_unit * (1.0 - failing**sites * (1.0 - fail_time_frac))
    return usd_per_h / _S_PER_H * run_s * charged


def needed_testers(
    units: Value, run_s: Value, *, hours: Value, utilisation_frac: Value, runs_per_unit: Value = 1.0
) -> Value:
    """Return the testers that a volume of units keeps busy.

    Parameters
    ----------
    units, run_s, runs_per_unit
        Units that enter the test in the period; as in :func:`usd_per_unit`. [units], [s], [runs]
    hours, utilisation_frac
        Hours of the period, and the share of them in which a tester tests. [h], (0…1]

    Returns
    -------
    float or (n,) array
        units·runs·s/(3600·hours·utilisation), not rounded up. [testers]

    Raises
    ------
    CaseError
        An argument is out of its range.

    Examples
    --------
    >>> round(needed_testers(120_000, 180.0, hours=720.0, utilisation_frac=0.8), 4)
    10.4167
    """
    check(
        ("units", units, "[0, inf)"),
        ("run_s", run_s, "[0, inf)"),
        ("hours", hours, "(0, inf)"),
        ("utilisation_frac", utilisation_frac, "(0, 1]"),
        ("runs_per_unit", runs_per_unit, "[1, inf)"),
    )
    return units * runs_per_unit * run_s / (_S_PER_H * hours * utilisation_frac)


def google_final_test_usd(
    yield_frac: Value,
    sort_frac: Value,
    final_frac: Value,
    *,
    usd_per_h: Value,
    test_s: Value,
    insertions: Value,
    retests: Value,
) -> Value:
    """Return the peer's cost of final test [2]_, to compare with; its retests are not ours.

    Parameters
    ----------
    yield_frac, sort_frac, final_frac
        Yield Y of the die, coverage x_ws of wafer sort and x_ft of final test. [0…1]
    usd_per_h, test_s, insertions, retests
        Tester and handler together; seconds d of each of n insertions; r. [USD/h], [s], [-], [-]

    Returns
    -------
    float or (n,) array
        rate·(n·d + (1 − Y·(x_ws − x_ft))·r·d). [USD per unit]

    Raises
    ------
    CaseError
        An argument is out of its range.

    Examples
    --------
    >>> rates = {"usd_per_h": 500.0, "test_s": 25.0, "insertions": 1, "retests": 0}
    >>> round(google_final_test_usd(0.8, 0.8, 0.9, **rates), 3)
    3.472
    """
    check(
        ("yield_frac", yield_frac, "[0, 1]"),
        ("sort_frac", sort_frac, "[0, 1]"),
        ("final_frac", final_frac, "[0, 1]"),
        ("usd_per_h", usd_per_h, "[0, inf)"),
        ("test_s", test_s, "[0, inf)"),
        ("insertions", insertions, "[0, inf)"),
        ("retests", retests, "[0, inf)"),
    )
    share = 1.0 - yield_frac * (sort_frac - final_frac)
    return usd_per_h / _S_PER_H * test_s * (insertions + share * retests)


def google_wafer_sort_usd(yield_frac: Value, sort_frac: Value, **rates: Value) -> Value:
    """Return the peer's cost of wafer sort [2]_: rate·(d·n + (1 − Y·x)·d·r) [USD per die].

    The final test's formula and keywords, with x_ft = 0. The retested share 1 − Y·x is neither the
    failing share of the dies nor the passing one.

    Examples
    --------
    >>> rates = {"usd_per_h": 200.0, "test_s": 15.0, "insertions": 2, "retests": 2}
    >>> round(google_wafer_sort_usd(0.7, 0.8, **rates), 3)
    2.4
    """
    return google_final_test_usd(yield_frac, sort_frac, 0.0, **rates)


def google_slt_usd(yield_frac: Value, final_frac: Value, usd_per_h: Value, test_s: Value) -> Value:
    """Return the peer's cost of system-level test [2]_: rate·d·(Y + (1−Y)(1−x_ft)) [USD per unit].

    Arguments as in :func:`google_final_test_usd`; the factor is the share that passes final test.

    Examples
    --------
    >>> round(google_slt_usd(0.8, 0.9, usd_per_h=110.0, test_s=360.0), 3)
    9.02
    """
    rate = google_final_test_usd(
        yield_frac, 0.0, final_frac, usd_per_h=usd_per_h, test_s=test_s, insertions=1, retests=0
    )
    return rate * (1.0 - (1.0 - yield_frac) * final_frac)
