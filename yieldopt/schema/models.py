"""The kinds of model files, each a folder of the library, and the lists of a case file."""

from __future__ import annotations

from yieldopt.schema.base import Shape
from yieldopt.schema.case import ProductShape, ScenarioShape
from yieldopt.schema.insertion import InsertionShape
from yieldopt.schema.part import PartShape
from yieldopt.schema.planning import (
    BudgetShape,
    ChangeShape,
    ExpansionShape,
    LineShape,
    ReservationShape,
    ResourceShape,
    ShareShape,
)
from yieldopt.schema.process import ProcessShape
from yieldopt.schema.route import RouteShape

KINDS: dict[str, type[ProcessShape | PartShape | RouteShape | InsertionShape]] = {
    "processes": ProcessShape,
    "parts": PartShape,
    "routes": RouteShape,
    "insertions": InsertionShape,
}
ENTRIES: dict[str, type[Shape]] = {
    "products": ProductShape,
    "resources": ResourceShape,
    "lines": LineShape,
    "expansions": ExpansionShape,
    "reservations": ReservationShape,
    "shares": ShareShape,
    "budgets": BudgetShape,
    "changes": ChangeShape,
    "scenarios": ScenarioShape,
}
