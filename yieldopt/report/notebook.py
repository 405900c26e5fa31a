"""Results in a notebook: HTML that is safe with any name, and frames of the same tables."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any

from yieldopt.report.frames import Kind, Table, frame, pandas_frame
from yieldopt.report.text import quantity, usd
from yieldopt.report.views import Sheet, View
from yieldopt.report.views_parts import ByColumn, view

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from yieldopt.report.charts import Picture

_MOST_ROWS, _MOST_SIGNS = 40, 80  # of a table, and of a text in it; frames have all
_OPEN = 2  # as many tables, and as many pictures, stand open; the others unfold
_MOST_PICTURES = 12
_UNITS = {
    Kind.PACKAGES: "good packages",
    Kind.USD: "USD",
    Kind.PPM: "ppm",
    Kind.FRACTION: "%",
    Kind.PER_GOOD: "per good package",
}
_STYLE = (
    "<style>div.yieldopt table.t{border-collapse:collapse;margin:.4em 0 1em}"
    "div.yieldopt table.t caption,div.yieldopt summary{text-align:left;font-weight:bold}"
    "div.yieldopt table.t th,div.yieldopt table.t td{padding:.1em .6em;text-align:left;"
    "vertical-align:top}"
    "div.yieldopt table.t .n{text-align:right;font-variant-numeric:tabular-nums}"
    "div.yieldopt small{font-weight:normal;opacity:.7}"
    "div.yieldopt img{max-width:100%}</style>"
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
    return _page(view(found), ())


def bundle(found: Any) -> dict[str, Any]:
    """Return a result in every form that a notebook may choose from, by MIME type.

    Parameters
    ----------
    found
        What :func:`yieldopt.report.views.view` shows.

    Returns
    -------
    dict
        Plain text; HTML: what :func:`html` gives with the pictures drawn in it, which needs neither
        a script nor a network; and, where there are pictures, all of them as one chart of
        Vega-Lite, which answers to the pointer.

    Examples
    --------
    >>> from yieldopt import load, solve
    >>> print(bundle(solve(load("minimal")))["text/plain"].splitlines()[0][:30])
    optimal: 2,208.30 USD (bound 2
    """
    from yieldopt.report.charts.picture import VEGA_LITE
    from yieldopt.report.charts.style import counted
    from yieldopt.report.pictured import pictured, together

    shown = view(found)
    drawn = pictured(found)
    told = drawn[:_MOST_PICTURES]
    images = [(picture.title, _image(picture)) for picture in told]
    rest = len(drawn) - len(told)
    head = shown.head + (f"\n{counted(rest, 'more picture')}: yieldopt charts" if rest else "")
    out: dict[str, Any] = {
        "text/plain": head,
        "text/html": _page(replace(shown, head=head), images),
    }
    return out | ({VEGA_LITE: together(told, head)} if told else {})


def _image(picture: Picture) -> str:
    """As an image: what is in it can run no script and meets no name of the page."""
    data = b64encode(picture.svg().encode("utf-8", "replace")).decode("ascii")
    told = _safe(f"{picture.title}. {picture.line}")
    source = f"data:image/svg+xml;base64,{data}"
    return f'<p><img alt="{told}" src="{source}"><br><small>{_safe(picture.line)}</small></p>'


def _page(shown: View, images: Iterable[tuple[str, str]]) -> str:
    head = "<br>".join(map(_safe, shown.head.splitlines()))
    tables = [
        (f"{name.replace('_', ' ')}, {len(sheet.rows)} rows", _table(name, sheet))
        for name, sheet in shown.sheets.items()
        if sheet.rows
    ]
    body = _folded(images) + _folded(tables)
    return f'<div class="yieldopt">{_STYLE}<p>{head}</p>{body}</div>'


def _folded(parts: Iterable[tuple[str, str]]) -> str:
    """Return parts with those after the first under a line that unfolds them."""
    return "".join(
        part if at < _OPEN else f"<details><summary>{_safe(title)}</summary>{part}</details>"
        for at, (title, part) in enumerate(parts)
    )


def _table(name: str, sheet: Sheet) -> str:
    heads = "".join(
        f"<th{_side(kind)}>{_safe(column)}{_unit(kind)}</th>"
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
    head = f"<thead><tr>{heads}</tr></thead>"
    return f'<table class="t">{caption}{head}<tbody>{rows}</tbody></table>{more}'


def _unit(kind: Kind) -> str:
    # A notebook that is not trusted keeps breaks, but no style.
    return f"<br><small>{_UNITS[kind]}</small>" if kind in _UNITS else ""


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
        name: frame(Table(sheet.columns), _held(sheet))
        for name, sheet in view(found).sheets.items()
    }


def pandas_frames(found: Any) -> dict[str, pd.DataFrame]:
    """Return the tables of a result as pandas frames: text, nullable booleans and doubles."""
    return {
        name: pandas_frame(sheet.columns, _held(sheet))
        for name, sheet in view(found).sheets.items()
    }


def _held(sheet: Sheet) -> Any:
    """Return what frames are made of: columns where they are there, else rows."""
    return sheet.rows.held if isinstance(sheet.rows, ByColumn) else list(sheet.rows)
