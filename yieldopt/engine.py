r"""The only place where a flow is evaluated.

One forward walk along the tree. At a test the chance to pass is
``ln pass = Σ m·[ln S(κ+δ) − ln S(κ)] + ln(1−o)`` over its groups of multiplicity m; at a process
step ``1 − p``. The cost V of one passed unit follows by V ← (V + f·c)/pass + (1−f)·c, where f is
the share of the cost c that a failing unit is charged; shipped quality is
``ln Q = Σ m·[ln S(κ+ω) − ln S(κ)]`` over what no test has looked at. One backward walk gives the
charged visits, and uses and waterfall from them. The derivation is in DESIGN.md, section 2.

The short axes (steps, groups) are loops; the long one, the batch of n scenarios × plans, is walked
in blocks that fit the cache, so memory beyond inputs and outputs does not grow with n.
"""

from __future__ import annotations

import numpy as np

from yieldopt.errors import CaseError
from yieldopt.flow import Flow, Outcome, Step
from yieldopt.flow_check import CATEGORIES
from yieldopt.gather import Gather
from yieldopt.physics.yields import Value
from yieldopt.screening import Cut, Screens, is_zero, log_pass, screens
from yieldopt.stacked import Array, Stack, stack

BLOCK = 32_768
_HOPELESS = 1e100  # the step of least pass among several that together let nothing through


def evaluate(flow: Flow, *, details: bool = True) -> Outcome:
    """Evaluate a flow: cost per good package, quality, visits.

    Parameters
    ----------
    flow
        A flow whose numbers are scalars or arrays of one shape (n,).
    details
        Also give visits, uses and waterfall; without them a large batch needs a third of the time.

    Returns
    -------
    Outcome
        Floats, or (n,) arrays where the flow has any. If nothing can pass a step in some element,
        its costs are inf, its quality 0, and ``blocked`` names the step.

    Notes
    -----
    Exact for clustering, repair and any chain of tests under: independent components, uniform
    fixed hardness, mixing per unit.

    Examples
    --------
    >>> from yieldopt.flow import Faults, Flow, Node, Step
    >>> fab = Step("fab", "process", 100.0, faults={"logic": Faults(0.5)})
    >>> sort = Step("cp", "test", 2.0, coverage={"logic": 0.9})
    >>> out = evaluate(Flow("die", (Node("die", steps=(fab, sort)),)))
    >>> round(out.cost_per_good_usd, 2), round(out.dppm)
    (168.17, 48771)
    """
    if not isinstance(flow, Flow):
        text = f"evaluate takes a Flow, as read_flow(path) gives it, not {type(flow).__name__}"
        raise TypeError(text)
    size = flow.size
    if size is None:
        return _floats(_Walk(flow, screens(flow), details).run(lambda value: value))
    shared = None if _coverage_varies(flow) else screens(flow)
    rows = stack(flow, shared) if shared else None
    buffer = rows.buffer(BLOCK) if rows else None
    out = Gather(size)
    for low in range(0, size, BLOCK):
        block = slice(low, min(low + BLOCK, size))
        cut = _cutter(block)
        walk = _Walk(flow, shared or screens(flow, cut), details)
        if rows is not None and buffer is not None:
            walk.look_up(rows, rows.losses(cut, block.stop - low, buffer))
        out.put(block, walk.run(cut))
    return out.outcome()


def _cutter(block: slice) -> Cut:
    def cut(value: Value) -> Value:
        return value[block] if isinstance(value, np.ndarray) and value.ndim else value

    return cut


def _coverage_varies(flow: Flow) -> bool:
    steps = (step for node in flow.nodes for step in node.steps)
    tables = (table for step in steps for table in (step.coverage, step.repair))
    return any(np.ndim(value) for table in tables for value in table.values())


class _Walk:
    """One block of one flow."""

    def __init__(self, flow: Flow, seen: Screens, details: bool) -> None:
        self.flow, self.seen, self.details = flow, seen, details
        self.inverse: dict[tuple[int, int], Value] = {}  # 1/pass of each step
        self.log_q: Value | None = None
        self.tested: dict[tuple[int, int], Value] = {}  # 1/pass of tests, when looked up

    def look_up(self, rows: Stack, losses: Array) -> None:
        """Take the chances to pass from a stack instead of term by term."""
        with np.errstate(over="ignore"):
            np.exp(losses[:-1], out=losses[:-1])
        self.tested = dict(zip(rows.places, losses[:-1], strict=True))
        self.log_q = np.negative(losses[-1], out=losses[-1])

    def run(self, cut: Cut) -> Outcome:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            cost = self._forward(cut)
            log_quality = log_pass(self.seen.door, cut) if self.log_q is None else self.log_q
            missing = np.expm1(log_quality)
            quality, dppm = 1.0 + missing, 0.0 - 1e6 * missing
            if np.min(missing, initial=0.0) < -0.5:  # hardly anything good ships, but not nothing
                quality = np.where(missing < -0.5, np.exp(log_quality), quality)[()]
            per_good = cost / quality
            visits = self._visits(cut) if self.details else {}
            uses = self._uses(visits, cut) if self.details else {}
            falls = self._waterfall(per_good, cut) if self.details else {}
        out = Outcome(cost, per_good, quality, dppm, visits, uses, falls)
        return out if _finite(out) else _nothing_passes(out, self.blocked(out))

    def blocked(self, out: Outcome) -> str:
        """Name the step that nothing passes; where only all steps together let nothing through,
        the one that lets the least.

        Raises ``CaseError`` where units do pass and only their cost is beyond a double.
        """
        least = {place: float(np.max(inverse)) for place, inverse in self.inverse.items()}
        worst = max(least, key=lambda place: least[place], default=None)
        endless = [place for place, inverse in least.items() if not np.isfinite(inverse)]
        if not endless and not np.all(np.asarray(out.quality) > 0):
            return _door_name(self.flow)
        if worst is None or least[worst] == 1.0 or (not endless and least[worst] < _HOPELESS):
            raise CaseError("a cost is too large for a double: check the costs of the flow")
        at, index = endless[0] if endless else worst
        return f"{self.flow.nodes[at].name}/{self.flow.nodes[at].steps[index].name}"

    def _forward(self, cut: Cut) -> Value:
        value: dict[str, Value] = {}
        for at, node in enumerate(self.flow.nodes):
            cost: Value = 0.0
            for source in node.inputs:
                cost = _plus(cost, _times(value.pop(source.node), source.count))
            for index, step in enumerate(node.steps):
                inverse = self._inverse((at, index), step, cut)
                charge = cut(step.cost_usd)
                share = cut(step.fail_cost_fraction)
                if is_zero(1.0 - share):  # V ← (V + c)/pass
                    cost = _times(_plus(cost, charge), inverse)
                else:  # V ← (V + f·c)/pass + (1−f)·c
                    cost = _times(_plus(cost, share * charge), inverse)
                    cost = _plus(cost, (1.0 - share) * charge)
                self.inverse[at, index] = inverse
            value[node.name] = cost
        return value[self.flow.ship]

    def _inverse(self, place: tuple[int, int], step: Step, cut: Cut) -> Value:
        """Return 1/pass of a step."""
        lost = step.overkill if step.kind == "test" else step.scrap
        if self.tested and step.kind == "test" and not np.ndim(lost):
            return self.tested[place]  # a scalar overkill is in the stack already
        if is_zero(lost):
            kept: Value = 1.0
        elif np.ndim(lost):
            left = 1.0 - cut(lost)
            kept = np.divide(1.0, left, out=np.asarray(left))
        else:
            kept = 1.0 / np.float64(1.0 - lost)
        if step.kind == "process":
            return kept
        if self.tested:
            return _times(self.tested[place], kept)
        terms = self.seen.tests[place]
        return np.exp(-log_pass(terms, cut)) * kept if terms else kept

    def _visits(self, cut: Cut) -> dict[str, Value]:
        after: dict[str, Value] = {self.flow.ship: 1.0}
        visits: dict[str, Value] = {}
        for at in range(len(self.flow.nodes) - 1, -1, -1):
            node = self.flow.nodes[at]
            units = after.pop(node.name)
            for index in range(len(node.steps) - 1, -1, -1):
                step = node.steps[index]
                passed = units
                units = units * self.inverse.get((at, index), 1.0)
                charged = units
                if step.kind == "test":
                    share = cut(step.fail_cost_fraction)
                    charged = passed + share * (units - passed)
                visits[f"{node.name}/{step.name}"] = charged
            for source in node.inputs:
                after[source.node] = units * source.count
        return {name: visits[name] for name in self.flow.step_names()}

    def _uses(self, visits: dict[str, Value], cut: Cut) -> dict[str, Value]:
        uses: dict[str, Value] = {}
        for node in self.flow.nodes:
            for step in node.steps:
                runs = visits[f"{node.name}/{step.name}"]
                for name, amount in step.uses.items():
                    uses[name] = uses.get(name, 0.0) + runs * cut(amount)
        return uses

    def _waterfall(self, per_good: Value, cut: Cut) -> dict[str, Value]:
        """Cost of a line without any loss by category; ``scrap`` is all that loss adds to it."""
        falls: dict[str, Value] = dict.fromkeys(CATEGORIES, 0.0)
        counts = {self.flow.ship: 1}
        scrap = per_good
        for node in reversed(self.flow.nodes):
            count = counts.pop(node.name)
            for source in node.inputs:
                counts[source.node] = count * source.count
            for step in node.steps:
                ideal = count * cut(step.cost_usd)
                falls[step.booked] = falls[step.booked] + ideal
                scrap = scrap - ideal
        return falls | {"scrap": scrap}


def _plus(total: Value, more: Value) -> Value:
    """Add into a block that is ours (every ``total`` here is a result of this walk)."""
    if isinstance(total, np.ndarray):
        return np.add(total, more, out=total)
    return more if is_zero(total) and not isinstance(more, np.ndarray) else total + more


def _times(total: Value, factor: Value) -> Value:
    if isinstance(factor, float | int) and factor == 1.0:
        return total
    if isinstance(total, np.ndarray):
        return np.multiply(total, factor, out=total)
    return total * factor


def _floats(out: Outcome) -> Outcome:
    return Outcome(
        float(out.cost_per_shipped_usd),
        float(out.cost_per_good_usd),
        float(out.quality),
        float(out.dppm),
        {name: float(value) for name, value in out.visits.items()},
        {name: float(value) for name, value in out.uses.items()},
        {name: float(value) for name, value in out.waterfall_usd.items()},
        out.blocked,
    )


def _nothing_passes(out: Outcome, blocked: str) -> Outcome:
    """Mend the elements in which no good package comes out: costs inf, quality 0."""
    fine = np.isfinite(out.cost_per_good_usd) & (np.asarray(out.quality) > 0)

    def infinite(value: Value) -> Value:
        return np.where(np.isnan(value), np.inf, value)[()]

    return Outcome(
        np.where(fine, out.cost_per_shipped_usd, np.inf)[()],
        np.where(fine, out.cost_per_good_usd, np.inf)[()],
        np.where(fine, out.quality, 0.0)[()],
        np.where(fine, out.dppm, 1e6)[()],
        {name: infinite(value) for name, value in out.visits.items()},
        {name: infinite(value) for name, value in out.uses.items()},
        {name: infinite(value) for name, value in out.waterfall_usd.items()},
        blocked,
    )


def _finite(out: Outcome) -> bool:
    """Whether every element has good packages and a finite number of runs behind each."""
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(np.sum(out.cost_per_good_usd)) and not out.visits:
            return True  # cost/quality: a quality of 0 makes it inf or NaN, and so the sum
    fine = np.all(np.asarray(out.quality) > 0) and np.all(np.isfinite(out.cost_per_good_usd))
    return bool(fine) and all(np.all(np.isfinite(runs)) for runs in out.visits.values())


def _door_name(flow: Flow) -> str:
    steps = next(node.steps for node in flow.nodes if node.name == flow.ship)
    return f"{flow.ship}/{steps[-1].name}" if steps else f"{flow.ship}/(shipping)"
