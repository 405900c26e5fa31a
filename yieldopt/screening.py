"""How tests see fault groups: the state (N, I, κ) of every group along a flow.

A fault group is component instance × class × step of origin (classes of one cluster together),
with a multiplicity per shipped package. Nested coverage N, the free fraction I = Π(1−c) over the
independent tests and the kill mass κ follow from coverages and repairs alone, not from the means:
the walk below turns a flow into a list of *screens*, so that a batch over means, scraps and costs
repeats no bookkeeping.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from yieldopt.flow import Faults, Flow, Node, Step
from yieldopt.physics.elementary import Where, choose, larger
from yieldopt.physics.overlap import unseen
from yieldopt.physics.yields import Law, Value, gain

Cut = Callable[[Value], Value]
Place = tuple[int, int]  # of a step: index of its node, index in the node
Seen = TypeVar("Seen")


@dataclass(slots=True)
class _Class:
    mean: Value
    nested: Value = 0.0
    free: Value = 1.0
    partial: tuple[tuple[Value, float], ...] = ()  # tests that overlap partly
    kill: Value = 0.0
    unseen: Value = 1.0  # ω, the mass that no test has looked at

    def see(self, step: Step, name: str, cut: Cut) -> tuple[Value, Value]:
        """Run a test on the class; return κ before it and the kill mass δ that it adds."""
        coverage, repair = cut(step.coverage[name]), cut(step.repair.get(name, 0.0))
        overlap = step.overlap
        if overlap in ("nested", 1.0):
            self.nested = larger(self.nested, coverage)
        elif overlap in ("independent", 0.0):
            self.free = self.free * (1.0 - coverage)
        else:
            self.partial = (*self.partial, (coverage, float(overlap)))
        if self.partial:
            left = self.free * unseen([(self.nested, 1.0), *self.partial])
        else:
            left = self.free * (1.0 - self.nested)
        before = self.kill
        added = (self.unseen - left) * (1.0 - repair)
        self.kill, self.unseen = before + added, left
        return before, added


@dataclass(slots=True)
class Group:
    """Faults of one origin that share a mixing variable, ``count`` times per unit."""

    law: Law
    classes: dict[str, _Class]
    count: int = 1
    origin: str = ""  # "node/step" that left the faults
    met: Where = False  # a test has covered it (kept for harvest alone)
    first: dict[str, Value] = field(default_factory=dict)  # κ₀ by class


@dataclass(slots=True)  # not frozen: a single evaluation makes dozens, in a third of the time
class Term:
    """One group at one screen: mass λκ already looked at, mass λδ looked at now.

    ``parts`` holds (mean, κ, δ) by class; ``first`` (harvest only) the (mean, κ₀) of the test that
    decided on the blocks, with ``met`` telling where in the batch there has been one.
    """

    law: Law
    count: int
    parts: Sequence[tuple[Value, Value, Value]]
    met: Where = True
    first: tuple[tuple[Value, Value], ...] = ()
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Screens:
    """The terms of every test by (node, step) index, and those of the door (shipped quality)."""

    tests: dict[Place, tuple[Term, ...]]
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

    def look(groups: list[Group], step: Step) -> tuple[Term, ...]:
        found = [see(group, step, cut) for group in groups]
        return tuple(term for term in found if term is not None)

    tests, shipped = _along(flow, look)
    return Screens(tests, tuple(door(group) for group in shipped))


def log_passes(flow: Flow) -> tuple[dict[Place, float], float]:
    """Return ln pass of every test by (node, step) index, and ln Q, of a flow of numbers.

    The same as ``log_pass`` of its screens, in half the time: a single ``evaluate`` is called from
    scripts in loops.

    Examples
    --------
    >>> from yieldopt.flow import Faults, Flow, Node, Step
    >>> fab = Step("fab", "process", faults={"logic": Faults(0.5)})
    >>> sort = Step("cp", "test", coverage={"logic": 0.9})
    >>> tests, log_q = log_passes(Flow("die", (Node("die", steps=(fab, sort)),)))
    >>> round(tests[0, 1], 6), round(log_q, 6)
    (-0.45, -0.05)
    """
    tests, shipped = _along(flow, _screened)
    total: Value = 0.0
    for group in shipped:
        if len(group.classes) == 1 and group.law.name != "harvest":
            for state in group.classes.values():
                mean = float(state.mean)
                total += group.count * gain(group.law, mean * state.kill, mean * state.unseen)
        else:
            total += log_pass((door(group),), float)
    return tests, float(total)


def _screened(groups: list[Group], step: Step) -> float:
    """Run a test on groups of numbers; return ln pass."""
    total: Value = 0.0
    for group in groups:
        if len(group.classes) == 1 and group.law.name != "harvest":
            for name, state in group.classes.items():
                if step.coverage.get(name, 0.0) > 0.0:
                    mean = float(state.mean)
                    before, added = state.see(step, name, float)
                    total += group.count * gain(group.law, mean * before, mean * added)
            continue
        term = see(group, step, float)
        if term is not None:
            total += log_pass((term,), float)
    return float(total)


def _along(
    flow: Flow, look: Callable[[list[Group], Step], Seen]
) -> tuple[dict[Place, Seen], list[Group]]:
    """Carry the groups along the flow; return what each test looks at, and what is shipped."""
    ready: dict[str, list[Group]] = {}
    tests: dict[Place, Seen] = {}
    for at, node in enumerate(flow.nodes):
        groups = _joined(node, ready)
        for index, step in enumerate(node.steps):
            if step.kind == "test":
                tests[at, index] = look(groups, step)
            if step.faults:
                groups += latent_groups(step.faults, f"{node.name}/{step.name}")
        ready[node.name] = groups
    return tests, ready[flow.ship]


def _joined(node: Node, ready: dict[str, list[Group]]) -> list[Group]:
    groups: list[Group] = []
    for source in node.inputs:
        for group in ready.pop(source.node):  # one parent: the state moves, nothing is copied
            group.count *= source.count
            groups.append(group)
    return groups


def latent_groups(faults: Mapping[str, Faults], origin: str = "") -> list[Group]:
    """Return the groups that a step's faults form: classes of one cluster together."""
    groups: list[Group] = []
    tied: dict[str, Group] = {}
    for name, latent in faults.items():
        if latent.cluster and latent.cluster in tied:
            tied[latent.cluster].classes[name] = _Class(latent.mean)
            continue
        group = Group(latent.law, {name: _Class(latent.mean)}, origin=origin)
        groups.append(group)
        if latent.cluster:
            tied[latent.cluster] = group
    return groups


def see(group: Group, step: Step, cut: Cut) -> Term | None:
    """Run a test on a group: move its state, return its term (``None`` if nothing is covered)."""
    coverage = step.coverage
    parts = []
    seen = False
    for name, state in group.classes.items():
        level = coverage.get(name, 0.0)
        if level.any() if isinstance(level, np.ndarray) else level > 0.0:
            before, added = state.see(step, name, cut)
            seen = True
        else:
            before, added = state.kill, 0.0
        parts.append((state.mean, before, added))
    if not seen:
        return None
    met = group.met
    first: tuple[tuple[Value, Value], ...] = ()
    if group.law.name == "harvest":
        first = tuple((group.classes[name].mean, kill) for name, kill in group.first.items())
        for name, state in group.classes.items():
            group.first[name] = choose(met, group.first.get(name, 0.0), state.kill)
            group.met = _either(group.met, cut(coverage.get(name, 0.0)) > 0.0)
    return Term(group.law, group.count, parts, met, first, group.origin)


def door(group: Group) -> Term:
    """Return the term of what is left unseen when the package ships."""
    parts = [(state.mean, state.kill, state.unseen) for state in group.classes.values()]
    if group.law.name != "harvest":
        return Term(group.law, group.count, parts, True, (), group.origin)
    # Never tested: the blocks are switched off blindly, κ₀ = 0.
    first = tuple(
        (state.mean, choose(group.met, group.first.get(name, 0.0), 0.0))
        for name, state in group.classes.items()
    )
    return Term(group.law, group.count, parts, True, first, group.origin)


def _either(a: Where, b: Where) -> Where:
    """Return "a or b"; one bool where it holds everywhere or nowhere."""
    if not isinstance(a, np.ndarray) and not isinstance(b, np.ndarray):
        return bool(a or b)
    both = np.asarray(a) | np.asarray(b)
    return bool(both.all()) if both.all() or not both.any() else both


def log_pass(terms: tuple[Term, ...], cut: Cut) -> Value:
    """Return Σ m·[ln S(κ+δ) − ln S(κ)] over the terms of one screen."""
    total: Value = 0.0
    for term in terms:
        done, now = _masses(term.parts, cut)
        if term.law.name == "harvest":
            total = total + term.count * _harvested(term, done, now, cut)
        elif not is_zero(now):
            total = total + term.count * gain(term.law, done, now)
    return total


def _masses(parts: Sequence[tuple[Value, Value, Value]], cut: Cut) -> tuple[Value, Value]:
    """Return Σ λκ and Σ λδ over the classes of a group."""
    if len(parts) == 1:
        mean, before, added = parts[0]
        mean = cut(mean)
        return (0.0 if is_zero(before) else mean * before), mean * added
    done: Value = 0.0
    now: Value = 0.0
    for mean, before, added in parts:
        mass = cut(mean)
        if not is_zero(before):
            done = done + mass * before
        if not is_zero(added):
            now = now + mass * added
    return done, now


def _harvested(term: Term, done: Value, now: Value, cut: Cut) -> Value:
    if term.met is False:
        return gain(term.law, done, now)
    first: Value = 0.0
    for mean, kill in term.first:
        first = first + cut(mean) * kill
    later = gain(term.law, done, now, first)
    if term.met is True:
        return later
    return choose(term.met, later, gain(term.law, done, now))


def is_zero(value: Value) -> bool:
    """Whether a value is the scalar 0 (an array of zeros is still computed)."""
    return not isinstance(value, np.ndarray) and value == 0.0
