"""Which lines a case has, and which of them a product can use."""

from __future__ import annotations

from yieldopt.schema.case import Case, ProductShape
from yieldopt.schema.lines import Line, lines_among, usable_among


def lines_of(case: Case) -> tuple[Line, ...]:
    """Return every line of every route that some product can take.

    Parameters
    ----------
    case
        The checked case.

    Returns
    -------
    tuple of Line
        Routes in the order in which products name them; the lines of a route as the case lists
        them, or one of the route's own name and sites where it lists none.

    Examples
    --------
    >>> from yieldopt import load
    >>> [(line.name, line.sites[0].region) for line in lines_of(load("minimal"))]
    [('cowos_s', 'Taiwan'), ('osat_2p5d', 'Taiwan')]
    """
    routes = (name for product in case.products for name in product.routes)
    return tuple(lines_among(routes, case.lines, case.library.routes))


def usable_lines(case: Case, product: ProductShape) -> tuple[Line, ...]:
    """Return the lines of a product's routes that lie in no region that is barred to it.

    Parameters
    ----------
    case, product
        The checked case, and one of its products.

    Returns
    -------
    tuple of Line
        In the order of the product's routes. Whether the product keeps the limits of a route is
        another question (``optimize.route.exclusions``).

    Examples
    --------
    >>> from yieldopt import load
    >>> case = load("minimal")
    >>> [line.name for line in usable_lines(case, case.products[0])]
    ['cowos_s', 'osat_2p5d']
    """
    return tuple(usable_among(product, case.lines, case.library.routes))


def barred_reasons(case: Case, product: ProductShape, route: str) -> list[str]:
    """Return why a product may use none of a route's lines: all lie in regions barred to it.

    Parameters
    ----------
    case, product, route
        The checked case, one of its products and the name of a route.

    Returns
    -------
    list of str
        One reason; none where it may use a line.

    Examples
    --------
    >>> from yieldopt import load
    >>> case = load("minimal")
    >>> away = case.products[0].model_copy(update={"barred_regions": ("Taiwan",)})
    >>> barred_reasons(case, away, "cowos_s")
    ['every line lies in a region barred to the product: Taiwan']
    """
    lines = list(lines_among((route,), case.lines, case.library.routes))
    barred = set(product.barred_regions)
    if not all(line.regions & barred for line in lines):
        return []
    named = ", ".join(sorted(barred & {region for line in lines for region in line.regions}))
    return [f"every line lies in a region barred to the product: {named}"]


__all__ = ["Line", "barred_reasons", "lines_of", "usable_lines"]
