r"""All screens of a flow for a block of scenarios, in few passes over memory.

When coverages and repairs are scalars, κ and δ of every term are too, and only the means λ vary
over the batch. Then −ln pass of every test is a sum of rows, each with a few constant weights:

- Poisson terms: the row is λ itself;
- negative-binomial terms: rows L(κ) = log1p(λκ/α), one for each κ that a test leaves behind, which
  the next test takes away again. The difference keeps the *absolute* digits of ln pass, all that
  1/pass needs. ln Q has to keep its *relative* digits (DPPM), so the door's row is
  log1p(λ / (α/δ + λκ/δ)), without a subtraction;
- several terms of one mean where logarithms are dearer (harvest always): smooth functions of the
  one number λ, interpolated at Chebyshev points over the range of the batch; the rows are powers
  of λ, shared by all screens (checked against the law to 1e-13, else the law is called);
- everything else is computed term by term.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from yieldopt.flow import Flow
from yieldopt.physics.yields import Value, clustering
from yieldopt.screening import Cut, Place, Screens, Term, log_pass

Array = NDArray[np.float64]
Fill = Callable[[Value, Array], None]
Placed = tuple[int, Term]  # a term and the index of its screen
_DEGREE = 16
_CHECK = 1e-13  # of ln Q
_CHECK_AT_TESTS = 2e-14  # in ln pass: several terms add up to what 1/pass may miss
_POWERS_FOR_A_LOG = 2  # a power row costs half as much as the row of a logarithm


@dataclass(slots=True)
class Row:
    """One function of one mean, and what it adds to the loss of each screen."""

    mean: Value
    fill: Fill | None  # None: the mean itself
    weights: dict[int, float]


@dataclass(frozen=True, slots=True)
class Product:
    """Rows with dense weights for the screens they concern: one matrix product."""

    screens: tuple[int, ...]
    weights: Array  # (screens, rows)
    fill: Callable[[Cut, Array], None]  # writes the rows of a block

    def add(self, cut: Cut, total: Array, rows: Array, product: Array) -> None:
        """Add the weighted rows to the losses (screens, size), with scratch of our own."""
        count, size = self.weights.shape
        rows, product = rows[:size], product[:count]
        self.fill(cut, rows)
        np.matmul(self.weights, rows, out=product)
        for at, screen in enumerate(self.screens):
            total[screen] += product[at]


@dataclass(frozen=True, slots=True)
class Stack:
    """What −ln pass of each test, and −ln Q last, is the sum of."""

    places: tuple[Place, ...]  # tests, in the order of the screens; the door is last
    base: Array  # (screens, 1)
    products: tuple[Product, ...]
    other: tuple[Placed, ...]

    def buffer(self, block: int) -> Array:
        """Return the working memory for blocks of a size."""
        rows = max((p.weights.shape[1] for p in self.products), default=0)
        return np.empty((2 * len(self.base) + rows, block))

    def losses(self, cut: Cut, size: int, buffer: Array) -> Array:
        """Return −ln pass of every test, and −ln Q last, (screens, size), inside ``buffer``."""
        count = len(self.base)
        total, product, rows = np.split(buffer[:, :size], [count, 2 * count])
        total[...] = self.base
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):  # hopeless elements
            for part in self.products:
                part.add(cut, total, rows, product)
            for screen, term in self.other:
                total[screen] -= log_pass((term,), cut)
        return total

    def look_up(self, losses: Array) -> tuple[dict[Place, Value], Array]:
        """Return 1/pass of every test, and ln Q, in place of the losses."""
        np.exp(losses[:-1], out=losses[:-1])
        tests: list[Array] = list(losses[:-1])
        return dict(zip(self.places, tests, strict=True)), np.negative(losses[-1], out=losses[-1])


def stack(flow: Flow, seen: Screens) -> Stack:
    """Sort the terms of all screens into rows; a scalar overkill goes into the base."""
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):  # hopeless elements
        return _stack(flow, seen)


def _stack(flow: Flow, seen: Screens) -> Stack:
    screens = [*seen.tests.values(), seen.door]
    base = np.zeros(len(screens))
    for screen, (node, step) in enumerate(seen.tests):
        overkill = flow.nodes[node].steps[step].overkill
        if not np.ndim(overkill):
            base[screen] -= np.log1p(-np.float64(overkill))
    smooth: dict[int, list[Placed]] = {}
    other: list[Placed] = []
    rows: dict[tuple[int, float, float, float], Row] = {}
    for screen, terms in enumerate(screens):
        for term in terms:
            if not any(np.ndim(part[0]) for part in term.parts):
                base[screen] -= log_pass((term,), lambda value: value)
            elif term.law.name == "poisson":
                for mean, _, added in term.parts:
                    _add(rows, mean, None, screen, term.count * float(added), (0.0, 0.0, 0.0))
            elif len(term.parts) == 1 and (
                term.law.name == "harvest" or clustering(term.law) is not None
            ):
                smooth.setdefault(id(term.parts[0][0]), []).append((screen, term))
            else:
                other.append((screen, term))
    products = []
    for placed in smooth.values():
        basis = _powers(placed, len(seen.tests))
        if basis is not None:
            constants, product = basis
            base[list(product.screens)] += constants
            products.append(product)
            continue
        for screen, term in placed:
            alpha = clustering(term.law)
            if alpha is None:
                other.append((screen, term))
            else:
                _add_logs(rows, term, alpha, screen, is_door=screen == len(seen.tests))
    used = [row for row in rows.values() if any(row.weights.values())]
    if used:
        products.insert(0, _sums(used))
    return Stack(tuple(seen.tests), base[:, None], tuple(products), tuple(other))


def _sums(parts: list[Row]) -> Product:
    """Return the product of all means and logarithms."""
    screens = sorted({screen for row in parts for screen in row.weights})
    weights = np.array([[row.weights.get(screen, 0.0) for row in parts] for screen in screens])

    def fill(cut: Cut, rows: Array) -> None:
        for at, part in enumerate(parts):
            if part.fill is None:
                rows[at] = cut(part.mean)
            else:
                part.fill(cut(part.mean), rows[at])

    return Product(tuple(screens), weights.reshape(len(screens), len(parts)), fill)


def _add(
    rows: dict[tuple[int, float, float, float], Row],
    mean: Value,
    fill: Fill | None,
    screen: int,
    weight: float,
    key: tuple[float, float, float],
) -> None:
    row = rows.setdefault((id(mean), *key), Row(mean, fill, {}))
    row.weights[screen] = row.weights.get(screen, 0.0) + weight


def _add_logs(
    rows: dict[tuple[int, float, float, float], Row],
    term: Term,
    alpha: float,
    screen: int,
    *,
    is_door: bool,
) -> None:
    mean, before, added = term.parts[0]
    kill, looked = float(before), float(added)
    weight = term.count * alpha
    if looked == 0.0:
        return
    if is_door:
        _add(rows, mean, _log_of_rest(alpha, kill, looked), screen, weight, (alpha, kill, looked))
        return
    after = kill + looked
    _add(rows, mean, _log_of_share(after / alpha), screen, weight, (alpha, after, 0.0))
    if kill > 0.0:
        _add(rows, mean, _log_of_share(kill / alpha), screen, -weight, (alpha, kill, 0.0))


def _log_of_share(factor: float) -> Fill:
    def fill(mean: Value, out: Array) -> None:
        np.multiply(mean, factor, out=out)
        np.log1p(out, out=out)

    return fill


def _log_of_rest(alpha: float, kill: float, looked: float) -> Fill:
    shift, slope = alpha / looked, kill / looked

    def fill(mean: Value, out: Array) -> None:
        np.multiply(mean, slope, out=out)
        out += shift
        np.divide(mean, out, out=out)
        np.log1p(out, out=out)

    return fill


def _powers(placed: list[Placed], door: int) -> tuple[Array, Product] | None:
    """Interpolate the terms of one mean over its range; ``None`` where logarithms are better.

    The constants of the polynomials come apart from the product of the powers x, x², ….
    """
    mean = placed[0][1].parts[0][0]
    harvested = any(term.law.name == "harvest" for _, term in placed)
    low, high = float(np.min(mean)), float(np.max(mean))
    if not high > low or not np.isfinite(2.0 / (high - low)):
        return None
    scale, shift = 2.0 / (high - low), -(high + low) / (high - low)
    longest = _DEGREE if harvested else int(_POWERS_FOR_A_LOG * len(placed))
    fits = _fits(placed, door, scale, shift)
    if fits is None or fits.shape[1] - 1 > longest:
        return None
    screens = tuple(dict.fromkeys(screen for screen, _ in placed))
    weights = np.zeros((len(screens), fits.shape[1]))
    for (screen, _), fit in zip(placed, fits, strict=True):
        weights[screens.index(screen)] -= fit

    def fill(cut: Cut, rows: Array) -> None:
        np.multiply(cut(mean), scale, out=rows[0])
        rows[0] += shift
        for power in range(1, len(rows)):
            np.multiply(rows[power - 1], rows[0], out=rows[power])

    return weights[:, 0], Product(screens, np.ascontiguousarray(weights[:, 1:]), fill)


def _fits(placed: list[Placed], door: int, scale: float, shift: float) -> Array | None:
    """Return the coefficients (terms, powers) of ln pass in the scaled mean, if good enough.

    The Chebyshev series are cut where all tails fall below the tolerance and then checked: of ln Q
    every relative digit is kept, of ln pass what moves 1/pass.
    """
    nodes, probe, to_series, to_powers = _grids()
    means = (np.concatenate([nodes, probe]) - shift) / scale
    found = np.array([_at(term, means) for _, term in placed])
    values, wanted = found[:, : len(nodes)], found[:, len(nodes) :]
    at_door = np.array([screen == door for screen, _ in placed])
    size = np.abs(wanted)
    tolerance = np.where(at_door, _CHECK * size.min(axis=1), _CHECK_AT_TESTS)
    series = values @ to_series
    tails = np.cumsum(np.abs(series[:, ::-1]), axis=1)[:, ::-1]
    powers = max(int(np.count_nonzero(tails > tolerance[:, None] / 4, axis=1).max()), 2)
    fits = series[:, :powers] @ to_powers[:powers, :powers]
    miss = np.abs(np.polynomial.polynomial.polyval(probe, fits.T) - wanted).max(axis=1)
    return np.asarray(fits) if np.all(miss <= tolerance) else None


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
