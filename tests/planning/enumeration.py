"""Every way to make a product: each line that it can use with every combination of levels.

Written from the meaning of the case keys, by the engine alone: no search, no pricing, and nothing
of the planner.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.random_templates import all_plans
from yieldopt import evaluate
from yieldopt.compile import compile_template
from yieldopt.optimize.pricing import resources
from yieldopt.optimize.product_rules import product_ruled
from yieldopt.optimize.route import exclusions
from yieldopt.optimize.ruled import Ruled
from yieldopt.schema.assembly import product_assembly
from yieldopt.schema.case import Case, ProductShape
from yieldopt.schema.planning import LineShape

WEEKS_PER_YEAR = 52.0
SHARE_KINDS = ("line", "route", "site", "region", "vendor")
Levels = tuple[tuple[str, str], ...]  # ("node/insertion", level), sorted


@dataclass(frozen=True)
class Place:
    """A line: a route at its sites, with its own names of resources."""

    name: str
    route: str
    sites: frozenset[str]
    regions: frozenset[str]
    renamed: Mapping[str, str] = field(default_factory=dict, compare=False)
    extra_usd: float = 0.0


@dataclass(frozen=True)
class Made:
    """A good package under the models of one period: cost with escapes, quality, uses."""

    cost_usd: float
    quality: float
    uses: Mapping[str, float]


@dataclass(frozen=True)
class Way:
    """A product on a line at some levels; by period what it is then, or ``None``: not allowed."""

    product: str
    place: Place
    levels: Levels
    by_period: tuple[Made | None, ...] = field(compare=False)


def places(case: Case) -> list[Place]:
    """All lines: those of the case, and of every other route one of its own name."""
    written: dict[str, list[LineShape]] = {}
    for line in case.lines:
        written.setdefault(line.route, []).append(line)
    out = []
    for name in dict.fromkeys(name for product in case.products for name in product.routes):
        route = case.library.routes[name]
        for line in written.get(name, [None]):
            sites = route.sites if line is None or line.sites is None else line.sites
            names, regions = frozenset(s.name for s in sites), frozenset(s.region for s in sites)
            if line is None:
                out.append(Place(name, name, names, regions))
            else:
                extra = line.extra_usd_per_good.base
                out.append(Place(line.name, name, names, regions, line.resources, extra))
    return out


def usable(case: Case, product: ProductShape) -> list[Place]:
    """Lines of a product's routes that lie in no region that is barred to it."""
    barred = set(product.barred_regions)
    return [p for p in places(case) if p.route in product.routes and not p.regions & barred]


def in_force(case: Case) -> list[Case]:
    """The case whose models hold in each period."""
    held = [case] * len(case.periods)
    for change in sorted(case.changes, key=lambda change: change.period):
        for t in range(change.period, len(held)):
            held[t] = change.case
    return held


def ways(case: Case) -> dict[str, list[Way]]:
    """Every way to make each product, those of a line together; empty: it cannot be made."""
    held = in_force(case)
    out: dict[str, list[Way]] = {}
    for product in case.products:
        known: dict[tuple[int, str], dict[Levels, Made]] = {}
        out[product.name] = []
        for place in usable(case, product):
            tables = []
            for models in held:
                key = (id(models), place.route)
                if key not in known:
                    known[key] = _recipes(models, product.name, place.route)
                tables.append({k: on(place, made) for k, made in known[key].items()})
            for levels in dict.fromkeys(levels for table in tables for levels in table):
                row = tuple(table.get(levels) for table in tables)
                out[product.name].append(Way(product.name, place, levels, row))
    return out


def on(place: Place, made: Made) -> Made:
    """A recipe of the route on one of its lines."""
    uses: dict[str, float] = {}
    for name, amount in made.uses.items():
        uses[place.renamed.get(name, name)] = uses.get(place.renamed.get(name, name), 0.0) + amount
    return Made(made.cost_usd + place.extra_usd, made.quality, uses)


def _recipes(case: Case, name: str, route_name: str) -> dict[Levels, Made]:
    """All levels that keep the product's own rules, evaluated one by one."""
    product, route = case.product(name), case.library.routes[route_name]
    if exclusions(case.library, product_assembly(product), route):
        return {}
    template = compile_template(case, product, route)
    ruled = product_ruled(product, template)
    out = {}
    for plan in all_plans(template):
        if keeps_levels(ruled, plan):
            made, dppm = recipe(case, product, route_name, plan)
            if keeps_limits(product, made, dppm):
                out[tuple(sorted(plan.items()))] = made
    return out


def keeps_levels(ruled: Ruled, plan: Mapping[str, str]) -> bool:
    """Whether levels keep the product's own rules on levels."""
    in_menus = all(plan[place] in levels for place, levels in ruled.menus.items())
    return not ruled.reasons and in_menus and all(_one_of(joint, plan) for joint in ruled.joints)


def keeps_limits(product: ProductShape, made: Made, dppm: float, slack: float = 0.0) -> bool:
    """Whether a recipe keeps its limits, to a relative slack; nothing passes: it does not."""
    limit = math.inf if product.dppm_pooled else (product.dppm_limit or math.inf)
    uses = product.use_limits_per_good.items()
    within = all(made.uses.get(k, 0.0) <= most * (1.0 + slack) for k, most in uses)
    passes = made.quality > 0.0 and math.isfinite(made.cost_usd)
    return passes and dppm <= limit * (1.0 + slack) and within


def _one_of(joint: tuple[Mapping[str, tuple[str, ...]], ...], plan: Mapping[str, str]) -> bool:
    return any(all(plan[p] in levels for p, levels in menus.items()) for menus in joint)


def recipe(
    case: Case, product: ProductShape, route: str, levels: Mapping[str, str]
) -> tuple[Made, float]:
    """Evaluate one recipe: what it is on the route's own line, and its DPPM."""
    out = evaluate(compile_template(case, product, case.library.routes[route]).at(levels))
    quality = float(out.quality)
    if not quality > 0.0:
        return Made(math.inf, 0.0, {}), 1e6
    escape = product.escape_cost_usd.base if product.escape_cost_usd else 0.0
    cost = float(out.cost_per_good_usd) + escape * (1.0 - quality) / quality
    if product.qualified is None and product.volume is not None:
        sites = frozenset(site.name for site in case.library.routes[route].sites)
        cost += _entry_usd(case, product, route, sites) / product.volume
    return Made(cost, quality, {k: float(v) / quality for k, v in out.uses.items()}), float(
        out.dppm
    )


def _entry_usd(case: Case, product: ProductShape, name: str, sites: frozenset[str]) -> float:
    """What it costs to bring a product on a route: one-off, port, and exit from today's."""
    route = case.library.routes[name]
    total = route.one_off_cost_usd.base
    if product.present_route is not None and product.present_route != name:
        present = case.library.routes[product.present_route]
        total += route.port_cost_usd.base
        if not {site.name for site in present.sites} & sites:
            total += present.exit_cost_usd.base
    return total


def qualification_usd(case: Case, product: ProductShape, place: Place) -> float:
    """Cost of qualifying a product on a line."""
    return _entry_usd(case, product, place.route, place.sites)


def lead_periods(case: Case, place: Place) -> int:
    """Whole periods from the start of a qualification to the first good package."""
    weeks = case.library.routes[place.route].lead_time_weeks.base
    return math.ceil(weeks / case.period_weeks)


def discounts(case: Case) -> list[float]:
    """What a dollar of each period is worth in the first."""
    rate, weeks = case.discount_frac_per_year, case.period_weeks
    return [(1.0 + rate) ** (-t * weeks / WEEKS_PER_YEAR) for t in range(len(case.periods))]


def to_qualify(product: ProductShape, own: list[Way]) -> Iterator[Place]:
    """Usable lines on which the product is not qualified yet."""
    for place in dict.fromkeys(way.place for way in own):
        if product.qualified is not None and place.name not in product.qualified:
            yield place


def can_be_unmet(case: Case, product: ProductShape, own: Sequence[object]) -> bool:
    """Whether demand may be left unmet: at a price, by a service level, for margin, or no way."""
    free = case.objective == "margin" or product.service_frac is not None
    return free or product.shortage_cost_usd is not None or not own


def names_under(case: Case, kind: str, product: ProductShape, place: Place) -> frozenset[str]:
    """Names under which a line of a product counts, by kind; one in two sites counts in both.

    Vendors are those of the resources that the product can draw on there, at any level.
    """
    plain = {"line": frozenset({place.name}), "route": frozenset({place.route}),
             "site": place.sites, "region": place.regions}  # fmt: skip
    if kind in plain:
        return plain[kind]
    template = compile_template(case, product, case.library.routes[place.route])
    drawn = {place.renamed.get(name, name) for name in resources(template)}
    return frozenset(h.vendor for h in case.resources if h.vendor is not None and h.name in drawn)
