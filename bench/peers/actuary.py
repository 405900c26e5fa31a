r"""Chiplet Actuary's published cost algebra (Feng & Ma, DAC 2022) as a scalar reference.

Written from the formulas, one system at a time, plain floats; no code of the peer. With D0 per cm²,
areas in mm², a die of area A on a wafer of diameter W with edge loss e and street s:

    Y = (1 + D0/100·A/c)^(−c)         A' = A + 2·s·√A + s²
    N = π(W/2 − e)²/A' − π(W − 2e)/√(2A')      raw = wafer/N,   good = wafer/(N·Y)

Packages join k chips: organic substrate ("OS") at 0.99 a chip; fan-out chip first ("FO") loses the
chips with the redistribution layer and the substrate; silicon interposer ("SI") sorts the
interposer first. ``body`` is the layer or interposer, y1 its yield, y2 = bond^k, y3 = 0.99.

    OS: (chips + sub)/0.99^k     FO: (chips + body)/(y1·y3) + sub/y3
    SI: body/(y1·y2·y3) + chips/(y2·y3) + sub/y3

FO forgets y2, and FO and SI count the micro-bumps of a chip used k times once: kept as they are
(``bumps_once``), since the stored numbers of the peer have them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from yieldopt.flow import Faults, Flow, Input, Node, Step
from yieldopt.physics.yields import Law, Value

BUMP_USD_PER_MM2 = 0.005
SUBSTRATE_USD_PER_MM2 = 0.005
SUBSTRATE_AREAS = 4.0  # of what stands on it
ATTACH = 0.99


@dataclass(frozen=True)
class Wafer:
    """A wafer of 300 mm: its price, D0 per cm² and the clustering of its defects."""

    usd: float
    d0_per_cm2: float
    alpha: float

    def dies(self, area_mm2: float, edge_mm: float = 5.0, street_mm: float = 0.2) -> float:
        """Return dies per wafer, a real number: the disc less a rim."""
        own = area_mm2 + 2.0 * street_mm * math.sqrt(area_mm2) + street_mm**2
        return math.pi * (150.0 - edge_mm) ** 2 / own - math.pi * (
            300.0 - 2.0 * edge_mm
        ) / math.sqrt(2.0 * own)

    def die_yield(self, area_mm2: float) -> float:
        """Return the negative-binomial yield."""
        mean = self.d0_per_cm2 / 100.0 * area_mm2
        return float((1.0 + mean / self.alpha) ** -self.alpha)

    def raw_usd(self, area_mm2: float) -> float:
        """Return the cost of a die, good or bad."""
        return self.usd / self.dies(area_mm2)


NODES = {
    "3": Wafer(30_000.0, 0.20, 10.0),
    "5": Wafer(16_988.0, 0.11, 10.0),
    "7": Wafer(9_346.0, 0.09, 10.0),
    "10": Wafer(5_992.0, 0.08, 10.0),
    "14": Wafer(3_984.0, 0.08, 10.0),
    "20": Wafer(3_677.0, 0.07, 10.0),
    "28": Wafer(2_891.0, 0.07, 10.0),
    "40": Wafer(2_274.0, 0.07, 10.0),
    "55": Wafer(1_937.0, 0.07, 10.0),
}


@dataclass(frozen=True)
class Body:
    """What chips stand on in FO and SI: its wafer, area over theirs, bonding yield of a chip."""

    wafer: Wafer
    areas: float
    bond: float
    micro_bump_usd_per_mm2: float = 0.01


BODIES = {
    "FO": Body(Wafer(1_200.0, 0.05, 3.0), 1.2, 0.98),
    "SI": Body(Wafer(1_937.0, 0.06, 6.0), 1.1, 0.95),
}


@dataclass(frozen=True)
class System:
    """``count`` chips of one area and node in one package."""

    node: str
    chip_mm2: float
    count: int
    package: str  # "OS", "FO" or "SI"
    bumps_once: bool = False

    @property
    def chips_mm2(self) -> float:
        """Area of all chips."""
        return self.count * self.chip_mm2

    @property
    def bump_usd(self) -> float:
        """Bumps of one chip; where the peer counts those of one chip only, its k-th share."""
        if self.package == "OS":
            return BUMP_USD_PER_MM2 * self.chip_mm2
        usd = BODIES[self.package].micro_bump_usd_per_mm2 * self.chip_mm2
        return usd / self.count if self.bumps_once else usd

    @property
    def body_mm2(self) -> float:
        """Area of the redistribution layer or interposer."""
        return BODIES[self.package].areas * self.chips_mm2

    @property
    def substrate_usd(self) -> float:
        """Substrate, four times what stands on it; under several bare chips of more layers.

        The factor 2 begins between 880 and 1,760 mm² in the peer's stored numbers; 900 is taken.
        """
        if self.package != "OS":
            return SUBSTRATE_USD_PER_MM2 * SUBSTRATE_AREAS * self.body_mm2
        area = SUBSTRATE_AREAS * self.chips_mm2
        layers = 1.0 if self.count == 1 else 1.75 if area <= 900.0 else 2.0
        return SUBSTRATE_USD_PER_MM2 * area * layers

    @property
    def body_usd(self) -> float:
        """Layer or interposer with its bumps to the substrate."""
        return BODIES[self.package].wafer.raw_usd(self.body_mm2) + BUMP_USD_PER_MM2 * self.body_mm2


def recurring_usd(system: System) -> float:
    """Return the recurring cost of a package by the peer's algebra."""
    wafer = NODES[system.node]
    good = wafer.raw_usd(system.chip_mm2) / wafer.die_yield(system.chip_mm2)
    chips = system.count * (good + system.bump_usd)
    substrate = system.substrate_usd
    if system.package == "OS":
        return (chips + substrate) / ATTACH**system.count
    body = BODIES[system.package]
    y1 = body.wafer.die_yield(system.body_mm2)
    if system.package == "FO":
        return (chips + system.body_usd) / (y1 * ATTACH) + substrate / ATTACH
    y2 = body.bond**system.count
    layer = system.body_usd / y1
    return (layer + chips) / (y2 * ATTACH) + substrate / ATTACH


def flow(system: System) -> Flow:
    """Return the same system as a flow: latent faults, a perfect sort, visible scrap at joins."""
    wafer = NODES[system.node]
    law = Law("negative_binomial", alpha=wafer.alpha)
    mean = wafer.d0_per_cm2 / 100.0 * system.chip_mm2
    die = Node(
        "die",
        steps=(
            Step(
                "fab", "process", wafer.raw_usd(system.chip_mm2), faults={"any": Faults(mean, law)}
            ),
            Step("sort", "test", coverage={"any": 1.0}),
            Step("bump", "process", system.bump_usd),
        ),
    )
    chips = Input("die", system.count)
    if system.package == "OS":
        joins = (Step(f"join{at}", "process", scrap=1.0 - ATTACH) for at in range(system.count))
        buy = Step("substrate", "process", system.substrate_usd)
        return Flow("package", (die, Node("package", (chips,), (buy, *joins))))
    package = (
        Step("substrate", "process", system.substrate_usd),
        Step("attach", "process", scrap=1.0 - ATTACH),
    )
    body = BODIES[system.package]
    lost = 1.0 - body.wafer.die_yield(system.body_mm2)
    make = Step("make", "process", system.body_usd, lost)
    if system.package == "FO":
        below: tuple[Node, ...] = (die, Node("body", (chips,), (make,)))
    else:
        bond = Step("bond", "process", scrap=1.0 - body.bond**system.count)
        below = (die, Node("layer", (), (make,)), Node("body", (Input("layer"), chips), (bond,)))
    return Flow("package", (*below, Node("package", (Input("body"),), package)))


def varied(system: System, d0_shares: Value) -> Flow:
    """Return the system's flow at many defect densities of the chips' node at once."""
    base = flow(system)
    mean = base.nodes[0].steps[0].faults["any"].mean
    return base.with_values({"die/fab.mean.any": mean * d0_shares})
