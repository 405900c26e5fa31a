"""What a plan alone says of a product: the recipes that it makes, and why other routes are out."""

from __future__ import annotations

from pathlib import Path

from yieldopt.comparison import RouteColumn
from yieldopt.plan import Result
from yieldopt.study.result_file import read_result
from yieldopt.study.whole import Study

# What a report of a case shows, and a result alone does not hold.
MISSING = (
    "each route by itself at its best",
    "yield funnels",
    "what each test is worth (U-curves)",
    "cost against DPPM",
    "DPPM by source",
    "the reach of each assumption",
    "where another route takes over",
    "from when on a decision counts",
)


def planned_study(path: Path) -> Study:
    """Return what a file with a result alone can show; :data:`MISSING` says what it cannot.

    Raises
    ------
    CaseError
        As :func:`yieldopt.study.result_file.read_result`.
    """
    return Study(path.name, "", read_result(path), ())


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
