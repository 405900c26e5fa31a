"""Why no plan of a product on a route is allowed: rules, quality, use of resources, in words."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from yieldopt.engine import evaluate
from yieldopt.optimize.coverage import HOPELESS_USD
from yieldopt.optimize.ruled import Ruled, best_under
from yieldopt.schema.case import ProductShape

_DEAR_USD = 1e12  # an escape dear enough turns the search into one for the best quality


def why_not(product: ProductShape, ruled: Ruled) -> tuple[str, ...]:
    """Return the reasons that a product has no plan under its rules and limits.

    Parameters
    ----------
    product
        The product, with its DPPM limit.
    ruled
        Its template under its rules, of which no plan is allowed.

    Returns
    -------
    tuple
        What the rules on levels leave nothing of; else whether anything passes; else the lowest
        DPPM that they reach; else the least use of each resource whose limit no plan keeps.
    """
    if ruled.reasons:
        return ruled.reasons
    # Without limits on use: what they forbid is told from what quality forbids.
    free = replace(ruled, rules=replace(ruled.rules, resource_limits={}))
    best = best_under(free, escape_cost_usd=_DEAR_USD)
    if best.levels is None:
        blocked = evaluate(ruled.template.at({})).blocked
        if blocked is not None:
            return (f"nothing can pass {blocked}",)
        return (f"a good package costs more than {HOPELESS_USD:.0e} USD, escapes included",)
    limit, reached = product.dppm_limit, float(evaluate(ruled.template.at(best.levels)).dppm)
    if limit is not None and reached > limit:
        allowed = " that the rules allow" if ruled.combinations < _all(ruled) else ""
        text = f"no combination of levels{allowed} reaches {limit:g} DPPM"
        return (f"{text}; the lowest is {reached:.4g}",)
    if not ruled.rules.resource_limits:  # only the escapes are too dear
        return (f"a good package costs more than {HOPELESS_USD:.0e} USD, escapes included",)
    at = f" at {limit:g} DPPM" if limit is not None else ""
    together = f"no combination of levels keeps all limits on use of resources{at} together"
    return tuple(_least_uses(ruled, free, limit, at)) or (together,)


def _all(ruled: Ruled) -> int:
    choices = ruled.template.choices().values()
    return math.prod(len(choice.options) for choice in choices)


def _least_uses(ruled: Ruled, free: Ruled, limit: float | None, at: str) -> Iterator[str]:
    for name, most in ruled.rules.resource_limits.items():
        least = best_under(free, None, {name: 1.0}, dppm_limit=limit, prices_only=True).value_usd
        if least > most:
            yield (
                f"no combination of levels uses {most:g} of {name} or less per good package{at}; "
                f"the least is {least:.4g}"
            )
