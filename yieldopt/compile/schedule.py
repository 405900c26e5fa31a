"""Case + product + route → when each node of the flow is begun and done, before shipment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from yieldopt.flow import Step
from yieldopt.schema.assembly import (
    Assembly,
    node_name,
    part_assembly,
    product_assembly,
    steps_of,
)
from yieldopt.schema.base import Quantity
from yieldopt.schema.case import Library, ProductShape
from yieldopt.schema.part import PartShape
from yieldopt.schema.route import RouteShape

_WHOLE = 1e-12  # periods by which a sum of weeks misses a whole number from rounding alone


def in_periods(weeks: float, period_weeks: float) -> float:
    """Return weeks in periods; what is whole but for rounding is whole.

    Examples
    --------
    >>> in_periods(26.0, 13.0), in_periods(65.0, 52.0 / 12.0), in_periods(6.5, 13.0)
    (2.0, 15.0, 0.5)
    """
    back = weeks / period_weeks
    nearest = round(back)
    return float(nearest) if abs(back - nearest) <= _WHOLE * max(back, 1.0) else back


@dataclass(frozen=True)
class NodeTimes:
    """When a unit of a node is begun (or ordered) and when it is done [weeks before shipment]."""

    begun_weeks: float
    done_weeks: float
    bought: PartShape | None = None  # the part, where the node is a purchase

    def weeks(self, step: Step) -> float:
        """Return when a step of the node is run: work at its begin, tests at its end."""
        return self.done_weeks if step.kind == "test" else self.begun_weeks


@dataclass(frozen=True)
class RouteOrder:
    """An order to a line: what it delivers, and when it is placed [weeks before shipment]."""

    route: str
    node: str  # the node that it delivers
    weeks: float


@dataclass(frozen=True)
class Schedule:
    """The dates of a product on a route, counted back from its shipment.

    Parameters
    ----------
    nodes
        By the name of the node in the flow.
    orders
        Of the product's own route first, then of those that its parts are assembled on.
    without_time
        Keys of the library that would give a time and do not: 0 weeks were taken.
    """

    nodes: Mapping[str, NodeTimes]
    orders: tuple[RouteOrder, ...]
    without_time: tuple[str, ...]


def schedule(library: Library, product: ProductShape, route: RouteShape) -> Schedule:
    r"""Return when each node of a product on a route is begun and done.

    A route takes its ``cycle_time_weeks`` C and ends with the shipment. Its nodes one above the
    other are n stages of equal length: stage i begins C·(n−i+1)/n before the end and is done
    C·(n−i)/n before it (i = 1 … n). What fills the slots is all there when the route begins: a part
    made on a process is begun its ``cycle_time_weeks`` before that, a bought part is ordered its
    ``lead_time_weeks`` before that, and an assembled part runs on its own route, which ends then.
    A body that the route makes itself is begun with its stage: the route's cycle holds it. A line
    is asked for its ``lead_time_weeks`` before it delivers, or with its first step if that is
    earlier. All at base values.

    Parameters
    ----------
    library, product, route
        The models, a product, and one of its routes.

    Returns
    -------
    Schedule
        A part assembled up to a node of its route takes the stages up to that node.

    Examples
    --------
    >>> from yieldopt import load
    >>> case = load("minimal")
    >>> found = schedule(case.library, case.products[0], case.library.routes["cowos_s"])
    >>> found.nodes["tpu_die"].begun_weeks, found.nodes["tpu_die"].done_weeks
    (30.0, 14.0)
    """
    clock = _Clock(library)
    clock.run(product_assembly(product), route, 0.0)
    return Schedule(clock.nodes, tuple(clock.orders), tuple(dict.fromkeys(clock.without_time)))


class _Clock:
    """Times found so far."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.nodes: dict[str, NodeTimes] = {}
        self.orders: list[RouteOrder] = []
        self.without_time: list[str] = []

    def run(self, assembly: Assembly, route: RouteShape, ready: float) -> None:
        """Date an assembly that its route has done ``ready`` weeks before shipment."""
        stages = _stages(route)
        steps = steps_of(route, assembly.until)
        names = [name for step in steps if (name := step.make or step.join)]
        last = stages[names[-1]]
        cycle = self._weeks(route.cycle_time_weeks, f"routes.{route.name}.cycle_time_weeks")
        stage_weeks = cycle / max(stages.values())
        begun = ready + last * stage_weeks
        asked = max(begun, ready + route.lead_time_weeks.base)
        self.orders.append(RouteOrder(route.name, node_name(assembly, steps, names[-1]), asked))
        for step in steps:
            if name := step.make or step.join:
                node = node_name(assembly, steps, name)
                done = ready + (last - stages[name]) * stage_weeks
                times = NodeTimes(done + stage_weeks, done)
                if step.part is None:
                    self.nodes[node] = times
                else:
                    self._made(node, self.library.parts[step.part], times)
            for slot in (source[1:] for source in step.inputs if source.startswith("@")):
                for fill in assembly.slots.get(slot, ()):
                    self._in_slot(self.library.parts[fill.part], begun)

    def _made(self, node: str, part: PartShape, times: NodeTimes) -> None:
        """Date a body that the route begins with."""
        if part.process is not None:
            self.nodes[node] = times
        elif part.route is not None:
            self.run(part_assembly(part), self.library.routes[part.route], times.begun_weeks)
        else:
            self.nodes[node] = self._bought(part, times.begun_weeks, times.done_weeks)

    def _in_slot(self, part: PartShape, needed: float) -> None:
        if part.route is not None:
            self.run(part_assembly(part), self.library.routes[part.route], needed)
        elif part.process is not None:
            process = self.library.processes[part.process]
            key = f"processes.{process.name}.cycle_time_weeks"
            begun = needed + self._weeks(process.cycle_time_weeks, key)
            self.nodes[part.name] = NodeTimes(begun, needed)
        else:
            self.nodes[part.name] = self._bought(part, needed, needed)

    def _bought(self, part: PartShape, needed: float, done: float) -> NodeTimes:
        lead = self._weeks(part.lead_time_weeks, f"parts.{part.name}.lead_time_weeks")
        return NodeTimes(needed + lead, done, part)

    def _weeks(self, given: Quantity | None, key: str) -> float:
        if given is None:
            self.without_time.append(key)
            return 0.0
        return given.base


def _stages(route: RouteShape) -> dict[str, int]:
    """Return the stage of every node of a route: one above the latest of those that it joins."""
    found: dict[str, int] = {}
    for step in route.steps:
        if step.make:
            found[step.make] = 1
        elif step.join:
            below = (found[name] for name in step.inputs if not name.startswith("@"))
            found[step.join] = 1 + max(below, default=0)
    return found
