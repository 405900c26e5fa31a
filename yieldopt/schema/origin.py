"""Where a case came from: what it takes to read it again with other values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from yieldopt.schema.case import Case


@dataclass(frozen=True)
class Origin:
    """Where a case came from.

    Parameters
    ----------
    file
        As it was given; of a bundled case, where that is.
    changes
        Values put over those of the file and of the models, by dotted key.
    reload
        Reads the case again, as the file was, with these changes in place of ``changes``.
    """

    file: str
    changes: Mapping[str, Any]
    reload: Callable[[Mapping[str, Any]], Case]


def with_origin(case: Case, origin: Origin) -> Case:
    """Return the same case with its origin."""
    out = copy(case)
    object.__setattr__(out, "origin", origin)  # no argument: copies with other values have none
    return out
