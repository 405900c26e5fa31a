r"""Cost against DPPM where trunks are too long to enumerate: points spread over the whole range.

Every search answers a question about all plans and leaves a bound (:mod:`.frontier_floor`):

- at a *price*: an escape dearer by μ, the slope between two neighbours on the hull, gives the point
  farthest below their chord, or shows that there is none (Aneja and Nair 1979). The chord that lies
  farthest above the bounds comes first, so that few points come near the whole hull;
- under a *limit*: of what lies above the hull the widest step first, in its middle, then just below
  the dearer DPPM (the ε-constraint method of Haimes, Lasdon and Wismer 1971), until every step is
  shown to hold nothing.

Both end with all points; stopped before, the bounds say what can be missing.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from yieldopt.engine import evaluate
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.coverage import Found
from yieldopt.optimize.effort import rounding
from yieldopt.optimize.frontier_floor import Floor, hull
from yieldopt.optimize.limit_prices import log_quality
from yieldopt.optimize.pricing import Ask
from yieldopt.optimize.ruled import Ruled, Search, best_under
from yieldopt.optimize.terms import ROUNDING

_STEP = 1e-10  # limits lie so much below a point (relative, and bad packages to a good one):
# labels compare ln Q to 1e-11
_LEAST_BAD = 1e-9
_ANY = 1e300  # bad packages to a good one: more than any plan ships
_RUNGS = (10.0, 1e3, 1e5, 1e7, 1e9)  # prices of an escape for the end of best quality, in packages
_SHARE = 3.0  # a search takes a third of the time left at most,
_SOME_S = 5.0  # or so long
_FLAT = 1e-9  # relative: chords so near the bounds hide no point worth a search


@dataclass(frozen=True)
class Met:
    """A plan: J [USD per good package], bad packages to a good one, and DPPM."""

    levels: Mapping[str, str]
    value_usd: float
    bad: float
    dppm: float


@dataclass(frozen=True)
class Question:
    """A search: at a price of an escape [USD], or under a limit on bad packages to a good one.

    ``known_usd``: of a plan within the limit.
    """

    price_usd: float = 0.0
    most_bad: float = math.inf
    known_usd: float = math.inf


class Spread:
    """Points of a frontier, the widest gap first.

    Parameters
    ----------
    ruled, ask
        The template under rules; prices, and the highest DPPM of interest.
    search
        The exact search, where there is no time limit.
    budget
        Time for all searches.
    """

    def __init__(self, ruled: Ruled, ask: Ask, search: Search, budget: Budget) -> None:
        self.ruled, self.ask, self.search, self.budget = ruled, ask, search, budget
        self.met: list[Met] = []  # by rising cost and falling DPPM
        self.floor = Floor()
        self.enumerated = self.pruned = self.searches = 0
        self.is_done = False
        self._asked: set[Question] = set()
        limit = ask.dppm_limit
        self._most = _ANY if limit is None else min(_bad(limit) * (1.0 + ROUNDING), _ANY)

    def run(self, most: int, known: Sequence[Mapping[str, str]] = ()) -> None:
        """Look for points until there are ``most``, all are found, or time is up.

        Parameters
        ----------
        most
            Number of points.
        known
            Plans that are looked at first, and stay unless a better one is met.
        """
        for levels in known:
            self._meet(levels)
        while not self.budget.is_spent:
            question = self._next()
            if question is None:
                self.is_done = not self._open()
                return
            if len(self.met) >= most and self.searches:
                return
            self._asked.add(question)
            self._take(question, self._answer(question))

    def gap(self, point: Met) -> float:
        """Return how much less a plan of no more DPPM could cost, relative."""
        return max(0.0, point.value_usd - self.floor.at(point.bad)) / abs(point.value_usd)

    def missed(self) -> float:
        """Return how much less a plan can cost than a point that ships no more, relative."""
        worst = 0.0
        most = self._most  # that a plan can ship for which the point stands
        for point in self.met:
            under = point.value_usd - self.floor.at(most)
            worst = max(worst, self.gap(point), under / abs(point.value_usd))
            most = _under(point.bad)
        return worst

    def _answer(self, question: Question) -> Found:
        search = self.search
        if self.budget.limit_s is not None:
            most_s = max(self.budget.left_s() / _SHARE, _SOME_S)
            search = partial(self.budget.search, most_s=most_s)
        limit = None if question.most_bad == math.inf else _dppm(question.most_bad)
        return best_under(
            self.ruled,
            None,
            self.ask.prices,
            dppm_limit=limit,
            escape_cost_usd=self.ask.escape_usd + question.price_usd,
            known_usd=question.known_usd,
            search=search,
        )

    def _take(self, question: Question, found: Found) -> None:
        self.searches += 1
        self.enumerated += found.proof.enumerated
        self.pruned += found.proof.pruned
        if found.levels is not None:
            self._meet(found.levels)
        lower = found.proof.lower_bound_usd
        if lower < math.inf:  # at high prices a search tells few digits of cost apart
            lower -= rounding(lower, self.ask.escape_usd + question.price_usd)
        if question.most_bad == math.inf:
            self.floor.lines.append((question.price_usd, lower))
        else:
            self.floor.steps.append((question.most_bad, lower))

    def _meet(self, levels: Mapping[str, str]) -> None:
        """Take a plan, computed by the engine, and drop what it beats."""
        out = evaluate(self.ruled.template.at(levels))
        quality = float(out.quality)
        if not quality > 0.0:
            return
        spend = float(out.cost_per_shipped_usd)
        spend += sum(p * float(out.uses.get(name, 0.0)) for name, p in self.ask.prices.items())
        bad = math.expm1(-log_quality(out))
        point = Met(levels, spend / quality + self.ask.escape_usd * bad, bad, float(out.dppm))
        if bad > self._most:
            return
        kept: list[Met] = []
        for one in sorted([*self.met, point], key=lambda one: (one.value_usd, one.bad)):
            if kept and one.bad >= _under(kept[-1].bad):
                continue
            if kept and one.value_usd <= kept[-1].value_usd * (1.0 + ROUNDING):
                kept.pop()  # as cheap, and better
            kept.append(one)
        self.met = kept

    def _next(self) -> Question | None:
        """Return what to ask next; ``None``: there is nothing that was not asked."""
        return next((one for one in self._questions() if one not in self._asked), None)

    def _questions(self) -> Iterator[Question]:
        yield Question()
        least = self.floor.at(_ANY)
        cheapest = self.met and least >= self.met[0].value_usd - self._told(self.met[0])
        if self._most < _ANY and not cheapest:  # the cheapest plan of all ships too many
            yield Question(most_bad=self._most)
        if not self.met:
            return
        dear = max(least, 1.0)
        yield Question(_RUNGS[0] * dear)
        yield from (price for _, price in sorted(self._chords(), key=lambda of: -of[0]))
        yield from (Question(rung * dear) for rung in _RUNGS[1:] if self._pays(rung * dear))
        for _, limits in sorted(self._open(), key=lambda of: -of[0]):
            yield from limits

    def _chords(self) -> Iterator[tuple[float, Question]]:
        """Yield how far a chord of the hull is above the bounds, and the question of its slope."""
        rising = [(one.bad, one.value_usd) for one in reversed(self.met)]
        corners = [rising[at] for at in hull(rising, 0.0)]
        pairs = itertools.pairwise(corners)
        for hidden, pair in zip(self.floor.below(corners), pairs, strict=True):
            (least, dear), (most, cheap) = pair
            if hidden > _FLAT * abs(dear):
                yield float(hidden), Question((dear - cheap) / (most - least))

    def _pays(self, price: float) -> bool:
        """Whether a price can find more than the point of best quality."""
        last = self.met[-1]
        told = _FLAT * (abs(last.value_usd) + price * last.bad)
        return last.bad > _LEAST_BAD and all(
            total < last.value_usd + own * last.bad - told
            for own, total in self.floor.lines
            if own >= price
        )

    def _open(self) -> list[tuple[float, list[Question]]]:
        """Return steps that may hold points: how high, and questions; the end comes last."""
        out: list[tuple[float, list[Question]]] = []
        for left, right in itertools.pairwise(self.met):
            ask = partial(Question, known_usd=right.value_usd)
            limit, middle = _under(left.bad), 0.5 * (left.bad + right.bad)
            surely = right.value_usd - self._told(right)
            if self.floor.at(limit) >= surely:
                continue
            if self.floor.at(middle) < surely and right.bad < middle < limit:
                limits = [ask(most_bad=middle), ask(most_bad=limit)]
            else:
                limits = [ask(most_bad=limit)]
            out.append((right.value_usd - self.floor.at(limit), limits))
        if not self.met:
            return [] if self.floor.at(self._most) == math.inf else [(0.0, [])]
        first, last = self.met[0], self.met[-1]
        if self.floor.at(self._most) < first.value_usd - self._told(first):
            out.append((0.0, []))
        end = _under(last.bad)
        if last.bad > _LEAST_BAD and self.floor.at(end) < math.inf:
            out.append((-1.0, [Question(most_bad=end)]))
        return out

    def _told(self, point: Met) -> float:
        """Return below which difference values are not told apart [USD]."""
        return 10.0 * rounding(point.value_usd, self.ask.escape_usd)


def spread(
    ruled: Ruled,
    ask: Ask,
    most_points: int,
    search: Search,
    budget: Budget,
    known: Sequence[Mapping[str, str]] = (),
) -> Spread:
    """Return points of a frontier by repeated search, spread over its whole range.

    Parameters
    ----------
    ruled, ask
        The template under rules; prices, and the highest DPPM of interest.
    most_points
        At most so many points.
    search, budget
        The exact search, and the time for all.
    known
        Plans to look at first.
    """
    found = Spread(ruled, ask, search, budget)
    found.run(most_points, known)
    return found


def _under(bad: float) -> float:
    """Return the limit just below a point."""
    return bad - max(_STEP * bad, _STEP)


def _dppm(bad: float) -> float:
    return 1e6 * bad / (1.0 + bad)


def _bad(dppm: float) -> float:
    return dppm / (1e6 - dppm) if dppm < 1e6 else math.inf
