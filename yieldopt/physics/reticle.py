"""Bodies larger than one exposure: fields, seams and their faults; bridges along a die edge.

A body larger than a field is stitched from fields in one grid, all turned the same way, since the
wafer is not turned between exposures. Wires that cross a seam carry latent faults, by its length.

References
----------
.. [1] "reticle_area" in models/sources.toml: 26 × 33 mm = 858 mm2; multiples printed in the press
   may count in 830 mm2.
.. [2] Advanced-packaging industry brief ("brief2026" in models/sources.toml): bridges and routes.
"""

from __future__ import annotations

import itertools
import math

from yieldopt.errors import CaseError, Fault
from yieldopt.physics.arguments import check
from yieldopt.physics.geometry import RETICLE_MM, TOUCH_MM
from yieldopt.physics.yields import Value

Field = tuple[float, float]  # sides of one exposure at wafer scale [mm]


def _tiling(
    width_mm: float, height_mm: float, field_mm: Field, faults_per_mm: Value = 0.0
) -> tuple[int, float]:
    """Return fields and seam length [mm] of the better orientation: fewest fields, then seams."""
    check(
        ("width_mm", width_mm, "one (0, inf)"),
        ("height_mm", height_mm, "one (0, inf)"),
        *((f"field_mm[{i}]", field_mm[i], "one (0, inf)") for i in range(2)),
        ("faults_per_mm", faults_per_mm, "[0, inf)"),
    )
    found = []
    for across, along in itertools.permutations(field_mm):
        columns = max(1, math.ceil((width_mm - TOUCH_MM) / across))
        rows = max(1, math.ceil((height_mm - TOUCH_MM) / along))
        seams = (columns - 1) * height_mm + (rows - 1) * width_mm
        found.append((columns * rows, float(seams)))
    return min(found)


def reticle_fields(width_mm: float, height_mm: float, *, field_mm: Field = RETICLE_MM) -> int:
    """Return the number of exposures that tile a body.

    Parameters
    ----------
    width_mm, height_mm : float
        Sides of the body [mm], above 0.
    field_mm : pair of float
        Sides of one field at wafer scale [mm], above 0; less the overlap that stitching takes.

    Returns
    -------
    int
        Fields, at least 1; sides within `TOUCH_MM` of a whole number of fields need no more.

    Raises
    ------
    CaseError
        A length is not a positive finite number.

    Notes
    -----
    ceil(w/a)·ceil(h/b) in the better of two orientations of the field [1]_: one grid of equal
    fields. Tilings that mix orientations are left out.

    Examples
    --------
    >>> reticle_fields(33.0, 26.0), reticle_fields(50.0, 56.0)
    (1, 4)
    """
    return _tiling(width_mm, height_mm, field_mm)[0]


def reticle_multiple(area_mm2: Value) -> Value:
    """Return an area in full fields of 858 mm2 (a ratio, not a number of exposures).

    Parameters
    ----------
    area_mm2 : float or (n,) array
        Area of the body [mm2], above 0.

    Returns
    -------
    float or (n,) array
        Multiple of the full field [-].

    Raises
    ------
    CaseError
        The area is not a positive finite number.

    Notes
    -----
    area / (26 · 33) [1]_.

    Examples
    --------
    >>> round(float(reticle_multiple(2831.4)), 2)
    3.3
    """
    check(("area_mm2", area_mm2, "(0, inf)"))
    return area_mm2 / (RETICLE_MM[0] * RETICLE_MM[1])


def stitch_length_mm(width_mm: float, height_mm: float, *, field_mm: Field = RETICLE_MM) -> float:
    """Return the total length of the seams between the fields of a body [mm].

    Parameters
    ----------
    width_mm, height_mm, field_mm
        Sides of body and field [mm], as in `reticle_fields`.

    Returns
    -------
    float
        Length [mm]; 0 for a body in one field.

    Raises
    ------
    CaseError
        A length is not a positive finite number.

    Notes
    -----
    (columns − 1)·h + (rows − 1)·w, wherever the seams lie, for the tiling of `reticle_fields` (of
    two with as many fields, the one with the shorter seams).

    Examples
    --------
    >>> stitch_length_mm(50.0, 56.0)
    106.0
    """
    return _tiling(width_mm, height_mm, field_mm)[1]


def stitch_mean(
    width_mm: float, height_mm: float, *, faults_per_mm: Value, field_mm: Field = RETICLE_MM
) -> Value:
    """Return the mean number of latent faults at the seams of a body.

    Parameters
    ----------
    width_mm, height_mm, field_mm
        Sides of body and field [mm], as in `reticle_fields`.
    faults_per_mm : float or (n,) array
        Faults per length of seam [1/mm], at least 0.

    Returns
    -------
    float or (n,) array
        Mean [faults]; 0 for a body in one field.

    Raises
    ------
    CaseError
        An argument is outside its range.

    Notes
    -----
    `stitch_length_mm` times the faults per mm: they fall evenly and independently on the seams.

    Examples
    --------
    >>> round(float(stitch_mean(50.0, 56.0, faults_per_mm=1e-4)), 6)
    0.0106
    """
    return _tiling(width_mm, height_mm, field_mm, faults_per_mm)[1] * faults_per_mm


def bridges_per_edge(edge_mm: float, *, bridge_mm: float, gap_mm: float) -> int:
    """Return how many bridges fit side by side along a die edge.

    Parameters
    ----------
    edge_mm, bridge_mm, gap_mm : float
        Usable length of the edge (corners taken off), side of a bridge along it, both above 0, and
        least distance of two bridges, at least 0 [mm].

    Returns
    -------
    int
        Bridges; 0 if none fits. Lengths within `TOUCH_MM` fit.

    Raises
    ------
    CaseError
        A length is outside its range.

    Notes
    -----
    n bridges fit when n·bridge + (n − 1)·gap ≤ edge [2]_.

    Examples
    --------
    >>> bridges_per_edge(26.0, bridge_mm=4.0, gap_mm=1.0)
    5
    """
    check(
        ("edge_mm", edge_mm, "one (0, inf)"),
        ("bridge_mm", bridge_mm, "one (0, inf)"),
        ("gap_mm", gap_mm, "one [0, inf)"),
    )
    return int((edge_mm + gap_mm + TOUCH_MM) // (bridge_mm + gap_mm))


def bridges_needed(signals: int, *, bridge_mm: float, pitch_um: float, rows: int) -> int:
    """Return the bridges that carry a link of given signal count across a die edge.

    Parameters
    ----------
    signals, rows : int
        Wires of the link, rows of signal bumps (no power, no ground) on a bridge, at least 1 each.
    bridge_mm, pitch_um : float
        Side of a bridge [mm] and distance of its signal bumps [um] along the edge, above 0.

    Returns
    -------
    int
        Bridges, at least 1.

    Raises
    ------
    CaseError
        An argument is outside its range, or not one bump fits the bridge.

    Notes
    -----
    ceil(signals / (rows · floor(bridge/pitch))): every bump of a row is a signal [2]_.

    Examples
    --------
    >>> bridges_needed(2048, bridge_mm=4.0, pitch_um=45.0, rows=10)
    3
    """
    check(
        ("signals", signals, 1),
        ("bridge_mm", bridge_mm, "one (0, inf)"),
        ("pitch_um", pitch_um, "one (0, inf)"),
        ("rows", rows, 1),
    )
    per_row = int((bridge_mm + TOUCH_MM) * 1e3 // pitch_um)
    if per_row < 1:
        raise CaseError(Fault("not one bump fits the bridge", "pitch_um", pitch_um))
    return -(-signals // (rows * per_row))
