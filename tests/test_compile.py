"""The compiler: units, yields and detections converted so that what they stand for still holds.

Checked on compiled flows through the engine or through yields written down afresh: a negative
binomial in closed form, harvest by the law itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from yieldopt import evaluate, load
from yieldopt.compile import compile_flow, compile_named, compile_template
from yieldopt.compile.insertions import (
    coverage_of_detection,
    insertion_choice,
    latent_law,
    latent_mean,
)
from yieldopt.compile.parts import class_faults
from yieldopt.errors import CaseError, UnknownName
from yieldopt.flow import Faults, Flow, Node, Step
from yieldopt.physics.geometry import dies_per_wafer
from yieldopt.physics.yields import Law, log_yield
from yieldopt.schema.case import Case
from yieldopt.schema.insertion import InsertionShape
from yieldopt.schema.part import HarvestShape
from yieldopt.schema.process import ProcessShape
from yieldopt.schema.route import LatentShape
from yieldopt.template import Template

NB = Law("negative_binomial", 2.0)
HARVEST = Law("harvest", 1.4, None, 24, 2)


def product_yield(origin: Mapping[str, Faults], share: float = 1.0) -> float:
    """Π S(share) over groups: clustered classes are one group of the summed mean."""
    groups: dict[str, tuple[Law, float]] = {}
    for name, faults in origin.items():
        key = faults.cluster or f"class {name}"
        law, mean = groups.get(key, (faults.law, 0.0))
        groups[key] = law, mean + float(faults.mean)
    return math.exp(sum(float(log_yield(law, share * mean)) for law, mean in groups.values()))


ORIGINS: dict[str, dict[str, Faults]] = {
    "poisson": {"logic": Faults(0.7)},
    "clustered law": {"logic": Faults(0.8, NB)},
    "two groups": {"logic": Faults(0.5, NB), "io": Faults(0.2)},
    "a cluster": {"logic": Faults(0.5, NB, "n5"), "io": Faults(0.3, NB, "n5")},
    "moore": {"logic": Faults(0.3, Law("moore"))},
    "harvest": {"logic": Faults(1.9, HARVEST), "io": Faults(0.1, Law("negative_binomial", 0.2))},
    "tiny": {"hbm": Faults(1e-9)},
}


@pytest.mark.parametrize("detection", [1e-4, 0.1, 0.5, 0.85, 0.99, 0.999999])
@pytest.mark.parametrize("origin", ORIGINS.values(), ids=ORIGINS)
def test_bad_die_detection_is_met(origin: dict[str, Faults], detection: float) -> None:
    """1 − Y(cλ) = d·(1 − Y(λ)); with harvest Y is its pass at a first test of coverage c."""
    share = coverage_of_detection(detection, origin)
    assert 0.0 < share <= 1.0
    caught = 1.0 - product_yield(origin, share)
    # The yields are subtracted from one: what is lost there is 1e-16 against 1 − Y.
    whole = 1.0 - product_yield(origin)
    assert caught == pytest.approx(detection * whole, rel=1e-9, abs=4e-16)


@pytest.mark.parametrize("origin", ORIGINS.values(), ids=ORIGINS)
def test_the_engine_catches_that_share_of_the_bad_parts(origin: dict[str, Faults]) -> None:
    """A test with the converted coverage passes all but d of the parts that fail in full."""
    covered = {}
    for key, share in (("part", coverage_of_detection(0.85, origin)), ("all", 1.0)):
        test = Step("cp", "test", coverage=dict.fromkeys(origin, share))
        flow = Flow("die", (Node("die", steps=(Step("fab", "process", faults=origin), test)),))
        visits = float(evaluate(flow).visits["die/fab"])
        covered[key] = 1.0 - 1.0 / visits
    assert covered["part"] == pytest.approx(0.85 * covered["all"], rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("detection", [0.0, 1.0])
def test_detection_of_none_and_all(detection: float) -> None:
    for origin in ORIGINS.values():
        assert coverage_of_detection(detection, origin) == detection


def process(**changes: object) -> ProcessShape:
    base = {
        "name": "p", "title": "t", "source": "assumed: a test", "carrier": "wafer",
        "resource": "wafer.p", "category": "die", "diameter_mm": 300.0, "edge_exclusion_mm": 3.0,
        "street_mm": 0.1, "cost_usd": 5000.0, "d0_per_cm2": 0.1, "alpha": 3.0,
        "shares": {"logic": 0.5, "sram": 0.3, "io": 0.2},
    }  # fmt: skip
    return ProcessShape.model_validate(base | changes)


@pytest.mark.parametrize("laws", [
    {}, {"law": "poisson", "alpha": None}, {"law": "murphy", "alpha": None}, {"law": "moore",
     "alpha": None}, {"law": "bose_einstein", "alpha": None, "layers": 5}, {"alpha": 0.3},
], ids=str)  # fmt: skip
@pytest.mark.parametrize("mean", [0.01, 0.6, 4.0])
def test_the_split_by_class_keeps_the_yield_of_the_die(
    laws: dict[str, object], mean: float
) -> None:
    made = process(**laws)
    faults = class_faults(made, mean, None)
    assert sum(float(f.mean) for f in faults.values()) == pytest.approx(mean, rel=1e-14)
    whole = math.exp(float(log_yield(made.yield_law(), mean)))
    assert product_yield(faults) == pytest.approx(whole, rel=1e-12)
    die = Node("die", steps=(Step("fab", "process", 1.0, faults=faults),))
    assert float(evaluate(Flow("die", (die,))).quality) == pytest.approx(whole, rel=1e-12)


def test_a_share_of_nothing_is_no_class() -> None:
    faults = class_faults(process(shares={"logic": 1.0, "io": 0.0}), 0.5, None)
    assert list(faults) == ["logic"]
    assert faults["logic"].cluster is None


@pytest.mark.parametrize("alpha", [0.7, 3.0])
def test_the_split_of_a_harvested_die_takes_shares_of_alpha(alpha: float) -> None:
    """Without spares and blocks to spare the classes together keep (1 + λ/α)^(−α)."""
    harvest = HarvestShape.model_validate(
        {"fault_class": "logic", "blocks": 10, "spares": 0, "source": "assumed: a test"}
    )
    faults = class_faults(process(alpha=alpha), 0.9, harvest)
    assert faults["logic"].law == Law("harvest", alpha * 0.5, None, 10, 0)
    assert faults["io"].law == Law("negative_binomial", alpha * 0.2)
    whole = (1 + 0.9 / alpha) ** -alpha
    assert product_yield(faults) == pytest.approx(whole, rel=1e-8)
    spare = class_faults(process(alpha=alpha), 0.9, harvest.model_copy(update={"spares": 2}))
    assert product_yield(spare) > whole


@pytest.mark.parametrize("alpha", [None, 0.5, 3.0])
@pytest.mark.parametrize("value", [0.5, 0.95, 0.9999999, 1.0])
def test_a_yield_becomes_the_mean_of_its_own_law(value: float, alpha: float | None) -> None:
    latent = LatentShape.model_validate({"yield_frac": value, "alpha": alpha})
    law, mean = latent_law(latent), latent_mean(latent)
    assert math.exp(float(log_yield(law, mean))) == pytest.approx(value, rel=1e-14)
    if alpha is None:
        whole = math.exp(float(log_yield(law, 3 * mean)))
        assert whole == pytest.approx(value**3, rel=1e-14)


ROUTE = """\
name = "line"
title = "A line with work of every basis"
source = "assumed: a test"
carrier = "interposer"
lead_time_weeks = 3
sites = [{name = "here", region = "here"}]
steps = [
  {make = "interposer", part = "si_interposer"},
  {join = "package", inputs = ["interposer", "@logic", "@memory", "@substrate"]},
  {work = "once", cost_usd = 7},
  {work = "each", per = "part", of = ["@logic", "@memory"], cost_usd = 2, scrap = 0.01, \
   faults = {joint = {mean = 0.002}}, uses = {"bonder.h" = 0.1}},
  {work = "area", per = "mm2", area = "substrate", cost_usd = 0.01},
  {work = "line", per = "site", process = "cow_s", cost_usd = 5, faults = {rdl = {mean = 0.003}}},
  {point = "final"},
  {point = "system"},
]
"""


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder = tmp_path_factory.mktemp("compile")
    (folder / "own" / "routes").mkdir(parents=True)
    (folder / "own" / "routes" / "line.toml").write_text(ROUTE)
    text = (Path(__file__).parent.parent / "cases" / "minimal.toml").read_text()
    text = text.replace('name = "minimal"', 'name = "c"\ninclude = ["own"]')
    (folder / "case.toml").write_text(text.replace('["cowos_s"', '["line", "cowos_s"'))
    return load(folder / "case.toml")


def flow_of(case: Case, route: str = "line", **levels: str) -> dict[str, Step]:
    flow = compile_named(case, "asic", route, [f"{k}={v}" for k, v in levels.items()])
    return {f"{n.name}/{s.name}": s for n in flow.nodes for s in n.steps}


def test_cost_and_yield_per_start_part_mm2(case: Case) -> None:
    steps = flow_of(case)
    assert steps["package/once"].cost_usd == 7.0
    each = steps["package/each"]  # one die and four stacks
    assert (each.cost_usd, each.uses["bonder.h"]) == pytest.approx((10.0, 0.5))
    assert each.scrap == pytest.approx(1 - 0.99**5, rel=1e-13)
    assert each.faults["joint"].mean == pytest.approx(5 * 0.002)
    assert steps["package/area"].cost_usd == pytest.approx(0.01 * 68.5 * 68.5)


def test_the_cost_of_a_site_stands_ahead_of_the_carriers_screen(case: Case) -> None:
    made = case.library.processes["cow_s"]
    bodies = dies_per_wafer(32.0, 44.0, diameter_mm=300.0, edge_exclusion_mm=3.0, street_mm=0.2)
    name = "interposer/interposer_test"
    flow = compile_named(case, "asic", "line", [f"{name}=full95"])
    names = [step.name for step in flow.nodes[0].steps]
    assert names == ["fab", "line_per_site", "interposer_test"]
    paid = flow.nodes[0].steps[1]
    assert paid.cost_usd == pytest.approx(5 + made.cost_usd.base / bodies, rel=1e-14)
    assert paid.uses == pytest.approx({"interposer.cowos_s": 1 / bodies})
    assert (paid.scrap, paid.faults) == (0.0, {})
    there = flow_of(case)["package/line"]  # faults and scrap stay where the work is done
    assert (there.cost_usd, there.uses) == (0.0, {})
    assert there.faults["rdl"].mean == 0.003
    visits = evaluate(flow).visits
    assert float(visits["interposer/line_per_site"]) > float(visits["package/once"])


def test_a_die_is_its_share_of_a_wafer(case: Case) -> None:
    made = case.library.processes["n5"]
    bodies = dies_per_wafer(22.0, 27.0, diameter_mm=300.0, edge_exclusion_mm=3.0, street_mm=0.1)
    fab = flow_of(case)["tpu_die/fab"]
    assert fab.cost_usd == pytest.approx(made.cost_usd.base / bodies, rel=1e-14)
    assert fab.uses == pytest.approx({"wafer.n5": 1 / bodies})
    total = sum(float(f.mean) for f in fab.faults.values())  # 0.1 per cm2 on 5.94 cm2
    assert total == pytest.approx(made.d0_per_cm2.base * 5.94, rel=1e-13)


@pytest.mark.parametrize("dppm", [1.0, 800.0, 250_000.0])
def test_incoming_dppm_shipped_untested_is_that_dppm(dppm: float, case: Case) -> None:
    part = case.library.parts["hbm3e_8h"]
    incoming = part.incoming_dppm.model_copy(update={"base": dppm})
    parts = {**case.library.parts, part.name: part.model_copy(update={"incoming_dppm": incoming})}
    changed = replace(case, library=replace(case.library, parts=parts))
    flow = compile_named(changed, "asic", "line")
    (stack,) = [node for node in flow.nodes if node.name == "hbm3e_8h"]
    assert float(evaluate(Flow("hbm3e_8h", (stack,))).dppm) == pytest.approx(dppm, rel=1e-9)


def test_off_levels_vanish(case: Case) -> None:
    steps = flow_of(case)
    assert {step.kind for step in steps.values()} == {"process"}
    places = compile_template(case, case.products[0], case.library.routes["line"]).choices()
    assert len(places) == 5
    assert all(choice.options["off"] is None for choice in places.values())
    assert flow_of(case, **dict.fromkeys(places, "off")) == steps


def test_test_seconds_scale_with_the_product(case: Case) -> None:
    """Logic and the package take longer; a bought stack and an interposer do not."""
    product = case.products[0]
    slow = product.model_copy(
        update={"test_time_factor": product.test_time_factor.model_copy(update={"base": 3.0})}
    )
    levels = {
        "tpu_die/wafer_sort": "p90",
        "package/final_test": "f990",
        "hbm3e_8h/hbm_incoming": "bist50",
        "interposer/interposer_test": "full95",
    }
    route = case.library.routes["line"]
    both = [compile_flow(case, one, route, levels) for one in (product, slow)]
    for (name, base), factor in (
        (("tpu_die/wafer_sort", ("tester.cp_h", 90, 200, 0.3)), 3.0),
        (("package/final_test", ("tester.ft_h", 180, 500, 0.0)), 3.0),
        (("hbm3e_8h/hbm_incoming", ("tester.hbm_h", 20, 170, 0.0)), 1.0),
        (("interposer/interposer_test", ("tester.interposer_h", 60, 150, 0.0)), 1.0),
    ):
        resource, seconds, rate, touch = base
        for flow, times in zip(both, (1.0, factor), strict=True):
            node, _, step = name.partition("/")
            (test,) = [s for n in flow.nodes if n.name == node for s in n.steps if s.name == step]
            hours = seconds / 3600 * times
            assert test.uses == pytest.approx({resource: hours})
            assert test.cost_usd == pytest.approx(hours * rate + touch)


def test_coverage_of_classes_that_cannot_occur_is_left_out(case: Case) -> None:
    insertion: InsertionShape = case.library.insertions["wafer_sort"]
    choice = insertion_choice(insertion, {"logic"}, 1.0, {"logic": Faults(0.5)})
    assert choice.options["p90"].coverage == {"logic": 0.9}
    share = coverage_of_detection(0.85, {"logic": Faults(0.5)})
    assert choice.options["detect85"].coverage == {"logic": share}


def test_damage_of_one_touch_is_seen_by_the_next_test(case: Case) -> None:
    steps = flow_of(case, **{"tpu_die/wafer_sort": "p90", "package/final_test": "f990"})
    assert "bump" in steps["tpu_die/wafer_sort"].faults
    assert "bump" in steps["package/final_test"].coverage


def test_menus_of_the_product_are_narrowed(case: Case) -> None:
    levels = {"package/final_test": ("f990", "f995"), "cow/mid_bond": ("off",)}
    product = case.products[0].model_copy(update={"levels": levels})
    template: Template = compile_template(case, product, case.library.routes["line"])
    assert list(template.choices()["package/final_test"].options) == ["f990", "f995"]
    assert template.default_levels()["package/final_test"] == "f990"


def test_unknown_names_are_refused_with_the_nearest(case: Case) -> None:
    with pytest.raises(UnknownName, match=r"unknown product.*'asic'"):
        compile_named(case, "asik", "line")
    with pytest.raises(UnknownName, match=r"unknown route.*'line'"):
        compile_named(case, "asic", "lime")
    with pytest.raises(UnknownName, match=r"unknown insertion.*final_test") as error:
        compile_named(case, "asic", "line", ["package/final=f990", "package/final_test=f99"])
    assert [fault.message for fault in error.value.faults] == ["unknown insertion", "unknown level"]
    with pytest.raises(CaseError, match="NODE/INSERTION=LEVEL"):
        compile_named(case, "asic", "line", ["package/final_test"])
    with pytest.raises(CaseError, match="slot @bridge"):
        compile_named(case, "asic", "cowos_l")
