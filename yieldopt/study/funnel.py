"""The yield funnel of a flow: what goes into each step and comes out of it, per good package."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from yieldopt.engine import evaluate
from yieldopt.errors import CaseError
from yieldopt.flow import Flow, Node, Step
from yieldopt.ledger import OVERKILL, scrap_ledger
from yieldopt.screening import log_passes


@dataclass(frozen=True)
class FunnelStep:
    """One step; units are those of its node, per good package.

    Parameters
    ----------
    node, step, kind
        Names; ``"process"`` or ``"test"``.
    in_package
        Units of the node in one package.
    enter_per_good, leave_per_good
        Units that come to the step and that pass it [units per good package].
    pass_frac
        First-pass yield: of those that come, the share that passes.
    cost_usd_per_good
        What its charged runs cost [USD per good package].
    """

    node: str
    step: str
    kind: str
    in_package: int
    enter_per_good: float
    leave_per_good: float
    pass_frac: float
    cost_usd_per_good: float

    @property
    def enter_per_place(self) -> float:
        """Units that come to the step for each one that a good package holds."""
        return self.enter_per_good / self.in_package

    @property
    def leave_per_place(self) -> float:
        """Units that pass the step for each one that a good package holds."""
        return self.leave_per_good / self.in_package


@dataclass(frozen=True)
class Funnel:
    """A flow step by step, and who is guilty of its scrap.

    Parameters
    ----------
    steps
        In the order of the flow: children before parents.
    shipped_per_good
        Packages shipped per good one, 1/Q.
    scrap_by_cause_usd
        By ``"node/step"`` that left the faults, or scrapped visibly [USD per good package].
    scrap_by_component_usd
        The same by node, largest first.
    component_of
        The node of each cause.
    """

    steps: tuple[FunnelStep, ...]
    shipped_per_good: float
    scrap_by_cause_usd: Mapping[str, float]
    scrap_by_component_usd: Mapping[str, float]
    component_of: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def funnel(flow: Flow) -> Funnel:
    """Return the yield funnel of a flow.

    Parameters
    ----------
    flow
        A flow of scalars.

    Raises
    ------
    CaseError
        A flow of arrays; a flow that nothing passes.

    Notes
    -----
    From the door back: with P the chance to pass a step, ``enter = leave / P``, and a node's inputs
    must leave theirs ``count`` times as often as it begins. At the door 1/Q packages leave. A test
    that stops at the first fail is charged fewer runs than units enter it: the engine's visits are
    ``enter·(P + f·(1 − P))``.

    Examples
    --------
    >>> from yieldopt.flow import Faults
    >>> fab = Step("fab", "process", 100.0, faults={"logic": Faults(0.5)})
    >>> cp = Step("cp", "test", 2.0, coverage={"logic": 0.9})
    >>> found = funnel(Flow("die", (Node("die", steps=(fab, cp)),)))
    >>> for row in found.steps:
    ...     print(row.step, round(row.enter_per_good, 3), round(row.pass_frac, 3))
    fab 1.649 1.0
    cp 1.649 0.638
    """
    if flow.size is not None:
        raise CaseError("the funnel takes a flow of scalars")
    out = evaluate(flow)
    if out.blocked:
        raise CaseError(f"nothing can pass {out.blocked}")
    shipped = 1.0 / float(out.quality)
    passes = _passes(flow)
    leaves, counts = {flow.ship: shipped}, {flow.ship: 1}
    rows: dict[tuple[int, int], FunnelStep] = {}
    for at in range(len(flow.nodes) - 1, -1, -1):
        node = flow.nodes[at]
        units, count = leaves[node.name], counts[node.name]
        for index in range(len(node.steps) - 1, -1, -1):
            step, share = node.steps[index], passes[at, index]
            runs = float(out.visits[f"{node.name}/{step.name}"]) * shipped
            rows[at, index] = _row(node, step, count, units, share, runs)
            units = rows[at, index].enter_per_good
        for item in node.inputs:
            leaves[item.node], counts[item.node] = units * item.count, count * item.count
    scrap = scrap_ledger(flow)
    nodes = _components(flow, scrap)
    steps = tuple(rows[place] for place in sorted(rows))
    return Funnel(steps, shipped, scrap, _by_node(scrap, nodes), nodes)


def _row(
    node: Node, step: Step, count: int, leave: float, share: float, runs_per_good: float
) -> FunnelStep:
    cost = runs_per_good * float(step.cost_usd)
    return FunnelStep(node.name, step.name, step.kind, count, leave / share, leave, share, cost)


def _passes(flow: Flow) -> dict[tuple[int, int], float]:
    """Return the chance to pass each step."""
    tests, _ = log_passes(flow)
    return {
        (at, index): (1.0 - float(step.scrap))
        if step.kind == "process"
        else math.exp(tests[at, index]) * (1.0 - float(step.overkill))
        for at, node in enumerate(flow.nodes)
        for index, step in enumerate(node.steps)
    }


def _components(flow: Flow, scrap: Mapping[str, float]) -> dict[str, str]:
    nodes = {f"{node.name}/{step.name}": node.name for node in flow.nodes for step in node.steps}
    return {cause: nodes.get(cause) or nodes[cause.removesuffix(OVERKILL)] for cause in scrap}


def _by_node(scrap: Mapping[str, float], nodes: Mapping[str, str]) -> dict[str, float]:
    totals: dict[str, list[float]] = {}
    for cause, usd in scrap.items():
        totals.setdefault(nodes[cause], []).append(usd)
    summed = {node: math.fsum(parts) for node, parts in totals.items()}
    return dict(sorted(summed.items(), key=lambda item: -item[1]))
