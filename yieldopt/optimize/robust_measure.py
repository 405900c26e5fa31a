r"""What one plan is worth over scenarios, and weights under which a weighted mean bounds it.

With J_s the cost per good package in scenario s of probability p_s:

- ``expected``: Σ p_s·J_s. Starts adapt: as many are started as the good packages wanted need.
- ``fixed_starts``: E[spend]/E[good] = Σ p_s·Y_s·J_s / Σ p_s·Y_s, with Y_s good packages per start:
  as many are started in every scenario, and what comes out is what there is.
- ``cvar``: the mean of J over the worst share τ of probability (Rockafellar and Uryasev 2000),
  max Σ w_s·J_s over 0 ≤ w_s ≤ p_s/τ, Σ w_s = 1.
- ``worst``: max J_s.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yieldopt.optimize.backends import LinearProgram, backend
from yieldopt.optimize.robust_stack import Scores

Array = NDArray[np.float64]
MEASURES = ("expected", "fixed_starts", "cvar", "worst")


@dataclass(frozen=True)
class Measure:
    """A measure over scenarios.

    Parameters
    ----------
    name
        One of ``MEASURES``.
    p
        Probabilities, (S,).
    tail
        The share τ of ``cvar``.
    """

    name: str
    p: Array
    tail: float = 1.0

    @property
    def most(self) -> Array:
        """Largest weight of each scenario in the risk set, (S,)."""
        if self.name == "worst":
            return np.ones_like(self.p)
        return np.minimum(self.p / self.tail, 1.0) if self.name == "cvar" else self.p

    @property
    def is_risk(self) -> bool:
        """Whether the weights depend on the plan's costs."""
        return self.name in ("cvar", "worst")

    def of(self, value: Array, log_y: Array) -> Array:
        """Return the measure of plans, (C,).

        Parameters
        ----------
        value, log_y
            J and ln good packages per start by plan and scenario, (C, S).
        """
        if self.name == "fixed_starts":
            good = self.p * np.exp(log_y - log_y.max(axis=1, keepdims=True))
            ratio: Array = (good * value).sum(axis=1) / good.sum(axis=1)
            return ratio
        total: Array = (self.weights(value) * value).sum(axis=1)
        return total

    def weights(self, value: Array) -> Array:
        """Return the weights of the scenarios at plans of costs ``value``, both (C, S)."""
        if not self.is_risk:
            return np.broadcast_to(self.p, value.shape)
        order = np.argsort(-value, axis=1, kind="stable")
        most = self.most[order]
        before = np.cumsum(most, axis=1) - most
        out = np.empty_like(value)
        np.put_along_axis(out, order, np.clip(1.0 - before, 0.0, most), axis=1)
        return out


@dataclass(frozen=True)
class Limit:
    """A DPPM limit that holds in scenarios of probability ``share`` at least.

    Parameters
    ----------
    log_q_least
        Least ln Q.
    p
        Probabilities, (S,).
    share
        Least probability.
    """

    log_q_least: float
    p: Array
    share: float

    def holds(self, log_q: Array) -> NDArray[np.bool_]:
        """Whether plans keep the limit, (C,), from ln Q (C, S)."""
        kept = (log_q >= self.log_q_least) @ self.p
        fine: NDArray[np.bool_] = kept >= self.share - 1e-12
        return fine

    def asked(self, order: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return scenarios of which a plan must hold the limit in one at least, the first in
        ``order``: those before would leave more than 1 − share without it.
        """
        out = np.cumsum(self.p[order]) > 1.0 - self.share + 1e-12
        return order[: int(np.argmax(out)) + 1]


def judged(measure: Measure, limit: Limit | None, scores: Scores, hopeless: float) -> Array:
    """Return the measure of plans, (C,); inf where a limit fails or some J is hopeless."""
    out = measure.of(scores.value, scores.log_y)
    out = np.where(scores.fine & (scores.value.max(axis=1) < hopeless), out, np.inf)
    return out if limit is None else np.where(limit.holds(scores.log_q), out, np.inf)


def game_weights(values: Array, most: Array) -> tuple[Array, float]:
    """Return weights w, 0 ≤ w_s ≤ ``most``, Σ w = 1, of the largest min over plans of w·J, and it.

    Parameters
    ----------
    values
        J of some plans, (C, S).
    most
        Largest weights, (S,), of sum 1 at least.
    """
    count, scenarios = values.shape
    scale = float(values.max()) or 1.0
    # Columns w_s and z; rows: z − w·J_c/scale ≤ 0, Σ w = 1, w_s ≤ most_s.
    plans, every = np.arange(count), np.arange(scenarios)
    rows = [np.repeat(plans, scenarios), plans, np.full(scenarios, count), count + 1 + every]
    columns = [np.tile(every, count), np.full(count, scenarios), every, every]
    numbers = [-values.reshape(-1) / scale, np.ones(count), np.ones(2 * scenarios)]
    answer = backend("highs")(
        LinearProgram(
            np.append(np.zeros(scenarios), -1.0),
            np.concatenate(rows),
            np.concatenate(columns),
            np.concatenate(numbers),
            np.concatenate([np.full(count, -np.inf), [1.0], np.full(scenarios, -np.inf)]),
            np.concatenate([np.zeros(count), [1.0], most]),
            tuple(f"row {n}" for n in range(count + 1 + scenarios)),
            tuple(f"column {n}" for n in range(scenarios + 1)),
        )
    )
    weights = np.clip(answer.x[:scenarios], 0.0, most)
    return weights / weights.sum(), -answer.objective * scale
