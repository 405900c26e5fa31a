"""Parts of results as tables with units: an evaluated flow, a recipe, a tornado, a whole study."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

import numpy as np

from yieldopt.outcome import Outcome
from yieldopt.physics.yields import Value
from yieldopt.plan import Recipe
from yieldopt.report.frames import TABLES, Kind, Row
from yieldopt.report.text import usd
from yieldopt.report.tornado import tornado_text
from yieldopt.report.views import Sheet, View, first, of_fields, sheet
from yieldopt.report.views_studies import view
from yieldopt.study import Study
from yieldopt.study.tornado import Tornado

__all__ = ["ByColumn", "view"]  # with the results of this file too

_TEXT, _USD, _PPM, _FLAG = Kind.TEXT, Kind.USD, Kind.PPM, Kind.FLAG
_AMOUNT = Kind.AMOUNT


class ByColumn(Sequence[Row]):
    """Rows that are held as columns of doubles: of a batch there may be millions."""

    def __init__(self, held: Mapping[str, Value], count: int) -> None:
        self.held = {name: np.broadcast_to(value, (count,)) for name, value in held.items()}
        self._count = count if held else 0

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> list[Row]: ...
    def __getitem__(self, at: int | slice) -> Row | list[Row]:
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(self._count))]
        if not -self._count <= at < self._count:
            raise IndexError(at)
        return {name: float(column[at]) for name, column in self.held.items()}


@view.register
def _(found: Outcome) -> View:
    numbers = {"cost_per_good_usd": _USD, "cost_per_shipped_usd": _USD, "quality": Kind.FRACTION,
               "dppm": _PPM}  # fmt: skip
    own = {name: getattr(found, name) for name in numbers}
    count = max(map(np.size, own.values()))
    whole = ByColumn(own, count)
    sheets = {"outcome": Sheet(numbers, whole)}
    told = (("waterfall_usd_per_good", found.waterfall_usd, _USD),
            ("visits_per_shipped", found.visits, _AMOUNT),
            ("uses_per_shipped", found.uses, _AMOUNT))  # fmt: skip
    for name, table, kind in told:
        sheets[name] = Sheet(dict.fromkeys(table, kind), ByColumn(table, count))
    if count == 1:
        row = whole[0]
        head = f"{usd(row['cost_per_good_usd'])} USD per good package, {row['dppm']:,.1f} DPPM"
    else:
        head = f"{count:,} flows, a row for each"
    if found.blocked:
        head += f"\nnothing passes {found.blocked}" + ("" if count == 1 else " in some rows")
    return View(head, sheets)


@view.register
def _(found: Recipe) -> View:
    columns = TABLES["recipes"].columns
    named = {"recipe": found.id, "line": found.line or None}
    whole = (named[key] if key in named else getattr(found, key) for key in columns)
    sheets = {
        "recipes": sheet(columns, [tuple(whole)]),
        "waterfall": _pairs("category", "usd_per_good", _USD, found.waterfall_usd),
        "levels": _pairs("insertion", "level", _TEXT, found.levels),
        "uses": _pairs("resource", "per_good", Kind.PER_GOOD, found.uses_per_good),
    }
    cost = f"{usd(found.cost_per_good_usd)} USD per good package, {found.dppm:,.1f} DPPM"
    return View(f"{found.id}: {cost}", sheets)


def _pairs(name: str, value: str, kind: Kind, table: Mapping[str, Any]) -> Sheet:
    return sheet({name: _TEXT, value: kind}, table.items())


@view.register
def _(found: Tornado) -> View:
    columns = {"input": _TEXT, "unit": _TEXT, "low": _AMOUNT, "base": _AMOUNT, "high": _AMOUNT,
               "cost_low_usd": _USD, "cost_high_usd": _USD, "swing_usd": _USD,
               "is_assumed": _FLAG, "source": _TEXT}  # fmt: skip
    rows = (
        (row.input.key, row.input.unit, row.low.value, row.input.base, row.high.value,
         row.low.cost_per_good_usd, row.high.cost_per_good_usd, row.swing_usd,
         row.input.is_assumed, row.input.source)
        for row in found.rows
    )  # fmt: skip
    refused = sheet({"input": _TEXT, "reason": _TEXT}, found.alone_refused)
    sheets = {"inputs": sheet(columns, rows), "alone_refused": refused}
    return View(first(tornado_text(found)), sheets)


@view.register
def _(found: Study) -> View:
    plan = view(found.result)
    inputs = {"product": _TEXT, "input": _TEXT, "unit": _TEXT, "low": _AMOUNT, "base": _AMOUNT,
              "high": _AMOUNT, "is_assumed": _FLAG, "source": _TEXT}  # fmt: skip
    decided = {"kind": _TEXT, "name": _TEXT, "product": _TEXT, "ordered": _TEXT, "ready": _TEXT,
               "periods_between": _AMOUNT, "amount": _AMOUNT, "cost_usd": _USD}  # fmt: skip
    own = {"timeline": of_fields(decided, found.timeline), "inputs": sheet(inputs, _inputs(found))}
    return View(f"{found.title}\n{plan.head}", {**plan.sheets, **own})


def _inputs(found: Study) -> Iterator[tuple[Any, ...]]:
    for product in found.products:
        for one in product.inputs:
            told = (one.key, one.unit, one.low, one.base, one.high, one.is_assumed, one.source)
            yield (product.product, *told)
