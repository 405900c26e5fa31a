"""A picture: a chart with its title, one line of what to see in it, and its table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import vl_convert

from yieldopt.report.charts.style import LOOKS, Theme

# JupyterLab and VS Code draw this version; the charts are the same in it and in Vega-Lite 6.
VEGA_LITE = "application/vnd.vegalite.v5+json"
VEGA_LITE_5 = "https://vega.github.io/schema/vega-lite/v5.json"
Cell = str | float | int | bool | None
Rows = list[dict[str, Any]]  # data of a chart
Chart = alt.Chart | alt.LayerChart | alt.FacetChart | alt.VConcatChart


@dataclass(frozen=True)
class Picture:
    """One chart of a report.

    Text marks and rules of the chart have no colour of their own: a theme gives it.

    Parameters
    ----------
    key
        Short and unique within a report, of letters, digits and ``-``: fit for a file's name.
    title
        What it is.
    line
        What to see in it, in one line.
    chart
        Altair's; its data are in it.
    columns, rows
        The same as a table; the columns name their units.
    """

    key: str
    title: str
    line: str
    chart: Chart
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def spec(self, *, check: bool = False) -> dict[str, Any]:
        """Return the chart as a Vega-Lite specification; checked against its schema it takes long.

        The tests check it for every picture.
        """
        found: dict[str, Any] = self.chart.to_dict(validate=check)
        return found | {"description": f"{self.title}. {self.line}"}  # for who hears it

    def svg(self, theme: Theme = "light") -> str:
        """Return the picture with its title as SVG; nothing is fetched for it."""
        spec, look = self._slide(), LOOKS[theme]
        return str(vl_convert.vegalite_to_svg(spec, config=look, allowed_base_urls=[]))

    def png(self, scale: float = 2.0, theme: Theme = "light") -> bytes:
        """Return the same as PNG, ``scale`` times its size in pixels."""
        spec, look = self._slide(), LOOKS[theme]
        drawn = vl_convert.vegalite_to_png(spec, scale=scale, config=look, allowed_base_urls=[])
        return bytes(drawn)

    def _slide(self) -> dict[str, Any]:
        head = {"text": self.title, "anchor": "start", "fontSize": 15, "offset": 14}
        return self.spec() | {"title": head, "padding": 12}

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """Return the picture by MIME type, for a notebook; nothing is fetched for it."""
        chart = self._slide() | {"$schema": VEGA_LITE_5, "config": LOOKS["light"]}
        told = f"{self.title}. {self.line}"
        return {"text/plain": told, "image/svg+xml": self.svg(), VEGA_LITE: chart}


def inline(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return rows as the data of a chart."""
    return {"values": [dict(row) for row in rows]}


def names_down(field: str, names: Sequence[str], title: str) -> alt.Y:
    """Return an axis of names from top to bottom, its title above them.

    Parameters
    ----------
    field
        Of the data.
    names
        In their order.
    title
        What they are.
    """
    axis = alt.Axis(
        title=title, titleAngle=0, titleAlign="right", titleBaseline="bottom", titleX=-6,
        titleY=-6, labelLimit=380,
    )  # fmt: skip
    return alt.Y(f"{field}:N", sort=list(names), axis=axis)
