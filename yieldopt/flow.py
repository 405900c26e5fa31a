"""The flow: what is done to every unit on its way to a shipped package, frozen.

A flow is a tree of nodes. A node joins the units of its inputs and then runs its steps in order; a
step is a ``process`` (may scrap visibly, leaves latent faults) or a ``test`` (finds faults, may
repair, reject good units and do damage). Every number is a float or an array of shape (n,): the
batch axis, scenarios × plans.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from yieldopt.errors import CaseError, Fault, near_miss
from yieldopt.flow_check import check_step, structure_faults
from yieldopt.flow_values import with_numbers
from yieldopt.outcome import Outcome as Outcome  # what a flow gives
from yieldopt.physics.yields import Law, Value

POISSON = Law("poisson")


@dataclass(frozen=True, slots=True)
class Faults:
    """Latent faults of one class that a step leaves.

    Parameters
    ----------
    mean
        Mean number per unit λ [faults], scalar or (n,).
    law
        Its yield law.
    cluster
        Classes of one step with the same cluster name share their mixing variable.
    """

    mean: Value
    law: Law = POISSON
    cluster: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the contract's JSON object."""
        law = self.law
        out: dict[str, Any] = {"mean": _plain(self.mean)}
        if law.name in ("poisson", "negative_binomial"):
            out["alpha"] = law.alpha
        else:
            out["law"] = law.name
            names = ("alpha", "layers", "blocks", "spares")
            out |= {key: getattr(law, key) for key in names if getattr(law, key) is not None}
        return out | ({"cluster": self.cluster} if self.cluster else {})


@dataclass(frozen=True, slots=True)
class Step:
    """One process or test step of a node; fractions in [0, 1], costs per run of the step.

    Parameters
    ----------
    name
        Unique within its node.
    kind
        ``"process"`` or ``"test"``.
    cost_usd
        Cost of one run [USD], scalar or (n,).
    scrap
        Process only: visible scrap [fraction of units].
    faults
        Latent faults by class; of a test: the damage that it does, joining after its screen.
    uses
        Resource use of one run, by resource [resource units].
    overlap
        Test only: ``"nested"`` sees again what an earlier nested test of less coverage saw;
        ``"independent"`` draws anew; a number in [0, 1] is the nested share of one in between.
    coverage, repair
        Test only, by class: fraction of the fault mass looked at; fraction of found faults mended.
    overkill
        Test only: good units rejected [fraction].
    fail_cost_fraction
        Test only: share of its cost and uses that a failing unit is charged (stop-on-fail < 1).
    category
        Where the waterfall books it, one of ``CATEGORIES``; empty: by kind.
    """

    name: str
    kind: str
    cost_usd: Value = 0.0
    scrap: Value = 0.0
    faults: Mapping[str, Faults] = field(default_factory=dict)
    uses: Mapping[str, Value] = field(default_factory=dict)
    overlap: str | float = "nested"
    coverage: Mapping[str, Value] = field(default_factory=dict)
    repair: Mapping[str, Value] = field(default_factory=dict)
    overkill: Value = 0.0
    fail_cost_fraction: Value = 1.0
    category: str = ""

    @property
    def booked(self) -> str:
        """Category in the waterfall."""
        return self.category or ("test" if self.kind == "test" else "assembly")

    def to_dict(self) -> dict[str, Any]:
        """Return the contract's JSON object; keys at their default are left out."""
        out: dict[str, Any] = {
            "name": self.name,
            "kind": self.kind,
            "cost_usd": _plain(self.cost_usd),
        }
        if self.kind == "test":
            out["overlap"] = self.overlap
            out["coverage"] = _plain_map(self.coverage)
            out["repair"] = _plain_map(self.repair)
            out["overkill"] = _plain(self.overkill)
            out["fail_cost_fraction"] = _plain(self.fail_cost_fraction)
        else:
            out["scrap"] = _plain(self.scrap)
        out["faults"] = {name: group.to_dict() for name, group in self.faults.items()}
        out["uses"] = _plain_map(self.uses)
        return out | ({"category": self.category} if self.category else {})


@dataclass(frozen=True, slots=True)
class Input:
    """``count`` units of ``node`` that are joined when the parent starts."""

    node: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Node:
    """Units of one kind: what is joined, then what is done, in order."""

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
        """Yield every number that a batch may vary."""
        for node in self.nodes:
            for step in node.steps:
                yield from (step.cost_usd, step.scrap, step.overkill, step.fail_cost_fraction)
                yield from (group.mean for group in step.faults.values())
                for table in (step.uses, step.coverage, step.repair):
                    yield from table.values()

    def step_names(self) -> tuple[str, ...]:
        """Every ``"node/step"``, in order."""
        return tuple(f"{node.name}/{step.name}" for node in self.nodes for step in node.steps)

    def to_dict(self) -> dict[str, Any]:
        """Return the contract's JSON object (scalars as numbers, arrays as lists)."""
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
        """
        faults: list[Fault] = []
        nodes = []
        left = dict(values)
        for node in self.nodes:
            steps = []
            for step in node.steps:
                prefix = f"{node.name}/{step.name}."
                own = {k[len(prefix) :]: left.pop(k) for k in list(left) if k.startswith(prefix)}
                steps.append(with_numbers(step, own, prefix, faults) if own else step)
            nodes.append(replace(node, steps=tuple(steps)))
        for path in left:
            hint = near_miss(path.split(".")[0], self.step_names())
            faults.append(Fault("no such step", path, hint=hint))
        if faults:
            raise CaseError(faults)
        return Flow(self.ship, tuple(nodes))


def _plain(value: Value) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _plain_map(table: Mapping[str, Value]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in table.items()}
