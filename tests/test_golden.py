"""Peers' own numbers: golden/*.csv to 1e-9 where the formula is the same, through the package.

The header of each file says which peer was run, at which commit. Compared are the columns in which
the peer is right; where a peer errs, a test named after the error asserts the difference and our
value. Not compared, and why:

- catch_dies_per_wafer: tests/physics/test_geometry.py.
- cost columns of catch_assembly, and CATCH's test costs (no file here): machine rates, patterns
  and scan chains; the cost of a run is an input of a flow. (CATCH multiplies by the uptime.)
- catch_coverage_sweep: power, pads, one-off cost. Areas and costs: tests/test_catch_sweep.py.
- catch_systems_2p5d: areas; `pkg_perfect_yield_cost`, `pkg_scrap_cost` are CATCH's own split.
- google_die: `gdpw` (edge of 3 mm, rounded; an estimate) and `die_cost` (⌊dies · yield⌋ whole).
- google_test_cost: `wafer_sort_cost`, and so `total_test_cost`: retests, a share 1 − y·x of dies.
- actuary_die, actuary_package: wafer geometry (test_geometry has the estimate) and one-off cost;
  of a package the total is compared, not its split into five parts.
- rapidchiplet_cost: dies per wafer.
"""

from __future__ import annotations

import csv
import math
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from yieldopt.engine import evaluate
from yieldopt.errors import CaseError
from yieldopt.flow import Faults, Flow, Input, Node, Outcome, Step
from yieldopt.physics.yields import Law, gain, log_yield

SAME = 1e-9  # both sides are double precision; the peers subtract from 1 here and there
LINEAR = Law("single")
NUMBER = re.compile(r"nan|-?[0-9.]+(e-?[0-9]+)?")
Row = SimpleNamespace


def rows(name: str, count: int) -> list[Row]:
    """Rows of a golden file by column name; the count pins that none went missing."""
    path = Path(__file__).parent / "golden" / f"{name}.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    table = csv.DictReader(line for line in lines if not line.startswith("#"))
    found = [
        Row(**{k: float(v) if NUMBER.fullmatch(v) else v for k, v in r.items()}) for r in table
    ]
    assert len(found) == count
    return found


def same(ours: float, peers: float) -> None:
    assert ours == pytest.approx(peers, rel=SAME)


def nb(alpha: float, mean: float) -> float:
    return math.exp(log_yield(Law("negative_binomial", alpha=alpha), mean))


def make(cost: float = 0.0, scrap: float = 0.0, **faults: Faults) -> Step:
    return Step("make", "process", cost, scrap, faults=faults)


def screen(name: str, coverage: float, cost: float = 0.0, overlap: str = "nested") -> Step:
    return Step(name, "test", cost, coverage={"any": coverage}, overlap=overlap)


def run(*steps: Step) -> Outcome:
    return evaluate(Flow("unit", (Node("unit", steps=steps),)))


def passing(out: Outcome) -> float:
    return 1.0 / out.visits["unit/make"]


def linear(good: float) -> Faults:
    """The linear escape model of the peers: at most one fault, absent with chance `good`."""
    return Faults(1.0 - good, LINEAR)


def test_catch_layer_and_ecochip_yield() -> None:
    for row in rows("catch_layer_yield", 120):
        mean = row.defect_density_per_mm2 * row.critical_area_ratio * row.area
        same(nb(row.clustering_factor, mean), row.layer_yield)
    for row in rows("ecochip_yield", 42):
        same(nb(10.0, row.defect_density_per_cm2 / 100.0 * row.area_mm2), row.yield_)


def test_catch_test_yield_and_quality() -> None:
    for row in rows("catch_test_yield_quality", 50):
        coverage = 0.0 if row.defect_coverage == "untested" else row.defect_coverage
        out = run(make(any=linear(row.true_yield)), screen("test", coverage))
        same(passing(out), row.self_test_yield)
        same(passing(out), row.assembly_test_yield)
        same(out.quality, row.self_quality)
        same(out.quality, row.assembly_quality)


def sweep() -> list[tuple[Row, float]]:
    """The sweep with the coverage of each row: CATCH's library test "0.36" has coverage 0.5."""
    found = rows("catch_coverage_sweep", 14)
    return [(row, 0.5 if row.setting == 0.36 else row.setting) for row in found]


def test_catch_coverage_sweep_at_the_die() -> None:
    for row, coverage in sweep():
        out = run(make(any=linear(row.die_self_true_yield)), screen("self", coverage))
        same(passing(out), row.die_self_test_yield)
        same(out.quality, row.die_self_quality)


def test_catch_tests_leaf_dies_twice_and_finds_more_at_the_same_coverage() -> None:
    """The same test a second time finds nothing in ours; CATCH charges a second loss for it."""
    for row, coverage in sweep():
        steps = make(any=linear(row.die_self_true_yield)), screen("self", coverage)
        once, twice = run(*steps), run(*steps, screen("again", coverage))
        assert (twice.quality, passing(twice)) == (once.quality, passing(once))
        assert row.die_chip_test_yield < 0.999 and row.die_cost > row.die_self_cost * 1.001
        # What CATCH computes is a second test that is independent of the first.
        out = run(*steps, screen("again", coverage, overlap="independent"))
        same(passing(out), row.die_self_test_yield * row.die_chip_test_yield)
        same(out.quality, row.die_quality)


def test_catch_systems_package_test() -> None:
    """The package as one unit that is bad with chance 1 − Y: test yield, quality and cost."""
    for row in rows("catch_systems_2p5d", 43):
        cost = row.pkg_self_cost + row.pkg_assembly_cost + row.n_chiplets * row.die_cost
        made = make(cost, any=linear(row.pkg_chip_true_yield))
        out = run(made, screen("final", row.final_coverage, row.pkg_test_cost))
        same(passing(out), row.pkg_chip_test_yield)
        same(out.quality, row.pkg_quality)
        same(out.cost_per_shipped_usd, row.pkg_cost)


def system(row: Row, coverage: float, test_cost: float) -> Outcome:
    """A whole CATCH system: n dies tested alone, alignment of each, a test of the package."""
    count = int(row.n_chiplets)
    cp = screen("cp", row.self_coverage, row.die_test_cost)
    die = Node("die", steps=(make(row.die_layer_cost, any=linear(row.die_self_true_yield)), cp))
    place = Faults(-count * math.log(row.alignment_yield))
    bond = make(row.pkg_self_cost + row.pkg_assembly_cost, place=place)
    final = Step("final", "test", test_cost, coverage={"any": coverage, "place": coverage})
    return evaluate(Flow("unit", (die, Node("unit", (Input("die", count),), (bond, final)))))


def test_catch_systems_from_the_die_up() -> None:
    """At full final coverage the linear screen of each part is that of the whole package."""
    done = 0
    for row in rows("catch_systems_2p5d", 43):
        out = system(row, 1.0, row.pkg_test_cost)
        same(passing(out), row.pkg_chip_true_yield)
        spent = out.visits["die/make"] * row.die_layer_cost
        spent += out.visits["die/cp"] * row.die_test_cost
        same(spent * passing(out) / row.n_chiplets, row.die_self_cost)
        if row.final_coverage == 1.0:
            done += 1
            same(out.quality, row.pkg_quality)
            same(out.cost_per_good_usd, row.pkg_cost)
    assert done == 22


def test_catch_costs_a_passing_package_so_that_no_final_test_is_its_cheapest() -> None:
    """Per good package a free final test changes nothing; per passing one it looks dearer."""
    for row in rows("catch_systems_2p5d", 43):
        none, full = system(row, 0.0, 0.0), system(row, 1.0, 0.0)
        assert none.cost_per_shipped_usd < full.cost_per_shipped_usd
        same(none.cost_per_good_usd, full.cost_per_good_usd)


def test_catch_assembly_yield() -> None:
    """Chips, bonds and TSVs that fail alone, a dielectric bond by Seeds' law, shipped untested."""
    for row in rows("catch_assembly", 28):
        dielectric = Faults(row.dielectric_bond_defect_density * row.area, Law("seeds"))
        chip = Faults(-row.n_chips * math.log(row.alignment_yield))
        bond = Faults(-row.n_bonds * math.log(row.bonding_yield))
        tsv = Faults(-row.n_tsvs * math.log(row.tsv_yield))
        out = run(make(chip=chip, bond=bond, tsv=tsv, dielectric=dielectric))
        same(out.quality, row.assembly_yield)


def google_yield(row: Row) -> float:
    mean, layers = row.defect_density_per_cm2 * row.eff_area / 100.0, int(row.N_layers)
    if row.yield_model == "Murphy":
        return math.exp(log_yield(Law("murphy"), mean))
    return math.exp(log_yield(Law("bose_einstein", layers=layers), layers * mean))


def test_google_adds_the_binomial_term_which_is_no_probability() -> None:
    """Its yield with spare blocks exceeds 1; a harvested die lies between its base law and 1."""
    above = 0
    for row in rows("google_die", 120):
        same(google_yield(row), row.model_yield)
        same(row.wafer_yield, google_yield(row) + row.rec_yield)
        above += row.wafer_yield > 1.0
        spares = int(row.rec_spares)
        blocks = int(row.rec_baseline) + spares
        mean = row.defect_density_per_cm2 * row.rec_area / 100.0 * blocks
        harvested = math.exp(gain(Law("harvest", blocks=blocks, spares=spares), 0.0, mean))
        assert math.exp(-mean) <= harvested <= 1.0
        assert (harvested > math.exp(-mean)) == (spares > 0)
    assert above == 48


def test_google_test_costs() -> None:
    """Final test of one insertion, and SLT of what passes it, per unit at final test."""
    for row in rows("google_test_cost", 50):
        final = screen("ft", row.FTxi, 500.0 / 3600 * 25)
        slt = screen("slt", 0.0, 110.0 / 3600 * 360)
        out = run(make(any=linear(row.yield_i)), final, slt)
        same(out.cost_per_shipped_usd * passing(out), row.final_test_cost + row.slt_cost)


def test_actuary_die() -> None:
    for row in rows("actuary_die", 108):
        mean = row.defect_density_per_cm2 / 100.0 * row.area
        latent = Faults(mean, Law("negative_binomial", alpha=row.critical_level))
        out = run(make(row.cost_raw_die, any=latent), screen("sort", 1.0))
        same(passing(out), row.die_yield)
        same(passing(out) * row.N_die_total, row.N_KGD)
        same(out.cost_per_good_usd, row.cost_KGD)
        same(out.waterfall_usd["scrap"] + row.cost_raw_die, row.cost_defect + row.cost_raw_die)


def actuary_package(row: Row, bonding: float = 1.0) -> Outcome:
    """MCM: every die joined at 0.99. Fan-out chip first: RDL yield, bonding, substrate at 0.99."""
    count = int(row.n_chiplets)
    chips = Input("die", count)
    die = Node("die", steps=(make((row.RE_raw_chips + row.RE_defect_chips) / count),))
    if row.package == "OS":
        joins = tuple(Step(f"bond{i}", "process", scrap=0.01) for i in range(count))
        package = Node("package", (chips,), (make(row.RE_raw_package), *joins))
        return evaluate(Flow("package", (die, package)))
    loss = Step("bond", "process", scrap=1.0 - bonding)
    body = Node("body", (chips,), (make(row.cost_interposer, 1.0 - row.package_yield), loss))
    package = Node("package", (Input("body"),), (make(row.cost_substrate, 0.01),))
    return evaluate(Flow("package", (die, body, package)))


def test_actuary_packages() -> None:
    for row in rows("actuary_package", 440):
        same(actuary_package(row).cost_per_good_usd, row.RE_total)


def test_actuary_chip_first_forgets_the_bonding_yield() -> None:
    """With 0.98 for each die, all that was joined before the substrate costs 1/0.98^k as much."""
    for row in rows("actuary_package", 440):
        if row.package == "FO_chip_first":
            bonding = row.bonding_yield**row.n_chiplets
            right = actuary_package(row, bonding).cost_per_good_usd
            substrate = row.cost_substrate / 0.99
            same(right, (row.RE_total - substrate) / bonding + substrate)


def test_actuary_counts_the_micro_bumps_of_equal_chiplets_once() -> None:
    """A chiplet used k times costs less there than k equal ones; ours is the same either way."""
    found = [row for row in rows("actuary_package", 440) if row.package == "FO_chip_first"]
    table = {(r.node, r.total_module_area, r.n_chiplets, r.distinct_chiplets): r for r in found}
    pairs = [(row, table[*key, "True"]) for (*key, same), row in table.items() if same == "False"]
    assert len(pairs) == 100
    for equal, distinct in pairs:
        assert equal.RE_raw_chips < distinct.RE_raw_chips
        count = int(equal.n_chiplets)
        each = [Node(f"die{i}", steps=(make(distinct.RE_raw_chips / count),)) for i in range(count)]
        many = Node("package", tuple(Input(die.name) for die in each))
        one = Node("package", (Input("die0", count),))
        flows = Flow("package", (*each, many)), Flow("package", (each[0], one))
        same(*(evaluate(flow).cost_per_good_usd for flow in flows))


def test_rapidchiplet_costs() -> None:
    """Dies and an interposer by Seeds' law, each sorted perfectly, joined at a visible scrap."""
    for row in rows("rapidchiplet_cost", 48):
        if math.isnan(row.total_cost):
            continue
        steps = {
            "die": (row.wafer_cost / row.dies_per_wafer,
                    row.defect_density_per_mm2 * row.die_side**2),
            "interposer": (row.interposer_wafer_cost / row.interposer_dies_per_wafer,
                           row.interposer_defect_density * row.interposer_area),
        }  # fmt: skip
        nodes = []
        for kind, (cost, mean) in steps.items():
            made = make(cost, any=Faults(mean, Law("seeds"))), screen("sort", 1.0)
            same(passing(run(*made)), getattr(row, f"{kind}_yield"))
            same(run(*made).cost_per_good_usd, getattr(row, f"{kind}_cost"))
            nodes.append(Node(kind, steps=made))
        inputs = Input("die", int(row.n)), Input("interposer")
        nodes.append(Node("package", inputs, (make(0.0, 1.0 - row.packaging_yield),)))
        same(evaluate(Flow("package", tuple(nodes))).cost_per_good_usd, row.total_cost)


def test_rapidchiplet_gives_nan_when_no_interposer_fits() -> None:
    """Where the peer's cost is NaN, and its count of dies −1, ours refuses the step."""
    none = [row for row in rows("rapidchiplet_cost", 48) if math.isnan(row.total_cost)]
    assert len(none) == 6
    for bad in [row.interposer_wafer_cost / row.interposer_dies_per_wafer for row in none]:
        for cost in (bad, math.nan):
            with pytest.raises(CaseError, match="cost_usd: must be a finite number, at least 0"):
                run(make(cost))
