r"""Terms of one mean as powers of that mean: Chebyshev series, checked.

Over a batch the log pass of a term whose coverages are scalars is a smooth function of its mean λ
alone. It is interpolated at Chebyshev points over the range of the batch and checked against the
law between them: of ln Q every relative digit is kept (DPPM), of ln pass what moves 1/pass.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from yieldopt.physics.yields import Value
from yieldopt.screening import Cut, Term, log_pass

Array = NDArray[np.float64]
Placed = tuple[int, Term]  # a term and the index of its screen
_DEGREE = 16
_CHECK = 1e-13  # of ln Q
_CHECK_AT_TESTS = 2e-14  # in ln pass: several terms add up to what 1/pass may miss
_NARROWEST = 1e-15  # half the range of a mean
_POWERS_FOR_A_LOG = 2  # a power row costs half as much as the row of a logarithm


@dataclass(frozen=True, slots=True)
class Powers:
    """Polynomials in x = λ − middle: what each screen loses is constant + Σ weight·xᵏ."""

    screens: tuple[int, ...]
    constants: Array  # (screens,)
    weights: Array  # (screens, powers)
    mean: Value
    middle: float

    def fill(self, cut: Cut, rows: Array) -> None:
        """Write x, x², … of a block into rows (powers, size), each from halves of its power."""
        each = list(rows)
        np.subtract(cut(self.mean), self.middle, out=each[0])
        for power in range(2, len(each) + 1):
            half, row = each[power // 2 - 1], each[power - 1]
            if power % 2:
                np.multiply(half, each[power // 2], out=row)
            else:
                np.square(half, out=row)


def powers(placed: list[Placed], door: int) -> Powers | None:
    """Interpolate the terms of one mean over its range; ``None`` where logarithms are better.

    Parameters
    ----------
    placed
        Terms of one class and one mean, an (n,) array.
    door
        Index of the screen whose loss keeps its relative digits.
    """
    mean = placed[0][1].parts[0][0]
    harvested = any(term.law.name == "harvest" for _, term in placed)
    low, high = float(np.min(mean)), float(np.max(mean))
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    if not _NARROWEST < half < 1.0 / _NARROWEST:  # its powers have to be doubles
        return None
    longest = _DEGREE if harvested else int(_POWERS_FOR_A_LOG * len(placed))
    fits = _fits(placed, door, middle, half)
    if fits is None or fits.shape[1] - 1 > longest:
        return None
    screens = tuple(dict.fromkeys(screen for screen, _ in placed))
    weights = np.zeros((len(screens), fits.shape[1]))
    for (screen, _), fit in zip(placed, fits, strict=True):
        weights[screens.index(screen)] -= fit
    weights /= half ** np.arange(fits.shape[1])
    return Powers(screens, weights[:, 0], weights[:, 1:], mean, middle)


def _fits(placed: list[Placed], door: int, middle: float, half: float) -> Array | None:
    """Return the coefficients (terms, powers) of ln pass in (λ − middle)/half, if good enough.

    The Chebyshev series are cut where all tails fall below the tolerance and then checked.
    """
    nodes, probe, to_series, to_powers = _grids()
    means = middle + half * np.concatenate([nodes, probe])
    found = np.array([_at(term, means) for _, term in placed])
    values, wanted = found[:, : len(nodes)], found[:, len(nodes) :]
    at_door = np.array([screen == door for screen, _ in placed])
    size = np.abs(wanted)
    tolerance = np.where(at_door, _CHECK * size.min(axis=1), _CHECK_AT_TESTS)
    series = values @ to_series
    tails = np.cumsum(np.abs(series[:, ::-1]), axis=1)[:, ::-1]
    least = max(int(np.count_nonzero(tails > tolerance[:, None], axis=1).max()), 2)
    for powers in range(least, min(least + 2, _DEGREE + 1) + 1):  # rounding may need one more
        fits = series[:, :powers] @ to_powers[:powers, :powers]
        miss = np.abs(np.polynomial.polynomial.polyval(probe, fits.T) - wanted).max(axis=1)
        if np.all(miss <= tolerance):
            return np.asarray(fits)
    return None


@lru_cache(maxsize=1)
def _grids() -> tuple[Array, Array, Array, Array]:
    """Return nodes, probing points, and matrices from values to series to powers (by rows)."""
    nodes = chebyshev.chebpts1(_DEGREE + 1)
    unit = np.eye(_DEGREE + 1)
    to_series = np.linalg.inv(chebyshev.chebvander(nodes, _DEGREE)).T
    to_powers = np.array(
        [np.pad(p, (0, _DEGREE + 1 - len(p))) for p in map(chebyshev.cheb2poly, unit)]
    )
    return nodes, np.linspace(-1.0, 1.0, 41), np.asarray(to_series), np.asarray(to_powers)


def _at(term: Term, means: Array) -> Array:
    """Return a one-class term's log pass at other means."""
    (_, before, added) = term.parts[0]
    first = tuple((means, kill) for _, kill in term.first)
    one = replace(term, parts=((means, before, added),), first=first)
    return np.broadcast_to(log_pass((one,), lambda value: value), means.shape)
