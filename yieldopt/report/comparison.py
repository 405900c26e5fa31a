"""Routes side by side and break-even points, for people."""

from __future__ import annotations

from collections.abc import Sequence

from yieldopt.breakeven import BreakEven, Crossing
from yieldopt.comparison import RouteColumn
from yieldopt.plan import Recipe, Status
from yieldopt.report.text import columns, usd

Rows = list[Sequence[str]]
_CLOSE = 1e-6  # of a value: two closer than that are shown as one
_CAUSES = 8  # as many causes of scrap as a table shows; the JSON has all


def comparison_text(found: Sequence[RouteColumn]) -> str:
    """Return a table for each product: routes as columns; money in USD per good package."""
    parts = []
    for product in dict.fromkeys(column.product for column in found):
        own = [column for column in found if column.product == product]
        taken = [column for column in own if column.recipe is not None]
        parts.append(f"{product}, USD per good package by route, each at its best test levels")
        if taken:
            parts += [_waterfalls(taken), _causes(taken), _levels(taken)]
        for head, late in (("excluded", False), ("not known", True)):
            out = [c for c in own if c.recipe is None and c.stopped is late]
            if out:
                parts.append(f"{head}\n" + columns((c.route, "; ".join(c.reasons)) for c in out))
    return "\n\n".join(parts)


def _waterfalls(taken: Sequence[RouteColumn]) -> str:
    recipes = [_recipe(column) for column in taken]
    rows: Rows = [("", *(column.route for column in taken))]
    for name in dict.fromkeys(name for recipe in recipes for name in recipe.waterfall_usd):
        rows.append((name, *(usd(recipe.waterfall_usd.get(name, 0.0)) for recipe in recipes)))
    rows.append(("cost per good", *(usd(recipe.cost_per_good_usd) for recipe in recipes)))
    if any(column.status is Status.FEASIBLE for column in taken):
        shown = (f"{column.gap or 0.0:.1e}" for column in taken)
        rows.append(("others may be less by", *shown))
    rows.append(("DPPM", *(f"{recipe.dppm:,.1f}" for recipe in recipes)))
    shares = [column.composite_yield_frac for column in taken]
    rows.append(
        ("composite process yield", *("" if x is None else f"{100 * x:.1f} %" for x in shares))
    )
    return columns(rows, right=range(1, len(taken) + 1))


def _causes(taken: Sequence[RouteColumn]) -> str:
    totals: dict[str, float] = {}
    for column in taken:
        for cause, lost in column.scrap_by_cause_usd.items():
            totals[cause] = max(totals.get(cause, 0.0), lost)
    causes = sorted(totals, key=lambda cause: -totals[cause])[:_CAUSES]
    rows: Rows = [("scrap by cause", *(column.route for column in taken))]
    for cause in causes:
        shown = (column.scrap_by_cause_usd.get(cause) for column in taken)
        rows.append((cause, *("" if lost is None else usd(lost) for lost in shown)))
    if len(totals) > len(causes):
        rest = (
            sum(usd for cause, usd in column.scrap_by_cause_usd.items() if cause not in causes)
            for column in taken
        )
        rows.append((f"{len(totals) - len(causes)} others", *(usd(left) for left in rest)))
    return columns(rows, right=range(1, len(taken) + 1))


def _levels(taken: Sequence[RouteColumn]) -> str:
    recipes = [_recipe(column) for column in taken]
    places = dict.fromkeys(place for recipe in recipes for place in recipe.levels)
    rows: Rows = [("level at", *(column.route for column in taken))]
    rows += [(place, *(recipe.levels.get(place, "") for recipe in recipes)) for place in places]
    return columns(rows)


def _recipe(column: RouteColumn) -> Recipe:
    assert column.recipe is not None
    return column.recipe


def breakeven_text(found: BreakEven) -> str:
    """Return the crossings, and the costs at the ends of the range."""
    head = f"{found.product}: {found.key} from {found.low:g} to {found.high:g}"
    rows: Rows = [("USD per good", f"at {found.low:g}", f"at {found.base:g}, now",
                   f"at {found.high:g}")]  # fmt: skip
    for route, costs in found.costs.items():
        none = ("stopped" if late else "cannot" for late in found.stopped[route])
        shown = zip(costs, none, strict=True)
        rows.append((route, *(word if cost is None else usd(cost) for cost, word in shown)))
    parts = [head, columns(rows, right=(1, 2, 3))]
    parts += [crossing_text(crossing) for crossing in found.crossings]
    if found.status is Status.UNKNOWN:
        parts.append(f"unknown: {'; '.join(found.reasons)}")
    elif found.not_known:
        parts.append(_stopped(found))
    elif not found.crossings:
        parts.append("no break-even in this range")
    if found.status is Status.FEASIBLE and found.gap:
        parts.append(f"other levels may cost less than those compared, by {found.gap:.1e} at most")
    return "\n\n".join(parts)


def _stopped(found: BreakEven) -> str:
    first, last = found.not_known[0], found.not_known[-1]
    none = "" if found.crossings else "; no break-even was found before"
    return (
        f"time ended at {len(found.not_known)} values, from {first:.6g} to {last:.6g}: "
        f"crossings there are not known{none}"
    )


def is_closed(crossing: Crossing) -> bool:
    """Whether a crossing was closed in on, or time ended before."""
    return crossing.value - crossing.not_below <= _CLOSE * abs(crossing.value)


def crossing_text(crossing: Crossing) -> str:
    """Return where a crossing is, what it costs there, and which route is cheaper on each side."""
    sides = f"{crossing.cheaper_below} is cheaper below, {crossing.cheaper_above} above"
    costs = crossing.cost_per_good_usd
    if crossing.is_jump:
        shown = ", ".join(f"{route} {usd(cost)}" for route, cost in costs.items())
        return f"a jump at {crossing.value:.6g}, the costs never meet ({shown} USD); {sides}"
    if not is_closed(crossing):
        between = f"between {crossing.not_below:.6g} and {crossing.value:.6g}"
        return f"a break-even or a jump {between}, not closed in on; {sides}"
    cost = usd(next(iter(costs.values())))
    return f"break-even at {crossing.value:.6g}: {cost} USD per good package; {sides}"
