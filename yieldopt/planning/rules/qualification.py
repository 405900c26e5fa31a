r"""Lines that a product must enter first: a cost once, and nothing before the lead time is over.

Σ_r x_rt ≤ U_t·Σ_{s + lead ≤ t} start_s        Σ_s start_s ≤ 1
"""

from __future__ import annotations

import numpy as np

from yieldopt.compile.lines import Line
from yieldopt.optimize.candidates import entry_usd
from yieldopt.planning.setting import Product, Setting
from yieldopt.planning.sheet import PACKAGES, Flow, Sheet


def add(sheet: Sheet, setting: Setting) -> None:
    """Add a start of each line that a product is not qualified on, and what waits for it."""
    for number, product in enumerate(setting.products):
        for line in setting.lines(number):
            if product.capped and not setting.is_qualified(number, line):
                _enter(sheet, setting, number, product, line)


def _enter(sheet: Sheet, setting: Setting, number: int, product: Product, line: Line) -> None:
    lead = setting.qualification_periods(line)
    cost, name = entry_cost_usd(setting, product, line), product.shape.name
    starts: dict[int, int] = {}
    for t in range(setting.periods - lead):
        label = f"{name} enters {line.name} in {setting.case.periods[t]}"
        flows = [Flow(t, cost, "capital")]
        key = (number, line.name, t)
        starts[t] = sheet.column("qualification", key, label, flows, upper=1.0, integral=True)
    once = dict.fromkeys(starts.values(), 1.0)
    key_of = (number, line.name)
    sheet.row(f"{name} enters {line.name} once", -np.inf, 1.0, "qualification", key_of, once)
    for t, period in enumerate(setting.case.periods):
        slots = setting.on_line(number, line.name, t)
        if len(slots):
            most = float(product.servable[t])
            ready = {column: -most for s, column in starts.items() if s + lead <= t}
            label = f"{name} on {line.name} in {period} is qualified"
            row = sheet.row(label, -np.inf, 0.0, "qualified", (number, line.name, t), ready)
            sheet.recipes(row, slots, PACKAGES)


def entry_cost_usd(setting: Setting, product: Product, line: Line) -> float:
    """Return what a product pays once to run on a line [USD]."""
    routes, present = setting.case.library.routes, product.shape.present_route
    return entry_usd(routes[line.route], line.sites, routes[present] if present else None)
