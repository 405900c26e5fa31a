"""The best plan where some tests may take any time: searched below the grid, with a bound.

A grid of times closes the curves into levels, so that the exact search over all choices gives real
plans; :mod:`yieldopt.optimize.refine_bend` turns its value into a lower bound on all plans of all
times between. Intervals whose own bound reaches the best plan are dropped, the others cut in four,
until the bound of what is left, and of all that was dropped, is within the gap.

Under a DPPM limit a plan in a box keeps Q ≥ Q_least, so J ≥ J + μ·(1/Q − 1/Q_least) for any μ ≥ 0:
the bound is taken of that, an objective with a dearer escape, and the corners of the box need keep
the limit only as far as ln Q may change within it. At the right μ the bound closes to second order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

from yieldopt.errors import CaseError, Fault
from yieldopt.optimize.pricing import Ask
from yieldopt.optimize.refine_curve import Curve, check_curves
from yieldopt.optimize.refine_domains import Dividing
from yieldopt.optimize.refine_polish import Polish
from yieldopt.optimize.refine_search import Book
from yieldopt.template import Template

_LEAST_GAP = 1e-9


@dataclass(frozen=True)
class Refined:
    """The best plan over all times of all curves.

    Parameters
    ----------
    levels
        Level of every choice by ``"node/insertion"``, but of those that run their curve; ``None``:
        no plan found that is allowed.
    seconds
        Time of every curve that runs, by place [s].
    value_usd
        Cost per good package at the given prices, escapes included; inf without a plan.
    lower_bound_usd
        No plan of any time costs less; inf: there is none.
    dppm
        Bad packages per million shipped.
    searches
        Exact searches made.
    intervals
        By place: intervals of the last grid.
    first_order
        Curves whose bound was of first order only on the last grid (it closes slowly).
    note
        Why the plan is one of the grid although times are free; empty where it is not.
    """

    levels: Mapping[str, str] | None
    seconds: Mapping[str, float]
    value_usd: float
    lower_bound_usd: float
    dppm: float | None
    searches: int
    intervals: Mapping[str, int]
    first_order: tuple[str, ...] = ()
    note: str = ""

    @property
    def gap(self) -> float | None:
        """Relative gap between value and bound; ``None`` without a plan."""
        if self.levels is None:
            return None
        return max(self.value_usd - self.lower_bound_usd, 0.0) / max(abs(self.value_usd), 1e-300)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, the gap included; infinite numbers are ``None``."""
        out = asdict(self) | {"gap": self.gap, "first_order": list(self.first_order)}
        infinite = {k for k, v in out.items() if isinstance(v, float) and math.isinf(v)}
        return out | dict.fromkeys(infinite)


def refine(
    template: Template,
    curves: Sequence[Curve],
    *,
    dppm_limit: float | None = None,
    escape_cost_usd: float | None = None,
    prices: Mapping[str, float] | None = None,
    gap: float = 1e-6,
    most_searches: int = 3000,
    time_limit_s: float = 120.0,
    known_usd: float = math.inf,
) -> Refined:
    """Choose the time of every curve and the level at every other insertion.

    Parameters
    ----------
    template
        A flow with open choices; the menu of a curve's insertion holds its other levels only.
    curves
        Insertions with one more option: any time between two.
    dppm_limit, escape_cost_usd, prices
        As of :func:`yieldopt.optimize.coverage.best_levels`.
    gap
        Relative gap between value and bound to reach.
    most_searches
        Stop after so many exact searches, with the gap reached.
    time_limit_s
        Stop after so many seconds on the wall [s], with the gap
        reached: three curves that may all meet can need hours for a last digit.
    known_usd
        Value of a plan known from elsewhere: it is enough to show that none is better.

    Returns
    -------
    Refined
        The best plan found and a lower bound on all plans.

    Raises
    ------
    CaseError
        A curve at no open insertion, or over faults whose law has no bound (``harvest``; ``single``
        at a mean of 1); a limit, price or gap out of its range.

    Notes
    -----
    The bound is of second order in the width of the intervals for every law but ``harvest``, with
    any overlap, repair and clustering, except where two curves of like coverage see the same faults
    of a class that is repaired (:mod:`yieldopt.optimize.refine_bend`).

    Examples
    --------
    One die, a test that costs 0.1 USD per second and a bad die that costs 2000 USD. Without
    clustering the least cost is where 0.1·e^(λ·c) = 2000·λ·dc/dt:

    >>> from yieldopt.flow import Faults, Step
    >>> from yieldopt.template import Choice, OpenNode
    >>> fab = Step("fab", "process", 100.0, faults={"logic": Faults(0.5)})
    >>> die = OpenNode("die", (), (fab, Choice("cp", {"off": None})))
    >>> test = Step("cp", "test", 1.0)
    >>> curve = Curve("die/cp", 0.0, 400.0, test, {"logic": 1.0}, {"logic": 30.0}, usd_per_s=0.1)
    >>> found = refine(Template("die", (die,)), [curve], escape_cost_usd=2000.0)
    >>> round(found.seconds["die/cp"], 1), round(found.value_usd, 2), found.gap <= 1e-6
    (159.3, 197.73, True)
    """
    ask = Ask(dict(prices or {}), dppm_limit, escape_cost_usd)
    _check(ask, gap)
    check_curves(template, curves)
    until = perf_counter() + time_limit_s
    book = Book(ask, Polish(template, curves, ask), gap, most_searches, known_usd, until)
    search = Dividing(template, curves, book)
    search.run()
    return _answer(search, book)


def _check(ask: Ask, gap: float) -> None:
    faults = [] if gap >= _LEAST_GAP else [Fault(f"must be {_LEAST_GAP:g} or more", "gap", gap)]
    usd = {f"prices.{name}": price for name, price in ask.prices.items()}
    usd["escape_cost_usd"] = ask.escape_usd
    faults += [Fault("must be 0 or more", key, v) for key, v in usd.items() if not v >= 0.0]
    if faults:
        raise CaseError(faults)
    ask.check()


def _answer(search: Dividing, book: Book) -> Refined:
    best = book.best
    return Refined(
        None if best is None else best.levels,
        {} if best is None else best.seconds,
        math.inf if best is None else best.value_usd,
        search.lower if best is None else min(search.lower, best.value_usd),
        None if best is None else -1e6 * math.expm1(best.log_q),
        book.searches,
        search.intervals,
        search.first_order,
    )
