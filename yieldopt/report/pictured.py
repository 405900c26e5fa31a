"""Which pictures a result has in a notebook, and the chart that holds them all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import singledispatch
from textwrap import wrap
from typing import Any

from yieldopt.breakeven import BreakEven
from yieldopt.comparison import RouteColumns
from yieldopt.explanation import Explanation, ProductExplanation
from yieldopt.optimize.frontier import Frontier
from yieldopt.optimize.frontier_case import ProductFrontier
from yieldopt.plan import Result
from yieldopt.report.charts import Picture, pictures
from yieldopt.report.charts.budget import dppm_by_source
from yieldopt.report.charts.crossover import crossover_map
from yieldopt.report.charts.curves import u_curves
from yieldopt.report.charts.frontier import cost_frontier
from yieldopt.report.charts.picture import VEGA_LITE_5
from yieldopt.report.charts.routes import routes_side_by_side
from yieldopt.report.charts.style import LOOKS
from yieldopt.report.charts.tornado import tornado_bars
from yieldopt.report.charts.waterfall import waterfall
from yieldopt.study import Study
from yieldopt.study.tornado import Tornado

_WIDE = 80  # characters of a line above a chart
_APART = {"scale": {"color": "independent", "strokeDash": "independent"}}


@singledispatch
def pictured(found: Any) -> list[Picture]:
    """Return the pictures of a result, none where it has none.

    Parameters
    ----------
    found
        Any result; a result, an explanation, a frontier, compared routes, a break-even, a tornado
        and a study have pictures.

    Examples
    --------
    >>> from yieldopt import load
    >>> from yieldopt.comparison import compare
    >>> [picture.title for picture in pictured(compare(load("minimal")))]
    ['Routes of asic side by side', 'Cost waterfall of asic by route']
    """
    return []


@pictured.register
def _(found: Result) -> list[Picture]:
    drawn = pictures(Study("", "", found, ()))
    # What is made and what is scarce comes before products that may be many.
    return sorted(drawn, key=lambda picture: picture.key.startswith(("plan-rec", "plan-water")))


@pictured.register
def _(found: Study) -> list[Picture]:
    return pictures(found)


@pictured.register
def _(found: Explanation) -> list[Picture]:
    return _some(u_curves("curves", "the plan", found), dppm_by_source("dppm", "the plan", found))


@pictured.register
def _(found: ProductExplanation) -> list[Picture]:
    own, name = found.explanation, found.product
    return _some(u_curves("curves", name, own), dppm_by_source("dppm", name, own)) if own else []


@pictured.register
def _(found: Frontier) -> list[Picture]:
    alone = ProductFrontier("", None, (), None, 0.0, None, None, None, found)
    drawn = _some(cost_frontier("frontier", alone))
    return [replace(picture, title="Cost against DPPM") for picture in drawn]


@pictured.register
def _(found: ProductFrontier) -> list[Picture]:
    return _some(cost_frontier("frontier", found))


@pictured.register
def _(found: RouteColumns) -> list[Picture]:
    out: list[Picture] = []
    for at, product in enumerate(dict.fromkeys(column.product for column in found), 1):
        own = [column for column in found if column.product == product]
        out += _some(routes_side_by_side(f"routes-{at}", own), waterfall(f"waterfall-{at}", own))
    return out


@pictured.register
def _(found: BreakEven) -> list[Picture]:
    return _some(crossover_map("crossover", found, ""))


@pictured.register
def _(found: Tornado) -> list[Picture]:
    return _some(tornado_bars("tornado", found))


def _some(*drawn: Picture | None) -> list[Picture]:
    return [picture for picture in drawn if picture is not None]


def together(drawn: Sequence[Picture], head: str) -> dict[str, Any]:
    """Return pictures one below the other as one specification of Vega-Lite, under a head.

    Parameters
    ----------
    drawn
        At least one.
    head
        Lines above them.
    """
    data: dict[str, Any] = {}
    return {
        "$schema": VEGA_LITE_5,
        "title": {"text": head.splitlines(), "anchor": "start", "fontSize": 12, "offset": 14},
        "config": LOOKS["light"],
        "padding": 12,
        "vconcat": list(_parts(drawn, data)),
        "resolve": _APART,
        "datasets": data,
    }


def _parts(drawn: Sequence[Picture], data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield each picture's specification without what stands once above all; its data go there."""
    for picture in drawn:
        spec = picture.spec()
        data |= spec.pop("datasets", {})
        for key in ("$schema", "config"):
            spec.pop(key, None)
        told = wrap(picture.line, _WIDE)
        head = {"text": picture.title, "subtitle": told, "anchor": "start", "offset": 8}
        yield spec | {"title": head}
