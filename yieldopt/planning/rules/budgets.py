r"""Money that may be spent, as it is paid: not discounted, without what nobody pays.

What an unmet package costs and the sale that it loses are no payments.
"""

from __future__ import annotations

import numpy as np

from yieldopt.planning.setting import Setting
from yieldopt.planning.sheet import MONEY, Sheet


def add(sheet: Sheet, setting: Setting) -> None:
    """Add a row for each budget over the columns and recipes that are there."""
    periods = setting.case.periods
    for budget in setting.case.budgets:
        inside = {t for t, p in enumerate(periods) if budget.periods is None or p in budget.periods}
        kinds = ("capital",) if budget.of == "capital" else ("capital", "running")
        spent: dict[int, float] = {}
        for at, column in enumerate(sheet.columns):
            flows = [f.usd for f in column.flows if f.kind in kinds and f.period in inside]
            if any(flows):
                spent[at] = sum(flows)
        fixed = 0.0
        if budget.of == "all":
            resources = setting.case.resources
            fixed = len(inside) * sum(r.fixed_usd_per_period.base for r in resources)
        most = budget.most_usd - fixed
        row = sheet.row(f"budget {budget.name}", -np.inf, most, "budget", (budget.name,), spent)
        if budget.of == "all":
            slots = np.flatnonzero(np.isin(setting.slot_period, sorted(inside)))
            sheet.recipes(row, slots, MONEY)
