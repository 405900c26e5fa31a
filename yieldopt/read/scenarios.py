"""Scenarios of a case: each is the case again, with its own values over those of the case."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from yieldopt.errors import CaseError, Fault
from yieldopt.read.documents import Document
from yieldopt.read.overriding import kind_faults, own_fault
from yieldopt.schema.case import Case, PerPeriod, Scenario, ScenarioShape

_SUM = 1e-9  # probabilities may miss 1 by this


def together_faults(shapes: Sequence[ScenarioShape | None]) -> list[Fault]:
    """Check what well-formed scenarios override, and that their probabilities sum to 1."""
    faults: list[Fault] = []
    for at, shape in enumerate(shapes):
        if shape is not None:
            faults += kind_faults(shape.override, ("scenarios", at))
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
) -> tuple[tuple[Scenario, ...], list[Fault]]:
    """Read the case once for every scenario.

    Parameters
    ----------
    document
        The case file.
    shapes
        Its scenarios, well-formed.
    load
        Reads the case with tables put over its own.

    Returns
    -------
    tuple of Scenario, list of Fault
        Those that can be read, and every fault of the others, at its place below ``scenarios``.
    """
    found: list[Scenario] = []
    faults: list[Fault] = []
    for at, shape in enumerate(shapes):
        try:
            case = load({"override": shape.override})
        except CaseError as error:
            for fault in error.faults:
                named = replace(fault, message=f"in scenario {shape.name}: {fault.message}")
                own = own_fault(fault, document, ("scenarios", at), shape.override)
                faults.append(own or named)
        else:
            found.append(
                Scenario(shape.name, shape.probability, scaled(case, shape), shape.source or "")
            )
    return tuple(found), faults


def scaled(case: Case, shape: ScenarioShape) -> Case:
    """Return a case with its demand and capacity times the factors of a scenario."""
    count = len(case.periods)
    products, resources = case.products, case.resources
    if shape.demand_factor is not None:
        of = shape.demand_factor.of
        products = tuple(
            p.model_copy(update={"demand": _times(p.demand, of(p.name), count)}) for p in products
        )
    if shape.capacity_factor is not None:
        of = shape.capacity_factor.of
        resources = tuple(
            r.model_copy(update={"capacity": _times(r.capacity, of(r.name), count)})
            for r in resources
        )
    return replace(case, products=products, resources=resources)


def _times(amounts: PerPeriod, factor: float, periods: int) -> PerPeriod:
    return PerPeriod(values=tuple(factor * amount for amount in amounts.over(periods)))
