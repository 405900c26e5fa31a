"""The answer as tables: pandas or polars frames of the same columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from yieldopt.plan import Result

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

COLUMNS: dict[str, tuple[str, ...]] = {
    "products": ("product", "demand", "made", "unmet", "cost_per_good_usd", "dppm"),
    "routes": ("product", "route", "feasible", "cost_per_good_usd", "reasons"),
    "recipes": ("recipe", "product", "route", "cost_per_good_usd", "dppm", "quality"),
    "levels": ("recipe", "insertion", "level"),
    "waterfall": ("recipe", "category", "usd_per_good"),
    "uses": ("recipe", "resource", "per_good"),
    "allocation": ("recipe", "product", "route", "period", "packages"),
    "unmet": ("product", "period", "packages"),
    "resource_use": ("resource", "period", "used", "capacity"),
    "shadow_prices": ("resource", "period", "usd_per_unit"),
}


def tables(result: Result) -> dict[str, list[dict[str, Any]]]:
    """Return every table as a list of rows, keyed as in :data:`COLUMNS`."""
    recipes = result.recipes
    rows: dict[str, list[tuple[Any, ...]]] = {
        "products": [
            (p.name, p.demand, p.made, p.unmet, p.cost_per_good_usd, p.dppm)
            for p in result.products
        ],
        "routes": [
            (p.name, v.route, v.feasible, v.cost_per_good_usd, "; ".join(v.reasons))
            for p in result.products
            for v in p.routes
        ],
        "recipes": [
            (r.id, r.product, r.route, r.cost_per_good_usd, r.dppm, r.quality) for r in recipes
        ],
        "levels": [(r.id, place, level) for r in recipes for place, level in r.levels.items()],
        "waterfall": [(r.id, k, usd) for r in recipes for k, usd in r.waterfall_usd.items()],
        "uses": [(r.id, k, used) for r in recipes for k, used in r.uses_per_good.items()],
    }
    out = {k: [dict(zip(COLUMNS[k], row, strict=True)) for row in v] for k, v in rows.items()}
    for name in ("allocation", "unmet", "resource_use", "shadow_prices"):
        out[name] = [dict(row) for row in getattr(result, name)]
    return out


def to_polars(result: Result) -> dict[str, pl.DataFrame]:
    """Return the tables as polars frames."""
    import polars as pl

    return {
        name: pl.DataFrame(rows, schema=None if rows else list(COLUMNS[name]))
        for name, rows in tables(result).items()
    }


def to_pandas(result: Result) -> dict[str, pd.DataFrame]:
    """Return the tables as pandas frames."""
    import pandas as pd

    return {
        name: pd.DataFrame(rows, columns=list(COLUMNS[name]))
        for name, rows in tables(result).items()
    }
