r"""Demand: what is made, stock, what waits, and what is never served.

Σ_r x_rt + stock_{t−1} − stock_t + late_t − late_{t−1} + unmet_t = demand_t
"""

from __future__ import annotations

from yieldopt.planning.setting import Product, Setting
from yieldopt.planning.sheet import PACKAGES, Flow, Sheet


def add(sheet: Sheet, setting: Setting) -> None:
    """Add a row for each product and period, with stock, late and unmet packages."""
    for number, product in enumerate(setting.products):
        name, last = product.shape.name, setting.periods - 1
        start = product.shape.stock_start_packages if product.stocked else 0.0
        rows = []
        for t, period in enumerate(setting.case.periods):
            asked = float(product.demand[t]) - (start if t == 0 else 0.0)
            row = sheet.row(f"demand of {name} in {period}", asked, asked, "demand", (number, t))
            sheet.recipes(row, setting.slots(number, t), PACKAGES)
            rows.append(row)
        for t, period in enumerate(setting.case.periods):
            _unmet(sheet, setting, number, product, rows[t], t, period)
            if product.stocked:
                terms = {rows[t]: -1.0} | ({rows[t + 1]: 1.0} if t < last else {})
                usd = _base(product.shape.holding_usd_per_period)
                key, label = (number, t), f"stock of {name} at the end of {period}"
                sheet.column(
                    "stock", key, label, [Flow(t, usd)], upper=product.stock_most, terms=terms
                )
            if product.late and t < last:
                terms = {rows[t]: 1.0, rows[t + 1]: -1.0}
                usd = _base(product.shape.late_usd_per_period)
                key, label = (number, t), f"{name} late at the end of {period}"
                sheet.column("late", key, label, [Flow(t, usd)], terms=terms)


def _unmet(
    sheet: Sheet, setting: Setting, number: int, product: Product, row: int, t: int, period: str
) -> None:
    """Unserved demand costs its shortage cost, and under margin the sale that is lost."""
    shape, asked = product.shape, float(product.demand[t])
    price = _base(shape.price_usd) if setting.case.objective == "margin" else 0.0
    sheet.sold_usd += setting.discount[t] * price * asked if product.capped else 0.0
    if product.may_fall_short and asked > 0.0:
        lost = _base(shape.shortage_cost_usd) + price
        flows = [Flow(t, lost, "worth")]
        label = f"unmet {shape.name} in {period}"
        sheet.column("unmet", (number, t), label, flows, upper=asked, terms={row: 1.0})


def _base(quantity: object) -> float:
    return float(getattr(quantity, "base", 0.0))
