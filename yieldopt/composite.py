"""The composite process yield of a packaging flow: what it makes of parts that are known good."""

from __future__ import annotations

from dataclasses import replace

from yieldopt.engine import evaluate
from yieldopt.errors import CaseError, Fault, near_miss
from yieldopt.flow import Flow, Node

_PARTS = ("die", "memory", "substrate")


def composite_yield(flow: Flow, start: str) -> float:
    """Return good packages per unit of a node that is started, known-good parts going in.

    Parameters
    ----------
    flow
        A flow of scalars.
    start
        The node whose starts are counted: the interposer for a whole packaging flow, a join for
        the share from there on.

    Returns
    -------
    float
        Q · count / visits of the node's first step [0…1]: everything from the node's start to the
        shipped package. Dies, memory and substrates, assembled ones too, enter without faults, and
        so does all that the node joins; overkill of tests on the way counts as loss, as on a line.

    Raises
    ------
    UnknownName, CaseError
        No such node; it has no steps; nothing passes.

    Examples
    --------
    >>> from yieldopt.flow import Faults, Input, Step
    >>> fab = Step("fab", "process", 30.0, scrap=0.1, category="interposer")
    >>> die = Step("buy", "process", 90.0, faults={"logic": Faults(0.2)}, category="die")
    >>> bond = Step("bond", "process", 5.0, scrap=0.02)
    >>> nodes = (Node("carrier", steps=(fab,)), Node("gpu", steps=(die,)),
    ...          Node("pack", (Input("carrier"), Input("gpu")), (bond,)))
    >>> round(composite_yield(Flow("pack", nodes), "carrier"), 4)
    0.882
    """
    names = [node.name for node in flow.nodes]
    if start not in names:
        raise CaseError(Fault("no such node", value=start, hint=near_miss(start, names)))
    clean = _charged_in_full(known_good(flow, start))
    node = next(node for node in clean.nodes if node.name == start)
    if not node.steps:
        raise CaseError(Fault("the node has no steps to be counted", value=start))
    out = evaluate(clean)
    if out.blocked:
        raise CaseError(f"nothing can pass {out.blocked}")
    return (
        float(out.quality)
        * _count(flow, start)
        / float(out.visits[f"{start}/{node.steps[0].name}"])
    )


def known_good(flow: Flow, start: str) -> Flow:
    """Return the flow with parts, and all that ``start`` joins, free of faults and losses."""
    below = _below(flow, start)

    def fine(node: Node) -> bool:
        made = [step.booked in _PARTS for step in node.steps if step.kind == "process"]
        part = bool(made) and all(made) and start not in _below(flow, node.name)
        return node.name in below or (part and node.name != start)

    good = {node.name for node in flow.nodes if fine(node)}
    good |= {name for node in good.copy() for name in _below(flow, node)}
    return Flow(flow.ship, tuple(_flawless(n) if n.name in good else n for n in flow.nodes))


def _charged_in_full(flow: Flow) -> Flow:
    """Return the flow with every visit charged, so that visits count starts."""
    return Flow(
        flow.ship,
        tuple(
            replace(n, steps=tuple(replace(step, fail_cost_fraction=1.0) for step in n.steps))
            for n in flow.nodes
        ),
    )


def _flawless(node: Node) -> Node:
    steps = (replace(step, scrap=0.0, overkill=0.0, faults={}) for step in node.steps)
    return replace(node, steps=tuple(steps))


def _below(flow: Flow, start: str) -> set[str]:
    inputs = {node.name: [item.node for item in node.inputs] for node in flow.nodes}
    found: set[str] = set()
    todo = list(inputs[start])
    while todo:
        name = todo.pop()
        found.add(name)
        todo += inputs[name]
    return found


def _count(flow: Flow, name: str) -> int:
    count = 1
    for node in flow.nodes:  # children stand before parents
        for item in node.inputs:
            if item.node == name:
                count, name = count * item.count, node.name
    return count
