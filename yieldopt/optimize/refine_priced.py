"""A limit on use under free times: the use is priced until the best plan just keeps the limit.

With price ν on what is used and r allowed, every plan within the limit costs at least
min(J + ν·use) − ν·r, whose right side :func:`yieldopt.optimize.refine.refine` bounds over all
times. Each search gives a plan, and its line J_i + ν·(use_i − r) is above that bound as a function
of ν, which is concave: the next ν is where the lines of the best plans on both sides of the limit
cross. Between these two, levels being equal, times go along a line as far as the limit lets.

Where the best plans on both sides differ in their levels a gap may stay: prices cannot tell apart
what lies between (the duality gap of a choice that is not a time).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from yieldopt.engine import evaluate
from yieldopt.optimize.refine import Refined
from yieldopt.optimize.refine_curve import Curve
from yieldopt.optimize.refine_polish import flow_at
from yieldopt.optimize.terms import ROUNDING
from yieldopt.template import Template

_MOST_PRICES = 40
_HALVINGS = 50
_DEARER = 8.0
_HOPELESS = 8.0**9  # of the first price: then nothing found keeps the limit


@dataclass(frozen=True)
class Part:
    """A template without coupled rules, its curves, and what was found there."""

    template: Template
    curves: Sequence[Curve]
    found: Refined

    def use(self, name: str, times: dict[str, float] | None = None) -> float:
        """Return the use of a resource per good package, at other times if they are given."""
        assert self.found.levels is not None
        seconds = self.found.seconds if times is None else times
        out = evaluate(flow_at(self.template, self.curves, self.found.levels, seconds))
        return float(out.uses.get(name, 0.0)) / float(out.quality)

    def at(self, times: dict[str, float], escape_usd: float) -> Part:
        """Return the same plan at other times, its cost without prices."""
        assert self.found.levels is not None
        out = evaluate(flow_at(self.template, self.curves, self.found.levels, times))
        quality = float(out.quality)
        value = (float(out.cost_per_shipped_usd) + escape_usd * (1.0 - quality)) / quality
        found = replace(self.found, seconds=times, value_usd=value, dppm=float(out.dppm))
        return replace(self, found=found)


Solve = Callable[[float], tuple[Part, float]]  # at a price: best plan, and a bound of all parts
Keeps = Callable[[Part], bool]


def held(
    solve: Solve,
    keeps: Keeps,
    under: Part,
    name: str,
    most: float,
    gap: float,
    escape_usd: float,
    is_spent: Callable[[], bool],
) -> tuple[Part | None, float]:
    """Return the best plan found that keeps all limits, and a bound on all that keep one.

    Parameters
    ----------
    solve
        The best plan at a price of the resource, in a value that includes it, and a bound.
    keeps
        Whether a plan keeps every limit.
    under
        The best plan at no price, which does not keep the limit.
    name, most
        The resource and its limit.
    gap
        Relative gap to reach.
    escape_usd
        Cost of an escape [USD].
    is_spent
        Whether time has ended.
    """
    best, over, lower = None, None, -math.inf
    price = max(abs(under.found.value_usd), 1e-9) / max(most, 1e-12) / _DEARER
    hopeless = _HOPELESS * price
    for _ in range(_MOST_PRICES):
        if is_spent() or price > hopeless:
            break
        part, bound = solve(price)
        lower = max(lower, bound - price * most)
        if part.found.levels is None:
            break  # no plan at all, or time ended
        real = part.at(dict(part.found.seconds), escape_usd)
        if real.use(name) <= most * (1.0 + ROUNDING):
            over = real
        else:
            under = real
        for plan in (over, _between(over, under, name, most, escape_usd)):
            if plan is not None and keeps(plan):
                better = best is None or plan.found.value_usd < best.found.value_usd
                best = plan if better else best
        if best is not None and lower >= best.found.value_usd * (1.0 - gap):
            break
        last, price = price, _next(price, over, under, name)
        if price == last:
            break
    return best, lower


def _next(price: float, over: Part | None, under: Part, name: str) -> float:
    """Return the price at which the plans on both sides of the limit cost the same."""
    if over is None:
        return _DEARER * price
    more = over.found.value_usd - under.found.value_usd
    less = under.use(name) - over.use(name)
    return max(more, 0.0) / less if less > 0.0 else price


def _between(
    over: Part | None, under: Part, name: str, most: float, escape_usd: float
) -> Part | None:
    """Go from a plan within the limit towards one that is not, as far as the limit lets."""
    if over is None or over.found.levels != under.found.levels:
        return None
    if over.template is not under.template or set(over.found.seconds) != set(under.found.seconds):
        return None

    def times(part: float) -> dict[str, float]:
        ends = over.found.seconds, under.found.seconds
        return {p: (1.0 - part) * ends[0][p] + part * ends[1][p] for p in ends[0]}

    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if over.use(name, times(middle)) <= most else (low, middle)
    return over.at(times(low), escape_usd)
