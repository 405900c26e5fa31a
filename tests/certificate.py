"""An independent evaluator of what a search answers: every number again through ``evaluate``.

It shares nothing with the search but the template and the rules: value and feasibility are those of
the closed flow, the rules are checked in their own words on every plan, and for small problems the
optimum, the bound and the counts are those of all plans.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache

import pytest

from tests.random_templates import all_plans, random_template
from yieldopt import evaluate
from yieldopt.flow import Outcome
from yieldopt.optimize.coverage import Found
from yieldopt.optimize.rules import Rules
from yieldopt.template import Template

# Sums of some ten logs and exponentials of either order of operations: 1e-13 each way.
RELATIVE = 1e-11
JUST = 1.0 + 1e-9  # a limit set at a plan's own number lets that plan through
Plan = Mapping[str, str]


@dataclass(frozen=True)
class Asked:
    """What was asked of the search, in the words of its arguments."""

    prices: Mapping[str, float] = field(default_factory=dict)
    dppm_limit: float = math.inf
    escape_cost_usd: float = 0.0
    prices_only: bool = False
    resource_limits: Mapping[str, float] = field(default_factory=dict)

    def options(self) -> dict[str, object]:
        """Return the arguments of the search."""
        limit = None if self.dppm_limit == math.inf else self.dppm_limit
        return {
            "prices": self.prices,
            "dppm_limit": limit,
            "escape_cost_usd": self.escape_cost_usd or None,
            "prices_only": self.prices_only,
        }

    def value(self, out: Outcome) -> float:
        """Return the objective of a plan per good package."""
        if not out.quality > 0:
            return math.inf
        spend = 0.0 if self.prices_only else float(out.cost_per_shipped_usd)
        spend += sum(p * float(out.uses.get(name, 0.0)) for name, p in self.prices.items())
        escape = 0.0 if self.prices_only else self.escape_cost_usd
        return (spend + escape * (1.0 - float(out.quality))) / float(out.quality)

    def allows(self, out: Outcome, slack: float = 0.0) -> bool:
        """Whether the limits hold."""
        if not out.quality > 0 or not out.dppm <= self.dppm_limit * (1.0 + slack):
            return False
        return all(
            per_good(out, name) <= most * (1.0 + slack)
            for name, most in self.resource_limits.items()
        )


def per_good(out: Outcome, name: str) -> float:
    """Return the use of a resource per good package."""
    return float(out.uses.get(name, 0.0)) / float(out.quality)


def keeps(rules: Rules, template: Template, plan: Plan) -> bool:
    """Whether a plan keeps the rules on levels."""
    options = {place: choice.options for place, choice in template.choices().items()}
    if any(plan[place] != level for place, level in rules.forced.items()):
        return False
    if any(plan[place] in levels for place, levels in rules.forbidden.items()):
        return False
    for place, table in rules.least_coverage.items():
        step = options[place][plan[place]]
        for name, least in table.items():
            if (0.0 if step is None else step.coverage.get(name, 0.0)) < least:
                return False
    if any(len({plan[place] for place in places}) > 1 for places in rules.same_level):
        return False
    used = [sum(plan[place] != move.resting for place in move.places) for move in rules.moves]
    return all(m.least <= n <= m.most for m, n in zip(rules.moves, used, strict=True))


@cache
def brute(seed: int, most: int) -> tuple[Template, tuple[tuple[dict[str, str], Outcome], ...]]:
    """Return a random template and every plan of it with its outcome."""
    template = random_template(seed, most)
    return template, tuple((plan, evaluate(template.at(plan))) for plan in all_plans(template))


def least(
    plans: tuple[tuple[dict[str, str], Outcome], ...],
    asked: Asked,
    kept: Callable[[Plan], bool] = lambda plan: True,
) -> float:
    """Return the least objective of all plans that are allowed; inf: none is."""
    fine = (asked.value(out) for plan, out in plans if asked.allows(out) and kept(plan))
    return min(fine, default=math.inf)


def recheck(template: Template, found: Found, asked: Asked, rules: Rules | None = None) -> None:
    """Recompute an answer: its value, its limits, its rules; and that the books balance."""
    assert found.proof.enumerated >= 0
    assert found.proof.pruned >= 0
    assert found.proof.enumerated + found.proof.pruned == found.proof.combinations
    assert found.proof.lower_bound_usd <= found.value_usd
    if found.levels is None:
        return
    out = evaluate(template.at(found.levels))
    assert set(found.levels) == set(template.choices())
    assert found.value_usd == pytest.approx(asked.value(out), rel=RELATIVE, abs=1e-9)
    assert asked.allows(out, slack=1e-9)
    assert rules is None or keeps(rules, template, found.levels)
