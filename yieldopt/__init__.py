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
    from yieldopt.flow import Faults, Flow, Input, Node, Outcome, Step
    from yieldopt.physics.yields import Law
    from yieldopt.read import read_flow

_HOMES = {
    "CaseError": "errors",
    "Fault": "errors",
    "Faults": "flow",
    "Flow": "flow",
    "Input": "flow",
    "Law": "physics.yields",
    "Node": "flow",
    "Outcome": "flow",
    "SolverError": "errors",
    "Step": "flow",
    "UnknownName": "errors",
    "YieldoptError": "errors",
    "evaluate": "engine",
    "read_flow": "read",
}

__all__ = [
    "CaseError",
    "Fault",
    "Faults",
    "Flow",
    "Input",
    "Law",
    "Node",
    "Outcome",
    "SolverError",
    "Step",
    "UnknownName",
    "YieldoptError",
    "__version__",
    "evaluate",
    "read_flow",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"yieldopt.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'yieldopt' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
