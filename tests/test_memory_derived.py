"""Values of memory stacks that physics gives: product law of bonded wafers, repair, early life.

And the table of line yields in models/README.md, cell by cell.
"""

from __future__ import annotations

import math
import re
from functools import cache
from pathlib import Path

import pytest

from tests.test_memory import line_yield, stack
from yieldopt import evaluate, load
from yieldopt.compile import compile_named
from yieldopt.data import data_folder
from yieldopt.physics.bonding import stack_mean, wafer_to_wafer_yield
from yieldopt.physics.burn_in import acceleration, early_life_removed, weibull_mean
from yieldopt.physics.repair import memory_repair_yield, spare_lane_yield
from yieldopt.schema.case import Case
from yieldopt.schema.route import RouteStepShape


@pytest.fixture(scope="module")
def case() -> Case:
    return load("reference_memory")


def work(case: Case, route: str, name: str) -> RouteStepShape:
    return next(step for step in case.library.routes[route].steps if step.work == name)


def left(step: RouteStepShape, fault_class: str) -> float:
    """Mean faults that a unit of a work step leaves (Poisson)."""
    latent = step.faults[fault_class]
    if latent.mean is not None:
        return latent.mean.base
    assert latent.yield_frac is not None
    return -math.log(latent.yield_frac.base)


def units(bond: RouteStepShape, layers: int) -> float:
    growth = bond.growth_frac_per_layer.base
    return float(stack_mean(1.0, layers, growth_frac_per_layer=growth))


def test_wafer_to_wafer_is_the_product_law(case: Case) -> None:
    """Π Y_i · Y_b^(n−1) over 16 DRAM dies and a base die, none of them tested."""
    route = "hbm_hybrid_w2w"
    out = evaluate(compile_named(case, "stack_hbm4_16h", route, []))
    dram = (1 + 0.5 * 1.2 * 1.1 / 2.0) ** -2.0  # D0 x area, alpha 2
    dram *= math.exp(-left(work(case, route, "thin"), "tsv"))
    base = (1 + 0.08 * 1.2 * 1.1 / 3.0) ** -3.0
    bond = work(case, route, "layer_bond")
    one = (1 - bond.scrap.base) * math.exp(-left(bond, "hybrid") - left(bond, "early"))
    stacked = float(wafer_to_wafer_yield([base, *[dram] * 16], one))
    moulded = 1 - work(case, route, "mould").scrap.base
    shipped = float(out.quality) / float(out.visits["stack/thin"])
    assert shipped == pytest.approx(stacked * moulded, rel=1e-12)


def share_repaired(yield_frac: float, mean: float, alpha: float) -> float:
    """1 − (faults that would leave this yield)/(faults there are), one negative binomial law."""
    return 1 - alpha * math.expm1(-math.log(yield_frac) / alpha) / mean


@pytest.mark.parametrize(("level", "columns"), [("rows99", 0), ("both997", 4), ("both999", 4)])
def test_sort_repairs_what_its_spares_allow(case: Case, level: str, columns: int) -> None:
    mean = 0.5 * 1.1 * 0.95  # D0 x area of a HBM3E die x share of the array
    held = float(
        memory_repair_yield(
            mean, row_spares=4, column_spares=columns, row_frac=0.3, column_frac=0.2, alpha=2.0
        )
    )
    (insertion,) = (i for i in case.insertions if i.name == "dram_sort")
    found = insertion.levels[level].repair["array"].base
    assert found == pytest.approx(0.8 * share_repaired(held, mean, 2.0), abs=0.005)


@pytest.mark.parametrize(("fault_class", "share"), [("tsv", 0.8), ("joint", 0.7), ("hybrid", 0.4)])
def test_stacks_are_repaired_as_far_as_spare_lanes_go(
    case: Case, fault_class: str, share: float
) -> None:
    bond = work(case, "hbm_mr_muf", "layer_bond")
    mean = left(bond, "joint") * units(bond, 12)
    held = float(spare_lane_yield(1024, -math.expm1(-mean / 1024), group=32, spares=1, alpha=0.5))
    clustered = 0.5 * math.expm1(mean / 0.5)  # the same chance of a lane, lanes of a stack together
    ratio = share_repaired(held, clustered, 0.5)
    (insertion,) = (i for i in case.insertions if i.name == "stack_test")
    for level in ("lanes95", "rows98", "rows995", "hot999"):
        found = insertion.levels[level].repair[fault_class].base
        assert found == pytest.approx(share * ratio, abs=0.01), level


def test_early_life_of_a_stack_is_what_burn_in_counts_with(case: Case) -> None:
    (insertion,) = (i for i in case.insertions if i.name == "burn_in")
    bond = work(case, "hbm_mr_muf", "layer_bond")
    early = left(bond, "early") * units(bond, 12)
    assert 0.01 <= left(bond, "early") / left(bond, "joint") <= 0.02
    factor = float(acceleration(358.15, 398.15, 0.7, use_v=1.1, stress_v=1.4, gamma_per_v=14.0))
    for name, level in insertion.levels.items():
        if level.burn_in is None:
            assert name == "off"
            continue
        burn = level.burn_in
        assert level.seconds.base == 3600 * burn.hours.base
        assert burn.acceleration.base == pytest.approx(factor, rel=0.01)
        whole = weibull_mean(burn.field_h.base, eta_h=burn.eta_h.base, beta=burn.beta.base)
        assert float(whole) == pytest.approx(early, rel=0.02)


def test_burn_in_removes_its_share_of_the_early_faults(case: Case) -> None:
    flows = [
        compile_named(case, "stack_hbm3e_12h", "hbm_mr_muf", levels)
        for levels in ([], ["stack/burn_in=h48"])
    ]
    before, after = (-math.log(float(evaluate(flow).quality)) for flow in flows)
    bond = work(case, "hbm_mr_muf", "layer_bond")
    early = left(bond, "early") * units(bond, 12)
    removed = early_life_removed(
        48.0, acceleration_factor=650.0, eta_h=1.55e11, beta=0.35, field_h=43_800.0
    )
    assert before - after == pytest.approx(early * float(removed.field_coverage_frac), rel=1e-9)


@cache
def table() -> dict[str, list[str]]:
    """The table of line yields in the library's README: height -> cells."""
    text = (data_folder("models") / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+)-high[^|]*\| (.+) \|$", text, re.MULTILINE)
    return {layers: cells.split(" | ") for layers, cells in rows}


@pytest.mark.parametrize(
    ("column", "route"), [(0, "hbm_mr_muf"), (1, "hbm_tc_ncf"), (2, "hbm_hybrid_d2w")]
)
@pytest.mark.parametrize(("layers", "kind"), [("8", "hbm3e"), ("12", "hbm3e"), ("16", "hbm4")])
def test_the_readme_prints_the_line_yields_that_come_out(
    tmp_path: Path, column: int, route: str, layers: str, kind: str
) -> None:
    cell = table()[layers][column]
    assert (cell == "–") == (route == "hbm_hybrid_d2w" and layers != "16")
    if cell != "–":
        assert cell == f"{line_yield(stack(tmp_path, route, int(layers), kind)):.2f}"


def test_what_is_calibrated_of_a_stack_says_so(case: Case) -> None:
    (bond,) = (s for s in case.library.routes["hbm_mr_muf"].steps if s.work == "layer_bond")
    for quantity in (bond.faults["joint"].yield_frac, bond.growth_frac_per_layer):
        assert quantity is not None
        assert (quantity.source or "").startswith("calibrated: to HBM")
