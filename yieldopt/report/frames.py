"""The answer as tables: what each holds is said here once; rows, pandas or polars frames of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from yieldopt.plan import Result

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

Row = dict[str, Any]


class Kind(StrEnum):
    """What a column holds; all but text and flags are numbers."""

    TEXT = "text"
    FLAG = "flag"
    PACKAGES = "good packages"
    USD = "USD"
    PPM = "parts per million"
    FRACTION = "fraction"  # 0 to 1
    AMOUNT = "amount"  # in the unit of the resource or decision
    PER_GOOD = "amount per good package"


@dataclass(frozen=True)
class Table:
    """A table of the answer.

    Parameters
    ----------
    columns
        Kind by name, in order.
    rows
        Values of every row, in the order of ``columns``. None: the result has a field of the
        table's name, of mappings with these keys.
    across
        A column of numbers that a workbook shows a second time with a column for each period.
    optional
        Columns whose keys a row of the result may lack: they are then None.
    """

    columns: Mapping[str, Kind]
    rows: Callable[[Result], Iterable[tuple[Any, ...]]] | None = None
    across: str | None = None
    optional: frozenset[str] = frozenset()


def _products(result: Result) -> Iterable[tuple[Any, ...]]:
    for p in result.products:
        yield p.name, p.demand, p.made, p.unmet, p.cost_per_good_usd, p.dppm


def _routes(result: Result) -> Iterable[tuple[Any, ...]]:
    for p in result.products:
        for v in p.routes:
            yield p.name, v.route, v.feasible, v.cost_per_good_usd, "; ".join(v.reasons)


def _recipes(result: Result) -> Iterable[tuple[Any, ...]]:
    for r in result.recipes:
        yield r.id, r.product, r.route, r.line or None, r.cost_per_good_usd, r.dppm, r.quality


def _by_recipe(field: str) -> Callable[[Result], Iterable[tuple[Any, ...]]]:
    """Return the rows of a mapping that every recipe has."""
    return lambda result: (
        (recipe.id, name, value)
        for recipe in result.recipes
        for name, value in getattr(recipe, field).items()
    )


_TEXT, _PACKAGES, _USD, _AMOUNT = Kind.TEXT, Kind.PACKAGES, Kind.USD, Kind.AMOUNT
_PRODUCT_PERIOD = {"product": _TEXT, "period": _TEXT, "packages": _PACKAGES}
_RESOURCE_PERIOD = {"resource": _TEXT, "period": _TEXT}

# A new table is one entry.
TABLES: dict[str, Table] = {
    "products": Table(
        {"product": _TEXT, "demand": _PACKAGES, "made": _PACKAGES, "unmet": _PACKAGES,
         "cost_per_good_usd": _USD, "dppm": Kind.PPM},
        _products,
    ),
    "routes": Table(
        {"product": _TEXT, "route": _TEXT, "feasible": Kind.FLAG, "cost_per_good_usd": _USD,
         "reasons": _TEXT},
        _routes,
    ),
    "recipes": Table(
        {"recipe": _TEXT, "product": _TEXT, "route": _TEXT, "line": _TEXT,
         "cost_per_good_usd": _USD, "dppm": Kind.PPM, "quality": Kind.FRACTION},
        _recipes,
    ),
    "levels": Table(
        {"recipe": _TEXT, "insertion": _TEXT, "level": _TEXT}, _by_recipe("levels")
    ),
    "waterfall": Table(
        {"recipe": _TEXT, "category": _TEXT, "usd_per_good": _USD}, _by_recipe("waterfall_usd")
    ),
    "uses": Table(
        {"recipe": _TEXT, "resource": _TEXT, "per_good": Kind.PER_GOOD},
        _by_recipe("uses_per_good"),
    ),
    "allocation": Table(
        {"recipe": _TEXT, "product": _TEXT, "route": _TEXT, "line": _TEXT, "period": _TEXT,
         "packages": _PACKAGES},
        across="packages",
        optional=frozenset({"line"}),
    ),
    "unmet": Table(_PRODUCT_PERIOD),
    "resource_use": Table(_RESOURCE_PERIOD | {"used": _AMOUNT, "capacity": _AMOUNT}),
    "shadow_prices": Table(_RESOURCE_PERIOD | {"usd_per_unit": _USD}),
    "stock": Table(_PRODUCT_PERIOD),
    "late": Table(_PRODUCT_PERIOD),
    "decisions": Table(
        {"kind": _TEXT, "name": _TEXT, "product": _TEXT, "period": _TEXT, "amount": _AMOUNT,
         "cost_usd": _USD},
    ),
    "costs": Table({"kind": _TEXT, "period": _TEXT, "usd": _USD, "discounted_usd": _USD}),
    "starts": Table(
        {"what": _TEXT, "name": _TEXT, "unit": _TEXT, "product": _TEXT, "period": _TEXT,
         "amount": _AMOUNT, "weeks_before": _AMOUNT},
    ),
}  # fmt: skip
COLUMNS: dict[str, tuple[str, ...]] = {name: tuple(t.columns) for name, t in TABLES.items()}


def tables(result: Result) -> dict[str, list[Row]]:
    """Return every table as a list of rows, keyed as in :data:`COLUMNS`, in its order.

    Raises
    ------
    ValueError
        A row of the result has other keys than its table has columns: a bug, lest a column is
        lost in silence.
    """
    return {name: _rows(result, name, table) for name, table in TABLES.items()}


def _rows(result: Result, name: str, table: Table) -> list[Row]:
    names = COLUMNS[name]
    if table.rows is not None:
        return [dict(zip(names, row, strict=True)) for row in table.rows(result)]
    held: tuple[Mapping[str, Any], ...] = getattr(result, name)
    for row in held:
        if row.keys() - table.optional != table.columns.keys() - table.optional:
            raise ValueError(f"a row of {name} has {sorted(row)}; its columns: {sorted(names)}")
    return [{column: row.get(column) for column in names} for row in held]


def frame(table: Table, rows: list[Row] | Mapping[str, Any]) -> pl.DataFrame:
    """Return rows, or columns, of a table as a polars frame of its types, also when empty.

    Raises
    ------
    polars.exceptions.PolarsError
        A value is not of its column's type: a bug.
    """
    import polars as pl

    types = {Kind.TEXT: pl.String, Kind.FLAG: pl.Boolean}
    schema = {column: types.get(kind, pl.Float64) for column, kind in table.columns.items()}
    return pl.DataFrame(rows, schema=schema, strict=True)


def pandas_frame(columns: Mapping[str, Kind], held: list[Row] | Mapping[str, Any]) -> pd.DataFrame:
    """Return the same as a pandas frame: text, nullable booleans and doubles."""
    import pandas as pd

    types = {Kind.TEXT: object, Kind.FLAG: "boolean"}
    return pd.DataFrame(held, columns=list(columns)).astype(
        {column: types.get(kind, float) for column, kind in columns.items()}
    )


def to_polars(result: Result) -> dict[str, pl.DataFrame]:
    """Return the tables as polars frames: text, booleans and doubles, also when empty.

    Parameters
    ----------
    result
        From :func:`yieldopt.solve`; ``result.to_polars()`` gives the same.

    Examples
    --------
    >>> from yieldopt import load, solve
    >>> frames = to_polars(solve(load("minimal")))
    >>> frames["products"]["cost_per_good_usd"].round(2).to_list()  # USD per good package
    [2208.3]
    """
    return {name: frame(TABLES[name], rows) for name, rows in tables(result).items()}


def to_pandas(result: Result) -> dict[str, pd.DataFrame]:
    """Return the tables as pandas frames: text, nullable booleans and doubles (None is NaN).

    Parameters
    ----------
    result
        From :func:`yieldopt.solve`; ``result.to_pandas()`` gives the same.

    Examples
    --------
    >>> from yieldopt import load, solve
    >>> to_pandas(solve(load("minimal")))["recipes"]["dppm"].round(1).tolist()  # ppm
    [821.5]
    """
    return {name: pandas_frame(TABLES[name].columns, rows) for name, rows in tables(result).items()}
