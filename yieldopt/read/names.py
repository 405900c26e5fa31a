"""Names in lists and tables of a file: known ones, each once."""

from __future__ import annotations

from collections.abc import Iterable
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
    faults = []
    there = list(known)
    for at, name in enumerate(names if isinstance(names, list | tuple) else ()):
        if isinstance(name, str) and name not in there:
            key = join_key((*loc, at))
            faults.append(Fault(f"unknown {what}", key, name, near_miss(name, there)))
        elif name in names[:at]:
            faults.append(Fault("duplicate name", join_key((*loc, at)), name))
    return faults
