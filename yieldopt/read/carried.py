"""Which fault classes a unit may carry where an insertion attaches, from the models alone.

What compiling leaves in the steps, without its numbers: known before any body is placed or any mean
is worked out, so that a case can be checked at its file. A class whose mean is 0 at these numbers,
and may be above 0 at others, is carried.
"""

from __future__ import annotations

from collections.abc import Iterable

from yieldopt.schema.assembly import (
    Assembly,
    node_name,
    part_assembly,
    product_assembly,
    steps_of,
)
from yieldopt.schema.case import Library, ProductShape
from yieldopt.schema.insertion import InsertionShape, LevelShape
from yieldopt.schema.part import PartShape
from yieldopt.schema.route import RouteShape, RouteStepShape

Classes = dict[str, set[str]]


def carried_at(
    product: ProductShape, library: Library, insertions: Iterable[InsertionShape]
) -> Classes:
    """Return fault classes by ``"node/insertion"``: those that a unit has on some route.

    Parameters
    ----------
    product
        A well-formed product; what its routes and parts lack is passed over.
    library
        Models by name.
    insertions
        Those in play.

    Examples
    --------
    >>> from yieldopt import load
    >>> case = load("minimal")
    >>> carried = carried_at(case.products[0], case.library, case.insertions)
    >>> "joint" in carried["package/final_test"], "joint" in carried["tpu_die/wafer_sort"]
    (True, False)
    """
    found: Classes = {}
    for name in product.routes:
        if name in library.routes:
            walk = _Walk(library, tuple(insertions), found)
            walk.assemble(product_assembly(product), library.routes[name], frozenset())
    return found


class _Walk:
    """Classes of the nodes met so far on one route."""

    def __init__(
        self, library: Library, insertions: tuple[InsertionShape, ...], found: Classes
    ) -> None:
        self.library, self.insertions, self.found = library, insertions, found
        self.nodes: Classes = {}

    def assemble(self, assembly: Assembly, route: RouteShape, above: frozenset[str]) -> None:
        steps = steps_of(route, assembly.until)
        last = ""
        for step in steps:
            if step.make is not None or step.join is not None:
                last = node_name(assembly, steps, step.make or step.join or "")
                self.nodes.setdefault(last, set())
            if step.make is not None and step.part is not None and step.part in self.library.parts:
                self._part(last, self.library.parts[step.part], above)
            for source in step.inputs:
                blind = source in step.blind
                for name in self._joined(assembly, steps, source, above, blind):
                    self.nodes[last] |= self.nodes.get(name, set())
            self._work(last, step)
            if step.point is not None:
                self._attach(last, step.point)

    def _joined(
        self,
        assembly: Assembly,
        steps: tuple[RouteStepShape, ...],
        source: str,
        above: frozenset[str],
        blind: bool,
    ) -> list[str]:
        """Return the nodes that a source stands for; parts of a slot are walked first."""
        if not source.startswith("@"):
            return [node_name(assembly, steps, source)]
        names = []
        for fill in assembly.slots.get(source[1:], ()):
            if fill.part in self.library.parts and fill.part not in above:
                self._part(fill.part, self.library.parts[fill.part], above, blind)
                names.append(fill.part)
        return names

    def _part(self, node: str, part: PartShape, above: frozenset[str], blind: bool = False) -> None:
        own = self.nodes.setdefault(node, set())
        if part.route is not None and part.route in self.library.routes:
            route = self.library.routes[part.route]
            self.assemble(part_assembly(part), route, above | {part.name})
        if part.process is not None:
            own |= self._made(part.process)
        if part.fault_class is not None:
            own.add(part.fault_class)
        if part.point is not None:
            self._attach(node, part.point, blind)

    def _made(self, name: str) -> set[str]:
        process = self.library.processes.get(name)
        if process is None:
            return set()
        seams = {process.stitch.fault_class} if process.stitch is not None else set()
        return {*(n for n, share in process.shares.items() if share.base > 0.0), *seams}

    def _work(self, node: str, step: RouteStepShape) -> None:
        if step.work is not None and node:
            made = self._made(step.process) if step.process is not None else set()
            self.nodes[node] |= {*step.faults, *made}

    def _attach(self, node: str, point: str, blind: bool = False) -> None:
        """Attach what the point takes; of a blind part only levels that repair are left."""
        own = self.nodes.setdefault(node, set())
        for insertion in self.insertions:
            if point in insertion.points:
                self.found.setdefault(f"{node}/{insertion.name}", set()).update(own)
                levels = [v for v in insertion.menu().values() if not blind or _mends(v, own)]
                own |= {name for level in levels for name in level.damage}


def _mends(level: LevelShape, classes: set[str]) -> bool:
    shares = [level.repair[name].base for name in classes & level.repair.keys()]
    return any(share > 0.0 for share in shares)
