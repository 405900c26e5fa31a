"""At which value of an input two routes cost the same, test levels chosen anew at every value."""

from __future__ import annotations

from pathlib import Path

from yieldopt.breakeven.found import BreakEven
from yieldopt.breakeven.search import Search
from yieldopt.errors import CaseError, Fault, UnknownName, near_miss
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.candidates import Candidate
from yieldopt.read.case import load
from yieldopt.read.keys import key_parts
from yieldopt.read.lookup import known_at, quantity_at
from yieldopt.schema.case import Case, ProductShape


def breakeven(
    case: str | Path | Case,
    key: str,
    routes: tuple[str, str],
    *,
    product: str | None = None,
    low: float | None = None,
    high: float | None = None,
    time_limit_s: float | None = None,
) -> BreakEven:
    """Find every value of an input at which two routes cost the same per good package.

    Parameters
    ----------
    case
        A case file, or the name of a bundled case; or a case from :func:`yieldopt.load`, which is
        not read again at every value: much faster, and checked model by model.
    key
        The input, dotted: ``processes.NAME.…``, ``parts.…``, ``routes.NAME.steps.STEP.…``,
        ``insertions.…`` or ``products.NAME.…``.
    routes
        Two of the product's routes.
    product
        A product of the case; may be left out where there is only one.
    low, high
        Range to search; left out: the range that the input's source gives, else a tenth of the
        base to ten times it.
    time_limit_s
        Seconds for all searches; then the crossings found so far. Left out: no limit, and 120 s for
        one search.

    Returns
    -------
    BreakEven
        Crossings by rising value. The range is scanned at 17 points, and up to the edges of the
        stretches where both routes can be taken; every change of sign is closed to 1e-7 of the
        value. Two crossings between neighbouring points are not seen, and equal costs over a
        stretch are none.

    Raises
    ------
    CaseError, UnknownName
        No such key, product or route; the range is not a range, or leaves what the input allows;
        a time limit that is not above 0.

    Examples
    --------
    >>> key = "routes.osat_2p5d.steps.ship_to_osat.cost_usd"
    >>> found = breakeven("minimal", key, ("cowos_s", "osat_2p5d"), low=0.0, high=20.0)
    >>> [(crossing.cheaper_below, crossing.cheaper_above) for crossing in found.crossings]
    [('osat_2p5d', 'cowos_s')]
    """
    budget = Budget.of(time_limit_s)
    read = case if isinstance(case, Case) else load(case)
    asked = _product(read, product)
    for route in routes:
        if route not in asked.routes:
            hint = near_miss(route, asked.routes)
            raise UnknownName(Fault(f"none of the routes of {asked.name}", value=route, hint=hint))
    if routes[0] == routes[1]:
        raise CaseError(Fault("the two routes are one", value=routes[0]))
    parts = key_parts(key)
    quantity = quantity_at(read, parts)
    if quantity is None:
        hint = near_miss(*known_at(read, parts))
        raise CaseError(Fault("not a number of this case", key, hint=hint))
    base = quantity.base
    least = low if low is not None else quantity.low if quantity.low is not None else base / 10
    most = high if high is not None else quantity.high if quantity.high is not None else base * 10
    if not least < most:
        text = f"the range from {least:g} to {most:g} is empty: give --low and --high"
        raise CaseError(Fault(text, key))
    return Search(case, key, asked.name, routes, budget).run(least, base, most)


def between(
    case: Case, key: str, held: tuple[Candidate, Candidate], low: float, high: float, budget: Budget
) -> BreakEven:
    """Compare two routes that were weighed at base over a range, as :func:`breakeven` does."""
    routes = held[0].route, held[1].route
    quantity = quantity_at(case, key_parts(key))
    assert quantity is not None
    search = Search(case, key, held[0].product.name, routes, budget, held)
    return search.run(low, quantity.base, high)


def _product(case: Case, name: str | None) -> ProductShape:
    if name is not None:
        return case.product(name)
    if len(case.products) == 1:
        return case.products[0]
    known = ", ".join(product.name for product in case.products)
    raise CaseError(Fault("the case has several products", hint=f"name one of {known}"))
