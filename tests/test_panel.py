"""Panels, glass, optics and stacked packages: what packing gives, and that every route evaluates.

The reported 4.54 (STATS ChipPAC and Rudolph, told by yolegroup.com: 500 x 500 mm against 300 mm,
"number of die exposed") is not what small whole dies give.  With equal rims of 3-10 mm they give
3.6 to 4.1, little above the area ratio of 3.54.  It comes out in two ways:

- the wafer loses a rim of 13-20 mm that the panel does not lose (a mould cap, a clamp ring);
- dies are counted by whole exposure fields, as "exposed" suggests: fields of 26 x 43.5 mm with
  equal rims of 3 mm are 209 on the panel and 46 on the wafer, which is 4.54.

So the ratio is one of rims or of large bodies, not of small dies; and for bodies that are large
themselves exact packing gives as much without either.
"""

from __future__ import annotations

import math

import pytest

from yieldopt import load
from yieldopt.breakeven import breakeven
from yieldopt.comparison import RouteColumn, compare
from yieldopt.compile import compile_named
from yieldopt.composite import composite_yield
from yieldopt.data import bundled_cases, data_folder
from yieldopt.engine import evaluate
from yieldopt.physics.geometry import bodies_per_panel, dies_per_wafer
from yieldopt.read.inventory import bodies_per_carrier
from yieldopt.schema.case import Case

REPORTED = 4.54
ROUTES = {
    *(f"foplp_chip_{kind}{size}" for kind in ("first", "last") for size in ("", "_310", "_600")),
    *("glass_core", "cpo", "foms_r", "cmc", "epop", "pop", "sip", "organic_mcm"),
}  # fmt: skip
PANELS = {"_310": (310.0, 310.0), "": (510.0, 515.0), "_600": (600.0, 600.0)}
Columns = dict[tuple[str, str], RouteColumn]


@pytest.fixture(scope="module")
def case() -> Case:
    return load(bundled_cases()["reference_panel"])


@pytest.fixture(scope="module")
def columns(case: Case) -> Columns:
    return {(column.product, column.route): column for column in compare(case)}


def cost(columns: Columns, product: str, route: str) -> float:
    recipe = columns[product, route].recipe
    assert recipe is not None
    return recipe.cost_per_good_usd


def ratio(width: float, height: float, street: float, panel_rim: float, wafer_rim: float) -> float:
    """Whole bodies on 500 x 500 mm against those on a 300 mm wafer."""
    on_panel = bodies_per_panel(
        width, height, panel_width_mm=500.0, panel_height_mm=500.0,
        edge_exclusion_mm=panel_rim, street_mm=street,
    )  # fmt: skip
    on_wafer = dies_per_wafer(width, height, edge_exclusion_mm=wafer_rim, street_mm=street)
    return on_panel / on_wafer


@pytest.mark.parametrize("die_mm", [2.0, 3.0, 5.0, 8.0, 10.0])
@pytest.mark.parametrize("rim_mm", [3.0, 5.0, 10.0])
def test_small_dies_with_equal_rims_stay_far_below_the_reported_ratio(
    die_mm: float, rim_mm: float
) -> None:
    area_ratio = 500.0**2 / (math.pi * 150.0**2)
    assert area_ratio == pytest.approx(3.54, abs=0.005)
    assert area_ratio < ratio(die_mm, die_mm, 0.1, rim_mm, rim_mm) < 4.1


@pytest.mark.parametrize("die_mm", [2.0, 5.0, 8.0, 10.0])
def test_small_dies_need_a_wide_rim_of_the_wafer_alone_to_reach_it(die_mm: float) -> None:
    """For dies without extent the rim e follows from 494² = 4.54·π·(150 − e)²; dies need less."""
    rims = (rim / 2.0 for rim in range(60))
    found = next(rim for rim in rims if ratio(die_mm, die_mm, 0.1, 3.0, rim) >= REPORTED)
    without_extent = 150.0 - 494.0 / math.sqrt(REPORTED * math.pi)
    assert without_extent == pytest.approx(19.2, abs=0.05)
    assert 13.0 <= found < without_extent


def test_whole_exposure_fields_with_equal_rims_give_the_reported_ratio() -> None:
    assert round(ratio(26.0, 43.5, 0.0, 3.0, 3.0), 2) == REPORTED
    assert round(ratio(36.5, 36.5, 0.1, 3.0, 3.0), 2) == 4.57  # and so do bodies of that size


@pytest.mark.parametrize(
    ("panel", "bodies", "times"), [("_310", 16, 1.78), ("", 42, 4.67), ("_600", 64, 7.11)]
)
def test_large_bodies_gain_more_than_area_from_a_panel(
    case: Case, panel: str, bodies: int, times: float
) -> None:
    """5.5 reticles, 66 x 71.5 mm: 9 per wafer (ASE), 16 per 310 mm panel: the stated 1.78."""
    assert 66.0 * 71.5 == 5.5 * 858.0
    process = case.library.processes[f"foplp_rdl{panel}"]
    on_wafer = dies_per_wafer(66.0, 71.5, edge_exclusion_mm=3.0, street_mm=0.2)
    assert bodies_per_carrier(process, 66.0, 71.5) == bodies
    assert on_wafer == 9
    assert bodies / on_wafer == pytest.approx(times, abs=0.005)
    area_ratio = math.prod(PANELS[panel]) / (math.pi * 150.0**2)
    assert bodies / on_wafer > 1.2 * area_ratio


def test_sixteen_of_these_bodies_fit_the_small_panel_by_hand(case: Case) -> None:
    process = case.library.processes["foplp_rdl_310"]
    usable = 310.0 - 2.0 * process.edge_exclusion_mm
    assert 4 * 71.5 + 3 * process.street_mm <= usable < 5 * 66.0 + 4 * process.street_mm


def test_every_route_stands_on_a_product_that_can_take_it(columns: Columns) -> None:
    assert {route for _, route in columns} == ROUTES
    assert {route for (_, route), column in columns.items() if column.recipe} == ROUTES
    assert all(not column.reasons for column in columns.values())
    for column in columns.values():
        assert column.composite_yield_frac is not None
        assert 0.6 < column.composite_yield_frac < 1.0


def test_panel_routes_compound_into_the_range_of_their_outcome(columns: Columns) -> None:
    """FOPLP_yield, 0.70-0.95: an outcome for comparison, never an input."""
    found = [c.composite_yield_frac for (_, route), c in columns.items() if "foplp" in route]
    assert len(found) == 9
    assert all(0.70 <= (value or 0.0) <= 0.95 for value in found)


@pytest.mark.parametrize("panel", PANELS)
def test_what_scales_with_a_panel_scales_as_its_file_says(case: Case, panel: str) -> None:
    """Dimensions as sourced; cost by area; drift by diagonal."""
    library, here = case.library, math.hypot(*PANELS[panel]) / math.hypot(*PANELS[""])
    for kind in ("foplp_rdl", "cop_panel"):
        process, base = library.processes[f"{kind}{panel}"], library.processes[kind]
        assert process.panel_mm == PANELS[panel]
        per_mm2 = process.cost_usd.base / math.prod(PANELS[panel])
        assert per_mm2 == pytest.approx(base.cost_usd.base / math.prod(PANELS[""]), rel=1e-3)
    drift = [
        next(step for step in library.routes[name].steps if step.work == "die_drift")
        for name in (f"foplp_chip_first{panel}", "foplp_chip_first")
    ]
    means = [mean.base for step in drift if (mean := step.faults["rdl"].mean) is not None]
    assert means[0] / means[1] == pytest.approx(here, abs=0.01)


@pytest.mark.parametrize("panel", PANELS)
def test_chip_first_yields_less_than_chip_last(case: Case, panel: str) -> None:
    """At one test programme, so that no overkill of further tests blurs it."""
    programme = ["package/final_test=f9995", "package/system_level=s90"]
    first, last = (
        composite_yield(
            compile_named(case, "panel_accel", f"foplp_chip_{kind}{panel}", programme), start
        )
        for kind, start in (("first", "cow"), ("last", "interposer"))
    )
    assert first < last - 0.003  # what drift costs


def test_the_case_gives_the_answers_that_it_states(columns: Columns) -> None:
    plain = cost(columns, "panel_accel", "organic_mcm")
    panels = {size: cost(columns, "panel_accel", f"foplp_chip_last{size}") for size in PANELS}
    assert 2.0 * plain < min(panels.values())
    assert max(panels, key=lambda size: panels[size]) == "_310"
    yields = {s: columns["panel_accel", f"foplp_chip_last{s}"].composite_yield_frac for s in PANELS}
    assert max(yields, key=lambda size: yields[size] or 0.0) == "_310"
    glass, panel = columns["panel_hbm", "glass_core"], columns["panel_hbm", "foplp_chip_last"]
    assert glass.recipe is not None
    assert panel.recipe is not None
    costs = [recipe.cost_per_good_usd for recipe in (glass.recipe, panel.recipe)]
    assert costs[0] == pytest.approx(costs[1], rel=0.005)
    text = bundled_cases()["reference_panel"].read_text(encoding="utf-8")
    assert f"({costs[0]:,.0f} against {costs[1]:,.0f} USD)" in text
    assert (glass.composite_yield_frac or 0.0) < (panel.composite_yield_frac or 0.0)


def test_a_glass_panel_costs_at_least_what_it_is_made_of(case: Case) -> None:
    """Wiring on both sides, glass and vias; chips are placed at the price of chip-last."""
    library = case.library
    core, rdl = library.processes["glass_core"].cost_usd, library.processes["foplp_rdl"].cost_usd
    for glass, wiring in ((core.low, rdl.low), (core.base, rdl.base), (core.high, rdl.high)):
        assert glass is not None
        assert wiring is not None
        assert glass > 2 * wiring
    flow = compile_named(case, "panel_hbm", "glass_core", [])
    line = next(s for node in flow.nodes for s in node.steps if s.name == "attach_line")
    other = compile_named(case, "panel_hbm", "foplp_chip_last", [])
    sites = [s for node in other.nodes for s in node.steps if s.name.startswith("panel_line")]
    assert line.cost_usd == pytest.approx(sites[0].cost_usd, rel=1e-12)


@pytest.mark.long
@pytest.mark.parametrize(("product", "at_usd"), [("panel_hbm", 10_500), ("panel_accel", 5_800)])
def test_glass_breaks_even_with_panels_where_its_file_says(product: str, at_usd: float) -> None:
    found = breakeven(
        "reference_panel",
        "processes.glass_core.cost_usd",
        ("glass_core", "foplp_chip_last"),
        product=product,
        low=5_000.0,
        high=12_000.0,
    )
    (crossing,) = found.crossings
    assert round(crossing.value, -2) == at_usd
    assert crossing.cheaper_below == "glass_core"
    text = (data_folder("models") / "routes" / "glass_core.toml").read_text(encoding="utf-8")
    assert f"at {at_usd:,}" in text


def test_a_switch_that_fails_before_the_engines_costs_no_engine(case: Case) -> None:
    """Twice the scrap of the mould: more switch dies per package, not one engine more."""
    path = bundled_cases()["reference_panel"]
    worse = load(path, {"routes.cpo.steps.mould_and_grind.scrap": 0.02})
    visits = [evaluate(compile_named(c, "cpo_switch", "cpo")).visits for c in (case, worse)]
    assert visits[1]["switch_die/fab"] > 1.01 * visits[0]["switch_die/fab"]
    assert visits[1]["optical_engine/buy"] == pytest.approx(visits[0]["optical_engine/buy"])


def test_a_switch_with_optics_is_mostly_optics(case: Case, columns: Columns) -> None:
    recipe = columns["cpo_switch", "cpo"].recipe
    assert recipe is not None
    engine = case.library.parts["optical_engine"].price_usd
    assert engine is not None
    assert 16 * engine.base > 0.5 * recipe.cost_per_good_usd


def test_rework_of_the_fibre_attach_pays(case: Case) -> None:
    path = bundled_cases()["reference_panel"]
    never = load(path, {"routes.cpo.steps.fibre_attach.rework.success_frac": 0.0,
                        "routes.cpo.steps.fibre_attach.rework.cost_usd": 0.0})  # fmt: skip
    out = [evaluate(compile_named(c, "cpo_switch", "cpo")) for c in (case, never)]
    assert float(out[0].cost_per_good_usd) < float(out[1].cost_per_good_usd)


def test_a_memory_assembled_on_one_route_stands_on_another(case: Case) -> None:
    flow = compile_named(case, "glasses_pop", "pop")
    inputs = {node.name: [item.node for item in node.inputs] for node in flow.nodes}
    assert inputs["package"] == ["bottom", "epop_memory"]
    assert inputs["epop_memory"] == ["nand_die", "lpddr5x_die", "bt_memory"]


def test_a_dummy_die_is_placed_and_paid_and_cannot_fail(case: Case) -> None:
    flow = compile_named(case, "wearable_cmc", "cmc")
    (dummy,) = [node for node in flow.nodes if node.name == "dummy_die"]
    assert [(step.cost_usd, dict(step.faults)) for step in dummy.steps] == [(0.1, {})]
    joints = next(node for node in flow.nodes if node.name == "fanout").steps
    placed = next(step for step in joints if step.name == "placement")
    assert placed.cost_usd == pytest.approx(0.4)  # four dies, the dummy among them
    without = load(bundled_cases()["reference_panel"], {"products.wearable_cmc.slots.dummy": []})
    other = compile_named(without, "wearable_cmc", "cmc")
    fanout = next(node for node in other.nodes if node.name == "fanout")
    assert [step.faults for step in fanout.steps] == [step.faults for step in joints]
