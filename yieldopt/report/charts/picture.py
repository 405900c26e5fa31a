"""A picture: a chart with its title, one line of what to see in it, and its table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import altair as alt
import vl_convert

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

    def spec(self) -> dict[str, Any]:
        """Return the chart as a Vega-Lite specification, checked against its schema."""
        found: dict[str, Any] = self.chart.to_dict()
        return found

    def svg(self) -> str:
        """Return the chart as SVG; nothing is fetched for it."""
        return str(vl_convert.vegalite_to_svg(self.spec(), allowed_base_urls=[]))

    def png(self, scale: float = 2.0) -> bytes:
        """Return the chart as PNG, ``scale`` times its size in pixels."""
        return bytes(vl_convert.vegalite_to_png(self.spec(), scale=scale, allowed_base_urls=[]))


def inline(rows: Iterable[Mapping[str, Any]]) -> alt.InlineData:
    """Return rows as the data of a chart."""
    return alt.InlineData(values=[dict(row) for row in rows])
