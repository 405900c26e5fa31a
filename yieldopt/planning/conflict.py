r"""Why there is no plan: rules of which none can be left out, and which cannot be kept together.

Deletion filter (Chinneck and Dravnieks 1991): a rule is left out where the others still cannot be
kept; what is left is an irreducible set. What is feasible is asked of the linear programme with
recipes priced anew; where only whole lots, lumps and starts stand in the way, of the search over
them. Definitions stay: what a surcharge or a take-or-pay costs, that a run is a run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from yieldopt.optimize.budget import Budget
from yieldopt.planning.branching import Branching
from yieldopt.planning.generation import relax
from yieldopt.planning.held import broken_weights, count_broken
from yieldopt.planning.master import Master, Node
from yieldopt.planning.setting import Setting
from yieldopt.planning.sheet import Programme

DEFINITIONS = ("run", "qualification", "surcharge", "taken", "take or pay")
_ANY = 1e9  # relative gap: any plan will do
_PROVED = 1e-3  # of the least by which rules break: what rounding of reduced costs may take off
_SUPPORT = 1e-9  # duals below this are rounding


@dataclass(frozen=True)
class Rule:
    """A rule of an irreducible set, in the words of the case."""

    kind: str
    words: str


@dataclass(frozen=True)
class Conflict:
    """Rules that cannot be kept together.

    ``is_irreducible``: each of them was shown to be needed; not where time ended.
    """

    rules: tuple[Rule, ...]
    is_irreducible: bool


Stands = Callable[[Sequence[int]], bool | None]  # rows kept: is there no plan? None: not known


def conflict(master: Master, budget: Budget, whole: bool) -> Conflict:
    """Return an irreducible set of rules that no plan keeps together.

    Parameters
    ----------
    master
        The programme of a case without a plan.
    budget
        When it is spent the rules not yet tried are kept.
    whole
        The linear programme has a plan: only whole decisions stand in the way.
    """
    programme = master.programme
    rows = [at for at, kind in enumerate(programme.row_kinds) if kind not in DEFINITIONS]
    if whole:
        stands: Stands = _Search(master, budget)
    else:
        stands = oracle = _Relaxation(master)
        if oracle(rows):
            needed = [at for at in rows if at in oracle.support]
            rows = needed if oracle(needed) else rows
    left, is_sure = _filtered(rows, stands, budget)
    rules = tuple(Rule(programme.row_kinds[at], _words(master, at)) for at in left)
    return Conflict(rules, is_sure)


def _filtered(rows: list[int], stands: Stands, budget: Budget) -> tuple[list[int], bool]:
    """Leave rows out, many together first, at last one by one."""
    size, is_sure = max(1, len(rows) // 2), True
    while True:
        at = 0
        while at < len(rows):
            without = rows[:at] + rows[at + size :]
            answer = None if budget.is_spent else stands(without)
            if answer:
                rows = without
            else:
                at += size
                is_sure &= size > 1 or answer is not None
        if size == 1:
            return rows, is_sure
        size = max(1, size // 2)


class _Relaxation:
    """Whether no plan of the linear programme keeps some rows: the least by which they break."""

    def __init__(self, master: Master) -> None:
        self.master = Master(master.setting, master.programme, "highs")
        self.master.add(master.slot, master.recipe)
        packages = sum(float(p.demand.sum()) for p in master.setting.products)
        self.tolerance = 1e-7 * max(1.0, packages)
        self.support: frozenset[int] = frozenset()  # rows that the last proof needs

    def __call__(self, kept: Sequence[int]) -> bool | None:
        master, kinds = self.master, self.master.programme.row_kinds
        counts = np.array([kind in DEFINITIONS for kind in kinds])
        counts[list(kept)] = True
        weights = np.where(counts, broken_weights(master.programme), 0.0)
        count_broken(master, weights)
        master.go_to(Node())
        found = relax(master)
        if found is None or found.value <= self.tolerance:
            return False
        # No demand limits what recipes fill where its rule is left out: only duals that every
        # recipe keeps to are a proof.
        if found.bound < (1.0 - _PROVED) * found.value:
            return None
        self.support = frozenset(np.flatnonzero(np.abs(found.duals) > _SUPPORT).tolist())
        return True


class _Search:
    """Whether no plan with whole decisions keeps some rows: the others are opened."""

    def __init__(self, master: Master, budget: Budget) -> None:
        self.master, self.budget = master, budget

    def __call__(self, kept: Sequence[int]) -> bool | None:
        programme = _opened(self.master.programme, kept)
        master = Master(self.master.setting, programme, "highs")
        master.add(self.master.slot, self.master.recipe)
        found = Branching(master, "highs", self.budget, _ANY, None).run()
        if found.found is not None:
            return False
        return None if np.isfinite(found.bound) else True


def _opened(programme: Programme, kept: Sequence[int]) -> Programme:
    """Return the programme without the rules that are not kept."""
    open_ = np.array([kind not in DEFINITIONS for kind in programme.row_kinds])
    open_[list(kept)] = False
    lower = np.where(open_, -np.inf, programme.row_lower)
    upper = np.where(open_, np.inf, programme.row_upper)
    return replace(programme, row_lower=lower, row_upper=upper)


def _words(master: Master, at: int) -> str:
    """Return a row in the words of the case."""
    programme, setting = master.programme, master.setting
    kind, key, name = programme.row_kinds[at], programme.row_keys[at], programme.row_names[at]
    return "; ".join([name, *_numbers(setting, kind, key, programme.row_upper[at])])


def _numbers(setting: Setting, kind: str, key: tuple[object, ...], upper: float) -> Iterator[str]:
    case = setting.case
    number = key[0] if key and isinstance(key[0], int) else 0
    t = key[-1] if key and isinstance(key[-1], int) else 0
    shape = case.products[number if kind not in ("capacity", "booking", "expansion") else 0]
    if kind == "demand":
        yield f"{setting.products[number].demand[t]:,g} good packages"
        if setting.products[number].firm:
            yield "firm: it has no shortage_cost_usd"
    elif kind == "capacity":
        yield f"{upper:,g} {case.resources[number].unit or 'units'}"
    elif kind == "booking":
        offer = case.reservations[number]
        yield f"{offer.capacity.over(setting.periods)[t]:,g} are offered"
    elif kind == "expansion":
        yield f"at most {upper:g}"
    elif kind == "budget":
        yield f"{next(b.most_usd for b in case.budgets if b.name == key[0]):,.2f} USD"
    elif kind == "service":
        yield f"at least {shape.service_frac or 0.0:.1%} of all demand"
    elif kind == "lot":
        yield f"{shape.least_lot_packages or 0.0:,g} good packages or none"
    elif kind == "quality":
        yield f"at most {shape.dppm_limit or 0.0:,g} DPPM"
