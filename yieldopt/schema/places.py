"""Sites and regions that can be lost: what stands in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from yieldopt.schema.case import ProductShape
from yieldopt.schema.lines import Line, usable_among
from yieldopt.schema.planning import LineShape, ResilienceShape, ResourceShape
from yieldopt.schema.route import RouteShape


@dataclass(frozen=True)
class Loss:
    """A site or a region that is lost, with what stands in it.

    Parameters
    ----------
    name
        Of the site or the region.
    lines, resources
        Names of the lines that need it, and of the resources that are there.
    """

    name: str
    lines: frozenset[str]
    resources: frozenset[str]


def losses_of(
    asked: ResilienceShape,
    products: Sequence[ProductShape],
    given: Sequence[LineShape],
    resources: Sequence[ResourceShape],
    routes: Mapping[str, RouteShape],
) -> tuple[Loss, ...]:
    """Return what may be lost, one at a time.

    Parameters
    ----------
    asked
        Which sites or regions: those named, or each in which a line that some product can use or a
        resource stands.
    products, given, resources, routes
        Of the case, and routes by name; all well-formed.

    Returns
    -------
    tuple of Loss
        As named, or in the order in which products, their lines and the resources name them.
    """
    usable = (line for product in products for line in usable_among(product, given, routes))
    used = {line.name: line for line in usable}
    region_of = _regions(given, routes)
    names = asked.names
    if names is None:
        sites = [site for line in used.values() for site in line.sites]
        found = [site.name if asked.lose == "site" else site.region for site in sites]
        places = [place for resource in resources for place in _places(resource, region_of)]
        found += [place for kind, place in places if kind == asked.lose]
        names = tuple(dict.fromkeys(found))
    return tuple(_loss(name, used.values(), resources, region_of) for name in names)


def _loss(
    name: str,
    lines: Iterable[Line],
    resources: Sequence[ResourceShape],
    region_of: Mapping[str, str],
) -> Loss:
    there = (line for line in lines if any(name in (s.name, s.region) for s in line.sites))
    gone = (r for r in resources if any(name == place for _, place in _places(r, region_of)))
    return Loss(name, frozenset(line.name for line in there), frozenset(r.name for r in gone))


def _places(resource: ResourceShape, region_of: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the site and the region of a resource, also the region that its site lies in."""
    if resource.site is not None:
        yield "site", resource.site
        if resource.site in region_of:
            yield "region", region_of[resource.site]
    if resource.region is not None:
        yield "region", resource.region


def _regions(given: Sequence[LineShape], routes: Mapping[str, RouteShape]) -> dict[str, str]:
    """Return the region of each site that is known."""
    sites = [site for route in routes.values() for site in route.sites]
    sites += [site for line in given for site in line.sites or ()]
    return {site.name: site.region for site in sites}
