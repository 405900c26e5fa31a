"""Numbers of a step replaced by path, for batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from yieldopt.errors import Fault, near_miss
from yieldopt.physics.yields import Value

if TYPE_CHECKING:
    from yieldopt.flow import Step


def with_numbers(step: Step, values: Mapping[str, Value], prefix: str, faults: list[Fault]) -> Step:
    """Return a step with numbers replaced by the key after its name; collect unknown keys."""
    changes: dict[str, Any] = {}
    scalars = ("cost_usd", "scrap", "overkill", "fail_cost_fraction")
    for key, value in values.items():
        head, _, name = key.partition(".")
        plain = isinstance(value, int | float | str)
        number = value if plain else np.asarray(value, float)[()]
        if key in scalars:
            changes[key] = number
        elif head == "mean" and name in step.faults:
            table = changes.setdefault("faults", dict(step.faults))
            table[name] = replace(table[name], mean=number)
        elif head in ("coverage", "repair", "uses") and name in getattr(step, head):
            changes.setdefault(head, dict(getattr(step, head)))[name] = number
        else:
            known = [*scalars, *(f"mean.{c}" for c in step.faults)]
            known += [f"{t}.{c}" for t in ("coverage", "repair", "uses") for c in getattr(step, t)]
            faults.append(Fault("no such number", prefix + key, hint=near_miss(key, known)))
    return replace(step, **changes)
