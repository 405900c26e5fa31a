"""Cost against DPPM, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from yieldopt.optimize.frontier import Frontier, Point
from yieldopt.optimize.frontier_case import ProductFrontier
from yieldopt.plan import Status, binding
from yieldopt.report.text import columns, usd


def frontier_text(found: ProductFrontier) -> str:
    """Return a line for each point: cost, DPPM, the price of the next ppm, what changes."""
    front = found.frontier
    if front is None:
        lines = [f"  {line}" for line in binding(found.routes)]
        head = f"infeasible: {found.product} can be made on none of these routes"
        if found.status is Status.UNKNOWN:
            head = f"unknown: no plan of {found.product} was found in time"
        return "\n".join([head, *lines])
    parts = [_head(found), _table(found, front.points), _legend(found, front.points)]
    if front.points:
        first = front.points[0].levels
        parts.append("levels of the first point\n" + columns(list(first.items())))
    return "\n\n".join([*parts, _proof(front)])


def _head(found: ProductFrontier) -> str:
    under = [f"limit {found.dppm_limit:,.6g} DPPM"] if found.dppm_limit is not None else []
    under += [f"an escape costs {usd(found.escape_cost_usd)} USD"] if found.escape_cost_usd else []
    return f"{found.product} on {found.route}, by itself: cost against DPPM ({', '.join(under)})"


def _table(found: ProductFrontier, points: Sequence[Point]) -> str:
    is_open = any(point.gap > 0.0 for point in points)
    head = ["USD per good", *(["unproved"] if is_open else []), "DPPM", "USD per ppm to the next"]
    rows: list[Sequence[str]] = [[*head, "", "levels that change"]]
    before: Mapping[str, str] = points[0].levels if points else {}
    for at, point in enumerate(points):
        price = "" if point.usd_per_ppm is None else f"{point.usd_per_ppm:.4g}"
        star = {True: "*", False: " ", None: "?"}[point.supported]
        marks = star + ("<" if at == found.chosen else "")
        if at == found.chosen and found.skipped != 0:
            rows.append(_hidden(found.skipped, len(head)))
        moved = [f"{k} {level}" for k, level in point.levels.items() if level != before[k]]
        gap = [f"{100.0 * point.gap:.3g} %" if point.gap > 0.0 else ""] if is_open else []
        row = [usd(point.value_usd), *gap, f"{point.dppm:,.2f}", price, marks, ", ".join(moved)]
        rows.append(row)
        before = point.levels
    after = None if found.hidden is None else found.hidden - (found.skipped or 0)
    if after != 0:
        rows.append(_hidden(after, len(head)))
    return columns(rows, right=tuple(range(len(head))))


def _hidden(count: int | None, numbers: int) -> list[str]:
    empty = [""] * numbers
    return ["…", *empty, "more, not counted" if count is None else f"{count} not shown"]


def _legend(found: ProductFrontier, points: Sequence[Point]) -> str:
    lines = ["* some price of a ppm makes it the best; the others only a DPPM limit finds"]
    if any(point.supported is None for point in points):
        lines.append("? not known: the search stopped before it met all points")
    if any(point.gap > 0.0 for point in points):
        lines.append("unproved: so much less a plan of no more DPPM can cost, at most")
    if found.chosen is not None:
        limit = "without a limit" if found.dppm_limit is None else "under the product's limit"
        lines.append(f"< the best {limit}")
    return "\n".join(lines)


def _proof(front: Frontier) -> str:
    lines = [
        f"proof: {front.method}, {front.combinations:,} plans, {front.enumerated:,} enumerated, "
        f"{front.pruned:,} pruned"
    ]
    return "\n".join(lines + ([f"not complete: {front.note}"] if not front.complete else []))
