"""Results in a notebook: HTML that is safe with any name, and frames of the same tables."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from yieldopt.report.frames import Kind, Table, frame
from yieldopt.report.text import quantity, usd
from yieldopt.report.views import Sheet
from yieldopt.report.views_studies import view

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

_MOST_ROWS, _MOST_SIGNS = 40, 80  # of a table, and of a text in it; frames have all
_UNITS = {
    Kind.PACKAGES: "good packages",
    Kind.USD: "USD",
    Kind.PPM: "ppm",
    Kind.FRACTION: "%",
    Kind.PER_GOOD: "per good package",
}
_STYLE = (
    "<style>.yieldopt table{border-collapse:collapse;margin:.4em 0 1em}"
    ".yieldopt caption{text-align:left;font-weight:bold}"
    ".yieldopt th,.yieldopt td{padding:.1em .6em;text-align:left;vertical-align:top}"
    ".yieldopt .n{text-align:right;font-variant-numeric:tabular-nums}"
    ".yieldopt small{font-weight:normal;opacity:.7;display:block}</style>"
)


def html(found: Any) -> str:
    """Return a result as HTML for a notebook: what it is, and every table that has rows.

    Parameters
    ----------
    found
        What :func:`yieldopt.report.views.view` shows.

    Examples
    --------
    >>> from yieldopt import load, solve
    >>> "osat_2p5d" in html(solve(load("minimal")))
    True
    """
    shown = view(found)
    tables = [_table(name, sheet) for name, sheet in shown.sheets.items() if sheet.rows]
    head = "<br>".join(map(_safe, shown.head.splitlines()))
    return f'<div class="yieldopt">{_STYLE}<p>{head}</p>{"".join(tables)}</div>'


def _table(name: str, sheet: Sheet) -> str:
    heads = "".join(
        f"<th{_side(kind)}>{_safe(column)}<small>{_UNITS.get(kind, '')}</small></th>"
        for column, kind in sheet.columns.items()
    )
    rows = "".join(
        "<tr>"
        + "".join(_cell(kind, row[column]) for column, kind in sheet.columns.items())
        + "</tr>"
        for row in sheet.rows[:_MOST_ROWS]
    )
    rest = len(sheet.rows) - _MOST_ROWS
    more = f"<p>… {rest} more rows: to_polars()[{name!r}]</p>" if rest > 0 else ""
    caption = f"<caption>{_safe(name.replace('_', ' '))}</caption>"
    return f"<table>{caption}<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>{more}"


def _side(kind: Kind) -> str:
    return "" if kind in (Kind.TEXT, Kind.FLAG) else ' class="n"'


def _cell(kind: Kind, value: Any) -> str:
    text = _shown(kind, value)
    if len(text) > _MOST_SIGNS:
        cut = text[: _MOST_SIGNS - 1] + "…"
        return f'<td title="{_safe(text)}">{_safe(cut)}</td>'
    return f"<td{_side(kind)}>{_safe(text)}</td>"


def _shown(kind: Kind, value: Any) -> str:
    if value is None:
        return ""
    if kind is Kind.TEXT:
        return str(value)
    if kind is Kind.FLAG:
        return "yes" if value else "no"
    if kind is Kind.PACKAGES:
        return f"{value:,.0f}"
    if kind is Kind.PPM:
        return f"{value:,.1f}"
    if kind is Kind.FRACTION:
        return f"{value:.4%}"
    return usd(value) if kind is Kind.USD else quantity(value)


def _safe(text: str) -> str:
    """Escape a text; half a surrogate pair, which no file can hold, becomes a question mark."""
    return escape(text.encode("utf-8", "replace").decode("utf-8"))


def polars_frames(found: Any) -> dict[str, pl.DataFrame]:
    """Return the tables of a result as polars frames, also those without rows."""
    return {
        name: frame(Table(sheet.columns), list(sheet.rows))
        for name, sheet in view(found).sheets.items()
    }


def pandas_frames(found: Any) -> dict[str, pd.DataFrame]:
    """Return the tables of a result as pandas frames: text, nullable booleans and doubles."""
    import pandas as pd

    types = {Kind.TEXT: object, Kind.FLAG: "boolean"}
    return {
        name: pd.DataFrame(sheet.rows, columns=list(sheet.columns)).astype(
            {column: types.get(kind, float) for column, kind in sheet.columns.items()}
        )
        for name, sheet in view(found).sheets.items()
    }
