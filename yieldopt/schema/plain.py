"""A checked case as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from yieldopt.schema.base import Shape

if TYPE_CHECKING:
    from yieldopt.schema.case import Case

_OWN = ("name", "title", "period_weeks", "discount_frac_per_year", "objective", "products",
        "resources", "lines", "expansions", "reservations", "shares", "budgets")  # fmt: skip


def case_data(case: Case) -> dict[str, Any]:
    """Return what a case says itself, by the keys of a case file; see :meth:`Case.to_dict`."""
    out: dict[str, Any] = {"periods": list(case.periods)}
    for key in _OWN:
        value = getattr(case, key)
        out[key] = [_plain(entry) for entry in value] if isinstance(value, tuple) else value
    out["insertions"] = [one.name for one in case.insertions]
    out["resilience"] = None if case.resilience is None else _plain(case.resilience)
    out["scenarios"] = [{"name": s.name, "probability": s.probability} for s in case.scenarios]
    return out | {"changes": [{"begins": case.periods[one.period]} for one in case.changes]}


def _plain(shape: Shape) -> dict[str, Any]:
    return shape.model_dump(mode="json", by_alias=True, exclude_none=True)
