"""Keys that a TOML or JSON text gives twice, from its tree-sitter parse."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from yieldopt.errors import Fault
from yieldopt.read.keys import join_key
from yieldopt.read.positions import (
    Path,
    json_root,
    key_path,
    resolved,
    toml_root,
    values,
)

if TYPE_CHECKING:
    from tree_sitter import Node


def toml_repeats(text: str) -> list[Fault]:
    """Return a fault for each key or table that is there already; none where a sign is wrong.

    Examples
    --------
    >>> [(fault.key, fault.line, fault.hint) for fault in toml_repeats("a = {b = 1, b = 2}")]
    [('a.b', 1, 'it is given in line 1 before: keep one of the two')]
    """
    root = toml_root(text)
    return [] if root.has_error else _Toml().read(root)


def json_repeats(text: str) -> list[Fault]:
    """Return a fault for each key of an object that it has already."""
    faults: list[Fault] = []
    root = json_root(text)
    for node in () if root.has_error else root.named_children:
        _json(node, (), faults)
    return faults


def _fault(path: Path, node: Node, first: int) -> Fault:
    hint = f"it is given in line {first} before: keep one of the two"
    return Fault("duplicate key", join_key(path), hint=hint, line=node.start_point[0] + 1)


class _Toml:
    """Where keys are given so far: values, tables with a header, and tables that a path implies."""

    def __init__(self) -> None:
        self.values: dict[Path, int] = {}
        self.headers: dict[Path, int] = {}
        self.dotted: dict[Path, int] = {}  # implied by a dotted key: closed to headers
        self.above: dict[Path, int] = {}  # implied by the path of a header
        self.arrays: dict[Path, int] = {}  # of tables
        self.counts: dict[Path, int] = {}
        self.faults: list[Fault] = []

    def read(self, root: Node) -> list[Fault]:
        for node in root.children:
            if node.type == "pair":
                self._pair(node, ())
            elif node.type in ("table", "table_array_element"):
                path = self._header(node)
                for child in node.named_children[1:]:
                    if child.type == "pair":
                        self._pair(child, path)
        return self.faults

    def _header(self, node: Node) -> Path:
        path = resolved(key_path(node.named_children[0]), self.counts)
        line = node.start_point[0] + 1
        for depth in range(1, len(path)):
            if path[:depth] not in self.arrays:
                self.above.setdefault(path[:depth], line)
        closed = [self.values, self.dotted, self.headers]
        if node.type == "table":
            self._check(path, (), node, [*closed, self.arrays])
            self.headers.setdefault(path, line)
        else:
            self._check(path, (), node, [*closed, self.above])
            self.arrays.setdefault(path, line)
            self.counts[path] = self.counts.get(path, -1) + 1
            path = (*path, self.counts[path])
        return path

    def _pair(self, node: Node, base: Path) -> None:
        path = (*base, *key_path(node.named_children[0]))
        line = node.start_point[0] + 1
        known = [self.values, self.headers, self.dotted, self.above, self.arrays]
        self._check(path, base, node, known)
        for depth in range(len(base) + 1, len(path)):
            self.dotted.setdefault(path[:depth], line)
        self._value(node.named_children[1], path)
        self.values.setdefault(path, line)

    def _value(self, node: Node, path: Path) -> None:
        if node.type == "inline_table":
            for child in node.named_children:
                if child.type == "pair":
                    self._pair(child, path)
        elif node.type == "array":
            for index, child in enumerate(values(node)):
                self._value(child, (*path, index))

    def _check(self, path: Path, base: Path, node: Node, known: list[dict[Path, int]]) -> None:
        """Name what is given twice: the path, or what it leads through and was closed before."""
        closed = [self.values]
        if node.type == "pair":
            closed += [self.headers, self.arrays]
        for depth in range(len(base) + 1, len(path)):
            through = [table[part] for table in closed if (part := path[:depth]) in table]
            if through:
                self.faults.append(_fault(path[:depth], node, through[0]))
                return
        first = next((table[path] for table in known if path in table), None)
        if first is not None:
            self.faults.append(_fault(path, node, first))


def _json(node: Node, path: Path, faults: list[Fault]) -> None:
    if node.type == "object":
        seen: dict[str, int] = {}
        for pair in node.named_children:
            if pair.type == "pair":
                key = str(json.loads(pair.named_children[0].text or b'""'))
                if key in seen:
                    faults.append(_fault((*path, key), pair, seen[key]))
                seen.setdefault(key, pair.start_point[0] + 1)
                _json(pair.named_children[1], (*path, key), faults)
    elif node.type == "array":
        for index, child in enumerate(values(node)):
            _json(child, (*path, index), faults)
