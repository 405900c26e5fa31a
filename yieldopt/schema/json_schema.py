"""JSON Schemas (draft 2020-12) of case and model files, from the declared shapes.

They say which keys there are, what each may hold and what it means, so that an editor completes and
checks while one types. What spans several keys or files (which keys go together, whether a name is
known) only ``yieldopt check`` knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema
from pydantic_core import core_schema

from yieldopt.physics.yields import LAWS
from yieldopt.schema.base import LARGEST, Quantity
from yieldopt.schema.case import CaseShape, ScenarioShape
from yieldopt.schema.json_tidy import CHANGES, Schema, bounded, changing, tidy
from yieldopt.schema.models import ENTRIES, KINDS
from yieldopt.schema.notes import notes
from yieldopt.schema.planning import ChangeShape, Factors, PerPeriod
from yieldopt.schema.tables import TableShape

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FILES = ("case", "process", "part", "route", "insertion", "sources")
_FOLDERS = dict(zip(FILES[1:5], KINDS, strict=True))
_REF = "#/$defs/"
_AMOUNT = {"type": "number", "minimum": 0.0, "maximum": LARGEST}
_EXTENDS = "a file of the same kind, which this one changes; lists of steps go by name then"
_BOUNDS: tuple[dict[str, float], ...] = (
    {},
    {"minimum": 0.0},
    {"exclusiveMinimum": 0.0},
    {"minimum": 0.0, "maximum": 1.0},
)
# What a shape needs beyond keys that all of its kind have: one key of several, one that goes along.
_ONE_OF = {
    "PartShape": ("process", "price_usd", "price_usd_per_mm2", "grades", "route"),
    "RouteStepShape": ("make", "join", "work", "point"),
    "LatentShape": ("mean", "yield_frac", "bumps", "warpage"),
    "ShareShape": ("line", "route", "site", "region", "vendor", "each"),
    "ResilienceShape": ("lose", "names"),
}
_SOME_OF = {
    "ProductShape": ("dppm_limit", "escape_cost_usd"),
    "ShareShape": ("most_frac", "least_frac"),
}
_CARRIERS = {"wafer": "diameter_mm", "panel": "panel_mm"}


def json_schema(file: str) -> Schema:
    """Return the JSON Schema of a kind of file.

    Parameters
    ----------
    file
        One of :data:`FILES`; ``"sources"`` is ``sources.toml`` beside the models.

    Examples
    --------
    >>> schema = json_schema("process")
    >>> schema["properties"]["cost_usd"]["description"]
    'one wafer or panel [USD]'
    """
    body = _sources() if file == "sources" else _case() if file == "case" else _model(file)
    head = {"$schema": DIALECT, "title": f"yieldopt: a {file} file"}
    return head | _with_definitions(body)


class _Noted(GenerateJsonSchema):
    """Adds to every key the comment beside its field."""

    def model_schema(self, schema: core_schema.ModelSchema) -> dict[str, Any]:
        out = super().model_schema(schema)
        for key, note in notes(schema["cls"]).items():
            out["properties"][key]["description"] = note
        text = " ".join((schema["cls"].__doc__ or "").split("\n\n")[0].split())
        return out | {"description": text.replace("``", "")}


def _definitions() -> dict[str, Schema]:
    """Return every shape by its name, tidy, with what may stand for a table."""
    shapes: list[type[BaseModel]] = [*KINDS.values(), *ENTRIES.values(), CaseShape, TableShape]
    _, found = models_json_schema(
        [(shape, "validation") for shape in shapes], schema_generator=_Noted
    )
    out: dict[str, Schema] = {name: tidy(schema) for name, schema in found["$defs"].items()}
    quantity = out.pop(Quantity.__name__)
    for bounds in _BOUNDS:
        name = tidy({"$ref": Quantity.__name__, "within": bounds})["$ref"]
        out[name] = bounded(quantity, bounds)
    each = out[PerPeriod.__name__] | {"minProperties": 1, "maxProperties": 1}
    lists = {"type": "array", "items": _AMOUNT}
    out[PerPeriod.__name__] = {"anyOf": [_AMOUNT, lists, each]}
    by_name = {"type": "object", "additionalProperties": _AMOUNT}
    out[Factors.__name__] = {"anyOf": [_AMOUNT, by_name]}
    out["ProcessShape"]["properties"]["law"]["enum"] = list(LAWS)
    out["ResourceShape"]["required"].remove("capacity")  # a table may give it
    _need(out)
    for shape in (CaseShape, ChangeShape, ScenarioShape):
        out[shape.__name__]["properties"]["override"] |= _override()
    return out


def _need(out: Mapping[str, Schema]) -> None:
    """Add what shapes need beyond keys of their own, as far as a schema can say it."""
    for rule, shapes in (("oneOf", _ONE_OF), ("anyOf", _SOME_OF)):
        for name, keys in shapes.items():
            out[name][rule] = [{"required": [key]} for key in keys]
    out["ProcessShape"]["allOf"] = [
        {"if": {"properties": {"carrier": {"const": carrier}}}, "then": {"required": [key]}}
        for carrier, key in _CARRIERS.items()
    ]
    out["PartShape"]["dependentRequired"] = {
        "width_mm": ["height_mm"],
        "height_mm": ["width_mm"],
        "incoming_dppm": ["fault_class"],
        "grades": ["fault_class"],
    }
    out["InsertionShape"]["properties"]["levels"]["required"] = ["off"]


def _with_definitions(body: Schema) -> Schema:
    """Return a schema with the definitions that it uses, and those that they use."""
    known = _definitions()
    known |= {name + CHANGES: changing(schema, known) for name, schema in known.items()}
    used: dict[str, Schema] = {}
    todo = [body]
    while todo:
        for name in _refs(todo.pop()):
            if name not in used:
                used[name] = known[name]
                todo.append(known[name])
    return body | ({"$defs": dict(sorted(used.items()))} if used else {})


def _refs(schema: Any) -> set[str]:
    """Return the names of definitions that a schema uses."""
    if isinstance(schema, list):
        return set().union(*map(_refs, schema))
    if not isinstance(schema, dict):
        return set()
    own = {schema["$ref"].removeprefix(_REF)} if isinstance(schema.get("$ref"), str) else set()
    return own.union(*map(_refs, schema.values()))


def _model(file: str) -> Schema:
    """A whole model; or, where it extends another, what it changes there."""
    name = KINDS[_FOLDERS[file]].__name__
    whole = _definitions()
    body = changing(whole[name], whole)
    body["properties"] = {"extends": {"type": "string", "description": _EXTENDS}} | body[
        "properties"
    ]
    alone = {"not": {"required": ["extends"]}}
    return body | {"required": ["name"], "if": alone, "then": {"$ref": _REF + name}}


def _case() -> Schema:
    body = _definitions()[CaseShape.__name__]
    lists: dict[str, type[BaseModel]] = {**ENTRIES, "tables": TableShape}
    for key, shape in lists.items():
        body["properties"][key]["items"] = {"$ref": _REF + shape.__name__}
    given = {"resources": {"items": {"required": ["capacity"]}}}
    alone = {"if": {"not": {"required": ["tables"]}}, "then": {"properties": given}}
    return body | {"allOf": [alone]}


def _override() -> Schema:
    """Changes of models, by kind and name."""
    kinds = {
        kind: {"type": "object", "additionalProperties": {"$ref": _REF + shape.__name__ + CHANGES}}
        for kind, shape in KINDS.items()
    }
    return {"type": "object", "properties": kinds, "additionalProperties": False}


def _sources() -> Schema:
    text = {"type": "string", "minLength": 1}
    entry = {"type": "object", "properties": {"text": text, "note": text}, "required": ["text"]}
    return {"type": "object", "additionalProperties": entry}
