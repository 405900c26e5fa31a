"""What a plan alone says of a product: the recipes that it makes, and why other routes are out."""

from __future__ import annotations

from yieldopt.comparison import RouteColumn
from yieldopt.plan import Result


def planned_columns(result: Result, product: str) -> tuple[RouteColumn, ...]:
    """Return a column for each recipe of a product in a plan, and for each route that is out.

    Parameters
    ----------
    result
        A plan.
    product
        One of its products.

    Returns
    -------
    tuple of RouteColumn
        Recipes go by their id, as a route may have several; their levels are those of the plan,
        where scarcity counts. Composite yield and scrap by cause are not in a plan.

    Examples
    --------
    >>> from yieldopt import load, solve
    >>> [column.route for column in planned_columns(solve(load("minimal")), "asic")]
    ['asic/osat_2p5d/1']
    """
    made = [
        RouteColumn(product, recipe.id, (), recipe, None, {})
        for recipe in result.recipes
        if recipe.product == product
    ]
    out = [
        RouteColumn(product, one.route, one.reasons, None, None, {}, stopped=one.stopped)
        for each in result.products
        if each.name == product
        for one in each.routes
        if not one.feasible
    ]
    return (*made, *out)
