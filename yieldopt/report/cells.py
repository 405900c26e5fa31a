"""How values stand in the cells of a workbook: all digits, text as text, formats, widths, print."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Sequence
from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from yieldopt.report.frames import Kind

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

FORMATS: dict[Kind, str] = {
    Kind.PACKAGES: "#,##0",
    Kind.USD: "$#,##0.00",
    Kind.PPM: "#,##0.0",
    Kind.FRACTION: "0.0000%",
    Kind.AMOUNT: "#,##0.00",
    Kind.PER_GOOD: "0.000000",
}
WHOLE_USD = "$#,##0"
_FLAG = '"TRUE";"TRUE";"FALSE"'  # LibreOffice has no flags of its own: it shows 1 and 0
_MANY_USD = 1e6  # a column that goes so far shows no cents
# Excel's own limits: rows and columns of a sheet, UTF-16 units of a cell.
MAX_ROWS, MAX_COLUMNS, MAX_UNITS = 1_048_576, 16_384, 32_767
_NARROW, _WIDE = 10, 60  # columns, in characters
_WRAPPED = 600  # characters of a text that is shown on several lines; a longer one goes on one
_LINE = 15.0  # points of a line of text
_PAGE = 200  # characters across a page
_ASIDE = {"align": "left", "indent": 1}  # away from a number in the column before
_HEADER = {"bold": True, "bg_color": "#DDE6F0", "bottom": 1, "valign": "top"}


class Exact(float):
    """A number that goes into the file with all its digits: xlsxwriter itself keeps sixteen.

    Examples
    --------
    >>> f"{0.1 + 0.2:.16G}", f"{Exact(0.1 + 0.2):.16G}"
    ('0.3', '0.30000000000000004')
    """

    def __format__(self, spec: str) -> str:
        return repr(float(self))


class Formats:
    """The formats of a workbook's cells, each made once."""

    def __init__(self, book: Workbook) -> None:
        def made(**how: object) -> Format:
            return book.add_format({"valign": "top", **how})

        self.header, self.header_right = made(**_HEADER, **_ASIDE), made(**_HEADER, align="right")
        self.title = made(bold=True, font_size=14)
        self.label, self.right = made(bold=True), made(align="right")
        self.note = made(italic=True, font_color="#595959", **_ASIDE)
        self.link = made(font_color="#0563C1", underline=1)
        self.text, self.wrapped = made(**_ASIDE), made(text_wrap=True, **_ASIDE)
        self.whole = made(num_format="#,##0")
        self._kinds = {kind: made(num_format=text) for kind, text in FORMATS.items()}
        self._kinds[Kind.FLAG] = made(num_format=_FLAG, **_ASIDE)
        self._whole_usd = made(num_format=WHOLE_USD)

    def head(self, kind: Kind) -> Format:
        """Return the format of a column's name: on the side on which its values stand."""
        return self.header_right if kind in FORMATS else self.header

    def of(self, kind: Kind, values: Iterable[Any]) -> Format:
        """Return the format of a column of values, or of some of it; no cents beside millions."""
        if kind is Kind.USD:
            most = max((abs(value) for value in values if value is not None), default=0.0)
            if most >= _MANY_USD:
                return self._whole_usd
        return self._kinds.get(kind, self.text)

    def fitted(self, text: str, width: float) -> Format | None:
        """Return the format of a text in a column; ``None`` where the column's own will do."""
        return self.wrapped if width - 3 < len(text) <= _WRAPPED else None

    def height(self, cells: Iterable[tuple[Format | None, str, float]]) -> float | None:
        """Return the height of a row by its cells' format, text and width; ``None``: as any row."""
        lines = [
            len(wrap(text, max(1, int(width) - 4)))
            for form, text, width in cells
            if form is self.wrapped
        ]
        return _LINE * max(lines) if lines else None


def width_of(name: str, kind: Kind, values: Iterable[Any]) -> float:
    """Return a column's width in characters: its header with a filter button, its values."""
    if kind is Kind.TEXT:
        longest = max((len(value) for value in values if value is not None), default=0)
    else:
        most = max((abs(value) for value in values if value is not None), default=0.0)
        longest = len(f"{most:,.2f}") + 2
    return min(max(len(name) + 4, longest + 3, _NARROW), _WIDE)


def set_print(sheet: Worksheet, widths: Sequence[float]) -> None:
    """Print a sheet across, all its columns on a page where they can be read, its header on each.

    Parameters
    ----------
    sheet
        With its header in the first row.
    widths
        Of its columns, in characters.
    """
    pages = max(1, math.ceil(sum(widths) / _PAGE))
    sheet.set_landscape()
    sheet.fit_to_pages(pages, 0)
    sheet.repeat_rows(0)
    if pages > 1:
        sheet.repeat_columns(0)
    set_margins(sheet)


def set_margins(sheet: Worksheet) -> None:
    """Print the sheet's name and the number of the page below each page."""
    sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.7)
    sheet.set_footer("&L&A&R&P / &N")


def fitting(text: str) -> str:
    """Return text as a cell takes it: cut, and saying so, where it is longer than a cell holds.

    xlsxwriter takes text between ``<r>`` and ``</r>`` for markup of its own: such text is given to
    it as that markup, a single run of plain text.
    """
    units = text.encode("utf-16-le")
    if len(units) > 2 * MAX_UNITS:
        mark = f" … (cut: {len(text):,} characters in the CSV)"
        text = units[: 2 * (MAX_UNITS - len(mark))].decode("utf-16-le", "ignore") + mark
    if text.startswith("<r>") and text.endswith("</r>"):
        return f'<r><t xml:space="preserve">{escape(text, quote=False)}</t></r>'
    return text


class Held(io.BytesIO):
    """Bytes of a file. A zip file that failed closes itself once more when it is thrown away: it
    must find them open, or Python tells of that too.
    """

    def close(self) -> None:
        """Stay open."""
