"""The kinds of model files, each a folder of the library."""

from __future__ import annotations

from yieldopt.schema.insertion import InsertionShape
from yieldopt.schema.part import PartShape
from yieldopt.schema.process import ProcessShape
from yieldopt.schema.route import RouteShape

KINDS: dict[str, type[ProcessShape | PartShape | RouteShape | InsertionShape]] = {
    "processes": ProcessShape,
    "parts": PartShape,
    "routes": RouteShape,
    "insertions": InsertionShape,
}
