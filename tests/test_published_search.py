"""What is published about test flows of stacked and 2.5D products, asked of the search.

The sources state directions, not numbers (abstracts; their tables were not at hand). Each is asked
of whole systems of the library, over a stated range of one value of their sources, with all other
insertions chosen anew under the product's DPPM limit. Where a statement does not hold, a test says
so. USD figures are this library's and appear only in comparisons.

[1] M. Taouil, S. Hamdioui, K. Beenakker, E. J. Marinissen, "Test Cost Analysis for 3D
    Die-to-Wafer Stacking", Asian Test Symposium 2010.
[2] M. Taouil, S. Hamdioui, E. J. Marinissen, S. Bhawmik, "Using 3D-COSTAR for 2.5D Test Cost
    Optimization", 3DIC 2013.
[3] M. Agrawal, K. Chakrabarty, "Test-Cost Modeling and Optimal Test-Flow Selection of 3D-Stacked
    ICs", IEEE Transactions on Computer-Aided Design 2015; quoted at second hand.
[4] CATCH's coverage sweep (tests/test_catch_sweep.py has its own numbers).
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from yieldopt import evaluate, load
from yieldopt.optimize.candidates import Candidate
from yieldopt.optimize.coverage import Found, best_levels
from yieldopt.optimize.problem import prepare
from yieldopt.optimize.weighing import candidate_on
from yieldopt.template import Choice, OpenNode, Template

CASES = Path(__file__).parent.parent / "cases"
INTERPOSER, MID, STACK_MID = "interposer/interposer_test", "cow/mid_bond", "mi300x_stack/mid_bond"
SILICON, REDISTRIBUTION = (
    f"processes.{process}.d0_per_cm2" for process in ("si_interposer_65", "rdl_interposer")
)
SYSTEMS = [  # case, route
    ("h100_class", "cowos_s"), ("h100_class", "osat_2p5d"), ("h100_class", "cowos_l"),
    ("mi300x_class", "cowos_s"), ("mi300x_class", "osat_2p5d"), ("mi300x_class", "cowos_l"),
    ("b200_class", "cowos_l"),
]  # fmt: skip
STACKS = [  # product of reference_memory, route
    ("stack_hbm3e_12h", "hbm_mr_muf"), ("stack_hbm3e_12h", "hbm_tc_ncf"),
    ("stack_hbm4_16h", "hbm_mr_muf"), ("stack_hbm4_16h", "hbm_hybrid_d2w"),
]  # fmt: skip
DIES = [  # case, route, its compute die, the die's process
    ("h100_class", "cowos_s", "gpu_h100", "n4p"),
    ("b200_class", "cowos_l", "gpu_b200", "n4p"),
    ("mi300x_class", "cowos_s", "xcd_mi300x", "n5"),
]
# Per cm2, from a tenth of today's N5 to its risk production.
DENSITIES = (0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.3, 0.5, 0.8, 1.271)


def system(
    case: str, route: str, changes: dict[str, Any] | None = None, product: str | None = None
) -> Candidate:
    loaded = load(CASES / f"{case}.toml", changes or {})
    candidate, verdict = candidate_on(loaded, loaded.product(product or case), route)
    assert candidate is not None, verdict.reasons
    return candidate


def best(
    of: Candidate,
    forced: dict[str, tuple[str, ...]] | None = None,
    template: Template | None = None,
) -> Found:
    """The search at the product's DPPM limit, some menus cut; the plan costs what it says."""
    limited = (template or of.template).limited(forced or {})
    found = best_levels(prepare(limited), dppm_limit=of.product.dppm_limit)
    assert found.levels is not None
    out = evaluate(limited.at(found.levels))
    assert float(out.cost_per_good_usd) == pytest.approx(found.value_usd, rel=1e-11)
    return found


def level(found: Found, place: str) -> str:
    assert found.levels is not None
    return found.levels[place]


def by_level(of: Candidate, place: str) -> list[float]:
    """Least cost with each level of one insertion, in the menu's order: the U-curve."""
    options = of.template.choices()[place].options
    return [best(of, {place: (name,)}).value_usd for name in options]


def falls(costs: list[float]) -> bool:
    return all(later < before for before, later in pairwise(costs))


def sorts(of: Candidate) -> dict[str, tuple[str, ...]]:
    """Every pre-bond test of a die, forced off."""
    ends = ("/wafer_sort", "/dram_sort")
    return {place: ("off",) for place in of.template.choices() if place.endswith(ends)}


# Interposer test


@pytest.mark.parametrize(("case", "route"), SYSTEMS)
def test_more_coverage_of_the_interposer_before_bonding_costs_less_in_all(
    case: str, route: str
) -> None:
    """[2] (a), at each of six levels, on silicon and on redistribution interposers."""
    costs = by_level(system(case, route), INTERPOSER)
    assert len(costs) == 6
    assert falls(costs)


@pytest.mark.parametrize(
    ("case", "route", "density", "values"),
    [
        ("h100_class", "cowos_s", SILICON, (0.001, 0.06)),
        ("mi300x_class", "cowos_s", SILICON, (0.001, 0.06)),
        ("h100_class", "cowos_l", REDISTRIBUTION, (0.02, 0.1)),
        ("b200_class", "cowos_l", REDISTRIBUTION, (0.02, 0.1)),
    ],
)
def test_the_interposer_test_pays_over_its_sourced_defects_and_the_more_the_more(
    case: str, route: str, density: str, values: tuple[float, float]
) -> None:
    """[2] (a), at both ends; only the last level is in doubt on the best silicon."""
    low, high = (by_level(system(case, route, {density: value}), INTERPOSER) for value in values)
    assert falls(low[:-1]) and falls(high)
    assert low[0] - min(low) < high[0] - min(high)
    assert falls(low) == (density == REDISTRIBUTION)


@pytest.mark.parametrize(("case", "route"), [s for s in SYSTEMS if s[1] == "cowos_l"])
def test_small_bridges_are_not_worth_more_than_a_look(case: str, route: str) -> None:
    """Where [2] (a) fails: small bridges are good anyway; each level above the look costs more."""
    costs = by_level(system(case, route), "lsi_bridge/interposer_test")
    assert costs[1] == min(costs)
    assert falls(costs[:0:-1])


# Mid-bond test


@pytest.mark.parametrize(("case", "route"), SYSTEMS)
def test_mid_bond_test_is_avoidable_where_bonds_yield_well(case: str, route: str) -> None:
    """[2] (c): on up to 0.97 a chip, off from 0.99, the low end of the source; one switch."""
    key = f"routes.{route}.steps.chip_bond.faults.joint.yield_frac"
    yields = (0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.995, 0.998, 0.9995)
    on = [level(best(system(case, route, {key: value})), MID) != "off" for value in yields]
    assert on == sorted(on, reverse=True)
    assert on[:3] == [True] * 3
    assert on[5:] == [False] * 4


def test_a_test_of_a_stack_within_the_package_pays_at_any_bond_yield() -> None:
    """[1] (c), intermediate tests pay off; and where [2] (c) fails.

    The stack of MI300X-class packages is tested before it is joined to memory. What that saves
    falls with the yield of its bonds, from 0.95 over the sourced range to 0.9999, but never to
    nothing: it also finds the faults of its dies that the sort could not see.
    """
    saved = []
    for value in (0.95, 0.97, 0.98, 0.99, 0.995, 0.999, 0.9999):
        key = "routes.soic_cow.steps.hybrid_bond.faults.hybrid.yield_frac"
        stacked = system("mi300x_class", "cowos_s", {key: value})
        chosen, without = best(stacked), best(stacked, {STACK_MID: ("off",)})
        assert level(chosen, STACK_MID) != "off"
        saved.append(without.value_usd - chosen.value_usd)
        if value <= 0.99:  # the next test takes over, and does not make up for it
            assert (level(chosen, MID), level(without, MID)) == ("off", "full95")
    assert falls(saved)
    assert saved[-1] > 0.0


# Cheapest flow, cheapest product


def only_tests(template: Template) -> Template:
    """The template with nothing to pay but its tests."""
    nodes = []
    for node in template.nodes:
        items = [
            replace(item, cost_usd=0.0)
            if not isinstance(item, Choice) and item.kind == "process"
            else item
            for item in node.items
        ]
        nodes.append(OpenNode(node.name, node.inputs, tuple(items)))
    return Template(template.ship, tuple(nodes))


def spent_on_tests(of: Candidate, found: Found) -> float:
    """Cost of tests per good package [USD], from the visits of the whole flow."""
    assert found.levels is not None
    flow = of.template.at(found.levels)
    out = evaluate(flow)
    steps = [(node.name, step) for node in flow.nodes for step in node.steps if step.kind == "test"]
    spent = sum(
        float(out.visits[f"{node}/{step.name}"]) * float(step.cost_usd) for node, step in steps
    )
    return spent / float(out.quality)


@pytest.mark.parametrize(
    ("case", "route", "product"),
    [(*s, None) for s in SYSTEMS] + [("reference_memory", r, p) for p, r in STACKS],
)
def test_the_cheapest_test_flow_is_not_the_cheapest_product(
    case: str, route: str, product: str | None
) -> None:
    """[1] (b), among flows within the DPPM limit: far less for tests, a dearer product."""
    asked = system(case, route, product=product)
    whole, frugal = best(asked), best(asked, template=only_tests(asked.template))
    assert frugal.value_usd == pytest.approx(spent_on_tests(asked, frugal), rel=1e-11)
    assert frugal.value_usd < 0.6 * spent_on_tests(asked, whole)
    assert frugal.levels is not None
    product_usd = float(evaluate(asked.template.at(frugal.levels)).cost_per_good_usd)
    assert product_usd > 1.1 * whole.value_usd


def test_blind_wafers_leave_one_flow_that_is_the_cheapest_of_both() -> None:
    """Where [1] (b) fails: bonded as whole wafers, the sort mends dies but takes none out.

    A sort that is spared is paid for in tests of stacks that are then scrapped.
    """
    asked = system("reference_memory", "hbm_hybrid_w2w", product="stack_hbm4_16h")
    assert best(asked).levels == best(asked, template=only_tests(asked.template)).levels


# Pre-bond test


@pytest.mark.parametrize(
    ("case", "route", "product"),
    [(*s, None) for s in SYSTEMS] + [("reference_memory", r, p) for p, r in STACKS],
)
def test_known_good_dies_cut_the_cost_of_the_product(
    case: str, route: str, product: str | None
) -> None:
    """[1] (a), "significantly": without pre-bond tests a tenth more at least, later ones anew."""
    asked = system(case, route, product=product)
    chosen, untested = best(asked), best(asked, sorts(asked))
    assert sorts(asked)
    assert all(level(chosen, place) != "off" for place in sorts(asked))
    assert untested.value_usd > 1.1 * chosen.value_usd


# Coverage and die yield


@pytest.mark.parametrize(("case", "route", "die", "process"), DIES)
def test_the_best_coverage_of_the_sort_rises_with_the_defect_density(
    case: str, route: str, die: str, process: str
) -> None:
    """[4] on the library's dies: over two decades the coverage never falls, and does rise."""
    place, coverages = f"{die}/wafer_sort", []
    for density in DENSITIES:
        asked = system(case, route, {f"processes.{process}.d0_per_cm2": density})
        step = asked.template.choices()[place].options[level(best(asked), place)]
        coverages.append(float(step.coverage["logic"]) if step else 0.0)
    assert coverages == sorted(coverages)
    assert coverages[0] < coverages[-1]


def test_a_small_die_of_few_defects_need_not_be_known_good() -> None:
    """Where [1] (a) fails: a compute die of MI300X class, at 0.01 per cm2; its stack is tested."""
    clean = system("mi300x_class", "cowos_s", {"processes.n5.d0_per_cm2": 0.01})
    assert level(best(clean), "xcd_mi300x/wafer_sort") == "off"


@pytest.mark.parametrize(("case", "route", "die", "process"), DIES)
def test_selected_insertions_change_slowly_with_die_yield(
    case: str, route: str, die: str, process: str
) -> None:
    """[3]: in eleven steps over two decades of D0 at most two switch one insertion on.

    None is ever switched off. Levels are another matter: how much is tested where changes more
    often, as final and system-level test take turns at the DPPM limit.
    """
    keys = [{f"processes.{process}.d0_per_cm2": density} for density in DENSITIES]
    plans = [best(system(case, route, key)).levels or {} for key in keys]
    used = [{place for place, name in plan.items() if name != "off"} for plan in plans]
    steps = list(pairwise(used))
    assert all(before <= after and len(after - before) <= 1 for before, after in steps)
    switched = sum(before != after for before, after in steps)
    moved = sum(before != after for before, after in pairwise(plans))
    assert switched <= 2 < moved
