"""Charts of a workbook, drawn by the spreadsheet program from the cells of its other sheets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from yieldopt.read.book.layout import BARS, PLAN, WATERFALLS
from yieldopt.report.cells import fitting, set_margins
from yieldopt.report.charts.style import GREY, LOST, PALETTE, SKY, category_colour, shown
from yieldopt.report.workbook import Columns, Values

if TYPE_CHECKING:
    from xlsxwriter import Workbook

TOTAL = "total"  # the last bar of a waterfall
_SERIES = 255  # that a chart can have
_WIDE, _HIGH, _ACROSS, _DOWN = 8, 19, 2, 3  # columns and rows of a chart; charts of a printed page
_SIZE = {"width": 504, "height": 364}
_SCALE = 52  # per cent: what brings a page's charts onto A4 and Letter
_LINE = {"color": "#595959", "width": 0.75}  # told from the ground where the fill is light
_GRID = {"visible": True, "line": {"color": "#D9D9D9", "width": 0.5}}
_SMALL = {"size": 9}
_BAR_COLOURS = {"scrap": LOST, TOTAL: GREY}


class Drawing:
    """A sheet of charts; those that are added stand side by side, then below each other."""

    def __init__(self, book: Workbook, name: str) -> None:
        self.book, self.name = book, name
        self.sheet = book.add_worksheet(name)
        self.sheet.hide_gridlines(2)
        self.sheet.set_print_scale(_SCALE)
        set_margins(self.sheet)
        self.count = 0

    def routes(self, columns: Columns, rows: Sequence[Values]) -> None:
        """Add a chart for each product: what a good package costs on each route, by category.

        Parameters
        ----------
        columns, rows
            Of the sheet of waterfalls: product, route, categories, their sum, and two texts. Rows
            without a sum come last of a product, and are not drawn.
        """
        for (product,), (first, final) in _runs(rows, 1):
            last = max(
                (at for at in range(first, final + 1) if rows[at - 1][-3] is not None), default=0
            )
            if not last:
                continue
            chart = self._stacked()
            routes = (first, 1, last, 1)
            for at in range(2, len(columns) - 3):
                look = {"fill": {"color": category_colour(columns[at][0])}, "border": _LINE}
                _series(chart, WATERFALLS, (0, at), routes, (first, at, last, at), look)
            self._place(chart, f"Cost per good package of {shown(product)}", "USD per good")

    def waterfalls(self, bars: Sequence[Values]) -> None:
        """Add a chart for each route of each product: each category on top of those before it.

        Parameters
        ----------
        bars
            Of the sheet of bars: product, route, category, where it begins, its size.
        """
        for (product, route), (first, last) in _runs(bars, 2):
            chart = self._stacked()
            names = (first, 2, last, 2)
            unseen = {"fill": {"none": True}, "border": {"none": True}, "gap": 30}
            _series(chart, BARS, (0, 3), names, (first, 3, last, 3), unseen)
            fills = (_BAR_COLOURS.get(row[2], SKY) for row in bars[first - 1 : last])
            points = [{"fill": {"color": colour}, "border": _LINE} for colour in fills]
            labels = {"value": True, "num_format": "#,##0", "font": _SMALL, "position": "center"}
            look = {"points": points, "border": _LINE, "data_labels": labels, "gap": 30}
            _series(chart, BARS, (0, 4), names, (first, 4, last, 4), look)
            title = f"Cost per good package of {shown(product)} on {shown(route)}"
            self._place(chart, title, "USD per good", legend=False)

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
        for (product,), (first, final) in _runs((row[1:] for row in rows), 1):
            chart = self._stacked()
            periods = (0, keys, 0, last)
            for nth, at in enumerate(range(first, min(final, first + _SERIES - 1) + 1)):
                _series(chart, sheet, (at, 0), periods, (at, keys, at, last), _fill(nth))
            more = f", {_SERIES} lines of it" if final - first >= _SERIES else ""
            self._place(chart, f"Good packages of {shown(product)}{more}", "good packages")

    def capacity(self, rows: Iterable[Values], units: Mapping[str, str]) -> None:
        """Add a chart for each resource: what is used of it and what there is, by period.

        Parameters
        ----------
        rows
            Of the sheet of the use of resources: resource, period, used, capacity.
        units
            Of resources, by name.
        """
        sheet = f"{PLAN}resource_use"
        for (resource,), (first, last) in _runs(rows, 1):
            periods = (first, 1, last, 1)
            chart = self.book.add_chart({"type": "column"})
            look = {"fill": {"color": SKY}, "border": _LINE, "gap": 60}
            _series(chart, sheet, (0, 2), periods, (first, 2, last, 2), look)
            line = self.book.add_chart({"type": "line"})
            marked = {"type": "diamond", "size": 7, "fill": {"color": "#000000"}}
            look = {"line": {"color": "#000000", "width": 1.5}, "marker": marked}
            _series(line, sheet, (0, 3), periods, (first, 3, last, 3), look)
            chart.combine(line)
            self._place(chart, f"Use of {shown(resource)}", shown(units.get(resource, "its unit")))

    def close(self) -> None:
        """Say so where there is nothing to draw; print no chart over the edge of a page."""
        if not self.count:
            self.sheet.write_string(0, 0, "There is no plan to draw.")
            return
        page = _DOWN * _HIGH
        high = -(-self.count // _ACROSS) * _HIGH
        self.sheet.print_area(0, 0, high - 1, _ACROSS * _WIDE - 1)
        self.sheet.set_h_pagebreaks(list(range(page, high, page)))

    def _stacked(self) -> Any:
        return self.book.add_chart({"type": "column", "subtype": "stacked"})

    def _place(self, chart: Any, title: str, unit: str, *, legend: bool = True) -> None:
        down, right = (
            part * size
            for part, size in zip(divmod(self.count, _ACROSS), (_HIGH, _WIDE), strict=True)
        )
        # A title that refers to a cell is text there; in the chart itself it could be a formula.
        self.sheet.write_string(down, right, fitting(title))
        font = {"size": 12}
        chart.set_title({"name": [self.name, down, right], "data": [title], "name_font": font})
        chart.set_x_axis({"num_font": _SMALL})
        axis = {"num_format": "#,##0", "major_gridlines": _GRID, "num_font": _SMALL}
        chart.set_y_axis(axis | {"name": unit, "name_font": _SMALL})
        chart.set_legend({"position": "bottom"} if legend else {"none": True})
        chart.set_size(_SIZE)
        self.sheet.insert_chart(down, right, chart, {"description": title})
        self.count += 1


def _series(
    chart: Any,
    sheet: str,
    name: tuple[int, int],
    categories: tuple[int, int, int, int],
    values: tuple[int, int, int, int],
    look: Mapping[str, Any],
) -> None:
    cells = {
        "name": [sheet, *name],
        "categories": [sheet, *categories],
        "values": [sheet, *values],
    }
    chart.add_series({"gap": 60, **cells, **look})


def _fill(nth: int) -> dict[str, Any]:
    """Return how a part of a stack looks: a colour each, then each once more with lines."""
    colour = PALETTE[nth % len(PALETTE)]
    if nth % (2 * len(PALETTE)) < len(PALETTE):
        return {"fill": {"color": colour}, "border": _LINE}
    lines = {"pattern": "wide_upward_diagonal", "fg_color": colour, "bg_color": "#FFFFFF"}
    return {"pattern": lines, "border": _LINE}


def _runs(rows: Iterable[Values], keys: int) -> Iterator[tuple[tuple[str, ...], tuple[int, int]]]:
    """Yield (first values, (first row, last row)) of rows that follow each other, below a header.

    Examples
    --------
    >>> list(_runs([("a", 1), ("a", 2), ("b", 3)], 1))
    [(('a',), (1, 2)), (('b',), (3, 3))]
    """
    for names, group in groupby(enumerate(rows, 1), key=lambda pair: tuple(pair[1][:keys])):
        places = [at for at, _ in group]
        yield tuple(map(str, names)), (places[0], places[-1])
