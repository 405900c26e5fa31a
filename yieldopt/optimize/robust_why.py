"""Why a product has no plan over the scenarios of its case, with the scenarios that it holds in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from yieldopt.optimize.budget import Budget, stopped
from yieldopt.optimize.robust import Goal
from yieldopt.optimize.route import exclusions
from yieldopt.optimize.ruled import Ruled, best_under
from yieldopt.optimize.why_not import why_not
from yieldopt.schema.assembly import product_assembly
from yieldopt.schema.case import Case, ProductShape


def excluded(case: Case, product: ProductShape, name: str) -> list[str]:
    """Return every limit that is broken, with the scenarios where it is not in all of them."""
    found: dict[str, list[str]] = {}
    for scenario in case.scenarios:
        library = scenario.case.library
        for reason in exclusions(library, product_assembly(product), library.routes[name]):
            found.setdefault(reason, []).append(scenario.name)
    return _named(found, len(case.scenarios))


def _named(found: Mapping[str, Sequence[str]], count: int) -> list[str]:
    """Return reasons with the scenarios that they hold in, where those are not all."""
    return [
        reason if len(names) == count else f"{reason} (in {', '.join(names)})"
        for reason, names in found.items()
    ]


def why_none(
    case: Case, product: ProductShape, ruled: Sequence[Ruled], goal: Goal, budget: Budget
) -> Iterator[str]:
    """Yield why no plan is allowed: of all scenarios, then of those that have none of their own."""
    also = " and keeps all limits on use of resources in every one" if goal.use_limits else ""
    if goal.dppm_limit is not None:
        held = f"in scenarios of probability {goal.dppm_share:g}"
        yield f"no plan holds {goal.dppm_limit:g} DPPM {held}{also}"
    elif also:
        yield f"no plan passes in every scenario{also}"
    else:
        yield "nothing passes in some scenario"
    found: dict[str, list[str]] = {}
    for scenario, own in zip(case.scenarios, ruled, strict=True):
        alone = best_under(
            own,
            dppm_limit=goal.dppm_limit,
            escape_cost_usd=goal.escape_cost_usd,
            search=budget.search,
        )
        if stopped(alone):
            yield "time ended before each scenario was looked at by itself"
            return
        for reason in why_not(product, own, budget.search) if alone.levels is None else ():
            found.setdefault(reason, []).append(scenario.name)
    yield from _named(found, len(ruled))
    if not found:
        yield "each scenario by itself has a plan: none is one for as many together"
