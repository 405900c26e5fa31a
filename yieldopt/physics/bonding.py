r"""Bonding: bumps with spares, layers of a stack, dies consumed, wafers on wafers.

A joint count becomes a mean number of faults λ with e^(−λ) the yield, so that a step of a flow can
carry it as a fault class. Rework of a failed attach is in :mod:`yieldopt.physics.repair`.

References
----------
.. [1] CATCH libraries (arXiv 2503.15753), ``bond_yield_per_connection`` of the parameter table.
.. [2] Hsieh and Hwang 2012, groups with spares: see :mod:`yieldopt.physics.repair`.
.. [3] M. Taouil, S. Hamdioui, K. Beenakker, E. J. Marinissen, "Test cost analysis for 3D
   die-to-wafer stacking", Asian Test Symposium, 2010 (tests between the layers).
.. [4] ``HBM_layer_yield_MR_MUF`` of the parameter table: 0.9725 a layer at 8-high, less at 12-high.
.. [5] EV Group: two wafers of 60 % bonded blindly give 36 %.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Sequence

import numpy as np

from yieldopt.errors import CaseError, Fault
from yieldopt.physics.arguments import check
from yieldopt.physics.repair import group_log_yield
from yieldopt.physics.yields import Value


def bump_count(area_mm2: Value, pitch_um: Value) -> Value:
    """Return the number of bumps of a full square grid.

    Parameters
    ----------
    area_mm2, pitch_um : float or (n,) array
        Area that the grid covers [mm2] and distance of neighbours [um], above 0.

    Returns
    -------
    float or (n,) array
        Bumps, not rounded: a density, not a layout.

    Raises
    ------
    CaseError
        An argument is not a positive finite number.

    Notes
    -----
    area / pitch²: one bump for each square of the grid.

    Examples
    --------
    >>> float(bump_count(100.0, 40.0))
    62500.0
    """
    check(("area_mm2", area_mm2, "(0, inf)"), ("pitch_um", pitch_um, "(0, inf)"))
    return 1e6 * area_mm2 / (pitch_um * pitch_um)


def bump_bond_mean(bumps: Value, fail_per_bump: Value, *, group: int = 1, spares: int = 0) -> Value:
    """Return the mean number of failing groups of bumps, λ with e^(−λ) the yield.

    Parameters
    ----------
    bumps : float or (n,) array
        Bumps N that must work, spares not counted, at least 0.
    fail_per_bump : float or (n,) array
        Chance f that one bump is open or shorted, in [0, 1).
    group, spares : int
        Bumps g ≥ 1 that share s ≥ 0 spares; the spares fail like the others.

    Returns
    -------
    float or (n,) array
        Mean [faults]; relative error below 1e-12 at any f.

    Raises
    ------
    CaseError
        An argument is outside its range.

    Notes
    -----
    λ = −(N/g) · ln Σ_{i≤s} C(g+s, i) f^i (1−f)^(g+s−i), [1]_ without spares and [2]_ with them. A
    last group of fewer than g bumps counts as that share of a group. Bumps fail independently: do
    not multiply this onto a bond yield per die, which has the bumps in it.

    Examples
    --------
    A bump in a million costs 20,000 bumps 2 %; one spare for every eight takes that away:

    >>> round(math.exp(-bump_bond_mean(20_000, 1e-6)), 3)
    0.98
    >>> float(f"{bump_bond_mean(20_000, 1e-6, group=8, spares=1):.3g}")
    9e-08
    """
    check(
        ("bumps", bumps, "[0, inf)"),
        ("fail_per_bump", fail_per_bump, "[0, 1)"),
        ("group", group, 1),
        ("spares", spares, 0),
    )
    log_yield = group_log_yield(-np.log1p(-fail_per_bump), group=group, spares=spares)
    return 0.0 - bumps / group * log_yield


def stack_mean(mean_per_layer: Value, layers: int, *, growth_frac_per_layer: Value = 0.0) -> Value:
    """Return the mean faults of all layers of a stack whose layers get worse with height.

    Parameters
    ----------
    mean_per_layer, growth_frac_per_layer : float or (n,) array
        Mean λ of the lowest layer [faults] and its growth r from a layer to the next, at least 0.
    layers : int
        Layers n bonded, at least 1.

    Returns
    -------
    float or (n,) array
        Mean of the stack [faults].

    Raises
    ------
    CaseError
        An argument is outside its range, or the mean is beyond the largest float.

    Notes
    -----
    λ Σ_{i<n} (1+r)^i = λ ((1+r)^n − 1)/r, nλ at r = 0. Taller stacks yield less per layer [4]_;
    geometric growth is assumed, to be fitted to two heights.

    Examples
    --------
    Equal layers that make 80 % of eight make 72 % of twelve; 60–70 % is reported:

    >>> [round(math.exp(-stack_mean(0.0279, n)), 2) for n in (8, 12)]
    [0.8, 0.72]
    >>> [round(math.exp(-stack_mean(0.023, n, growth_frac_per_layer=0.055)), 2) for n in (8, 12)]
    [0.8, 0.69]
    """
    check(
        ("mean_per_layer", mean_per_layer, "[0, inf)"),
        ("layers", layers, 1),
        ("growth_frac_per_layer", growth_frac_per_layer, "[0, inf)"),
    )
    rate = np.asarray(growth_frac_per_layer, float)
    with np.errstate(over="ignore", invalid="ignore"):
        grown = np.expm1(layers * np.log1p(rate)) / np.where(rate > 0.0, rate, 1.0)
        total = mean_per_layer * np.where(rate > 0.0, grown, float(layers))[()]
    if not np.all(np.isfinite(total)):
        raise CaseError(Fault("the stack's mean is too large", "layers", layers))
    return total


def dies_per_good_stack_sequential(layer_yields: Sequence[Value]) -> Value:
    """Return the dies placed per good stack when each layer is tested before the next is bonded.

    Parameters
    ----------
    layer_yields : sequence of float or (n,) array
        Chance y_i that die i and its bond are good, each in (0, 1], lowest first; 1 for a base
        that is bought good.

    Returns
    -------
    float or (n,) array
        Dies consumed per good stack, at least the number of layers.

    Raises
    ------
    CaseError
        There is no layer, or a yield is outside its range.

    Notes
    -----
    Σ_i 1/Π_{j≥i} y_j: die i is placed on the Π_{j<i} y_j of the starts that got so far, and Π y_j
    of the starts are good. A failing stack is dropped at its layer and saves the dies above [3]_;
    the test between the layers sees every fault.

    Examples
    --------
    >>> round(float(dies_per_good_stack_sequential([1.0, 0.9, 0.9, 0.9])), 4)
    5.0892
    """
    _check_each("layer_yields", layer_yields, "(0, 1]")
    passing = itertools.accumulate(reversed(layer_yields), operator.mul)
    return sum((1.0 / share for share in passing), 0.0)


def dies_per_good_stack_collective(layer_yields: Sequence[Value]) -> Value:
    """Return the dies placed per good stack when all layers are bonded before the first test.

    Parameters
    ----------
    layer_yields : sequence of float or (n,) array
        Chance y_i that die i and its bond are good, each in (0, 1].

    Returns
    -------
    float or (n,) array
        Dies consumed per good stack, never below the sequential number.

    Raises
    ------
    CaseError
        There is no layer, or a yield is outside its range.

    Notes
    -----
    n/Π y_i: every start takes all n dies, and Π y_i of the starts are good [3]_.

    Examples
    --------
    >>> round(float(dies_per_good_stack_collective([1.0, 0.9, 0.9, 0.9])), 4)
    5.487
    """
    _check_each("layer_yields", layer_yields, "(0, 1]")
    return len(layer_yields) / math.prod(layer_yields)


def wafer_to_wafer_yield(die_yields: Sequence[Value], bond_yield: Value) -> Value:
    """Return the yield of stacks cut from wafers bonded blindly: no known-good die is possible.

    Parameters
    ----------
    die_yields : sequence of float or (n,) array
        Yield Y_i of the dies of each wafer, each in [0, 1].
    bond_yield : float or (n,) array
        Yield Y_b of one bond of a stack, in [0, 1].

    Returns
    -------
    float or (n,) array
        Share of good stacks.

    Raises
    ------
    CaseError
        There is no die, or a yield is outside its range.

    Notes
    -----
    Π Y_i · Y_b^(n−1) [5]_: good dies of the wafers meet by chance. Left out: matching of wafers
    from a repository and radial yield patterns, both of which raise it.

    Examples
    --------
    >>> round(float(wafer_to_wafer_yield([0.6, 0.6], 1.0)), 4)
    0.36
    """
    return _compound("die_yields", die_yields, bond_yield)


def die_to_wafer_yield(qualities: Sequence[Value], bond_yield: Value) -> Value:
    """Return the yield of stacks of dies that were tested before bonding.

    Parameters
    ----------
    qualities : sequence of float or (n,) array
        Share Q_i of the *passing* dies that are truly good, each in [0, 1].
    bond_yield : float or (n,) array
        Yield Y_b of one bond of a stack, in [0, 1].

    Returns
    -------
    float or (n,) array
        Share of good stacks.

    Raises
    ------
    CaseError
        There is no die, or a yield is outside its range.

    Notes
    -----
    Π Q_i · Y_b^(n−1) [3]_: as wafer to wafer, with the quality after a test for the die yield.

    Examples
    --------
    >>> round(float(die_to_wafer_yield([0.99] * 4, 1.0)), 3)
    0.961
    """
    return _compound("qualities", qualities, bond_yield)


def _check_each(key: str, values: Sequence[Value], allowed: str, bond_yield: Value = 1.0) -> None:
    """Refuse an empty sequence, entries outside their range and a wrong bond yield."""
    each = ((f"{key}[{i}]", value, allowed) for i, value in enumerate(values))
    check((f"number of {key}", len(values), 1), *each, ("bond_yield", bond_yield, "[0, 1]"))


def _compound(key: str, values: Sequence[Value], bond_yield: Value) -> Value:
    """Π Y_i · Y_b^(n−1)."""
    _check_each(key, values, "[0, 1]", bond_yield)
    return math.prod(values) * bond_yield ** (len(values) - 1)
