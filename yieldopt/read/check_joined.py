"""Names that answers join to longer ones: no two of them may read alike.

A recipe is called ``product/line/number``, a node inside an assembled part ``part.node``. Names are
free, so that a stroke or a dot in one can make two such names the same.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import TypeVar

from yieldopt.errors import Fault
from yieldopt.read.pieces import Pieces
from yieldopt.schema.assembly import (
    Assembly,
    node_name,
    part_assembly,
    product_assembly,
    steps_of,
)
from yieldopt.schema.case import Library, ProductShape
from yieldopt.schema.lines import lines_among
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
    for name, one in named:
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


def node_faults(product: ProductShape, library: Library) -> Iterator[Fault]:
    """Yield a fault for each node of a product's routes that is called as another is."""
    for at, name in enumerate(product.routes):
        if name in library.routes:
            nodes = _nodes(product_assembly(product), library.routes[name], library, frozenset())
            for node, *both in alike(nodes):
                told = " and ".join(f"node {inner!r} of {owner!r}" if inner else f"part {owner!r}"
                                    for owner, inner in both)  # fmt: skip
                text = f"{told} would both be called {node!r}"
                yield Fault(text, f"routes[{at}]", name, RENAME)


def _nodes(
    assembly: Assembly, route: RouteShape, library: Library, above: frozenset[str]
) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the name of every node, with whose it is and its own; a part is its own node."""
    steps = steps_of(route, assembly.until)
    owner = assembly.name if assembly.category is not None else route.name
    for step in steps:
        own = step.make or step.join
        if own is not None:
            name = node_name(assembly, steps, own)
            is_part = assembly.category is not None and name == assembly.name
            yield name, (owner, "" if is_part else own)
        for slot in (source[1:] for source in step.inputs if source.startswith("@")):
            for fill in assembly.slots.get(slot, ()):
                part = library.parts.get(fill.part)
                if part is None or part.name in above:
                    continue
                if part.route is None or part.route not in library.routes:
                    yield part.name, (part.name, "")
                else:
                    inner = library.routes[part.route]
                    yield from _nodes(part_assembly(part), inner, library, above | {part.name})
