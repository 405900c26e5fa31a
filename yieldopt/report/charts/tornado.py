"""What the range of each input does to the cost per good package."""

from __future__ import annotations

import altair as alt

from yieldopt.report.charts.picture import Chart, Picture, Rows, inline, names_down
from yieldopt.report.charts.style import BAND, BLUE, RED, WIDTH, counted, labels, shown
from yieldopt.report.text import usd
from yieldopt.study.tornado import Tornado, TornadoRow

_ROWS = 20  # as many inputs as the chart shows; the table has all
_ENDS = ("at its low", "at its high")


def tornado_bars(key: str, found: Tornado) -> Picture | None:
    """Return the inputs with the largest swing as bars; ``None`` where none has a swing.

    Parameters
    ----------
    key
        Of the picture.
    found
        The tornado of a product; assumed inputs are marked with a star.

    Examples
    --------
    >>> from yieldopt import load
    >>> from yieldopt.study.tornado import tornado
    >>> tornado_bars("t", tornado(load("minimal"), "asic")).line
    'parts.hbm3e_8h.price_usd moves most, 544.23 USD from end to end.'
    """
    base = found.cost_per_good_usd
    if not found.rows or base is None:
        return None
    first = found.rows[:_ROWS]
    names = labels((row.input.key for row in first), 50)
    stars = {k: f"{name} *" if r.input.is_assumed else name for r, (k, name) in _with(first, names)}
    rows = [cells for row in first for cells in _ends(row, stars[row.input.key], base)]
    heads = (
        "input", "unit", "low", "base", "high", "USD per good at low", "USD per good at high",
        "swing [USD]", "assumed", "source",
    )  # fmt: skip
    table = tuple(
        (
            row.input.key, row.input.unit, row.low.value, row.input.base, row.high.value,
            row.low.cost_per_good_usd, row.high.cost_per_good_usd, row.swing_usd,
            row.input.is_assumed, row.input.source,
        )
        for row in found.rows
    )  # fmt: skip
    where = f"{shown(found.product)} on {shown(found.route or '')}"
    title = f"Inputs of {where} over their ranges, one at a time"
    chart = _chart(rows, list(stars.values()), base)
    return Picture(key, title, _line(found), chart, heads, table)


def _with(
    rows: tuple[TornadoRow, ...], names: dict[str, str]
) -> list[tuple[TornadoRow, tuple[str, str]]]:
    return [(row, (row.input.key, names[row.input.key])) for row in rows]


def _line(found: Tornado) -> str:
    swings = [(row.swing_usd, row) for row in found.rows if row.swing_usd is not None]
    barred = [row for row in found.rows if row.swing_usd is None]
    line = "The range of no input changes the cost"
    if swings:
        swing, row = swings[0]
        most = "moves most" + (" of those varied" if found.not_done else "")
        line = f"{shown(row.input.key, 60)} {most}, {usd(swing)} USD from end to end"
    if barred:
        where = shown(found.route or "")
        line += f"; at an end of {counted(len(barred), 'input')} it cannot be made on {where}"
    if found.not_done:
        line += f"; time ended before {counted(len(found.not_done), 'input')} could be varied"
    return line + "."


def _ends(row: TornadoRow, name: str, base: float) -> Rows:
    """Return the ends that differ from the base, the farther first: it is drawn below the other."""
    one = row.input
    out: Rows = []
    for what, end in zip(_ENDS, (row.low, row.high), strict=True):
        cost = end.cost_per_good_usd
        shared = {"input": name, "base": base, "value": end.value, "unit": one.unit, "end": what}
        if cost is None:
            why = shown("; ".join(end.reasons), 200)
            out.append(shared | {"usd": base, "why": why, "says": f"cannot be made {what}"})
        elif cost != base:
            out.append(shared | {"usd": cost, "why": "", "says": ""})
    return sorted(out, key=lambda end: -abs(end["usd"] - base))


def _chart(rows: Rows, inputs: list[str], base: float) -> Chart:
    y = names_down("input", inputs, "input (* assumed)")
    colour = alt.Color(
        "end:N",
        title="the input is",
        scale=alt.Scale(domain=list(_ENDS), range=[BLUE, RED]),
        legend=alt.Legend(orient="top"),
    )
    tips = [
        alt.Tooltip("input:N"),
        alt.Tooltip("end:N", title="input is"),
        alt.Tooltip("value:Q", title="at", format=".6g"),
        alt.Tooltip("unit:N"),
        alt.Tooltip("usd:Q", title="USD per good", format=",.2f"),
    ]
    why = [*tips[:-1], alt.Tooltip("says:N", title="it"), alt.Tooltip("why:N")]
    x = alt.X("base:Q", title="USD per good package", scale=alt.Scale(zero=False))
    ends = alt.Chart(inline([row for row in rows if not row["says"]]))
    bars = ends.mark_bar().encode(y=y, color=colour, x=x, x2="usd:Q", tooltip=tips)
    rule = alt.Chart(inline([{"base": base}])).mark_rule(strokeWidth=1.5).encode(x="base:Q")
    out = [row for row in rows if row["says"]]
    words = alt.Chart(inline(out)).mark_text(align="left", dx=5, fontSize=11)
    barred = words.encode(y=y, x=x, text="says:N", tooltip=why)
    layers = (bars, rule, barred) if out else (bars, rule)  # Vega warns of a layer without data
    return alt.layer(*layers).properties(width=WIDTH, height=alt.Step(BAND))
