"""Why no plan of a product on a route is allowed: rules, quality, use of resources, in words."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from yieldopt.engine import evaluate
from yieldopt.optimize.budget import stopped
from yieldopt.optimize.coverage import HOPELESS_USD
from yieldopt.optimize.ruled import Ruled, Search, best_under
from yieldopt.optimize.search import search as any_search
from yieldopt.schema.case import ProductShape

DEAR_USD = 1e12  # an escape dear enough turns the search into one for the best quality
_PROVED = 1e-9  # a relative gap that is rounding


@dataclass(frozen=True)
class Reason:
    """Why no plan is allowed.

    Parameters
    ----------
    kind
        ``"rules"`` on levels leave nothing, ``"blocked"``: nothing can pass, ``"too_dear"``,
        ``"dppm_limit"``, ``"use_limit"`` of a resource, ``"use_limits"`` together, or ``"time"``:
        no plan was found in time, and none ruled out.
    text
        In words.
    name
        The resource, or where nothing passes.
    limit, least
        The limit and the least that a plan reaches [DPPM; units per good package].
    """

    kind: str
    text: str
    name: str | None = None
    limit: float | None = None
    least: float | None = None


def why_not(product: ProductShape, ruled: Ruled, search: Search = any_search) -> tuple[str, ...]:
    """Return in words why a product has no plan under its rules and limits.

    Parameters
    ----------
    product
        The product, with its DPPM limit.
    ruled
        Its template under its rules, of which no plan is allowed.
    search
        The exact search.

    Returns
    -------
    tuple
        What the rules on levels leave nothing of; else whether anything passes; else the lowest
        DPPM that they reach; else the least use of each resource whose limit no plan keeps.
    """
    return tuple(reason.text for reason in reasons_under(ruled, product.dppm_limit, search))


def reasons_under(
    ruled: Ruled, dppm_limit: float | None, search: Search = any_search
) -> tuple[Reason, ...]:
    """Return why no plan is allowed under rules and a DPPM limit, as :func:`why_not`.

    Parameters
    ----------
    ruled
        A template under its rules, of which no plan is allowed.
    dppm_limit
        Bad packages per million shipped may not exceed this; ``None``: no limit.
    search
        The exact search. Where time ends before it tells which limit binds, all are named together.
    """
    if ruled.reasons:
        return tuple(Reason("rules", text) for text in ruled.reasons)
    # Without limits on use: what they forbid is told from what quality forbids.
    free = replace(ruled, rules=replace(ruled.rules, resource_limits={}))
    best = best_under(free, escape_cost_usd=DEAR_USD, search=search)
    limits = ruled.rules.resource_limits
    if stopped(best):
        return (_together(dppm_limit, limited=bool(limits), proved=False),)
    if best.levels is None:
        blocked = evaluate(ruled.template.at({})).blocked
        if blocked is not None:
            return (Reason("blocked", f"nothing can pass {blocked}", blocked),)
        return (_too_dear(),)
    reached = float(evaluate(ruled.template.at(best.levels)).dppm)
    if dppm_limit is not None and reached > dppm_limit:
        open_ = best.gap > _PROVED  # time ended before the lowest was proved
        if open_ and _least_dppm(best.proof.lower_bound_usd) <= dppm_limit:
            return (_together(dppm_limit, limited=bool(limits), proved=False),)
        allowed = " that the rules allow" if ruled.combinations < _all(ruled) else ""
        text = f"no combination of levels{allowed} reaches {dppm_limit:g} DPPM"
        text = f"{text}; the lowest is {reached:.4g}"
        return (Reason("dppm_limit", text, None, dppm_limit, reached),)
    if not limits:  # only the escapes are too dear
        return (_too_dear(),)
    uses = tuple(_least_uses(ruled, free, dppm_limit, search))
    return uses or (_together(dppm_limit, limited=True, proved=True),)


def _least_dppm(lower_usd: float) -> float:
    """Return the DPPM that no plan is below, from a bound at a dear escape: e·(1 − Q)/Q + cost.

    Plans cost a millionth of a dear escape at most, which is left off: 1 ppm.
    """
    bad_per_good = lower_usd / DEAR_USD
    return max(0.0, 1e6 * bad_per_good / (1.0 + bad_per_good) - 1.0)


def _too_dear() -> Reason:
    text = f"a good package costs more than {HOPELESS_USD:.0e} USD, escapes included"
    return Reason("too_dear", text)


def _together(dppm_limit: float | None, *, limited: bool, proved: bool) -> Reason:
    at = f" at {dppm_limit:g} DPPM" if dppm_limit is not None else ""
    if not limited:
        return Reason("dppm_limit", f"no combination of levels is allowed{at}", None, dppm_limit)
    text = f"no combination of levels keeps all limits on use of resources{at} together"
    return Reason("use_limits", text if proved else f"{text} (no time to tell which binds)")


def _all(ruled: Ruled) -> int:
    choices = ruled.template.choices().values()
    return math.prod(len(choice.options) for choice in choices)


def _least_uses(ruled: Ruled, free: Ruled, limit: float | None, search: Search) -> Iterator[Reason]:
    at = f" at {limit:g} DPPM" if limit is not None else ""
    for name, most in ruled.rules.resource_limits.items():
        found = best_under(
            free, None, {name: 1.0}, dppm_limit=limit, prices_only=True, search=search
        )
        least = found.proof.lower_bound_usd  # equal to the value, but where time ended
        if least > most:
            text = (
                f"no combination of levels uses {most:g} of {name} or less per good package{at}; "
                f"the least is {least:.4g}"
            )
            yield Reason("use_limit", text, name, most, least)
