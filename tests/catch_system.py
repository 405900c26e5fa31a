"""CATCH's coverage sweep rebuilt: the system as a template, and its cost by plain arithmetic.

The system of golden/catch_coverage_sweep.csv: 4 x 4 chiplets of 50 mm2 core on a silicon
interposer, tested alone at one of seven coverages, then a free perfect test of the package. The
file shows the first chiplet only, a corner. The others follow from CATCH's libraries (commit
d60dafb): a chiplet has two I/O cells for each neighbour and two to the outside, so corner, edge and
inner dies differ. Constants here are CATCH's inputs; dies per wafer, by its grid, are read off the
rows, as whole numbers. `by_hand` shares no formula with the engine or the search.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

from yieldopt.flow import Faults, Input, Step
from yieldopt.physics.yields import Law
from yieldopt.template import Choice, OpenNode, Template

SETTINGS = ("0.36", "0.68", "0.84", "0.92", "0.96", "0.98", "0.99")
COVERAGES = (0.5, 0.68, 0.84, 0.92, 0.96, 0.98, 0.99)  # the library's test "0.36" has 0.5
PATTERNS = (10, 20, 40, 80, 160, 320, 640)
KINDS = {"corner": (4, 6, 1226), "edge": (8, 8, 1206), "inner": (4, 10, 1193)}  # dies, cells, wafer
CELL_MM2, WIRES = 0.4055184, 140  # one cell of UCIe advanced
RETICLE_MM2 = 26.0 * 33.0
WAFER_USD = 0.29461 * math.pi * 150.0**2
LITHO, CRITICAL, ALPHA = 0.35, 0.7, 2.0
PICK_AND_BOND_USD = 16 * 30.0 * (1.8e6 / 5.0 + 1e5) / (365 * 24 * 3600)  # before uptime
UPTIME = 0.9
BONDS, TSVS = 2240, 1026  # columns pkg_n_bonds, pkg_n_tsvs
INTERPOSER_USD, INTERPOSER_MM2 = 27.7538960631831, 887.2909361363322  # columns
INTERPOSER_MEAN = 1e-5 * 0.3 * INTERPOSER_MM2  # D0 and critical area of its library
Plan = tuple[int, ...]  # setting of corner, edge and inner dies
PLANS = tuple(itertools.product(range(7), repeat=3))


@dataclass(frozen=True)
class System:
    """What is assumed; the defaults are CATCH's."""

    density: float
    law: str = "single"
    leaf: str = "charged twice"  # "twice": the second test also finds (linear only); "once"
    bonds: int = BONDS
    uptime: float = UPTIME  # what the cost per second is multiplied by
    interposer: str = "perfect"  # "sorted" by a free perfect test, "blind", "open": as is cheaper
    final: str = "full"  # "off"; "open"


def area_mm2(kind: str) -> float:
    return 50.0 + KINDS[kind][1] * CELL_MM2


def fab_usd(kind: str) -> float:
    """Wafer over dies; the part of lithography pays for what of the reticle is left empty."""
    used = math.floor(RETICLE_MM2 / area_mm2(kind)) * area_mm2(kind) / RETICLE_MM2
    return WAFER_USD / KINDS[kind][2] * (1.0 - LITHO + LITHO / used)


def mean(kind: str, density: float) -> float:
    return density * area_mm2(kind) * CRITICAL


def good(kind: str, density: float) -> float:
    return math.pow(1.0 + mean(kind, density) / ALPHA, -ALPHA)


def passing(kind: str, at: int, system: System) -> float:
    """Chance to pass the sort, good or not found: at most one fault, or Stapper's law."""
    coverage = COVERAGES[at]
    if system.law == "clustered":
        return math.pow(1.0 + coverage * mean(kind, system.density) / ALPHA, -ALPHA)
    return 1.0 - (1.0 - good(kind, system.density)) * coverage


def screened(kind: str, at: int, system: System) -> tuple[float, float]:
    """Cost of one passed die [USD] and the chance that it is good, by plain arithmetic."""
    sort, again = 0.015 * (PATTERNS[at] + 1), 1.5e-6 * PATTERNS[at]
    passed = passing(kind, at, system)
    cost, quality = (fab_usd(kind) + sort) / passed, good(kind, system.density) / passed
    if system.leaf == "once":
        return cost, quality
    second = 1.0 - (1.0 - quality) * COVERAGES[at]
    return (cost + again) / second, quality / second if system.leaf == "twice" else quality


def joined(system: System) -> float:
    """Chance that placing, bonds and TSVs are all good."""
    return 0.999**16 * 0.999999 ** (system.bonds + TSVS)


def interposer(system: System) -> tuple[float, float]:
    """Cost of one interposer and the chance that it is good."""
    if system.interposer == "perfect":
        return INTERPOSER_USD, 1.0
    yield_ = (1.0 + INTERPOSER_MEAN / 2.0) ** -2.0
    return (
        (INTERPOSER_USD, yield_) if system.interposer == "blind" else (INTERPOSER_USD / yield_, 1.0)
    )


def by_hand(system: System, plan: Plan, escape_usd: float = 0.0) -> tuple[float, float]:
    """Spend of one started package, and its cost per good one [USD], escapes included."""
    base, chance = interposer(system)
    spent = base + PICK_AND_BOND_USD * system.uptime
    chance *= joined(system)
    for (kind, (count, _, _)), at in zip(KINDS.items(), plan, strict=True):
        cost, quality = screened(kind, at, system)
        spent += count * cost
        chance *= quality**count
    escaped = escape_usd * (1.0 - chance) if system.final == "off" else 0.0
    return spent, (spent + escaped) / chance


def sort_of(kind: str, at: int, system: System) -> Step:
    """One level of the test of a die; CATCH's second run of it is folded into the same step.

    Charged twice: a second loss that makes nothing better is an overkill. Twice in earnest: two
    independent looks of coverage c are one of 1 - (1 - c)^2. Only what passed once is run again.
    """
    coverage, cost, overkill = COVERAGES[at], 0.015 * (PATTERNS[at] + 1), 0.0
    if system.leaf != "once":
        passed = passing(kind, at, system)
        cost += 1.5e-6 * PATTERNS[at] * passed
        if system.leaf == "twice":
            coverage = 1.0 - (1.0 - coverage) ** 2
        else:
            overkill = (1.0 - good(kind, system.density) / passed) * coverage
    return Step("sort", "test", cost, coverage={"die": coverage}, overkill=overkill)


def free(name: str, level: str, *classes: str) -> Choice:
    """A free test that finds all faults of the classes: "full", "off", or "open" to either."""
    full = Step(name, "test", coverage=dict.fromkeys(classes, 1.0))
    options = {"off": None, "full": full}
    return Choice(name, options if level == "open" else {level: options[level]})


def template(system: System) -> Template:
    """The system with a menu of seven settings for each kind of die."""
    clustered = Law("negative_binomial", alpha=ALPHA)
    nodes = []
    for kind in KINDS:
        latent = Faults(1.0 - good(kind, system.density), Law("single"))
        if system.law == "clustered":
            latent = Faults(mean(kind, system.density), clustered)
        levels = {name: sort_of(kind, at, system) for at, name in enumerate(SETTINGS)}
        fab = Step("fab", "process", fab_usd(kind), faults={"die": latent})
        nodes.append(OpenNode(kind, (), (fab, Choice("sort", levels))))
    wiring = 0.0 if system.interposer == "perfect" else INTERPOSER_MEAN
    base = Step("fab", "process", INTERPOSER_USD, faults={"wiring": Faults(wiring, clustered)})
    probe = {"sorted": "full", "open": "open"}.get(system.interposer, "off")
    nodes.append(OpenNode("interposer", (), (base, free("probe", probe, "wiring"))))
    place = Faults(-math.log(joined(system)))
    bond = Step("bond", "process", PICK_AND_BOND_USD * system.uptime, faults={"place": place})
    last = free("final", system.final, "die", "place", "wiring")
    inputs = (*(Input(kind, count) for kind, (count, _, _) in KINDS.items()), Input("interposer"))
    return Template("package", (*nodes, OpenNode("package", inputs, (bond, last))))


def levels(plan: Plan) -> dict[str, str]:
    return {f"{kind}/sort": SETTINGS[at] for kind, at in zip(KINDS, plan, strict=True)}
