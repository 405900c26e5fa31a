"""Names that answers join to longer ones: no two of them may read alike.

A recipe is called ``product/line/number``, a node inside an assembled part ``part.node``, a step or
an insertion ``node/step``. Names are free, so that a stroke or a dot in one can make two the same.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import TypeVar

from yieldopt.errors import Fault
from yieldopt.read.pieces import Pieces
from yieldopt.schema.assembly import (
    Assembly,
    node_name,
    part_assembly,
    points_of,
    product_assembly,
    steps_of,
)
from yieldopt.schema.case import Library, ProductShape
from yieldopt.schema.insertion import InsertionShape
from yieldopt.schema.lines import lines_among
from yieldopt.schema.part import GRADE, PartShape
from yieldopt.schema.route import RouteShape

P = TypeVar("P", bound=Hashable)
RENAME = "give one of them another name"


def alike(named: Iterable[tuple[str, P]]) -> Iterator[tuple[str, P, P]]:
    """Yield each name that two different things have, with the first of them and the other.

    Examples
    --------
    >>> list(alike([("a/b/c", ("a", "b/c")), ("a/b/c", ("a/b", "c")), ("a/b", ("a", "b"))]))
    [('a/b/c', ('a', 'b/c'), ('a/b', 'c'))]
    """
    first: dict[str, P] = {}
    for name, one in dict.fromkeys(named):
        if first.setdefault(name, one) != one:
            yield name, first[name], one


def recipe_faults(pieces: Pieces, library: Library) -> Iterator[Fault]:
    """Yield a fault for each product whose recipes on a line would be called as other ones are."""
    lines = [line for line in pieces["lines"] if line is not None]
    pairs = (
        (f"{product.name}/{line.name}", (at, product.name, line.name))
        for at, product in enumerate(pieces["products"])
        if product is not None
        for line in lines_among(product.routes, lines, library.routes)
    )
    for name, (_, *first), (at, *other) in alike(pairs):
        if first != other:
            told = " and ".join(f"{product!r} on {line!r}" for product, line in (first, other))
            text = f"recipes of {told} would both be called {name!r}"
            yield Fault(text, f"products[{at}].name", hint=RENAME)


def node_faults(
    product: ProductShape, library: Library, insertions: Sequence[InsertionShape]
) -> Iterator[Fault]:
    """Yield a fault for each node, step or insertion of a product that is called as another is.

    Parameters
    ----------
    product
        A well-formed product; keys are given from it on.
    library
        Models by name.
    insertions
        Those in play.
    """
    found: list[tuple[str, str]] = []
    for name in product.routes:
        if name in library.routes:
            assembly, route = product_assembly(product), library.routes[name]
            found += _named(assembly, route, library, frozenset())
            found += [
                (f"{node}/{one.name}", f"insertion {one.name!r} of {node!r}")
                for node, point in points_of(assembly, route, library)
                for one in insertions
                if point in one.points
            ]
    for name, *both in alike(found):
        text = f"{' and '.join(both)} would both be called {name!r}"
        yield Fault(text, "routes", hint=RENAME)


def _named(
    assembly: Assembly, route: RouteShape, library: Library, above: frozenset[str]
) -> Iterator[tuple[str, str]]:
    """Yield the name of every node and step on a route, and what it is; a part is a node."""
    steps = steps_of(route, assembly.until)
    node = ""
    for step in steps:
        own = step.make or step.join
        if own is not None:
            node = node_name(assembly, steps, own)
            owner = f" in part {assembly.name!r}" if assembly.category is not None else ""
            yield node, f"part {node!r}" if node == assembly.name else f"node {own!r}{owner}"
        if step.part is not None and step.part in library.parts:
            yield _origin(node, library.parts[step.part])
        if step.work is not None:
            yield f"{node}/{step.work}", f"step {step.work!r} of {node!r}"
        for source in step.inputs:
            for fill in assembly.slots.get(source[1:], ()) if source.startswith("@") else ():
                part = library.parts.get(fill.part)
                if part is None or part.name in above:
                    continue
                if part.route is None:
                    yield part.name, f"part {part.name!r}"
                    yield _origin(part.name, part)
                elif part.route in library.routes:
                    inner = library.routes[part.route]
                    yield from _named(part_assembly(part), inner, library, above | {part.name})


def _origin(node: str, part: PartShape) -> tuple[str, str]:
    """Return the name of a part's first step, as compiling has it, and what it is."""
    name = "fab" if part.process is not None else GRADE if part.grades is not None else "buy"
    return f"{node}/{name}", f"step {name!r} of {node!r}"
