r"""The rows of a stack: what −ln pass of every test, and −ln Q, is the sum of.

- Poisson terms: the row is λ itself, the sum of those that enter every screen with one weight;
- negative-binomial terms: rows L(κ) = log1p(λκ/α), one for each κ that a test leaves behind, which
  the next test takes away again. The difference keeps the *absolute* digits of ln pass, all that
  1/pass needs. ln Q has to keep its *relative* digits (DPPM), so the door's row is
  log1p(λ / (α/δ + λκ/δ)), without a subtraction;
- several terms of one mean where logarithms are dearer (harvest always): powers of λ, shared by all
  screens (:mod:`yieldopt.interpolation`);
- everything else is computed term by term.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from yieldopt.flow import Flow
from yieldopt.interpolation import (
    Array,
    Everywhere,
    Family,
    Placed,
    Powers,
    families,
    harvested,
    powers,
)
from yieldopt.physics.yields import Value, clustering
from yieldopt.screening import Cut, Place, Screens, Term, log_pass
from yieldopt.stacked import FillRows, Product, Stack, Sums

Fill = Callable[[Value, Array], None]
_Key = tuple[int, float, float, float]  # of a row: its mean (by identity), α, κ, δ
_WEIGHTS_FOR_A_SUM = 2  # a row added to another takes the time of two weights of a product


@dataclass(slots=True)
class Row:
    """One function of one mean, and what it adds to the loss of each screen."""

    mean: Value
    fill: Fill | None  # None: the mean itself
    weights: dict[int, float]


def stack(flow: Flow, seen: Screens, everywhere: Everywhere | None = None) -> Stack:
    """Sort the terms of all screens into rows; a scalar overkill goes into the base.

    Parameters
    ----------
    flow, seen
        The flow and its screens.
    everywhere
        How threads share a look at all elements, if they do.
    """
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):  # hopeless elements
        base = [*(_overkill(flow, place) for place in seen.tests), 0.0]
        rows, smooth, other = _sorted(seen, base)
        groups: list[_Group] = []
        door = len(seen.tests)
        means = [np.asarray(placed[0][1].parts[0][0]) for placed in smooth.values()]
        for family in families(means, everywhere):
            members = [(smooth[id(mean)], ratio) for mean, ratio in family.members]
            found, in_logs = _in_powers(family, members, door)
            for placed in in_logs:
                _in_logs(placed, door, rows, other)
            if found is not None:
                for screen, constant in zip(found.screens, found.constants, strict=True):
                    base[screen] += constant
                groups.append(_Group(found.screens, [(found.screens, found.weights, found.fill)]))
        groups += [_row_group(alike) for alike in _alike(rows)]
        return _ordered(seen, base, _merged(groups), other)


def _in_powers(
    family: Family, members: list[tuple[list[Placed], float]], door: int
) -> tuple[Powers | None, list[list[Placed]]]:
    """Return the polynomial of a family's terms, and the terms that logarithms are better for."""
    found: Powers | None = None
    left: list[list[Placed]] = []
    for placed, ratio in sorted(members, key=lambda member: not harvested(member[0])):
        paid = found.weights.shape[1] if found else 0
        more = powers(placed, door, family, ratio, paid)
        if more is None:
            left.append(placed)
        else:
            found = found.plus(more) if found else more
    return found, left


_Part = tuple[tuple[int, ...], Array, FillRows | tuple[Value, ...] | None]


@dataclass(slots=True)
class _Group:
    """Rows that enter some of the screens, in the making.

    A part is screens, weights (screens, rows), and what writes its rows; or the means that its
    row is the sum of; or nothing: a row of ones.
    """

    screens: tuple[int, ...]
    parts: list[_Part]

    def rows(self) -> int:
        return sum(weights.shape[1] for _, weights, _ in self.parts)

    def product(self) -> Product:
        """Return the product of all parts: fills first, sums of means together, ones last."""
        parts = sorted(self.parts, key=lambda part: (part[2] is None, isinstance(part[2], tuple)))
        weights = np.zeros((len(self.screens), self.rows()))
        fills: list[tuple[int, FillRows]] = []
        sums: list[tuple[Value, ...]] = []
        at = 0
        for screens, part, rows in parts:
            where = [self.screens.index(screen) for screen in screens]
            weights[where, at : at + part.shape[1]] = part
            at += part.shape[1]
            if isinstance(rows, tuple):
                sums.append(rows)
            elif rows is not None:
                fills.append((part.shape[1], rows))
        if sums:
            fills.append((len(sums), Sums(tuple(sums)).fill))
        return Product(self.screens, weights, tuple(fills))


def _merged(groups: list[_Group]) -> list[_Group]:
    """Put groups together where the zeros that come in cost less than the sums that go."""
    found: list[_Group] = []
    for group in sorted(groups, key=lambda g: -len(g.screens) * g.rows()):
        for at, held in enumerate(found):
            union = tuple(sorted({*held.screens, *group.screens}))
            zeros = (len(union) - len(group.screens)) * group.rows()
            zeros += (len(union) - len(held.screens)) * held.rows()
            if zeros <= _WEIGHTS_FOR_A_SUM * len(group.screens):
                found[at] = _Group(union, held.parts + group.parts)
                break
        else:
            found.append(group)
    return sorted(found, key=lambda g: -len(g.screens) * g.rows())


def _alike(rows: dict[_Key, Row]) -> list[list[Row]]:
    """Return the rows that enter any screen; of means with equal weights only the sum is needed."""
    found: dict[object, list[Row]] = {}
    for key, row in rows.items():
        entered = tuple(sorted(item for item in row.weights.items() if item[1]))
        if entered:
            found.setdefault(key if row.fill else entered, []).append(row)
    return list(found.values())


def _row_group(alike: list[Row]) -> _Group:
    first = alike[0]
    screens = tuple(screen for screen in sorted(first.weights) if first.weights[screen])
    weights = np.array([[first.weights[screen]] for screen in screens])

    law = first.fill
    if law is None:
        return _Group(screens, [(screens, weights, tuple(row.mean for row in alike))])

    def fill(cut: Cut, rows: Array) -> None:
        law(cut(first.mean), rows[0])

    return _Group(screens, [(screens, weights, fill)])


def _ordered(seen: Screens, base: list[float], groups: list[_Group], other: list[Placed]) -> Stack:
    """Give the screens of the first product their base by a row of ones."""
    direct = groups[0].screens if groups else ()
    if direct:
        ones = np.array([[base[screen]] for screen in direct])
        groups[0].parts.append((direct, ones, None))
    door = len(seen.tests)
    order = sorted(range(door + 1), key=lambda screen: (screen == door, screen in direct))
    products = tuple(group.product() for group in groups)
    return Stack(tuple(seen.tests), tuple(order), tuple(base), products, tuple(other))


def _overkill(flow: Flow, place: Place) -> float:
    """Return what a scalar overkill adds to the loss of a test."""
    overkill = flow.nodes[place[0]].steps[place[1]].overkill
    return 0.0 if np.ndim(overkill) else float(-np.log1p(-np.float64(overkill)))


def _sorted(
    seen: Screens, base: list[float]
) -> tuple[dict[_Key, Row], dict[int, list[Placed]], list[Placed]]:
    """Return rows of Poisson means, terms that are functions of one mean by it, and the rest."""
    rows: dict[_Key, Row] = {}
    smooth: dict[int, list[Placed]] = {}
    other: list[Placed] = []
    for screen, terms in enumerate([*seen.tests.values(), seen.door]):
        for term in terms:
            law, parts = term.law, term.parts
            if not any(np.ndim(part[0]) for part in parts):
                base[screen] -= float(log_pass((term,), lambda value: value))
            elif law.name == "poisson":
                for mean, _, added in parts:
                    weight = term.count * float(added)
                    if np.ndim(mean):
                        _add(rows, mean, None, screen, weight, (0.0, 0.0, 0.0))
                    else:
                        base[screen] += weight * float(mean)
            elif len(parts) == 1 and (law.name == "harvest" or clustering(law) is not None):
                smooth.setdefault(id(parts[0][0]), []).append((screen, term))
            else:
                other.append((screen, term))
    return rows, smooth, other


def _in_logs(placed: list[Placed], door: int, rows: dict[_Key, Row], other: list[Placed]) -> None:
    for screen, term in placed:
        alpha = clustering(term.law)
        if alpha is None:
            other.append((screen, term))
        else:
            _add_logs(rows, term, alpha, screen, is_door=screen == door)


def _add(
    rows: dict[_Key, Row],
    mean: Value,
    fill: Fill | None,
    screen: int,
    weight: float,
    key: tuple[float, float, float],
) -> None:
    row = rows.setdefault((id(mean), *key), Row(mean, fill, {}))
    row.weights[screen] = row.weights.get(screen, 0.0) + weight


def _add_logs(
    rows: dict[_Key, Row],
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
