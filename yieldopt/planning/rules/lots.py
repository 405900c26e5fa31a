r"""Least lots: a line makes nothing of a product in a period, or at least a lot.

lot·run_t ≤ Σ_r x_rt ≤ U_t·run_t
"""

from __future__ import annotations

import numpy as np

from yieldopt.planning.setting import Setting
from yieldopt.planning.sheet import PACKAGES, Sheet


def add(sheet: Sheet, setting: Setting) -> None:
    """Add a run of each line and period of a product with a least lot."""
    for number, product in enumerate(setting.products):
        lot = product.shape.least_lot_packages
        if lot is None or not product.capped:
            continue
        for line in setting.lines(number):
            for t, period in enumerate(setting.case.periods):
                slots = setting.on_line(number, line.name, t)
                if not len(slots):
                    continue
                part, key = (
                    f"{product.shape.name} on {line.name} in {period}",
                    (number, line.name, t),
                )
                run = sheet.column("run", key, f"a run of {part}", upper=1.0, integral=True)
                most = float(product.servable[t])
                below = sheet.row(f"least lot of {part}", 0.0, np.inf, "lot", key, {run: -lot})
                above = sheet.row(f"a run of {part}", -np.inf, 0.0, "run", key, {run: -most})
                sheet.recipes(below, slots, PACKAGES)
                sheet.recipes(above, slots, PACKAGES)
