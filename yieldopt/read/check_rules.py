"""A product's menus and rules against its routes: places, levels, fault classes, resources.

A place need not be on every route: what is said of it holds on the routes that have it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from yieldopt.errors import Fault, near_miss
from yieldopt.read.carried import carried_at
from yieldopt.read.inventory import fault_classes, resources
from yieldopt.read.keys import join_key
from yieldopt.read.names import name_faults
from yieldopt.schema.assembly import points_of, product_assembly
from yieldopt.schema.case import Library, ProductShape
from yieldopt.schema.part import GRADE

Menus = Mapping[str, Mapping[str, Any]]  # levels by "node/insertion"
Names = Mapping[str, str]  # insertion by "node/insertion"
Key = tuple[str | int, ...]
Pair = tuple[str, str]  # node and insertion


def rule_faults(
    product: ProductShape, library: Library, in_play: Sequence[str] | None
) -> Iterator[Fault]:
    """Yield what is wrong with the menus and rules of a well-formed product.

    Parameters
    ----------
    product
        The product; keys are given from it on.
    library
        Models by name.
    in_play
        Insertions of the case; ``None``: all of the library. A rule on one that is not in play
        would hold nowhere.
    """
    pairs = list(pairs_of(product, library))
    names = {_joined(pair): pair[1] for pair in pairs}
    menus = menus_of(product, library)
    for place, levels in product.levels.items():
        yield from _levels(("levels", place), place, levels, menus, names)
    played = [pair for pair in pairs if in_play is None or pair[1] in (*in_play, GRADE)]
    live = {place: menus[place] for place in map(_joined, played)}
    yield from _rules(product, live, names)
    yield from _coverage(product, library, live, names, in_play)
    known = resources(library)
    for name in product.use_limits_per_good:
        if name not in known:
            key = join_key(("use_limits_per_good", name))
            yield Fault("unknown resource: no model uses it", key, hint=near_miss(name, known))


def pairs_of(product: ProductShape, library: Library) -> Iterator[Pair]:
    """Yield node and insertion of every place on the product's routes, each once.

    A name may hold the stroke that joins the two: a place says nothing of its parts.
    """
    points = {
        (node, point): None
        for name in product.routes
        if name in library.routes
        for node, point in points_of(product_assembly(product), library.routes[name], library)
    }
    pairs: dict[Pair, None] = {
        (node, name): None
        for node, point in points
        for name, insertion in library.insertions.items()
        if point in insertion.points
    }
    grades = ((node, GRADE) for node, point in points if point == GRADE and node in library.parts)
    yield from pairs | dict.fromkeys(grades)


def menus_of(product: ProductShape, library: Library) -> Menus:
    """Return the full menu of every place on the product's routes."""
    menus: dict[str, Mapping[str, Any]] = {}
    for pair in pairs_of(product, library):
        node, name = pair
        part = library.parts.get(node)
        if name == GRADE and part is not None and part.grades is not None:
            menus[_joined(pair)] = part.grades
        else:
            menus[_joined(pair)] = library.insertions[name].menu()
    return menus


def _joined(pair: Pair) -> str:
    return "/".join(pair)


def _rules(product: ProductShape, live: Menus, names: Names) -> Iterator[Fault]:
    """Check the places and levels of rules."""
    for place, levels in product.forbidden_levels.items():
        yield from _levels(("forbidden_levels", place), place, levels, live, names)
    for at, places in enumerate(product.same_level):
        yield from _places(("same_level", at), places, live, names)
    for at, move in enumerate(product.moves):
        yield from _places(("moves", at, "places"), move.places, live, names)
        for place in move.places:
            if place in live and move.resting not in live[place]:
                hint = near_miss(move.resting, live[place])
                key = join_key(("moves", at, "resting"))
                yield Fault(f"unknown level of {place}", key, move.resting, hint)


def _coverage(
    product: ProductShape,
    library: Library,
    live: Menus,
    names: Names,
    in_play: Sequence[str] | None,
) -> Iterator[Fault]:
    """Check the places and fault classes of contracts."""
    classes = fault_classes(library)
    known = [i for i in library.insertions.values() if in_play is None or i.name in in_play]
    carried = carried_at(product, library, known) if product.least_coverage else {}
    for place, table in product.least_coverage.items():
        key = ("least_coverage", place)
        if place not in live:
            yield _nowhere(key, place, None, names)
        elif names[place] == GRADE:
            yield Fault("a choice of grades covers nothing", join_key(key))
        for name in table:
            if name not in classes:
                hint = near_miss(name, classes)
                yield Fault("unknown fault class", join_key((*key, name)), hint=hint)
            elif place in carried and name not in carried[place]:
                text = "no unit carries faults of this class here: there is nothing to cover"
                hint = "carried here: " + (", ".join(sorted(carried[place])) or "none")
                yield Fault(text, join_key((*key, name)), hint=hint)


def _levels(
    key: Key, place: str, levels: Sequence[str], live: Menus, names: Names
) -> Iterator[Fault]:
    """Check a list of levels that stands under its place."""
    if place in live:
        yield from name_faults(levels, key, live[place], "level")
    else:
        yield _nowhere(key, place, None, names)


def _places(key: Key, places: Sequence[str], live: Menus, names: Names) -> Iterator[Fault]:
    for at, place in enumerate(places):
        if place not in live:
            yield _nowhere((*key, at), place, place, names)


def _nowhere(key: Key, place: str, value: str | None, names: Names) -> Fault:
    if place in names:
        hint = f"add {names[place]!r} to the insertions of the case"
        return Fault("this insertion is not in play", join_key(key), value, hint)
    hint = near_miss(place, names)
    return Fault("no such place on the product's routes", join_key(key), value, hint)
