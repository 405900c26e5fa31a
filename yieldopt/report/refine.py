"""Test times chosen below the grid, for people."""

from __future__ import annotations

import math
from collections.abc import Sequence

from yieldopt.optimize.refine_case import RefinedProduct, RefinedRoute
from yieldopt.report.text import columns, usd

Rows = list[Sequence[str]]


def refined_text(found: RefinedProduct) -> str:
    """Return the routes, and seconds, levels and bound of the best one."""
    rows: Rows = [("route", "USD per good package", "on the grid", "no plan is below", "gap")]
    rows += [_route(one) for one in found.routes if one.refined is not None]
    parts = [
        f"{found.product}, by itself, every test with a curve at its best time: {_limits(found)}"
    ]
    if len(rows) > 1:
        parts.append(columns(rows, right=(1, 2, 3, 4)))
    out = [(one.route, reason) for one in found.routes for reason in one.reasons]
    if out:
        head = "no plan found" if found.status == "unknown" else "excluded"
        parts.append(head + "\n" + columns(out))
    if found.best is not None:
        parts.append(_plan(found.best))
    if found.status == "feasible" and found.gap_reached is not None:
        parts.append(
            f"not proved to {found.gap:g}: no plan on any of these routes is below "
            f"{found.lower_bound_usd:,.4f}, {found.gap_reached:.1e} less"
        )
    if found.status == "unknown":
        parts.append("no allowed plan was found, and none was ruled out")
    return "\n\n".join(parts)


def _limits(found: RefinedProduct) -> str:
    words = []
    if found.dppm_limit is not None:
        words.append(f"at most {found.dppm_limit:,.6g} DPPM")
    if found.escape_cost_usd:
        words.append(f"an escape costs {usd(found.escape_cost_usd)} USD")
    return ", ".join(words) or "no limit"


def _route(one: RefinedRoute) -> Sequence[str]:
    refined = one.refined
    assert refined is not None
    gap = "" if refined.gap is None else f"{refined.gap:.1e}"
    none = "none allowed" if one.on_grid_proved else "not known"
    grid = none if one.on_grid_usd is None else usd(one.on_grid_usd)
    lower = refined.lower_bound_usd
    value = "none found" if refined.levels is None else f"{refined.value_usd:,.4f}"
    return (one.route, value, grid, f"{lower:,.4f}" if lower < math.inf else "there is none", gap)


def _plan(best: RefinedRoute) -> str:
    refined = best.refined
    assert refined is not None
    ranges = best.ranges_s or {}
    rows: Rows = [(f"insertion, on {best.route}", "level", "from", "to")]
    for place, seconds in refined.seconds.items():
        low, high = ranges[place]
        rows.append((place, f"{seconds:.2f} s", f"{low:g} s", f"{high:g} s"))
    rows += [(place, level, "", "") for place, level in (refined.levels or {}).items()]
    notes = [f"{refined.dppm:,.1f} DPPM; {refined.searches} exact searches"]
    if not ranges:
        notes.append("no insertion on this route has a curve: the times are those of the grid")
    if refined.first_order:
        notes.append(f"bound of first order only: {', '.join(refined.first_order)}")
    if refined.note:
        notes.append(f"{refined.note}: shown is the best plan found that keeps it, and a bound")
        notes.append("on all plans of any time that do, from a price on what is limited")
    return "\n".join([columns(rows, right=(2, 3)), "", *notes])
