r"""Money that may be spent, as it is paid: not discounted, without what nobody pays.

What an unmet package costs and the sale that it loses are no payments.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from yieldopt.planning.setting import Setting
from yieldopt.planning.sheet import MONEY, Flow, Sheet
from yieldopt.schema.planning import BudgetShape


def add(sheet: Sheet, setting: Setting) -> None:
    """Add a row for each budget over the columns and recipes that are there."""
    periods = setting.case.periods
    for budget in setting.case.budgets:
        inside = _inside(budget, periods)
        each = ((at, spent(budget, periods, c.flows)) for at, c in enumerate(sheet.columns))
        total = {at: usd for at, usd in each if usd}
        fixed = 0.0
        if budget.of == "all":
            resources = setting.case.resources
            fixed = len(inside) * sum(r.fixed_usd_per_period.base for r in resources)
        most = budget.most_usd - fixed
        row = sheet.row(f"budget {budget.name}", -np.inf, most, "budget", (budget.name,), total)
        if budget.of == "all":
            here = np.isin(setting.slot_period[setting.counted], sorted(inside))
            sheet.recipes(row, setting.counted[here], MONEY)


def spent(budget: BudgetShape, periods: Sequence[str], flows: Iterable[Flow]) -> float:
    """Return what a unit of a column takes of a budget [USD]."""
    kinds = ("capital",) if budget.of == "capital" else ("capital", "running")
    inside = _inside(budget, periods)
    return sum(flow.usd for flow in flows if flow.kind in kinds and flow.period in inside)


def _inside(budget: BudgetShape, periods: Sequence[str]) -> set[int]:
    return {t for t, p in enumerate(periods) if budget.periods is None or p in budget.periods}
