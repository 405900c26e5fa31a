r"""Dear last units: over_j ≥ use_kt − above_j·capacity_kt, each at the rise of the surcharge.

Of the resource's own capacity: what is bought or booked on top is not rushed.
"""

from __future__ import annotations

import numpy as np

from yieldopt.planning.rules.capacity import counted
from yieldopt.planning.setting import Setting
from yieldopt.planning.sheet import USES, Flow, Sheet


def add(sheet: Sheet, setting: Setting) -> None:
    """Add a row and a column for each step of each resource and period."""
    for number, resource in enumerate(setting.case.resources):
        amounts = resource.capacity.over(setting.periods)
        before = 0.0
        for step, surcharge in enumerate(resource.surcharges):
            rise, before = surcharge.usd_per_unit - before, surcharge.usd_per_unit
            for t, period in enumerate(setting.case.periods):
                part = f"{resource.name} above {surcharge.above_frac:.0%} in {period}"
                key, most = (number, step, t), surcharge.above_frac * amounts[t]
                row = sheet.row(f"surcharge of {part}", -np.inf, most, "surcharge", key)
                sheet.recipes(row, counted(setting, t), USES + number)
                flows = [Flow(t, rise)]
                sheet.column("surcharge", key, f"use of {part}", flows, terms={row: -1.0})
