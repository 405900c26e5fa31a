"""Sites and regions as a case and its routes write them: one place, one name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from yieldopt.errors import Fault
from yieldopt.read.keys import join_key
from yieldopt.read.spelling import is_slip
from yieldopt.schema.route import RouteShape


class Named(NamedTuple):
    """A place where it is named: ``site`` or ``region``, the name, the model or "" and the key."""

    kind: str
    name: str
    model: str
    key: str


def route_places(routes: Mapping[str, RouteShape]) -> Iterator[Named]:
    """Yield the places of routes; keys are given from the route on."""
    for model, route in routes.items():
        for at, site in enumerate(route.sites):
            yield Named("site", site.name, model, f"sites[{at}].name")
            yield Named("region", site.region, model, f"sites[{at}].region")


def case_places(
    lines: Iterable[dict[str, Any]], resources: Iterable[dict[str, Any]]
) -> Iterator[Named]:
    """Yield the places of the lines and resources of a case as written."""
    for at, line in enumerate(lines):
        sites = line.get("sites")
        for where, site in enumerate(sites if isinstance(sites, list) else ()):
            for kind, key in (("site", "name"), ("region", "region")):
                if isinstance(site, dict) and isinstance(site.get(key), str):
                    yield Named(kind, site[key], "", join_key(("lines", at, "sites", where, key)))
    for at, resource in enumerate(resources):
        for kind in ("site", "region"):
            if isinstance(resource.get(kind), str):
                yield Named(kind, resource[kind], "", join_key(("resources", at, kind)))


def spelling_faults(
    places: Sequence[Named], known: Iterable[Named] = ()
) -> Iterator[tuple[str, Fault]]:
    """Yield (model, fault) of each place whose name is that of another with a slip.

    Parameters
    ----------
    places
        Those to be checked: of two near names the one that is written less often is the slip, or
        else the later.
    known
        Places whose names are right.
    """
    sure = list(known)
    for kind in ("site", "region"):
        names = [place.name for place in places if place.kind == kind]
        right = _right(names, dict.fromkeys(p.name for p in sure if p.kind == kind))
        for place in places:
            if place.kind == kind and place.name in right:
                text = f"near to the name of another {kind}: the same place has one name"
                hint = f"did you mean {right[place.name]!r}?"
                yield place.model, Fault(text, place.key, place.name, hint)


def _right(names: Sequence[str], known: Collection[str]) -> dict[str, str]:
    """Return the name that is meant by each that has a slip."""
    count = Counter(names)
    own = sorted((name for name in count if name not in known), key=lambda n: -count[n])
    found: dict[str, str] = {}
    for at, name in enumerate(own):
        better = (other for other in (*known, *own[:at]) if other not in found)
        meant = next((other for other in better if is_slip(name, other)), None)
        if meant is not None:
            found[name] = meant
    return found
