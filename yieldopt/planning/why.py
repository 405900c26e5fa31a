"""Why a plan is as it is: scarce resources, displaced demand, lines not used, rules in conflict."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from yieldopt.optimize.budget import Budget
from yieldopt.plan import Result, Status
from yieldopt.planning import answer
from yieldopt.planning.branching import Branching, Planned
from yieldopt.planning.conflict import Rule, conflict
from yieldopt.planning.held import Held, held_node
from yieldopt.planning.master import Master, Node
from yieldopt.planning.programme import programme_of
from yieldopt.planning.setting import Setting, setting_of
from yieldopt.planning.why_prices import Marginal, Scarce, marginal, scarce
from yieldopt.planning.why_unused import Excluded, Unused, excluded, unused
from yieldopt.schema.case import Case

_SAME = 1e-6  # relative: the plan found, and the same plan with its decisions held


@dataclass(frozen=True)
class Why:
    """What explains a plan, or that there is none.

    Parameters
    ----------
    status, objective_usd, gap
        Of the plan.
    held
        The whole decisions of the plan that are not 0; prices and savings hold with all of them
        as they are, and with the levels of products of one programme.
    scarce, demand, unused, excluded
        See their classes.
    conflict
        Where there is no plan: rules of which none can be left out.
    is_irreducible
        Each of them was shown to be needed.
    notes
        What is weaker than it could be, and why.
    """

    status: Status
    objective_usd: float | None
    gap: float | None
    held: tuple[str, ...] = ()
    scarce: tuple[Scarce, ...] = ()
    demand: tuple[Marginal, ...] = ()
    unused: tuple[Unused, ...] = ()
    excluded: tuple[Excluded, ...] = ()
    conflict: tuple[Rule, ...] = ()
    is_irreducible: bool = False
    binding: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self) | {"status": str(self.status)}


def why(case: Case, *, solver: str = "highs", time_limit_s: float | None = None) -> Why:
    """Solve a case and explain its plan.

    Parameters
    ----------
    case
        The checked case.
    solver
        Backend that finds the plan, as for ``solve``; what explains it is solved by HiGHS.
    time_limit_s
        Seconds for everything: first the plan, then what explains it.

    Returns
    -------
    Why
        Slopes and ends of the plan's value over every recipe, whole decisions held: see
        :mod:`yieldopt.planning.held`.

    Raises
    ------
    UnknownName, CaseError, SolverError
        As for ``solve``.

    Examples
    --------
    >>> from yieldopt import load
    >>> found = why(load("minimal"))
    >>> [(row.line, round(row.cheaper_usd_per_good or 0.0)) for row in found.unused]
    [('cowos_s', 3)]
    """
    budget = Budget.of(time_limit_s)
    setting = setting_of(case, budget)
    made = {pool.product for pool in setting.pools}
    firm = [n for n, p in enumerate(setting.products) if p.is_open and p.firm]
    if not setting.pools or not made.issuperset(firm):
        return _of(answer.no_route(setting), setting)
    master = Master(setting, programme_of(setting), solver)
    for pool in setting.pools:
        for recipe in range(len(pool.recipes)):
            slots = np.array(pool.slots, np.intp)
            master.add(slots, np.full(len(slots), recipe))
    found = Branching(master, solver, budget, 0.0, None).run()
    if found.found is None:
        return _without(master, found, budget)
    return _with(master, found, budget)


def _of(result: Result, setting: Setting) -> Why:
    return Why(
        result.status,
        result.objective_usd,
        result.gap,
        excluded=tuple(excluded(setting)),
        binding=result.binding,
    )


def _with(master: Master, found: Planned, budget: Budget) -> Why:
    """Explain a plan."""
    relaxed = found.found
    if relaxed is None:
        raise TypeError("there is no plan to explain")
    plain = _of(answer.planned(master, found), master.setting)
    node = held_node(master, relaxed.x)
    held = Held(master, node)
    notes = []
    if abs(held.base.value - found.value) > _SAME * max(1.0, abs(found.value)):
        notes.append(
            f"with its whole decisions held the plan costs {held.base.value - found.value:+,.2f} "
            "USD against the plan found: prices and savings are of that plan"
        )
    if plain.status is Status.FEASIBLE:
        notes.append("the plan is not proved to be the best: other decisions may have other prices")
    lines = tuple(unused(held, relaxed.x, budget))
    prices = tuple(scarce(held, _half(budget)))
    demand = tuple(marginal(held, budget))
    if budget.is_spent or any(row.low is None for row in prices):
        notes.append("time ended: ranges, changes and lines that are missing were not looked for")
    return replace(
        plain,
        held=tuple(_decided(master, node)),
        scarce=prices,
        demand=demand,
        unused=lines,
        notes=tuple(notes),
    )


def _half(budget: Budget) -> Budget:
    """Return a budget of half the time that is left."""
    if not np.isfinite(budget.until):
        return budget
    left = budget.left_s()
    return replace(budget, until=budget.until - 0.5 * left)


def _decided(master: Master, node: Node) -> list[str]:
    columns = master.programme.columns
    bounds = sorted(node.bounds.items())
    return [
        columns[at].name if low == 1.0 else f"{columns[at].name}: {low:g}"
        for at, (low, _) in bounds
        if low > 0.0
    ]


def _without(master: Master, found: Planned, budget: Budget) -> Why:
    """Explain that there is no plan."""
    plain = _of(answer.short(master, found), master.setting)
    if plain.status is not Status.INFEASIBLE:
        return plain
    clash = conflict(master, budget, whole=found.short is None)
    notes = () if clash.is_irreducible else ("time ended: rules that are not needed may be left",)
    return replace(plain, conflict=clash.rules, is_irreducible=clash.is_irreducible, notes=notes)
