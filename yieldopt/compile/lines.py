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


__all__ = ["Line", "lines_of", "usable_lines"]
