"""One plan of test levels for many scenarios, exactly."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yieldopt.errors import CaseError, Fault
from yieldopt.optimize.coverage import HOPELESS_USD, Proof
from yieldopt.optimize.exposure import TooMany
from yieldopt.optimize.menus import Purses
from yieldopt.optimize.problem import Problem
from yieldopt.optimize.robust_bound import beaten_below
from yieldopt.optimize.robust_goal import Goal as Goal
from yieldopt.optimize.robust_judge import Judged as Judged
from yieldopt.optimize.robust_judge import judge as judge
from yieldopt.optimize.robust_labels import LabelSearch, Search
from yieldopt.optimize.robust_measure import Measure
from yieldopt.optimize.robust_search import RobustSearch
from yieldopt.optimize.robust_stack import Stack, check_alike
from yieldopt.optimize.search import is_enumerable
from yieldopt.optimize.search import search as any_search

Array = NDArray[np.float64]
_MOST_TRUNK = 10_000_000
_NAMED = 6  # of the insertions that make them, the longest menus first
_SUM = 1e-9  # probabilities may miss 1 by this


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
    complete
        Whether all plans are covered; ``False``: time ended, and ``lower_bound_usd`` bounds what is
        left too.
    """

    measure: str
    levels: Mapping[str, str] | None
    value_usd: float
    values_usd: tuple[float, ...]
    dppm: tuple[float, ...]
    dppm_held: float
    proof: Proof
    examined: int
    complete: bool = True

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def robust_levels(
    problems: Sequence[Problem],
    probabilities: Sequence[float],
    goal: Goal | None = None,
    *,
    bound: bool = True,
    until: float = math.inf,
    search: Search = any_search,
    enumerable: bool | None = None,
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
    until
        Time (``time.perf_counter``) at which the search stops with what it has.
    search
        The exact search of one scenario, for trunks that cannot be enumerated.
    enumerable
        Whether trunks can be enumerated; left out: by their size and the number of scenarios.

    Returns
    -------
    RobustFound
        The best of all plans, to 1e-10 of its value, with its proof (or the best so far, where time
        ended). No plan is allowed in which
        nothing worth the name passes in some scenario, under any measure.

    Raises
    ------
    CaseError, UnknownName
        Probabilities that are not; scenarios of different structure; a goal out of range; more than
        ten million combinations of levels on inner nodes whose tests fit no table of labels.

    Notes
    -----
    The expected cost is one product of halves of the leaves over all scenarios (DESIGN.md,
    "Choosing coverage exactly"), CVaR and worst case are bounded by a weighted mean (Rockafellar
    and Uryasev 2000), E[spend]/E[good] by Dinkelbach's (1967) difference. Every plan whose bound
    lies below the best value is computed scenario by scenario. Trunks too long to enumerate are
    bounded by what is best in each scenario, and split where these plans differ
    (:mod:`yieldopt.optimize.robust_labels`).

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
    if enumerable is None:
        enumerable = is_enumerable(problems[0], len(problems))
    if not enumerable:
        try:
            return _by_labels(problems, stack, p, goal, until, search)
        except TooMany:
            if problems[0].trunk_count > _MOST_TRUNK:
                raise _too_long(problems[0]) from None
    measure = Measure(goal.measure, p, goal.cvar_tail)
    over = RobustSearch(stack, measure, goal.limit(p), bound, until)
    best = over.run()
    found = best.trunk >= 0 and best.value < HOPELESS_USD
    escape = goal.escape_cost_usd or 0.0
    lower = beaten_below(best.value) - escape if found else math.inf
    complete = over.open_lower == math.inf
    if not complete:
        lower = min(lower, max(over.open_lower - escape, 0.0))
    proof = Proof(
        "enumeration over scenarios",
        problems[0].combinations,
        over.enumerated,
        over.pruned,
        lower,
    )
    if not found:
        none = (math.inf, (), (), 0.0)
        return RobustFound(goal.measure, None, *none, proof, over.examined, complete)
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
        over.examined,
        complete,
    )


def _by_labels(
    problems: Sequence[Problem], stack: Stack, p: Array, goal: Goal, until: float, search: Search
) -> RobustFound:
    """Return the best plan of trunks too long to enumerate, and a bound on all others."""
    for problem in problems:
        problem.menus.priced(Purses(1.0, {}))  # raises where no table holds what its tests can do
    found = LabelSearch(stack, p, goal, until, search)
    found.run()
    total = problems[0].combinations
    pruned = total if found.is_closed else 0
    proof = Proof("labels over scenarios", total, 0, pruned, found.lower)
    done = found.plans.examined, found.is_closed
    if found.plans.best is None:
        return RobustFound(goal.measure, None, math.inf, (), (), 0.0, proof, *done)
    levels = dict(zip(found.menus, found.plans.best, strict=True))
    of = judge(stack, p, goal, levels)
    shown = of.value_usd, of.values_usd, of.dppm, of.dppm_held
    return RobustFound(goal.measure, levels, *shown, proof, *done)


def _too_long(plain: Problem) -> CaseError:
    """Say which menus make too many combinations."""
    sizes = sorted(zip(plain.trunk_places, plain.trunk_sizes, strict=True), key=lambda of: -of[1])
    menus = ", ".join(f"{place} has {size} levels" for place, size in sizes[:_NAMED])
    count = f"{plain.trunk_count:.3g} combinations of levels on inner nodes"
    text = f"{count} are too many for scenarios"
    hint = (
        "narrow menus (levels or forbidden_levels of the product): what its tests can do fits no "
        f"table, so all combinations are looked at, {_MOST_TRUNK:,} at most; {menus}"
    )
    return CaseError(Fault(text, hint=hint))


def goal_stack(problems: Sequence[Problem], goal: Goal) -> Stack:
    """Return the scenarios under a goal; ``CaseError`` where they are not of one structure."""
    check_alike(problems)
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
