r"""Warpage: bow of a two-layer body, its scrap, and the mean of warpage faults of a larger body.

Two layers that differ in thermal expansion bend when the temperature leaves that of their joining;
the bow grows with the square of the side. How many faults a given bow makes is not known from
first principles: :func:`warpage_mean` is a power law through one known body, and its docstring
says which exponents the bow gives and which are assumed.

References
----------
.. [1] S. Timoshenko, "Analysis of bi-metal thermostats", J. Opt. Soc. Am. 11(3), 1925.
.. [2] G. G. Stoney, "The tension of metallic films deposited by electrolysis", Proc. R. Soc. A
   82(553), 1909.
.. [3] Source ``brief2026``: with ABF substrates of 18 layers or more and large bodies, the yield
   loss from warpage grows faster than linearly.
"""

from __future__ import annotations

import numpy as np

from yieldopt.errors import CaseError
from yieldopt.physics.arguments import check
from yieldopt.physics.normal import below
from yieldopt.physics.yields import Value


def bow_um(
    side_mm: Value,
    *,
    top_um: Value,
    bottom_um: Value,
    top_gpa: Value,
    bottom_gpa: Value,
    cte_mismatch_ppm_per_k: Value,
    temperature_swing_k: Value,
) -> Value:
    """Return the bow of a square two-layer body, from its centre to its corners.

    Parameters
    ----------
    side_mm
        Side of the body, above 0 [mm].
    top_um, bottom_um
        Thickness of the two layers, above 0 [um].
    top_gpa, bottom_gpa
        Effective biaxial moduli E/(1−ν) of the two layers, above 0 [GPa].
    cte_mismatch_ppm_per_k
        Thermal expansion of the bottom layer less that of the top layer [ppm/K].
    temperature_swing_k
        Temperature less the one at which the body is flat; negative when it has cooled [K].

    Returns
    -------
    float or (n,) array
        Bow [um]; positive when the corners stand above the centre, negative when they hang.

    Raises
    ------
    CaseError
        Arguments out of range, all named.

    Notes
    -----
    With layers t₁, t₂ of moduli E₁, E₂, m = t₁/t₂ and n = E₁/E₂ [1]_

        1/R = 6 (t₁+t₂) Δα ΔT / ( t₁ t₂ (n m² + 4m + 6 + 4/m + 1/(n m²)) ),  bow = side² / (4R),

    the corner being side/√2 from the centre. m → 0 is Stoney's film on a plate,
    1/R = 6 E₁ t₁ Δα ΔT / (E₂ t₂²) [2]_. Left out: stiffeners and lids, layers that do not cover
    the whole body, creep, and the stiffening of a plate bent by more than its thickness.

    Examples
    --------
    Silicon 0.775 mm thick on 1.5 mm of build-up substrate, 25 mm square, 200 K below its cure:

    >>> round(float(bow_um(25.0, top_um=775.0, bottom_um=1500.0, top_gpa=181.0, bottom_gpa=31.0,
    ...     cte_mismatch_ppm_per_k=12.0, temperature_swing_k=-200.0)))
    -245
    """
    check(
        ("side_mm", side_mm, "(0, inf)"),
        ("top_um", top_um, "(0, inf)"),
        ("bottom_um", bottom_um, "(0, inf)"),
        ("top_gpa", top_gpa, "(0, inf)"),
        ("bottom_gpa", bottom_gpa, "(0, inf)"),
        ("cte_mismatch_ppm_per_k", cte_mismatch_ppm_per_k, "(-inf, inf)"),
        ("temperature_swing_k", temperature_swing_k, "(-inf, inf)"),
    )
    top, bottom, side_um = np.asarray(top_um), np.asarray(bottom_um), 1e3 * np.asarray(side_mm)
    m = top / bottom
    nm2 = np.asarray(top_gpa) / np.asarray(bottom_gpa) * m * m
    strain = 1e-6 * np.asarray(cte_mismatch_ppm_per_k) * np.asarray(temperature_swing_k)
    stiffness = nm2 + 4.0 * m + 6.0 + 4.0 / m + 1.0 / nm2
    bow: Value = (1.5 * (1.0 / top + 1.0 / bottom) * strain / stiffness * side_um**2)[()]
    return bow


def warpage_scrap_frac(bow_um: Value, limit_um: Value, spread_um: Value) -> Value:
    """Return the chance that a normally spread bow exceeds the coplanarity limit, either way.

    Parameters
    ----------
    bow_um
        Mean bow, either sign [um].
    limit_um
        Largest bow that can be assembled, above 0 [um].
    spread_um
        Standard deviation of the bow over bodies, above 0 [um].

    Returns
    -------
    float or (n,) array
        Share of bodies with |bow| above the limit [-], to full relative accuracy.

    Raises
    ------
    CaseError
        Arguments out of range, all named.

    Notes
    -----
    P(|X| > l) = Φ((b−l)/σ) + Φ((−b−l)/σ) for X normal of mean b and deviation σ.

    Examples
    --------
    >>> round(float(warpage_scrap_frac(60.0, 100.0, 20.0)), 5)
    0.02275
    """
    check(
        ("bow_um", bow_um, "(-inf, inf)"),
        ("limit_um", limit_um, "(0, inf)"),
        ("spread_um", spread_um, "(0, inf)"),
    )
    bow, limit, spread = np.asarray(bow_um), np.asarray(limit_um), np.asarray(spread_um)
    scrap: Value = (below((bow - limit) / spread) + below((-bow - limit) / spread))[()]
    return scrap


def warpage_mean(
    side_mm: Value,
    layers: Value,
    power_w: Value,
    *,
    at_reference: Value,
    reference_side_mm: Value,
    reference_layers: Value,
    reference_power_w: Value,
    side_exponent: Value,
    layer_exponent: Value,
    power_exponent: Value,
) -> Value:
    """Return the mean number of warpage faults of a body, scaled from a reference body.

    Parameters
    ----------
    side_mm, layers, power_w
        Side of the body [mm], build-up layers of its substrate [count], package power [W]; above 0.
    at_reference
        Mean of the reference body, at least 0 [faults].
    reference_side_mm, reference_layers, reference_power_w
        The reference body [mm], [count], [W]; above 0.
    side_exponent, layer_exponent, power_exponent
        Powers in the three ratios, at least 0 [-]; 0 leaves that ratio out.

    Returns
    -------
    float or (n,) array
        Mean [faults]; exactly ``at_reference`` for the reference body.

    Raises
    ------
    CaseError
        Arguments out of range, all named; or a mean too large for a float.

    Notes
    -----
    λ = λ₀ (side/side₀)^a (layers/layers₀)^b (power/power₀)^c.

    Only two exponents have a physical origin, both under the assumption that the mean is
    proportional to the bow: a = 2, since the bow grows with the square of the side
    (:func:`bow_um`), and c = 1 as far as the temperature swing is proportional to the power. b is
    assumed: thicker build-up bends less, but adds copper imbalance and cure shrinkage. An exponent
    above 1 is growth faster than linear in that quantity, which is what is reported for body size
    and for 18 layers and more [3]_.

    Examples
    --------
    A body of 100 mm against one of 70 mm:

    >>> round(float(warpage_mean(100.0, 18.0, 1000.0, at_reference=0.02, reference_side_mm=70.0,
    ...     reference_layers=18.0, reference_power_w=1000.0, side_exponent=2.0,
    ...     layer_exponent=1.5, power_exponent=1.0)), 4)
    0.0408
    """
    check(
        ("side_mm", side_mm, "(0, inf)"),
        ("layers", layers, "(0, inf)"),
        ("power_w", power_w, "(0, inf)"),
        ("at_reference", at_reference, "[0, inf)"),
        ("reference_side_mm", reference_side_mm, "(0, inf)"),
        ("reference_layers", reference_layers, "(0, inf)"),
        ("reference_power_w", reference_power_w, "(0, inf)"),
        ("side_exponent", side_exponent, "[0, inf)"),
        ("layer_exponent", layer_exponent, "[0, inf)"),
        ("power_exponent", power_exponent, "[0, inf)"),
    )
    growth = (
        side_exponent * np.log(side_mm / reference_side_mm)
        + layer_exponent * np.log(layers / reference_layers)
        + power_exponent * np.log(power_w / reference_power_w)
    )
    with np.errstate(over="ignore", invalid="ignore"):
        mean: Value = (at_reference * np.asarray(np.exp(growth)))[()]
    if not np.all(np.isfinite(mean)):
        raise CaseError("the mean of warpage faults is too large for a float")
    return mean
