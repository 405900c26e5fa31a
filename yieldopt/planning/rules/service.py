r"""A least share of a product's demand that is served: Σ_t unmet_t ≤ (1 − service)·Σ_t demand_t."""

from __future__ import annotations

import numpy as np

from yieldopt.planning.setting import Setting
from yieldopt.planning.sheet import Sheet


def add(sheet: Sheet, setting: Setting) -> None:
    """Add a row for each product with a service level."""
    unmet = {c.key: at for at, c in enumerate(sheet.columns) if c.kind == "unmet"}
    for number, product in enumerate(setting.products):
        share = product.shape.service_frac
        if share is None or not product.capped:
            continue
        most = (1.0 - share) * float(product.demand.sum())
        terms = {at: 1.0 for (p, _), at in unmet.items() if p == number}
        name = f"service level of {product.shape.name}"
        sheet.row(name, -np.inf, most, "service", (number,), terms)
