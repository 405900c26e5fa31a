"""What no single model file can tell: whether the models of a library fit each other."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from yieldopt.errors import CaseError, Fault, near_miss
from yieldopt.physics.geometry import bodies_per_panel, dies_per_wafer, fits_reticle
from yieldopt.schema.case import Library
from yieldopt.schema.models import InsertionShape, PartShape, ProcessShape, RouteShape

Found = Iterator[tuple[str, str, Fault]]


def cross_faults(library: Library) -> Found:
    """Yield (kind, name, fault) of every reference that leads nowhere and every misfit."""
    for name, part in library.parts.items():
        for fault in _part(part, library):
            yield "parts", name, fault
    for name, route in library.routes.items():
        for fault in _route(route, library):
            yield "routes", name, fault
    for name, insertion in library.insertions.items():
        for fault in _insertion(insertion, library):
            yield "insertions", name, fault
    for kind in ("processes", "parts", "routes", "insertions"):
        for name, model in getattr(library, kind).items():
            for fault in _sources(model, library):
                yield kind, name, fault


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
    found |= {part.fault_class for part in library.parts.values() if part.fault_class}
    for route in library.routes.values():
        found |= {name for step in route.steps for name in step.faults}
    for insertion in library.insertions.values():
        found |= {name for level in insertion.levels.values() for name in level.damage}
    return found


def resources(library: Library) -> set[str]:
    """Return every resource that some model uses."""
    found = {process.resource for process in library.processes.values()}
    found |= {part.resource for part in library.parts.values() if part.resource}
    found |= {insertion.tester.resource for insertion in library.insertions.values()}
    for route in library.routes.values():
        found |= {name for step in route.steps for name in step.uses}
    return found


def _part(part: PartShape, library: Library) -> Iterator[Fault]:
    if part.process is None:
        return
    process = library.processes.get(part.process)
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


def _route(route: RouteShape, library: Library) -> Iterator[Fault]:
    nodes: list[str] = []
    joined: dict[str, str] = {}
    names: set[str] = set()
    for index, step in enumerate(route.steps):
        key = f"steps[{index}]"
        begun = step.make or step.join
        if begun:
            if begun in nodes or begun in library.parts:
                yield Fault(
                    "duplicate node name", f"{key}.{'make' if step.make else 'join'}", begun
                )
            for at, source in enumerate(step.inputs):
                if not source.startswith("@") and source not in nodes:
                    hint = near_miss(source, nodes)
                    yield Fault("missing node: none above", f"{key}.inputs[{at}]", source, hint)
                if source in joined:
                    hint = f"it is already joined into {joined[source]!r}"
                    yield Fault("shared node", f"{key}.inputs[{at}]", source, hint)
                joined.setdefault(source, begun)
            nodes.append(begun)
            names = set()
        elif not nodes:
            yield Fault("stands before any make or join", key)
        if step.part and step.part not in library.parts:
            hint = near_miss(step.part, library.parts)
            yield Fault("unknown part", f"{key}.part", step.part, hint)
        if step.process and step.process not in library.processes:
            hint = near_miss(step.process, library.processes)
            yield Fault("unknown process", f"{key}.process", step.process, hint)
        if step.work and step.work in names:
            yield Fault("duplicate step name", f"{key}.work", step.work)
        names.add(step.work or "")
        for slot in step.of:
            if slot not in joined:
                yield Fault("slot not joined yet", f"{key}.of", slot, near_miss(slot, joined))
    if route.carrier not in nodes:
        hint = near_miss(route.carrier, nodes)
        yield Fault(
            "missing node: the carrier is none of the route", "carrier", route.carrier, hint
        )
    for node in nodes[:-1]:
        if node not in joined:
            yield Fault("unreachable: nothing joins the node", "steps", node)


def _insertion(insertion: InsertionShape, library: Library) -> Iterator[Fault]:
    leaf = {part.point for part in library.parts.values() if part.point}
    inner = {step.point for route in library.routes.values() for step in route.steps if step.point}
    for at, point in enumerate(insertion.points):
        if point not in leaf | inner:
            hint = near_miss(point, sorted(leaf | inner))
            yield Fault("unknown point", f"points[{at}]", point, hint)
    classes = fault_classes(library)
    for name, level in insertion.levels.items():
        for table in ("coverage", "repair"):
            for fault_class in getattr(level, table):
                if fault_class not in classes:
                    key = f"levels.{name}.{table}.{fault_class}"
                    yield Fault("unknown fault class", key, hint=near_miss(fault_class, classes))
        if level.bad_die_detection is not None and any(p in inner for p in insertion.points):
            text = "bad_die_detection is a property of one untested part: only at a part's point"
            yield Fault(text, f"levels.{name}.bad_die_detection", hint="give coverage by class")


def _sources(model: BaseModel, library: Library, key: str = "") -> Iterator[Fault]:
    for name in type(model).model_fields:
        value = getattr(model, name)
        path = f"{key}.{name}" if key else name
        if name == "source" and isinstance(value, str):
            yield from source_faults(value, path, library)
        elif isinstance(value, BaseModel):
            yield from _sources(value, library, path)
        elif isinstance(value, dict):
            for inner, item in value.items():
                if isinstance(item, BaseModel):
                    yield from _sources(item, library, f"{path}.{inner}")
        elif isinstance(value, tuple):
            for at, item in enumerate(value):
                if isinstance(item, BaseModel):
                    yield from _sources(item, library, f"{path}[{at}]")


def source_faults(text: str, key: str, library: Library) -> Iterator[Fault]:
    head, _, rest = text.partition(":")
    if head in ("assumed", "derived"):
        if not rest.strip():
            yield Fault(f"{head} without saying {'why' if head == 'assumed' else 'how'}", key, text)
        return
    for name in text.split(","):
        if name.strip() not in library.sources:
            hint = near_miss(name.strip(), library.sources) or "'assumed: why' labels a guess"
            yield Fault("unknown source", key, name.strip(), hint)
