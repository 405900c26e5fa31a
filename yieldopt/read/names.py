"""Names in lists and tables of a file: known ones, each once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from yieldopt.errors import Fault, near_miss
from yieldopt.read.keys import join_key


def name_faults(
    names: Any, loc: tuple[str | int, ...], known: Iterable[str], what: str
) -> list[Fault]:
    """Return a fault for each unknown or repeated name of a list; what is no list has none.

    Parameters
    ----------
    names
        The list, as read.
    loc
        Where it stands.
    known
        Names that there are.
    what
        Of what kind they are.
    """
    there = dict.fromkeys(known)
    listed = names if isinstance(names, list | tuple) else ()
    found = {
        at: Fault(f"unknown {what}", join_key((*loc, at)), name, near_miss(name, there))
        for at, name in enumerate(listed)
        if isinstance(name, str) and name not in there
    }
    for at, name in repeated(listed):
        found.setdefault(at, Fault("duplicate name", join_key((*loc, at)), name))
    return [found[at] for at in sorted(found)]


def repeated(names: Sequence[Any]) -> Iterator[tuple[int, str]]:
    """Yield each text of a list that stands in it before, with its place.

    Examples
    --------
    >>> list(repeated(["a", "b", None, "a", None, "a"]))
    [(3, 'a'), (5, 'a')]
    """
    seen: set[str] = set()
    for at, name in enumerate(names):
        if isinstance(name, str):
            if name in seen:
                yield at, name
            seen.add(name)
