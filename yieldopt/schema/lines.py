"""The lines that routes run on: those that a case gives, and a default for every other route."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from yieldopt.schema.case import ProductShape
from yieldopt.schema.planning import LineShape
from yieldopt.schema.route import RouteShape, SiteShape


@dataclass(frozen=True)
class Line:
    """A route at a place.

    Parameters
    ----------
    name, route
        Of the line, and of the route that runs on it.
    sites
        Where it stands; all of them are needed.
    resources
        ``{the route's name: the line's}``; what is not named keeps its name.
    extra_usd_per_good
        On top of the cost of a good package [USD].
    """

    name: str
    route: str
    sites: tuple[SiteShape, ...]
    resources: Mapping[str, str] = field(default_factory=dict)
    extra_usd_per_good: float = 0.0

    @property
    def regions(self) -> frozenset[str]:
        """The regions of its sites."""
        return frozenset(site.region for site in self.sites)

    def renamed(self, uses: Iterable[str]) -> set[str]:
        """Return the line's names of resources that the route uses."""
        return {self.resources.get(name, name) for name in uses}


def lines_among(
    routes: Iterable[str], given: Sequence[LineShape], library: Mapping[str, RouteShape]
) -> Iterator[Line]:
    """Yield the lines of routes, route by route; a route without any has one of its own name.

    Parameters
    ----------
    routes
        Names of routes; those that the library has not are passed over (the checks name them).
    given
        The lines of a case.
    library
        Routes by name.
    """
    for name in dict.fromkeys(routes):
        route = library.get(name)
        if route is None:
            continue
        own = [line for line in given if line.route == name]
        for line in own:
            sites = line.sites or route.sites
            extra_usd = line.extra_usd_per_good.base
            yield Line(line.name, name, sites, line.resources, extra_usd)
        if not own:
            yield Line(name, name, route.sites)


def usable_among(
    product: ProductShape, given: Sequence[LineShape], library: Mapping[str, RouteShape]
) -> Iterator[Line]:
    """Yield the lines of a product's routes that lie in no region that is barred to it.

    Parameters
    ----------
    product
        The product.
    given, library
        As in :func:`lines_among`.
    """
    barred = set(product.barred_regions)
    for line in lines_among(product.routes, given, library):
        if not line.regions & barred:
            yield line
