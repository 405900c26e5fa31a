"""The tables of a plan as they stand in a folder: read, or written for a plan of the reference."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.planning.enumeration import (
    in_force,
    on,
    places,
    qualification_usd,
    recipe,
)
from tests.planning.reference import Plan
from yieldopt.schema.case import Case

Row = Mapping[str, str]
COLUMNS = {
    "allocation": ("recipe", "product", "route", "line", "period", "packages"),
    "recipes": ("recipe", "product", "route", "line", "cost_per_good_usd", "dppm", "quality"),
    "levels": ("recipe", "insertion", "level"),
    "uses": ("recipe", "resource", "per_good"),
    "unmet": ("product", "period", "packages"),
    "stock": ("product", "period", "packages"),
    "late": ("product", "period", "packages"),
    "decisions": ("kind", "name", "product", "period", "amount", "cost_usd"),
}


@dataclass(frozen=True)
class Written:
    """Rows by table, as text, and ``result.json``."""

    tables: dict[str, list[Row]]
    result: Mapping[str, Any]

    def amounts(self, table: str) -> dict[tuple[str, str], float]:
        """Packages by product and period."""
        out: dict[tuple[str, str], float] = {}
        for row in self.tables[table]:
            key = (row["product"], row["period"])
            out[key] = out.get(key, 0.0) + float(row["packages"])
        return out


def read_folder(folder: Path) -> Written:
    """Read what there is; a table that is not there has no rows."""
    tables: dict[str, list[Row]] = {}
    for name in COLUMNS:
        path = folder / f"{name}.csv"
        if path.exists():
            with path.open(newline="") as file:
                tables[name] = list(csv.DictReader(file))
        else:
            tables[name] = []
    return Written(tables, json.loads((folder / "result.json").read_text()))


def write_plan(case: Case, objective_usd: float, plan: Plan, folder: Path) -> None:
    """Write a plan of the reference as the tables that a planner would write."""
    lines, held = {place.name: place for place in places(case)}, in_force(case)
    rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in COLUMNS}
    names: dict[tuple[Any, ...], str] = {}
    for (product, line, levels, t), packages in plan.made.items():
        shape, place = held[t].product(product), lines[line]
        made, dppm = recipe(held[t], shape, place.route, dict(levels))
        made = on(place, made)
        key = (product, line, levels, id(held[t]))
        if key not in names:
            names[key] = f"{product}/{line}/{len(names) + 1}"
            numbers = (made.cost_usd, dppm, made.quality)
            rows["recipes"].append((names[key], product, place.route, line, *numbers))
            rows["levels"] += [(names[key], *level) for level in levels]
            rows["uses"] += [(names[key], *use) for use in made.uses.items()]
        period = case.periods[t]
        rows["allocation"].append((names[key], product, place.route, line, period, packages))
    for table in ("unmet", "stock", "late"):
        amounts: dict[tuple[str, int], float] = getattr(plan, table)
        rows[table] = [(name, case.periods[t], n) for (name, t), n in amounts.items()]
    rows["decisions"] = list(_decisions(case, plan))
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines_ in rows.items():
        with (folder / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([COLUMNS[name], *lines_])
    result = {"status": "optimal", "objective_usd": objective_usd}
    (folder / "result.json").write_text(json.dumps(result))


def _decisions(case: Case, plan: Plan) -> Iterable[tuple[Any, ...]]:
    lines, periods = {place.name: place for place in places(case)}, case.periods
    for (product, line, t), amount in plan.started.items():
        usd = qualification_usd(case, case.product(product), lines[line])
        yield "qualification", line, product, periods[t], amount, amount * usd
    lumps = {lump.name: lump for lump in case.expansions}
    for (name, t), amount in plan.built.items():
        yield "expansion", name, "", periods[t], amount, amount * lumps[name].cost_usd.base
    offers = {offer.name: offer for offer in case.reservations}
    for name, share in plan.booked.items():
        units = sum(offers[name].capacity.over(len(periods)))
        usd = share * units * offers[name].prepayment_usd_per_unit.base
        yield "booking", name, "", periods[0], share, usd
