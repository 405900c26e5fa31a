"""Real plans at real times: the best seconds of a few curves, everything else held."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yieldopt.engine import evaluate
from yieldopt.flow import Flow, Outcome
from yieldopt.optimize.pricing import Ask
from yieldopt.optimize.refine_curve import Curve, with_options
from yieldopt.template import Template

Array = NDArray[np.float64]
RUN = "curve"  # level of an insertion that runs its curve
_POINTS = 17
_SHRINK = 4.0  # spacing of points is 1/8 of the half window: twice that is kept
_PASSES = 9
_STEPS = 24  # of the search for μ
_CLOSE = 1.001  # ratio of its ends: the rest is gone along a line
_EQUAL = 1e-11  # relative: the search lets a plan through that just meets its limit


@dataclass(frozen=True)
class Timed:
    """A plan: levels of the choices that take one, seconds by place of the curves that run."""

    levels: Mapping[str, str]
    seconds: Mapping[str, float]
    value_usd: float
    log_q: float


def flow_at(
    template: Template,
    curves: Sequence[Curve],
    levels: Mapping[str, str],
    seconds: Mapping[str, float | Array],
) -> Flow:
    """Return the flow of a plan: some insertions at levels, curves at their seconds.

    Parameters
    ----------
    template, curves
        What is open.
    levels
        By ``"node/insertion"``, those of running curves left out.
    seconds
        By place of the curves that run, scalars or (n,) arrays [s].
    """
    running = {c.place: {RUN: c.at(seconds[c.place])} for c in curves if c.place in seconds}
    closed = {place: level for place, level in levels.items() if place not in running}
    return with_options(template, running).at(closed | dict.fromkeys(running, RUN))


class Polish:
    """The best times of plans under an objective; also the multiplier μ of 1/Q that they have."""

    def __init__(self, template: Template, curves: Sequence[Curve], ask: Ask) -> None:
        self.template, self.curves, self.ask = template, curves, ask

    def numbers(self, out: Outcome) -> tuple[Array, Array]:
        """Return value [USD per good package] and ln Q."""
        with np.errstate(divide="ignore", invalid="ignore"):
            spend = out.cost_per_shipped_usd + sum(
                price * out.uses.get(name, 0.0) for name, price in self.ask.prices.items()
            )
            quality = np.asarray(out.quality, float)
            value = np.asarray((spend + self.ask.escape_usd * (1.0 - quality)) / quality)
            # From DPPM: 1 − Q has the relative digits.
            log_q = np.log1p(-np.asarray(out.dppm, float) / 1e6)
        return np.where(quality > 0.0, value, np.inf), log_q

    def plan(self, levels: Mapping[str, str], seconds: Mapping[str, float]) -> Timed:
        """Evaluate one plan."""
        value, log_q = self.numbers(evaluate(flow_at(self.template, self.curves, levels, seconds)))
        return Timed(levels, dict(seconds), float(value), float(log_q))

    def allowed(self, plan: Timed) -> bool:
        """Whether a plan keeps the limit and passes anything."""
        least = self.ask.log_q_least
        if not plan.value_usd < math.inf:
            return False
        return least is None or plan.log_q >= least * (1.0 + _EQUAL)

    def best(
        self, start: Timed, widths: Mapping[str, float], multiplier: float
    ) -> tuple[list[Timed], float]:
        """Improve the times of a plan within windows around them.

        Returns
        -------
        list of Timed
            Plans met: allowed ones or not.
        float
            Multiplier μ at which the limit is just kept, 0 where it does not bind.
        """
        if not start.seconds:
            return [start], multiplier
        free = self._least(start, widths, 0.0)
        if self.ask.log_q_least is None or self.allowed(free):
            return [start, free], 0.0
        return self._just(start, free, widths, multiplier)

    def _just(
        self, start: Timed, free: Timed, widths: Mapping[str, float], guess: float
    ) -> tuple[list[Timed], float]:
        """Find μ whose best plan just keeps the limit: by doubling, then by bisection in ln μ."""
        low, under = 0.0, free
        high = guess or max(abs(free.value_usd), 1.0)
        over = self._least(start, widths, high)
        for _ in range(_STEPS):
            if self.allowed(over):
                break
            low, under, high = high, over, 8.0 * high
            over = self._least(start, widths, high)
        else:
            return [start, free], guess
        for _ in range(_STEPS):
            middle = math.sqrt(low * high) if low else high / 16.0
            found = self._least(over, widths, middle)
            if self.allowed(found):
                high, over = middle, found
            else:
                low, under = middle, found
            if low and high < _CLOSE * low:
                break
        return [start, over, self._between(over, under)], high

    def _between(self, over: Timed, under: Timed) -> Timed:
        """Go from an allowed plan towards one that is not, as far as the limit lets."""
        best, low, high = over, 0.0, 1.0
        for _ in range(8):
            part = np.linspace(low, high, _POINTS)
            times = {p: (1.0 - part) * t + part * under.seconds[p] for p, t in over.seconds.items()}
            value, log_q = self._many(over, times)
            least = self.ask.log_q_least
            assert least is not None
            fine = np.flatnonzero((log_q >= least * (1.0 + _EQUAL)) & (value < np.inf))
            if not len(fine):
                break
            last = int(fine[-1])
            found = self.plan(over.levels, {p: float(t[last]) for p, t in times.items()})
            best = found if self.allowed(found) and found.value_usd < best.value_usd else best
            low, high = float(part[last]), float(part[min(last + 1, _POINTS - 1)])
        return best

    def _least(self, start: Timed, widths: Mapping[str, float], multiplier: float) -> Timed:
        """Minimise J + μ/Q one time after another, in windows that shrink."""
        times = dict(start.seconds)
        half = {place: widths[place] for place in times}
        for _ in range(_PASSES):
            for curve in (c for c in self.curves if c.place in times):
                at, reach = times[curve.place], half[curve.place]
                low, high = max(curve.low_s, at - reach), min(curve.high_s, at + reach)
                tried = np.append(np.linspace(low, high, _POINTS), at)
                value, log_q = self._many(start, times | {curve.place: tried})
                with np.errstate(over="ignore", invalid="ignore"):
                    total = value + (multiplier * np.exp(-log_q) if multiplier else 0.0)
                times[curve.place] = float(tried[int(np.nan_to_num(total, nan=np.inf).argmin())])
                half[curve.place] = reach / _SHRINK
        return self.plan(start.levels, times)

    def _many(self, plan: Timed, seconds: Mapping[str, float | Array]) -> tuple[Array, Array]:
        flow = flow_at(self.template, self.curves, plan.levels, seconds)
        return self.numbers(evaluate(flow, details=bool(self.ask.prices)))
