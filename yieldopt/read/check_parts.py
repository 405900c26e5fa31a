"""A part file against the library: its process, or the route and slots that it is assembled on."""

from __future__ import annotations

from collections.abc import Iterator

from yieldopt.errors import CaseError, Fault, near_miss
from yieldopt.physics.geometry import fits_reticle
from yieldopt.read.fit import fit_faults, slot_faults
from yieldopt.read.inventory import bodies_per_carrier
from yieldopt.schema.assembly import part_assembly, steps_of
from yieldopt.schema.case import Library
from yieldopt.schema.part import PartShape


def part_faults(part: PartShape, library: Library) -> Iterator[Fault]:
    """Yield what is wrong with a part."""
    if part.process is not None:
        yield from _made(part, library)
    elif part.route is not None:
        yield from _assembled(part, library)


def _assembled(part: PartShape, library: Library) -> Iterator[Fault]:
    route = library.routes.get(part.route or "")
    if route is None:
        yield Fault("unknown route", "route", part.route, near_miss(part.route, library.routes))
        return
    nodes = [step.make or step.join for step in route.steps if step.make or step.join]
    if part.until is not None and part.until not in nodes:
        hint = near_miss(part.until, [node for node in nodes if node])
        yield Fault("no such node of its route", "until", part.until, hint)
        return
    steps = steps_of(route, part.until)
    joined = {source for step in steps for source in step.inputs}
    for step in steps:
        begun = step.make or step.join
        if begun and begun != part.until and begun not in joined and part.until:
            yield Fault("the node does not contain all that stands before it", "until", begun)
    slots = {name: [fill.part for fill in fills] for name, fills in (part.slots or {}).items()}
    if _circular(part, library):
        yield Fault("circular: the part contains itself", "slots", part.name)
        return
    yield from slot_faults(slots, "slots", [(route.name, steps)], library)
    yield from fit_faults(part_assembly(part), route, library)


def _circular(part: PartShape, library: Library) -> bool:
    seen: set[str] = set()
    todo = [part]
    while todo:
        for fills in (todo.pop().slots or {}).values():
            for fill in fills:
                if fill.part == part.name:
                    return True
                inner = library.parts.get(fill.part)
                if inner is not None and inner.name not in seen:
                    seen.add(inner.name)
                    todo.append(inner)
    return False


def _made(part: PartShape, library: Library) -> Iterator[Fault]:
    process = library.processes.get(part.process or "")
    if process is None:
        hint = near_miss(part.process, library.processes)
        yield Fault("unknown process", "process", part.process, hint)
        return
    if part.harvest and part.harvest.fault_class not in process.shares:
        hint = near_miss(part.harvest.fault_class, process.shares)
        key = "harvest.fault_class"
        yield Fault("no such fault class in its process", key, part.harvest.fault_class, hint)
    if part.harvest and process.law not in ("negative_binomial", "poisson"):
        yield Fault(f"law {process.law!r} of its process cannot be harvested", "harvest")
    if part.width_mm is None or part.height_mm is None:
        return
    width, height = part.width_mm, part.height_mm
    reticle = process.reticle_mm
    if reticle and not fits_reticle(
        width, height, reticle_width_mm=reticle[0], reticle_height_mm=reticle[1]
    ):
        text = f"{width:g} x {height:g} mm exceeds the reticle of {reticle[0]:g} x {reticle[1]:g}"
        yield Fault(f"the die is larger than the reticle: {text} mm", "width_mm", width)
    try:
        bodies_per_carrier(process, width, height)
    except CaseError as error:
        where = f"the {process.carrier} of {process.name}"
        yield Fault(f"does not fit {where}: {error}", "width_mm", width)
