"""What the value of a plan is made of, by kind and period."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from yieldopt.planning.master import Master
from yieldopt.planning.sheet import MONEY, Array

_RUNNING = {"expansion": "running lumps", "left": "not taken"}
_CAPITAL = {"expansion": "lumps", "booking": "prepayments", "qualification": "lines entered"}
_WORTH = "shortage"


def costs_of(master: Master, x: Array) -> Iterator[Mapping[str, Any]]:
    """Yield the money of a solution: kind, period, as it is paid, and discounted [USD].

    Packages, stock, late demand, surcharges, lumps and what they cost to run, lines entered,
    prepayments, what is owed and not taken, what stands by; shortage (a penalty, nobody pays it)
    and sales (below 0) under margin. The discounted ones sum to the objective.

    Parameters
    ----------
    master, x
        The programme and a solution of it.
    """
    setting = master.setting
    parts: dict[tuple[str, int], list[float]] = {}
    for column, amount in zip(master.programme.columns, x, strict=False):
        for flow in column.flows if amount else ():
            names = {"capital": _CAPITAL, "running": _RUNNING}.get(flow.kind, {})
            kind = _WORTH if flow.kind == "worth" else names.get(column.kind, column.kind)
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
        parts["sales", t] = [-_asked_usd(master, t)]
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


def _asked_usd(master: Master, period: int) -> float:
    """Return what all demand of a period would sell for; what is unmet is charged as shortage."""
    setting = master.setting
    if setting.case.objective != "margin":
        return 0.0
    return math.fsum(
        product.shape.price_usd.base * float(product.demand[period])
        for product in setting.products
        if product.capped and product.shape.price_usd is not None
    )
