"""A step of a flow, and the latent faults that it leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

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

    Examples
    --------
    >>> logic = Faults(0.6, Law("negative_binomial", alpha=3.0))  # 0.6 faults a die, clustered
    >>> logic.mean, logic.law.alpha
    (0.6, 3.0)
    """

    mean: Value
    law: Law = POISSON
    cluster: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the contract's JSON object.

        Examples
        --------
        >>> Faults(0.6, Law("bose_einstein", layers=12)).to_dict()
        {'mean': 0.6, 'law': 'bose_einstein', 'layers': 12}
        """
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

    Examples
    --------
    >>> bond = Step("bond", "process", 120.0, scrap=0.02, faults={"joint": Faults(0.04)})
    >>> final = Step("final", "test", 40.0, coverage={"joint": 0.99}, overkill=0.003)
    >>> bond.booked, final.booked  # USD of a run, by category
    ('assembly', 'test')
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
        """Return the contract's JSON object; keys at their default are left out.

        Examples
        --------
        >>> Step("bond", "process", 120.0, scrap=0.02).to_dict()["scrap"]
        0.02
        """
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


def _plain(value: Value) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _plain_map(table: Mapping[str, Value]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in table.items()}
