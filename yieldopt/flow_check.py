"""What makes a flow a flow: the structure of its tree and the range of its numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from yieldopt.errors import Fault, near_miss
from yieldopt.physics.yields import Value

if TYPE_CHECKING:
    from yieldopt.flow import Step

CATEGORIES = ("die", "memory", "interposer", "substrate", "assembly", "test")
_TEST_ONLY = ("coverage", "repair", "overkill", "overlap", "fail_cost_fraction")
_DEFAULTS: Mapping[str, object] = {"overkill": 0.0, "overlap": "nested", "fail_cost_fraction": 1.0}


def structure_faults(
    ship: str, nodes: Sequence[tuple[str, Sequence[tuple[str, int]]]]
) -> list[Fault]:
    """Return what is wrong with a tree given as (name, [(input, count) …]) in file order.

    Duplicate names, missing nodes, children after their parents, a node with two parents, a
    circle, unreachable nodes, counts below one.
    """
    faults: list[Fault] = []
    names = [name for name, _ in nodes]
    place = {name: i for i, name in reversed(list(enumerate(names)))}
    parent: dict[str, str] = {}
    for index, (name, inputs) in enumerate(nodes):
        if place[name] != index:
            faults.append(Fault("duplicate node name", f"nodes[{index}].name", name))
        for at, (child, count) in enumerate(inputs):
            key = f"nodes[{index}].inputs[{at}]"
            if child not in place:
                hint = near_miss(child, names)
                faults.append(Fault("missing node", f"{key}.node", child, hint))
            elif child in parent:
                hint = f"it is already an input of {parent[child]!r}; a node has one parent"
                faults.append(Fault("shared node", f"{key}.node", child, hint))
            else:
                parent[child] = name
            if not _whole(count):
                faults.append(Fault("must be a whole number, at least 1", f"{key}.count", count))
    circle = _in_circles(parent)
    for index, (name, inputs) in enumerate(nodes):
        for at, (child, _) in enumerate(inputs):
            key = f"nodes[{index}].inputs[{at}].node"
            if child in circle and name in circle:
                faults.append(Fault("circular: the node is made from itself", key, child))
            elif child in place and place[child] > place[name]:
                faults.append(Fault("children stand before parents", key, child, "move it up"))
    return faults + _unreachable(ship, nodes, names)


def _whole(count: object) -> bool:
    if isinstance(count, bool) or not isinstance(count, int | float):
        return False
    return math.isfinite(count) and count == int(count) and count >= 1


def _in_circles(parent: Mapping[str, str]) -> set[str]:
    circle: set[str] = set()
    for start in parent:
        seen = [start]
        while seen[-1] in parent and parent[seen[-1]] not in seen:
            seen.append(parent[seen[-1]])
        if parent.get(seen[-1]) == start:
            circle.update(seen)
    return circle


def _unreachable(
    ship: str, nodes: Sequence[tuple[str, Sequence[tuple[str, int]]]], names: list[str]
) -> list[Fault]:
    if ship not in names:
        return [
            Fault(
                "missing node: nothing of this name is made", "ship", ship, near_miss(ship, names)
            )
        ]
    inputs = {name: [child for child, _ in below] for name, below in nodes}
    reached, todo = {ship}, [ship]
    while todo:
        below = [child for child in inputs.get(todo.pop(), ()) if child not in reached]
        reached.update(below)
        todo += below
    return [
        Fault("unreachable: the shipped node does not contain it", f"nodes[{i}].name", name)
        for i, name in enumerate(names)
        if name not in reached
    ]


def check_step(step: Step) -> list[Fault]:
    """Return what is wrong with one step: kinds, ranges, laws, clusters."""
    faults: list[Fault] = []
    if step.kind not in ("process", "test"):
        faults.append(Fault("must be 'process' or 'test'", "kind", step.kind))
    if isinstance(step.overlap, str):
        if step.overlap not in ("nested", "independent"):
            hint = "or a number: the share that is nested"
            text = "must be 'nested' or 'independent'"
            faults.append(Fault(text, "overlap", step.overlap, hint))
    elif np.ndim(step.overlap):
        faults.append(Fault("must be one number: it cannot vary over a batch", "overlap"))
    else:
        faults += _range("overlap", step.overlap, 1.0)
    if step.category and step.category not in CATEGORIES:
        hint = near_miss(step.category, CATEGORIES)
        faults.append(Fault("unknown category", "category", step.category, hint))
    if step.kind == "test" and _differs(step.scrap, 0.0):
        hint = "a test has overkill; visible scrap belongs to a process step"
        faults.append(Fault("a test has no scrap", "scrap", step.scrap, hint))
    if step.kind == "process":
        for key in _TEST_ONLY:
            if _differs(getattr(step, key), _DEFAULTS.get(key, {})):
                faults.append(Fault(f"a process has no {key}", key, hint="only tests have one"))
    faults += _range("cost_usd", step.cost_usd)
    for key in ("scrap", "overkill", "fail_cost_fraction"):
        faults += _range(key, getattr(step, key), 1.0)
    for key in ("coverage", "repair"):
        for name, value in getattr(step, key).items():
            faults += _range(f"{key}.{name}", value, 1.0)
    for name, value in step.uses.items():
        faults += _range(f"uses.{name}", value)
    return faults + _check_faults(step)


def _check_faults(step: Step) -> list[Fault]:
    found: list[Fault] = []
    shared: dict[str, float] = {}
    for name, group in step.faults.items():
        found += _range(f"faults.{name}.mean", group.mean, group.law.mean_limit)
        if group.cluster is None:
            continue
        mates = [g for g in step.faults.values() if g.cluster == group.cluster]
        if any(mate.law != group.law for mate in mates):
            hint = f"every class of cluster {group.cluster!r} has one law and one alpha"
            found.append(Fault("laws differ within a cluster", f"faults.{name}.cluster", hint=hint))
        elif group.cluster not in shared and not found:
            shared[group.cluster] = float(np.max(sum(np.asarray(g.mean) for g in mates)))
            if shared[group.cluster] > group.law.mean_limit:
                found.append(
                    Fault("the cluster's means sum to more than its law allows",
                          f"faults.{name}.cluster", shared[group.cluster])
                )  # fmt: skip
    return found


def _range(key: str, value: Value, high: float = math.inf) -> Iterable[Fault]:
    if type(value) is float and 0.0 <= value <= high and value < math.inf:  # nearly always
        return []
    plain = isinstance(value, int | float | np.number | np.ndarray)
    array = np.asarray(value)
    if not plain or array.dtype.kind not in "iuf" or isinstance(value, bool):
        return [Fault("must be a number or an array of shape (n,)", key, value)]
    if array.ndim and array.dtype.kind == "f" and array.dtype.itemsize < 8:
        hint = "give it as float64: fewer digits would be carried through in silence"
        return [Fault(f"must not be an array of {array.dtype}", key, hint=hint)]
    if array.size and bool(np.isfinite(array).all()) and array.min() >= 0 and array.max() <= high:
        return []
    bad = array[~(np.isfinite(array) & (array >= 0) & (array <= high))] if array.ndim else array
    shown = float(bad.flat[0]) if bad.size else None
    limit = "at least 0" if high == math.inf else f"between 0 and {high:g}"
    return [Fault(f"must be a finite number, {limit}", key, shown)]


def _differs(value: object, default: object) -> bool:
    if isinstance(value, np.ndarray):
        return bool((value != default).any())
    return value != default
