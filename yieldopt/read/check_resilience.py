"""What may be lost, and the factors of scenarios: names, and keys that cannot do anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from yieldopt.errors import Fault, near_miss
from yieldopt.read.keys import join_key
from yieldopt.read.names import name_faults
from yieldopt.read.pieces import Pieces, entries_of, names_in
from yieldopt.schema.case import CaseShape, Library, ProductShape
from yieldopt.schema.places import losses_of
from yieldopt.schema.planning import ResilienceShape

_FACTORS = (("demand_factor", "products"), ("capacity_factor", "resources"))


def factor_faults(data: dict[str, Any], pieces: Pieces) -> Iterator[Fault]:
    """Yield what is wrong with the factors of scenarios.

    Parameters
    ----------
    data, pieces
        The case as written, and its entries.
    """
    for at, raw in enumerate(entries_of(data, "scenarios")):
        for key, kind in _FACTORS:
            known, given = names_in(data, kind), raw.get(key)
            for name in given if isinstance(given, Mapping) else ():
                if name not in known:
                    place = join_key(("scenarios", at, key, name))
                    yield Fault(f"unknown {kind[:-1]}", place, hint=near_miss(name, known))
    for at, scenario in enumerate(pieces["scenarios"]):
        factors = scenario.demand_factor if scenario is not None else None
        home = ("scenarios", at, "demand_factor")
        hint = "a product without demand is planned for information: give a small factor"
        if factors is not None and factors.each == 0.0:
            yield Fault("must be above 0", join_key(home), 0.0, hint)
        for name, value in factors.by_name.items() if factors is not None else ():
            if value == 0.0:
                yield Fault("must be above 0", join_key((*home, name)), 0.0, hint)


def resilience_faults(shape: CaseShape, pieces: Pieces, library: Library) -> Iterator[Fault]:
    """Yield what is wrong with the losses of a case whose top level is well-formed.

    Parameters
    ----------
    shape, pieces
        The top level and the entries of the case.
    library
        Models by name.
    """
    asked = shape.resilience
    if asked is None:
        return
    if asked.begins not in shape.periods:
        hint = near_miss(asked.begins, shape.periods)
        yield Fault("unknown period", "resilience.from", asked.begins, hint)
    elif asked.begins == shape.periods[0]:
        hint = "a later one: nothing is decided before the first"
        yield Fault("must not be the first period", "resilience.from", asked.begins, hint)
    if asked.service_frac == 0.0:
        yield Fault("must be above 0", "resilience.service_frac", 0.0, "leave it out")
    for at, product in enumerate(pieces["products"]):
        if product is not None and not _is_valued(product, shape):
            hint = "what is not served under a loss must cost something"
            text = "is missing: [resilience] asks what a shortage costs"
            yield Fault(text, f"products[{at}].shortage_cost_usd", hint=hint)
    lists = ("products", "lines", "resources")
    routes = library.routes
    if all(None not in pieces[key] for key in lists) and all(
        set(product.routes) <= set(routes) for product in pieces["products"]
    ):
        yield from _names(asked, pieces, library)


def _is_valued(product: ProductShape, shape: CaseShape) -> bool:
    sold = shape.objective == "margin" and product.price_usd is not None
    asked = any(product.demand.over(len(shape.periods)))
    return product.shortage_cost_usd is not None or sold or not asked


def _names(asked: ResilienceShape, pieces: Pieces, library: Library) -> Iterator[Fault]:
    lines, resources = pieces["lines"], pieces["resources"]
    sites = [site for route in library.routes.values() for site in route.sites]
    sites += [site for line in lines for site in line.sites or ()]
    known = {name for site in sites for name in (site.name, site.region)}
    known |= {name for r in resources for name in (r.site, r.region) if name is not None}
    yield from name_faults(asked.names, ("resilience", "names"), sorted(known), "site or region")
    if asked.names == ():
        yield Fault("must not be empty", "resilience.names")
    count = len(losses_of(asked, pieces["products"], lines, resources, library.routes))
    if asked.probability is not None and asked.probability * count > 1.0 + 1e-9:
        hint = f"there are {count}, and at most one of them is lost"
        yield Fault("exceeds 1 over all losses", "resilience.probability", asked.probability, hint)
    if asked.probability == 0.0:
        hint = "leave it out: then the worst loss counts"
        yield Fault("must be above 0", "resilience.probability", 0.0, hint)
