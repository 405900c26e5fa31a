"""What the value of a plan is made of, by kind and period."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from yieldopt.planning.master import Master
from yieldopt.planning.setting import Setting
from yieldopt.planning.sheet import MONEY, Array

_RUNNING = {"expansion": "running lumps", "committed": "running lumps", "left": "not taken"}
_CAPITAL = {"expansion": "lumps", "booking": "prepayments", "qualification": "lines entered"}


def costs_of(master: Master, x: Array) -> Iterator[Mapping[str, Any]]:
    """Yield the money of a solution: kind, period, as it is paid, and discounted [USD].

    Packages, stock, late demand, surcharges, lumps and what they cost to run, lines entered,
    prepayments, what is owed and not taken, what stands by; shortage (a penalty, nobody pays it)
    and, under margin, sales of the demand of a period that is served (below 0). The discounted
    ones sum to the objective.

    Parameters
    ----------
    master, x
        The programme and a solution of it.
    """
    setting = master.setting
    parts: dict[tuple[str, int], list[float]] = {}
    unmet: dict[tuple[int, int], float] = {}
    for column, amount in zip(master.programme.columns, x, strict=False):
        if column.kind == "unmet":
            unmet[int(column.key[0]), int(column.key[1])] = float(amount)
            continue
        for flow in column.flows if amount else ():
            names = {"capital": _CAPITAL, "running": _RUNNING}.get(flow.kind, {})
            kind = names.get(column.kind, column.kind)
            parts.setdefault((kind, flow.period), []).append(float(amount) * flow.usd)
    made = master.fill(x)
    count = len(made)
    spent = master.features[:count, MONEY] * made
    by_period = np.bincount(
        setting.slot_period[master.slot[:count]], spent, minlength=setting.periods
    )
    fixed = math.fsum(r.fixed_usd_per_period.base for r in setting.case.resources)
    for t in range(setting.periods):
        parts["packages", t] = [float(by_period[t])]
        parts["standing by", t] = [fixed]
        parts["shortage", t], parts["sales", t] = _short_and_sold(setting, t, unmet)
    for (kind, t), amounts in sorted(parts.items()):
        usd = math.fsum(amounts)
        if usd:
            worth = setting.discount[t] * usd
            yield {
                "kind": kind,
                "period": setting.case.periods[t],
                "usd": usd,
                "discounted_usd": worth,
            }


def _short_and_sold(
    setting: Setting, period: int, unmet: Mapping[tuple[int, int], float]
) -> tuple[list[float], list[float]]:
    """Return by product the penalty for what is unmet, and sales of what is not (below 0)."""
    short, sold = [], []
    for number, product in enumerate(setting.products):
        shape, missing = product.shape, unmet.get((number, period), 0.0)
        if shape.shortage_cost_usd is not None:
            short.append(shape.shortage_cost_usd.base * missing)
        if setting.case.objective == "margin" and product.capped and shape.price_usd is not None:
            sold.append(-shape.price_usd.base * (float(product.demand[period]) - missing))
    return short, sold
