"""All that the cost of any completion of a partial plan depends on, and on what scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from yieldopt.optimize.exposure import Exposures
from yieldopt.optimize.labels import Labels

Array = NDArray[np.float64]
Index = NDArray[np.intp]
_PROBES = 6
ROOM = 1.03  # completions dearer than the best plan known by this factor are not looked at
SMALL = 0.028  # growth that leaves a completion beyond that room above the plan known
BEYOND = ROOM * 0.972  # of the plan known: at least what such a completion costs (1/1.028 > 0.972)
_LEAST_USD = 1e-300


@dataclass(frozen=True)
class Scale:
    """What objectives can be: no completion costs less than ``low``, one above ``high`` is beyond.

    ``escape``: price of a bad package [USD], of which ``base`` is not counted. ``high`` is
    :data:`ROOM` times a plan known.
    """

    escape: float = 0.0
    low: float = 0.0
    high: float = math.inf
    base: float = 0.0

    @classmethod
    def of(cls, escape: float, low: float, upper: float, base: float = 0.0) -> Scale:
        """Return the scale of a search that knows a bound and a plan."""
        return cls(escape, max(low, _LEAST_USD), max(ROOM * upper, _LEAST_USD), base)


@dataclass(frozen=True)
class Worth:
    """All that the cost of any completion depends on, one label a row.

    Parameters
    ----------
    v
        ln of the weighed spend by purse, (L, P).
    a
        By channel, (L, n).
    fall
        −z by channel that tests ahead can repair, (L, m).
    q
        ln Q by channel after the exposures that end, (L, m); empty where Q does not count.
    wanted
        The same, −inf where it alone breaks the limit on Q, or makes escapes too dear: nothing has
        to stand for such a plan.
    probes
        Σ_c a_c at a few exposures: cheap lower bounds on ε, (L, p).
    past, future
        Most of the cost of any completion worth a look that is spent already, or still to come:
        shares in [0, 1], (L,).
    """

    v: Array
    a: tuple[Array, ...]
    fall: tuple[Array, ...]
    q: tuple[Array, ...]
    wanted: tuple[Array, ...]
    probes: Array
    past: Array
    future: Array
    units: int  # in one package
    door: tuple[int, ...] = ()  # by channel: the column of ``q`` with the least faults

    def __len__(self) -> int:
        return len(self.v)

    def take(self, rows: Index) -> Worth:
        """Return some labels."""
        return Worth(
            self.v[rows],
            tuple(table[rows] for table in self.a),
            tuple(table[rows] for table in self.fall),
            tuple(table[rows] for table in self.q),
            tuple(table[rows] for table in self.wanted),
            self.probes[rows],
            self.past[rows],
            self.future[rows],
            self.units,
            self.door,
        )

    def wanting(self, least_log_q: Array) -> Worth:
        """Return the labels with other limits on ln Q, (L,), where Q is limited."""
        if not self.wanted:
            return self
        least = least_log_q[:, None] / self.units
        return replace(self, wanted=tuple(np.where(q >= least, q, -np.inf) for q in self.q))

    def repriced(self, prices: Array, scale: Scale, to_come: float) -> Worth:
        """Return the same labels with further purses priced into the first, (P − 1,) [USD each]."""
        v = self.v.copy()
        with np.errstate(divide="ignore"):
            v[:, 0] = np.log(np.exp(v) @ np.concatenate([[1.0], prices]))
        past, future = _shares(v, self.units, to_come, scale)
        return replace(self, v=v, past=past, future=future)

    def __add__(self, other: Worth) -> Worth:
        """Return the labels of both."""

        return Worth(
            np.concatenate([self.v, other.v]),
            _both(self.a, other.a),
            _both(self.fall, other.fall),
            _both(self.q, other.q),
            _both(self.wanted, other.wanted),
            np.concatenate([self.probes, other.probes]),
            np.concatenate([self.past, other.past]),
            np.concatenate([self.future, other.future]),
            self.units,
            self.door,
        )


def _both(mine: Sequence[Array], theirs: Sequence[Array]) -> tuple[Array, ...]:
    return tuple(np.concatenate(pair) for pair in zip(mine, theirs, strict=True))


def worth(
    labels: Labels,
    ahead: Sequence[Exposures],
    units: int,
    least_log_q: Array | None,
    *,
    to_come: float,
    scale: Scale,
) -> Worth:
    """Return what completions of labels depend on.

    Parameters
    ----------
    labels, ahead
        Labels and the exposures ahead of them, by channel.
    units
        Units of the node in one package.
    least_log_q
        ln Q below which a package does not count, by label (L,); ``None``: Q itself does not.
    to_come
        Least that the steps not done yet cost in a package that loses nothing [USD].
    scale
        What completions can cost; those above ``high`` are not worth a look.
    """
    shift = np.zeros(len(labels))
    tables, fall, ln_q = [], [], []
    wanted: list[Array] = []
    for channel, (a, q) in labels.tables.items():
        ends = np.flatnonzero(ahead[channel].ends)
        z = a[:, ends] + q[:, ends]
        if ahead[channel].repaired:
            fall.append(-z)
            tables.append(a)
        else:
            shift += z[:, 0]
            tables.append(a - z[:, :1])
        if least_log_q is not None:
            own = q[:, ends]
            ln_q.append(own)
            wanted.append(np.where(units * own >= least_log_q[:, None], own, -np.inf))
    with np.errstate(divide="ignore"):
        v = np.log(labels.v) - shift[:, None]
    probes = [
        sum((table[:, int(at * (table.shape[1] - 1))] for table in tables), np.zeros(len(labels)))
        for at in np.linspace(0.0, 1.0, _PROBES)
    ]
    empty = [ahead[channel].empty for channel in labels.tables]
    probes.append(
        sum((t[:, at] for t, at in zip(tables, empty, strict=True)), np.zeros(len(labels)))
    )
    return Worth(
        v,
        tuple(tables),
        tuple(fall),
        tuple(ln_q),
        tuple(wanted),
        np.stack(probes, axis=1),
        *_shares(v, units, to_come, scale),
        units,
        tuple(int(q.sum(axis=0).argmax()) for q in ln_q),
    )


def _shares(v: Array, units: int, to_come: float, scale: Scale) -> tuple[Array, Array]:
    """Return most of what is spent already, and most of what is to come, (L,) each."""
    with np.errstate(over="ignore"):
        past = np.full(len(v), _share(1.0 - to_come / scale.high))
        return past, _share(1.0 - units * np.exp(v[:, 0]) / scale.high)


def _share(value: Array | float) -> Array:
    return np.clip(value, 0.0, 1.0)
