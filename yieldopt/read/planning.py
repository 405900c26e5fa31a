"""The planning keys of a case, checked against each other and the models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from yieldopt.errors import Fault
from yieldopt.read.changes import order_faults
from yieldopt.read.check_capacity import Usable, budget_faults, capacity_faults
from yieldopt.read.check_joined import node_faults, recipe_faults
from yieldopt.read.check_lines import Products, Uses, line_faults
from yieldopt.read.check_products import horizon_faults, place_faults, product_faults
from yieldopt.read.check_shares import share_faults
from yieldopt.read.inventory import resources_on
from yieldopt.read.keys import join_key
from yieldopt.read.pieces import Pieces
from yieldopt.schema.case import CaseShape, Library
from yieldopt.schema.insertion import InsertionShape
from yieldopt.schema.lines import usable_among


def planning_faults(
    data: dict[str, Any],
    shape: CaseShape | None,
    pieces: Pieces,
    library: Library,
    in_play: Sequence[str] | None,
) -> list[Fault]:
    """Return what is wrong with the planning keys of a case, as far as entries have their form.

    Parameters
    ----------
    data, shape, pieces
        The case as written, its top level as checked (``None``: it has faults), its entries.
    library
        Models by name.
    in_play
        Names of its insertions; ``None``: all.
    """
    listed = data.get("periods", ["all"])
    periods = listed if isinstance(listed, list) and listed else ["all"]
    insertions = [i for i in library.insertions.values() if in_play is None or i.name in in_play]
    uses = _uses(pieces["products"], library, insertions)
    faults = list(horizon_faults(shape)) if shape is not None else []
    faults += order_faults(pieces["changes"], periods)
    faults += line_faults(pieces, library, uses)
    routes = set(library.routes)
    lines_known = all(line is not None and line.route in routes for line in pieces["lines"])
    usable = _usable(pieces, library, uses) if lines_known else None
    for at, product in enumerate(pieces["products"]):
        if product is not None:
            own = list(product_faults(product, len(periods), str(data.get("objective"))))
            if lines_known and set(product.routes) <= routes:
                own += place_faults(product, pieces["lines"], library)
            own += node_faults(product, library, insertions)
            faults += [fault.under(join_key(("products", at))) for fault in own]
    faults += recipe_faults(pieces, library)
    faults += capacity_faults(pieces, len(periods))
    testers = {insertion.tester.resource for insertion in insertions}
    faults += share_faults(pieces, usable, testers, len(periods))
    return faults + list(budget_faults(pieces, library, usable))


def _uses(products: Products, library: Library, insertions: Sequence[InsertionShape]) -> Uses:
    found: dict[str, dict[str, set[str]]] = {}
    for product in products:
        for name in product.routes if product is not None else ():
            if product is not None and name in library.routes:
                used = resources_on(library.routes[name], product, library, insertions)
                found.setdefault(name, {})[product.name] = used
    return found


def _usable(pieces: Pieces, library: Library, uses: Uses) -> Usable | None:
    """Return the lines that each product can use; ``None`` if not all is known about them."""
    found: Usable = {}
    products: Products = pieces["products"]
    for product in products:
        if product is None or not set(product.routes) <= set(library.routes):
            return None
        found[product.name] = [
            (line, line.renamed(uses[line.route][product.name]))
            for line in usable_among(product, pieces["lines"], library.routes)
        ]
    return found
