r"""Capacity bought in whole lumps, which stands a lead time after it is ordered.

Lumps that were ordered before the first period stand from when they come.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from yieldopt.planning.setting import Setting
from yieldopt.planning.sheet import Flow, Key, Sheet


def add(sheet: Sheet, setting: Setting) -> None:
    """Add the lumps that can be ordered in each period, to the capacity from when they stand."""
    rows = capacity_rows(sheet)
    for number, lump in enumerate(setting.case.expansions):
        resource = setting.resource_number[lump.resource]
        _committed(sheet, setting, number, rows)
        if lump.most == 0:
            continue
        total: dict[int, float] = {}
        for t, period in enumerate(setting.case.periods):
            stands = range(t + lump.lead_time_periods, setting.periods)
            flows = [Flow(t, lump.cost_usd.base, "capital")]
            flows += [Flow(s, lump.running_usd_per_period.base) for s in stands]
            terms = {rows[resource, s]: -lump.amount_per_period for s in stands}
            if stands:
                label = f"{lump.name} ordered in {period}"
                column = sheet.column(
                    "expansion",
                    (number, t),
                    label,
                    flows,
                    upper=lump.most,
                    integral=True,
                    terms=terms,
                )
                total[column] = 1.0
        sheet.row(f"most of {lump.name}", -np.inf, lump.most, "expansion", (number,), total)


def _committed(sheet: Sheet, setting: Setting, number: int, rows: Mapping[Key, int]) -> None:
    """Add lumps that were ordered before: their price is sunk, what it costs to run them is not."""
    lump = setting.case.expansions[number]
    resource = setting.resource_number[lump.resource]
    for t, count in enumerate(lump.committed):
        if count:
            stands = range(t, setting.periods)
            sheet.column(
                "committed",
                (number, t),
                f"{lump.name} ordered before, standing from {setting.case.periods[t]}",
                [Flow(s, lump.running_usd_per_period.base) for s in stands],
                lower=count,
                upper=count,
                terms={rows[resource, s]: -lump.amount_per_period for s in stands},
            )


def capacity_rows(sheet: Sheet) -> dict[Key, int]:
    """Return the rows of capacity by resource and period."""
    return {key: at for at, key in sheet.keys_of("capacity")}
