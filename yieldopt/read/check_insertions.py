"""An insertion file against the library: points, fault classes, detection of whole parts."""

from __future__ import annotations

from collections.abc import Iterator

from yieldopt.errors import Fault, near_miss
from yieldopt.read.inventory import fault_classes
from yieldopt.read.keys import join_key
from yieldopt.schema.case import Library
from yieldopt.schema.insertion import InsertionShape
from yieldopt.schema.part import GRADE


def insertion_faults(insertion: InsertionShape, library: Library) -> Iterator[Fault]:
    """Yield what is wrong with an insertion."""
    if insertion.name == GRADE:
        hint = "the choice between the grades of a part is called so"
        yield Fault("this name is taken", "name", insertion.name, hint)
    leaf = {part.point for part in library.parts.values() if part.point}
    inner = {step.point for route in library.routes.values() for step in route.steps if step.point}
    for at, point in enumerate(insertion.points):
        if point not in leaf | inner:
            hint = near_miss(point, sorted(leaf | inner))
            yield Fault("unknown point", f"points[{at}]", point, hint)
    classes = fault_classes(library)
    graded = {part.point for part in library.parts.values() if part.grades or part.route}
    for name, level in insertion.menu().items():
        for table in ("coverage", "repair"):
            for fault_class in getattr(level, table):
                if fault_class not in classes:
                    key = join_key(("levels", name, table, fault_class))
                    yield Fault("unknown fault class", key, hint=near_miss(fault_class, classes))
        if level.burn_in is not None and level.burn_in.fault_class not in classes:
            key = join_key(("levels", name, "burn_in", "fault_class"))
            hint = near_miss(level.burn_in.fault_class, classes)
            yield Fault("unknown fault class", key, level.burn_in.fault_class, hint)
        several = any(point in inner | graded for point in insertion.points)
        if level.bad_die_detection is not None and several:
            text = "bad_die_detection is a property of one untested part: only at a part's point"
            key = join_key(("levels", name, "bad_die_detection"))
            yield Fault(text, key, hint="give coverage by class")
