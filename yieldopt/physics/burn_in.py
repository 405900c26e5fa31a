r"""Burn-in: early life by a Weibull law, acceleration by heat and voltage, what burn-in removes.

Times are hours at use conditions; t_b hours of burn-in age a unit by a = AF·t_b. The early-life
faults of a unit surface at ages of cumulative mean Λ(t) = (t/η)^β, so a unit is alive at t with
chance e^(−Λ(t)). Wear-out and the yield loss of the burn-in equipment are not here.

References
----------
.. [1] W. Weibull, "A statistical distribution function of wide applicability", Journal of Applied
   Mechanics 18, 1951.
.. [2] JEDEC JEP122, "Failure mechanisms and models for semiconductor devices": Arrhenius and
   exponential voltage acceleration. Boltzmann's constant: CODATA 2018.
.. [3] T. S. Barnett, A. D. Singh, V. P. Nelson, "Burn-in failures and local region yield: an
   integrated yield-reliability model", VLSI Test Symposium, 2001 (recalled, page not re-read).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from yieldopt.errors import CaseError
from yieldopt.physics.arguments import check
from yieldopt.physics.yields import Value

BOLTZMANN_EV_PER_K = 8.617333262e-5


@dataclass(frozen=True, slots=True)
class BurnIn:
    """What a burn-in does to the field failures of its units; scalar or (n,) array.

    Parameters
    ----------
    fallout_frac
        Share of the units that fail in burn-in. [0…1]
    fail_frac_before, fail_frac_after
        Share that fails within the field time, without burn-in and of those that pass it. [0…1]
    class_mean, coverage_frac
        Faults that surface by age a + t, and the share of them that burn-in finds: [faults], [0…1].
    field_mean, field_coverage_frac, overkill_frac
        The same burn-in on a class of fixed mean Λ(t) [faults]: the net share of it that burn-in
        takes away, and the overkill that makes up the fallout. [0…1]
    """

    fallout_frac: Value
    fail_frac_before: Value
    fail_frac_after: Value
    class_mean: Value
    coverage_frac: Value
    field_mean: Value
    field_coverage_frac: Value
    overkill_frac: Value


def acceleration(
    use_k: Value,
    stress_k: Value,
    activation_ev: Value,
    *,
    use_v: Value = 0.0,
    stress_v: Value = 0.0,
    gamma_per_v: Value = 0.0,
) -> Value:
    """Return how many hours of use one hour of stress stands for.

    Parameters
    ----------
    use_k, stress_k
        Junction temperatures T_u and T_s. [K] Above 0.
    activation_ev
        Activation energy E_a of the failure mechanism. [eV]
    use_v, stress_v
        Supply voltages V_u and V_s. [V]
    gamma_per_v
        Voltage acceleration γ. [1/V] Zero: heat alone.

    Returns
    -------
    float or (n,) array
        Acceleration factor, 1 at equal conditions, below 1 for a milder stress than use.

    Raises
    ------
    CaseError
        An argument is out of its range, or the factor is too large for a number.

    Notes
    -----
    AF = exp(E_a/k·(1/T_u − 1/T_s) + γ·(V_s − V_u)) [2]_: one mechanism, no synergy of the two.

    Examples
    --------
    0.7 eV, from 55 °C to 125 °C:

    >>> round(float(acceleration(328.15, 398.15, 0.7)), 1)
    77.6
    """
    check(
        ("use_k", use_k, "(0, inf)"),
        ("stress_k", stress_k, "(0, inf)"),
        ("activation_ev", activation_ev, "[0, inf)"),
        ("use_v", use_v, "(-inf, inf)"),
        ("stress_v", stress_v, "(-inf, inf)"),
        ("gamma_per_v", gamma_per_v, "[0, inf)"),
    )
    with np.errstate(over="ignore", invalid="ignore"):
        heat = activation_ev / BOLTZMANN_EV_PER_K * ((stress_k - use_k) / use_k / stress_k)
        factor: Value = np.exp(heat + gamma_per_v * (stress_v - use_v))
    if not np.all(np.isfinite(factor)):
        raise CaseError("the acceleration factor is too large for a number")
    return factor


def weibull_mean(hours: Value, *, eta_h: Value, beta: Value) -> Value:
    """Return the mean number of early-life faults that surface by an age: Λ(t) = (t/η)^β [1]_.

    Parameters
    ----------
    hours
        Age at use conditions. [h] Zero gives 0.
    eta_h
        Scale η, the age of one fault a unit. [h] Above 0.
    beta
        Shape β. [-] Above 0; below 1 the rate falls with age.

    Returns
    -------
    float or (n,) array
        Mean of the early-life fault class of a unit in the field for ``hours``. [faults]

    Raises
    ------
    CaseError
        An argument is out of its range.

    Examples
    --------
    >>> round(float(weibull_mean(8760.0, eta_h=1e9, beta=0.5)), 5)
    0.00296
    """
    check(("hours", hours, "[0, inf)"), ("eta_h", eta_h, "(0, inf)"), ("beta", beta, "(0, inf)"))
    return np.power(hours / eta_h, beta)


def weibull_fail_frac(hours: Value, *, eta_h: Value, beta: Value) -> Value:
    """Return the share of units that have failed by an age: F(t) = 1 − e^(−Λ(t)) [1]_.

    Parameters
    ----------
    hours, eta_h, beta
        As in :func:`weibull_mean`. [h], [h], [-]

    Returns
    -------
    float or (n,) array
        Failed share of the units. [0…1]

    Raises
    ------
    CaseError
        An argument is out of its range.

    Examples
    --------
    >>> round(float(weibull_fail_frac(1000.0, eta_h=1000.0, beta=0.4)), 4)
    0.6321
    """
    return -np.expm1(-weibull_mean(hours, eta_h=eta_h, beta=beta))


def early_life_removed(
    hours: Value, *, acceleration_factor: Value, eta_h: Value, beta: Value, field_h: Value
) -> BurnIn:
    """Return what a burn-in removes of the failures of early life.

    Parameters
    ----------
    hours
        Length of the burn-in t_b. [h] Zero removes nothing.
    acceleration_factor
        Hours of use per hour of burn-in, see :func:`acceleration`. [h/h]
    eta_h, beta
        Scale and shape of early life. [h], [-] The shape is at most 1.
    field_h
        Field time t that counts (warranty, life). [h] Above 0.

    Returns
    -------
    BurnIn
        Fallout, failures before and after, and the burn-in as a test of a fault class.

    Raises
    ------
    CaseError
        An argument is out of its range, or a mean is too large or small for a number.

    Notes
    -----
    After burn-in [F(a+t) − F(a)]/[1 − F(a)] = 1 − e^(−(Λ(a+t) − Λ(a))), a = AF·t_b.

    As a test: a fault is harmful if it surfaces by age a + t, and found if by age a. So the fault
    mass is Λ(a+t), not Λ(t), and the coverage is Λ(a)/Λ(a+t) = (a/(a+t))^β. That mass grows with
    the burn-in, which moves faults of ages t to a + t into the field time. To compare levels of
    burn-in (or none) on one class, take its fixed mean Λ(t), the coverage net of those faults,
    1 − (Λ(a+t) − Λ(a))/Λ(t), and the overkill 1 − e^(−(Λ(a+t) − Λ(t))). Both readings pass
    e^(−Λ(a)) of the units and ship the same failures under the Poisson law; clustering between
    units is left out.

    Examples
    --------
    48 h at an acceleration of 78, ten years in the field:

    >>> found = early_life_removed(
    ...     48.0, acceleration_factor=78.0, eta_h=1e9, beta=0.4, field_h=87_600.0)
    >>> [round(1e6 * x) for x in (found.fail_frac_before, found.fail_frac_after)]
    [23542, 17323]
    >>> [round(float(x), 4) for x in (found.coverage_frac, found.field_coverage_frac)]
    [0.2787, 0.2665]
    """
    check(
        ("hours", hours, "[0, inf)"),
        ("acceleration_factor", acceleration_factor, "(0, inf)"),
        ("eta_h", eta_h, "(0, inf)"),
        ("beta", beta, "(0, 1]"),
        ("field_h", field_h, "(0, inf)"),
    )
    with np.errstate(over="ignore", under="ignore"):
        age = np.asarray(hours * acceleration_factor, float)
        field = np.asarray(field_h, float)
        class_mean = np.power((age + field) / eta_h, beta)
        field_mean = np.power(field / eta_h, beta)
    if not np.all(np.isfinite(class_mean) & (field_mean > 0.0)):
        raise CaseError("the ages are too large or too small for numbers, measured in eta_h")
    with np.errstate(divide="ignore", over="ignore"):  # no burn-in: ln 0 and e^(−∞) are meant
        from_age = -class_mean * np.expm1(-beta * np.log1p(field / age))
        from_field = -class_mean * np.expm1(-beta * np.log1p(age / field))
        coverage = np.exp(-beta * np.log1p(field / age))
    return BurnIn(
        fallout_frac=-np.expm1(-np.power(age / eta_h, beta)),
        fail_frac_before=-np.expm1(-field_mean),
        fail_frac_after=-np.expm1(-from_age),
        class_mean=class_mean,
        coverage_frac=coverage,
        field_mean=field_mean,
        field_coverage_frac=1.0 - from_age / field_mean,
        overkill_frac=-np.expm1(-from_field),
    )


def latent_mean(killer_mean: Value, ratio: Value) -> Value:
    """Return the mean of latent faults from that of the faults that kill at once.

    Parameters
    ----------
    killer_mean
        Mean λ of the faults that testing sees. [faults]
    ratio
        κ, latent faults per killing fault. [-] About 0.01 to 0.02 [3]_; larger near bad dies, which
        this mean leaves out.

    Returns
    -------
    float or (n,) array
        κ·λ; under the Poisson law the reliability yield is Y^κ. [faults]

    Raises
    ------
    CaseError
        An argument is negative or not finite.

    Examples
    --------
    >>> latent_mean(0.5, 0.02)
    0.01
    """
    check(("killer_mean", killer_mean, "[0, inf)"), ("ratio", ratio, "[0, inf)"))
    return ratio * killer_mean
