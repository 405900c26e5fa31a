"""The U-curve of every insertion: what each of its levels costs, and which is the optimum."""

from __future__ import annotations

from collections.abc import Iterator

import altair as alt

from yieldopt.explanation import Explanation
from yieldopt.explanation.accounts import InsertionAccount
from yieldopt.report.charts.picture import Cell, Chart, Picture, Rows, inline
from yieldopt.report.charts.style import BLUE, GREY, RED, WIDTH, counted, labels, shown
from yieldopt.report.text import usd

_FEW = alt.Axis(tickCount=4)
_OFF = "off"
_ANEW, _HELD = "all other levels chosen anew", "all other levels held"


def u_curves(key: str, product: str, found: Explanation) -> Picture | None:
    """Return the cost at every level of every insertion; ``None`` where there is nothing to choose.

    Parameters
    ----------
    key, product
        Of the picture; for its title.
    found
        The best plan explained. Levels at which no plan is allowed have no point.

    Examples
    --------
    >>> from yieldopt import load
    >>> from yieldopt.explanation import explain
    >>> found = explain(load("minimal"), "asic", insertion="package/final_test").explanation
    >>> [cells[1] for cells in u_curves("u", "asic", found).rows if cells[2]]
    ['f995']
    """
    told = [account for account in found.insertions if len(account.levels) > 1]
    if not told:
        return None
    names = labels((account.insertion for account in told), 40)
    rows = [row for account in told for row in _points(account, names[account.insertion])]
    table = tuple(cells for account in told for cells in _cells(account))
    heads = (
        "insertion", "level", "chosen", "others anew: cost per good [USD]", "DPPM",
        "others held: cost per good [USD]", "DPPM held",
    )  # fmt: skip
    title = f"What each test level costs: U-curves of {shown(product)}"
    chart = _chart(rows, list(names.values()))
    return Picture(key, title, _line(found, told), chart, heads, table)


def _line(found: Explanation, told: list[InsertionAccount]) -> str:
    saving = [(a.saves_usd_per_good or 0.0, a) for a in told if a.saves_usd_per_good]
    needed = [a for a in told if a.saves_usd_per_good is None and a.level != _OFF]
    line = "The optimum of each is marked"
    if saving:
        saves, account = max(saving, key=lambda pair: pair[0])
        where = shown(account.insertion)
        most = "saves most" + (" of what is known" if found.searches_unproved else "")
        line = f"{where} at {shown(account.level)} {most}: {usd(saves)} USD per good package"
    if needed and not found.searches_unproved:
        line += f"; without {counted(len(needed), 'test')} of these no plan is allowed"
    late = found.searches_unproved
    line += f"; time ended before {counted(late, 'search', 'es')} were proved" if late else ""
    return line + "."


def _points(account: InsertionAccount, name: str) -> Iterator[dict[str, Cell]]:
    levels = labels((level.level for level in account.levels), 16)
    for place, level in enumerate(account.levels):
        chosen = level.level == account.level
        shared: dict[str, Cell] = {
            "insertion": name,
            "level": levels[level.level],
            "place": place,
            "chosen": chosen,
        }
        if level.best is not None:
            usd_, dppm = level.best.cost_per_good_usd, level.best.dppm
            yield shared | {"what": _ANEW, "usd": usd_, "dppm": dppm}
        if level.held is not None and level.held_is_allowed:
            usd_, dppm = level.held.cost_per_good_usd, level.held.dppm
            yield shared | {"what": _HELD, "usd": usd_, "dppm": dppm}


def _cells(account: InsertionAccount) -> Iterator[tuple[Cell, ...]]:
    for level in account.levels:
        best, held = level.best, level.held
        anew = (best.cost_per_good_usd, best.dppm) if best else (None, None)
        kept = (held.cost_per_good_usd, held.dppm) if held else (None, None)
        yield account.insertion, level.level, level.level == account.level, *anew, *kept


def _chart(rows: Rows, insertions: list[str]) -> Chart:
    x = alt.X("level:N", sort=alt.EncodingSortField("place", op="min"), title="level")
    y = alt.Y("usd:Q", title="USD per good", scale=alt.Scale(zero=False), axis=_FEW)
    colour = alt.Color(
        "what:N",
        title=None,
        scale=alt.Scale(domain=[_ANEW, _HELD], range=[BLUE, GREY]),
        legend=alt.Legend(orient="top", labelLimit=WIDTH // 2),
    )
    tips = [
        alt.Tooltip("insertion:N"),
        alt.Tooltip("level:N"),
        alt.Tooltip("what:N", title="with"),
        alt.Tooltip("usd:Q", title="USD per good", format=",.2f"),
        alt.Tooltip("dppm:Q", title="DPPM", format=",.1f"),
    ]
    base = alt.Chart(inline(rows)).encode(x=x, y=y)
    layers = []
    for what, dash in ((_HELD, [4, 3]), (_ANEW, [1, 0])):  # the better one is drawn above
        own = base.transform_filter(alt.datum.what == what)
        layers.append(own.mark_line(strokeDash=dash).encode(color=colour))
        layers.append(
            own.mark_point(filled=True, size=40, opacity=1).encode(color=colour, tooltip=tips)
        )
    chosen = (
        base.transform_filter("datum.chosen")
        .mark_point(shape="diamond", size=220, color=RED, filled=False, strokeWidth=3)
        .encode(tooltip=tips)
    )
    panel = alt.layer(*layers, chosen).properties(width=WIDTH // 2 - 40, height=130)
    header = alt.Header(labelLimit=WIDTH // 2)
    facets: Chart = panel.facet(
        alt.Facet("insertion:N", sort=insertions, title=None, header=header), columns=2
    ).resolve_scale(x="independent", y="independent")
    return facets
