"""Raw data against a declared shape: pydantic's errors as faults, with near misses."""

from __future__ import annotations

import types
import typing
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from yieldopt.errors import Fault, near_miss
from yieldopt.read.keys import join_key

S = TypeVar("S", bound=BaseModel)
_MESSAGES = {
    "missing": "is missing",
    "finite_number": "must be finite",
    "greater_than_equal": "must be at least {ge:g}",
    "greater_than": "must be above {gt:g}",
    "less_than_equal": "must be at most {le:g}",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "too_short": "must not be empty",
    "literal_error": "must be one of {expected}",
}


def check(
    shape: type[S], raw: Any, prefix: tuple[str | int, ...] = ()
) -> tuple[S | None, list[Fault]]:
    """Return the checked object and no faults, or ``None`` and every fault of this piece."""
    try:
        return shape.model_validate(raw), []
    except ValidationError as error:
        return None, [_fault(detail, shape, raw, prefix) for detail in error.errors()]


def _fault(
    detail: ErrorDetails, shape: type[BaseModel], raw: Any, prefix: tuple[str | int, ...]
) -> Fault:
    loc = [part for part in detail["loc"] if part != "[key]"]
    context = dict(detail.get("ctx") or {})
    hint = str(context.get("hint", ""))
    loc = _written(raw, loc)
    if "key" in context:
        loc += str(context["key"]).split(".")
    value: Any = detail["input"]
    if detail["type"] == "extra_forbidden":
        message = "unknown key"
        value = None
        hint = near_miss(loc[-1], _fields(shape, loc[:-1]))
    else:
        template = _MESSAGES.get(detail["type"], "")
        message = template.format(**context) if template else detail["msg"]
    if detail["type"] == "missing":
        value = None
    if isinstance(value, dict | list):
        value = _at(raw, loc) if "key" in context else None
    if isinstance(value, str) and value.lower() in ("true", "false", "yes", "no"):
        hint = hint or f"write {value.lower()} without quotes if a true/false is meant"
    return Fault(message, join_key((*prefix, *loc)), value, hint)


def _written(raw: Any, loc: list[str | int]) -> list[str | int]:
    """Return the place as the file has it: a number stands for {base = …}, a list for values.

    A table of names may stand for ``by_name``.
    """
    out: list[str | int] = []
    for at, part in enumerate(loc):
        there = _at(raw, out)
        plain = not isinstance(there, dict)
        if part in ("base", "each", "values") and at > 0 and plain:
            continue
        if part == "by_name" and not plain and part not in there:
            continue
        out.append(part)
    return out


def _at(raw: Any, loc: list[str | int]) -> Any:
    for part in loc:
        try:
            raw = raw[part]
        except (KeyError, IndexError, TypeError):
            return None
    return raw


def _fields(shape: type[BaseModel], loc: list[str | int]) -> list[str]:
    """Return the keys that a shape knows at a place inside it."""
    at: Any = shape
    for part in loc:
        at = _model_in(at)
        if isinstance(at, type) and issubclass(at, BaseModel):
            if part not in at.model_fields:
                return []
            at = at.model_fields[str(part)].annotation
        else:
            arguments = [a for a in typing.get_args(at) if a is not Ellipsis]
            at = arguments[-1] if arguments else None
    at = _model_in(at)
    if not isinstance(at, type) or not issubclass(at, BaseModel):
        return []
    return [field.alias or name for name, field in at.model_fields.items()]


def _model_in(annotation: Any) -> Any:
    """Strip Annotated and Optional."""
    while True:
        origin = typing.get_origin(annotation)
        if origin is typing.Annotated:
            annotation = typing.get_args(annotation)[0]
        elif origin in (typing.Union, types.UnionType):
            rest = [a for a in typing.get_args(annotation) if a is not type(None)]
            annotation = rest[-1]
        else:
            return annotation
