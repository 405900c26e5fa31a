"""Charts of a workbook, drawn by the spreadsheet program from the cells of its other sheets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from yieldopt.read.book.layout import CHARTS, PLAN, WATERFALLS
from yieldopt.report.charts.style import PALETTE, shown
from yieldopt.report.workbook import fitting

if TYPE_CHECKING:
    from xlsxwriter import Workbook

    from yieldopt.report.charts.style import PALETTE, shown
from yieldopt.report.workbook import Columns, Values

_SERIES = 255  # that a chart can have
_WIDE, _HIGH, _ACROSS = 8, 19, 2  # columns and rows of a chart, charts side by side
_SIZE = {"width": 500, "height": 340}


class Drawing:
    """The sheet of charts; those that are added stand side by side, then below each other."""

    def __init__(self, book: Workbook) -> None:
        self.book = book
        self.sheet = book.add_worksheet(CHARTS)
        self.sheet.set_landscape()
        self.sheet.fit_to_pages(1, 0)
        self.count = 0

    def waterfalls(self, columns: Columns, rows: Sequence[Values]) -> None:
        """Add a chart for each product: what a good package costs on each route, by category.

        Parameters
        ----------
        columns, rows
            Of the sheet of waterfalls: product, route, categories, their sum, and two texts. Rows
            without a sum come last of a product, and are not drawn.
        """
        for product, (first, final) in _runs(rows):
            last = max(
                (at for at in range(first, final + 1) if rows[at - 1][-3] is not None), default=0
            )
            if not last:
                continue
            chart = self.book.add_chart({"type": "column", "subtype": "stacked"})
            routes = (first, 1, last, 1)
            for nth, at in enumerate(range(2, len(columns) - 3)):
                self._series(chart, WATERFALLS, nth, (0, at), routes, (first, at, last, at))
            self._place(chart, f"Cost per good package of {shown(product)}", "USD per good")

    def allocation(self, columns: Columns, rows: Iterable[Values], keys: int = 4) -> None:
        """Add a chart for each product: good packages by period, each line on top of the others.

        Parameters
        ----------
        columns, rows
            Of the sheet of the allocation by period: recipe, product, route, line, periods.
        keys
            How many columns stand before the periods.
        """
        sheet, last = f"{PLAN}allocation by period", len(columns) - 1
        for product, (first, final) in _runs(row[1:] for row in rows):
            chart = self.book.add_chart({"type": "column", "subtype": "stacked"})
            periods = (0, keys, 0, last)
            for nth, at in enumerate(range(first, min(final, first + _SERIES - 1) + 1)):
                self._series(chart, sheet, nth, (at, 0), periods, (at, keys, at, last))
            more = f", {_SERIES} lines of it" if final - first >= _SERIES else ""
            self._place(chart, f"Good packages of {shown(product)}{more}", "good packages")

    def capacity(self, rows: Iterable[Values]) -> None:
        """Add a chart for each resource: what is used of it and what there is, by period.

        Parameters
        ----------
        rows
            Of the sheet of the use of resources: resource, period, used, capacity.
        """
        sheet = f"{PLAN}resource_use"
        for resource, (first, last) in _runs(rows):
            periods = (first, 1, last, 1)
            chart = self.book.add_chart({"type": "column"})
            self._series(chart, sheet, 0, (0, 2), periods, (first, 2, last, 2))
            line = self.book.add_chart({"type": "line"})
            self._series(line, sheet, 1, (0, 3), periods, (first, 3, last, 3))
            chart.combine(line)
            self._place(chart, f"Use of {shown(resource)}", "in its unit")

    def close(self) -> None:
        """Say so where there is nothing to draw."""
        if not self.count:
            self.sheet.write_string(0, 0, "There is no plan to draw.")

    @staticmethod
    def _series(
        chart: Any,
        sheet: str,
        nth: int,
        name: tuple[int, int],
        categories: tuple[int, int, int, int],
        values: tuple[int, int, int, int],
    ) -> None:
        colour = {"color": PALETTE[nth % len(PALETTE)]}
        chart.add_series(
            {
                "name": [sheet, *name],
                "categories": [sheet, *categories],
                "values": [sheet, *values],
                "fill": colour,
                "line": colour | {"width": 1.5},
            }
        )

    def _place(self, chart: Any, title: str, unit: str) -> None:
        down, right = (
            part * size
            for part, size in zip(divmod(self.count, _ACROSS), (_HIGH, _WIDE), strict=True)
        )
        # A title that refers to a cell is text there; in the chart itself it could be a formula.
        self.sheet.write_string(down, right, fitting(title))
        cell = {"name": [CHARTS, down, right], "data": [title], "name_font": {"size": 12}}
        chart.set_title(cell)
        chart.set_y_axis({"name": unit, "num_format": "#,##0"})
        chart.set_legend({"position": "bottom"})
        chart.set_size(_SIZE)
        self.sheet.insert_chart(down + 1, right, chart)
        self.count += 1


def _runs(rows: Iterable[Values]) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield (first value, (first row, last row)) of rows that follow each other, below a header.

    Examples
    --------
    >>> list(_runs([("a", 1), ("a", 2), ("b", 3)]))
    [('a', (1, 2)), ('b', (3, 3))]
    """
    for name, group in groupby(enumerate(rows, 1), key=lambda pair: pair[1][0]):
        places = [at for at, _ in group]
        yield str(name), (places[0], places[-1])
