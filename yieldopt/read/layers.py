"""A model as layers: the files that it extends, its own, and what the case overrides in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from yieldopt.errors import Fault, near_miss
from yieldopt.read.documents import Document
from yieldopt.read.keys import Path, join_key, path_of
from yieldopt.read.merging import entry_name, merged, unknown_entries


@dataclass(frozen=True)
class Layer:
    """Data as they are written: in which document, and below which key."""

    document: Document
    data: Mapping[str, Any]
    prefix: tuple[str, ...] = ()
    is_file: bool = True  # else: what a case overrides
    is_own: bool = True  # else: of a file that the model extends

    def written(self, path: Path, whole: Any) -> Path | None:
        """Return a path of the whole as this layer writes it: steps by name, numbers as leaves.

        ``None`` if the layer says nothing there.
        """
        here: Any = self.data
        out: list[str | int] = []
        for part in path:
            if isinstance(here, Mapping) and isinstance(part, int):
                name = entry_name(whole[part]) if part < len(whole) else None
                if name is None or name not in here:
                    return None
                out.append(name)
                here = here[name]
            elif isinstance(here, Mapping):
                if part not in here:
                    return None
                out.append(part)
                here = here[part]
            elif isinstance(here, list):
                if not isinstance(part, int) or part >= len(here):
                    return None
                out.append(part)
                here = here[part]
            else:
                break  # a plain number stands for what lies below
            whole = _below(whole, part)
        return tuple(out)


def _below(whole: Any, part: str | int) -> Any:
    try:
        return whole[part]
    except (KeyError, IndexError, TypeError):
        return ()


def whole_of(layers: Sequence[Layer]) -> dict[str, Any]:
    """Return all layers merged, the last on top."""
    whole: dict[str, Any] = {}
    for layer in layers:
        whole = merged(whole, layer.data)
    return whole


def unknown_faults(layers: Sequence[Layer]) -> list[Fault]:
    """Return a placed fault for every change of an entry that nothing below has."""
    found: list[Fault] = []
    for at, layer in enumerate(layers):
        below = whole_of(layers[:at])
        for path, known in unknown_entries(below, layer.data):
            key = join_key((*layer.prefix, *path))
            hint = near_miss(path[-1], known)
            found += layer.document.locate(
                [Fault("nothing of this name to change", key, hint=hint)]
            )
    return found


def placed(fault: Fault, layers: Sequence[Layer], whole: Mapping[str, Any]) -> tuple[Fault, bool]:
    """Return a fault at the place that gave its value, the topmost layer that speaks of it, and
    whether that is the model's own.

    What no layer gives (a missing key) stands with its table, at the top with the model's own file.
    """
    path = path_of(fault.key)
    for depth in range(len(path), 0, -1):
        for layer in reversed(layers):
            written = layer.written(path[:depth], whole)
            if written is not None:
                key = join_key((*layer.prefix, *written, *path[depth:]))
                return layer.document.locate([replace(fault, key=key)])[0], layer.is_own
    files = [layer for layer in layers if layer.is_file]
    layer = files[-1] if path else layers[-1]
    key = join_key((*layer.prefix, *path))
    return layer.document.locate([replace(fault, key=key)])[0], layer.is_own
