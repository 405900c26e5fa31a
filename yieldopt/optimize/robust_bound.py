r"""A lower bound on a weighted mean over scenarios, for every trunk combination at once.

Whatever the measure, a plan better than V has a *proxy* below V, a sum of exponentials of separable
logarithms over all scenarios:

- weights w:      Σ w_s·J_s;
- starts fixed:   q − q·Σ p_s·R_s + Σ p_s·R_s·J_s, with q ≥ V and R_s = Y_s / Π_u Y_u^(p_u).

The second is Dinkelbach's (1967) Σ p·Y·(J − q) over the geometric mean of Y, which keeps its sign
and makes what is subtracted almost constant: Σ p·R·(J − q) = (F − q)·Σ p·R ≤ F − q, because
Σ p·R ≥ 1. Positive terms are bounded by their tangent at a plan, −q·p·R by its chord over the range
of ln R: both are separable, so each leaf takes its own minimum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yieldopt.optimize.robust_stack import Stacked

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Offer = Callable[[Index, Index], float]  # (trunk combinations, entries) → best value known
CLOSED = 1e-10  # nothing is looked for that is better by less (relative)
SLACK = 1e-12  # of a relaxed ln Q: rounding of sums in another order
_SWEEPS = 4
_TINY = 1e-300
_LOG_MOST = 230.0  # a product of passes is held below e^230: a tangent from lower down still bounds
_LADDER = (0.0, *(10.0 ** (k / 2) for k in range(-2, 13)))  # μ as multiples of the proxy


@dataclass(frozen=True)
class Proxy:
    """Weights of the scenarios, (S,), and q where starts are fixed [USD per good]."""

    weights: Array
    ratio: float | None = None


@dataclass(frozen=True)
class Mixed:
    """The proxy of a block. Columns N = S·G; leaves by (T, M, N), (T, M, S).

    ``less[i]`` (T, M, S) is ln R; ``less_trunk`` (T, S); ``paid`` (S,) is q·p, zero and ``less``
    empty where starts adapt. ``least[i]`` (T, M) and ``least_trunk`` (T,): a relaxed ln Q that must
    come to 0 or more; empty without a DPPM limit.
    """

    log_e: tuple[Array, ...]
    load: tuple[Array, ...]
    at: tuple[Index, ...]  # columns in which a leaf joins, (S,)
    base: Array
    less: tuple[Array, ...]
    less_trunk: Array
    paid: Array
    least: tuple[Array, ...]
    least_trunk: Array

    def rows(self, kept: Index) -> Mixed:
        """Return the proxy of some trunk combinations."""
        return Mixed(
            tuple(e[kept] for e in self.log_e),
            tuple(k[kept] for k in self.load),
            self.at,
            self.base[kept],
            tuple(one[kept] for one in self.less),
            self.less_trunk[kept],
            self.paid,
            tuple(one[kept] for one in self.least),
            self.least_trunk[kept],
        )


def mixed(block: Stacked, proxy: Proxy, least: tuple[Sequence[Array], Array] | None) -> Mixed:
    """Return the proxy of a block.

    Parameters
    ----------
    block
        The scenarios.
    proxy
        Weights, and q.
    least
        Relaxed ln Q by leaf and of the trunk.
    """
    count, scenarios, gaps = block.base.shape
    less = tuple(relative(y, proxy.weights) for y in block.log_y)
    less_trunk = relative(block.log_y_trunk, proxy.weights)
    scale = proxy.weights * np.exp(less_trunk)  # (T, S)
    log_e = block.log_e
    if less:
        log_e = tuple(e + y[:, :, :, None] for e, y in zip(log_e, less, strict=True))
    first = np.arange(scenarios) * gaps
    return Mixed(
        tuple(e.reshape(count, e.shape[1], -1) for e in log_e),
        tuple(k * scale[:, None, :] for k in block.load),
        tuple(first + gap for gap in block.gap),
        (block.base * scale[:, :, None]).reshape(count, -1),
        less,
        less_trunk,
        proxy.weights * (proxy.ratio or 0.0),
        tuple(least[0]) if least else (),
        least[1] if least else np.zeros(count),
    )


def beaten_below(value: float) -> float:
    """Return what a bound must be below for a plan to be looked for; inf where none is known."""
    return value - CLOSED * abs(value) if value < np.inf else value


def relative(log_y: Array, p: Array) -> Array:
    """Return ln R: ln Y (…, S) over its mean under p (S,)."""
    out: Array = log_y - np.asarray(log_y @ p)[..., None]
    return out


class Bounder:
    """Coordinate descent and bound over the trunk combinations of a block."""

    def __init__(self, block: Mixed) -> None:
        self.block = block
        self.lower = np.full(len(block.base), -np.inf)
        if block.least:
            most = block.least_trunk + sum(one.max(axis=1) for one in block.least)
            self.lower[most < -SLACK] = np.inf

    def run(self, known: float, offer: Offer) -> Array:
        """Return the lower bound of the proxy by trunk combination, (T,).

        Parameters
        ----------
        known
            Value of the best plan known.
        offer
            Takes plans found on the way (trunk combinations and entries); returns the best value.
        """
        kept = np.flatnonzero(self.lower < np.inf)
        terms = self.block.rows(kept) if len(kept) < len(self.lower) else self.block
        entries = np.zeros((len(kept), len(terms.log_e)), dtype=np.intp)
        scale: Array | None = None
        for rung in _LADDER if self.block.least else (0.0,):
            if not len(kept):
                break
            slope = np.zeros(len(kept)) if scale is None else rung * scale
            with np.errstate(over="ignore", invalid="ignore"):
                walk = _Walk(terms, slope, entries)
                entries = walk.descend()
                below = walk.tangent()
                scale = np.maximum(walk.cost(), _TINY) if scale is None else scale
            below = np.where(np.isfinite(below), below, -np.inf)
            self.lower[kept] = np.maximum(self.lower[kept], below)
            known = min(known, offer(kept, entries))
            left = np.flatnonzero(self.lower[kept] < beaten_below(known))
            terms, kept, entries = terms.rows(left), kept[left], entries[left]
            scale = scale[left]
        return self.lower


class _Walk:
    """One multiplier μ on the relaxed ln Q for each of T trunk combinations."""

    def __init__(self, terms: Mixed, slope: Array, entries: Index) -> None:
        self.terms, self.slope = terms, slope
        self.entries = entries.copy()
        self.rows = np.arange(len(slope))
        self.pulled = [np.exp(e) for e in terms.log_e]
        self.log_e = np.zeros_like(terms.base)
        self.log_r = terms.less_trunk.copy()
        for i in range(len(terms.log_e)):
            self._put(i, 1.0)

    def _put(self, i: int, sign: float) -> None:
        """Put a leaf's present entry in, or take it out."""
        here = self.rows, self.entries[:, i]
        self.log_e += sign * self.terms.log_e[i][here]
        if self.terms.less:
            self.log_r += sign * self.terms.less[i][here]

    def _pull(self) -> Array:
        """Return Π E by column, (T, N)."""
        pull: Array = np.exp(np.minimum(self.log_e, _LOG_MOST))
        return pull

    def _load(self, without: int = -1) -> Array:
        """Return what stands before Π E by column, (T, N); summed anew, a K may be huge."""
        load = self.terms.base.copy()
        for i, own in enumerate(self.terms.load):
            if i != without:
                load[:, self.terms.at[i]] += own[self.rows, self.entries[:, i]]
        return load

    def descend(self) -> Index:
        """Improve one leaf at a time; return the entries, (T, n)."""
        for _ in range(_SWEEPS):
            moved = False
            for i in range(len(self.terms.log_e)):
                self._put(i, -1.0)
                cost = self._costs(i)
                best = cost.argmin(axis=1)
                now = self.entries[:, i]
                better = cost[self.rows, best] < cost[self.rows, now]
                moved |= bool(better.any())
                self.entries[:, i] = np.where(better, best, now)
                self._put(i, 1.0)
            if not moved:
                break
        return self.entries

    def _costs(self, i: int) -> Array:
        """Return the proxy by entry of a leaf that is taken out, (T, M), up to a constant."""
        terms, pulled, at = self.terms, self.pulled[i], self.terms.at[i]
        rest = self._pull()
        cost = np.einsum("tn,tmn->tm", self._load(without=i) * rest, pulled)
        cost += np.einsum("ts,tms->tm", rest[:, at], terms.load[i] * pulled[:, :, at])
        if terms.less:
            cost -= np.einsum("ts,tms->tm", terms.paid * np.exp(self.log_r), np.exp(terms.less[i]))
        if terms.least:
            cost -= self.slope[:, None] * terms.least[i]
        out: Array = cost
        return out

    def cost(self) -> Array:
        """Return the positive part of the proxy at the plans, (T,)."""
        total: Array = (self._load() * self._pull()).sum(axis=1)
        return total

    def tangent(self) -> Array:
        """Return the lower bound, (T,): tangents, chords and μ·(relaxed ln Q)."""
        terms = self.terms
        mass = self._load() * self._pull()
        lower: Array = mass.sum(axis=1) + terms.paid.sum()
        chord, low = self._chords()
        if terms.paid.any():  # also without leaves
            lower -= (terms.paid * (np.exp(low) + chord * (self.log_r - low))).sum(axis=1)
        lower -= self.slope * self._relaxed()
        for i, e in enumerate(terms.log_e):
            here = self.rows, self.entries[:, i]
            change = (
                np.einsum("tn,tmn->tm", mass, e) - np.einsum("tn,tn->t", mass, e[here])[:, None]
            )
            log_k = np.log(np.maximum(terms.load[i], _TINY))
            part = terms.load[i][here] * self._pull()[:, terms.at[i]]
            change += np.einsum("ts,tms->tm", part, log_k - log_k[here][:, None, :])
            if terms.less:
                pulls = terms.paid * chord
                change -= np.einsum("ts,tms->tm", pulls, terms.less[i])
                change += np.einsum("ts,ts->t", pulls, terms.less[i][here])[:, None]
            if terms.least:
                change -= self.slope[:, None] * (terms.least[i] - terms.least[i][here][:, None])
            lower = lower + np.minimum(change.min(axis=1), 0.0)
        return lower

    def _relaxed(self) -> Array:
        total: Array = self.terms.least_trunk
        for i, one in enumerate(self.terms.least):
            total = total + one[self.rows, self.entries[:, i]]
        return total

    def _chords(self) -> tuple[Array, Array]:
        """Return slope and left end of the chord of R over its range, both (T, S)."""
        low = self.terms.less_trunk + sum(one.min(axis=1) for one in self.terms.less)
        wide = self.terms.less_trunk + sum(one.max(axis=1) for one in self.terms.less) - low
        flat = wide < 1e-9  # the tangent at the upper end is as good, and no 0/0
        chord = np.exp(low) * np.expm1(wide) / np.where(flat, 1.0, wide)
        return np.where(flat, np.exp(low + wide), chord), low
