"""What the comments beside the fields of a shape say: units and meaning, written down once."""

from __future__ import annotations

import inspect
import re

from pydantic import BaseModel

_FIELD = re.compile(r"    (\w+): .*?\S  # (.+)")


def notes(shape: type[BaseModel]) -> dict[str, str]:
    """Return the comment of every field that has one, by the key as files write it.

    Examples
    --------
    >>> from yieldopt.schema.part import PartShape
    >>> notes(PartShape)["layers"]
    'build-up layers of a substrate'
    """
    found: dict[str, str] = {}
    for parent in reversed(shape.__mro__):
        if not issubclass(parent, BaseModel) or parent is BaseModel:
            continue
        for line in inspect.getsource(parent).splitlines():
            match = _FIELD.fullmatch(line)
            if match and match[1] in shape.model_fields:
                found[shape.model_fields[match[1]].alias or match[1]] = match[2]
    return found
