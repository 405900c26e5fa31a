"""Which route is cheapest, as two inputs move at once."""

from __future__ import annotations

from collections import Counter

import altair as alt

from yieldopt.report.charts.picture import Chart, Picture, Rows, inline
from yieldopt.report.charts.style import (
    BAND,
    GREEN,
    GREY,
    ORANGE,
    OUTLINE,
    SKY,
    WIDTH,
    YELLOW,
    counted,
    labels,
    number,
    shown,
)
from yieldopt.study.route_map import MapAxis, MapPoint, RouteMap

_NONE = "none"
_LATE = "not reached in time"
_WORDS = "black"  # on the light colours of the tiles, in any theme
_ROUTES = (SKY, ORANGE, GREEN)


def cheapest_routes(key: str, found: RouteMap) -> Picture:
    """Return a map of the cheapest route over two inputs.

    Parameters
    ----------
    key
        Of the picture.
    found
        The map.

    Examples
    --------
    >>> from yieldopt.study import study_case
    >>> found = study_case("minimal").products[0].route_map
    >>> cheapest_routes("m", found).title
    'Cheapest route by processes.cow_osat.cost_usd and processes.cow_s.cost_usd'
    """
    names = labels(found.routes, 40)
    rows: Rows = [
        {
            "x": number(point.x),
            "y": number(point.y),
            "route": _says(point, names),
            "usd": None if point.cheapest is None else point.costs[point.cheapest],
            "now": (point.x, point.y) == (found.x.base, found.y.base),
        }
        | {f"of{n}": point.costs[route] for n, route in enumerate(found.routes)}
        for point in found.points
    ]
    heads = (_head(found.x), _head(found.y), "cheapest", *(f"{n} [USD]" for n in names.values()))
    table = tuple(
        (point.x, point.y, _says(point, names), *(point.costs[route] for route in found.routes))
        for point in found.points
    )
    title = f"Cheapest route by {shown(found.x.key, 60)} and {shown(found.y.key, 60)}"
    return Picture(key, title, _line(found, names), _chart(rows, found, names), heads, table)


def _says(point: MapPoint, names: dict[str, str]) -> str:
    if point.cheapest is not None:
        return names[point.cheapest]
    return _LATE if point.is_late else _NONE


def _head(axis: MapAxis) -> str:
    return f"{shown(axis.key, 60)} [{axis.unit or '1'}]"


def _line(found: RouteMap, names: dict[str, str]) -> str:
    """Say which route is cheapest at how many points, and what was not compared."""
    won = Counter(point.cheapest for point in found.points if point.cheapest is not None)
    told = [f"{names[route]} at {count}" for route, count in won.most_common()]
    line = (
        f"Of {len(found.points)} points, cheapest is {', '.join(told)}" if told else "None is made"
    )
    late = sum(point.is_late for point in found.points)
    if late:
        line += f"; {counted(late, 'point')} not reached in time"
    if found.left_out:
        line += f"; dearer today and not compared: {', '.join(map(shown, found.left_out))}"
    return line + "."


def _chart(rows: Rows, found: RouteMap, names: dict[str, str]) -> Chart:
    base = alt.Chart(inline(rows)).encode(
        x=alt.X("x:O", sort=_order(found.x), title=_head(found.x), axis=alt.Axis(labelAngle=0)),
        y=alt.Y("y:O", sort=_order(found.y)[::-1], title=_head(found.y)),
    )
    colours = dict(zip(names.values(), _ROUTES, strict=False)) | {_NONE: GREY, _LATE: YELLOW}
    there = [name for name in colours if any(row["route"] == name for row in rows)]
    fill = alt.Color(
        "route:N",
        title=None,
        scale=alt.Scale(domain=there, range=[colours[name] for name in there]),
        legend=alt.Legend(orient="top", labelLimit=WIDTH // 2),
    )
    tips = [
        alt.Tooltip("x:O", title=shown(found.x.key, 40)),
        alt.Tooltip("y:O", title=shown(found.y.key, 40)),
        alt.Tooltip("route:N", title="cheapest"),
        *(
            alt.Tooltip(f"of{n}:Q", title=f"{name} [USD]", format=",.2f")
            for n, name in enumerate(names.values())
        ),
    ]
    tiles = base.mark_rect(style=OUTLINE).encode(color=fill, tooltip=tips)
    cost = base.mark_text(fontSize=11, color=_WORDS).encode(text=alt.Text("usd:Q", format=",.0f"))
    now = base.transform_filter("datum.now").mark_text(
        fontSize=11, color=_WORDS, text="as in the case", dy=13
    )
    return alt.layer(tiles, cost, now).properties(width=WIDTH, height=alt.Step(2 * BAND))


def _order(axis: MapAxis) -> list[str]:
    return [number(value) for value in axis.values]
