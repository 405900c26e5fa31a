"""Test times chosen below the grid under the rules of a product.

Rules on one insertion cut menus before the curves are opened. Rules that couple insertions are
lists of disjoint cuts of menus, so the plans fall into parts without such rules; each is refined,
told the best plan of those before, and the least bound of all is that of the product. Limits on the
use of resources are left out first: if the best plan of all keeps them it is the best that does. If
not, the use of the one that it breaks is priced (:mod:`yieldopt.optimize.refine_priced`).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from yieldopt.engine import evaluate
from yieldopt.errors import CaseError, Fault
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.refine import Refined, refine
from yieldopt.optimize.refine_open import opened
from yieldopt.optimize.refine_priced import Part, held
from yieldopt.optimize.ruled import Ruled, best_under
from yieldopt.optimize.rules import cut
from yieldopt.optimize.terms import ROUNDING
from yieldopt.schema.case import Case, ProductShape
from yieldopt.template import Template

_MOST_PARTS = 64  # each takes as long as a product without such rules
_INNER = 0.25  # of the gap, for searches at a price
_CLOSE = 1e-9  # relative: digits of a DPPM
_PART_S = 120.0  # for one part, where there is no time limit
_KEEPS_THE_GRID = "`solve` and `explain` keep it on the grid"


def refine_under(
    case: Case,
    product: ProductShape,
    ruled: Ruled,
    *,
    dppm_limit: float | None = None,
    escape_cost_usd: float | None = None,
    gap: float = 1e-6,
    budget: Budget | None = None,
) -> Refined:
    """Choose the times of all curve insertions of a ruled template, with all its other levels.

    Parameters
    ----------
    case, product
        What the template was compiled from.
    ruled
        From :func:`yieldopt.optimize.product_rules.product_ruled`; some plan keeps the rules.
    dppm_limit, escape_cost_usd, gap
        As of :func:`yieldopt.optimize.refine.refine`.
    budget
        Time for all searches; none: 120 s for a part.

    Returns
    -------
    Refined
        Under a limit on the use of a resource that the best plan without it does not keep: the best
        plan found that keeps it, with a bound on all plans that do, and a note.

    Raises
    ------
    CaseError
        ``same_level`` on an insertion with a curve, or ``moves`` whose resting level is a time:
        they speak of levels of the grid. More than 64 parts.
    """
    budget = budget or Budget()
    if not opened(case, ruled.template.limited(ruled.menus))[1]:
        return _on_grid(ruled, dppm_limit, escape_cost_usd, budget)
    _refuse(case, product, ruled)
    pieces = [opened(case, template) for template in _parts(ruled)]

    def solve(prices: Mapping[str, float], gap: float) -> list[Part]:
        parts: list[Part] = []
        for whole, curves in pieces:
            found = refine(
                whole,
                curves,
                dppm_limit=dppm_limit,
                escape_cost_usd=escape_cost_usd,
                prices=prices,
                gap=gap,
                known_usd=min((part.found.value_usd for part in parts), default=math.inf),
                time_limit_s=budget.left_s(_PART_S),
            )
            parts.append(Part(whole, curves, found))
        return parts

    parts = solve({}, gap)
    best = min(parts, key=_value)
    free, broken = _together(parts, best), _broken(ruled, best)
    if not broken:
        return free
    name = next(iter(broken))

    def at(price: float) -> tuple[Part, float]:
        own = solve({name: price}, _INNER * gap)
        return min(own, key=_value), min(part.found.lower_bound_usd for part in own)

    plan, lower = held(
        at,
        lambda part: not _broken(ruled, part, dppm_limit),
        best,
        name,
        ruled.rules.resource_limits[name],
        gap,
        escape_cost_usd or 0.0,
        lambda: budget.is_spent,
    )
    lower = max(free.lower_bound_usd, lower, 0.0)
    grid = _on_grid(ruled, dppm_limit, escape_cost_usd, budget)
    answer = grid if plan is None or grid.value_usd < plan.found.value_usd else plan.found
    return replace(
        answer,
        lower_bound_usd=min(lower, answer.value_usd),
        searches=free.searches + 1,
        intervals=free.intervals,
        first_order=free.first_order,
        note="; ".join(broken.values()),
    )


def _value(part: Part) -> float:
    return part.found.value_usd


def _on_grid(
    ruled: Ruled, dppm_limit: float | None, escape_cost_usd: float | None, budget: Budget
) -> Refined:
    """Without a curve the levels are all there is, and every rule can be kept."""
    found = best_under(
        ruled, dppm_limit=dppm_limit, escape_cost_usd=escape_cost_usd, search=budget.search
    )
    lower = found.proof.lower_bound_usd
    if found.levels is None:
        return Refined(None, {}, math.inf, lower, None, 1, {})
    dppm = float(evaluate(ruled.template.at(found.levels), details=False).dppm)
    return Refined(found.levels, {}, found.value_usd, lower, dppm, 1, {})


def _parts(ruled: Ruled) -> Iterator[Template]:
    for chosen in itertools.product(*ruled.joints):
        menus = ruled.menus
        for alternative in chosen:
            menus = cut(menus, alternative)
        yield ruled.template.limited(menus)


def _together(parts: Sequence[Part], best: Part) -> Refined:
    found = [part.found for part in parts]
    lower = min(one.lower_bound_usd for one in found)
    return replace(
        best.found,
        lower_bound_usd=min(lower, best.found.value_usd),
        searches=sum(one.searches for one in found),
        first_order=tuple(dict.fromkeys(place for one in found for place in one.first_order)),
    )


def _refuse(case: Case, product: ProductShape, ruled: Ruled) -> None:
    """Refuse coupled rules that speak of single times, each at its key in the case file."""
    _, curves = opened(case, ruled.template.limited(ruled.menus))
    timed = {curve.place for curve in curves}
    choices = ruled.template.choices()
    at = [one.name for one in case.products].index(product.name)
    faults = []
    for number, tied in enumerate(product.same_level):
        live = [place for place in tied if place in ruled.menus]
        for place in (place for place in live if len(live) > 1 and place in timed):
            text = "a test time chosen freely has no level that others could share"
            hint = f"leave {place} out of same_level; {_KEEPS_THE_GRID}"
            key = f"products[{at}].same_level[{number}][{tied.index(place)}]"
            faults.append(Fault(text, key, place, hint))
    for number, move in enumerate(product.moves):
        for place in (place for place in move.places if place in timed):
            if move.resting in _times(case, choices[place].name):
                text = f"a test time chosen freely at {place} cannot rest at a time of the grid"
                hint = f"let it rest at a level that is no time; {_KEEPS_THE_GRID}"
                key = f"products[{at}].moves[{number}].resting"
                faults.append(Fault(text, key, move.resting, hint))
    parts = math.prod(len(joint) for joint in ruled.joints)
    if parts > _MOST_PARTS:
        text = f"same_level and moves leave {parts} choices to refine one by one, of {_MOST_PARTS}"
        hint = f"leave out ties or moves that matter least; {_KEEPS_THE_GRID}"
        faults.append(Fault(text, f"products[{at}]", product.name, hint))
    if faults:
        raise CaseError(faults)


def _times(case: Case, name: str) -> list[str]:
    shapes = [one.curve for one in case.insertions if one.name == name]
    return [level for shape in shapes if shape is not None for level in shape.levels()]


def _broken(ruled: Ruled, best: Part, dppm_limit: float | None = None) -> dict[str, str]:
    """Say which limits on use a plan does not keep, by resource; empty: it keeps all."""
    words: dict[str, str] = {}
    if best.found.levels is None:
        return words
    for name, most in ruled.rules.resource_limits.items():
        used = best.use(name)
        if used > most * (1.0 + ROUNDING):
            words[name] = (
                f"the best plan of free times uses {used:.6g} of {name} per good package, "
                f"limit {most:g}"
            )
    dppm = best.found.dppm
    if dppm_limit is not None and dppm is not None and dppm > dppm_limit * (1.0 + _CLOSE):
        words["dppm"] = f"{dppm:g} DPPM, limit {dppm_limit:g}"
    return words
