"""Composite process yields of the 2.5D routes: inside the published bands, and why L beats S.

The composite yield is what a route makes of known-good parts, from the start of its first body (or
from the join with the substrate, for the share of an OSAT) to the shipped package. Bands are those
of "brief2026" in models/sources.toml for 2025; products and their test programme are those of
cases/reference_2p5d.toml.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from yieldopt import load
from yieldopt.compile import compile_flow
from yieldopt.composite import composite_yield
from yieldopt.data import bundled_cases, data_folder
from yieldopt.optimize.route import exclusions
from yieldopt.physics.reticle import bridges_needed, bridges_per_edge
from yieldopt.schema.assembly import product_assembly
from yieldopt.schema.base import Quantity, Shape
from yieldopt.schema.case import Case

CASE = "reference_2p5d"
ROUTES = (
    "cowos_s", "cowos_l", "cowos_r", "osat_2p5d", "osat_2p5d_ase", "osat_2p5d_amkor",
    "osat_split_amkor", "i_cube", "i_cube_e", "emib", "foveros", "foveros_direct", "xdfoi",
)  # fmt: skip
BANDS = {  # brief2026: route, product, node from which it counts -> low, high
    ("cowos_s", "s_limit", "interposer"): (0.78, 0.85),
    ("cowos_l", "b200", "rdl"): (0.82, 0.88),
    ("foveros", "foveros_tiles", "base"): (0.75, 0.82),
    ("foveros_direct", "foveros_direct_tiles", "base"): (0.75, 0.82),
    ("i_cube", "s_limit", "interposer"): (0.70, 0.78),
    ("i_cube_e", "b200", "rdl"): (0.70, 0.78),
    ("osat_2p5d", "s_limit", "package"): (0.90, 0.95),
    ("osat_split_amkor", "s_limit", "package"): (0.90, 0.95),
}
SIDES_MM = (50.0, 56.5)  # of s_limit; scaled for other areas
PERFECT_BRIDGES = {
    "routes.cowos_l.steps.embed_bridges.faults.bridge.yield_frac": 1.0,
    "processes.si_bridge_65.d0_per_cm2": 0.0,
}


@cache
def reference() -> Case:
    return load(CASE)


def composite(case: Case, route: str, product: str, start: str | None = None) -> float:
    """From a node on, at the product's own test programme; dies, being known good, untested."""
    shape = case.library.routes[route]
    flow = compile_flow(case, case.product(product), shape, {})
    return composite_yield(flow, start or shape.composite_from or shape.carrier or "")


def at_area(case: Case, route: str, area_mm2: float) -> float:
    """The composite yield of s_limit on an interposer of another area, same dies and substrate."""
    scale = math.sqrt(area_mm2 / math.prod(SIDES_MM))
    sides = {"interposer_mm": (SIDES_MM[0] * scale, SIDES_MM[1] * scale)}
    shape = case.library.routes[route]
    flow = compile_flow(case, case.product("s_limit").model_copy(update=sides), shape, {})
    return composite_yield(flow, shape.composite_from or shape.carrier or "")


def lead_of_s(case: Case, area_mm2: float) -> float:
    return at_area(case, "cowos_s", area_mm2) - at_area(case, "cowos_l", area_mm2)


def limit_of_s(case: Case) -> float:
    limit = case.library.routes["cowos_s"].limits.interposer_mm2
    assert limit is not None
    return limit.base


@cache
def crossover_mm2() -> float:
    """Bisect for the area at which both yield alike; S leads at one field, L at the limit of S."""
    low, high = 858.0, limit_of_s(reference())
    assert lead_of_s(reference(), low) > 0.0 > lead_of_s(reference(), high)
    while high - low > 0.01:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if lead_of_s(reference(), middle) > 0.0 else (low, middle)
    return 0.5 * (low + high)


def readme() -> str:
    return (data_folder("models") / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("place", "band"), BANDS.items(), ids=lambda value: "/".join(map(str, value))
)
def test_steps_compound_into_the_published_band(
    place: tuple[str, str, str], band: tuple[float, float]
) -> None:
    """Areas, defects, bonds, warpage and tests multiply to a yield inside the band of 2025."""
    route, product, start = place
    assert band[0] <= composite(reference(), route, product, start) <= band[1]


@pytest.mark.parametrize("route", ["cowos_s", "cowos_l", "i_cube", "i_cube_e", "foveros_direct"])
def test_calibrated_values_say_so_and_keep_their_range(route: str) -> None:
    """Whoever reads a calibrated number finds that it is one, and within which sourced range."""
    case = reference()
    shape = case.library.routes[route]
    parts = [case.library.parts[step.part] for step in shape.steps if step.part]
    densities = [case.library.processes[part.process].d0_per_cm2 for part in parts if part.process]
    latent = [one.yield_frac for step in shape.steps for one in step.faults.values()]
    found = [q for q in (*densities, *latent) if q and (q.source or "").startswith("calibrated:")]
    assert found
    for quantity in found:
        assert quantity.low is not None
        assert quantity.high is not None
        assert quantity.low < quantity.high
        name = (quantity.source or "").rpartition("range ")[2]
        assert name in case.library.sources


def test_every_route_is_listed_and_feasible_on_a_reference_product() -> None:
    """No route of the set stands in the library without a product that can take it."""
    case = reference()
    feasible = {
        route
        for product in case.products
        for route in product.routes
        if not exclusions(case.library, product_assembly(product), case.library.routes[route])
    }
    assert feasible == set(ROUTES)


def test_s_is_better_below_the_crossover_and_l_above() -> None:
    """The lead of S falls with area all the way, so that it changes sign once."""
    case, at = reference(), crossover_mm2()
    areas = [858.0 + step * (limit_of_s(case) - 858.0) / 16 for step in range(17)]
    leads = [lead_of_s(case, area) for area in areas]
    assert all(later < earlier for earlier, later in pairwise(leads))
    assert all((lead > 0.0) == (area < at) for area, lead in zip(areas, leads, strict=True))


def test_the_crossover_lies_where_both_routes_can_be_taken() -> None:
    """At the crossover the parts of the product still fit, and S is not yet at its limit."""
    case, at = reference(), crossover_mm2()
    fills = [f for slot in ("logic", "memory") for f in case.product("s_limit").slots[slot]]
    parts = sum(f.count * (case.library.parts[f.part].area_mm2 or 0.0) for f in fills)
    assert parts < at < limit_of_s(case)
    scale = math.sqrt(at / math.prod(SIDES_MM))
    sides = [scale * side for side in SIDES_MM]
    there = load(CASE, {"products.s_limit.interposer_mm": sides})
    assert composite(there, "cowos_s", "s_limit") == pytest.approx(
        composite(there, "cowos_l", "s_limit"), abs=1e-6
    )


def test_what_l_pays_is_its_bridges() -> None:
    """With perfect bridges L leads at every area: nothing else holds it back."""
    case = load(CASE, PERFECT_BRIDGES)
    assert all(lead_of_s(case, area) < 0.0 for area in (858.0, 1500.0, 2200.0, 2831.0))


def test_what_s_pays_is_fine_wiring_over_the_whole_area() -> None:
    """With no more critical defects per area than the RDL, silicon leads up to its limit."""
    rdl = reference().library.processes["rdl_interposer"]
    silicon = reference().library.processes["si_interposer_65"]
    critical = rdl.d0_per_cm2.base * rdl.critical_area_frac.base
    assert critical < silicon.d0_per_cm2.base * silicon.critical_area_frac.base
    key = "processes.si_interposer_65.d0_per_cm2"
    case = load(CASE, {key: critical / silicon.critical_area_frac.base})
    assert all(lead_of_s(case, area) > 0.0 for area in (858.0, 1500.0, 2200.0, 2831.0))


def test_the_readme_prints_the_crossover_that_comes_out() -> None:
    """The text of models/README.md cannot drift from the numbers: to ten mm2."""
    found = re.search(r"crossover area: ([\d,]+) mm²", readme())
    assert found
    assert float(found[1].replace(",", "")) == round(crossover_mm2(), -1)


def test_the_readme_prints_the_composite_yields_that_come_out() -> None:
    """Every row of its table, band and computed value, to a tenth of a percent."""
    rows = re.findall(
        r"^\| (\w+) \| (\w+) \| (\w+) \| (\S+)(?: %)? \| ([\d.]+) % \|$", readme(), re.M
    )
    assert [route for route, *_ in rows if route not in ROUTES] == []
    assert {route for route, *_ in rows} == set(ROUTES)
    bands = {
        (route, product, start): band for route, product, start, band, _ in rows if band != "–"
    }
    assert bands == {key: f"{100 * a:.0f}–{100 * b:.0f}" for key, (a, b) in BANDS.items()}
    for route, product, start, _, printed in rows:
        value = composite(reference(), route, product, start)
        assert printed == f"{100 * value:.1f}", (route, product)


def test_regions_are_those_of_the_brief() -> None:
    """One vocabulary, so that the loss of a region can be asked for."""
    known = {"Taiwan", "North America", "other Asia-Pacific", "Europe", "mainland China"}
    routes = reference().library.routes.values()
    assert {site.region for route in routes for site in route.sites} <= known


def _quantities(shape: object) -> Iterator[Quantity]:
    if isinstance(shape, Quantity):
        yield shape
    elif isinstance(shape, Shape):
        for name in type(shape).model_fields:
            yield from _quantities(getattr(shape, name))
    elif isinstance(shape, dict | tuple):
        for value in shape.values() if isinstance(shape, dict) else shape:
            yield from _quantities(value)


def test_a_value_whose_source_is_one_name_is_the_base_of_that_source() -> None:
    """Whatever else is taken from a range says that it is assumed, derived or calibrated."""
    lines = (Path(__file__).parent / "golden" / "parameters.csv").read_text().splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    bases = {row["name"]: float(row["base"]) for row in rows}
    library = reference().library
    kinds = (library.processes, library.parts, library.routes, library.insertions)
    seen = [q for kind in kinds for q in _quantities(dict(kind)) if q.source in bases]
    assert len(seen) > 50
    assert [(q.base, q.source) for q in seen if q.base != bases[q.source or ""]] == []


def test_the_seen_and_the_latent_loss_of_the_attach_are_that_of_the_source() -> None:
    """What is seen is reworked once and mostly saved; what is latent stays for the tests."""
    for route in reference().library.routes.values():
        for step in route.steps:
            if step.work != "on_substrate":
                continue
            latent = step.faults["c4"].yield_frac
            assert latent is not None
            assert (1 - step.scrap.base) * latent.base == pytest.approx(0.99, abs=5e-5)
            assert step.rework is not None
            assert step.rework.tries == 1


BRIDGES = re.compile(
    r'^bridge = \[\{part = "(\w+)"(?:, count = (\d+))?\}\]  # derived: ([^:\n]+)', re.M
)


def needed(case: Case, product: str, part: str, signals: int) -> int:
    """Bumps along the long side; of half the short side every third row is a signal."""
    shape = case.library.parts[part]
    sides = sorted((shape.width_mm or 0.0, shape.height_mm or 0.0))
    pitch = case.product(product).bump_pitch_um or 45.0
    rows = int(sides[0] / 2 * 1e3 / pitch) // 3
    return bridges_needed(signals, bridge_mm=sides[1], pitch_um=pitch, rows=rows)


@pytest.mark.parametrize(
    "name",
    ["b200_class", "h100_class", "mi300x_class", "accelerators_2026", CASE, "reference_memory"],
)
def test_bridges_are_as_many_as_their_links_need(name: str) -> None:
    """The sum of links in the comment of a case, computed anew, is the count in the case."""
    case = load(name)
    products = [p.name for p in case.products if p.slots.get("bridge")]
    found = BRIDGES.findall(bundled_cases()[name].read_text(encoding="utf-8"))
    assert len(found) == len(products)
    for product, (part, count, links) in zip(products, found, strict=True):
        terms = re.findall(r"(\d+) x bridges_needed\((\d+)\)", links)
        assert terms
        total = sum(int(n) * needed(case, product, part, int(signals)) for n, signals in terms)
        assert total == int(count or 1), product


def test_the_bridges_of_b200_fit_the_edges_of_its_dies() -> None:
    """Two dies side by side share their long edge; two stacks stand at each short one."""
    case = load("b200_class")
    die, bridge = case.library.parts["gpu_b200"], case.library.parts["lsi_bridge"]
    short, long = sorted((die.width_mm or 0.0, die.height_mm or 0.0))
    side = max(bridge.width_mm or 0.0, bridge.height_mm or 0.0)
    between = needed(case, "b200_class", "lsi_bridge", 8000)
    stack = needed(case, "b200_class", "lsi_bridge", 1900)
    assert bridges_per_edge(long, bridge_mm=side, gap_mm=1.0) == between == 2
    assert bridges_per_edge(short, bridge_mm=side, gap_mm=1.0) == 2 * stack
