"""The coverage problem that the peers solve, as plain tables: one place for all of them.

J of a plan (trunk combination t, menu entry m_i of every leaf) is a sum of exponentials,

    J = Σ_g B_tg·exp(Σ_i lnE_i[t, m_i, g]) + Σ_j W_tj·K_j[m_j]·exp(Σ_i lnE_i[t, m_i, g_j]) ,

and ln Q = ln Q_t + Σ_i lnQ_i[t, m_i] must reach the limit (DESIGN.md, "Choosing coverage exactly").
The tables are what the search itself prepares; a peer that starts from them is spared evaluating
flows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yieldopt.benchmark.problems import long_menus
from yieldopt.benchmark.work import Effort
from yieldopt.optimize.problem import Problem, prepare
from yieldopt.template import Template

DPPM = 100_000.0  # binds: without it the best plan ships 348,000
Array = NDArray[np.float64]


def template(effort: Effort) -> Template:
    """Return the 1.4·10⁸ plans of ``long_menus``, or a small problem of the same shape."""
    return long_menus(4 if effort.small else 1)


@dataclass(frozen=True)
class Tables:
    """Logs by trunk combination T, entry M and gap G; ``gap[i]`` is where leaf i joins."""

    log_e: Sequence[Array]  # (T, M, G)
    log_q: Sequence[Array]  # (T, M)
    log_k: Sequence[Array]  # (T, M): ln of W·K
    gap: Sequence[int]
    log_base: Array  # (T, G), −inf where a gap costs nothing
    log_q_trunk: Array  # (T,)
    log_q_least: float

    def terms(self, trunk: int) -> list[tuple[float, list[Array]]]:
        """Return every term of J for one trunk combination: its constant and ln by entry."""
        e = [log_e[trunk] for log_e in self.log_e]
        found = [
            (float(base), [one[:, g] for one in e])
            for g, base in enumerate(self.log_base[trunk])
            if base > -math.inf
        ]
        for j, g in enumerate(self.gap):
            parts = [one[:, g] + (self.log_k[j][trunk] if i == j else 0.0)
                     for i, one in enumerate(e)]  # fmt: skip
            found.append((0.0, parts))
        return found

    def evaluate(
        self, trunk: NDArray[np.intp], picks: Sequence[NDArray[np.intp]]
    ) -> tuple[Array, Array]:
        """Return J and ln Q of many plans, each index (n,)."""
        none = np.zeros_like(self.log_base[trunk])
        log_e = sum((e[trunk, m] for e, m in zip(self.log_e, picks, strict=True)), none)
        cost = np.exp(self.log_base[trunk] + log_e).sum(axis=1)
        for j, g in enumerate(self.gap):
            cost += np.exp(self.log_k[j][trunk, picks[j]] + log_e[:, g])
        log_q = self.log_q_trunk[trunk] + sum(
            q[trunk, m] for q, m in zip(self.log_q, picks, strict=True)
        )
        return cost, log_q


def tables(problem: Problem, dppm_limit: float) -> Tables:
    """Take the tables out of a prepared problem of one block."""
    block = problem.block(0)
    if len(block.base) != problem.trunk_count:
        raise ValueError("the peers take a problem of one block")
    with np.errstate(divide="ignore"):
        log_base = np.log(block.base)
        log_k = [
            np.log(block.weight[:, i, None] * leaf.cost) for i, leaf in enumerate(problem.leaves)
        ]
    return Tables(
        block.log_e,
        block.log_q,
        log_k,
        [leaf.gap for leaf in problem.leaves],
        log_base,
        block.log_q_trunk,
        math.log1p(-dppm_limit / 1e6),
    )


def ready(effort: Effort) -> tuple[Problem, Tables]:
    """Prepare the problem and its tables."""
    problem = prepare(template(effort))
    return problem, tables(problem, DPPM if not effort.small else 2 * DPPM)
