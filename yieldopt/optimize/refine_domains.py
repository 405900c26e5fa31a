"""Domains of times: divided where curves meet in more ways than one grid can be cut for.

Curves that see the same faults of several repaired classes meet along a line for each class, and
one grid has only one of them run from corner to corner (:mod:`yieldopt.optimize.refine_ties`). Such
a domain is bounded coarsely, what cannot be better is dropped, and the rest cut in four at a point
of equal coverage, until at most one line meets a domain, or its bound reaches the best plan. The
same halves domains whose grid would get too fine.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from yieldopt.flow import Step
from yieldopt.optimize.refine_bend import Span, covered
from yieldopt.optimize.refine_curve import Curve, with_options
from yieldopt.optimize.refine_search import Book, Refining
from yieldopt.optimize.refine_ties import Meeting
from yieldopt.template import Template

_COARSE = 2  # rounds spent on a domain that will be divided
_NARROWEST = 1e-11  # of its longest time: what is less is not divided


@dataclass(frozen=True)
class Domain:
    """Levels, and spans of times of the curves that may run."""

    template: Template
    curves: tuple[Curve, ...]


class Dividing:
    """Bounds domain after domain, that of the least bound first.

    Parameters
    ----------
    template, curves
        The whole problem.
    book
        What is asked, the best plan, and what is spent.
    """

    def __init__(self, template: Template, curves: Sequence[Curve], book: Book) -> None:
        self.book = book
        self._tick = itertools.count()
        self._open = [(-math.inf, next(self._tick), Domain(template, tuple(curves)))]
        self._settled = math.inf  # least bound of all that is in no open domain
        self.intervals: Mapping[str, int] = {}
        self.first_order: tuple[str, ...] = ()
        self.domains = 0

    @property
    def lower(self) -> float:
        """No plan of any domain costs less [USD]."""
        return min(self._settled, *(lower for lower, _, _ in self._open), math.inf)

    def run(self) -> None:
        """Go on until the gap is reached or the searches are spent."""
        while self._open and not self.book.closes(self.lower):
            if self.domains and self.book.is_spent:
                return
            least, _, domain = heapq.heappop(self._open)
            search = Refining(domain.template, domain.curves, self.book)
            self.domains += 1
            search.run(_COARSE if search.ties.is_tangled else None)
            self._note(search)
            least = max(least, search.lower)
            parts = () if self.book.closes(least) else tuple(_divided(domain, search))
            if parts and not self.book.is_spent:
                self._settled = min(self._settled, search.dropped)
                for part in parts:
                    heapq.heappush(self._open, (least, next(self._tick), part))
            else:
                self._settled = min(self._settled, least)

    def _note(self, search: Refining) -> None:
        timed = [axis for axis in search.axes if axis.curve is not None]
        self.intervals = {axis.place: axis.intervals for axis in timed}
        self.first_order = tuple(axis.place for axis in timed if axis.first_order)


def _divided(domain: Domain, search: Refining) -> Iterator[Domain]:
    """Yield domains that have together what is left of one."""
    if not (search.ties.is_tangled or search.too_fine):
        return
    spans = {axis.place: axis.span for axis in search.axes}
    narrow = []
    for curve in domain.curves:
        span = spans[curve.place]
        if span is not None:
            narrow.append(replace(curve, low_s=span[0], high_s=span[1]))
    left = with_options(domain.template, {axis.place: axis.levels_left() for axis in search.axes})
    whole = Domain(left, tuple(narrow))
    at = _where(search, {c.place: (c.low_s, c.high_s) for c in narrow})
    if at:
        yield from _parts(whole, at)


def _where(search: Refining, spans: Mapping[str, Span]) -> dict[str, float]:
    """Return where to cut: two curves that meet at one coverage, else the widest in the middle."""
    met = [m for m in search.ties.tangled if m.one.place in spans and m.other.place in spans]
    cuts = [cut for m in met for name in m.classes if (cut := _meet_at(m, name, spans))]
    if cuts:
        return max(cuts, key=lambda cut: cut[0])[1]
    widths = {p: (high - low) / high for p, (low, high) in spans.items() if high > 0.0}
    place = max(widths, key=lambda p: widths[p], default=None)
    if place is None or widths[place] <= _NARROWEST:
        return {}
    return {place: 0.5 * sum(spans[place])}


def _meet_at(
    met: Meeting, name: str, spans: Mapping[str, Span]
) -> tuple[float, dict[str, float]] | None:
    """Return the width of the range in which two curves meet, and the middle of it."""
    ends = [[covered(c, name, t) for t in spans[c.place]] for c in (met.one, met.other)]
    low, high = max(ends[0][0], ends[1][0]), min(ends[0][1], ends[1][1])
    if not low < high:
        return None
    begin, end = _time(met.one, name, low), _time(met.one, name, high)
    middle = 0.5 * (begin + end)
    at = {
        met.one.place: middle,
        met.other.place: _time(met.other, name, covered(met.one, name, middle)),
    }
    inside = all(
        spans[p][0] + _NARROWEST * spans[p][1] < t < spans[p][1] * (1.0 - _NARROWEST)
        for p, t in at.items()
    )
    return (end - begin, at) if inside else None


def _time(curve: Curve, name: str, covered: float) -> float:
    left = 1.0 - covered / curve.max_coverage_frac[name]
    if left <= 0.0:
        return curve.high_s
    return min(max(-curve.tau_s[name] * math.log(left), curve.low_s), curve.high_s)


def _parts(whole: Domain, at: Mapping[str, float]) -> Iterator[Domain]:
    """Cut curves at times; levels that are no time go with the shorter ones."""
    for late in itertools.product((False, True), repeat=len(at)):
        side = dict(zip(at, late, strict=True))
        curves = [_half(curve, at, side) for curve in whole.curves]
        gone: dict[str, dict[str, Step | None]] = {
            place: {} for place, after in side.items() if after
        }
        yield Domain(with_options(whole.template, gone), tuple(curves))


def _half(curve: Curve, at: Mapping[str, float], side: Mapping[str, bool]) -> Curve:
    if curve.place not in at:
        return curve
    cut = at[curve.place]
    return replace(curve, low_s=cut) if side[curve.place] else replace(curve, high_s=cut)
