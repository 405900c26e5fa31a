"""A part → the first step of its leaf: fabrication, purchase, or a choice of grades."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from yieldopt.errors import CaseError
from yieldopt.flow import Faults, Step
from yieldopt.physics.reticle import stitch_mean
from yieldopt.physics.yields import Law
from yieldopt.read.inventory import bodies_per_carrier
from yieldopt.same import Same
from yieldopt.schema.assembly import Assembly
from yieldopt.schema.base import Pair, Size
from yieldopt.schema.case import Library
from yieldopt.schema.part import GRADE, GradeShape, HarvestShape, PartShape
from yieldopt.schema.process import ProcessShape
from yieldopt.template import Choice

PER_CM2_IN_PER_MM2 = 0.01


@dataclass(frozen=True, slots=True)
class Made:
    """What a body costs on a process, per body."""

    cost: float
    scrap: float
    faults: dict[str, Faults]
    uses: dict[str, float]


def sides(assembly: Assembly, size: Size | None, part: PartShape | None = None) -> Pair:
    """Return the sides of a body [mm]; ``CaseError`` where the assembly does not give them."""
    found = assembly.size_mm(size or "interposer", part)
    if found is None:
        key = f"{size or 'interposer'}_mm"
        raise CaseError(f"{assembly.name} has no {key}, but its route has a body of that size")
    return found


def origin(library: Library, assembly: Assembly, part: PartShape) -> Step | Choice:
    """Return what a leaf begins with."""
    process = library.processes[part.process] if part.process is not None else None
    by_size = process is not None or part.price_usd_per_mm2 is not None
    size = sides(assembly, part.size, part) if by_size else None
    return _origin(Same(part), Same(process), size)


@lru_cache(maxsize=1024)  # cases that differ in one number share all other parts
def _origin(
    of_part: Same[PartShape], of_process: Same[ProcessShape | None], size: Pair | None
) -> Step | Choice:
    part, process = of_part.held, of_process.held
    if process is not None:
        assert size is not None
        made = on_process(process, size, part.harvest)
        return Step(
            "fab", "process", made.cost, made.scrap, made.faults, made.uses, category=part.category
        )
    if part.grades is not None:
        return Choice(GRADE, {name: _graded(part, grade) for name, grade in part.grades.items()})
    if part.price_usd is not None:
        cost = part.price_usd.base
    else:
        assert part.price_usd_per_mm2 is not None
        assert size is not None
        cost = part.price_usd_per_mm2.base * math.prod(size)
    return _bought(part, cost, part.incoming_dppm.base if part.incoming_dppm else 0.0)


def _graded(part: PartShape, grade: GradeShape) -> Step:
    return _bought(part, grade.price_usd.base, grade.incoming_dppm.base)


def _bought(part: PartShape, cost_usd: float, incoming_dppm: float) -> Step:
    faults = {}
    if part.fault_class:
        faults[part.fault_class] = Faults(-math.log1p(-incoming_dppm / 1e6))
    uses = {part.resource: 1.0} if part.resource else {}
    return Step("buy", "process", cost_usd, 0.0, faults, uses, category=part.category)


def on_process(process: ProcessShape, size: Pair, harvest: HarvestShape | None = None) -> Made:
    """Return what a body of a size costs on a process, and the faults that it gets."""
    bodies = bodies_per_carrier(process, *size)
    critical_mm2 = process.critical_area_frac.base * size[0] * size[1]
    mean = process.d0_per_cm2.base * PER_CM2_IN_PER_MM2 * critical_mm2
    faults = class_faults(process, mean, harvest) if mean > 0 else {}
    if process.stitch is not None:
        seams = stitch_mean(
            *size,
            faults_per_mm=process.stitch.faults_per_mm.base,
            field_mm=process.stitch.field_mm,
        )
        if seams > 0.0:
            faults[process.stitch.fault_class] = Faults(seams)
    return Made(
        process.cost_usd.base / bodies,
        process.line_scrap.base,
        faults,
        {process.resource: 1.0 / bodies},
    )


def class_faults(
    process: ProcessShape, mean: float, harvest: HarvestShape | None
) -> dict[str, Faults]:
    """Split the faults of a body by class so that the whole body keeps its yield.

    The classes share one mixing variable (a cluster). A harvested class has a law of its own, so
    there every class takes its share of alpha instead: Π(1+sλ/sα)^(−sα) = (1+λ/α)^(−α).
    """
    law = process.yield_law()
    shares = {name: share.base for name, share in process.shares.items() if share.base > 0}
    if harvest is None:
        cluster = process.name if len(shares) > 1 else None
        return {name: Faults(mean * s, law, cluster) for name, s in shares.items()}
    out = {}
    for name, share in shares.items():
        alpha = None if law.alpha is None else law.alpha * share
        own = Law("poisson") if alpha is None else Law("negative_binomial", alpha)
        if name == harvest.fault_class:
            own = Law("harvest", alpha, None, harvest.blocks, harvest.spares)
        out[name] = Faults(mean * share, own)
    return out
