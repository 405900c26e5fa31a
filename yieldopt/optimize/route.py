"""Which routes a product can take, and why not the others."""

from __future__ import annotations

import math
from collections.abc import Iterator

from yieldopt.errors import CaseError
from yieldopt.physics.reticle import reticle_multiple
from yieldopt.read.inventory import bodies_per_carrier
from yieldopt.schema.assembly import Assembly, part_assembly, slots_of, steps_of
from yieldopt.schema.base import Pair
from yieldopt.schema.case import Library
from yieldopt.schema.route import LimitsShape, RouteShape


def exclusions(library: Library, assembly: Assembly, route: RouteShape) -> list[str]:
    """Return every limit that an assembly breaks on a route, in words; empty: it can be made.

    Parameters
    ----------
    library
        Models by name.
    assembly, route
        The pair to check: interposer area, parts that stand on it, logic silicon, power, bump
        pitch, stack height, substrate side, and whether a body fits its wafer or panel at all.
        Assembled parts are checked on their own routes too.
    """
    reasons = list(_limits(library, assembly, route.limits))
    reasons += _crowded(library, assembly, route)
    reasons += _misfits(library, assembly, route)
    for fills in assembly.slots.values():
        for fill in fills:
            part = library.parts[fill.part]
            if part.route is not None:
                below = exclusions(library, part_assembly(part), library.routes[part.route])
                reasons += [f"{part.name}: {reason}" for reason in below]
    return reasons


def _limits(library: Library, assembly: Assembly, limits: LimitsShape) -> Iterator[str]:
    if limits.interposer_mm2 and assembly.interposer_mm:
        area, limit = math.prod(assembly.interposer_mm), limits.interposer_mm2.base
        if area > limit:
            yield f"interposer {area:.0f} mm2 exceeds the limit of {limit:.0f} mm2"
    power, pitch = assembly.power_w, assembly.bump_pitch_um
    if limits.power_w and power and power > limits.power_w.base:
        yield f"power {power:g} W exceeds the limit of {limits.power_w.base:g} W"
    if limits.bump_pitch_um and pitch and pitch < limits.bump_pitch_um.base:
        least = limits.bump_pitch_um.base
        yield f"bump pitch {pitch:g} um is below the smallest of {least:g} um"
    if limits.stack_height_um:
        limit = limits.stack_height_um.base
        for fills in assembly.slots.values():
            for fill in fills:
                height = library.parts[fill.part].height_um
                if height and height > limit:
                    yield f"stack height {height:g} um of {fill.part} exceeds {limit:g} um"
    if limits.substrate_side_mm and assembly.substrate_mm:
        side, limit = max(assembly.substrate_mm), limits.substrate_side_mm.base
        if side > limit:
            yield f"substrate side {side:g} mm exceeds the limit of {limit:g} mm"
    if limits.logic_reticles:
        yield from _too_much_logic(library, assembly, limits.logic_reticles.base)


def _too_much_logic(library: Library, assembly: Assembly, limit: float) -> Iterator[str]:
    """Silicon that lies side by side: of an assembled part its footprint counts, not its dies."""
    area = 0.0
    for fills in assembly.slots.values():
        for fill in fills:
            part = library.parts[fill.part]
            if part.category == "die" and part.area_mm2 is not None:
                area += fill.count * part.area_mm2
    fields = float(reticle_multiple(area))
    if fields > limit:
        yield (
            f"logic of {area:.0f} mm2 ({fields:.1f} reticles) warps the package: "
            f"the limit is {limit:g} reticles"
        )


def _crowded(library: Library, assembly: Assembly, route: RouteShape) -> Iterator[str]:
    """What lies side by side may not exceed what it stands on: dies and stacks the carrier, dies
    of a route without one the substrate, the carrier its substrate.
    """
    steps = steps_of(route, assembly.until)
    inner, outer = assembly.interposer_mm, assembly.substrate_mm
    body, name = (inner, "an interposer") if route.carrier else (outer, "a substrate")
    standing = ("die", "memory") if route.carrier else ("die",)
    area = 0.0
    for step in steps:
        slots = [source[1:] for source in step.inputs if source.startswith("@")]
        if route.carrier is None or route.carrier in (step.join, *step.inputs):
            parts = [(library.parts[f.part], f.count) for s in slots for f in assembly.slots[s]]
            area += sum(n * (p.area_mm2 or 0.0) for p, n in parts if p.category in standing)
    if body is not None and assembly.category is None and area > math.prod(body):
        yield f"parts of {area:.0f} mm2 do not fit {name} of {math.prod(body):.0f} mm2"
    nested = bool(route.carrier and inner and outer) and assembly.category is None
    if inner and outer and nested and (max(inner) > max(outer) or min(inner) > min(outer)):
        yield f"interposer of {_sides(inner)} mm exceeds its substrate of {_sides(outer)} mm"
    for slot in slots_of(steps):
        for part in (library.parts[fill.part] for fill in assembly.slots[slot]):
            own = assembly.size_mm("substrate", part)
            if part.category == "substrate" and own and outer and sorted(own) != sorted(outer):
                yield f"{part.name} is {_sides(own)} mm, the product asks for {_sides(outer)} mm"


def _sides(sides: Pair) -> str:
    return f"{sides[0]:g} x {sides[1]:g}"


def _misfits(library: Library, assembly: Assembly, route: RouteShape) -> Iterator[str]:
    bodies: list[tuple[str, Pair]] = []
    for step in steps_of(route, assembly.until):
        size = assembly.size_mm(step.area)
        if step.process and size:
            bodies.append((step.process, size))
        part = library.parts.get(step.part or "")
        if part is not None and part.process and part.size:
            own = assembly.size_mm(part.size)
            bodies += [(part.process, own)] if own else []
    for name, size in dict.fromkeys(bodies):
        process = library.processes[name]
        try:
            bodies_per_carrier(process, *size)
        except CaseError:
            yield f"a body of {size[0]:g} x {size[1]:g} mm fits no {process.carrier} of {name}"
