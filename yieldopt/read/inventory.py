"""What the models of a library hold between them: bodies per carrier, fault classes, resources."""

from __future__ import annotations

from yieldopt.physics.geometry import bodies_per_panel, dies_per_wafer
from yieldopt.schema.case import Library
from yieldopt.schema.process import ProcessShape


def bodies_per_carrier(process: ProcessShape, width_mm: float, height_mm: float) -> int:
    """Return how many bodies a wafer or panel of the process carries; ``CaseError`` if none."""
    if process.panel_mm is not None and process.carrier == "panel":
        return bodies_per_panel(
            width_mm,
            height_mm,
            panel_width_mm=process.panel_mm[0],
            panel_height_mm=process.panel_mm[1],
            edge_exclusion_mm=process.edge_exclusion_mm,
            street_mm=process.street_mm,
        )
    return dies_per_wafer(
        width_mm,
        height_mm,
        diameter_mm=process.diameter_mm or 0.0,
        edge_exclusion_mm=process.edge_exclusion_mm,
        street_mm=process.street_mm,
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
