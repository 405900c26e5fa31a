"""Flow files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from yieldopt.errors import CaseError, Fault
from yieldopt.flow import Flow
from yieldopt.flow_check import check_step, structure_faults
from yieldopt.read.documents import Document, open_document
from yieldopt.read.shapes import check
from yieldopt.schema.flow_file import FlowShape, StepShape


def read_flow(source: str | Path | Mapping[str, Any]) -> Flow:
    """Read a flow from a JSON file, or from the same object in Python.

    Parameters
    ----------
    source
        Path of the file, or a mapping of the contract's shape (DESIGN.md, section 3).

    Raises
    ------
    CaseError
        Every fault of the flow at once, with file and line where there is a file.

    Examples
    --------
    >>> fab = {"name": "fab", "kind": "process", "cost_usd": 100.0,
    ...        "faults": {"logic": {"mean": 0.5, "alpha": 3.0}}}
    >>> flow = read_flow({"ship": "die", "nodes": [{"name": "die", "steps": [fab]}]})
    >>> flow.step_names()
    ('die/fab',)
    """
    if isinstance(source, Mapping):
        document = Document("", "", json.loads(json.dumps(source, default=_number)), "python")
    else:
        document = open_document(source, "json")
    shape, faults = check(FlowShape, document.data)
    known = {fault.key for fault in faults}
    faults += [fault for fault in _structure(document.data) if fault.key not in known]
    if shape is None:
        faults += [fault for fault in _steps(document.data) if fault.key not in known]
    if not faults and shape is not None:
        try:
            return shape.build()
        except CaseError as error:
            faults += error.faults
    raise CaseError(document.locate(faults))


def _number(value: object) -> Any:
    """Take NumPy scalars and arrays as the plain numbers they hold."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    raise CaseError(f"a flow holds plain data only, not {type(value).__name__}")


def _structure(data: dict[str, Any]) -> list[Fault]:
    """Check the tree of whatever in the raw data has the form of one."""
    nodes = data.get("nodes")
    if not isinstance(nodes, list) or not isinstance(data.get("ship"), str):
        return []
    shape = []
    for node in nodes:
        fine = isinstance(node, dict) and isinstance(node.get("name"), str)
        inputs = node.get("inputs", []) if fine else []
        items = inputs if isinstance(inputs, list) else []
        links = [
            (item["node"], 1)
            for item in items
            if isinstance(item, dict) and isinstance(item.get("node"), str)
        ]
        if not fine or len(links) != len(items):
            return []  # the shape's own faults say what is wrong
        shape.append((node["name"], links))
    return structure_faults(data["ship"], shape)


def _steps(data: dict[str, Any]) -> list[Fault]:
    """Check every step that stands well by itself, when the whole file does not."""
    found: list[Fault] = []
    nodes = data.get("nodes")
    for index, node in enumerate(nodes if isinstance(nodes, list) else []):
        steps = node.get("steps") if isinstance(node, dict) else None
        for at, raw in enumerate(steps if isinstance(steps, list) else []):
            shape, _ = check(StepShape, raw)
            if shape is not None:
                key = f"nodes[{index}].steps[{at}]"
                found += [fault.under(key) for fault in check_step(shape.build())]
    return found
