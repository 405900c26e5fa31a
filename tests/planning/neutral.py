"""A case without one of its rules, all else alike: what the rule costs is the difference."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from yieldopt.schema.case import Case

_OF_PRODUCTS: dict[str, dict[str, Any]] = {
    "stock": {"holding_usd_per_period": None, "stock_start_packages": 0.0},
    "late": {"late_usd_per_period": None},
    "service": {"service_frac": None},
    "qualification": {"qualified": None},
    "lots": {"least_lot_packages": None},
    "one_programme": {"one_programme": False},
    "pooled": {"dppm_pooled": False},
}
_OF_CASES: dict[str, dict[str, Any]] = {
    "lumps": {"expansions": ()},
    "bookings": {"reservations": ()},
    "budget_all": {"budgets": ()},
    "budget_capital": {"budgets": ()},
    "discount": {"discount_frac_per_year": 0.0},
    "margin": {"objective": "cost"},
    "changes": {"changes": ()},
}


def without(case: Case, rule: str) -> Case:
    """Return the case without a rule of :mod:`tests.planning.random_plans`."""
    if rule in _OF_CASES:
        return replace(case, **_OF_CASES[rule])
    if rule.startswith("share"):
        return replace(case, shares=())
    if rule == "surcharges":
        plain = (held.model_copy(update={"surcharges": ()}) for held in case.resources)
        return replace(case, resources=tuple(plain))
    if rule == "lines":
        freed = [p.model_copy(update={"barred_regions": ()}) for p in case.products]
        return replace(case, lines=(), products=tuple(freed))
    keys = _OF_PRODUCTS[rule]
    return replace(case, products=tuple(p.model_copy(update=keys) for p in case.products))
