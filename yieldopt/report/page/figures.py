"""Pictures in a page: a place for each chart, its line, its table; and the charts as data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from yieldopt.report.charts.picture import Picture
from yieldopt.report.charts.style import counted
from yieldopt.report.page.markup import Markup, cut, folded, table, tag
from yieldopt.report.page.opening import has_plan, made_on
from yieldopt.study import ProductStudy, Study
from yieldopt.study.digest import Decision, decisions

ROWS = (500, 60, 15)  # of a table: fewer where the page would be too large
_NOT_MADE = " The plan does not make it."


def figures(pictures: Iterable[Picture], study: Study, most_rows: int = ROWS[0]) -> Markup:
    """Return all pictures, each with its line and its table, under the product that it is of.

    Parameters
    ----------
    pictures
        In the order of a report; what stands before ``-`` in their keys groups them.
    study
        What they are of: ``p1`` is its first product.
    most_rows
        Of a table; of longer ones the first are shown, and that is said.
    """
    heads = {f"p{number}": product for number, product in enumerate(study.products, 1)}
    planned = decisions(study.result) if has_plan(study.result) else ()
    made = {one.product: one for one in planned}
    names = {key: cut(product.product) for key, product in heads.items()}
    whose = {key: _whose(product, made.get(product.product)) for key, product in heads.items()}
    groups: dict[str, list[Markup]] = {}
    for picture in pictures:
        groups.setdefault(picture.key.partition("-")[0], []).append(_figure(picture, most_rows))
    names = {key: names.get(key, "The plan") for key in groups}
    links = [tag("a", name, href=f"#of-{key}") for key, name in names.items()]
    parts = [
        tag("section", tag("h3", names[key]), whose.get(key), found, id=f"of-{key}", class_="group")
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


def _whose(product: ProductStudy, made: Decision | None) -> Markup | None:
    """Say which route the pictures show: a plan under scarce capacity can take others."""
    if product.best is None:
        return None
    name, route = cut(product.product), cut(product.best.route)
    said = f"By itself, capacity aside, {name} does best on {route}: "
    said += "pictures of one route show that one."
    if made is not None:
        said += f" The plan makes it on {made_on(made)}." if made.shares else _NOT_MADE
    return tag("p", said, class_="line")


def chart_data(pictures: Iterable[Picture]) -> list[dict[str, Any]]:
    """Return what the page draws: key and Vega-Lite specification of every picture."""
    return [{"key": picture.key, "spec": picture.spec()} for picture in pictures]


def _figure(picture: Picture, most_rows: int) -> Markup:
    caption = f"{picture.key}-title"
    return tag(
        "figure",
        tag("h4", picture.title, id=caption),
        tag("p", picture.line, class_="line"),
        tag("div", class_="chart", id=picture.key, role="img", aria_labelledby=caption),
        _table(picture.title, picture.columns, picture.rows, most_rows),
    )


def _table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], most_rows: int
) -> Markup:
    words = f"Table ({counted(len(rows), 'row')})"
    if len(rows) > most_rows:
        words += f"; shown are the first {most_rows}: "
        words += "`explain`, `frontier`, `tornado` and `solve --out` of yieldopt give all"
    return folded(words, table(columns, rows[:most_rows], f"Table: {title}"))
