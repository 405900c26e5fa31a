"""Which routes a product can take, and why not the others."""

from __future__ import annotations

import math

from yieldopt.errors import CaseError
from yieldopt.read.crosscheck import bodies_per_carrier
from yieldopt.schema.case import Library, ProductShape
from yieldopt.schema.models import RouteShape


def exclusions(library: Library, product: ProductShape, route: RouteShape) -> list[str]:
    """Return every limit of the route that the product breaks, in words; empty: it can be made.

    Parameters
    ----------
    library
        Models by name.
    product, route
        The pair to check: interposer area, power, bump pitch, stack height, substrate side, and
        whether a body fits its wafer or panel at all.
    """
    limits = route.limits
    reasons = []
    area = math.prod(product.interposer_mm)
    if limits.interposer_mm2 and area > limits.interposer_mm2.base:
        limit = limits.interposer_mm2.base
        reasons.append(f"interposer {area:.0f} mm2 exceeds the limit of {limit:.0f} mm2")
    if limits.power_w and product.power_w and product.power_w > limits.power_w.base:
        reasons.append(
            f"power {product.power_w:g} W exceeds the limit of {limits.power_w.base:g} W"
        )
    pitch = limits.bump_pitch_um
    if pitch and product.bump_pitch_um and product.bump_pitch_um < pitch.base:
        text = f"bump pitch {product.bump_pitch_um:g} um is below the smallest of {pitch.base:g} um"
        reasons.append(text)
    if limits.stack_height_um:
        for fills in product.slots.values():
            for fill in fills:
                height = library.parts[fill.part].height_um
                if height and height > limits.stack_height_um.base:
                    limit = limits.stack_height_um.base
                    text = f"stack height {height:g} um of {fill.part} exceeds {limit:g} um"
                    reasons.append(text)
    side = max(product.substrate_mm)
    if limits.substrate_side_mm and side > limits.substrate_side_mm.base:
        limit = limits.substrate_side_mm.base
        reasons.append(f"substrate side {side:g} mm exceeds the limit of {limit:g} mm")
    return reasons + _misfits(library, product, route)


def _misfits(library: Library, product: ProductShape, route: RouteShape) -> list[str]:
    sizes = {"interposer": product.interposer_mm, "substrate": product.substrate_mm}
    bodies: list[tuple[str, tuple[float, float]]] = []
    for step in route.steps:
        if step.process:
            bodies.append((step.process, sizes[step.area]))
        part = library.parts.get(step.part or "")
        if part is not None and part.process and part.size:
            bodies.append((part.process, sizes[part.size]))
    found = []
    for name, size in dict.fromkeys(bodies):
        process = library.processes[name]
        try:
            bodies_per_carrier(process, *size)
        except CaseError:
            text = f"a body of {size[0]:g} x {size[1]:g} mm fits no {process.carrier} of {name}"
            found.append(text)
    return found
