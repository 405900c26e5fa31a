r"""What the tests ahead of a position can do to a fault class: all exposures, equal ones once.

What a partial plan will cost depends on its fault groups only through two tables over the ways in
which the tests ahead can be set: ``a[x] = ln S(κ after x)`` and ``q[x] = ln S(κ+ω) − ln S(κ)``.
An *exposure* x is what some first tests ahead, at some levels, do to the classes of one channel.
Different levels often do the same (a nested test of less coverage than one before it does nothing),
so there are far fewer exposures than level combinations.

A *channel* is a set of classes that share a mixing variable somewhere; ln S is a sum over channels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from yieldopt.flow import Faults, Step
from yieldopt.optimize.tree import Tree, is_test, superposed
from yieldopt.physics.yields import Value
from yieldopt.screening import door, latent_groups, log_pass, see
from yieldopt.template import Choice, Template

Array = NDArray[np.float64]
Index = NDArray[np.intp]
_DIGITS = 14  # coverages closer than this are one
MOST = 20_000  # exposures of one channel at one position


class TooMany(Exception):
    """A channel has more exposures than tables can hold."""


@dataclass(frozen=True)
class Exposures:
    """The exposures of one channel ahead of one position.

    Parameters
    ----------
    picks
        A level for every test ahead that gives the exposure, −1 where it is not reached, (n, T).
    ends
        Whether some plan ships in that state, (n,).
    empty
        The exposure to nothing.
    after
        By level of the item at the position: the exposure that this level and then x′ make, by x′,
        (K, n′). Empty where the item is not a test.
    repaired
        Whether tests ahead may repair its classes, or its law asks which test came first: then
        what is left at the end depends on the exposure.
    """

    picks: Index
    ends: NDArray[np.bool_]
    empty: int
    after: Index
    repaired: bool

    def __len__(self) -> int:
        return len(self.ends)


def channels_of(template: Template) -> tuple[tuple[str, ...], ...]:
    """Return the fault classes of a template by channel, in order."""
    owner: dict[str, str] = {}

    def root(name: str) -> str:
        while owner[name] != name:
            name = owner[name]
        return name

    for step in _steps(template):
        first: dict[str, str] = {}
        for name, faults in step.faults.items():
            owner.setdefault(name, name)
            if faults.cluster is not None:
                owner[root(name)] = root(first.setdefault(faults.cluster, name))
    members: dict[str, list[str]] = {}
    for name in owner:
        members.setdefault(root(name), []).append(name)
    return tuple(tuple(names) for names in members.values())


def _steps(template: Template) -> Iterator[Step]:
    for node in template.nodes:
        for item in node.items:
            steps = item.options.values() if isinstance(item, Choice) else (item,)
            yield from (step for step in steps if step is not None)


class Paths:
    """Exposures of every channel ahead of every position of a tree."""

    def __init__(self, template: Template, tree: Tree) -> None:
        self.tree = tree
        self.channels = channels_of(template)
        harvested = {
            name
            for step in _steps(template)
            for name, faults in step.faults.items()
            if faults.law.name == "harvest"
        }
        self.harvested = tuple(bool(harvested & set(names)) for names in self.channels)
        self._known: dict[tuple[str, int], tuple[Exposures, ...]] = {}

    def ahead(self, node: str, at: int) -> tuple[Exposures, ...]:
        """Return the exposures by channel ahead of position ``at`` of a node."""
        key = (node, at)
        if key not in self._known:
            items = self.tree.nodes[node].items
            if at < len(items):
                levels = levels_of(items[at])
                self._known[key] = tuple(
                    self._before(number, levels, key, later)
                    for number, later in enumerate(self.ahead(node, at + 1))
                )
            elif node == self.tree.root:
                end = Exposures(np.empty((1, 0), np.intp), np.ones(1, bool), 0, _none(1), False)
                self._known[key] = (end,) * len(self.channels)
            else:
                above = self.ahead(self.tree.parent[node][0], 0)
                self._known[key] = tuple(replace(one, after=_none(len(one))) for one in above)
        return self._known[key]

    def places(self, node: str, at: int) -> list[tuple[str, int]]:
        """Return (node, position) of the tests from a position to the door."""
        items = self.tree.nodes[node].items
        own = [(node, n) for n in range(at, len(items)) if is_test(items[n])]
        if node == self.tree.root:
            return own
        return own + self.places(self.tree.parent[node][0], 0)

    def tests(self, node: str, at: int) -> list[Step | Choice]:
        """Return the tests from a position to the door."""
        return [self.tree.nodes[name].items[index] for name, index in self.places(node, at)]

    def _before(
        self, number: int, levels: Sequence[Step | None], place: tuple[str, int], later: Exposures
    ) -> Exposures:
        names = self.channels[number]
        if not is_test(self.tree.nodes[place[0]].items[place[1]]):
            return replace(later, after=_none(len(later)))
        count, size = len(levels), len(later)
        rows = [np.full((1, later.picks.shape[1] + 1), -1, np.intp)]
        rows += [
            np.column_stack([np.full(size, level, np.intp), later.picks]) for level in range(count)
        ]
        picks = np.concatenate(rows)
        ends = np.concatenate([[False], np.tile(later.ends, count)])
        tests = self.tests(*place)
        plain = not self.harvested[number] and all(_is_plain(item, names) for item in tests)
        keys = _seen(tests, picks, names) if plain else _done(tests, picks, names)
        _, first, number_of = np.unique(keys, axis=0, return_index=True, return_inverse=True)
        number_of = number_of.reshape(-1)
        if len(first) > MOST:
            raise TooMany(f"{len(first)} exposures of {', '.join(names)} ahead of {place[0]}")
        shipped = np.zeros(len(first), bool)
        np.logical_or.at(shipped, number_of, ends)
        return Exposures(
            picks[first],
            shipped,
            int(number_of[0]),
            number_of[1:].reshape(count, size).astype(np.intp),
            self.harvested[number] or any(_repairs(item, names) for item in tests),
        )

    def tables(
        self, faults: Mapping[str, Faults], node: str, at: int
    ) -> list[tuple[Array, Array] | None]:
        """Return ``a[x]`` and ``q[x]`` by channel of faults that join ahead of a position.

        ``None`` for a channel that the faults do not touch. Every number comes from the engine's
        own walk (:func:`yieldopt.screening.see`), the exposures being a batch.
        """
        found: list[tuple[Array, Array] | None] = []
        tests = self.tests(node, at)
        for names, exposures in zip(self.channels, self.ahead(node, at), strict=True):
            own = {name: group for name, group in faults.items() if name in names}
            found.append(_tables(own, tests, exposures.picks) if own else None)
        return found


def levels_of(item: Step | Choice) -> list[Step | None]:
    """Return the levels of an item; a fixed step is its own only one."""
    return list(item.options.values()) if isinstance(item, Choice) else [item]


def _none(size: int) -> Index:
    return np.arange(size, dtype=np.intp)[None, :]


def _tables(
    faults: Mapping[str, Faults], tests: list[Step | Choice], picks: Index
) -> tuple[Array, Array]:
    size = len(picks)
    log_s, log_q = np.zeros(size), np.zeros(size)
    with np.errstate(divide="ignore", invalid="ignore"):
        for group in latent_groups(faults):
            for item, pick in zip(tests, picks.T, strict=True):
                for step in superposed(_opened(item), pick + 1):
                    term = see(group, step, _whole) if step.kind == "test" else None
                    if term is not None:
                        log_s += log_pass((term,), _whole)
            log_q += log_pass((door(group),), _whole)
    return log_s, log_q


def _whole(value: Value) -> Value:
    return value


def _opened(item: Step | Choice) -> Choice:
    """A test as a choice whose level 0 is that it is not reached."""
    levels = item.options if isinstance(item, Choice) else {"": item}
    return Choice(item.name, {"\0": None, **levels})


def _is_plain(item: Step | Choice, names: tuple[str, ...]) -> bool:
    """Whether nothing is repaired and every overlap is wholly nested or wholly independent."""
    return not _repairs(item, names) and all(
        step is None
        or step.kind != "test"
        or step.overlap in ("nested", "independent", 0.0, 1.0)
        or not any(name in step.coverage for name in names)
        for step in levels_of(item)
    )


def _repairs(item: Step | Choice, names: tuple[str, ...]) -> bool:
    return any(
        step is not None and any(float(step.repair.get(name, 0.0)) > 0.0 for name in names)
        for step in levels_of(item)
    )


def _coverages(item: Step | Choice, names: tuple[str, ...], nested: bool) -> Array:
    """Coverage by level and class (K + 1, C) of the levels of one overlap; row 0: not reached."""
    kinds = ("nested", 1.0) if nested else ("independent", 0.0)
    rows = [
        [
            float(step.coverage.get(name, 0.0))
            if step is not None and step.kind == "test" and step.overlap in kinds
            else 0.0
            for name in names
        ]
        for step in levels_of(item)
    ]
    return np.array([[0.0] * len(names), *rows])


def _seen(tests: list[Step | Choice], picks: Index, names: tuple[str, ...]) -> Array:
    """What plain exposures come to: nested coverage and independent share left, by class."""
    nested = np.zeros((len(picks), len(names)))
    free = np.ones((len(picks), len(names)))
    for item, pick in zip(tests, picks.T, strict=True):
        np.maximum(nested, _coverages(item, names, True)[pick + 1], out=nested)
        free *= 1.0 - _coverages(item, names, False)[pick + 1]
    free[nested >= 1.0] = 0.0
    nested[free == 0.0] = 1.0
    return np.round(np.concatenate([nested, free], axis=1), _DIGITS)


def _done(tests: list[Step | Choice], picks: Index, names: tuple[str, ...]) -> Index:
    """The levels themselves, those that do nothing to the channel left out."""
    rows = np.zeros(picks.shape, np.intp)
    nested = np.zeros((len(picks), len(names)))
    for at, (item, pick) in enumerate(zip(tests, picks.T, strict=True)):
        covered = np.array(
            [False]
            + [
                step is not None
                and step.kind == "test"
                and any(float(step.coverage.get(name, 0.0)) > 0.0 for name in names)
                for step in levels_of(item)
            ]
        )[pick + 1]
        own = _coverages(item, names, True)[pick + 1]
        other = np.array(
            [False]
            + [step is not None and step.overlap not in ("nested", 1.0) for step in levels_of(item)]
        )[pick + 1]
        acts = covered & (other | np.any(own > nested, axis=1))
        rows[:, at] = np.where(acts, pick + 1, 0)
        np.maximum(nested, own, out=nested)
    return rows
