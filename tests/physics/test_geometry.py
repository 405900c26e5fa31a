"""Exact counts on wafers and panels.

Proved here: `dies_per_wafer` equals the maximum found by an independent, slow method on small
wafers (every die as its four corner discs over the whole pitch cell, every crossing of two circles
tried), also with the solver forced to split instead of drawing arcs; it is never below the sampled
grids of the golden file nor below any random offset, never above the area bounds, and it moves the
right way with the wafer, the rim, the street and the die.  The textbook estimate meets its
published values.
"""

from __future__ import annotations

import csv
import itertools
import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.physics.support import refused
from yieldopt.errors import CaseError
from yieldopt.physics import geometry
from yieldopt.physics.geometry import (
    RETICLE_MM,
    TOUCH_MM,
    bodies_per_panel,
    dies_per_wafer,
    dies_per_wafer_estimate,
    fits_reticle,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "catch_dies_per_wafer.csv"
SETTINGS = settings(derandomize=True, deadline=None, max_examples=60)


def on_disc(width: float, height: float, usable: float, street: float = 0.0) -> int:
    """Count on a wafer given by its usable diameter."""
    return dies_per_wafer(
        width, height, diameter_mm=usable, edge_exclusion_mm=0.0, street_mm=street
    )


def corners(width: float, height: float, street: float, radius: float) -> np.ndarray[Any, Any]:
    """Lower left corner of each die of a grid at offset 0, its four corners: (die, corner, xy)."""
    px, py = width + street, height + street
    nx, ny = math.ceil(radius / px) + 2, math.ceil(radius / py) + 2
    grid = itertools.product(range(-nx, nx + 1), range(-ny, ny + 1))
    low = np.array([(i * px, j * py) for i, j in grid])
    offsets = np.array([(0, 0), (width, 0), (0, height), (width, height)])
    return low[:, None, :] + offsets[None, :, :]


def count_at(points: np.ndarray[Any, Any], dies: np.ndarray[Any, Any], radius: float) -> int:
    """Largest number of whole dies over the offsets `points` (n, 2), by their four corners."""
    best = 0
    for part in np.array_split(points, max(1, len(points) * len(dies) // 500_000)):
        away = np.hypot(
            part[:, 0, None, None] + dies[None, :, :, 0],
            part[:, 1, None, None] + dies[None, :, :, 1],
        )
        whole = (away <= radius + TOUCH_MM).all(axis=2).sum(axis=1)
        best = max(best, int(whole.max(initial=0)))
    return best


def crossings(centres: np.ndarray[Any, Any], radius: float) -> np.ndarray[Any, Any]:
    """Both crossings of every pair of circles of equal radius."""
    one, two = np.triu_indices(len(centres), 1)
    step = centres[two] - centres[one]
    dist = np.hypot(step[:, 0], step[:, 1])
    keep = (dist > 1e-12) & (dist <= 2 * radius)
    middle, step, dist = (centres[one] + centres[two])[keep] / 2, step[keep], dist[keep]
    rise = np.sqrt(np.maximum(radius**2 - dist**2 / 4, 0.0)) / dist
    normal = np.stack([-step[:, 1], step[:, 0]], axis=1) * rise[:, None]
    return np.concatenate([middle + normal, middle - normal])


def brute_force(width: float, height: float, usable: float, street: float) -> int:
    """Exact maximum by trying every vertex of the arrangement of all corner circles.

    The offsets that keep a set of dies whole are an intersection of discs: it is a single disc
    (impossible: a die has four) or its boundary has a vertex, which is a crossing of two circles.
    No symmetry is used and the whole pitch cell is searched.
    """
    best, radius = 0, usable / 2
    for w, h in ((width, height), (height, width)):
        dies = corners(w, h, street, radius)
        points = crossings(-dies.reshape(-1, 2), radius)
        low, high = -1e-6, np.array([w + street, h + street]) + 1e-6
        points = points[((points >= low) & (points <= high)).all(axis=1)]
        best = max(best, count_at(points, dies, radius))
    return best


def small_cases() -> list[tuple[float, float, float, float]]:
    rng = random.Random(20240611)
    cases = [
        (1.0, 1.0, 4.0, 0.0),
        (1.0, 1.0, 2 * math.sqrt(2.0), 0.0),
        (1.0, 1.0, math.hypot(2.0, 3.0), 0.0),
        (3.0, 4.0, 25.0, 0.0),
        (1.0, 1.0, 10.0, 0.0),  # 3-4-5: many corners on the circle at once
        (26.0, 33.0, 144.0, 0.1),
        (5.0, 1.0, 7.0, 0.3),
    ]
    for _ in range(33):
        width, height = rng.uniform(1, 6), rng.uniform(1, 6)
        if rng.random() < 0.3:
            width, height = round(width), round(height)
        cases.append(
            (width, height, rng.uniform(math.hypot(width, height), 17), rng.choice((0, 0.1, 1.0)))
        )
    return cases


@pytest.mark.parametrize(("width", "height", "usable", "street"), small_cases())
def test_equals_brute_force_over_all_circle_crossings(
    width: float, height: float, usable: float, street: float
) -> None:
    assert on_disc(width, height, usable, street) == brute_force(width, height, usable, street)


@pytest.mark.parametrize("leaf", [0, 4, 10_000])
def test_splitting_and_arcs_agree(leaf: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only arcs (10 000), nearly only splits (0) and the shipped mix give the same counts."""
    rng = random.Random(7)
    cases = [(rng.uniform(3, 30), rng.uniform(3, 30), rng.choice((0.0, 0.1))) for _ in range(12)]
    cases += [(5.0, 5.0, 0.0), (10.0, 10.0, 0.0), (26.0, 33.0, 0.1)]
    shipped = [geometry._dies.__wrapped__(w, h, s, 147.0) for w, h, s in cases]
    monkeypatch.setattr(geometry, "_LEAF_DISCS", leaf)
    monkeypatch.setattr(geometry, "_MAX_SPLITS", 12)
    assert [geometry._dies.__wrapped__(w, h, s, 147.0) for w, h, s in cases] == shipped


def golden_rows() -> list[dict[str, str]]:
    with GOLDEN.open(encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def test_golden_file_is_whole() -> None:
    assert len(golden_rows()) == 39


@pytest.mark.parametrize("row", golden_rows(), ids=lambda row: f"{row['x_dim']}x{row['y_dim']}")
def test_never_below_sampled_grids_nor_above_area(row: dict[str, str]) -> None:
    width, height, street = (float(row[key]) for key in ("x_dim", "y_dim", "dicing_distance"))
    count = dies_per_wafer(
        width,
        height,
        diameter_mm=float(row["wafer_diameter"]),
        edge_exclusion_mm=float(row["edge_exclusion"]),
        street_mm=street,
    )
    radius = float(row["usable_wafer_diameter"]) / 2
    assert count >= int(row["brute_force_grid"])
    # each whole die owns a pitch cell of its own, inside the circle grown by half a street's corner
    grown = radius + math.hypot(street, street) / 2
    assert count * (width + street) * (height + street) <= math.pi * grown**2


@pytest.mark.parametrize(("width", "height"), [(8.0, 10.0), (14.14, 14.14), (25.0, 31.0)])
def test_no_random_offset_beats_it(width: float, height: float) -> None:
    rng = np.random.default_rng(5)
    best = dies_per_wafer(width, height)
    for w, h in ((width, height), (height, width)):
        points = rng.uniform(0, 1, (600, 2)) * (w + 0.1, h + 0.1)
        assert count_at(points, corners(w, h, 0.1, 147.0), 147.0) <= best


@pytest.mark.parametrize(
    ("size", "usable", "count"),
    [
        ((8.0, 6.0), 10.0, 1),  # all four corners touch: 3-4-5
        ((8.0, 6.0), 20.0, 4),  # 2 x 2 touches
        ((8.0, 3.0), 10.0, 2),
        ((1.0, 1.0), math.hypot(2.0, 2.0), 4),
        ((1.0, 1.0), math.hypot(1.0, 3.0), 5),  # the cross of five
    ],
)
def test_touching_dies_count_and_a_micrometre_less_loses_them(
    size: tuple[float, float], usable: float, count: int
) -> None:
    assert on_disc(*size, usable) == count
    smaller = usable - 1e-6
    if count == 1:
        with pytest.raises(CaseError):
            on_disc(*size, smaller)
    else:
        assert on_disc(*size, smaller) < count


def test_touch_tolerance_is_a_nanometre_thousandth() -> None:
    assert on_disc(8.0, 6.0, 10.0 - 1.0e-9) == 1  # radius short by half the tolerance
    with pytest.raises(CaseError):
        on_disc(8.0, 6.0, 10.0 - 4.0e-9)  # radius short by twice the tolerance


def test_the_street_at_the_rim_is_not_needed() -> None:
    assert on_disc(8.0, 6.0, 10.0, street=5.0) == 1
    assert on_disc(3.0, 6.0, 10.0, street=2.0) == 2  # 3 + 2 + 3 = 8 wide


sides = st.floats(0.9, 40.0)
wafers = st.sampled_from([100.0, 150.0, 200.0, 300.0])
streets = st.floats(0.0, 0.5)


@SETTINGS
@given(sides, sides, wafers, streets)
def test_both_orientations_give_the_same(w: float, h: float, d: float, s: float) -> None:
    """Each orientation solved on its own (the public function sorts the sides)."""
    assume(math.hypot(w, h) <= d)
    counts = {geometry._dies.__wrapped__(*size, s, d / 2) for size in ((w, h), (h, w))}
    assert counts == {on_disc(w, h, d, s)} == {on_disc(h, w, d, s)}


@SETTINGS
@given(sides, sides, wafers, streets, st.floats(1e-3, 0.3))
def test_larger_wafer_or_smaller_rim_never_fewer(
    w: float, h: float, d: float, s: float, more: float
) -> None:
    def count(width: float, diameter: float, rim: float) -> int:
        return dies_per_wafer(width, h, diameter_mm=diameter, edge_exclusion_mm=rim, street_mm=s)

    base = count(w, d, 3.0)
    assert count(w, d * (1 + more), 3.0) >= base
    assert count(w, d, 3.0 * (1 - more)) >= base
    assert base * w * h <= math.pi * (d / 2 - 3.0) ** 2 * (1 + 1e-12)


@SETTINGS
@given(st.floats(2.0, 30.0), st.floats(0.0, 0.5), st.floats(0.0, 0.9))
def test_narrower_die_on_the_same_pitch_never_fewer(side: float, s: float, cut: float) -> None:
    """Square die, so that both directions keep their pitch: side + street is unchanged."""
    less = side * (1 - cut / 2)
    assert on_disc(less, less, 200.0, s + side - less) >= on_disc(side, side, 200.0, s)


@SETTINGS
@given(sides, sides, streets, st.floats(0.5, 2.0))
def test_only_ratios_of_lengths_matter(w: float, h: float, s: float, scale: float) -> None:
    """Scaling everything by a power of two is exact in floats, so the count cannot move."""
    factor = 2.0 ** round(math.log2(scale) * 2)
    assert on_disc(w * factor, h * factor, 200.0 * factor, s * factor) == on_disc(w, h, 200.0, s)


@SETTINGS
@given(sides, sides)
def test_exact_count_keeps_near_the_estimate(w: float, h: float) -> None:
    """The textbook form is a centred estimate: the optimum stays within the rim's dies of it."""
    assume(max(w, h) <= 3 * min(w, h))
    rim_dies = math.pi * 300.0 / math.sqrt(2 * w * h)
    assert abs(on_disc(w, h, 300.0) - dies_per_wafer_estimate(w * h, diameter_mm=300.0)) < rim_dies


def test_results_are_cached() -> None:
    geometry._dies.cache_clear()
    dies_per_wafer(26.0, 33.0)
    dies_per_wafer(33.0, 26.0)
    info = geometry._dies.cache_info()
    assert (info.hits, info.misses) == (1, 1)


BAD = [0.0, -1.0, math.nan, math.inf, "7", None]


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("name", ["width_mm", "height_mm", "diameter_mm"])
def test_wafer_rejects_lengths_that_are_not_positive(name: str, bad: Any) -> None:
    good: dict[str, Any] = {"width_mm": 10.0, "height_mm": 10.0, "diameter_mm": 300.0}
    with pytest.raises(CaseError, match=rf"^{name}: must be a number in \(0, inf\)"):
        dies_per_wafer(**{**good, name: bad})


@pytest.mark.parametrize("name", ["street_mm", "edge_exclusion_mm"])
def test_street_and_rim_may_be_zero_but_not_negative(name: str) -> None:
    assert dies_per_wafer(10.0, 10.0, **{name: 0.0}) >= dies_per_wafer(10.0, 10.0)
    for bad in BAD[1:]:
        with pytest.raises(CaseError, match=rf"^{name}: must be a number in \[0, inf\)"):
            dies_per_wafer(10.0, 10.0, **{name: bad})
        with pytest.raises(CaseError, match=rf"^{name}: must be a number in \[0, inf\)"):
            bodies_per_panel(10.0, 10.0, panel_width_mm=50.0, panel_height_mm=50.0, **{name: bad})


def test_every_bad_length_is_named_at_once() -> None:
    rims = {"edge_exclusion_mm": -1.0, "street_mm": math.nan}
    wafer: dict[str, Any] = {"width_mm": 0.0, "height_mm": True, "diameter_mm": math.inf, **rims}
    assert refused(dies_per_wafer, **wafer) == list(wafer)
    panel: dict[str, Any] = {"panel_width_mm": "510", "panel_height_mm": np.ones(1), **rims}
    assert refused(bodies_per_panel, 0.0, -1.0, **panel) == ["width_mm", "height_mm", *panel]
    field = {"reticle_width_mm": 0.0, "reticle_height_mm": -1.0}
    assert refused(fits_reticle, 0.0, -1.0, **field) == ["width_mm", "height_mm", *field]
    assert refused(dies_per_wafer_estimate, 0.0, diameter_mm=0.0) == ["area_mm2", "diameter_mm"]


def test_a_die_that_does_not_fit_names_itself_and_the_wafer() -> None:
    with pytest.raises(CaseError, match=r"die 250x180\.5 mm.*usable diameter of 294 mm"):
        dies_per_wafer(250.0, 180.5)
    with pytest.raises(CaseError, match="usable diameter of -10 mm"):
        dies_per_wafer(5.0, 5.0, edge_exclusion_mm=155.0)
    with pytest.raises(CaseError, match="too small"):
        dies_per_wafer(1e-3, 1e-3, street_mm=0.0)


# --- published values --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("area", "diameter", "stated", "tolerance"),
    [
        # Hennessy & Patterson's die-yield example (repeated at studyx.ai/questions/4le3pmc)
        (225.0, 300.0, 270, 0.5),
        (100.0, 300.0, 640, 0.5),
        # quesba.com 1014391: 15 cm wafer, 2 cm2 die
        (200.0, 150.0, 64.7953484802895, 1e-9),
    ],
)
def test_published_estimates(area: float, diameter: float, stated: float, tolerance: float) -> None:
    assert abs(dies_per_wafer_estimate(area, diameter_mm=diameter) - stated) <= tolerance


@pytest.mark.parametrize(
    ("area", "stated"), [(800.0, 58.79298269794954), (100.0, 571.7124344116606)]
)
def test_chiplet_actuary_is_the_estimate_with_streets_in_the_area(
    area: float, stated: float
) -> None:
    """chiplet-actuary, commit 2c91fb9: scribe 0.2 mm, 5 mm rim on both sides of 300 mm."""
    with_street = area + 2 * 0.2 * math.sqrt(area) + 0.2**2
    assert dies_per_wafer_estimate(with_street, diameter_mm=290.0) == pytest.approx(
        stated, rel=1e-12
    )


def test_exact_count_is_between_the_two_textbook_estimates() -> None:
    """Flynn, Computer Architecture, p. 89: pi/(4A) (d - sqrt A)^2 = 314 for 1 cm2 on 21 cm."""
    flynn = math.pi / (4 * 100.0) * (210.0 - math.sqrt(100.0)) ** 2
    assert abs(flynn - 314) <= 0.5
    assert dies_per_wafer_estimate(100.0, diameter_mm=210.0) < on_disc(10.0, 10.0, 210.0) < flynn


def test_packages_per_interposer_wafer() -> None:
    """Stated supply-chain figures: B200 16 a wafer, H100 28 or 29 (redplanx.com news 2687134)."""
    assert dies_per_wafer(50.0, 56.0, street_mm=0.0) == 16
    assert dies_per_wafer(40.0, 43.0, street_mm=0.0) >= 29


def test_panel_to_wafer_ratio_of_large_interposers() -> None:
    """ASE: 310 x 310 mm panel against 300 mm wafer, 5.5x reticle interposers: 16/9 = 1.78."""
    side = math.sqrt(5.5 * RETICLE_MM[0] * RETICLE_MM[1])
    panel = bodies_per_panel(side, side, panel_width_mm=310.0, panel_height_mm=310.0)
    assert (panel, dies_per_wafer(side, side)) == (16, 9)


@pytest.mark.parametrize("slope", [0.0, -1.0, math.nan, math.inf])
def test_estimate_rejects_bad_numbers(slope: float) -> None:
    with pytest.raises(CaseError, match="area_mm2"):
        dies_per_wafer_estimate(slope, diameter_mm=300.0)
    with pytest.raises(CaseError, match="diameter_mm"):
        dies_per_wafer_estimate(100.0, diameter_mm=slope)


def test_estimate_vanishes_at_an_eighth_of_the_square() -> None:
    assert dies_per_wafer_estimate(300.0**2 / 8, diameter_mm=300.0) == pytest.approx(0, abs=1e-12)


# --- panels and reticle ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "panel", "rim", "street", "count"),
    [
        ((50, 50), (510, 515), 0, 0, 100),
        ((0.1, 0.1), (0.3, 0.3), 0, 0, 9),  # 0.3 / 0.1 is 2.999.. in floats
        ((40, 50), (100, 80), 0, 0, 4),
        ((40, 50), (80, 100), 0, 0, 4),  # the other orientation
        ((3, 2), (5, 5), 0, 0, 2),  # a mix of orientations would hold 4
        ((10, 10), (32, 21), 0, 1, 6),  # 3*10 + 2*1 and 2*10 + 1
        ((10, 10), (32 - 1e-6, 21), 0, 1, 4),
        ((10, 10), (42, 31), 5, 1, 6),
    ],
)
def test_panel_counts_by_hand(
    size: tuple[float, float],
    panel: tuple[float, float],
    rim: float,
    street: float,
    count: int,
) -> None:
    found = bodies_per_panel(
        *size,
        panel_width_mm=panel[0],
        panel_height_mm=panel[1],
        edge_exclusion_mm=rim,
        street_mm=street,
    )
    assert found == count
    assert type(found) is int


@SETTINGS
@given(st.floats(5.0, 90.0), st.floats(5.0, 90.0), st.floats(0.0, 2.0), st.floats(0.0, 5.0))
def test_panel_equals_counting_one_by_one(w: float, h: float, street: float, rim: float) -> None:
    def along(side: float, body: float) -> int:
        n = 0
        while (n + 1) * body + n * street <= side - 2 * rim + TOUCH_MM:
            n += 1
        return n

    expected = max(along(300, w) * along(250, h), along(300, h) * along(250, w))
    found = bodies_per_panel(
        w, h, panel_width_mm=300, panel_height_mm=250, edge_exclusion_mm=rim, street_mm=street
    )
    assert found == expected


def test_panel_rejects() -> None:
    with pytest.raises(CaseError, match=r"body 60x40 mm in a panel of 50x50 mm"):
        bodies_per_panel(60, 40, panel_width_mm=50, panel_height_mm=50)
    with pytest.raises(CaseError, match="not a single body fits"):
        bodies_per_panel(1, 1, panel_width_mm=50, panel_height_mm=50, edge_exclusion_mm=30)
    for name in ("width_mm", "height_mm", "panel_width_mm", "panel_height_mm"):
        sizes = dict.fromkeys(("width_mm", "height_mm", "panel_width_mm", "panel_height_mm"), 9.0)
        with pytest.raises(CaseError, match=rf"^{name}: must be a number in \(0, inf\)"):
            bodies_per_panel(**{**sizes, name: -9.0})


@pytest.mark.parametrize(
    ("size", "fits"),
    [
        ((26, 33), True),
        ((33, 26), True),
        ((26.001, 33), False),
        ((26, 33.001), False),
        ((29.29, 29.29), False),  # the field's area, but not its shape
        ((5, 34), False),
    ],
)
def test_reticle(size: tuple[float, float], fits: bool) -> None:
    assert fits_reticle(*size) is fits
    assert fits_reticle(*size[::-1]) is fits


def test_reticle_field_can_be_set() -> None:
    assert RETICLE_MM == (26.0, 33.0)
    assert math.prod(RETICLE_MM) == 858.0
    high_na = {"reticle_width_mm": 26.0, "reticle_height_mm": 16.5}  # half field
    assert fits_reticle(16.5, 26.0, **high_na)
    assert not fits_reticle(20.0, 20.0, **high_na)
    with pytest.raises(CaseError, match="reticle_width_mm"):
        fits_reticle(1, 1, reticle_width_mm=0)
    with pytest.raises(CaseError, match="height_mm"):
        fits_reticle(1, -1)
