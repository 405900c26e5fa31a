"""Answers of the cases about whole systems, and the teardown tables of the accelerator classes.

Every number that a case's comment states is computed here, formatted, and looked up in the comment.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from yieldopt import Flow, evaluate, load
from yieldopt.breakeven import breakeven
from yieldopt.comparison import compare
from yieldopt.optimize.candidates import Candidate
from yieldopt.optimize.weighing import candidate_on
from yieldopt.plan import Recipe
from yieldopt.schema.assembly import parts_within

CASES = Path(__file__).parent.parent / "cases"
Changes = dict[str, Any]


def comment(name: str) -> str:
    """The comment that a case opens with, in one line."""
    lines = (CASES / f"{name}.toml").read_text(encoding="utf-8").splitlines()
    head = lines[: next(i for i, line in enumerate(lines) if not line.startswith("#"))]
    return " ".join(line.lstrip("# ") for line in head)


def states(name: str, *texts: str) -> None:
    head = comment(name)
    assert [text for text in texts if text not in head] == []


def weigh(
    name: str, product: str, route: str, changes: Changes | None = None
) -> tuple[Candidate | None, tuple[str, ...]]:
    case = load(CASES / f"{name}.toml", changes or {})
    candidate, verdict = candidate_on(case, case.product(product), route)
    return candidate, verdict.reasons


def recipe(name: str, product: str, route: str, changes: Changes | None = None) -> Recipe:
    candidate, reasons = weigh(name, product, route, changes)
    assert candidate is not None, reasons
    return candidate.recipes[0]


def costs(name: str, products: list[str], route: str, changes: Changes | None) -> list[float]:
    """Of several products on one route; the case is read once."""
    case = load(CASES / f"{name}.toml", changes or {})
    found = [candidate_on(case, case.product(product), route)[0] for product in products]
    return [each.recipes[0].cost_per_good_usd for each in found if each is not None]


def cost(name: str, product: str, route: str, changes: Changes | None = None) -> float:
    return recipe(name, product, route, changes).cost_per_good_usd


def crossing(lead: Callable[[float], float], low: float, high: float) -> float:
    """Where a difference of costs changes sign, to a ten-thousandth of the range."""
    first, span = lead(low), high - low
    assert first * lead(high) < 0.0
    while high - low > 1e-4 * span:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if lead(middle) * first > 0.0 else (low, middle)
    return 0.5 * (low + high)


# Four reticle-size dies in one package

FOUR = "ask_four_die"
RULE = "routes.cowos_l.limits.logic_reticles"
WARP = "routes.cowos_l.steps.warpage.faults.warp.warpage.mean"


def test_four_reticle_dies_are_excluded_for_warpage_alone_and_the_pair_is_not() -> None:
    _, reasons = weigh(FOUR, "four_die", "cowos_l")
    assert len(reasons) == 1
    assert "logic of 3160 mm2 (3.7 reticles) warps the package: the limit is 3" in reasons[0]
    pair = 2 * cost(FOUR, "two_die", "cowos_l")
    states(FOUR, "3,160 mm2 of logic (3.7 reticles)", f"packages of two cost USD {pair:,.0f}.")


def test_without_the_rule_warped_bodies_still_forbid_four_dies() -> None:
    _, reasons = weigh(FOUR, "four_die", "cowos_l", {RULE: 4})
    (found,) = re.findall(r"reaches 3000 DPPM; the lowest is (\d+)", reasons[0])
    states(FOUR, f"gets below {int(found):,} DPPM of 3,000 allowed")


def test_four_dies_in_one_package_cost_more_than_two_pairs_without_any_warpage() -> None:
    flat = {RULE: 4, WARP: 0.0}
    one = cost(FOUR, "four_die", "cowos_l", flat)
    pair = 2 * cost(FOUR, "two_die", "cowos_l", flat)
    assert one > pair
    states(FOUR, f"the four cost USD {one:,.0f} and the pair {pair:,.0f}")


def test_emib_is_too_small_and_then_stopped_by_what_escapes() -> None:
    _, today = weigh(FOUR, "four_die", "emib")
    assert len(today) == 1
    assert "interposer 7470 mm2 exceeds the limit of 6864 mm2" in today[0]
    _, later = weigh(FOUR, "four_die", "emib", {"routes.emib.limits.interposer_mm2": 12 * 858.0})
    (found,) = re.findall(r"no combination of levels reaches 3000 DPPM; .* is (\d+)", later[0])
    states(FOUR, f"stops at {int(found):,} DPPM")
    pair = 2 * cost(FOUR, "two_die", "emib")
    assert pair < 2 * cost(FOUR, "two_die", "cowos_l")
    states(FOUR, f"carries the pair for USD {pair:,.0f}")


# Monolithic or chiplets

EPYC = "ask_monolithic_or_chiplets"
DENSITY = "processes.n16.d0_per_cm2"
SIDES = (("monolithic", "server_soc_777", 1), ("chiplets", "server_quarter_213", 4))


def of_dies(changes: Changes | None = None) -> float:
    """Cost of four yielded chiplets over that of the yielded monolith, found by a free test."""
    usd = []
    case = load(CASES / f"{EPYC}.toml", changes or {})
    for product, part, count in SIDES:
        candidate, _ = candidate_on(case, case.product(product), "organic_mcm")
        assert candidate is not None
        flow = candidate.template.at(candidate.recipes[0].levels)
        node = next(node for node in flow.nodes if node.name == part)
        fab = replace(node, steps=node.steps[:1])
        usd.append(count * float(evaluate(Flow(part, (fab,))).cost_per_good_usd))
    return usd[1] / usd[0]


def of_packages(changes: Changes | None = None) -> tuple[float, float]:
    one, many = costs(EPYC, [product for product, _, _ in SIDES], "organic_mcm", changes)
    return many, one


def test_chiplets_save_a_third_of_the_dies_and_the_published_share_of_a_young_line() -> None:
    published = crossing(lambda d0: of_dies({DENSITY: d0}) - 0.59, 0.08, 0.2)
    assert 0.10 < published < 0.13  # above the range of the node, within that of a ramp
    assert of_dies({DENSITY: 0.01}) < 1.0  # the wafer's edge alone pays for a tenth more silicon
    states(EPYC, f"its dies are: {of_dies():.2f}".replace("its", "Its"))
    states(EPYC, f"comes out at {published:.3f} per cm2")


def test_substrate_and_tests_hide_what_the_dies_save() -> None:
    many, one = of_packages()
    dies = recipe(EPYC, "chiplets", "organic_mcm").waterfall_usd["die"]
    states(EPYC, f"costs {many / one:.2f} of the monolithic one (USD {many:.0f} and {one:.0f})")
    states(EPYC, f"USD {dies:.0f} of silicon")
    leading = {f"parts.{part}.process": "n5" for _, part, _ in SIDES}
    many, one = of_packages(leading)
    states(EPYC, f"On N5 wafers it is {many / one:.2f}")


def test_on_clean_wafers_the_monolith_wins() -> None:
    def lead(d0: float) -> float:
        many, one = of_packages({DENSITY: d0})
        return many - one

    even = crossing(lead, 0.05, 0.1)
    assert lead(0.05) > 0.0 > lead(0.1)
    states(EPYC, f"fewer than {even:.3f} defects per cm2")


# Two mature-node dies instead of one leading-edge die

MATURE = "ask_two_mature_dies"


def mature_lead(route: str, changes: Changes | None = None) -> float:
    """What two mature dies cost above one leading-edge die."""
    one, two = costs(MATURE, ["one_leading", "two_mature"], route, changes)
    return two - one


def test_two_mature_dies_win_where_joining_them_is_cheap_and_lose_on_silicon() -> None:
    assert mature_lead("organic_mcm") < 0.0 < mature_lead("cowos_s")
    both = [
        cost(MATURE, name, route)
        for route in ("organic_mcm", "cowos_s")
        for name in ("two_mature", "one_leading")
    ]
    states(MATURE, "two N6 dies cost USD {:.0f}, one N3 die USD {:.0f}".format(*both))
    states(MATURE, "they cost USD {:.0f} against {:.0f}".format(*both[2:]))


@pytest.mark.long
def test_the_density_assumed_and_the_wafer_price_turn_the_answer() -> None:
    side, wafer = "parts.accel_n6_half.height_mm", "processes.n3.cost_usd"
    even = crossing(lambda mm: mature_lead("organic_mcm", {side: mm}), 20.0, 21.9)
    assert mature_lead("organic_mcm", {side: 21.9}) > 0.0
    organic = crossing(lambda usd: mature_lead("organic_mcm", {wafer: usd}), 2e4, 2.7e4)
    silicon = crossing(lambda usd: mature_lead("cowos_s", {wafer: usd}), 2e4, 4e4)
    assert mature_lead("organic_mcm", {wafer: 2e4}) > 0.0
    states(MATURE, f"two dies of {20.0 * even:.0f} mm2 instead of 420")
    states(MATURE, f"N3 wafers of USD {round(organic, -1):,.0f}")
    states(MATURE, f"have to cost USD {round(silicon, -1):,.0f}")


# Packages of up to 47 dies

MANY = "ask_many_dies"
CLASSES = {  # route, sorted dies, module that is tested before it joins the others, active dies
    "epyc_class": ("organic_mcm", ("epyc_ccd", "epyc_iod"), None, 9),
    "mi300x_class": ("cowos_s", ("xcd_mi300x", "iod_mi300x"), "mi300x_stack", 20),
    "ponte_vecchio_class": (
        "emib", ("tile_compute", "tile_cache", "tile_link"), "foveros_module", 47,
    ),
}  # fmt: skip


def at_levels(product: str, nodes: tuple[str, ...], level: str) -> float:
    """Extra cost of a product when some tests are held at a level."""
    route = CLASSES[product][0]
    held = {node: [level] for node in nodes}
    best = cost(MANY, product, route)
    return cost(MANY, product, route, {f"products.{product}.levels": held}) - best


def test_the_dies_of_each_class_are_as_many_as_stated() -> None:
    case = load(MANY)
    for product, (route, _, module, dies) in CLASSES.items():
        slots = case.product(product).slots
        standing = ("die", "memory", "interposer")
        count = sum(
            number
            for part, number in parts_within(slots, case.library.parts)
            if part.category in standing and part.route is None
        )
        if module and case.library.parts[module].route == "foveros":
            count += 2  # the bases, made by the route
        assert count == dies, route
    states(MANY, "packages of 9, 20 and 47 active dies")


def test_scrap_does_not_grow_with_the_number_of_dies() -> None:
    found = [recipe(MANY, product, CLASSES[product][0]) for product in CLASSES]
    shares = [r.waterfall_usd["scrap"] / r.cost_per_good_usd for r in found]
    assert max(shares) - min(shares) < 0.05
    usd = [r.cost_per_good_usd for r in found]
    states(MANY, "USD {:,.0f} (EPYC class), {:,.0f} (MI300X class) and {:,.0f}".format(*usd))
    states(MANY, "Scrap is {:.0f}, {:.0f} and {:.0f} %".format(*(100 * x for x in shares)))


def test_sort_and_tested_stacks_matter_with_dear_neighbours() -> None:
    worse = [
        at_levels(product, tuple(f"{die}/wafer_sort" for die in dies), "p80")
        for product, (_, dies, _, _) in CLASSES.items()
    ]
    assert min(worse[1:]) > 10.0 * worse[0] > 0.0
    blind = [
        at_levels(product, (f"{module}/mid_bond",), "off")
        for product, (_, _, module, _) in CLASSES.items()
        if module
    ]
    assert min(blind) > 0.0
    states(MANY, "cost USD {:,.0f}, {:,.0f} and {:,.0f} more than".format(*worse))
    states(MANY, "would cost USD {:,.0f} and {:,.0f} more".format(*blind))


def test_the_plan_of_47_dies_is_proven_best() -> None:
    best = recipe(MANY, "ponte_vecchio_class", "emib")
    assert best.proof.enumerated + best.proof.pruned == best.proof.combinations
    assert best.proof.lower_bound_usd == pytest.approx(best.cost_per_good_usd, rel=1e-9)
    states(MANY, f"of {best.proof.combinations:,} test plans")


# Optics in the package of a switch

OPTICS = "ask_cpo_switch"
ATTACH = "routes.cpo.steps.fibre_attach"
GRADE = "optical_engine_graded/grade"
LIGHT = "optical_engine_graded/optic_test"
NEVER = {f"{ATTACH}.rework.success_frac": 0.0, f"{ATTACH}.rework.cost_usd": 0.0}


def switch(levels: dict[str, list[str]] | None = None, changes: Changes | None = None) -> float:
    held = {"products.co_packaged.levels": levels} if levels else {}
    return cost(OPTICS, "co_packaged", "cpo", {**held, **(changes or {})})


def port(changes: Changes | None = None) -> float:
    """What a 1.6T port adds to the electrical switch: a dearer pluggable module loses."""
    return (switch(changes=changes) - cost(OPTICS, "electrical", "cowos_r")) / 16


def test_a_port_in_the_package_has_its_price_and_bad_attach_raises_it() -> None:
    optics, plain = switch(), cost(OPTICS, "electrical", "cowos_r")
    states(OPTICS, f"USD {plain:,.0f} with electrical ports and USD {optics:,.0f} with sixteen")
    states(OPTICS, f"costs more than USD {port():.0f}.")
    library = load(OPTICS).library
    grades = library.parts["optical_engine_graded"].grades
    assert grades is not None
    steps = {step.work: step.cost_usd.base for step in library.routes["cpo"].steps if step.work}
    attach = steps["engine_attach"] + steps["fibre_attach"]
    states(OPTICS, f"{grades['probed'].price_usd.base:.0f} are the engine and {attach:.0f} its")
    worse = {f"{ATTACH}.scrap": 0.05}
    never, both, reworked = port(NEVER), port({**NEVER, **worse}), port(worse)
    assert port() < reworked < never < both
    states(OPTICS, f"it is USD {never:.0f}, and {both:.0f} if 5 %", f"matters: USD {reworked:.0f}")


def test_the_grade_of_the_engine_depends_on_our_own_test() -> None:
    probed, tested = (switch({GRADE: [grade]}) for grade in ("probed", "tested"))
    assert switch() == pytest.approx(probed, rel=1e-12)
    states(OPTICS, f"wins by {tested - probed:.0f} over the tested one")
    blind = {grade: switch({GRADE: [grade], LIGHT: ["off"]}) for grade in ("probed", "tested")}
    assert blind["tested"] < blind["probed"]
    assert switch({LIGHT: ["off"]}) == pytest.approx(blind["tested"], rel=1e-12)
    price = "parts.optical_engine_graded.grades.probed.price_usd"
    even = crossing(lambda usd: switch({GRADE: ["probed"]}, {price: usd}) - tested, 225.0, 249.0)
    states(OPTICS, f"discount is below {100 * (1 - even / 250):.1f} %")


# Thin memory

THIN = "ask_thin_memory"
WIRING = "processes.fanout_memory.cost_usd"


@pytest.mark.long
def test_fan_out_memory_is_dearer_unless_its_wafer_is_far_below_any_source() -> None:
    path = CASES / f"{THIN}.toml"
    found = breakeven(path, WIRING, ("foms_r", "epop"), product="memory", low=100, high=2000)
    (even,) = found.crossings
    assert (even.cheaper_below, even.cheaper_above) == ("foms_r", "epop")
    least = load(THIN).library.processes["fanout_memory"].cost_usd.low
    assert least is not None
    assert even.value < least
    fan, wire = (found.costs[route][1] for route in ("foms_r", "epop"))
    states(THIN, f"LPDDR5X cost USD {fan:.2f} in fan-out and {wire:.2f} wire-bonded")
    states(THIN, f"even at USD {even.value:.0f} for a wiring wafer; {least:,.0f} is the least")


def test_only_fan_out_fits_where_there_is_no_height() -> None:
    glasses = [f"glasses_{kind}" for kind in ("fanout", "bonded", "epop")]
    fan, wire, flash = (cost(THIN, name, "pop") for name in glasses)
    states(THIN, f"{fan:.2f} and {wire:.2f} ({flash:.2f} with flash", f"USD {fan - wire:.2f} a pa")
    thin = {"routes.pop.limits.stack_height_um": 400.0}
    assert cost(THIN, glasses[0], "pop", thin) == pytest.approx(fan, rel=1e-12)
    for name in glasses[1:]:
        _, reasons = weigh(THIN, name, "pop", thin)
        assert "exceeds 400 um" in reasons[0]


# Teardowns

LINES = {
    "logic": ("die",),
    "memory": ("memory",),
    "package": ("interposer", "substrate", "assembly"),
    "yield loss": ("scrap",),
    "other": ("test",),
    "test, rest": ("test", "scrap"),
    "total": ("die", "memory", "interposer", "substrate", "assembly", "test", "scrap"),
}
PUBLIC = {  # section 3 of the notes on test economics: estimates
    ("h100_class", "cowos_s"): [300, 1350, 750, 920, 3320],
    ("b200_class", "cowos_l"): [900, 2900, 1100, 1000, 500, 6400],
    ("mi300x_class", "cowos_s"): [600, 2900, 1200, 600, 5300],
}
ROW = re.compile(r"^# (\w[\w, ]*?) *\| *([\d,]+) \| *([\d,]+) \| (\S.*)$", re.MULTILINE)


def number(text: str) -> int:
    return int(text.replace(",", ""))


@pytest.mark.parametrize(("name", "route"), PUBLIC)
def test_the_teardown_table_holds_what_the_case_gives(name: str, route: str) -> None:
    rows = ROW.findall((CASES / f"{name}.toml").read_text(encoding="utf-8"))
    spent = recipe(name, name, route).waterfall_usd
    assert sum(spent[key] for key in LINES["total"]) == pytest.approx(sum(spent.values()))
    assert [number(public) for _, public, _, _ in rows] == PUBLIC[name, route]
    for line, _, here, _ in rows:
        assert number(here) == round(sum(spent[key] for key in LINES[line])), line


def lost(name: str, route: str, *causes: str) -> float:
    column = next(c for c in compare(load(name)) if c.route == route)
    return sum(column.scrap_by_cause_usd[cause] for cause in causes)


def test_the_words_beside_the_teardowns_are_true() -> None:
    spent = recipe("h100_class", "h100_class", "cowos_s").waterfall_usd
    dies = lost("h100_class", "cowos_s", "gpu_h100/fab")
    states("h100_class", f"tests {spent['test']:.0f}, scrap {spent['scrap']:.0f}")
    states("h100_class", f"of which {dies:.0f} are", f"logic is {spent['die'] + dies:.0f},")
    spent = recipe("b200_class", "b200_class", "cowos_l").waterfall_usd
    dies = lost("b200_class", "cowos_l", "gpu_b200/fab")
    states("b200_class", f"those lost ({dies:.0f})", f"as logic it is {spent['scrap'] - dies:.0f}:")
    best = recipe("mi300x_class", "mi300x_class", "cowos_s")
    spent = best.waterfall_usd
    dies = lost("mi300x_class", "cowos_s", "iod_mi300x/fab", "xcd_mi300x/fab")
    states(
        "mi300x_class",
        f"tests {spent['test']:.0f} and scrap {spent['scrap']:,.0f}, of which {dies:.0f} are dies",
    )
    level = best.levels["iod_mi300x/wafer_sort"]
    seen = {f"insertions.wafer_sort.levels.{level}.coverage.io": 0.97}
    saved = best.cost_per_good_usd - cost("mi300x_class", "mi300x_class", "cowos_s", seen)
    states("mi300x_class", f"would cost USD {saved:.0f} less")
