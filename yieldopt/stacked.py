r"""All screens of a flow for a block of scenarios, in few passes over memory.

When coverages and repairs are scalars, κ and δ of every term are too, and only the means λ vary
over the batch. Then ln pass of every test is a sum of rows with constant weights, one matrix
product:

- Poisson terms: the row is λ itself;
- negative-binomial terms: the row is log1p(λ / (α/δ + λκ/δ)), one logarithm and no subtraction;
- harvested terms: smooth functions of the one number λ, interpolated at Chebyshev points over the
  range of the batch; the rows are powers of λ (checked against the law to 1e-13, else the law is
  called);
- everything else is computed term by term.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from yieldopt.flow import Flow
from yieldopt.physics.yields import Value, clustering
from yieldopt.screening import Cut, Screens, Term, log_pass

Array = NDArray[np.float64]
Fill = Callable[[Cut, Array], None]
_DEGREES = (6, 8, 10, 12, 16)
_CHECK = 1e-13


@dataclass(frozen=True)
class Rows:
    """Some rows of the stack, filled together: ``weights`` (screens, rows)."""

    weights: Array
    fill: Fill
    log: bool = False  # log1p is taken of what is filled


@dataclass(frozen=True)
class Stack:
    """The rows of a flow's screens, those of a logarithm first."""

    places: tuple[tuple[int, int], ...]  # tests, in the order of the screens; the door is last
    rows: tuple[Rows, ...]
    logs: int
    weights: Array  # (screens, rows), of −ln pass
    base: Array  # (screens, 1)
    other: tuple[tuple[int, Term], ...]

    def buffer(self, block: int) -> Array:
        """Return the working memory for blocks of a size."""
        return np.empty((sum(self.weights.shape), block))

    def losses(self, cut: Cut, size: int, buffer: Array) -> Array:
        """Return −ln pass of every test, and −ln Q last, (screens, size), inside ``buffer``."""
        count = self.weights.shape[1]
        held = buffer[:count, :size]
        at = 0
        for rows in self.rows:
            step = rows.weights.shape[1]
            rows.fill(cut, held[at : at + step])
            at += step
        np.log1p(held[: self.logs], out=held[: self.logs])
        total: Array = np.matmul(self.weights, held, out=buffer[count:, :size])
        total += self.base
        for screen, term in self.other:
            total[screen] -= log_pass((term,), cut)
        return total


def stack(flow: Flow, seen: Screens) -> Stack:
    """Sort the terms of all screens into rows; a scalar overkill goes into the base."""
    screens = [*seen.tests.values(), seen.door]
    count = len(screens)
    base = np.zeros((count, 1))
    rows: list[Rows] = []
    smooth: dict[int, list[tuple[int, Term]]] = {}
    linear: dict[int, Array] = {}
    means: dict[int, Value] = {}
    other: list[tuple[int, Term]] = []
    for screen, (node, step) in enumerate(seen.tests):
        overkill = flow.nodes[node].steps[step].overkill
        if not np.ndim(overkill):
            with np.errstate(divide="ignore"):
                base[screen] += np.log1p(-np.float64(overkill))
    for screen, terms in enumerate(screens):
        for term in terms:
            mean = term.parts[0][0]
            if not any(np.ndim(part[0]) for part in term.parts):
                base[screen] += log_pass((term,), lambda value: value)
            elif term.law.name == "poisson":
                for part in term.parts:
                    means[id(part[0])] = part[0]
                    held = linear.setdefault(id(part[0]), np.zeros((count, 1)))
                    held[screen] -= term.count * float(part[2])
            elif len(term.parts) == 1 and (alpha := clustering(term.law)) is not None:
                if float(term.parts[0][2]) > 0.0:
                    rows.append(_log_rows(term, alpha, screen, count))
            elif term.law.name == "harvest" and len(term.parts) == 1:
                means[id(mean)] = mean
                smooth.setdefault(id(mean), []).append((screen, term))
            else:
                other.append((screen, term))
    for name, found in smooth.items():
        basis = _smooth_rows(means[name], found, count)
        if basis is None:
            other += found
        else:
            rows.append(basis)
    rows += [Rows(weights, _mean_fill(means[name])) for name, weights in linear.items()]
    weights = np.concatenate([r.weights for r in rows], axis=1) if rows else np.zeros((count, 0))
    logs = sum(r.log for r in rows)
    return Stack(tuple(seen.tests), tuple(rows), logs, -weights, -base, tuple(other))


def _mean_fill(mean: Value) -> Fill:
    def fill(cut: Cut, out: Array) -> None:
        out[0] = cut(mean)

    return fill


def _log_rows(term: Term, alpha: float, screen: int, screens: int) -> Rows:
    mean, before, added = term.parts[0]
    shift, slope = alpha / float(added), float(before) / float(added)

    def first(cut: Cut, out: Array) -> None:
        np.multiply(cut(mean), 1.0 / shift, out=out[0])

    def later(cut: Cut, out: Array) -> None:
        block, row = cut(mean), out[0]
        np.multiply(block, slope, out=row)
        row += shift
        np.divide(block, row, out=row)

    weights = np.zeros((screens, 1))
    weights[screen] = -term.count * alpha
    return Rows(weights, first if before == 0.0 else later, log=True)


def _smooth_rows(mean: Value, terms: list[tuple[int, Term]], screens: int) -> Rows | None:
    """Interpolate the harvested terms of one mean over its range, or return ``None``.

    The rows are the powers 1, x, x², … of the mean scaled to [−1, 1], shared by all screens.
    """
    low, high = float(np.min(mean)), float(np.max(mean))
    if not high > low or not all(isinstance(term.met, bool) for _, term in terms):
        return None
    scale, shift = 2.0 / (high - low), -(high + low) / (high - low)
    probe = np.linspace(-1.0, 1.0, 41)
    for degree in _DEGREES:
        nodes = chebyshev.chebpts1(degree + 1)
        weights = np.zeros((screens, degree + 1))
        fine = True
        for screen, term in terms:
            values = _at(term, (nodes - shift) / scale)
            fit = chebyshev.cheb2poly(chebyshev.chebfit(nodes, values, degree))
            weights[screen, : len(fit)] += fit  # trailing zeros come cut off
            wanted = _at(term, (probe - shift) / scale)
            miss = np.abs(np.polynomial.polynomial.polyval(probe, fit) - wanted).max()
            fine = fine and bool(miss <= _CHECK * np.abs(wanted).max())
        if fine:
            return Rows(weights, _powers_fill(mean, scale, shift))
    return None


def _at(term: Term, means: Array) -> Array:
    """Return a one-class term's log pass at other means."""
    (_, before, added) = term.parts[0]
    first = tuple((means, kill) for _, kill in term.first)
    one = replace(term, parts=((means, before, added),), first=first)
    return np.asarray(log_pass((one,), lambda value: value))


def _powers_fill(mean: Value, scale: float, shift: float) -> Fill:
    def fill(cut: Cut, out: Array) -> None:
        out[0] = 1.0
        np.multiply(cut(mean), scale, out=out[1])
        out[1] += shift
        for power in range(2, len(out)):
            np.multiply(out[power - 1], out[1], out=out[power])

    return fill
