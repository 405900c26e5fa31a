"""The flow: what is done to every unit on its way to a shipped package, frozen.

A flow is a tree of nodes. A node joins the units of its inputs and then runs its steps in order; a
step is a ``process`` (may scrap visibly, leaves latent faults) or a ``test`` (finds faults, may
repair, reject good units and do damage). Every number is a float or an array of shape (n,): the
batch axis, scenarios × plans.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from yieldopt.errors import CaseError, Fault, near_miss
from yieldopt.flow_check import check_step, structure_faults
from yieldopt.flow_steps import POISSON as POISSON
from yieldopt.flow_steps import Faults as Faults
from yieldopt.flow_steps import Step as Step
from yieldopt.flow_values import with_numbers
from yieldopt.outcome import Outcome as Outcome  # what a flow gives
from yieldopt.physics.yields import Value


@dataclass(frozen=True, slots=True)
class Input:
    """``count`` units of ``node`` that are joined when the parent starts.

    Examples
    --------
    >>> Input("hbm", 4)  # four stacks
    Input(node='hbm', count=4)
    """

    node: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Node:
    """Units of one kind: what is joined, then what is done, in order.

    Examples
    --------
    >>> package = Node("package", (Input("gpu"), Input("hbm", 4)), (Step("bond", "process", 90.0),))
    >>> [(one.node, one.count) for one in package.inputs]
    [('gpu', 1), ('hbm', 4)]
    """

    name: str
    inputs: tuple[Input, ...] = ()
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Flow:
    """A checked flow: a tree of nodes, children before parents, that ships ``ship``.

    Raises
    ------
    CaseError
        On construction: every fault of structure or range at once.

    Examples
    --------
    >>> die = Node("die", steps=(Step("fab", "process", 100.0, faults={"logic": Faults(0.5)}),))
    >>> flow = Flow("die", (die,))
    >>> flow.to_dict()["nodes"][0]["steps"][0]["faults"]
    {'logic': {'mean': 0.5, 'alpha': None}}
    """

    ship: str
    nodes: tuple[Node, ...]

    def __post_init__(self) -> None:
        shape = [(n.name, [(i.node, i.count) for i in n.inputs]) for n in self.nodes]
        faults = structure_faults(self.ship, shape)
        for index, node in enumerate(self.nodes):
            names = [step.name for step in node.steps]
            for at, step in enumerate(node.steps):
                key = f"nodes[{index}].steps[{at}]"
                if step.name in names[:at]:
                    faults.append(Fault("duplicate step name", f"{key}.name", step.name))
                faults += [fault.under(key) for fault in check_step(step)]
        if faults:
            raise CaseError(faults)
        _ = self.size  # refuses arrays of different lengths

    @cached_property
    def size(self) -> int | None:
        """Length n of the batch axis; ``None`` when every number is a scalar."""
        lengths = {np.shape(value) for value in self.numbers()} - {()}
        if len(lengths) > 1 or any(len(shape) != 1 for shape in lengths):
            raise CaseError(f"arrays of a flow must all have one shape (n,), found {lengths}")
        return lengths.pop()[0] if lengths else None

    def numbers(self) -> Iterator[Value]:
        """Yield every number that a batch may vary.

        Examples
        --------
        >>> fab = Step("fab", "process", 100.0, scrap=0.02)  # USD, fraction
        >>> list(Flow("die", (Node("die", steps=(fab,)),)).numbers())[:2]
        [100.0, 0.02]
        """
        for node in self.nodes:
            for step in node.steps:
                yield from (step.cost_usd, step.scrap, step.overkill, step.fail_cost_fraction)
                yield from (group.mean for group in step.faults.values())
                for table in (step.uses, step.coverage, step.repair):
                    yield from table.values()

    def step_names(self) -> tuple[str, ...]:
        """Return every ``"node/step"``, in order.

        Examples
        --------
        >>> Flow("die", (Node("die", steps=(Step("fab", "process", 100.0),)),)).step_names()
        ('die/fab',)
        """
        return tuple(f"{node.name}/{step.name}" for node in self.nodes for step in node.steps)

    def to_dict(self) -> dict[str, Any]:
        """Return the contract's JSON object (scalars as numbers, arrays as lists).

        Examples
        --------
        >>> from yieldopt import read_flow
        >>> flow = Flow("die", (Node("die", steps=(Step("fab", "process", 100.0),)),))
        >>> read_flow(flow.to_dict()) == flow
        True
        """
        nodes = [
            {
                "name": node.name,
                "inputs": [{"node": i.node, "count": i.count} for i in node.inputs],
                "steps": [step.to_dict() for step in node.steps],
            }
            for node in self.nodes
        ]
        return {"ship": self.ship, "nodes": nodes}

    def with_values(self, values: Mapping[str, Value]) -> Flow:
        """Return the flow with numbers replaced, for a batch: arrays of one shape (n,).

        Parameters
        ----------
        values
            By path ``"node/step.key"``: key is ``cost_usd``, ``scrap``, ``overkill``,
            ``fail_cost_fraction``, ``mean.CLASS``, ``coverage.CLASS``, ``repair.CLASS`` or
            ``uses.RESOURCE``.

        Raises
        ------
        CaseError
            Unknown paths, all at once; values out of range.

        Examples
        --------
        >>> flow = Flow("die", (Node("die", steps=(Step("fab", "process", 100.0),)),))
        >>> batch = flow.with_values({"die/fab.scrap": np.array([0.0, 0.1, 0.2])})
        >>> from yieldopt import evaluate
        >>> evaluate(batch).cost_per_good_usd.round(2)  # USD per good die, a flow each
        array([100.  , 111.11, 125.  ])
        """
        faults: list[Fault] = []
        nodes = []
        left = dict(values)
        owned: dict[str, dict[str, Value]] = {}
        for name in sorted(self.step_names(), key=len, reverse=True):  # a name may begin another
            own = [path for path in left if path.startswith(f"{name}.")]
            owned[name] = {path[len(name) + 1 :]: left.pop(path) for path in own}
        for node in self.nodes:
            steps = []
            for step in node.steps:
                name = f"{node.name}/{step.name}"
                found = owned[name]
                steps.append(with_numbers(step, found, f"{name}.", faults) if found else step)
            nodes.append(replace(node, steps=tuple(steps)))
        for path in left:
            hint = near_miss(path.split(".")[0], self.step_names())
            faults.append(Fault("no such step", path, hint=hint))
        if faults:
            raise CaseError(faults)
        return Flow(self.ship, tuple(nodes))
