"""Non-dominated plans of cost and quality, found over all plans of a problem.

A running staircase holds the plans that no other beats in both J and ln Q. All plans of a trunk
combination come as blocks of a matrix product, rows and columns by falling ln Q, so that one
comparison with the staircase at the block's first row leaves few candidates. A trunk combination is
passed over where its tangent bounds, J ≥ a_μ + μ·ln Q for a ladder of μ, lie on or above the
staircase everywhere: a step that ends at (ln Q, J) is cleared if the bounds reach J at its start.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from yieldopt.optimize.bound import GUARD, LADDER, Climber
from yieldopt.optimize.enumeration import Pairs, pairs
from yieldopt.optimize.pricing import Ask, priced
from yieldopt.optimize.problem import Problem
from yieldopt.optimize.terms import ROUNDING, Terms

Array = NDArray[np.float64]
Index = NDArray[np.intp]
_TINY_LOG_Q = 1e-15  # a thousandth of a millionth of a ppm
_NEAR = 1e-13
_PLANS_A_TRUNK = 200_000  # what the overheads of one trunk combination cost, in plans


class Staircase:
    """Non-dominated plans by rising J and ln Q.

    ``place`` (K, 2 + n) holds the problem, the trunk combination and the leaves' entries of each.
    """

    def __init__(self, leaves: int, worst_usd: float) -> None:
        self.value, self.log_q = np.zeros(0), np.zeros(0)
        self.place = np.zeros((0, 2 + leaves), dtype=np.intp)
        self.worst = worst_usd  # J of this and beyond is no answer

    def most(self, log_q: Array) -> Array:
        """Return the J that a plan must stay below at a given ln Q."""
        steps = np.append(self.value, self.worst)
        found: Array = steps[np.searchsorted(self.log_q, log_q, side="left")]
        return found

    def most_in(self, row: float, columns: Array) -> Array:
        """Return at least what ``most`` says of ``row`` + ``columns`` (these fall), quickly."""
        edges = self.log_q - row - _NEAR  # a little more than allowed: nothing is lost to rounding
        rising = columns[::-1]
        ends = np.searchsorted(rising, edges, side="right")
        counts = np.diff(ends, prepend=0, append=len(columns))
        return np.repeat(np.append(self.value, self.worst), counts)[::-1]

    def offer(self, value: Array, log_q: Array, place: Index) -> None:
        """Take what no plan in hand dominates, and drop what it dominates."""
        new = np.flatnonzero(value < self.most(log_q))
        if not len(new):
            return
        value = np.concatenate([self.value, value[new]])
        log_q = np.concatenate([self.log_q, log_q[new]])
        place = np.concatenate([self.place, place[new]])
        order = np.lexsort((-log_q, value))
        highest = np.maximum.accumulate(log_q[order])
        kept = order[np.append(True, log_q[order][1:] > highest[:-1])]
        self.value, self.log_q, self.place = value[kept], log_q[kept], place[kept]

    def distinct(self) -> Index:
        """Return the plans that differ by more than rounding, the better of two that do not."""
        right: list[int] = []
        for at in range(len(self.value) - 1, -1, -1):
            if not right or self.value[at] * (1.0 + ROUNDING) < self.value[right[-1]]:
                right.append(at)
        left: list[int] = []
        for at in reversed(right):
            slack = max(ROUNDING * abs(self.log_q[at]), _TINY_LOG_Q)
            if not left or self.log_q[at] > self.log_q[left[-1]] + slack:
                left.append(at)
        return np.array(left, dtype=np.intp)


@dataclass(frozen=True)
class Lines:
    """Tangent bounds of a block's trunk combinations: J ≥ ``below`` + ``slope``·ln Q, (R, T)."""

    slope: Array
    below: Array
    best: Array  # highest ln Q of each, (T,)

    def cleared(self, stair: Staircase, least: float) -> NDArray[np.bool_]:
        """Return which trunk combinations hold nothing below the staircase (T,)."""
        out = self.best < least
        if not len(stair.value):
            return out
        done = self.best <= stair.log_q[-1]
        starts = np.append(max(least, -math.inf), stair.log_q[:-1])
        for start, value in zip(starts, stair.value, strict=True):
            if not done.any():
                break
            if start == -math.inf:  # only the flat bound says anything there
                reach = np.where(self.slope == 0.0, self.below, -np.inf).max(axis=0)
            else:
                reach = (self.below + self.slope * (start - GUARD * abs(start))).max(axis=0)
            # A step that ends where the combination's best quality is not reached counts too.
            done &= (reach >= value * (1.0 + ROUNDING)) | (start >= self.best)
        cleared: NDArray[np.bool_] = out | done
        return cleared

    def one(self, t: int) -> Lines:
        """Return the lines of one trunk combination."""
        return Lines(self.slope[:, t : t + 1], self.below[:, t : t + 1], self.best[t : t + 1])


def climb(number: int, first: int, terms: Terms, ask: Ask, stair: Staircase) -> Lines:
    """Climb the ladder of μ over a block: offer every plan met, return the bounds.

    Parameters
    ----------
    number, first
        The problem, and the block's first trunk combination.
    terms, ask
        The block, and the limits.
    stair
        Takes the plans.
    """
    count = len(terms.base)
    least = -math.inf if ask.log_q_least is None else ask.log_q_least
    climber = Climber(terms, np.arange(count))
    nothing = [0.0] * len(terms.uses)
    slopes, below = [], []
    scale = np.zeros(count)
    for rung in LADDER:
        found = climber.rung(nothing, rung * scale)
        scale = found.value if rung == 0.0 else scale
        slopes.append(found.slope)
        below.append(found.below)
        fine = np.flatnonzero(found.fine & (found.log_q >= least))
        trunk = np.column_stack([np.full(len(fine), number), first + fine])
        stair.offer(found.value[fine], found.log_q[fine], np.hstack([trunk, found.at[fine]]))
    best = terms.log_q_trunk + sum(q.max(axis=1) for q in terms.log_q)
    return Lines(np.stack(slopes), np.stack(below), best)


def scan(number: int, trunk: int, all_pairs: Pairs, least: float | None, stair: Staircase) -> None:
    """Offer every plan of one trunk combination to a staircase.

    Parameters
    ----------
    number, trunk
        The problem and the trunk combination.
    all_pairs
        Its plans.
    least
        Least ln Q allowed, or ``None``.
    stair
        Takes the plans.
    """
    ordered, rows, columns = all_pairs.sorted()
    for low, out in ordered.blocks(ordered.prefixes(least)):
        by_row, by_column = ordered.log_q[0][low : low + len(out)], ordered.log_q[1][: out.shape[1]]
        below = np.flatnonzero(out < stair.most_in(float(by_row[0]), by_column))
        if len(below) and ordered.most:
            ordered.forbid(low, out)
            below = below[np.isfinite(out.reshape(-1)[below])]
        if not len(below):
            continue
        row, column = np.divmod(below, out.shape[1])
        value, log_q = out.reshape(-1)[below], by_row[row] + by_column[column]
        new = np.flatnonzero(value < stair.most(log_q))
        entries = all_pairs.entries(rows[low + row[new]], columns[column[new]])
        trunks = np.column_stack([np.full(len(new), number), np.full(len(new), trunk)])
        stair.offer(value[new], log_q[new], np.hstack([trunks, entries]))


@dataclass
class Counts:
    """Plans computed one by one and plans in trunk combinations passed over."""

    enumerated: int = 0
    pruned: int = 0


def all_steps(
    problems: list[Problem],
    ask: Ask,
    worst_usd: float,
    most_plans: float,
    until: float = math.inf,
) -> tuple[Staircase, Counts] | None:
    """Return the staircase of all plans of some problems; ``None``: too many, or time was up.

    Parameters
    ----------
    problems
        Problems with the same leaves.
    ask
        Objective and limits.
    worst_usd
        J of this and beyond is no answer.
    most_plans
        At most so many plans are computed one by one.
    until
        Time (``time.perf_counter``) at which to stop.
    """
    stair = Staircase(len(problems[0].leaves), worst_usd)
    least = -math.inf if ask.log_q_least is None else ask.log_q_least
    found: list[tuple[int, int, Lines]] = []
    for number, problem in enumerate(problems):
        for first, block in problem.blocks():
            if perf_counter() >= until:
                return None
            terms = priced(problem, block, ask)
            found.append((number, first, climb(number, first, terms, ask, stair)))
    menus = [math.prod(len(leaf.cost) for leaf in problem.leaves) for problem in problems]
    left = [np.flatnonzero(~lines.cleared(stair, least)) for _, _, lines in found]
    work = sum(
        (menus[n] + _PLANS_A_TRUNK) * len(open_)
        for (n, _, _), open_ in zip(found, left, strict=True)
    )
    if work > most_plans:
        return None
    counts = Counts(pruned=sum(problem.combinations for problem in problems))
    for (number, first, lines), open_ in zip(found, left, strict=True):
        if not len(open_):
            continue
        terms = priced(problems[number], problems[number].block(first), ask)
        for t in open_:
            if perf_counter() >= until:
                return None
            if lines.one(int(t)).cleared(stair, least)[0]:
                continue
            scan(number, first + int(t), pairs(terms, int(t)), ask.log_q_least, stair)
            counts.enumerated += menus[number]
            counts.pruned -= menus[number]
    return stair, counts
