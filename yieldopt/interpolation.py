r"""Terms of one mean as powers of that mean: Chebyshev series, checked.

Over a batch the log pass of a term whose coverages are scalars is a smooth function of its mean λ
alone. It is interpolated at Chebyshev points over the range of the batch and checked against the
law between them: of ln Q every relative digit is kept (DPPM), of ln pass what moves 1/pass. Means
that are multiples of one another throughout (the classes of a die, when its D0 varies) share the
powers of one of them: with b = r·a the series in b is one in a.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial

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
_SAME_RATIO = 2e-15  # spread of a ratio: what rounding makes of it, a few times over
_BLOCK = 32_768  # looked at at once
Everywhere = Callable[[Callable[[slice], Array]], list[Array]]


@dataclass(frozen=True, slots=True)
class Family:
    """A mean over a batch, and the means that are multiples of it in every element."""

    mean: Array
    low: float
    high: float
    members: tuple[tuple[Array, float], ...]  # (mean, ratio), the mean itself first

    @property
    def middle(self) -> float:
        """The middle of the range."""
        return 0.5 * (self.low + self.high)

    @property
    def half(self) -> float:
        """Half the range."""
        return 0.5 * (self.high - self.low)


def families(means: Sequence[Array], everywhere: Everywhere | None = None) -> list[Family]:
    """Sort means of one batch into families.

    Parameters
    ----------
    means
        Different (n,) arrays.
    everywhere
        Has a function called for slices that together are the batch, by threads that share it.

    Examples
    --------
    >>> defects = np.array([0.1, 0.2, 0.4])
    >>> found = families([defects, np.array([0.3, 0.2, 0.1]), 5.0 * defects])
    >>> [[ratio for _, ratio in family.members] for family in found]
    [[1.0, 5.0], [1.0]]
    """
    found: list[Family] = []
    left = list(range(len(means)))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        seen = np.array([mean[[0, len(mean) // 2, -1]] for mean in means]).reshape(-1, 3)
        seen /= seen[:, :1]
        while left:
            first, *others = left
            same = np.ptp(seen[others] / seen[first], axis=1) <= _SAME_RATIO  # NaN: not as one
            alike = [means[at] for at, one in zip(others, same, strict=True) if one]
            found.append(_family(means[first], alike, everywhere))
            taken = {id(mean) for mean, _ in found[-1].members}
            left = [at for at in left if id(means[at]) not in taken]
    return found


def _family(mean: Array, others: list[Array], everywhere: Everywhere | None) -> Family:
    """Return the family of a mean among others that may belong to it."""
    look = partial(_extremes, mean, others)
    found = everywhere(look) if everywhere else [look(slice(0, len(mean)))]
    least, most = _overall(found)
    same = most - least <= _SAME_RATIO * most  # NaN or inf: not as one
    middle = 0.5 * (least + most)
    alike = [(other, float(middle[at])) for at, other in enumerate(others, 1) if same[at]]
    return Family(mean, float(least[0]), float(most[0]), ((mean, 1.0), *alike))


def _extremes(mean: Array, others: list[Array], part: slice) -> Array:
    """Return least and most (2, 1 + others) of a mean, and of others over it, each read once."""
    found = []
    scratch = np.empty(min(_BLOCK, part.stop - part.start))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for low in range(part.start, part.stop, _BLOCK):
            block = slice(low, min(low + _BLOCK, part.stop))
            first = mean[block]
            ends = [(first.min(), first.max())]
            for other in others:
                np.divide(other[block], first, out=(ratio := scratch[: len(first)]))
                ends.append((ratio.min(), ratio.max()))
            found.append(np.array(ends).T)
    return _overall(found)


def _overall(found: list[Array]) -> Array:
    least, most = np.array(found).swapaxes(0, 1)
    return np.array([least.min(axis=0), most.max(axis=0)])


@dataclass(frozen=True, slots=True)
class Powers:
    """Polynomials in x = λ − middle: what each screen loses is constant + Σ weight·xᵏ."""

    screens: tuple[int, ...]
    constants: Array  # (screens,)
    weights: Array  # (screens, powers)
    mean: Value
    middle: float

    def fill(self, cut: Cut, rows: Array) -> None:
        """Write x, x², … of a block into rows (powers, size): x … xᵏ times xᵏ are the next k."""
        np.subtract(cut(self.mean), self.middle, out=rows[0])
        done = 1
        while done < len(rows):
            more = rows[done : 2 * done]
            np.multiply(rows[: len(more)], rows[done - 1], out=more)
            done += len(more)

    def plus(self, other: Powers) -> Powers:
        """Return the sum of two polynomials in the same x."""
        screens = tuple(sorted({*self.screens, *other.screens}))  # as those of any product
        longest = max(self.weights.shape[1], other.weights.shape[1])
        table = np.zeros((len(screens), 1 + longest))
        for each in (self, other):
            where = [screens.index(screen) for screen in each.screens]
            table[where, 0] += each.constants
            table[where, 1 : 1 + each.weights.shape[1]] += each.weights
        return replace(self, screens=screens, constants=table[:, 0], weights=table[:, 1:])


def powers(
    placed: list[Placed], door: int, family: Family, ratio: float, paid: int = 0
) -> Powers | None:
    """Interpolate the terms of one mean over its range; ``None`` where logarithms are better.

    Parameters
    ----------
    placed
        Terms of one class and one mean, an (n,) array.
    door
        Index of the screen whose loss keeps its relative digits.
    family
        Means that the mean belongs to.
    ratio
        The mean over that of its family, whose powers are used.
    paid
        Powers that others of the family need anyway.
    """
    for half in (family.half, ratio * family.half):
        if not _NARROWEST < half < 1.0 / _NARROWEST:  # its powers have to be doubles
            return None
    longest = _DEGREE if harvested(placed) else max(paid, _POWERS_FOR_A_LOG * len(placed))
    fits = _fits(placed, door, ratio * family.middle, ratio * family.half)
    if fits is None or fits.shape[1] - 1 > longest:
        return None
    screens = tuple(dict.fromkeys(screen for screen, _ in placed))
    weights = np.zeros((len(screens), fits.shape[1]))
    for (screen, _), fit in zip(placed, fits, strict=True):
        weights[screens.index(screen)] -= fit
    weights /= family.half ** np.arange(fits.shape[1])
    return Powers(screens, weights[:, 0], weights[:, 1:], family.mean, family.middle)


def harvested(placed: list[Placed]) -> bool:
    """Whether there are no logarithms for the terms of a mean."""
    return any(term.law.name == "harvest" for _, term in placed)


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
