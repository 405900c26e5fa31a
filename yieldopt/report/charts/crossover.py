"""Where one route takes over from another as an input moves."""

from __future__ import annotations

from collections.abc import Callable

import altair as alt

from yieldopt.breakeven import BreakEven, Crossing
from yieldopt.report.charts.picture import Chart, Picture, Rows, inline
from yieldopt.report.charts.style import BLUE, RED, WIDTH, counted, labels, number, shown
from yieldopt.report.comparison import is_closed
from yieldopt.report.text import usd

_TOLD = 2  # as many crossings as the line names; all are marked
_RATIO = 3.0  # from here on the range is shown by ratios, as it is scanned


def crossover_map(key: str, found: BreakEven, unit: str) -> Picture | None:
    """Return the cost of two routes over the range of an input; ``None`` where none is known.

    Parameters
    ----------
    key
        Of the picture.
    found
        The break-even.
    unit
        Of the input.

    Examples
    --------
    >>> from yieldopt import load
    >>> from yieldopt.breakeven import breakeven
    >>> key = "routes.osat_2p5d.steps.ship_to_osat.cost_usd"
    >>> found = breakeven(load("minimal"), key, ("cowos_s", "osat_2p5d"), low=0.0, high=20.0)
    >>> crossover_map("c", found, "USD").title
    'cowos_s or osat_2p5d, by routes.osat_2p5d.steps.ship_to_osat.cost_usd'
    """
    names = labels(found.routes, 40)
    rows: Rows = [
        {"value": value, "route": names[route], "usd": cost}
        for value, *costs in found.scan
        for route, cost in zip(found.routes, costs, strict=True)
        if cost is not None
    ]
    if not rows:
        return None
    heads = (f"{shown(found.key, 60)} [{unit or '1'}]", *(f"{n} [USD]" for n in names.values()))
    title = f"{shown(found.routes[0])} or {shown(found.routes[1])}, by {shown(found.key, 60)}"
    return Picture(key, title, _line(found, unit), _chart(rows, found, unit), heads, found.scan)


def _line(found: BreakEven, unit: str) -> str:
    def at(value: float) -> str:
        return f"{number(value)} {unit}".rstrip()

    if not found.crossings:
        span = f"from {number(found.low)} to {at(found.high)}"
        if not found.not_known:
            return f"No break-even {span}: {_cheaper(found)}."
        late = counted(len(found.not_known), "value")
        return f"No break-even was found {span}; {late} not reached in time."
    told = [_told(crossing, at) for crossing in found.crossings[:_TOLD]]
    more = len(found.crossings) - len(told)
    told += [f"{counted(more, 'further crossing')} in the chart"] if more else []
    return f"{'; '.join(told)}. The case has {at(found.base)}."


def _cheaper(found: BreakEven) -> str:
    """Say which route costs less where both can be made."""
    both = [(a, b) for _, a, b in found.scan if a is not None and b is not None]
    if not both:
        return "at no value can both be made"
    best = shown(found.routes[0] if both[0][0] <= both[0][1] else found.routes[1])
    where = "throughout" if len(both) == len(found.scan) else "where both can be made"
    return f"{best} costs no more {where}"


def _told(one: Crossing, at: Callable[[float], str]) -> str:
    sides = f"below {shown(one.cheaper_below)} is cheaper, above {shown(one.cheaper_above)}"
    costs = one.cost_per_good_usd
    if one.is_jump:
        ends = ", ".join(f"{shown(route)} {usd(cost)}" for route, cost in costs.items())
        return f"At {at(one.value)} a cost jumps past the other ({ends} USD): {sides}"
    if not is_closed(one):
        low = number(one.not_below)
        return f"Between {low} and {at(one.value)} they change places, not closed in on: {sides}"
    return f"At {at(one.value)} both cost {usd(next(iter(costs.values())))} USD: {sides}"


def _chart(rows: Rows, found: BreakEven, unit: str) -> Chart:
    by_ratio = found.low > 0.0 and found.high / found.low > _RATIO
    linear = alt.Scale(zero=False, nice=False)
    scale = alt.Scale(type="log", nice=False) if by_ratio else linear
    named = shown(found.key, 60) + (f" [{unit}]" if unit else "")
    x = alt.X("value:Q", title=named, scale=scale)
    routes = list(labels(found.routes, 40).values())
    colour = alt.Color(
        "route:N",
        title=None,
        scale=alt.Scale(domain=routes, range=[BLUE, RED]),
        legend=alt.Legend(orient="top", labelLimit=WIDTH // 2),
    )
    tips = [
        alt.Tooltip("route:N"),
        alt.Tooltip("value:Q", title="at", format=".6g"),
        alt.Tooltip("usd:Q", title="USD per good", format=",.2f"),
    ]
    y = alt.Y("usd:Q", title="USD per good package", scale=alt.Scale(zero=False))
    lines = (
        alt.Chart(inline(rows)).mark_line(point=True).encode(x=x, y=y, color=colour, tooltip=tips)
    )
    marks: Rows = [{"value": found.base, "what": "now"}]
    closed = [one for one in found.crossings if is_closed(one)]
    marks += [{"value": one.value, "what": "break-even"} for one in closed]
    rules = (
        alt.Chart(inline(marks))
        .mark_rule(strokeWidth=2)
        .encode(
            x="value:Q",
            strokeDash=alt.StrokeDash(
                "what:N",
                title=None,
                scale=alt.Scale(domain=["now", "break-even"], range=[[2, 3], [7, 3]]),
                legend=alt.Legend(orient="top"),
            ),
            tooltip=[alt.Tooltip("what:N", title="this"), alt.Tooltip("value:Q", format=".6g")],
        )
    )
    return alt.layer(lines, rules).properties(width=WIDTH, height=260)
