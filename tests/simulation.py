"""A plain Monte Carlo of real units with real faults, to check the engine against.

It shares no formula with the engine: nothing here knows a generating function, a pass
probability or a visit count. Units are started, scrapped, screened, joined and shipped:

- a step that brings faults draws, per unit and group (or per cluster of groups), the mixing
  variable W of its law, then Poisson(mean * W) faults, each with a hardness uniform on [0, 1];
- a nested test of coverage c finds the faults of hardness below c, an independent test finds each
  present fault with a fresh chance c; a found fault is repaired (and gone) with the repair
  fraction, otherwise the unit is scrapped at that test; overkill scraps good and bad alike;
- faults of a test step (damage) join after its screen, latent faults of a process step after its
  visible scrap, both only on units that survive;
- a harvested group spreads its faults over M blocks: the first test that covers its class switches
  off the blocks with a found and unrepaired fault (more than m of them: scrap), then further random
  ones until exactly m are off; if no test covers it, m random blocks are off when it ships;
- a parent takes `count` fresh passing units of each input; a package is good if no fault is left.

Every unit carries what was spent on it: the charges of its own steps, of the failed starts before
it, and of its parts. Stopping at exactly the n-th pass makes the n shipped packages independent and
identically distributed renewal cycles, so means are unbiased and plain standard errors are honest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

MAX_STARTS = 40_000  # units started at once: bounds memory
MAX_FAULTS = 400  # per group; more only happens under Moore's law, and such a unit is lost anyway


@dataclass(frozen=True)
class Estimate:
    """A sample mean and its standard error."""

    mean: float
    se: float


@dataclass(frozen=True)
class SimResult:
    """What the simulation found, per shipped package unless the name says per good."""

    packages: int
    cost_per_shipped_usd: Estimate
    cost_per_good_usd: Estimate
    quality: Estimate
    dppm: Estimate
    visits: dict[str, Estimate]
    uses: dict[str, Estimate]


@dataclass(frozen=True)
class _Faults:
    """Present faults, one entry each; `group` is unique per component instance and origin."""

    unit: Ints
    origin: Ints
    group: Ints
    block: Ints
    hardness: Floats
    decided: Bools  # False: its harvest (if any) has not been decided yet

    def take(self, where: Bools | Ints) -> _Faults:
        return _Faults(*(getattr(self, f.name)[where] for f in fields(self)))

    @staticmethod
    def concat(parts: list[_Faults]) -> _Faults:
        return _Faults(
            *(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(_Faults))
        )

    @staticmethod
    def none() -> _Faults:
        i = np.zeros(0, np.int64)
        return _Faults(i, i, i, i, np.zeros(0), np.zeros(0, bool))


@dataclass(frozen=True)
class _Origin:
    """One class of faults brought by one step."""

    fault_class: str
    spec: dict[str, Any]

    @property
    def harvested(self) -> bool:
        return self.spec.get("law") == "harvest"

    def draw_mixing(self, rng: np.random.Generator, n: int) -> Floats:
        """Draw W for n units: its distribution defines the law."""
        alpha = self.spec.get("alpha")
        plain = "poisson" if alpha is None else "negative_binomial"
        law = self.spec.get("law") or plain
        law = plain if law == "harvest" else law
        if law in ("poisson", "single"):  # single draws no Poisson number: nothing to mix
            return np.ones(n)
        if law == "negative_binomial":
            return rng.gamma(float(alpha), 1.0 / float(alpha), n)
        if law == "seeds":
            return rng.exponential(1.0, n)
        if law == "bose_einstein":  # layers of one n-th of the mean, each with its own mixing
            return rng.exponential(1.0, (n, int(self.spec["layers"]))).mean(axis=1)
        if law == "murphy":
            return rng.triangular(0.0, 1.0, 2.0, n)
        if law == "rectangular":
            return rng.uniform(0.0, 2.0, n)
        if law == "moore":
            return 0.5 / rng.standard_normal(n) ** 2  # Levy: E exp(-s W) = exp(-sqrt(s))
        raise ValueError(f"the simulation has no mixing distribution for law {law!r}")

    def draw_counts(self, rng: np.random.Generator, mixing: Floats) -> Ints:
        mean = float(self.spec["mean"])
        if self.spec.get("law") == "single":
            return (rng.random(mixing.size) < mean).astype(np.int64)
        intensity = np.minimum(mean * mixing, 10.0 * MAX_FAULTS)
        return np.minimum(rng.poisson(intensity), MAX_FAULTS)


@dataclass(frozen=True)
class _Batch:
    """n units of one node: charged runs spent on each (n, steps), and their faults."""

    spent: Floats
    faults: _Faults


class _Plant:
    """The flow as a factory: `produce` makes passing units of a node, part by part."""

    def __init__(self, flow: dict[str, Any], seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.nodes = {node["name"]: node for node in flow["nodes"]}
        self.steps = [(node["name"], step) for node in flow["nodes"] for step in node["steps"]]
        self.column = {f"{name}/{step['name']}": i for i, (name, step) in enumerate(self.steps)}
        self.origins = [
            _Origin(fault_class, spec)
            for _, step in self.steps
            for fault_class, spec in step.get("faults", {}).items()
        ]
        sizes = [len(step.get("faults", {})) for _, step in self.steps]
        firsts = np.cumsum([0, *sizes]).tolist()
        self.first_origin = dict(zip(self.column, firsts, strict=False))
        self.next_group = 0

    def produce(self, name: str, n: int) -> _Batch:
        """Start units of a node until exactly n have passed; charge failures to the next pass."""
        spent: list[Floats] = []
        faults: list[_Faults] = []
        have = started = passed = 0
        carry = np.zeros(len(self.steps))
        while have < n:
            rate = (passed + 1) / (started + 1)
            starts = min(MAX_STARTS, math.ceil((n - have) / rate * 1.02) + 4)
            batch, alive = self.start(name, starts)
            started, passed = started + starts, passed + int(alive.sum())
            if passed == 0 and started > 500 * MAX_STARTS:
                raise RuntimeError(f"nothing passes node {name!r}")
            at = np.flatnonzero(alive)[: n - have]
            if at.size == 0:
                carry = carry + batch.spent.sum(axis=0)
                continue
            cycle = np.concatenate(([0], at[:-1] + 1))
            sums = np.add.reduceat(batch.spent[: at[-1] + 1], cycle, axis=0)
            sums[0] += carry
            carry = batch.spent[at[-1] + 1 :].sum(axis=0)
            rank = np.full(starts, -1, np.int64)
            rank[at] = have + np.arange(at.size)
            kept = batch.faults.take(rank[batch.faults.unit] >= 0)
            spent.append(sums)
            faults.append(replace(kept, unit=rank[kept.unit]))
            have += at.size
        return _Batch(np.concatenate(spent), _Faults.concat(faults))

    def start(self, name: str, n: int) -> tuple[_Batch, Bools]:
        """Join the parts of n units of a node and walk them through its steps."""
        node = self.nodes[name]
        spent = np.zeros((n, len(self.steps)))
        faults = [_Faults.none()]
        for part in node.get("inputs", []):
            count = int(part.get("count", 1))
            child = self.produce(part["node"], n * count)
            spent += child.spent.reshape(n, count, -1).sum(axis=1)
            faults.append(replace(child.faults, unit=child.faults.unit // count))
        present = _Faults.concat(faults)
        alive = np.ones(n, bool)
        for step in node["steps"]:
            key = f"{name}/{step['name']}"
            if step["kind"] == "test":
                present, passing = self.screen(step, present, alive)
                stop = float(step.get("fail_cost_fraction", 1.0))
                spent[alive, self.column[key]] = np.where(passing[alive], 1.0, stop)
            else:
                spent[alive, self.column[key]] = 1.0
                passing = alive & (self.rng.random(n) >= float(step.get("scrap", 0.0)))
            alive = passing
            present = present.take(alive[present.unit])
            present = _Faults.concat([present, *self.arrive(key, step, np.flatnonzero(alive))])
        return _Batch(spent, present), alive

    def arrive(self, key: str, step: dict[str, Any], units: Ints) -> list[_Faults]:
        """Draw the faults that a step leaves on the units that survived it."""
        shared: dict[str, Floats] = {}
        arrived = []
        for i, spec in enumerate(step.get("faults", {}).values(), self.first_origin[key]):
            origin = self.origins[i]
            cluster = spec.get("cluster")
            mixing = shared.get(cluster)
            if mixing is None:
                mixing = origin.draw_mixing(self.rng, units.size)
            if cluster is not None:
                shared[cluster] = mixing
            local = np.repeat(np.arange(units.size), origin.draw_counts(self.rng, mixing))
            blocks = int(spec["blocks"]) if origin.harvested else 1
            arrived.append(
                _Faults(
                    unit=units[local],
                    origin=np.full(local.size, i),
                    group=self.next_group + local,
                    block=self.rng.integers(0, blocks, local.size),
                    hardness=self.rng.random(local.size),
                    decided=np.full(local.size, not origin.harvested),
                )
            )
            self.next_group += units.size
        return arrived

    def screen(self, step: dict[str, Any], faults: _Faults, alive: Bools) -> tuple[_Faults, Bools]:
        """Run one test: find, repair, harvest, scrap. Returns the faults left and who passes."""
        share = {"nested": 1.0, "independent": 0.0}.get(step.get("overlap", "nested"))
        share = step["overlap"] if share is None else share
        coverage, repair = (
            np.array([step.get(what, {}).get(o.fault_class, 0.0) for o in self.origins] or [0.0])
            for what in ("coverage", "repair")
        )
        # Fault by fault: is the test, for it, a nested one or one that draws anew?
        again = self.rng.random(faults.unit.size) < share
        drawn = np.where(again, faults.hardness, self.rng.random(faults.unit.size))
        found = drawn < coverage[faults.origin]
        repaired = found & (self.rng.random(faults.unit.size) < repair[faults.origin])
        fatal = found & ~repaired
        gone, passing = repaired.copy(), alive.copy()
        deciding = ~faults.decided & (coverage[faults.origin] > 0.0)
        for i in np.unique(faults.origin[deciding]):
            where = np.flatnonzero(deciding & (faults.origin == i))
            group = faults.take(where)
            off, too_many = self.harvest(group, fatal[where], self.origins[i].spec)
            passing[group.unit[too_many]] = False
            gone[where] |= off
            fatal[where] = False
        passing[faults.unit[fatal]] = False
        passing &= self.rng.random(alive.size) >= float(step.get("overkill", 0.0))
        return replace(faults, decided=faults.decided | deciding).take(~gone), passing

    def harvest(self, faults: _Faults, fatal: Bools, spec: dict[str, Any]) -> tuple[Bools, Bools]:
        """Switch off blocks of the given groups of one origin.

        Returns, per fault, whether its block is switched off, and whether its die has more dead
        blocks than spares.
        """
        blocks, spares = int(spec["blocks"]), int(spec.get("spares", 0))
        _, row = np.unique(faults.group, return_inverse=True)
        rows = int(row.max()) + 1 if row.size else 0
        order = self.rng.random((rows, blocks))
        order[row[fatal], faults.block[fatal]] = -1.0  # dead blocks go first
        dead = (order < 0.0).sum(axis=1)
        rank = order.argsort(axis=1).argsort(axis=1)
        return rank[row, faults.block] < spares, dead[row] > spares

    def ship(self, faults: _Faults) -> _Faults:
        """Switch off blindly what no test decided."""
        gone = np.zeros(faults.unit.size, bool)
        for i in np.unique(faults.origin[~faults.decided]):
            where = np.flatnonzero(~faults.decided & (faults.origin == i))
            group = faults.take(where)
            gone[where], _ = self.harvest(group, np.zeros(where.size, bool), self.origins[i].spec)
        return faults.take(~gone)


def _mean(sample: Floats) -> Estimate:
    return Estimate(float(sample.mean()), float(sample.std(ddof=1) / math.sqrt(sample.size)))


def simulate(flow: dict[str, Any], packages: int, seed: int) -> SimResult:
    """Ship `packages` packages of a flow (a dict of the contract's JSON shape) and measure.

    Cost per good is the ratio of the mean cost per shipped package to the share of good ones; its
    standard error is by the delta method. Deterministic per seed.
    """
    plant = _Plant(flow, seed)
    batch = plant.produce(flow["ship"], packages)
    good = np.ones(packages)
    good[plant.ship(batch.faults).unit] = 0.0
    if not good.any():
        raise RuntimeError("no good package shipped: simulate more of them")
    cost = batch.spent @ np.array([float(step.get("cost_usd", 0.0)) for _, step in plant.steps])
    quality, shipped = _mean(good), _mean(cost)
    ratio = shipped.mean / quality.mean
    per_good = Estimate(ratio, _mean(cost - ratio * good).se / quality.mean)
    resources = sorted({r for _, step in plant.steps for r in step.get("uses", {})})
    uses = {
        r: _mean(
            batch.spent
            @ np.array([float(step.get("uses", {}).get(r, 0.0)) for _, step in plant.steps])
        )
        for r in resources
    }
    return SimResult(
        packages,
        shipped,
        per_good,
        quality,
        Estimate(1e6 * (1.0 - quality.mean), 1e6 * quality.se),
        {key: _mean(batch.spent[:, i]) for key, i in plant.column.items()},
        uses,
    )
