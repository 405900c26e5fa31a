"""What the comments beside the fields of a shape say: units and meaning, written down once."""

from __future__ import annotations

import inspect
import re

from pydantic import BaseModel

_COMMON = {
    "name": "by which others call it",
    "title": "for people",
    "source": "where its numbers come from: a name in sources.toml, or 'assumed: why'",
}
_FIELD = re.compile(r"    (\w+): .*?\S  # (.+)")


def notes(shape: type[BaseModel]) -> dict[str, str]:
    """Return what is said of every field, by the key as files write it.

    The comment beside it; of names, titles and sources without one, what holds for all of them.

    Examples
    --------
    >>> from yieldopt.schema.part import PartShape
    >>> notes(PartShape)["layers"]
    'build-up layers of a substrate'
    """
    found = {key: note for key, note in _COMMON.items() if key in shape.model_fields}
    for parent in reversed(shape.__mro__):
        if not issubclass(parent, BaseModel) or parent is BaseModel:
            continue
        for line in inspect.getsource(parent).splitlines():
            match = _FIELD.fullmatch(line)
            if match and match[1] in shape.model_fields:
                found[shape.model_fields[match[1]].alias or match[1]] = match[2]
    return found
