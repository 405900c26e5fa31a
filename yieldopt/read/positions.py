"""Line of every key path of a TOML or JSON text, from its tree-sitter parse."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from yieldopt.read.keys import join_key

if TYPE_CHECKING:
    from tree_sitter import Node

Path = tuple[str | int, ...]


def toml_lines(text: str) -> dict[str, int]:
    """Return {key path: line} of a TOML text."""
    root = toml_root(text)
    lines: dict[str, int] = {}
    counts: dict[Path, int] = {}
    for node in root.children:
        if node.type == "pair":
            _pair(node, (), lines)
        elif node.type in ("table", "table_array_element"):
            path = resolved(key_path(node.named_children[0]), counts)
            for depth in range(1, len(path)):
                _mark(lines, path[:depth], node)
            if node.type == "table_array_element":
                counts[path] = counts.get(path, -1) + 1
                _mark(lines, path, node)
                path = (*path, counts[path])
            _mark(lines, path, node)
            for child in node.named_children[1:]:
                if child.type == "pair":
                    _pair(child, path, lines)
    return lines


def json_lines(text: str) -> dict[str, int]:
    """Return {key path: line} of a JSON text."""
    lines: dict[str, int] = {}
    for node in json_root(text).named_children:
        _json_value(node, (), lines)
    return lines


def toml_root(text: str) -> Node:
    """Return the parse of a TOML text."""
    import tree_sitter_toml

    return _parse(tree_sitter_toml.language(), text)


def json_root(text: str) -> Node:
    """Return the parse of a JSON text."""
    import tree_sitter_json

    # Python reads NaN and Infinity, the grammar does not: put a number of the same place there.
    plain = re.sub(r'("(?:\\.|[^"\\])*")|-?Infinity|NaN', lambda m: m[1] or "0", text)
    return _parse(tree_sitter_json.language(), plain)


def _parse(language: object, text: str) -> Node:
    from tree_sitter import Language, Parser

    return Parser(Language(language)).parse(text.encode()).root_node


def _mark(lines: dict[str, int], path: Path, node: Node) -> None:
    lines.setdefault(join_key(path), node.start_point[0] + 1)


def resolved(path: Path, counts: dict[Path, int]) -> Path:
    """Insert the running index behind every part of a header that is an array of tables."""
    out: Path = ()
    for index, part in enumerate(path):
        out = (*out, part)
        if index < len(path) - 1 and out in counts:
            out = (*out, counts[out])
    return out


def key_path(node: Node) -> Path:
    """Return the parts of a TOML key."""
    if node.type == "dotted_key":
        return tuple(part for child in node.named_children for part in key_path(child))
    text = (node.text or b"").decode()
    if node.type == "quoted_key":
        return (str(tomllib.loads(f"k = {text}")["k"]),)
    return (text,)


def _pair(node: Node, prefix: Path, lines: dict[str, int]) -> None:
    key, value = node.named_children[0], node.named_children[1]
    path = prefix
    for part in key_path(key):
        path = (*path, part)
        _mark(lines, path, node)
    _toml_value(value, path, lines)


def _toml_value(node: Node, path: Path, lines: dict[str, int]) -> None:
    if node.type == "inline_table":
        for child in node.named_children:
            if child.type == "pair":
                _pair(child, path, lines)
    elif node.type == "array":
        for index, child in enumerate(values(node)):
            _mark(lines, (*path, index), child)
            _toml_value(child, (*path, index), lines)


def _json_value(node: Node, path: Path, lines: dict[str, int]) -> None:
    if node.type == "object":
        for pair in node.named_children:
            if pair.type == "pair":
                key = str(json.loads(pair.named_children[0].text or b'""'))
                _mark(lines, (*path, key), pair)
                _json_value(pair.named_children[1], (*path, key), lines)
    elif node.type == "array":
        for index, child in enumerate(values(node)):
            _mark(lines, (*path, index), child)
            _json_value(child, (*path, index), lines)


def values(node: Node) -> Iterator[Node]:
    """Yield the values of an array."""
    return (child for child in node.named_children if child.type != "comment")
