r"""Scarce resources: Σ_r uses_rk·x_rt ≤ capacity_kt, and what stands by whether used or not."""

from __future__ import annotations

import numpy as np

from yieldopt.planning.setting import Setting
from yieldopt.planning.sheet import USES, Index, Sheet


def add(sheet: Sheet, setting: Setting) -> None:
    """Add a row for each resource and period; fixed costs are paid in any case."""
    for number, resource in enumerate(setting.case.resources):
        amounts = resource.capacity.over(setting.periods)
        sheet.constant_usd += resource.fixed_usd_per_period.base * sum(setting.discount)
        for t, period in enumerate(setting.case.periods):
            name = f"capacity of {resource.name} in {period}"
            row = sheet.row(name, -np.inf, amounts[t], "capacity", (number, t))
            sheet.recipes(row, counted(setting, t), USES + number)


def counted(setting: Setting, period: int) -> Index:
    """Return the slots of a period that take capacity."""
    slots: Index = setting.counted
    here: Index = slots[setting.slot_period[slots] == period]
    return here
