"""Random valid flows for checks: every law, overlap, repair, damage, harvest and join at random.

Sizes are chosen so that a simulation of some 10^4 packages has statistical power: the fault means
of all component instances of a package share a budget, so acceptance stays moderate whatever the
number of parts, and coverage is poor enough that bad packages ship often.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

CLASSES = ("logic", "array", "io", "joint", "tsv", "warpage")
PLAIN_LAWS = (
    "poisson",
    "negative_binomial",
    "seeds",
    "bose_einstein",
    "murphy",
    "rectangular",
    "moore",
)
LAWS = (*PLAIN_LAWS, "single", "harvest")
RESOURCES = ("wafer.n4p", "tester.ft_h", "bonder.h")
MAX_INSTANCES = 6  # of one node in a package

JSON = dict[str, Any]


@dataclass
class _Builder:
    """The options of one flow, and what it has drawn so far."""

    rng: np.random.Generator
    laws: Sequence[str]
    repair: bool
    clusters: bool
    damage: bool
    overkill: bool
    independent: bool
    classes: list[str]
    nodes: list[JSON] = field(default_factory=list)
    means: list[tuple[JSON, int]] = field(default_factory=list)  # fault specs, instances

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    def number(self, low: float, high: float, digits: int = 4) -> float:
        return round(float(self.rng.uniform(low, high)), digits)

    def law(self, allowed: Sequence[str]) -> JSON:
        """Draw a law, spelled as the contract spells it; the mean is a weight until the end."""
        name = str(self.rng.choice(allowed))
        spec: JSON = {"mean": self.number(0.2, 1.0)}
        if name == "poisson":
            if self.chance(0.5):
                spec["alpha"] = None
        elif name == "negative_binomial":
            spec["alpha"] = self.number(0.4, 4.0, 2)
            if self.chance(0.3):
                spec["law"] = name
        else:
            spec["law"] = name
        if name == "bose_einstein":
            spec["layers"] = int(self.rng.integers(1, 7))
        if name == "harvest":
            spec["alpha"] = self.number(0.5, 4.0, 2) if self.chance(0.6) else None
            spec["blocks"] = int(self.rng.integers(3, 25))
            spec["spares"] = int(self.rng.integers(0, min(5, spec["blocks"])))
        return spec

    def faults(self, instances: int, most: int) -> JSON:
        """Draw the faults that one step brings, perhaps some of them clustered."""
        count = min(int(self.rng.integers(1, most + 1)), len(self.classes))
        chosen = [str(c) for c in self.rng.choice(self.classes, count, replace=False)]
        clustered: list[str] = []
        mixed = [law for law in self.laws if law in PLAIN_LAWS]
        if self.clusters and mixed and count > 1 and self.chance(0.4):
            clustered = chosen[: int(self.rng.integers(2, count + 1))]
            shared = {**self.law(mixed), "cluster": "origin"}
        out: JSON = {}
        for name in chosen:
            if name in clustered:
                out[name] = {**shared, "mean": self.number(0.2, 1.0)}
            else:
                out[name] = self.law(self.laws)
            self.means.append((out[name], instances))
        return out

    def common(self, name: str, kind: str, cost: tuple[float, float]) -> JSON:
        step: JSON = {"name": name, "kind": kind, "cost_usd": self.number(*cost, 2)}
        if self.chance(0.5):
            count = int(self.rng.integers(1, 3))
            step["uses"] = {
                str(r): self.number(0.001, 1.0)
                for r in self.rng.choice(RESOURCES, count, replace=False)
            }
        return step

    def process(self, name: str, instances: int, most: int) -> JSON:
        """A process step: visible scrap, latent faults."""
        step = self.common(name, "process", (20.0, 300.0))
        if self.chance(0.6):
            step["scrap"] = self.number(0.01, 0.12)
        if most:
            step["faults"] = self.faults(instances, most)
        return step

    def test(self, name: str, instances: int, covered: float) -> JSON:
        """A test step that covers each class with chance `covered`."""
        step = self.common(name, "test", (2.0, 60.0))
        independent = self.independent and self.chance(0.4)
        if independent or self.chance(0.5):
            step["overlap"] = "independent" if independent else "nested"
        if independent and self.chance(0.4):
            step["overlap"] = self.number(0.05, 0.95)
        step["coverage"] = {
            c: 1.0 if self.chance(0.04) else self.number(0.5, 0.98)
            for c in self.classes
            if self.chance(covered)
        }
        if self.overkill and self.chance(0.5):
            step["overkill"] = self.number(0.003, 0.06)
        if self.repair and self.chance(0.6):
            step["repair"] = {
                c: self.repair_fraction() for c in step["coverage"] if self.chance(0.6)
            }
        if self.chance(0.6):
            step["fail_cost_fraction"] = float(self.rng.choice([0.0, 1.0, self.number(0.05, 0.95)]))
        if self.damage and self.chance(0.3):
            step["faults"] = self.faults(instances, 2)
        return step

    def repair_fraction(self) -> float:
        return float(self.rng.choice([0.0, 1.0, self.number(0.1, 0.9), self.number(0.1, 0.9)]))

    def node(self, name: str, inputs: list[JSON], instances: int, last: bool) -> None:
        """Append a node: a process, then tests and perhaps one more process."""
        steps = [self.process("bond" if inputs else "fab", instances, 2 if inputs else 3)]
        for i in range(int(self.rng.integers(0, 2 if inputs else 3))):
            steps.append(self.test(f"test{i}", instances, 0.75))
        if self.chance(0.3):
            steps.append(self.process("finish", instances, 1 if self.chance(0.6) else 0))
        if last:
            steps.append(self.test("final", instances, 0.95))
            if self.chance(0.4):
                steps.append(self.test("slt", instances, 0.7))
        self.nodes.append({"name": name, "inputs": inputs, "steps": steps})

    def assemble(self) -> None:
        """Draw the tree: leaves, perhaps sub-assemblies of them, the package."""
        leaves = [f"die{i}" for i in range(int(self.rng.integers(1, 5)))]
        if len(leaves) == 1 and self.chance(0.3):
            return self.node("package", [], 1, last=True)
        parts: list[JSON] = []
        while leaves:
            taken = leaves[: int(self.rng.integers(1, len(leaves) + 1))]
            leaves = leaves[len(taken) :]
            if self.chance(0.5):
                count = int(self.rng.integers(1, 3))
                inner = [self.leaf(name, count) for name in taken]
                name = f"sub{len(parts)}"
                self.node(name, inner, count, last=False)
                parts.append({"node": name, "count": count})
            else:
                parts += [self.leaf(name, 1) for name in taken]
        return self.node("package", parts, 1, last=True)

    def leaf(self, name: str, parents: int) -> JSON:
        count = int(self.rng.integers(1, min(3, MAX_INSTANCES // parents) + 1))
        self.node(name, [], parents * count, last=False)
        return {"node": name, "count": count}

    def scale_means(self) -> None:
        """Turn weights into means: all instances of a package share one budget of faults."""
        budget = float(self.rng.uniform(0.6, 1.8))
        total = sum(spec["mean"] * instances for spec, instances in self.means)
        for spec, _ in self.means:
            mean = spec["mean"] * budget / total
            law = spec.get("law")
            if law == "moore":
                mean = mean**2  # its mean is a scale under a square root
            elif law == "single":
                mean = min(mean, 0.9)
            elif law == "harvest":
                mean *= 1.0 + 0.5 * spec["spares"]
            spec["mean"] = round(mean, 6)

    def spare_moore(self) -> None:
        """A group under Moore's law may hold a thousand faults: never repair it completely."""
        moore = {
            c
            for node in self.nodes
            for step in node["steps"]
            for c, spec in step.get("faults", {}).items()
            if spec.get("law") == "moore"
        }
        for node in self.nodes:
            for step in node["steps"]:
                for c, fraction in step.get("repair", {}).items():
                    if c in moore:
                        step["repair"][c] = min(fraction, 0.9)


def random_flow(
    seed: int,
    *,
    laws: Sequence[str] = LAWS,
    repair: bool = True,
    clusters: bool = True,
    damage: bool = True,
    overkill: bool = True,
    independent: bool = True,
) -> JSON:
    """Return a random valid flow of the contract's JSON shape; deterministic per seed.

    Parameters
    ----------
    seed : int
        Seed of `numpy.random.default_rng`.
    laws : sequence of str
        Laws to draw from (a subset of `LAWS`).
    repair, clusters, damage, overkill, independent : bool
        Whether tests may repair, classes of a step may share their mixing variable, tests may bring
        faults, tests may fail good units, and tests may overlap independently.
    """
    unknown = set(laws) - set(LAWS)
    if unknown or not laws:
        raise ValueError(f"unknown laws {sorted(unknown)}; choose from {LAWS}")
    rng = np.random.default_rng(seed)
    classes = [str(c) for c in rng.choice(CLASSES, int(rng.integers(2, 5)), replace=False)]
    builder = _Builder(rng, tuple(laws), repair, clusters, damage, overkill, independent, classes)
    builder.assemble()
    builder.scale_means()
    builder.spare_moore()
    return {"ship": "package", "nodes": builder.nodes}
