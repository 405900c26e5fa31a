"""The U-curve of every insertion: what each of its levels costs, and which is the optimum."""

from __future__ import annotations

from collections.abc import Iterator

import altair as alt

from yieldopt.explanation import Explanation
from yieldopt.explanation.accounts import InsertionAccount
from yieldopt.report.charts.picture import Cell, Chart, Picture, Rows, inline
from yieldopt.report.charts.style import BLUE, GREY, ORANGE, WIDTH, labels, shown
from yieldopt.report.text import usd

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
    return Picture(key, title, _line(told), chart, heads, table)


def _line(told: list[InsertionAccount]) -> str:
    saving = [(a.saves_usd_per_good, a) for a in told if a.saves_usd_per_good is not None]
    if not saving:
        return "The optimum of each is marked; none of the tests can be left out."
    saves, account = max(saving, key=lambda pair: pair[0])
    where = shown(account.insertion)
    return f"{where} at {shown(account.level)} saves most: {usd(saves)} USD per good package."


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
    y = alt.Y("usd:Q", title="USD per good", scale=alt.Scale(zero=False))
    colour = alt.Color(
        "what:N",
        title=None,
        scale=alt.Scale(domain=[_ANEW, _HELD], range=[BLUE, GREY]),
        legend=alt.Legend(orient="top"),
    )
    tips = [
        alt.Tooltip("insertion:N"),
        alt.Tooltip("level:N"),
        alt.Tooltip("what:N", title="with"),
        alt.Tooltip("usd:Q", title="USD per good", format=",.2f"),
        alt.Tooltip("dppm:Q", title="DPPM", format=",.1f"),
    ]
    base = alt.Chart(inline(rows)).encode(x=x, y=y)
    dash = alt.StrokeDash("what:N", legend=None, sort=[_ANEW, _HELD])
    lines = base.mark_line().encode(color=colour, strokeDash=dash)
    points = base.mark_point(filled=True, size=40).encode(color=colour, tooltip=tips)
    chosen = (
        base.transform_filter("datum.chosen")
        .mark_point(shape="diamond", size=220, color=ORANGE, filled=False, strokeWidth=3)
        .encode(tooltip=tips)
    )
    panel: alt.LayerChart = (lines + points + chosen).properties(width=WIDTH // 2 - 40, height=130)
    header = alt.Header(labelLimit=WIDTH // 2)
    facets: Chart = panel.facet(
        alt.Facet("insertion:N", sort=insertions, title=None, header=header), columns=2
    ).resolve_scale(x="independent", y="independent")
    return facets
