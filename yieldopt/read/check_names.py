"""The names and lengths of a case's entries, also of those that have other faults."""

from __future__ import annotations

from typing import Any

from yieldopt.errors import Fault
from yieldopt.read.check_places import case_places, route_places, spelling_faults
from yieldopt.read.inventory import resources as known_resources
from yieldopt.read.names import name_faults, repeated
from yieldopt.read.pieces import Pieces, entries_of, length_faults, names_in, unknown_name
from yieldopt.schema.case import Library
from yieldopt.schema.lines import lines_among

_PER_PERIOD = (("resources", "capacity"), ("products", "demand"), ("reservations", "capacity"))
# (list of the case, key, what it names)
_ONE = (
    ("products", "present_route", "route"),
    ("lines", "route", "route"),
    ("expansions", "resource", "resource"),
    ("reservations", "resource", "resource"),
    ("shares", "product", "product"),
    ("shares", "line", "line"),
    ("shares", "route", "route"),
    ("shares", "site", "site"),
    ("shares", "region", "region"),
    ("shares", "vendor", "vendor"),
    ("changes", "begins", "period"),
)
_SEVERAL = (
    ("products", "routes", "route"),
    ("products", "qualified", "line"),
    ("products", "barred_regions", "region"),
    ("budgets", "periods", "period"),
)
_OF = {
    "resource": "unknown resource: none of [[resources]]",
    "vendor": "unknown vendor: of none of [[resources]]",
}


def reference_faults(data: dict[str, Any], pieces: Pieces, library: Library) -> list[Fault]:
    """Return a fault for each name that leads nowhere, and each list per period of other length.

    Parameters
    ----------
    data
        The case as written.
    pieces
        Its entries as checked.
    library
        Models by name.
    """
    periods = data.get("periods", ["all"])
    listed = periods if isinstance(periods, list) else []
    faults = [Fault("duplicate name", f"periods[{at}]", name) for at, name in repeated(listed)]
    faults += name_faults(data.get("insertions"), ("insertions",), library.insertions, "insertion")
    count = len(listed) if isinstance(periods, list) else None
    for key, name in _PER_PERIOD:
        for at, raw in enumerate(entries_of(data, key)):
            faults += length_faults(raw, (key, at, name), count)
    known = _known(data, pieces, library) | {
        "period": dict.fromkeys(p for p in listed if isinstance(p, str))
    }
    for key, name, what in _ONE:
        text = _OF.get(what, f"unknown {what}")
        for at, raw in enumerate(entries_of(data, key)):
            faults += unknown_name(raw.get(name), (key, at, name), known[what], text)
    for key, name, what in _SEVERAL:
        for at, raw in enumerate(entries_of(data, key)):
            faults += name_faults(raw.get(name), (key, at, name), known[what], what)
    places = case_places(entries_of(data, "lines"), entries_of(data, "resources"))
    found = spelling_faults(list(places), route_places(library.routes))
    faults += [fault for _, fault in found]
    return faults + _resource_faults(data, library)


def _known(data: dict[str, Any], pieces: Pieces, library: Library) -> dict[str, dict[str, None]]:
    """Return what there is of each kind, every name once."""
    given = [line for line in pieces["lines"] if line is not None]
    lines = list(lines_among(library.routes, given, library.routes))
    sites = [site for line in lines for site in line.sites]
    sites += [site for route in library.routes.values() for site in route.sites]
    vendors = [raw.get("vendor") for raw in entries_of(data, "resources")]
    found = {
        "product": names_in(data, "products"),
        "vendor": [name for name in vendors if isinstance(name, str)],
        "resource": names_in(data, "resources"),
        "route": list(library.routes),
        "line": [*(line.name for line in lines), *names_in(data, "lines")],
        "site": [site.name for site in sites],
        "region": [site.region for site in sites],
    }
    return {kind: dict.fromkeys(names) for kind, names in found.items()}


def _resource_faults(data: dict[str, Any], library: Library) -> list[Fault]:
    """Check that something uses what is called a resource: a model, or a line in its place."""
    known = known_resources(library)
    for raw in entries_of(data, "lines"):
        renamed = raw.get("resources")
        values = renamed.values() if isinstance(renamed, dict) else ()
        known |= {value for value in values if isinstance(value, str)}
    text = "unknown resource: no model uses it"
    return [
        fault
        for at, raw in enumerate(entries_of(data, "resources"))
        for fault in unknown_name(raw.get("name"), ("resources", at, "name"), known, text)
    ]
