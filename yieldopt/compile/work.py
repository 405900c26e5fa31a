"""A work step of a route → a process step: units, scrap with rework, latent faults, uses."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache

from yieldopt.compile.insertions import latent_law, latent_mean
from yieldopt.compile.parts import Made, on_process, sides
from yieldopt.flow import Faults, Step
from yieldopt.physics.bonding import bump_bond_mean, bump_count, stack_mean
from yieldopt.physics.repair import reworked
from yieldopt.physics.warpage import warpage_mean
from yieldopt.same import Same
from yieldopt.schema.assembly import Assembly
from yieldopt.schema.case import Library
from yieldopt.schema.part import PartShape
from yieldopt.schema.process import ProcessShape
from yieldopt.schema.route import BumpsShape, LatentShape, RouteStepShape, WarpageShape

Parts = Mapping[str, PartShape]


def work_step(library: Library, assembly: Assembly, step: RouteStepShape) -> Step:
    """Return the process step, per unit of its node.

    Cost and uses are per unit of the step's basis (start, part, layer, mm², site); means add up and
    scrap compounds over the units, each layer by the growth worse than the one below it; what scrap
    would take is reworked first.
    """
    process = library.processes[step.process] if step.process is not None else None
    shared = {name: Same(library.parts[name]) for name in _parts_counted(assembly, step)}
    return _done(Same(assembly), Same(step), Same(process), tuple(shared.items()))


def _parts_counted(assembly: Assembly, step: RouteStepShape) -> list[str]:
    """Return the parts in the slots if the step's faults are those of their joints or layers."""
    if not any(latent.bumps or latent.warpage for latent in step.faults.values()):
        return []
    return [fill.part for fills in assembly.slots.values() for fill in fills]


@lru_cache(maxsize=4096)  # cases that differ in one number share all other steps
def _done(
    of_assembly: Same[Assembly],
    of_step: Same[RouteStepShape],
    of_process: Same[ProcessShape | None],
    of_parts: tuple[tuple[str, Same[PartShape]], ...],
) -> Step:
    assembly, step, process = of_assembly.held, of_step.held, of_process.held
    parts = {name: part.held for name, part in of_parts}
    assert step.work is not None
    units = units_of(assembly, step)
    exposed = _exposed(units, step)
    cost = step.cost_usd.base * units
    uses = {name: amount.base * units for name, amount in step.uses.items()}
    faults = {
        name: Faults(_mean(parts, assembly, step, latent, exposed), latent_law(latent))
        for name, latent in step.faults.items()
    }
    scrap = -math.expm1(exposed * math.log1p(-step.scrap.base)) if step.scrap.base < 1 else 1.0
    if step.rework is not None:
        again = reworked(scrap, success_frac=step.rework.success_frac.base, tries=step.rework.tries)
        scrap = float(again.scrap_frac)
        cost += float(again.reworks_per_unit) * step.rework.cost_usd.base
    if process is not None:
        made = on_process(process, sides(assembly, step.area))
        cost, scrap = cost + made.cost, 1.0 - (1.0 - scrap) * (1.0 - made.scrap)
        uses, faults = _added(uses, made), made.faults | faults
    category = assembly.category or step.category
    return Step(step.work, "process", cost, scrap, faults, uses, category=category)


def _added(uses: dict[str, float], made: Made) -> dict[str, float]:
    return {k: uses.get(k, 0.0) + made.uses.get(k, 0.0) for k in {**uses, **made.uses}}


def units_of(assembly: Assembly, step: RouteStepShape) -> float:
    """Return the units of a step's basis in one unit of its node."""
    if step.per == "mm2":
        return math.prod(sides(assembly, step.area))
    if step.per not in ("part", "layer"):
        return 1.0
    return float(sum(fill.count for slot in step.of for fill in assembly.slots[slot[1:]]))


def _exposed(units: float, step: RouteStepShape) -> float:
    """Return the units that faults and scrap count: Σ (1+g)^i for layers."""
    if step.per != "layer":
        return units
    growth = step.growth_frac_per_layer.base
    return float(stack_mean(1.0, int(units), growth_frac_per_layer=growth))


def _mean(
    parts: Parts, assembly: Assembly, step: RouteStepShape, latent: LatentShape, units: float
) -> float:
    if latent.bumps is not None:
        return _bumps_mean(parts, assembly, step, latent.bumps)
    if latent.warpage is not None:
        return _warpage_mean(parts, assembly, step, latent.warpage)
    return latent_mean(latent) * units


def _bumps_mean(parts: Parts, assembly: Assembly, step: RouteStepShape, bumps: BumpsShape) -> float:
    """Mean of failing groups of joints under all parts of the slots, each by its own area."""
    pitch = bumps.pitch_um.base if bumps.pitch_um else assembly.bump_pitch_um
    assert pitch is not None
    total = 0.0
    for slot in step.of:
        for fill in assembly.slots[slot[1:]]:
            count = bump_count(math.prod(sides(assembly, None, parts[fill.part])), pitch)
            mean = bump_bond_mean(
                count, bumps.fail_ppb.base * 1e-9, group=bumps.group, spares=bumps.spares
            )
            total += fill.count * float(mean)
    return total


def _warpage_mean(
    parts: Parts, assembly: Assembly, step: RouteStepShape, warpage: WarpageShape
) -> float:
    """Mean of a warped body; power and layers that are not given count as the reference's."""
    return float(
        warpage_mean(
            max(sides(assembly, step.area)),
            substrate_layers(assembly, parts) or warpage.reference_layers,
            assembly.power_w or warpage.reference_power_w,
            at_reference=warpage.mean.base,
            reference_side_mm=warpage.reference_side_mm,
            reference_layers=warpage.reference_layers,
            reference_power_w=warpage.reference_power_w,
            side_exponent=warpage.side_exponent.base,
            layer_exponent=warpage.layer_exponent.base,
            power_exponent=warpage.power_exponent.base,
        )
    )


def substrate_layers(assembly: Assembly, parts: Parts) -> int:
    """Return the most build-up layers of the parts in the slots (the substrate's); 0: not given."""
    fills = (fill for fills in assembly.slots.values() for fill in fills)
    return max((parts[fill.part].layers or 0 for fill in fills), default=0)
