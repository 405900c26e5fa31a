r"""A pooled DPPM limit: bad packages over all that is shipped of a product, limit L = DPPM/10⁶.

Σ x·(1/Q − 1) ≤ L·Σ x/Q
"""

from __future__ import annotations

import numpy as np

from yieldopt.planning.setting import Setting
from yieldopt.planning.sheet import PACKAGES, SHIPPED, Sheet


def add(sheet: Sheet, setting: Setting) -> None:
    """Add a row for each product whose limit is a pooled one."""
    for number, product in enumerate(setting.products):
        limit = product.shape.dppm_limit
        if product.shape.dppm_pooled and limit is not None:
            name = f"pooled DPPM of {product.shape.name}"
            row = sheet.row(name, -np.inf, 0.0, "quality", (number,))
            sheet.recipes(row, setting.slots(number), SHIPPED, 1.0 - limit / 1e6)
            sheet.recipes(row, setting.slots(number), PACKAGES, -1.0)
