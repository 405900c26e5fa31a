"""A route file against the library: names, nodes, slots, carrier."""

from __future__ import annotations

from collections.abc import Iterator

from yieldopt.errors import Fault, near_miss
from yieldopt.read.keys import join_key
from yieldopt.schema.case import Library
from yieldopt.schema.route import RouteShape, RouteStepShape


def route_faults(route: RouteShape, library: Library) -> Iterator[Fault]:
    """Yield what is wrong with a route: steps in order, then the tree that they make."""
    nodes: list[str] = []
    joined: dict[str, str] = {}
    names: set[str] = set()
    for index, step in enumerate(route.steps):
        key = f"steps[{index}]"
        begun = step.make or step.join
        if begun:
            yield from _begun(step, key, nodes, joined, library)
            nodes.append(begun)
        elif not nodes:
            yield Fault("stands before any make or join", key)
        yield from _names(step, key, names, joined, library)
        names.add(step.work or "")
        if step.per == "site" and route.carrier is None:
            yield Fault("work per site needs a carrier", "carrier", hint="name the node")
        elif step.per == "site" and route.carrier not in nodes:
            yield Fault("the carrier stands below the work on its sites", key, route.carrier)
    for key in ("carrier", "composite_from"):
        name = getattr(route, key)
        if name is not None and name not in nodes:
            yield Fault(f"missing node: the {key} is none of the route", key, name,
                        near_miss(name, nodes))  # fmt: skip
    for node in nodes[:-1]:
        if node not in joined:
            yield Fault("unreachable: nothing joins the node", "steps", node)


def _begun(
    step: RouteStepShape, key: str, nodes: list[str], joined: dict[str, str], library: Library
) -> Iterator[Fault]:
    begun = step.make or step.join or ""
    place = f"{key}.{'make' if step.make else 'join'}"
    if begun in nodes:
        yield Fault("duplicate node name", place, begun)
    elif begun in library.parts:
        hint = "a part is a node of its own name: give the part or this node another"
        yield Fault("duplicate node name: a part has it", place, begun, hint)
    for at, source in enumerate(step.inputs):
        if not source.startswith("@") and source not in nodes:
            hint = near_miss(source, nodes)
            yield Fault("missing node: none above", f"{key}.inputs[{at}]", source, hint)
        if source in joined:
            hint = f"it is already joined into {joined[source]!r}"
            yield Fault("shared node", f"{key}.inputs[{at}]", source, hint)
        joined.setdefault(source, begun)


def _names(
    step: RouteStepShape, key: str, names: set[str], joined: dict[str, str], library: Library
) -> Iterator[Fault]:
    if step.part and step.part not in library.parts:
        hint = near_miss(step.part, library.parts)
        yield Fault("unknown part", f"{key}.part", step.part, hint)
    elif step.part and library.parts[step.part].route is not None:
        hint = "join the slot that it fills"
        yield Fault("an assembled part stands in a slot", f"{key}.part", step.part, hint)
    if step.process and step.process not in library.processes:
        hint = near_miss(step.process, library.processes)
        yield Fault("unknown process", f"{key}.process", step.process, hint)
    elif step.process:
        process = library.processes[step.process]
        own = set(process.shares) | ({process.stitch.fault_class} if process.stitch else set())
        for name in sorted(own & set(step.faults)):
            hint = f"process {step.process!r} leaves this class already"
            place = f"{key}.{join_key(('faults', name))}"
            yield Fault("fault class stands twice", place, hint=hint)
    if step.work and step.work in names:
        yield Fault("duplicate step name", f"{key}.work", step.work)
    for slot in step.of:
        if slot not in joined:
            yield Fault("slot not joined yet", f"{key}.of", slot, near_miss(slot, joined))
