"""One plan of test levels for many scenarios, exactly."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yieldopt.engine import evaluate
from yieldopt.errors import CaseError, Fault, near_miss
from yieldopt.optimize.coverage import HOPELESS_USD, Proof
from yieldopt.optimize.pricing import Ask
from yieldopt.optimize.problem import Problem
from yieldopt.optimize.robust_bound import beaten_below
from yieldopt.optimize.robust_measure import MEASURES, Limit, Measure, judged
from yieldopt.optimize.robust_search import RobustSearch
from yieldopt.optimize.robust_stack import Scores, Stack, check_alike

Array = NDArray[np.float64]
_MOST_TRUNK = 10_000_000
_SUM = 1e-9  # probabilities may miss 1 by this


@dataclass(frozen=True)
class Goal:
    """What a plan over scenarios is judged by.

    Parameters
    ----------
    measure
        ``"expected"``: E[J_s], the mean cost per good package where starts adapt to the scenario;
        ``"fixed_starts"``: E[spend]/E[good] where as many units are started in every scenario;
        ``"cvar"``: mean of J over the worst ``cvar_tail`` of probability; ``"worst"``: largest J.
    cvar_tail
        Share of probability in (0, 1].
    dppm_limit, dppm_share
        Bad packages per million shipped may not exceed the limit in scenarios whose probability
        comes to the share at least, in (0, 1].
    escape_cost_usd
        Cost of one bad package shipped [USD]: (spend + e·bad)/good.
    prices
        Price of resource use on top of the costs [USD per unit].
    starts_of
        ``fixed_starts``: the node whose starts are fixed; ``None``: the node that ships. Whatever
        joins it is started as needed.
    """

    measure: str = "expected"
    cvar_tail: float = 0.1
    dppm_limit: float | None = None
    dppm_share: float = 1.0
    escape_cost_usd: float | None = None
    prices: Mapping[str, float] | None = None
    starts_of: str | None = None

    def check(self) -> None:
        """Raise ``CaseError`` with all that is out of its range."""
        faults = []
        if self.measure not in MEASURES:
            hint = near_miss(self.measure, MEASURES)
            faults.append(Fault("unknown measure", "measure", self.measure, hint))
        for key, share in (("cvar_tail", self.cvar_tail), ("dppm_share", self.dppm_share)):
            if not 0.0 < share <= 1.0:
                faults.append(Fault("must be above 0 and at most 1", key, share))
        for key, value in (
            ("dppm_limit", self.dppm_limit),
            ("escape_cost_usd", self.escape_cost_usd),
            *((f"prices.{name}", price) for name, price in (self.prices or {}).items()),
        ):
            if value is not None and not 0.0 <= value < math.inf:
                faults.append(Fault("must be a number of at least 0", key, value))
        if faults:
            raise CaseError(faults)

    @property
    def ask(self) -> Ask:
        """The objective of one scenario."""
        return Ask(self.prices or {}, self.dppm_limit, self.escape_cost_usd)

    def limit(self, p: Array) -> Limit | None:
        """Return the DPPM limit over scenarios of probabilities (S,)."""
        least = self.ask.log_q_least
        return None if least is None else Limit(least, p, self.dppm_share)


@dataclass(frozen=True)
class RobustFound:
    """The best plan over scenarios.

    Parameters
    ----------
    measure
        What is minimised.
    levels
        By ``"node/insertion"``; ``None`` when no plan is allowed.
    value_usd
        The measure [USD per good package, escapes included]; inf without a plan.
    values_usd, dppm
        Cost per good package and bad per million shipped, by scenario.
    dppm_held
        Probability of the scenarios that hold the DPPM limit; 1 without one.
    proof
        ``enumerated`` plans were computed in a product of low rank with its error on the safe side,
        ``pruned`` stand in trunk combinations whose bound reaches the value; nothing is better than
        ``lower_bound_usd``, 1e-10 of the value below it (escapes counted in full).
    examined
        Plans computed scenario by scenario.
    """

    measure: str
    levels: Mapping[str, str] | None
    value_usd: float
    values_usd: tuple[float, ...]
    dppm: tuple[float, ...]
    dppm_held: float
    proof: Proof
    examined: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def robust_levels(
    problems: Sequence[Problem],
    probabilities: Sequence[float],
    goal: Goal | None = None,
    *,
    bound: bool = True,
) -> RobustFound:
    r"""Choose one level at every insertion for many scenarios.

    Parameters
    ----------
    problems
        A scenario each, from :func:`yieldopt.optimize.problem.prepare`: the same nodes, insertions
        and level names, other numbers.
    probabilities
        Of the scenarios, each above 0, of sum 1.
    goal
        What is minimised, and limits; ``None``: least expected cost.
    bound
        Prune trunk combinations by their bound; off, everything is enumerated.

    Returns
    -------
    RobustFound
        The best of all plans, to 1e-10 of its value, with its proof. No plan is allowed in which
        nothing worth the name passes in some scenario, under any measure.

    Raises
    ------
    CaseError, UnknownName
        Probabilities that are not; scenarios of different structure; a goal out of range; more than
        ten million combinations of levels on inner nodes: these are enumerated.

    Notes
    -----
    The expected cost is one product of halves of the leaves over all scenarios (DESIGN.md,
    "Choosing coverage exactly"), CVaR and worst case are bounded by a weighted mean (Rockafellar
    and Uryasev 2000), E[spend]/E[good] by Dinkelbach's (1967) difference. Every plan whose bound
    lies below the best value is computed scenario by scenario.

    Examples
    --------
    >>> from yieldopt.flow import Faults, Input, Step
    >>> from yieldopt.optimize.problem import prepare
    >>> from yieldopt.template import Choice, OpenNode, Template
    >>> def die(mean):
    ...     fab = Step("fab", "process", 100.0, faults={"logic": Faults(mean)})
    ...     full = Step("cp", "test", 12.0, coverage={"logic": 0.95})
    ...     bond = Step("bond", "process", 300.0)
    ...     node = OpenNode("die", (), (fab, Choice("cp", {"off": None, "full": full})))
    ...     return Template("package", (node, OpenNode("package", (Input("die"),), (bond,))))
    >>> scenarios = [prepare(die(mean)) for mean in (0.02, 0.4)]
    >>> robust_levels(scenarios[:1], [1.0]).levels, robust_levels(scenarios, [0.5, 0.5]).levels
    ({'die/cp': 'off'}, {'die/cp': 'full'})
    """
    goal = goal or Goal()
    goal.check()
    p = checked(problems, probabilities)
    stack = goal_stack(problems, goal)
    measure = Measure(goal.measure, p, goal.cvar_tail)
    search = RobustSearch(stack, measure, goal.limit(p), bound)
    best = search.run()
    found = best.trunk >= 0 and best.value < HOPELESS_USD
    escape = goal.escape_cost_usd or 0.0
    lower = beaten_below(best.value) - escape if found else math.inf
    proof = Proof(
        "enumeration over scenarios",
        problems[0].combinations,
        search.enumerated,
        search.pruned,
        lower,
    )
    if not found:
        return RobustFound(goal.measure, None, math.inf, (), (), 0.0, proof, search.examined)
    levels = problems[0].levels(best.trunk, best.entries)
    judged_ = judge(stack, p, goal, levels)
    return RobustFound(
        goal.measure,
        levels,
        judged_.value_usd,
        judged_.values_usd,
        judged_.dppm,
        judged_.dppm_held,
        proof,
        search.examined,
    )


@dataclass(frozen=True)
class Judged:
    """A plan through the engine: the measure, cost per good and DPPM by scenario."""

    value_usd: float  # also where the DPPM limit does not hold
    values_usd: tuple[float, ...]
    dppm: tuple[float, ...]
    dppm_held: float


def judge(stack: Stack, p: Array, goal: Goal, levels: Mapping[str, str]) -> Judged:
    """Evaluate a plan in every scenario: every number of an answer comes from the engine."""
    outs = [evaluate(problem.template.at(levels)) for problem in stack.problems]
    quality = np.array([out.quality for out in outs])
    escape, prices = goal.escape_cost_usd or 0.0, goal.prices or {}
    spend = [
        float(out.cost_per_shipped_usd)
        + sum(price * float(out.uses.get(name, 0.0)) for name, price in prices.items())
        for out in outs
    ]
    with np.errstate(divide="ignore"):
        value = (np.array(spend) + escape * (1.0 - quality)) / quality
        log_q = np.log(quality)
        log_y = log_q - np.log([stack.starts(out) for out in outs])
    scores = Scores(value[None, :], log_q[None, :], log_y[None, :])
    total = float(judged(Measure(goal.measure, p, goal.cvar_tail), None, scores, HOPELESS_USD)[0])
    dppm = tuple(float(out.dppm) for out in outs)
    limit = goal.limit(p)
    held = 1.0 if limit is None else float(p[log_q >= limit.log_q_least].sum())
    return Judged(total, tuple(float(v) for v in value), dppm, min(held, 1.0))


def goal_stack(problems: Sequence[Problem], goal: Goal) -> Stack:
    """Return the scenarios under a goal; ``CaseError`` where they are not of one structure."""
    check_alike(problems)
    trunk = problems[0].trunk_count
    if trunk > _MOST_TRUNK:
        text = f"{trunk:.3g} combinations of levels on inner nodes are too many for scenarios"
        raise CaseError(Fault(text, hint="narrow menus (levels of the product)"))
    starts_of = goal.starts_of or problems[0].template.ship
    return Stack(problems, goal.ask, starts_of if goal.measure == "fixed_starts" else None)


def checked(problems: Sequence[Problem], probabilities: Sequence[float]) -> Array:
    """Return probabilities (S,) of sum 1; ``CaseError`` with all that is wrong with them."""
    faults = [
        Fault("must be above 0 and at most 1", f"scenarios[{at}].probability", value)
        for at, value in enumerate(probabilities)
        if not 0.0 < value <= 1.0
    ]
    if len(probabilities) != len(problems):
        text = f"{len(probabilities)} probabilities for {len(problems)} scenarios"
        faults.append(Fault(text, "scenarios"))
    total = math.fsum(probabilities)
    if problems and not faults and abs(total - 1.0) > _SUM:
        faults.append(Fault("probabilities must sum to 1", "scenarios", total))
    if faults:
        raise CaseError(faults)
    return np.array(probabilities, float) / (total or 1.0)
