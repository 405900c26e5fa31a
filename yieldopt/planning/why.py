"""Why a plan is as it is: scarce resources, displaced demand, lines not used, rules in conflict."""

from __future__ import annotations

from collections.abc import Iterator
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
from yieldopt.planning.why_rules import Eased, eased
from yieldopt.planning.why_unused import Excluded, Idle, Unused, excluded, idle_lines, unused
from yieldopt.schema.case import Case
from yieldopt.shown import Shown

_PLAN = 0.6  # of the time, where there are whole decisions to look for
_SAME = 1e-6  # relative: the plan found, and the same plan with its decisions held


@dataclass(frozen=True)
class Why(Shown):
    """What explains a plan, or that there is none.

    Parameters
    ----------
    status, objective_usd, gap
        Of the plan.
    held
        The whole decisions of the plan that are not 0; prices and savings hold with all of them
        as they are, and with the levels of products of one programme.
    scarce, rules, demand, unused, excluded
        See their classes.
    conflict
        Where there is no plan: rules of which none can be left out.
    is_irreducible
        Each of them was shown to be needed.
    binding
        As ``solve`` names them: shares that together let nothing be made; without a plan what
        stands in its way.
    notes
        What is weaker than it could be, and why.
    """

    status: Status
    objective_usd: float | None
    gap: float | None
    held: tuple[str, ...] = ()
    scarce: tuple[Scarce, ...] = ()
    rules: tuple[Eased, ...] = ()
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
        Seconds for everything: first the plan, which has six tenths of them where it has whole
        decisions; then what explains it, the dearest first. Prices are always there; which ranges,
        lines and changes were not looked at is said.

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
    found = Branching(master, solver, _part(budget, _PLAN), 0.0, None).run()
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
    idle = idle_lines(held, relaxed.x)
    rules = eased(held, _part(budget, 0.25))
    prices = tuple(scarce(held, _part(budget, 0.35)))
    lines = unused(held, idle, _part(budget, 0.5))
    demand = tuple(marginal(held, budget))
    explained = replace(
        plain,
        held=tuple(_decided(master, node)),
        scarce=prices,
        rules=rules,
        demand=demand,
        unused=lines,
    )
    return replace(explained, notes=tuple(_notes(explained, held, found.value, idle)))


def _notes(found: Why, held: Held, value: float, idle: list[Idle]) -> Iterator[str]:
    """Yield what is weaker than it could be."""
    more = held.base.value - value
    if abs(more) > _SAME * max(1.0, abs(value)):
        yield (
            f"with its whole decisions held the plan costs {more:+,.2f} "
            "USD against the plan found: prices and savings are of that plan"
        )
    if found.status is Status.FEASIBLE:
        yield "the plan is not proved to be the best: other decisions may have other prices"
    missing = (
        ("ranges of scarce resources", [row.low for row in found.scarce]),
        ("ranges of rules", [row.low for row in found.rules]),
        ("lines that are not used", [*found.unused, *[None] * (len(idle) - len(found.unused))]),
        ("changes with one more package of demand", [row.low for row in found.demand]),
    )
    parts = [
        f"{rows.count(None)} of {len(rows)} {what}" for what, rows in missing if rows.count(None)
    ]
    if parts:
        yield f"time ended, the dearest came first; not looked at: {'; '.join(parts)}"


def _part(budget: Budget, share: float) -> Budget:
    """Return a budget of a share of the time that is left."""
    if not np.isfinite(budget.until):
        return budget
    return replace(budget, until=budget.until - (1.0 - share) * budget.left_s())


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
