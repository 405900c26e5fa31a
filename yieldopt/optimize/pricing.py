"""What is asked of a search: objective and limits, turned into the terms of one block."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from yieldopt.errors import CaseError, Fault, near_miss
from yieldopt.optimize.problem import Problem
from yieldopt.optimize.terms import Terms, Use
from yieldopt.optimize.trunk import Block
from yieldopt.template import Template

Array = NDArray[np.float64]
_LEAST_QUALITY = 1e-15  # a limit of a million DPPM allows all that ships anything good


@dataclass(frozen=True)
class Ask:
    """An objective and its limits.

    Parameters
    ----------
    prices, dppm_limit, escape_cost_usd, prices_only, resource_limits
        As for :func:`yieldopt.optimize.coverage.best_levels`.
    """

    prices: Mapping[str, float] = field(default_factory=dict)
    dppm_limit: float | None = None
    escape_cost_usd: float | None = None
    prices_only: bool = False
    resource_limits: Mapping[str, float] = field(default_factory=dict)

    @property
    def escape_usd(self) -> float:
        """The escape cost, 0 where none is given [USD]."""
        return self.escape_cost_usd or 0.0

    @property
    def log_q_least(self) -> float | None:
        """Least ln Q allowed, or ``None``."""
        if self.dppm_limit is None:
            return None
        return math.log1p(-min(self.dppm_limit / 1e6, 1.0 - _LEAST_QUALITY))

    def check(self) -> None:
        """Refuse limits and escape costs below zero, and what is not a number, all at once.

        Raises
        ------
        CaseError
            A limit, the escape cost or a price is wrong.
        """
        limits = {"dppm_limit": self.dppm_limit, "escape_cost_usd": self.escape_cost_usd}
        given = {name: most for name, most in limits.items() if most is not None}
        given |= {f"resource_limits.{name}": most for name, most in self.resource_limits.items()}
        wrong = [Fault("must be 0 or more", k, v) for k, v in given.items() if not v >= 0.0]
        prices = {f"prices.{name}": price for name, price in self.prices.items()}
        wrong += [
            Fault("must be a number", k, v) for k, v in prices.items() if not math.isfinite(v)
        ]
        if wrong:
            raise CaseError(wrong)


def unknown_resources(limits: Iterable[str], known: Iterable[str]) -> list[Fault]:
    """Return a fault for each limit of a resource that no plan uses."""
    names = list(known)
    return [
        Fault("unknown resource", f"resource_limits.{name}", hint=near_miss(name, names))
        for name in limits
        if name not in names
    ]


def resources(template: Template) -> list[str]:
    """Return every resource that some plan of a template uses, in order."""
    return list(dict.fromkeys(name for step in template.steps() for name in step.uses))


def priced(problem: Problem, block: Block, ask: Ask) -> Terms:
    """Return a block's terms under an objective and its limits.

    Parameters
    ----------
    problem, block
        The problem and one of its blocks.
    ask
        The objective and the limits.
    """
    k, base = _load(problem, block, ask.prices, 0.0 if ask.prices_only else 1.0)
    if ask.escape_usd:  # e/Q is a cost at the door, weighed by the trunk's own 1/Q
        at_door = problem.tree.gaps.index(())
        base[:, at_door] += ask.escape_usd * np.exp(-block.log_q_trunk)
    uses = [
        Use(*_load(problem, block, {name: 1.0}, 0.0), most)
        for name, most in ask.resource_limits.items()
    ]
    gap = [leaf.gap for leaf in problem.leaves]
    return Terms(
        block.e,
        block.log_e,
        block.log_q,
        k,
        gap,
        base,
        block.weight,
        block.log_q_trunk,
        tuple(uses),
    )


def _load(
    problem: Problem, block: Block, prices: Mapping[str, float], money: float
) -> tuple[list[Array], Array]:
    """Return K of every leaf, each (1, M), and B by gap (T, G)."""
    base = money * block.base
    for name, table in block.base_uses.items():
        if prices.get(name):
            base += prices[name] * table
    k = []
    for leaf in problem.leaves:
        cost = money * leaf.cost
        for name, used in leaf.uses.items():
            if prices.get(name):
                cost = cost + prices[name] * used
        k.append(cost[None, :])
    return k, base
