"""What the models of a library hold between them: bodies per carrier, fault classes, resources."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from yieldopt.physics.geometry import bodies_per_panel, dies_per_wafer
from yieldopt.schema.assembly import parts_within, points_of, product_assembly, steps_of
from yieldopt.schema.base import Pair
from yieldopt.schema.case import Library, ProductShape
from yieldopt.schema.insertion import InsertionShape
from yieldopt.schema.process import ProcessShape
from yieldopt.schema.route import RouteShape


def bodies_per_carrier(process: ProcessShape, width_mm: float, height_mm: float) -> int:
    """Return how many bodies a wafer or panel of the process carries; ``CaseError`` if none."""
    panel = process.panel_mm if process.carrier == "panel" else None
    rim, street = process.edge_exclusion_mm, process.street_mm
    return _bodies(panel, process.diameter_mm or 0.0, rim, street, width_mm, height_mm)


@lru_cache(maxsize=1024)  # cases that differ in one number share most carriers and bodies
def _bodies(
    panel_mm: Pair | None,
    diameter_mm: float,
    edge_exclusion_mm: float,
    street_mm: float,
    width_mm: float,
    height_mm: float,
) -> int:
    if panel_mm is not None:
        return bodies_per_panel(
            width_mm,
            height_mm,
            panel_width_mm=panel_mm[0],
            panel_height_mm=panel_mm[1],
            edge_exclusion_mm=edge_exclusion_mm,
            street_mm=street_mm,
        )
    return dies_per_wafer(
        width_mm,
        height_mm,
        diameter_mm=diameter_mm,
        edge_exclusion_mm=edge_exclusion_mm,
        street_mm=street_mm,
    )


def fault_classes(library: Library) -> set[str]:
    """Return every fault class that some model can leave."""
    found = {name for process in library.processes.values() for name in process.shares}
    found |= {p.stitch.fault_class for p in library.processes.values() if p.stitch is not None}
    found |= {part.fault_class for part in library.parts.values() if part.fault_class}
    for route in library.routes.values():
        found |= {name for step in route.steps for name in step.faults}
    for insertion in library.insertions.values():
        found |= {name for level in insertion.menu().values() for name in level.damage}
    return found


def resources(library: Library) -> set[str]:
    """Return every resource that some model uses."""
    found = {process.resource for process in library.processes.values()}
    found |= {part.resource for part in library.parts.values() if part.resource}
    found |= {insertion.tester.resource for insertion in library.insertions.values()}
    for route in library.routes.values():
        found |= {name for step in route.steps for name in step.uses}
    return found


def resources_on(
    route: RouteShape,
    product: ProductShape,
    library: Library,
    insertions: Iterable[InsertionShape],
) -> set[str]:
    """Return every resource that a product can use on a route, at whatever levels of its tests.

    Parameters
    ----------
    route, product
        The pair; names that lead nowhere are passed over.
    library
        Models by name.
    insertions
        Those in play.

    Examples
    --------
    >>> from yieldopt import load
    >>> case = load("minimal")
    >>> route, models = case.library.routes["cowos_s"], case.library
    >>> found = resources_on(route, case.products[0], models, case.insertions)
    >>> "interposer.cowos_s" in found, "interposer.osat_2p5d" in found
    (True, False)
    """
    parts = [part for part, _ in parts_within(product.slots, library.parts)]
    steps = list(route.steps)
    for part in parts:
        if part.route is not None and part.route in library.routes:
            steps += steps_of(library.routes[part.route], part.until)
    made = [library.parts[s.part] for s in steps if s.part is not None and s.part in library.parts]
    found = {part.resource for part in (*parts, *made) if part.resource is not None}
    found |= {name for step in steps for name in step.uses}
    names = {part.process for part in (*parts, *made)} | {step.process for step in steps}
    found |= {process.resource for n, process in library.processes.items() if n in names}
    points = {point for _, point in points_of(product_assembly(product), route, library)}
    return found | {i.tester.resource for i in insertions if points & set(i.points)}
