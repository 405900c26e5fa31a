"""Branch and bound over intervals of test times, with the exact search over all else inside.

:func:`yieldopt.optimize.refine.refine` says what for; here is how: bound all that is left, drop the
regions of each choice that cannot hold a better plan, cut intervals of times in four, again. This
is done for one domain of times; :mod:`yieldopt.optimize.refine_domains` divides them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

from yieldopt.optimize.coverage import Found, best_levels
from yieldopt.optimize.pricing import Ask
from yieldopt.optimize.problem import prepare
from yieldopt.optimize.refine_axis import Axis, Region
from yieldopt.optimize.refine_bend import Bend
from yieldopt.optimize.refine_curve import Curve, with_options
from yieldopt.optimize.refine_cuts import Ties
from yieldopt.optimize.refine_polish import Polish, Timed
from yieldopt.template import Template

_GUARD = 1e-11  # relative: rounding of the search and of the factors
_TIGHT = 0.99  # looser bounds would rule out few levels of the other insertions
_MOST_INTERVALS = 1500  # more make a search slow; with bounds of second order it takes some dozens


@dataclass
class Book:
    """What all domains share: the task, the best plan, and what is spent.

    Parameters
    ----------
    ask
        As of :func:`yieldopt.optimize.refine.refine`.
    polish
        Of the whole problem: a plan met may leave its domain.
    gap
        Relative gap at which to stop.
    most
        Searches after which to stop.
    known_usd
        Value of a plan known from elsewhere.
    until
        When to stop, on the clock of the wall.
    """

    ask: Ask
    polish: Polish
    gap: float
    most: int
    known_usd: float = math.inf
    until: float = math.inf
    best: Timed | None = None
    multiplier: float = 0.0
    searches: int = 0

    @property
    def value_usd(self) -> float:
        """The least value of a plan met or known."""
        return self.known_usd if self.best is None else min(self.known_usd, self.best.value_usd)

    @property
    def is_spent(self) -> bool:
        """Whether searches or time are used up."""
        return self.searches >= self.most or perf_counter() >= self.until

    def closes(self, lower_usd: float) -> bool:
        """Whether a bound is within the gap of the best plan, or rules every plan out."""
        if lower_usd == math.inf:
            return True
        return self.value_usd < math.inf and lower_usd >= self.value_usd * (1.0 - self.gap)


class Refining:
    """The grid of a domain as it is, and the least bound of what was dropped.

    Parameters
    ----------
    template, curves
        As of :func:`yieldopt.optimize.refine.refine`, levels and spans those of the domain.
    book
        What is shared.
    """

    def __init__(self, template: Template, curves: Sequence[Curve], book: Book) -> None:
        self.template, self.book, self.ask = template, book, book.ask
        bends = {curve.place: Bend(template, curve, curves) for curve in curves}
        self.ties = Ties.among(bends)
        places = [*bends, *(place for place in template.choices() if place not in bends)]
        self.axes = [
            Axis(
                template, place, bends, self.ties.first(place) if place in bends else (), self.ties
            )
            for place in places
        ]
        self.dropped = math.inf
        self.lower = -math.inf
        self.too_fine = False

    def run(self, rounds: int | None = None) -> None:
        """Refine until the gap is reached, nothing is left, or the searches are spent.

        Parameters
        ----------
        rounds
            Stop after so many rounds of dropping; none: as many as it takes.
        """
        if self.book.best is None:
            self._try(self._search({}, self.ask.dppm_limit, 0.0))
        while True:
            multipliers = self._bound_all()
            self.too_fine = sum(axis.intervals for axis in self.axes) > _MOST_INTERVALS
            if self._closed() or self.book.is_spent or self.too_fine or rounds == 0:
                return
            for multiplier in multipliers:
                for axis in self._to_prune():
                    self._prune(axis, multiplier)
                    if not axis.regions:  # all plans are accounted for
                        self.lower = max(self.lower, self.dropped)
                        return
            if rounds is not None:
                rounds -= 1
                if rounds == 0:
                    return
            spans = {axis.place: axis.span for axis in self.axes}
            timed = {place: span for place, span in spans.items() if span is not None}
            if not sum(axis.split(timed) for axis in self.axes):  # every one is split
                self._bound_all()
                return

    def _to_prune(self) -> list[Axis]:
        """Return what to look at: levels first, where bounds are tight enough, then times."""
        # From the package down: levels of inner nodes cost a search most.
        levels = [a for a in self.axes[::-1] if a.curve is None and len(a.regions) > 1]
        timed = [a for a in self.axes if a.curve is not None]
        return [*levels, *timed] if self._factor() > _TIGHT else timed

    def _bound_all(self) -> list[float]:
        """Bound all that is left at some multipliers; return them.

        That of the best plan comes first, then that of the plan which bounds it there (with other
        levels it may have another), then none.
        """
        tried: dict[float, float] = {}
        todo = [self.book.multiplier]
        while todo and not self._closed():
            multiplier = todo.pop(0)
            found = self._search({}, self._limit(self._changes()), multiplier)
            own = self._try(found)
            tried[multiplier] = self._bound(found.proof.lower_bound_usd, self._factor(), multiplier)
            self.lower = max(self.lower, min(tried[multiplier], self.dropped))
            if self.ask.log_q_least is not None and len(tried) == 1:
                todo = [m for m in dict.fromkeys((own, 0.0)) if m not in tried]
        return list(tried)

    def _closed(self) -> bool:
        return self.book.closes(self.lower)

    def _search(
        self,
        cut: Mapping[str, Sequence[str]],
        limit: float | None,
        multiplier: float,
        known_usd: float = math.inf,
    ) -> Found:
        """Search the grid exactly, the menus of some curves cut."""
        options = {axis.place: axis.options(cut) for axis in self.axes}
        self.book.searches += 1
        return best_levels(
            prepare(with_options(self.template, options)),
            self.ask.prices,
            dppm_limit=limit,
            escape_cost_usd=self.ask.escape_usd + multiplier,
            known_usd=known_usd,
            until=self.book.until,
        )

    def _limit(self, change: float) -> float | None:
        """Return the DPPM limit as far as a corner of a box need keep it, which ln Q varies in."""
        least = self.ask.log_q_least
        return None if least is None else -1e6 * math.expm1(least - change)

    def _changes(self, without: Axis | None = None) -> float:
        return sum(axis.log_q_change for axis in self.axes if axis is not without)

    def _factor(self, without: Axis | None = None) -> float:
        return math.prod(axis.factor for axis in self.axes if axis is not without)

    def _shift(self, multiplier: float) -> tuple[float, float]:
        """Return what to add to a searched value and to take away again: e + μ, e + μ/Q_least."""
        escape = self.ask.escape_usd
        limited = multiplier * math.exp(-(self.ask.log_q_least or 0.0))
        return escape + multiplier, escape + limited

    def _bound(self, searched: float, factor: float, multiplier: float) -> float:
        """Turn the least value over corners into a bound on all between."""
        more, less = self._shift(multiplier)
        return (searched + more) * factor * (1.0 - _GUARD) - less

    def _known(self, threshold: float, factor: float, multiplier: float) -> float:
        """Return the searched value whose bound is a threshold."""
        more, less = self._shift(multiplier)
        return (threshold + less) / (factor * (1.0 - _GUARD)) - more if factor > 0.0 else math.inf

    def _try(self, found: Found) -> float:
        """Polish a plan of the grid; keep it if it is better; return its multiplier."""
        if found.levels is None:
            return self.book.multiplier
        seconds = {}
        for axis in self.axes:
            level = found.levels[axis.place]
            if level in axis.times:
                seconds[axis.place] = axis.times[level]
        levels = {place: level for place, level in found.levels.items() if place not in seconds}
        widths = {axis.place: axis.widest for axis in self.axes}
        book = self.book
        start = book.polish.plan(levels, seconds)
        plans, multiplier = book.polish.best(start, widths, book.multiplier)
        for plan in plans:
            better = book.best is None or plan.value_usd < book.best.value_usd
            if better and book.polish.allowed(plan):
                book.best, book.multiplier = plan, multiplier
        return multiplier

    def _prune(self, axis: Axis, multiplier: float) -> None:
        """Drop what a choice cannot be in a better plan.

        All regions are searched together first. Where that does not rule them out, the region of
        the plan found stays, and those on either side of it are searched by themselves: with their
        own factors, and limits that are closer to the true one.
        """
        todo, kept = [axis.regions], list[Region]()
        while todo:
            some = todo.pop()
            if not some or self.book.is_spent:
                kept += some
                continue
            at, own = self._ruled_out(axis, some, multiplier)
            if at is None:
                self.dropped = min(self.dropped, own)
            elif len(some) == 1:
                kept += some
            else:
                last = at + 1
                todo += [some[:at], some[last:]]
                if self.ask.log_q_least is None:
                    kept.append(some[at])
                else:
                    todo.append(some[at:last])
        axis.keep(kept)

    def _ruled_out(
        self, axis: Axis, some: Sequence[Region], multiplier: float
    ) -> tuple[int | None, float]:
        """Return the position of a region that may hold a better plan, or none; and the bound."""
        factor = min(region.factor for region in some) * self._factor(without=axis)
        known = self._known(self.book.value_usd * (1.0 - 0.5 * self.book.gap), factor, multiplier)
        names = list(dict.fromkeys(name for region in some for name in region.names))
        change = max(region.log_q_change for region in some)
        limit = self._limit(self._changes(without=axis) + change)
        found = self._search({axis.place: names}, limit, multiplier, known)
        bound = self._bound(found.proof.lower_bound_usd, factor, multiplier)
        if found.levels is None:
            return None, bound
        level = found.levels[axis.place]
        return next(at for at, region in enumerate(some) if level in region.names), bound
