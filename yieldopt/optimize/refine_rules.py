"""Test times chosen below the grid under the rules of a product.

Rules on one insertion cut menus before the curves are opened. Rules that couple insertions are
lists of disjoint cuts of menus, so the plans fall into parts without such rules; each is refined,
told the best plan of those before, and the least bound of all is that of the product. Limits on the
use of resources are left out first: if the best plan of all keeps them it is the best that does.
If not, the best plan of the grid that keeps them is the answer, and the bound that of all plans.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from yieldopt.engine import evaluate
from yieldopt.errors import CaseError, Fault
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.refine import Refined, refine
from yieldopt.optimize.refine_curve import Curve
from yieldopt.optimize.refine_open import opened
from yieldopt.optimize.refine_polish import flow_at
from yieldopt.optimize.ruled import Ruled, best_under
from yieldopt.optimize.rules import cut
from yieldopt.optimize.terms import ROUNDING
from yieldopt.schema.case import Case, ProductShape
from yieldopt.template import Template

_MOST_PARTS = 64  # each takes as long as a product without such rules
_PART_S = 120.0  # for one part, where there is no time limit
_KEEPS_THE_GRID = "`solve` and `explain` keep it on the grid"


@dataclass(frozen=True)
class _Part:
    """A template without coupled rules, its curves, and what was found."""

    template: Template
    curves: Sequence[Curve]
    found: Refined


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
        plan of the grid that keeps it, with a bound on all plans and a note.

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
    parts: list[_Part] = []
    for template in _parts(ruled):
        whole, curves = opened(case, template)
        known = min((part.found.value_usd for part in parts), default=math.inf)
        found = refine(
            whole,
            curves,
            dppm_limit=dppm_limit,
            escape_cost_usd=escape_cost_usd,
            gap=gap,
            known_usd=known,
            time_limit_s=budget.left_s(_PART_S),
        )
        parts.append(_Part(whole, curves, found))
    best = min(parts, key=lambda part: part.found.value_usd)
    free, broken = _together(parts, best), _broken(ruled, best)
    if not broken:
        return free
    held = _on_grid(ruled, dppm_limit, escape_cost_usd, budget)
    return replace(
        held,
        lower_bound_usd=min(max(free.lower_bound_usd, 0.0), held.value_usd),
        searches=free.searches + 1,
        intervals=free.intervals,
        first_order=free.first_order,
        note=broken,
    )


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


def _together(parts: Sequence[_Part], best: _Part) -> Refined:
    found = [part.found for part in parts]
    lower = min(one.lower_bound_usd for one in found)
    return replace(
        best.found,
        lower_bound_usd=min(lower, best.found.value_usd),
        searches=sum(one.searches for one in found),
        first_order=tuple(dict.fromkeys(place for one in found for place in one.first_order)),
    )


def _refuse(case: Case, product: ProductShape, ruled: Ruled) -> None:
    """Refuse coupled rules that speak of single times."""
    _, curves = opened(case, ruled.template.limited(ruled.menus))
    timed = {curve.place for curve in curves}
    faults = []
    for places in ruled.rules.same_level:
        for place in (place for place in places if place in timed):
            text = "a test time chosen freely has no level that others could share"
            hint = f"leave {place} out of same_level; {_KEEPS_THE_GRID}"
            faults.append(Fault(text, f"{product.name}.same_level", place, hint))
    for move in ruled.rules.moves:
        for place in (place for place in move.places if place in timed):
            if move.resting in _times(case, place):
                text = "a test time chosen freely cannot rest at a time of the grid"
                hint = f"let it rest at a level that is no time; {_KEEPS_THE_GRID}"
                faults.append(Fault(text, f"{product.name}.moves", move.resting, hint))
    parts = math.prod(len(joint) for joint in ruled.joints)
    if parts > _MOST_PARTS:
        text = f"same_level and moves leave {parts} choices to refine one by one, of {_MOST_PARTS}"
        hint = f"leave out ties or moves that matter least; {_KEEPS_THE_GRID}"
        faults.append(Fault(text, product.name, hint=hint))
    if faults:
        raise CaseError(faults)


def _times(case: Case, place: str) -> list[str]:
    name = place.rpartition("/")[2]
    shapes = [one.curve for one in case.insertions if one.name == name]
    return [level for shape in shapes if shape is not None for level in shape.levels()]


def _broken(ruled: Ruled, best: _Part) -> str:
    """Say which limits on use the best plan without them does not keep; empty: it keeps all."""
    limits = ruled.rules.resource_limits
    if not limits or best.found.levels is None:
        return ""
    flow = flow_at(best.template, best.curves, best.found.levels, best.found.seconds)
    out = evaluate(flow)
    words = []
    for name, most in limits.items():
        used = float(out.uses.get(name, 0.0)) / float(out.quality)
        if used > most * (1.0 + ROUNDING):
            words.append(
                f"the best plan of free times uses {used:.6g} of {name} per good package, "
                f"limit {most:g}"
            )
    return "; ".join(words)
