"""Scenarios of a case: each is the case again, with its own values over those of the case."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from yieldopt.errors import CaseError, Fault, near_miss
from yieldopt.read.documents import Document
from yieldopt.read.keys import join_key, path_of
from yieldopt.schema.case import Case, Scenario, ScenarioShape
from yieldopt.schema.models import KINDS

_SUM = 1e-9  # probabilities may miss 1 by this


def together_faults(shapes: Sequence[ScenarioShape | None]) -> list[Fault]:
    """Check what well-formed scenarios override, and that their probabilities sum to 1."""
    faults = []
    for at, shape in enumerate(shapes):
        for kind, models in shape.override.items() if shape else ():
            key = join_key(("scenarios", at, "override", kind))
            if kind not in KINDS:
                faults.append(Fault("unknown kind", key, hint=near_miss(kind, KINDS)))
            elif not isinstance(models, Mapping):
                faults.append(Fault("must be a table", key, models))
    whole = [shape for shape in shapes if shape is not None]
    total = math.fsum(shape.probability for shape in whole)
    if whole and len(whole) == len(shapes) and abs(total - 1.0) > _SUM:
        hint = "the case itself counts only as a scenario that overrides nothing"
        faults.append(Fault("probabilities must sum to 1", "scenarios", total, hint))
    return faults


def read_scenarios(
    document: Document,
    shapes: Sequence[ScenarioShape],
    load: Callable[[Mapping[str, Any]], Case],
) -> tuple[Scenario, ...]:
    """Read the case once for every scenario.

    Parameters
    ----------
    document
        The case file.
    shapes
        Its scenarios, well-formed.
    load
        Reads the case with changes by kind.

    Raises
    ------
    CaseError
        Every fault of every scenario, at its place below ``scenarios``.
    """
    found, faults = [], []
    for at, shape in enumerate(shapes):
        try:
            # Changes, if only an empty kind: the case of a scenario has no scenarios.
            case = load(shape.override or {next(iter(KINDS)): {}})
        except CaseError as error:
            faults += [_placed(fault, document, at, shape) for fault in error.faults]
        else:
            found.append(Scenario(shape.name, shape.probability, case))
    if faults:
        raise CaseError(faults)
    return tuple(found)


def _placed(fault: Fault, document: Document, at: int, shape: ScenarioShape) -> Fault:
    """Return a fault at the scenario's own value, or naming the scenario where it has none."""
    head, *path = path_of(fault.key) or ("",)
    if fault.file in ("", document.name) and head == "override" and _holds(shape.override, path):
        own = replace(fault, key=join_key(("scenarios", at, "override", *path)), file="", line=0)
        return document.locate([own])[0]
    return replace(fault, message=f"in scenario {shape.name}: {fault.message}")


def _holds(table: Any, path: Sequence[str | int]) -> bool:
    """Whether a table gives what stands at a path; a plain value stands for all below it."""
    for part in path:
        if not isinstance(table, Mapping):
            return True
        if part not in table:
            return False
        table = table[part]
    return True
