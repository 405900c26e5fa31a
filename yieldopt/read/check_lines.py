"""Lines of a case against its routes: names, places, and the resources that they rename."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from yieldopt.errors import Fault, near_miss
from yieldopt.read.keys import join_key
from yieldopt.read.names import repeated
from yieldopt.read.pieces import Pieces
from yieldopt.schema.case import Library, ProductShape
from yieldopt.schema.lines import lines_among
from yieldopt.schema.planning import LineShape, ResourceShape

Products = Sequence[ProductShape | None]
Lines = Sequence[LineShape | None]
Resources = Sequence[ResourceShape | None]
Uses = Mapping[str, Mapping[str, set[str]]]  # resources by route and product


def line_faults(pieces: Pieces, library: Library, by_product: Uses) -> Iterator[Fault]:
    """Yield what is wrong with well-formed lines among each other and with what they run.

    Parameters
    ----------
    pieces
        Entries of the case.
    library
        Models by name.
    by_product
        What well-formed products can use on their routes.
    """
    lines: Lines = pieces["lines"]
    products: Products = pieces["products"]
    resources: Resources = pieces["resources"]
    uses = {route: set[str]().union(*found.values()) for route, found in by_product.items()}
    for at, line in enumerate(lines):
        if line is None or line.route not in library.routes:
            continue
        if line.name in library.routes and line.name != line.route:
            hint = "that route has a line of this name unless it has lines of its own"
            key = f"lines[{at}].name"
            yield Fault("the name of a line is that of another route", key, line.name, hint)
        if None not in products and line.route not in uses:
            text = "no product takes this route: the line does nothing"
            yield Fault(text, f"lines[{at}].route", line.route)
        elif None not in products:
            yield from _renamed(line, at, uses[line.route])
    yield from _place_faults(lines, resources, library)
    if None not in (*lines, *products):
        yield from _left(lines, resources, library, uses)


def _renamed(line: LineShape, at: int, used: set[str]) -> Iterator[Fault]:
    for name, own in line.resources.items():
        key = join_key(("lines", at, "resources", name))
        if name not in used:
            text = f"unknown resource: nothing on route {line.route!r} uses it"
            yield Fault(text, key, name, near_miss(name, used))
        elif name == own:
            yield Fault("keeps its name: the entry does nothing", key, own)


def _place_faults(lines: Lines, resources: Resources, library: Library) -> Iterator[Fault]:
    """Yield a fault for each site that is named twice in a line, or stands in two regions."""
    known = {s.name: s.region for route in library.routes.values() for s in route.sites}
    for at, line in enumerate(lines):
        sites = (line.sites or ()) if line is not None else ()
        twice = {where for where, _ in repeated([site.name for site in sites])}
        for where, site in enumerate(sites):
            key = f"lines[{at}].sites[{where}]"
            if where in twice:
                yield Fault("duplicate name", f"{key}.name", site.name)
            else:
                yield from _elsewhere(site.name, site.region, known, f"{key}.region")
    for at, resource in enumerate(resources):
        if resource is not None and resource.site is not None and resource.region is not None:
            key = f"resources[{at}].region"
            yield from _elsewhere(resource.site, resource.region, known, key)


def _elsewhere(site: str, region: str, known: dict[str, str], key: str) -> Iterator[Fault]:
    if known.setdefault(site, region) != region:
        hint = f"everywhere else it lies in {known[site]!r}"
        yield Fault(f"site {site!r} lies in one region", key, region, hint)


def _left(
    lines: Lines,
    resources: Resources,
    library: Library,
    uses: dict[str, set[str]],
) -> Iterator[Fault]:
    """Yield a fault for each capacity that nothing draws on once lines have renamed their uses."""
    renamed: set[str] = set()
    drawn: set[str] = set()
    given = [line for line in lines if line is not None]
    for line in lines_among(uses, given, library.routes):
        used = uses[line.route]
        renamed |= used & set(line.resources)
        drawn |= line.renamed(used)
    for at, resource in enumerate(resources):
        if resource is not None and resource.name in renamed - drawn:
            text = "nothing draws on it: every line that would calls it otherwise"
            yield Fault(text, f"resources[{at}].name", resource.name)
