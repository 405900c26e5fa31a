"""HTML that is safe by how it is made: text is escaped where it is put in, markup is a type."""

from __future__ import annotations

import base64
import gzip
import html
from collections.abc import Iterable, Sequence

from yieldopt.report.charts.picture import Cell
from yieldopt.report.charts.style import number, shown

_MOST = 200  # characters of a text in a cell
_EMPTY = frozenset({"meta", "br"})
_ENDED_BY_NEXT = frozenset({"td", "tr"})  # an eighth of a page of many tables would be their ends
_REPLACED = "\N{REPLACEMENT CHARACTER}"


class Markup(str):
    """Text that is HTML already; all other text is escaped."""


Content = str | Markup | None | Iterable["Content"]


def escaped(content: Content) -> Markup:
    """Return content as HTML; half characters, control and direction marks are shown as such.

    Examples
    --------
    >>> escaped("<b> & \\ud800")
    '&lt;b&gt; &amp; �'
    >>> escaped([Markup("<br>"), "<br>", None])
    '<br>&lt;br&gt;'
    """
    if content is None:
        return Markup()
    if isinstance(content, Markup):
        return content
    if isinstance(content, str):
        plain = "".join(c if c.isprintable() or c in "\n\t" else _REPLACED for c in content)
        return Markup(html.escape(plain))
    return Markup("".join(escaped(part) for part in content))


def tag(name: str, /, *content: Content, **attributes: str | bool) -> Markup:
    """Return an element; ``_`` of an attribute's name is ``-``, one at its end is dropped.

    Examples
    --------
    >>> tag("a", "x < y", href='"', class_="far", hidden=False, data_key="k")
    '<a href="&quot;" class="far" data-key="k">x &lt; y</a>'
    >>> tag("br")
    '<br>'
    """
    head = name
    for key, value in attributes.items():
        label = key.rstrip("_").replace("_", "-")
        if value is True:
            head += f" {label}"
        elif value is not False:
            head += f' {label}="{escaped(value)}"'
    inner = "" if name in _EMPTY else escaped(content)
    end = "" if name in _EMPTY | _ENDED_BY_NEXT else f"</{name}>"
    return Markup(f"<{head}>{inner}{end}")


def cut(text: str) -> str:
    """Return a text as a cell shows it: in one line, the middle of a long one cut out."""
    return shown(text, _MOST)


def table(columns: Sequence[str], rows: Iterable[Sequence[Cell | Markup]], label: str) -> Markup:
    """Return a table that can be scrolled by keys; ``label`` says what it is.

    Columns of numbers alone are told by classes of the table, ``c1`` for the first.
    """
    held = list(rows)
    head = tag("tr", [tag("th", cut(name), scope="col") for name in columns])
    body = [tag("tr", [tag("td", _cell(cell)) for cell in row]) for row in held]
    counted = [f"c{at}" for at, cells in enumerate(zip(*held, strict=True), 1) if _numbers(cells)]
    whole = tag("table", tag("thead", head), tag("tbody", body), class_=" ".join(counted))
    return tag("div", whole, class_="wide", tabindex="0", role="region", aria_label=cut(label))


def _numbers(cells: Iterable[Cell | Markup]) -> bool:
    return all(c is None or (isinstance(c, int | float) and not isinstance(c, bool)) for c in cells)


def _cell(cell: Cell | Markup) -> Content:
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int | float):
        return number(cell)
    return cut(cell) if isinstance(cell, str) and not isinstance(cell, Markup) else cell


def folded(summary: str, *content: Content, **attributes: str | bool) -> Markup:
    """Return content behind a line that opens it."""
    return tag("details", tag("summary", summary), *content, **attributes)


def packed(text: str, key: str) -> Markup:
    """Return text as a script that does not run: compressed, in base 64.

    Examples
    --------
    >>> held = packed("</script>", "k").removesuffix("</script>").rpartition(">")[2]
    >>> gzip.decompress(base64.b64decode(held))
    b'</script>'
    """
    held = base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
    return tag("script", Markup(held), type="application/gzip", id=key)
