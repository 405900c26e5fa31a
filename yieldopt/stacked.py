r"""All screens of a flow for a block of scenarios, in few passes over memory.

When coverages and repairs are scalars, κ and δ of every term are too, and only the means λ vary
over the batch. Then ln pass of every test is a sum of rows with constant weights, one matrix
product:

- Poisson terms: the row is λ itself;
- negative-binomial terms: the row is log1p(λ / (α/δ + λκ/δ)), one logarithm and no subtraction;
- harvested terms: a smooth function of the one number λ; the row is its Chebyshev interpolant over
  the range of the batch, checked against the law to 1e-14 (else the law itself is called);
- everything else is computed term by term.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from yieldopt.physics.yields import Value, clustering
from yieldopt.screening import Cut, Screens, Term, log_pass

Array = NDArray[np.float64]
Row = Callable[[Cut, Array], None]
_DEGREES = (6, 9, 12, 16)
_CHECK = 1e-14


@dataclass(frozen=True)
class Stack:
    """Rows of a flow's screens: ``weights`` (screens, rows), ``base`` (screens, 1)."""

    places: tuple[tuple[int, int], ...]  # tests, in the order of the screens; the door is last
    rows: tuple[Row, ...]
    logs: int  # the first rows: log1p is taken of them all at once
    weights: Array
    base: Array
    other: tuple[tuple[int, Term], ...]

    def log_passes(self, cut: Cut, size: int, buffer: Array) -> Array:
        """Return ln pass of every test, and ln Q last, (screens, size)."""
        held = buffer[:, :size]
        for row, out in zip(self.rows, held, strict=True):
            row(cut, out)
        np.log1p(held[: self.logs], out=held[: self.logs])
        total: Array = self.weights @ held
        total += self.base
        for screen, term in self.other:
            total[screen] += log_pass((term,), cut)
        return total


def stack(seen: Screens) -> Stack:
    """Sort the terms of all screens into rows."""
    screens = [*seen.tests.values(), seen.door]
    base = np.zeros((len(screens), 1))
    logs: list[tuple[int, float, Row]] = []
    smooth: list[tuple[int, float, Row]] = []
    linear: dict[int, tuple[Value, dict[int, float]]] = {}
    other: list[tuple[int, Term]] = []
    for screen, terms in enumerate(screens):
        for term in terms:
            if not any(np.ndim(part[0]) for part in term.parts):
                base[screen] += log_pass((term,), lambda value: value)
            elif term.law.name == "poisson":
                for mean, _, added in term.parts:
                    weights = linear.setdefault(id(mean), (mean, {}))[1]
                    weights[screen] = weights.get(screen, 0.0) - term.count * float(added)
            elif len(term.parts) == 1 and (alpha := clustering(term.law)) is not None:
                if float(term.parts[0][2]) > 0.0:
                    logs.append((screen, -term.count * alpha, _log_row(term, alpha)))
            elif (row := _smooth_row(term)) is not None:
                smooth.append((screen, 1.0, row))
            else:
                other.append((screen, term))
    weights = np.zeros((len(screens), len(logs) + len(smooth) + len(linear)))
    for at, (screen, weight, _) in enumerate([*logs, *smooth]):
        weights[screen, at] = weight
    for at, (_, of) in enumerate(linear.values(), start=len(logs) + len(smooth)):
        for screen, weight in of.items():
            weights[screen, at] = weight
    rows = [row for _, _, row in [*logs, *smooth]] + [
        _mean_row(mean) for mean, _ in linear.values()
    ]
    return Stack(tuple(seen.tests), tuple(rows), len(logs), weights, base, tuple(other))


def _mean_row(mean: Value) -> Row:
    def fill(cut: Cut, out: Array) -> None:
        out[:] = cut(mean)

    return fill


def _log_row(term: Term, alpha: float) -> Row:
    mean, before, added = term.parts[0]
    shift, slope = alpha / float(added), float(before) / float(added)

    def first(cut: Cut, out: Array) -> None:
        np.multiply(cut(mean), 1.0 / shift, out=out)

    def later(cut: Cut, out: Array) -> None:
        block = cut(mean)
        np.multiply(block, slope, out=out)
        out += shift
        np.divide(block, out, out=out)

    return first if before == 0.0 else later


def _smooth_row(term: Term) -> Row | None:
    """Interpolate a harvested term over the range of its mean, or return ``None``."""
    if term.law.name != "harvest" or len(term.parts) != 1 or not isinstance(term.met, bool):
        return None
    mean, before, added = term.parts[0]
    low, high = float(np.min(mean)), float(np.max(mean))
    if not high > low:
        return None

    def law(means: Array) -> Array:
        first = tuple((means, kill) for _, kill in term.first)
        one = replace(term, parts=((means, before, added),), first=first)
        return np.asarray(log_pass((one,), lambda value: value))

    scale, shift = 2.0 / (high - low), -(high + low) / (high - low)
    probe = np.linspace(-1.0, 1.0, 41)
    wanted = law((probe - shift) / scale)
    for degree in _DEGREES:
        nodes = chebyshev.chebpts1(degree + 1)
        values = law((nodes - shift) / scale)
        fit = chebyshev.cheb2poly(chebyshev.chebfit(nodes, values, degree))
        found = np.polynomial.polynomial.polyval(probe, fit)
        if np.all(np.abs(found - wanted) <= _CHECK * np.abs(wanted).max()):
            return _horner_row(mean, fit, scale, shift)
    return None


def _horner_row(mean: Value, fit: Array, scale: float, shift: float) -> Row:
    coefficients = [float(c) for c in fit[::-1]]

    def fill(cut: Cut, out: Array) -> None:
        x = np.multiply(cut(mean), scale)
        x += shift
        np.multiply(x, coefficients[0], out=out)
        for c in coefficients[1:-1]:
            out += c
            out *= x
        out += coefficients[-1]

    return fill
