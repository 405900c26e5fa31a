"""What runs on a route: a product, or a part that is assembled itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from yieldopt.schema.base import Pair, Size
from yieldopt.schema.case import Library, ProductShape
from yieldopt.schema.part import GRADE, PartShape, SlotFill
from yieldopt.schema.route import RouteShape, RouteStepShape

Slots = Mapping[str, tuple[SlotFill, ...]]


@dataclass(frozen=True)
class Assembly:
    """A product or an assembled part, seen alike by compiler and limits."""

    name: str
    slots: Slots
    interposer_mm: Pair | None
    substrate_mm: Pair | None
    power_w: float | None = None
    bump_pitch_um: float | None = None
    category: str | None = None  # of an assembled part: all its work is booked there
    until: str | None = None  # the node of the route that it is; None: the last

    def size_mm(self, size: Size, part: PartShape | None = None) -> Pair | None:
        """Return a part's own sides, or those that the assembly gives it."""
        if part is not None and part.width_mm is not None and part.height_mm is not None:
            return part.width_mm, part.height_mm
        return self.substrate_mm if size == "substrate" else self.interposer_mm


def product_assembly(product: ProductShape) -> Assembly:
    """Return a product as an assembly."""
    return Assembly(
        product.name,
        product.slots,
        product.interposer_mm,
        product.substrate_mm,
        product.power_w,
        product.bump_pitch_um,
    )


def part_assembly(part: PartShape) -> Assembly:
    """Return an assembled part as an assembly of its own sides."""
    assert part.width_mm is not None
    assert part.height_mm is not None
    sides = (part.width_mm, part.height_mm)
    return Assembly(
        part.name, part.slots or {}, sides, sides, category=part.category, until=part.until
    )


def steps_of(route: RouteShape, until: str | None = None) -> tuple[RouteStepShape, ...]:
    """Return the steps of a route, up to and with those of the node ``until``."""
    if until is None:
        return route.steps
    found: list[RouteStepShape] = []
    reached = False
    for step in route.steps:
        begun = step.make or step.join
        if reached and begun:
            break
        reached = reached or begun == until
        found.append(step)
    return tuple(found)


def slots_of(steps: tuple[RouteStepShape, ...]) -> list[str]:
    """Return the slots that the steps join, without their @, in order."""
    inputs = (source for step in steps for source in step.inputs)
    return [source[1:] for source in inputs if source.startswith("@")]


def points_of(
    assembly: Assembly, route: RouteShape, library: Library, above: frozenset[str] = frozenset()
) -> Iterator[tuple[str, str]]:
    """Yield (node of the flow, point) of every place where an insertion may attach.

    A choice of grades counts as the point ``GRADE``. Unknown names and circles (parts that are
    ``above`` themselves) are passed over: the checks name them.
    """
    steps = steps_of(route, assembly.until)
    last = ""
    for step in steps:
        if step.make is not None or step.join is not None:
            last = node_name(assembly, steps, step.make or step.join or "")
        if step.make is not None and step.part is not None and step.part in library.parts:
            yield from _points_of_part(last, library.parts[step.part], library, above)
        if step.point is not None:
            yield last, step.point
        for slot in (source[1:] for source in step.inputs if source.startswith("@")):
            for fill in assembly.slots.get(slot, ()):
                if fill.part in library.parts and fill.part not in above:
                    yield from _points_of_part(fill.part, library.parts[fill.part], library, above)


def _points_of_part(
    node: str, part: PartShape, library: Library, above: frozenset[str]
) -> Iterator[tuple[str, str]]:
    if part.route is not None and part.route in library.routes:
        route = library.routes[part.route]
        yield from points_of(part_assembly(part), route, library, above | {part.name})
    if part.grades is not None:
        yield node, GRADE
    if part.point is not None:
        yield node, part.point


def node_name(assembly: Assembly, steps: tuple[RouteStepShape, ...], name: str) -> str:
    """Return the flow's name of a node of the route: an assembled part's stand under it."""
    if assembly.category is None:
        return name
    joins = [step.join for step in steps if step.join]
    top = assembly.until or (joins[-1] if joins else "")
    return assembly.name if name == top else f"{assembly.name}.{name}"


def parts_within(slots: Slots, parts: Mapping[str, PartShape]) -> Iterator[tuple[PartShape, int]]:
    """Yield (part, count in all) of everything in the slots, assembled parts and what is in them.

    Unknown names and circles are passed over: the checks name them.
    """
    todo = [(fill, 1, frozenset[str]()) for fills in slots.values() for fill in fills]
    while todo:
        fill, times, above = todo.pop(0)
        part = parts.get(fill.part)
        if part is None or fill.part in above:
            continue
        count = times * fill.count
        yield part, count
        for fills in (part.slots or {}).values():
            todo += [(inner, count, above | {fill.part}) for inner in fills]
