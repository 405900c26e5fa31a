"""JSON Schemas as pydantic writes them, made fit for TOML: no null, bounds by their standard names,
what stands for a table; and the same for files that change others, where nothing is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from yieldopt.schema.base import LARGEST

Schema = dict[str, Any]

_BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
_NAMING = ("name", "make", "join", "work")  # keys by which an entry of a list is called
_OF_A_WHOLE = ("required", "minProperties", "default", "oneOf", "allOf", "dependentRequired")
CHANGES = "_changes"  # ends the name of a definition of changes


def _inside(schema: Mapping[str, Any], change: Callable[[Any], Any]) -> Schema:
    """Return a schema with every schema right below it changed."""
    out = dict(schema)
    for key in ("properties", "$defs"):
        if key in out:
            out[key] = {name: change(below) for name, below in out[key].items()}
    for key in ("anyOf", "prefixItems"):
        if key in out:
            out[key] = [change(below) for below in out[key]]
    for key in ("items", "additionalProperties"):
        if isinstance(out.get(key), dict):
            out[key] = change(out[key])
    return out


def tidy(schema: Mapping[str, Any]) -> Schema:
    """Return a schema of pydantic without null, made titles and empty defaults.

    Examples
    --------
    >>> tidy({"anyOf": [{"gt": 0.0, "type": "number"}, {"type": "null"}], "default": None})
    {'exclusiveMinimum': 0.0, 'type': 'number'}
    """
    out = {_BOUNDS.get(key, key): value for key, value in schema.items() if key != "title"}
    out = _inside(out, tidy)
    if "within" in out:
        out["$ref"] += "".join(f"_{_short(k)}_{v:g}" for k, v in sorted(out.pop("within").items()))
    if "anyOf" in out:
        rest = [below for below in out.pop("anyOf") if below != {"type": "null"}]
        out = rest[0] | out if len(rest) == 1 else out | {"anyOf": rest}
    if "default" in out and (default := _plain(out.pop("default"))) not in (None, {}, []):
        out["default"] = default
    return out


def _short(bound: str) -> str:
    return {"minimum": "min", "maximum": "max", "exclusiveMinimum": "above"}[bound]


def _plain(default: Any) -> Any:
    """Return a default as a file would write it: a plain number for a quantity."""
    if not isinstance(default, dict):
        return default
    held = {key: value for key, value in default.items() if value is not None}
    return next(iter(held.values())) if held.keys() in ({"base"}, {"each"}) else held


def bounded(quantity: Mapping[str, Any], bounds: Mapping[str, float]) -> Schema:
    """Return the definition of a quantity with bounds on all its numbers; a plain number too."""
    number = {"type": "number", "maximum": LARGEST, **bounds}
    numbers = dict.fromkeys(("low", "base", "high"), number)
    properties = dict(quantity["properties"]) | numbers
    table = {**quantity, "properties": properties}
    return {"anyOf": [number, table]}


def changing(schema: Mapping[str, Any], of: Mapping[str, Schema]) -> Schema:
    """Return the schema of changes: no key is needed; entries of a list can go by their names.

    Parameters
    ----------
    schema
        Of what is changed.
    of
        Definitions by name; those of changes have the same name and ``_changes``.
    """
    out = _inside(schema, lambda below: changing(below, of))
    for key in _OF_A_WHOLE:
        out.pop(key, None)
    if not any("$ref" in way or "type" in way for way in out.get("anyOf", ())):
        out.pop("anyOf", None)  # which keys are needed
    if "$ref" in out:
        out["$ref"] += CHANGES
    items = schema.get("items", {})
    name = str(items.get("$ref", "")).rpartition("/")[2]
    if set(_NAMING) & set(of.get(name, {}).get("properties", {})):
        by_name = {"type": "object", "additionalProperties": out["items"]}
        told = {key: out.pop(key) for key in ("description",) if key in out}
        return {"anyOf": [{**out, "items": items}, by_name], **told}
    if "items" in schema:  # a list is replaced as a whole
        out["items"] = schema["items"]
    return out
