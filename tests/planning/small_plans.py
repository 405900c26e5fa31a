"""Two products short of wafers and tester hours, planned, and one programme over all recipes.

Every combination of levels is evaluated by the engine alone, and its column written down afresh.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from tests.random_templates import all_plans
from yieldopt import evaluate
from yieldopt.flow import Outcome
from yieldopt.optimize.backends import LinearProgram
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.weighing import weigh
from yieldopt.planning.planner import Plan, plan
from yieldopt.schema.case import Case, PerPeriod, ProductShape
from yieldopt.template import Template

CASE = """\
name = "small"
periods = ["q1", "q2"]
insertions = ["wafer_sort", "final_test", "system_level"]

[[resources]]
name = "interposer.cowos_s"
source = "assumed: a test"
capacity = [{wafers}, {wafers}]

[[resources]]
name = "tester.ft_h"
source = "assumed: a test"
capacity = [20.0, 25.0]

[[products]]
name = "asic"
routes = ["cowos_s", "osat_2p5d"]
interposer_mm = [32.0, 44.0]
substrate_mm = [68.5, 68.5]
dppm_limit = 1500.0
demand = [600, 700]
{asic}
[products.slots]
logic = [{{part = "tpu_die"}}]
memory = [{{part = "hbm3e_8h", count = 4}}]
substrate = [{{part = "abf_68"}}]
[products.levels]
"package/system_level" = ["off", "s90", "s94"]

[[products]]
name = "switch"
routes = ["cowos_s"]
interposer_mm = [30.0, 36.0]
substrate_mm = [60.0, 60.0]
escape_cost_usd = 9000.0
demand = [300, 400]
{switch}
[products.slots]
logic = [{{part = "switch_die"}}]
memory = []
substrate = [{{part = "abf_ai_gpu"}}]
"""
SOFT, SOFT_SWITCH = "shortage_cost_usd = 4000.0", "shortage_cost_usd = 2500.0"
PERIODS = 2

Uses = Mapping[str, float]
Allowed = Callable[[ProductShape, Template, dict[str, str], Outcome], bool]


@dataclass(frozen=True)
class Small:
    """A case of two periods; each plan begins with fresh searches."""

    case: Case

    def plan(self, solver: str = "highs") -> Plan:
        return plan(self.case, solver, Budget())

    def asked(self) -> np.ndarray:
        """Return the packages asked for, (products, periods)."""
        return np.array([p.demand.over(PERIODS) for p in self.case.products], float)

    def amounts(self) -> np.ndarray:
        """Return the capacity, (resources, periods)."""
        return np.array([r.capacity.over(PERIODS) for r in self.case.resources], float)

    def with_amounts(self, amounts: np.ndarray) -> Small:
        """Return the case with other capacities."""
        pairs = zip(self.case.resources, amounts, strict=True)
        held = tuple(
            r.model_copy(update={"capacity": PerPeriod(values=tuple(map(float, row)))})
            for r, row in pairs
        )
        return Small(replace(self.case, resources=held))


def within_limit(
    product: ProductShape, template: Template, levels: dict[str, str], out: Outcome
) -> bool:
    """Whether a combination of levels keeps the product's DPPM limit."""
    return bool(out.dppm <= (product.dppm_limit or np.inf))


def enumerated(
    case: Case, product: ProductShape, allowed: Allowed = within_limit
) -> list[tuple[float, Uses]]:
    """(cost, uses) per good package of every combination of levels that is allowed."""
    escape = product.escape_cost_usd.base if product.escape_cost_usd else 0.0
    rows = []
    for candidate in weigh(case, product)[0]:
        for levels in all_plans(candidate.template):
            out = evaluate(candidate.template.at(levels))
            if allowed(product, candidate.template, levels, out):
                q = float(out.quality)
                cost = float(out.cost_per_good_usd) + escape * (1 - q) / q
                rows.append((cost, {k: float(v) / q for k, v in out.uses.items()}))
    return rows


def whole_programme(small: Small, allowed: Allowed = within_limit) -> LinearProgram:
    """One LP with a column for every recipe and period, written down afresh."""
    case, asked, amounts = small.case, small.asked(), small.amounts()
    columns: list[tuple[float, dict[int, float]]] = []
    for p, product in enumerate(case.products):
        every = enumerated(case, product, allowed)
        for t in range(PERIODS):
            for cost, uses in every:
                held = {PERIODS * (len(asked) + k) + t: uses.get(r.name, 0.0)
                        for k, r in enumerate(case.resources)}  # fmt: skip
                columns.append((cost, {PERIODS * p + t: 1.0, **held}))
            if product.shortage_cost_usd is not None:
                columns.append((product.shortage_cost_usd.base, {PERIODS * p + t: 1.0}))
    entries = [(row, at, v) for at, (_, held) in enumerate(columns) for row, v in held.items()]
    rows, cols, values = (np.array(x) for x in zip(*entries, strict=True))
    lower = np.concatenate([asked.ravel(), np.full(amounts.size, -np.inf)])
    names = tuple(map(str, range(len(lower)))), tuple(map(str, range(len(columns))))
    cost = np.array([c for c, _ in columns])
    upper = np.concatenate([asked.ravel(), amounts.ravel()])
    return LinearProgram(cost, rows, cols, values.astype(float), lower, upper, *names)
