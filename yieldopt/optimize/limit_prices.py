r"""Limits turned into prices: plans within the limits, a bound, and hints for the exact search.

With a price m ≥ 0 on each limited thing (μ on a bad package, λ on a unit of a resource), of which g
is counted per good package and r is allowed, every plan within the limits has

    J ≥ min over all plans (J + m·g) − m·r ,

and the right side is a problem without limits. It is highest at the prices where plans on both
sides of the limits cost the same: Kelley's cutting planes, each plan seen being a plane; the prices
are the duals of min Σ w·J over mixtures w of the plans seen that keep the limits on average.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from yieldopt.engine import evaluate
from yieldopt.errors import SolverError
from yieldopt.flow import Outcome
from yieldopt.optimize.backends import LinearProgram, backend
from yieldopt.optimize.coverage import HOPELESS_USD
from yieldopt.optimize.effort import Goal
from yieldopt.optimize.labels import Labels, shipped
from yieldopt.optimize.menus import Menus, Purses
from yieldopt.optimize.references import Hints
from yieldopt.optimize.sweeping import Best, Sweeping, closed
from yieldopt.optimize.worth import Scale

Array = NDArray[np.float64]
_ROUNDS = 60
_PLANES = 40  # plans of one sweep that are kept as planes
_DEARER = 3.0  # than without the limits: the first guess of what plans within them cost
_STEP = 100.0
_NEEDED = 1e-9
_TIGHT, _TIGHTER = 0.9, 1e-4
_SURELY = 1.0 - 1e-9  # of the least share of bad packages, which sums of floats give
_COARSE, _FINE = 3e-3, 1e-6  # relative gaps to which priced problems are solved
_NEAR = 2e-5  # relative gap between planes and bound at which prices are good enough
_PRICED = 3e-4  # tolerance of the last sweep at prices
_SCANNED = (0.1, 1.0, 10.0, 100.0, 1e3)  # prices tried first: shares of cost over what is allowed
_ROUNDING = 1e-12  # relative, of what prices add and take away
_HINTS = 1e-5  # tolerance of the last sweep that gives hints


@dataclass
class _Planes:
    """Plans seen: J [USD], and what is limited per good package.

    Parameters
    ----------
    allowed
        What is allowed, infinite where nothing is limited.
    least
        What any plan needs at least.
    """

    allowed: Array
    least: Array
    value: list[Array] = field(default_factory=list)
    counted: list[Array] = field(default_factory=list)

    def add(self, value: Array, counted: Array) -> None:
        """Add plans: J (L,) and what is limited, (L, limits)."""
        self.value.append(value)
        self.counted.append(counted)

    @property
    def span(self) -> Array:
        """Room between what is needed and what is allowed: the unit of the programme's rows."""
        span = self.allowed - self.least
        some = (span > 0.0) & (span < math.inf)
        return np.where(some, span, np.where(self.allowed == 0.0, 1.0, np.abs(self.allowed)))

    def prices(self, dear: float) -> tuple[Array, float, bool] | None:
        """Return the prices at which mixtures within the limits are cheapest, and their cost.

        A plan of cost ``dear`` that needs the least is one of them; the last says if it is needed.
        ``None`` where no mixture keeps the limits, or the solver fails on absurd numbers: then
        there are no prices, and the search goes on without.
        """
        held = np.flatnonzero(self.allowed < math.inf)
        span = self.span[held]
        value = np.append(np.concatenate(self.value), dear)
        counted = (np.vstack([*self.counted, self.least]) - self.least)[:, held] / span
        count, limits = counted.shape
        program = LinearProgram(
            value,
            np.repeat(np.arange(limits + 1), count),
            np.tile(np.arange(count), limits + 1),
            np.concatenate([counted.T.reshape(-1), np.ones(count)]),
            np.append(np.full(limits, -np.inf), 1.0),
            np.append((self.allowed - self.least)[held] / span, 1.0),
            (*(f"limit{n}" for n in range(limits)), "one"),
            tuple(f"plan{n}" for n in range(count)),
        )
        try:
            answer = backend("highs")(program)
        except SolverError:
            return None
        prices = np.zeros(len(self.allowed))
        prices[held] = np.maximum(-answer.duals[:limits], 0.0) / span
        return prices, answer.objective, bool(answer.x[-1] > _NEEDED)


@dataclass
class _Prices:
    """The search for the prices of one limited problem."""

    menus: Menus
    purses: Purses
    goal: Goal
    best: Best
    until: float
    planes: _Planes = field(init=False)

    def __post_init__(self) -> None:
        bad = math.expm1(-self.goal.least_log_q) if self.goal.least_log_q > -math.inf else math.inf
        allowed = np.append(self.goal.most, bad)
        self.planes = _Planes(allowed, np.zeros(len(allowed)))

    def seen(self, labels: Labels, prices: Array) -> None:
        """Keep planes of the plans of a sweep, and the best within the limits."""
        purses, log_q = shipped(labels)
        purses = purses.copy()
        with np.errstate(over="ignore", invalid="ignore"):
            counted = np.column_stack([purses[:, 1:], np.expm1(-log_q)])
            purses[:, 0] -= purses[:, 1:] @ prices[:-1]  # at high prices few digits are left
            value = self.goal.objective(purses, log_q)
            priced = value + counted @ prices
        kept = ~self.goal.broken(purses, log_q) & (value < self.best.upper)
        if np.any(kept):
            best = int(np.where(kept, value, np.inf).argmin())
            self.add(labels.origin.levels(best))
        self.best.plans += len(value)
        fine = np.flatnonzero(priced < HOPELESS_USD)
        rows = fine[np.argsort(priced[fine], kind="stable")[:_PLANES]]
        self.planes.add(value[rows], counted[rows])

    def at(self, prices: Array) -> Sweeping:
        """Return the problem at prices, without its limits."""
        names = self.purses.limited
        added = dict(self.purses.prices)
        for name, price in zip(names, prices[:-1], strict=True):
            added[name] = added.get(name, 0.0) + float(price)
        escape = self.goal.escape + float(prices[-1])
        base = escape * float(self.planes.least[-1]) * _SURELY
        goal = Goal(escape, most=np.full(len(names), math.inf), base=base)
        return Sweeping(self.menus, replace(self.purses, prices=added), goal, self.until)

    def can_be_kept(self) -> bool:
        """Whether each limit by itself can be kept; the plans that do become planes."""
        for at, name in enumerate((*self.purses.limited, None)):
            least = float(self.planes.allowed[at])
            if least == math.inf:
                continue
            purses = Purses(0.0, {} if name is None else {name: 1.0})
            found = Best()
            sweeping = Sweeping(self.menus, purses, Goal(float(name is None)), self.until)
            sweeping.close(found, 0.0, enough=least)
            if found.lower > least:
                return False
            if found.lower > _TIGHT * least:  # prices will be high: what all must pay is left out
                sweeping.close(found, _TIGHTER)
            self.planes.least[at] = found.lower
            if found.levels is not None:
                self.add(found.levels)
        return True

    def add(self, levels: Mapping[str, int]) -> None:
        """Take a plan, computed by the engine, as a plane and perhaps as the best."""
        choices = self.menus.template.choices()
        named = {p: list(choice.options)[levels[p]] for p, choice in choices.items()}
        out = evaluate(self.menus.template.at(named))
        quality = float(out.quality)
        if not quality > 0.0:
            return
        uses = {name: float(used) for name, used in out.uses.items()}
        first = self.purses.money * float(out.cost_per_shipped_usd)
        first += sum(price * uses.get(name, 0.0) for name, price in self.purses.prices.items())
        purses = np.array([[first, *(uses.get(name, 0.0) for name in self.purses.limited)]])
        log_q = np.array([log_quality(out)])
        value = self.goal.objective(purses / quality, log_q)
        if not self.goal.broken(purses / quality, log_q)[0] and value[0] < self.best.upper:
            self.best.upper, self.best.levels = float(value[0]), dict(levels)
        counted = np.append(purses[0, 1:] / quality, (1.0 - quality) / quality)
        if value[0] < HOPELESS_USD:
            self.planes.add(value, counted[None, :])

    def climb(self, gap: float) -> Array | None:
        """Raise the bound; return the best prices, or ``None``: time was up."""
        top = -math.inf, np.zeros(len(self.planes.allowed))
        last = None
        in_time = self.scan()
        dear = _DEARER * max((float(v.max()) for v in self.planes.value if len(v)), default=1.0)
        for _ in range(_ROUNDS):
            mixed = self.planes.prices(dear) if in_time else None
            if mixed is None:
                break
            prices, hope, needed = mixed
            apart = (hope - self.best.lower) / max(hope, 1e-9)
            done = apart <= _NEAR or (last is not None and np.allclose(prices, last, rtol=1e-3))
            if done or closed(self.best, gap, self.goal.escape):
                if not needed or dear >= HOPELESS_USD:
                    break
                dear *= _STEP
                continue
            last = prices
            close = min(max(0.1 * apart, _FINE), _COARSE)
            priced, in_time = self.solve(prices, close)
            lower = priced - self.allowed(prices)
            lower -= _ROUNDING * (abs(priced) + abs(lower))
            self.best.lower = max(self.best.lower, min(lower, self.best.upper))
            if lower > top[0]:
                top = lower, prices
        return top[1] if in_time and top[0] > -math.inf else None

    def scan(self) -> bool:
        """Look at some prices, from low ones up to where a plan keeps the limits; or time is up."""
        allowed = self.planes.allowed
        in_time = self.solve(np.zeros(len(allowed)), _COARSE)[1]
        before = self.best.upper
        for share in _SCANNED:
            if not in_time or self.best.upper < before:
                break
            some = (allowed > 0.0) & (allowed < math.inf)
            prices = np.where(some, share * self.best.lower / np.where(some, allowed, 1.0), 0.0)
            in_time = self.solve(prices, math.inf)[1]
        return in_time

    def allowed(self, prices: Array) -> float:
        """Return what plans within the limits pay at the prices at most."""
        return float(prices @ np.where(prices > 0.0, self.planes.allowed, 0.0))

    def solve(self, prices: Array, gap: float) -> tuple[float, bool]:
        """Return the bound of the problem at prices, and whether there was time for its gap."""
        priced = Best()
        sweeping = self.at(prices)
        in_time = sweeping.close(
            priced, gap, finest=_PRICED, watch=lambda found: self.seen(found, prices)
        )
        return priced.lower + sweeping.goal.base, in_time

    def hints(self, prices: Array) -> Hints | None:
        """Return what sweeps at prices show of all that may be better than the best plan."""
        if self.best.upper == math.inf:
            return None
        sweeping = self.at(prices)
        upper = self.best.upper + self.allowed(prices) - sweeping.goal.base
        priced = Best(upper)
        how = {"upper": upper, "finest": _HINTS}
        if not sweeping.close(priced, 0.0, watch=lambda found: self.seen(found, prices), **how):
            return None
        scale = Scale.of(sweeping.goal.escape, priced.lower, upper, sweeping.goal.base)
        return Hints(sweeping.references, scale, float(prices[-1]), prices[:-1])


def priced_limits(
    menus: Menus, purses: Purses, goal: Goal, best: Best, gap: float, until: float
) -> Hints | None:
    """Bring ``best`` near the optimum of a problem with limits, from both sides.

    Parameters
    ----------
    menus, purses, goal
        The problem; its plan without the limits breaks one.
    best
        Bound and plan known; both are improved. An infinite bound: no plan keeps the limits.
    gap
        Relative gap at which to stop.
    until
        Time (``time.perf_counter``) at which to stop.

    Returns
    -------
    Hints
        Of the problem at the best prices; ``None`` where the gap is closed or time is up.
    """
    search = _Prices(menus, purses, goal, best, until)
    if not search.can_be_kept():
        best.lower = math.inf
        return None
    prices = search.climb(gap)
    if prices is None or closed(best, gap, goal.escape):
        return None
    return search.hints(prices)


def log_quality(out: Outcome) -> float:
    """Return ln Q of one flow, with all the digits of its DPPM; −inf where nothing is good."""
    quality = float(out.quality)
    if quality >= 0.5:
        return math.log1p(-float(out.dppm) * 1e-6)
    return math.log(quality) if quality > 0.0 else -math.inf
