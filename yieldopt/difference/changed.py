"""One thing that differs, and how two tables of values by key are compared."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, TypeVar

from yieldopt.read.keys import Path, join_key

Leaves = dict[Path, Any]  # a number, a text, a flag or a list of them, by its place


E = TypeVar("E")


class What(StrEnum):
    """What became of a value or an entry."""

    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True)
class Change:
    """One thing that differs.

    Parameters
    ----------
    key
        Dotted, as in a case file; of an answer, as in the JSON of a result. Entries of a list go by
        their name.
    what
        Changed; or added or removed: a value that only one of the two has, or a whole entry.
    before, after
        Values, in the unit that the key names; None where there is none, and for whole entries.
    """

    key: str
    what: What
    before: Any = None
    after: Any = None

    @property
    def relative(self) -> float | None:
        """What the value grew by, as a fraction of the one before; None where that says nothing.

        Examples
        --------
        >>> Change("demand", What.CHANGED, 40.0, 50.0).relative
        0.25
        """
        before, after = self.before, self.after
        if not _is_number(before) or not _is_number(after) or before == 0.0:
            return None
        return float((after - before) / abs(before))

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, with what the value grew by [fraction]."""
        return asdict(self) | {"what": str(self.what), "relative": self.relative}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def compared(before: Leaves, after: Leaves, within: float = 0.0) -> Iterator[Change]:
    """Yield what differs between two tables of values, in the order of the first.

    Parameters
    ----------
    before, after
        Values by place.
    within
        Numbers that are so near, relative, count as the same.
    """
    for path in dict.fromkeys([*before, *after]):
        key = join_key(path)
        if path not in after:
            yield Change(key, What.REMOVED, before[path], None)
        elif path not in before:
            yield Change(key, What.ADDED, None, after[path])
        elif not _same(before[path], after[path], within):
            yield Change(key, What.CHANGED, before[path], after[path])


def _same(a: Any, b: Any, within: float) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return a == b or math.isclose(a, b, rel_tol=within, abs_tol=0.0)
    return type(a) is type(b) and bool(a == b)


def entry_changes(
    before: Mapping[Path, E], after: Mapping[Path, E], leaves: Callable[[E, Path], Leaves]
) -> Iterator[Change]:
    """Yield what differs between entries by place, those whole that only one of the two has.

    ``leaves(entry, place)`` are the values of an entry.
    """
    for path in dict.fromkeys([*before, *after]):
        if path not in after:
            yield Change(join_key(path), What.REMOVED)
        elif path not in before:
            yield Change(join_key(path), What.ADDED)
        elif before[path] != after[path]:
            yield from compared(leaves(before[path], path), leaves(after[path], path))
