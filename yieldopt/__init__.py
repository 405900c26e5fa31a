"""yieldopt: least cost per good advanced package, with a proof.

Names are loaded when they are first used, so that ``import yieldopt`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from yieldopt._version import __version__

if TYPE_CHECKING:
    from yieldopt.engine import evaluate
    from yieldopt.errors import CaseError, Fault, SolverError, UnknownName, YieldoptError
    from yieldopt.flow import Faults, Flow, Input, Node, Step
    from yieldopt.outcome import Outcome
    from yieldopt.physics.yields import Law
    from yieldopt.plan import Recipe, Result, Status
    from yieldopt.read import load, read_flow
    from yieldopt.report.frames import to_pandas, to_polars
    from yieldopt.schema.case import Case
    from yieldopt.solving import solve

_HOMES = {
    "Case": "schema.case",
    "CaseError": "errors",
    "Fault": "errors",
    "Faults": "flow",
    "Flow": "flow",
    "Input": "flow",
    "Law": "physics.yields",
    "Node": "flow",
    "Outcome": "outcome",
    "Recipe": "plan",
    "Result": "plan",
    "SolverError": "errors",
    "Status": "plan",
    "Step": "flow",
    "UnknownName": "errors",
    "YieldoptError": "errors",
    "evaluate": "engine",
    "load": "read",
    "read_flow": "read",
    "solve": "solving",
    "to_pandas": "report.frames",
    "to_polars": "report.frames",
}

__all__ = [
    "Case",
    "CaseError",
    "Fault",
    "Faults",
    "Flow",
    "Input",
    "Law",
    "Node",
    "Outcome",
    "Recipe",
    "Result",
    "SolverError",
    "Status",
    "Step",
    "UnknownName",
    "YieldoptError",
    "__version__",
    "evaluate",
    "load",
    "read_flow",
    "solve",
    "to_pandas",
    "to_polars",
]


if not TYPE_CHECKING:  # a checker would take any name for there

    def __getattr__(name: str) -> Any:
        if name in _HOMES:
            return getattr(import_module(f"yieldopt.{_HOMES[name]}"), name)
        raise AttributeError(f"module 'yieldopt' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
