"""The planner's optimum, found in another way: every recipe written out, then one MILP.

Only for small cases. The rows are written from the meaning of the case keys; nothing of the
planner is used.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.planning.enumeration import Levels
from tests.planning.model import Model
from yieldopt.schema.case import Case


@dataclass(frozen=True)
class Plan:
    """What is done; amounts of nothing are left out."""

    made: dict[tuple[str, str, Levels, int], float]  # by product, line, levels, period
    stock: dict[tuple[str, int], float]
    late: dict[tuple[str, int], float]
    unmet: dict[tuple[str, int], float]
    built: dict[tuple[str, int], float]  # lumps ordered, by expansion and period
    booked: dict[str, float]  # share, by reservation
    started: dict[tuple[str, str, int], float]  # qualifications, by product, line and period


def reference(case: Case) -> tuple[str, float | None, Plan | None]:
    """Return the status, the least objective [USD] and a plan that has it.

    The largest lot that a binary allows is a guess that must not bind; else it is raised.
    """
    largest = 4.0
    while True:
        model = Model(case, largest)
        found = model.milp.solve()
        if found is None:
            return "infeasible", None, None
        if not model.is_cut_off(found[1]):
            return "optimal", found[0], _plan(model, found[1])
        largest *= 10.0


def _plan(model: Model, found: list[float]) -> Plan:
    """Read the plan off the solution."""

    def kept(held: dict, least: float = 1e-9) -> dict:
        return {key: found[at] for key, at in held.items() if found[at] > least}

    made = {(w.product, w.place.name, w.levels, t): at for (w, t), at in model.made.items()}
    return Plan(kept(made), kept(model.stock), kept(model.late), kept(model.unmet),
                kept(model.built), kept(model.booked), kept(model.started))  # fmt: skip
