"""Pictures in a page: a place for each chart, its line, its table; and the charts as data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from yieldopt.report.charts.picture import Picture
from yieldopt.report.charts.style import counted
from yieldopt.report.page.markup import Markup, cut, folded, table, tag

_MOST_ROWS = 500


def figures(pictures: Iterable[Picture], products: Sequence[str]) -> Markup:
    """Return all pictures, each with its line and its table, under the product that it is of.

    Parameters
    ----------
    pictures
        In the order of a report; what stands before ``-`` in their keys groups them.
    products
        Names: ``p1`` is of the first.
    """
    heads = {f"p{number}": name for number, name in enumerate(products, 1)}
    groups: dict[str, list[Markup]] = {}
    for picture in pictures:
        groups.setdefault(picture.key.partition("-")[0], []).append(_figure(picture))
    names = {key: cut(heads.get(key, "The plan")) for key in groups}
    links = [tag("a", name, href=f"#of-{key}") for key, name in names.items()]
    parts = [
        tag("section", tag("h3", names[key]), found, id=f"of-{key}", class_="group")
        for key, found in groups.items()
    ]
    contents = tag("nav", links, aria_label="Pictures by product") if len(links) > 1 else None
    words = "Charts need JavaScript; the tables below hold the same numbers."
    none = None if parts else tag("p", "None: there is no plan to show.")
    return tag(
        "section",
        tag("h2", "Pictures"),
        tag("noscript", tag("p", words)),
        contents,
        none,
        parts,
        id="pictures",
    )


def chart_data(pictures: Iterable[Picture]) -> list[dict[str, Any]]:
    """Return what the page draws: key and Vega-Lite specification of every picture."""
    return [{"key": picture.key, "spec": picture.spec()} for picture in pictures]


def _figure(picture: Picture) -> Markup:
    caption = f"{picture.key}-title"
    return tag(
        "figure",
        tag("h4", picture.title, id=caption),
        tag("p", picture.line, class_="line"),
        tag("div", class_="chart", id=picture.key, role="img", aria_labelledby=caption),
        _table(picture.title, picture.columns, picture.rows),
    )


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Markup:
    words = f"Table ({counted(len(rows), 'row')})"
    if len(rows) > _MOST_ROWS:
        words += (
            f"; shown are the first {_MOST_ROWS}, `yieldopt solve CASE --out FOLDER` writes all"
        )
    return folded(words, table(columns, rows[:_MOST_ROWS], f"Table: {title}"))
