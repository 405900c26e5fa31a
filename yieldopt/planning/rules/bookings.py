r"""Capacity booked ahead: prepaid, and owed to a share whether it is taken or not.

taken_t ≤ booked·offered_t        left_t ≥ take_or_pay·booked·offered_t − taken_t
"""

from __future__ import annotations

import numpy as np

from yieldopt.planning.rules.capacity import counted
from yieldopt.planning.rules.expansions import capacity_rows
from yieldopt.planning.setting import Setting
from yieldopt.planning.sheet import USES, Flow, Sheet


def add(sheet: Sheet, setting: Setting) -> None:
    """Add the share booked of each offer, and what is taken and left of it in each period."""
    rows = capacity_rows(sheet)
    used = _used(sheet, setting)
    for number, offer in enumerate(setting.case.reservations):
        resource = setting.resource_number[offer.resource]
        offered = offer.capacity.over(setting.periods)
        prepaid = Flow(0, offer.prepayment_usd_per_unit.base * sum(offered), "capital")
        booked = sheet.column(
            "booking",
            (number,),
            f"share of {offer.name} booked",
            [prepaid],
            upper=1.0,
            lower=1.0 if offer.committed else 0.0,
        )
        owed = offer.usd_per_unit_not_taken.base
        for t, period in enumerate(setting.case.periods):
            part, key = f"of {offer.name} in {period}", (number, t)
            taken = sheet.column("taken", key, f"taken {part}", terms={rows[resource, t]: -1.0})
            sheet.term(used[offer.resource, t], taken, 1.0)
            terms = {taken: 1.0, booked: -offered[t]}
            sheet.row(f"taken {part} is booked", -np.inf, 0.0, "booking", key, terms)
            least = offer.take_or_pay_frac * offered[t]
            if owed > 0.0 and least > 0.0:
                left = sheet.column("left", key, f"paid and not taken {part}", [Flow(t, owed)])
                terms = {left: 1.0, taken: 1.0, booked: -least}
                sheet.row(f"take or pay {part}", 0.0, np.inf, "take or pay", key, terms)


def _used(sheet: Sheet, setting: Setting) -> dict[tuple[str, int], int]:
    """Add a row for each resource on offer and period: what is taken is used."""
    rows = {}
    for name in dict.fromkeys(offer.resource for offer in setting.case.reservations):
        number = setting.resource_number[name]
        for t, period in enumerate(setting.case.periods):
            label = f"taken of {name} in {period} is used"
            row = sheet.row(label, -np.inf, 0.0, "taken", (number, t))
            sheet.recipes(row, counted(setting, t), USES + number, -1.0)
            rows[name, t] = row
    return rows
