"""The rows of an allocation as good packages of recipes evaluated anew."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from tests.planning.enumeration import (
    Levels,
    Made,
    Place,
    in_force,
    keeps_levels,
    keeps_limits,
    on,
    recipe,
    usable,
)
from tests.planning.written import Row, Written
from yieldopt.compile import compile_template
from yieldopt.optimize.product_rules import product_ruled
from yieldopt.optimize.route import exclusions
from yieldopt.schema.assembly import product_assembly
from yieldopt.schema.case import Case
from yieldopt.template import Template

SAME = 1e-9  # the engine's digits are 1e-12; the tables hold them all


@dataclass(frozen=True)
class Batch:
    """Good packages of a recipe in a period."""

    product: str
    place: Place
    levels: Levels
    t: int
    packages: float
    made: Made
    free: bool  # for information: of a product without demand, takes no capacity


def batches(case: Case, written: Written, wrong: list[str], slack: float) -> list[Batch]:
    """Return what is made; add to ``wrong`` where rows contradict the case or the engine."""
    levels: dict[str, dict[str, str]] = defaultdict(dict)
    for row in written.tables["levels"]:
        levels[row["recipe"]][row["insertion"]] = row["level"]
    shown = {row["recipe"]: row for row in written.tables["recipes"]}
    uses: dict[str, dict[str, float]] = defaultdict(dict)
    for row in written.tables["uses"]:
        uses[row["recipe"]][row["resource"]] = float(row["per_good"])
    held, out = in_force(case), []
    matched: dict[str, bool] = defaultdict(bool)
    for row in written.tables["allocation"]:
        name, t = row["recipe"], case.periods.index(row["period"])
        product, packages = held[t].product(row["product"]), float(row["packages"])
        place = _line(case, row, shown.get(name, {}))
        if place is None or name not in shown:
            wrong.append(f"allocation of {name}: no such recipe, or no line that it can use: {row}")
            continue
        if packages < 0.0:
            wrong.append(f"allocation of {name} below 0: {packages}")
        route = held[t].library.routes[place.route]
        template = compile_template(held[t], product, route)
        if not _are_levels(template, levels[name]):
            wrong.append(f"recipe {name} has levels that are none, or lacks some: {levels[name]}")
            continue
        broken = exclusions(held[t].library, product_assembly(product), route)
        ruled = product_ruled(product, template)
        made, dppm = recipe(held[t], product, place.route, levels[name])
        kept = keeps_levels(ruled, levels[name]) and keeps_limits(product, made, dppm, slack)
        if broken or not kept:
            wrong.append(f"recipe {name} breaks rules of its product in {row['period']}")
        made = on(place, made)
        matched[name] |= _is_shown(made, dppm, shown[name], uses[name])
        free = not any(product.demand.over(len(case.periods)))
        chosen = tuple(sorted(levels[name].items()))
        out.append(Batch(product.name, place, chosen, t, packages, made, free))
    wrong += [
        f"recipe {name} is not what the engine says" for name, ok in matched.items() if not ok
    ]
    return out


def _are_levels(template: Template, levels: Mapping[str, str]) -> bool:
    """Whether every insertion has one of its levels, and nothing else has any."""
    menus = {place: choice.options for place, choice in template.choices().items()}
    known = all(level in menus.get(place, ()) for place, level in levels.items())
    return known and set(levels) == set(menus)


def _line(case: Case, row: Row, shown: Row) -> Place | None:
    """The line of a row: by its column, or the only one of the route that the product can use."""
    lines = [p for p in usable(case, case.product(row["product"])) if p.route == row["route"]]
    name = row.get("line") or shown.get("line") or None
    if name is None:
        return lines[0] if len(lines) == 1 else None
    return next((place for place in lines if place.name == name), None)


def _is_shown(made: Made, dppm: float, row: Row, uses: dict[str, float]) -> bool:
    """Whether the recipe's numbers are those of the engine under the models of a period."""
    pairs = [(made.cost_usd, float(row["cost_per_good_usd"])), (dppm, float(row["dppm"])),
             (made.quality, float(row["quality"]))]  # fmt: skip
    names = {**made.uses, **uses}
    pairs += [(made.uses.get(name, 0.0), uses.get(name, 0.0)) for name in names]
    return all(abs(a - b) <= SAME * max(abs(a), abs(b)) for a, b in pairs)
