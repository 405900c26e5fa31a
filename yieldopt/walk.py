r"""One walk along a flow: forward for the cost, backward for the visits.

It is written once for a flow of numbers and for a block of a batch. Numbers are plain floats
throughout (a NumPy scalar costs ten times as much); arrays are worked on in place, and results are
written where they stay (``home``).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from yieldopt.flow import Flow, Outcome, Step
from yieldopt.flow_check import CATEGORIES
from yieldopt.physics.elementary import exp, expm1, quotient
from yieldopt.physics.yields import Value
from yieldopt.screening import Cut, Place, is_zero

Array = NDArray[np.float64]
Home = Callable[[str, str], Array | None]  # where an array of a table and a name stays
LENT, SPARE = "lent", "spare"  # tables of what is needed in this block alone, and of the next sum
Rule = Callable[[Value, Value, Array | None], Value]


def nowhere(table: str, name: str) -> None:
    """The home of results that stay where they were made."""


class Walk:
    """One block of one flow.

    Parameters
    ----------
    flow
        The flow.
    inverse
        1/pass of every test; without its overkill if that is an array or not ``overkill_seen``.
    log_q
        ln Q of what is shipped.
    details
        Also give visits, uses and waterfall.
    home
        Gives the array in which an array of results is to be written.
    """

    def __init__(
        self,
        flow: Flow,
        inverse: dict[Place, Value],
        log_q: Value,
        *,
        details: bool,
        overkill_seen: bool = False,
        home: Home = nowhere,
    ) -> None:
        self.flow, self.inverse, self.log_q = flow, inverse, log_q
        self.details, self.overkill_seen, self.home = details, overkill_seen, home
        self.kept: dict[Place, Value] = {}  # 1 − scrap of each process step that has any

    @cached_property
    def names(self) -> list[list[str]]:
        """``"node/step"`` by the indices of node and step."""
        return [[f"{node.name}/{step.name}" for step in node.steps] for node in self.flow.nodes]

    def run(self, cut: Cut) -> Outcome:
        """Return the outcome of the block that ``cut`` takes out of the numbers of the flow."""
        cost = self._forward(cut)
        quality, dppm = self._shipped(self.log_q)
        per_good = self._new(_over, cost, quality, "", "cost_per_good_usd")
        if not self.details:
            return Outcome(cost, per_good, quality, dppm, {}, {}, {})
        visits = self._visits(cut)
        uses, falls = self._uses(visits, cut), self._waterfall(per_good, cut)
        return Outcome(cost, per_good, quality, dppm, visits, uses, falls)

    def largest_inverses(self) -> dict[Place, float]:
        """Return 1/pass of every step in flow order, the largest of the block (to name a step)."""
        found: dict[Place, float] = {}
        for at, node in enumerate(self.flow.nodes):
            for index, step in enumerate(node.steps):
                if step.kind == "test":
                    inverse = self.inverse[at, index]
                else:
                    inverse = quotient(1.0, float(np.min(self.kept.get((at, index), 1.0))))
                found[at, index] = float(np.max(inverse))
        return found

    def _new(self, rule: Rule, a: Value, b: Value, table: str, name: str) -> Value:
        """Apply a rule of arithmetic; an array of results goes to its home."""
        if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
            return rule(a, b, self.home(table, name))
        return rule(a, b, None)

    def _more(self, total: Value, more: Value, table: str, name: str) -> Value:
        """Add to a result, which is ours."""
        if isinstance(total, np.ndarray):
            return np.add(total, more, out=total)
        if isinstance(more, np.ndarray):
            return np.add(total, more, out=self.home(table, name))
        return total + more

    def _shipped(self, log_quality: Value) -> tuple[Value, Value]:
        """Return quality and DPPM. Where hardly anything good ships, 1 − (1−Q) would lose Q."""
        if not isinstance(log_quality, np.ndarray):
            bad = -float(expm1(log_quality))
            return exp(log_quality) if bad > 0.5 else 1.0 - bad, 1e6 * bad + 0.0
        missing = np.expm1(log_quality, out=self.home(LENT, ""))
        good = np.add(missing, 1.0, out=self.home("", "quality"))
        dppm = np.multiply(missing, -1e6, out=self.home("", "dppm"))
        dppm += 0.0  # not −0.0
        if missing.min() < -0.5:
            np.exp(log_quality, out=good, where=missing < -0.5)
        return good, dppm

    def _forward(self, cut: Cut) -> Value:
        value: dict[str, Value] = {}
        for at, node in enumerate(self.flow.nodes):
            shipped = node.name == self.flow.ship
            out = self.home("", "cost_per_shipped_usd") if shipped else self.home(LENT, "")
            cost: Value = 0.0
            for source in node.inputs:
                part = value.pop(source.node)
                if source.count != 1:
                    part = self._new(_times, part, source.count, LENT, "")
                cost = part if is_zero(cost) else _plus(cost, part, out)
            for index, step in enumerate(node.steps):
                charge = cut(step.cost_usd)
                if step.kind == "test":
                    cost = self._after_test((at, index), step, cost, charge, cut, out)
                    continue
                # No copy: an array is only ever written to where it is ``out``.
                cost = charge if is_zero(cost) else _plus(cost, charge, out)
                if not is_zero(step.scrap):
                    self.kept[at, index] = kept = self._new(_minus, 1.0, cut(step.scrap), LENT, "")
                    cost = _over(cost, kept, out)
            value[node.name] = cost
        return value[self.flow.ship]

    def _after_test(
        self, place: Place, step: Step, cost: Value, charge: Value, cut: Cut, out: Array | None
    ) -> Value:
        """V ← (V + f·c)/pass + (1−f)·c."""
        inverse, lost = self.inverse[place], step.overkill
        if not is_zero(lost) and not (self.overkill_seen and not isinstance(lost, np.ndarray)):
            self.inverse[place] = inverse = _over(inverse, 1.0 - cut(lost))
        share = cut(step.fail_cost_fraction)
        rest = 1.0 - share
        if is_zero(rest):
            return _times(_plus(cost, charge, out), inverse, out)
        cost = _plus(cost, self._new(_times, charge, share, SPARE, ""), out)
        cost = _times(cost, inverse, out)
        return _plus(cost, self._new(_times, charge, rest, SPARE, ""), out)

    def _visits(self, cut: Cut) -> dict[str, Value]:
        visits: dict[str, Value] = {name: 0.0 for names in self.names for name in names}
        after: dict[str, Value] = {self.flow.ship: 1.0}
        for at in range(len(self.flow.nodes) - 1, -1, -1):
            node, names = self.flow.nodes[at], self.names[at]
            units = after.pop(node.name)
            for index in range(len(node.steps) - 1, -1, -1):
                name = names[index]
                if node.steps[index].kind == "test":
                    share = cut(node.steps[index].fail_cost_fraction)
                    inverse = self.inverse[at, index]
                    visits[name], units = self._charged(units, inverse, share, name)
                    continue
                kept = self.kept.get((at, index))
                if kept is not None:
                    units = self._new(_over, units, kept, "visits", name)
                visits[name] = units
            for source in node.inputs:
                after[source.node] = self._new(_times, units, source.count, LENT, "")
        return visits

    def _charged(
        self, passed: Value, inverse: Value, share: Value, name: str
    ) -> tuple[Value, Value]:
        """Return the charged runs of a test, and the units that come to it."""
        if is_zero(1.0 - share):
            units = self._new(_times, passed, inverse, "visits", name)
            return units, units
        units = self._new(_times, passed, inverse, LENT, "")
        if not isinstance(units, np.ndarray) and not isinstance(share, np.ndarray):
            return passed + share * (units - passed), units
        failing = self._new(_minus, units, passed, "visits", name)
        return self._more(_times(failing, share), passed, "visits", name), units

    def _uses(self, visits: dict[str, Value], cut: Cut) -> dict[str, Value]:
        uses: dict[str, Value] = {}
        for at, node in enumerate(self.flow.nodes):
            for index, step in enumerate(node.steps):
                for name, amount in step.uses.items():
                    runs = visits[self.names[at][index]]
                    if name in uses:
                        more = self._new(_times, runs, cut(amount), SPARE, "")
                        uses[name] = self._more(uses[name], more, "uses", name)
                    else:
                        uses[name] = self._new(_times, runs, cut(amount), "uses", name)
        return uses

    def _waterfall(self, per_good: Value, cut: Cut) -> dict[str, Value]:
        """Cost of a line without any loss by category; ``scrap`` is all that loss adds to it."""
        table = "waterfall_usd"
        falls: dict[str, Value] = dict.fromkeys(CATEGORIES, 0.0)
        counts = {self.flow.ship: 1}
        for node in reversed(self.flow.nodes):
            count = counts.pop(node.name)
            for source in node.inputs:
                counts[source.node] = count * source.count
            for step in node.steps:
                charge, booked = cut(step.cost_usd), step.booked
                ideal = charge if count == 1 else self._new(_times, charge, count, SPARE, "")
                falls[booked] = self._more(falls[booked], ideal, table, booked)
        scrap = self._new(_minus, per_good, 0.0, table, "scrap")
        for ideal in falls.values():
            scrap = _minus(scrap, ideal)
        return falls | {"scrap": scrap}


def _plus(total: Value, more: Value, out: Array | None = None) -> Value:
    """Add; in place where no other place is given (then an array ``total`` is ours)."""
    if isinstance(total, np.ndarray):
        return np.add(total, more, out=total if out is None else out)
    return np.add(total, more, out=out) if isinstance(more, np.ndarray) else total + more


def _minus(total: Value, less: Value, out: Array | None = None) -> Value:
    if isinstance(total, np.ndarray):
        return np.subtract(total, less, out=total if out is None else out)
    return np.subtract(total, less, out=out) if isinstance(less, np.ndarray) else total - less


def _times(total: Value, factor: Value, out: Array | None = None) -> Value:
    if isinstance(total, np.ndarray):
        if out is None and not isinstance(factor, np.ndarray) and factor == 1:
            return total
        return np.multiply(total, factor, out=total if out is None else out)
    return np.multiply(total, factor, out=out) if isinstance(factor, np.ndarray) else total * factor


def _over(total: Value, kept: Value, out: Array | None = None) -> Value:
    if isinstance(total, np.ndarray):
        return np.divide(total, kept, out=total if out is None else out)
    return (
        np.divide(total, kept, out=out) if isinstance(kept, np.ndarray) else quotient(total, kept)
    )
