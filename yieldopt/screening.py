"""How tests see fault groups: the state (N, I, κ) of every group along a flow.

A fault group is component instance × class × step of origin (classes of one cluster together),
with a multiplicity per shipped package. Nested coverage N, the free fraction I = Π(1−c) over the
independent tests and the kill mass κ follow from coverages and repairs alone, not from the means:
the walk below turns a flow into a list of *screens*, so that a batch over means, scraps and costs
repeats no bookkeeping.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from yieldopt.flow import Faults, Flow, Node, Step
from yieldopt.physics.overlap import unseen
from yieldopt.physics.yields import Law, Value, clustering, gain

Cut = Callable[[Value], Value]


@dataclass(slots=True)
class _Class:
    mean: Value
    nested: Value = 0.0
    free: Value = 1.0
    partial: tuple[tuple[Value, float], ...] = ()  # tests that overlap partly
    kill: Value = 0.0

    def unseen(self) -> Value:
        """Return ω, the mass that no test has looked at."""
        if self.partial:
            return self.free * unseen([(self.nested, 1.0), *self.partial])
        return self.free * (1.0 - self.nested)

    def see(self, step: Step, name: str, cut: Cut) -> tuple[Value, Value]:
        """Run a test on the class; return κ before it and the kill mass δ that it adds."""
        coverage, repair = cut(step.coverage[name]), cut(step.repair.get(name, 0.0))
        unseen = self.unseen()
        if step.overlap in ("nested", 1.0):
            self.nested = _larger(self.nested, coverage)
        elif step.overlap in ("independent", 0.0):
            self.free = self.free * (1.0 - coverage)
        else:
            self.partial = (*self.partial, (coverage, float(step.overlap)))
        before = self.kill
        added = (unseen - self.unseen()) * (1.0 - repair)
        self.kill = before + added
        return before, added


@dataclass(slots=True)
class Group:
    """Faults of one origin that share a mixing variable, ``count`` times per unit."""

    law: Law
    classes: dict[str, _Class]
    count: int = 1
    origin: str = ""  # "node/step" that left the faults
    met: bool | np.ndarray = False  # a test has covered it (harvest needs to know)
    first: dict[str, Value] = field(default_factory=dict)  # κ₀ by class


@dataclass(frozen=True, slots=True)
class Term:
    """One group at one screen: mass λκ already looked at, mass λδ looked at now.

    ``parts`` holds (mean, κ, δ) by class; ``first`` (harvest only) the (mean, κ₀) of the test that
    decided on the blocks, with ``met`` telling where in the batch there has been one.
    """

    law: Law
    count: int
    parts: tuple[tuple[Value, Value, Value], ...]
    met: bool | np.ndarray = True
    first: tuple[tuple[Value, Value], ...] = ()
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Screens:
    """The terms of every test by (node, step) index, and those of the door (shipped quality)."""

    tests: dict[tuple[int, int], tuple[Term, ...]]
    door: tuple[Term, ...]


def screens(flow: Flow, cut: Cut = lambda value: value) -> Screens:
    """Walk the flow and return what each test sees.

    Parameters
    ----------
    flow
        The flow.
    cut
        Takes the wanted block out of a coverage or repair; means are left whole.
    """
    ready: dict[str, list[Group]] = {}
    tests: dict[tuple[int, int], tuple[Term, ...]] = {}
    for at, node in enumerate(flow.nodes):
        groups = _joined(node, ready)
        for index, step in enumerate(node.steps):
            if step.kind == "test":
                found = [see(group, step, cut) for group in groups]
                tests[at, index] = tuple(term for term in found if term is not None)
            groups += latent_groups(step.faults, f"{node.name}/{step.name}")
        ready[node.name] = groups
    return Screens(tests, tuple(door(group) for group in ready[flow.ship]))


def _joined(node: Node, ready: dict[str, list[Group]]) -> list[Group]:
    groups: list[Group] = []
    for source in node.inputs:
        for group in ready.pop(source.node):  # one parent: the state moves, nothing is copied
            group.count *= source.count
            groups.append(group)
    return groups


def latent_groups(faults: Mapping[str, Faults], origin: str = "") -> list[Group]:
    """Return the groups that a step's faults form: classes of one cluster together."""
    groups: dict[str, Group] = {}
    for name, latent in faults.items():
        key = f"cluster {latent.cluster}" if latent.cluster else f"class {name}"
        group = groups.setdefault(key, Group(latent.law, {}, origin=origin))
        group.classes[name] = _Class(latent.mean)
    return list(groups.values())


def see(group: Group, step: Step, cut: Cut) -> Term | None:
    """Run a test on a group: move its state, return its term (``None`` if nothing is covered)."""
    covered = [
        name for name in group.classes if np.any(np.asarray(step.coverage.get(name, 0.0)) > 0)
    ]
    if not covered:
        return None
    met = group.met
    first = tuple((group.classes[name].mean, k) for name, k in group.first.items())
    parts = []
    looked: bool | np.ndarray = False
    for name, state in group.classes.items():
        if name in covered:
            before, added = state.see(step, name, cut)
            looked = looked | (np.asarray(cut(step.coverage[name])) > 0)[()]
        else:
            before, added = state.kill, 0.0
        parts.append((state.mean, before, added))
    if group.law.name == "harvest":
        for name, state in group.classes.items():
            held = group.first.get(name, 0.0)
            group.first[name] = held if met is True else _choose(met, held, state.kill)
    group.met = _either(met, looked)
    return Term(group.law, group.count, tuple(parts), met, first, group.origin)


def door(group: Group) -> Term:
    """Return the term of what is left unseen when the package ships."""
    parts = tuple((state.mean, state.kill, state.unseen()) for state in group.classes.values())
    # Never tested: the blocks are switched off blindly, κ₀ = 0.
    first = tuple(
        (state.mean, _choose(group.met, group.first.get(name, 0.0), 0.0))
        for name, state in group.classes.items()
    )
    return Term(group.law, group.count, parts, True, first, group.origin)


def _larger(a: Value, b: Value) -> Value:
    if isinstance(a, float | int) and isinstance(b, float | int):
        return max(a, b)
    return np.maximum(a, b)


def _either(a: bool | np.ndarray, b: bool | np.ndarray) -> bool | np.ndarray:
    both = np.asarray(a) | np.asarray(b)
    return bool(both.all()) if both.all() or not both.any() else both


def _choose(where: bool | np.ndarray, yes: Value, no: Value) -> Value:
    if isinstance(where, bool | np.bool_):
        return yes if where else no
    return np.where(where, yes, no)


def log_pass(terms: tuple[Term, ...], cut: Cut) -> Value:
    """Return Σ m·[ln S(κ+δ) − ln S(κ)] over the terms of one screen."""
    total: Value = 0.0
    for term in terms:
        alpha = clustering(term.law)
        if alpha is not None and len(term.parts) == 1:
            total = total - _clustered(term, alpha, cut)
            continue
        done, now = _mass(term.parts, 1, cut), _mass(term.parts, 2, cut)
        if is_zero(now) and term.law.name != "harvest":
            continue
        total = total + term.count * _gain(term, done, now, cut)
    return total


def _clustered(term: Term, alpha: float, cut: Cut) -> Value:
    """One class of negative-binomial kind: m·α·log1p(λδ/(α + λκ)), in few passes over memory."""
    mean, before, added = term.parts[0]
    mean = cut(mean)
    below: Value = alpha if is_zero(before) else before * mean + alpha
    return term.count * alpha * np.log1p(added * mean / below)


def _gain(term: Term, done: Value, now: Value, cut: Cut) -> Value:
    if term.law.name != "harvest" or term.met is False:
        return gain(term.law, done, now)
    first: Value = 0.0
    for mean, kill in term.first:
        first = first + cut(mean) * kill
    later = gain(term.law, done, now, first)
    if term.met is True:
        return later
    return np.where(term.met, later, gain(term.law, done, now))


def _mass(parts: tuple[tuple[Value, Value, Value], ...], which: int, cut: Cut) -> Value:
    total: Value = 0.0
    for part in parts:
        if not is_zero(part[which]):
            total = total + cut(part[0]) * part[which]
    return total


def is_zero(value: Value) -> bool:
    """Whether a value is the scalar 0 (an array of zeros is still computed)."""
    return not isinstance(value, np.ndarray) and value == 0.0
