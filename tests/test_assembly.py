"""Assembled and graded parts, blind joins, layers, joints, rework, seams, curves and burn-in.

Every model is written here, so that nothing depends on the numbers of the library.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from yieldopt import CaseError, evaluate, load, solve
from yieldopt.compile import compile_named, compile_template
from yieldopt.physics.bonding import bump_bond_mean, bump_count
from yieldopt.physics.burn_in import early_life_removed
from yieldopt.physics.coverage_curve import coverage_after
from yieldopt.physics.reticle import stitch_mean
from yieldopt.physics.warpage import warpage_mean
from yieldopt.schema.case import Case

A = 'source = "assumed: a test"\n'
FILES = {
    "processes/t_logic": f'name = "t_logic"\ntitle = "L"\n{A}'
    """carrier = "wafer"
resource = "wafer.t"
category = "die"
diameter_mm = 300.0
edge_exclusion_mm = 3.0
street_mm = 0.1
cost_usd = 8000
d0_per_cm2 = 0.2
law = "poisson"
shares = {logic = 1.0}
""",
    "processes/t_carrier": f'name = "t_carrier"\ntitle = "C"\n{A}'
    """carrier = "wafer"
resource = "wafer.c"
category = "interposer"
diameter_mm = 300.0
edge_exclusion_mm = 3.0
street_mm = 0.1
cost_usd = 2000
d0_per_cm2 = 0.01
law = "poisson"
shares = {rdl = 1.0}
stitch = {field_mm = [26.0, 33.0], faults_per_mm = 0.001, fault_class = "stitch", \
source = "assumed: a test"}
""",
    "parts/t_die": f'name = "t_die"\ntitle = "D"\n{A}category = "die"\npoint = "t_die_point"\n'
    'process = "t_logic"\nwidth_mm = 10.0\nheight_mm = 8.0\n',
    "parts/t_base": f'name = "t_base"\ntitle = "B"\n{A}category = "die"\npoint = "t_die_point"\n'
    'process = "t_logic"\nwidth_mm = 12.0\nheight_mm = 9.0\n',
    "parts/t_body": f'name = "t_body"\ntitle = "I"\n{A}category = "interposer"\n'
    'process = "t_carrier"\nsize = "interposer"\n',
    "parts/t_mem": f'name = "t_mem"\ntitle = "M"\n{A}category = "memory"\nwidth_mm = 11.0\n'
    f'height_mm = 10.0\nfault_class = "hbm"\nresource = "hbm.t"\n'
    f"[grades.plain]\nprice_usd = 100\nincoming_dppm = 9000\n{A}"
    f"[grades.fine]\nprice_usd = 130\nincoming_dppm = 300\n{A}",
    "parts/t_stack": f'name = "t_stack"\ntitle = "S"\n{A}category = "die"\npoint = "t_made"\n'
    'route = "t_stacking"\nuntil = "stack"\nwidth_mm = 12.0\nheight_mm = 9.0\n'
    'slots.base = [{part = "t_base"}]\nslots.top = [{part = "t_die", count = 3}]\n',
    "routes/t_stacking": f'name = "t_stacking"\ntitle = "R"\n{A}lead_time_weeks = 3\n'
    'sites = [{name = "here", region = "here"}]\nsteps = [\n'
    '  {join = "stack", inputs = ["@base", "@top"], blind = ["@top"]},\n'
    '  {work = "bond", per = "layer", of = ["@top"], growth_frac_per_layer = 0.5, cost_usd = 4,\n'
    "   scrap = 0.01, faults = {hybrid = {mean = 0.01}}},\n"
    '  {work = "attach", scrap = 0.2, cost_usd = 1, rework = {success_frac = 0.5, tries = 2,\n'
    '   cost_usd = 6, source = "assumed: a test"}},\n'
    '  {point = "t_stack_point"},\n'
    '  {join = "never", inputs = ["stack"]},\n]\n',
    "routes/t_pack": f'name = "t_pack"\ntitle = "P"\n{A}lead_time_weeks = 3\n'
    'carrier = "body"\nsites = [{name = "here", region = "here"}]\n'
    "one_off_cost_usd = 5e6\nport_cost_usd = 1e6\nsteps = [\n"
    '  {make = "body", part = "t_body"},\n'
    '  {join = "package", inputs = ["body", "@logic", "@memory"]},\n'
    '  {work = "bumps", per = "part", of = ["@logic"],\n'
    "   faults = {joint = {bumps = {fail_ppb = 20, group = 4, spares = 0}}}},\n"
    '  {work = "warp", faults = {warp = {warpage = {mean = 0.01, reference_side_mm = 30.0,\n'
    "   side_exponent = 2, reference_layers = 8, layer_exponent = 1, reference_power_w = 200.0,\n"
    "   power_exponent = 1}}}},\n"
    '  {point = "t_final"},\n]\n',
    "insertions/t_sort": f'name = "t_sort"\ntitle = "T"\n{A}points = ["t_die_point"]\n'
    'overlap = 0.5\ntester = {resource = "tester.t", usd_per_h = {ate = 360}, sites = 4,\n'
    " multi_site_efficiency = 0.9, index_s = 2,\n"
    ' probe_card = {usd = 40000, life_touchdowns = 100000, source = "assumed: a test"}}\n'
    'levels = {off = {}, twice = {touches = 2, seconds = 10, coverage = {logic = 0.8},\n'
    ' damage = {bump = {mean = 0.001}}, source = "assumed: a test"}}\n'
    "[curve]\nseconds = [5.0, 20.0]\nmax_coverage_frac = {logic = 0.95}\ntau_s = {logic = 8}\n"
    f"level = {{overkill = 0.01}}\n{A}",
    "insertions/t_burn": f'name = "t_burn"\ntitle = "T"\n{A}points = ["t_stack_point"]\n'
    'overlap = "independent"\ntester = {resource = "oven.t", usd_per_h = {oven = 1}}\n'
    "levels = {off = {}, h48 = {seconds = 172800, burn_in = {fault_class = \"hybrid\",\n"
    " hours = 48, acceleration = 80, beta = 0.4, eta_h = 1e9, field_h = 50000},\n"
    ' source = "assumed: a test"}}\n',
    "insertions/t_final": f'name = "t_final"\ntitle = "T"\n{A}points = ["t_final", "t_made"]\n'
    'overlap = "nested"\ntester = {resource = "tester.f", usd_per_h = {ate = 500}}\n'
    "levels = {off = {}, full = {seconds = 60, source = \"assumed: a test\", coverage = {\n"
    " logic = 0.999, hbm = 0.99, rdl = 0.999, stitch = 0.999, hybrid = 0.999, joint = 0.999,\n"
    " warp = 0.9, bump = 0.999}}}\n",
}  # fmt: skip
CASE = """name = "t"
include = ["own"]
insertions = ["t_sort", "t_burn", "t_final"]
[[products]]
name = "p"
routes = ["t_pack"]
interposer_mm = [40.0, 30.0]
power_w = 300.0
bump_pitch_um = 50.0
dppm_limit = 20000.0
slots.logic = [{part = "t_stack", count = 2}]
slots.memory = [{part = "t_mem", count = 4}]
"""


def case_of(folder: Path, text: str = CASE, **changes: tuple[str, str]) -> Case:
    """Load the case with the models above, one of them changed per keyword ``kind__name``."""
    for name, body in FILES.items():
        path = folder / "own" / f"{name}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        old, new = changes.get(name.replace("/", "__"), ("", ""))
        assert old in body
        changed = body.replace(old, new) if old else body
        path.write_text(re.sub(r"\n +", " ", changed))  # an inline table stands on one line
    (folder / "case.toml").write_text(text)
    return load(folder / "case.toml")


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return case_of(tmp_path_factory.mktemp("assembly"))


def steps(case: Case, *levels: str) -> dict[str, Any]:
    flow = compile_named(case, "p", "t_pack", levels)
    return {f"{node.name}/{step.name}": step for node in flow.nodes for step in node.steps}


def test_an_assembled_part_is_a_node_over_its_own_parts(case: Case) -> None:
    flow = compile_named(case, "p", "t_pack")
    inputs = {node.name: [(i.node, i.count) for i in node.inputs] for node in flow.nodes}
    assert inputs["t_stack"] == [("t_base", 1), ("t_die", 3)]
    assert inputs["package"] == [("body", 1), ("t_stack", 2), ("t_mem", 4)]
    assert not [name for name in inputs if "never" in name]  # the route stops at ``until``


def test_menus_of_an_assembled_part(case: Case) -> None:
    """Blind dies have none; a base die, the stack at its own point and at the route's have."""
    product = case.products[0]
    choices = compile_template(case, product, case.library.routes["t_pack"]).choices()
    assert list(choices) == [
        "t_base/t_sort", "t_stack/t_burn", "t_stack/t_final", "t_mem/grade", "package/t_final",
    ]  # fmt: skip
    assert list(choices["t_base/t_sort"].options) == ["off", "twice", "t5", "t20"]


def test_layers_get_worse_by_growth(case: Case) -> None:
    bond = steps(case)["t_stack/bond"]
    units = 1.0 + 1.5 + 2.25
    assert bond.cost_usd == 12.0  # a layer takes what it takes, however it turns out
    assert bond.faults["hybrid"].mean == pytest.approx(0.01 * units, rel=1e-14)
    assert bond.scrap == pytest.approx(1 - 0.99**units, rel=1e-13)
    assert bond.booked == "die"  # the part's category, not the route's


def test_blind_parts_keep_their_repair_but_are_not_taken_out(tmp_path: Path) -> None:
    """What is mended on the wafer stays mended; what is only seen is bonded all the same."""
    mends = ("coverage = {logic = 0.8}", "coverage = {logic = 0.8}, repair = {logic = 0.75}")
    case = case_of(tmp_path, insertions__t_sort=mends)
    flow = compile_named(case, "p", "t_pack", ["t_die/t_sort=twice"])
    (die,) = [node for node in flow.nodes if node.name == "t_die"]
    sort = die.steps[-1]
    assert (sort.coverage, sort.repair, sort.overkill) == ({"logic": pytest.approx(0.6)},
                                                           {"logic": 1.0}, 0.0)  # fmt: skip
    out = evaluate(flow)
    assert float(out.visits["t_die/t_sort"]) == float(out.visits["t_die/fab"])
    choices = compile_template(case, case.products[0], case.library.routes["t_pack"]).choices()
    assert list(choices["t_die/t_sort"].options) == ["off", "twice"]  # the curve mends nothing


def test_test_time_is_that_of_dies_and_what_holds_them(tmp_path: Path) -> None:
    case = case_of(tmp_path, CASE.replace("power_w", "test_time_factor = 3\npower_w"))
    plain = case_of(tmp_path)
    for place, factor in (("t_stack/t_final", 3.0), ("package/t_final", 3.0)):
        one, other = (steps(c, f"{place}=full")[place] for c in (plain, case))
        assert other.uses["tester.f"] == pytest.approx(factor * one.uses["tester.f"])
    one, other = (steps(c, "t_stack/t_burn=h48")["t_stack/t_burn"] for c in (plain, case))
    assert other.uses == one.uses  # an oven keeps its hours


def test_what_is_reworked_is_neither_free_nor_scrap(case: Case) -> None:
    attach = steps(case)["t_stack/attach"]
    assert attach.scrap == pytest.approx(0.2 * 0.5**2, rel=1e-14)
    assert attach.cost_usd == pytest.approx(1 + 6 * (0.2 + 0.2 * 0.5), rel=1e-14)


def test_joints_are_counted_under_each_parts_own_area(case: Case) -> None:
    joints = bump_bond_mean(bump_count(12.0 * 9.0, 50.0), 20e-9, group=4, spares=0)
    assert steps(case)["package/bumps"].faults["joint"].mean == pytest.approx(2 * float(joints))


def test_warpage_takes_side_and_power_and_the_reference_layers(case: Case) -> None:
    expected = warpage_mean(
        40.0, 8, 300.0, at_reference=0.01, reference_side_mm=30.0, reference_layers=8,
        reference_power_w=200.0, side_exponent=2.0, layer_exponent=1.0, power_exponent=1.0,
    )  # fmt: skip
    assert steps(case)["package/warp"].faults["warp"].mean == pytest.approx(float(expected))


def test_seams_are_faults_of_their_own(case: Case) -> None:
    faults = steps(case)["body/fab"].faults
    seams = stitch_mean(40.0, 30.0, faults_per_mm=0.001, field_mm=(26.0, 33.0))
    assert faults["stitch"].mean == pytest.approx(float(seams)) != 0.0
    assert faults["rdl"].mean == pytest.approx(0.01 * 12.0)


def test_tester_economics_of_a_level(case: Case) -> None:
    sort = steps(case, "t_base/t_sort=twice")["t_base/t_sort"]
    seconds = (10 * (1 + 3 * 0.1) + 2) / 4  # of one unit and touch
    assert sort.uses["tester.t"] == pytest.approx(2 * seconds / 3600, rel=1e-13)
    assert sort.cost_usd == pytest.approx(2 * seconds * 0.1 + 2 * 40000 / 100000 / 4, rel=1e-13)
    assert sort.faults["bump"].mean == pytest.approx(0.002)
    assert sort.overlap == 0.5


def test_a_curve_stands_for_levels(case: Case) -> None:
    sort = steps(case, "t_base/t_sort=t20")["t_base/t_sort"]
    expected = coverage_after(20.0, max_coverage_frac=0.95, tau_s=8.0)
    assert sort.coverage["logic"] == pytest.approx(float(expected))
    assert sort.overkill == 0.01


def test_burn_in_is_a_test_of_early_life(case: Case) -> None:
    burn = steps(case, "t_stack/t_burn=h48")["t_stack/t_burn"]
    found = early_life_removed(48.0, acceleration_factor=80.0, eta_h=1e9, beta=0.4, field_h=50000.0)
    assert burn.coverage == {"hybrid": pytest.approx(float(found.field_coverage_frac))}
    assert burn.overkill == pytest.approx(float(found.overkill_frac))


def test_a_grade_is_its_price_and_its_faults(case: Case) -> None:
    plain, fine = (steps(case, f"t_mem/grade={g}")["t_mem/buy"] for g in ("plain", "fine"))
    assert (plain.cost_usd, fine.cost_usd) == (100.0, 130.0)
    assert -1e6 * math.expm1(-fine.faults["hbm"].mean) == pytest.approx(300.0)
    assert plain.kind == "process"


@pytest.mark.parametrize(("limit", "grade"), [(40000.0, "plain"), (8000.0, "fine")])
def test_the_search_buys_the_better_grade_where_quality_asks_for_it(
    limit: float, grade: str, tmp_path: Path
) -> None:
    text = CASE.replace("20000.0", str(limit))
    # A final test that sees hardly anything of a stack: quality has to be bought.
    case = case_of(tmp_path, text, insertions__t_final=("hbm = 0.99", "hbm = 0.5"))
    (recipe,) = solve(case).recipes
    assert recipe.levels["t_mem/grade"] == grade
    flow = compile_named(case, "p", "t_pack", [f"{k}={v}" for k, v in recipe.levels.items()])
    assert float(evaluate(flow).cost_per_good_usd) == pytest.approx(recipe.cost_per_good_usd)


def test_one_off_costs_are_borne_by_the_volume(tmp_path: Path) -> None:
    text = CASE.replace("power_w", "volume = 1000\npower_w")
    (recipe,) = solve(case_of(tmp_path, text)).recipes
    assert recipe.waterfall_usd["one_off"] == 5000.0
    assert math.fsum(recipe.waterfall_usd.values()) == pytest.approx(recipe.cost_per_good_usd)
    text = text.replace("power_w", 'present_route = "t_stacking"\npower_w')
    leaves = ('title = "R"', 'title = "R"\nexit_cost_usd = 7e6')
    (within,) = solve(case_of(tmp_path, text, routes__t_stacking=leaves)).recipes
    assert within.cost_per_good_usd == pytest.approx(recipe.cost_per_good_usd + 1000.0)
    stacking = tmp_path / "own" / "routes" / "t_stacking.toml"
    stacking.write_text(stacking.read_text().replace('{name = "here"', '{name = "there"'))
    (ported,) = solve(load(tmp_path / "case.toml")).recipes
    assert ported.cost_per_good_usd == pytest.approx(recipe.cost_per_good_usd + 1000.0 + 7000.0)


def test_a_menu_is_narrowed_only_where_there_is_one(tmp_path: Path) -> None:
    """Inner names of an assembled part's top node, points of other nodes, parts of one grade."""
    for place in ("t_stack.stack/t_burn", "package/t_sort", "body/grade"):
        text = CASE.replace("power_w", f'levels = {{"{place}" = ["off"]}}\npower_w')
        with pytest.raises(CaseError, match="no such place on the product's routes"):
            case_of(tmp_path, text)


def test_a_product_on_a_route_with_an_interposer_needs_its_sides(tmp_path: Path) -> None:
    with pytest.raises(CaseError) as error:
        case_of(tmp_path, CASE.replace("interposer_mm = [40.0, 30.0]\n", ""))
    assert [f.key for f in error.value.faults] == ["products[0].interposer_mm"]


def test_parts_that_do_not_fit_their_interposer(tmp_path: Path) -> None:
    case = case_of(tmp_path, CASE.replace("[40.0, 30.0]", "[20.0, 20.0]"))
    result = solve(case)
    (verdict,) = result.products[0].routes
    area = 2 * 12 * 9 + 4 * 11 * 10
    assert verdict.reasons == (f"parts of {area} mm2 do not fit an interposer of 400 mm2",)


def test_a_batch_over_an_assembled_product_is_its_elements(case: Case) -> None:
    flow = compile_named(case, "p", "t_pack", ["t_base/t_sort=twice", "package/t_final=full"])
    values = {"t_stack/bond.scrap": np.array([0.0, 0.1, 0.3])}
    whole = evaluate(flow.with_values(values))
    for at in range(3):
        one = evaluate(
            flow.with_values({"t_stack/bond.scrap": float(values["t_stack/bond.scrap"][at])})
        )
        assert np.asarray(whole.cost_per_good_usd)[at] == pytest.approx(
            float(one.cost_per_good_usd), rel=1e-13
        )
