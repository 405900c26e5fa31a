"""All plans of one trunk combination as a matrix product.

The leaves are split in halves a and b. Each term of J is (B + K_a)·E_a·E_b + E_a·(K_b·E_b), so J
over all pairs is a product whose inner dimension is the number of gaps, plus those where both
halves have a K. Under a DPPM limit both are sorted by ln Q: what is allowed is a prefix per row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_ROWS_BYTES = 1 << 18  # a block of the product stays in the cache: 32k numbers


@dataclass(frozen=True)
class Half:
    """Plans of some leaves: E by gap (P, G), K·E by gap (P, G) and ln Q (P,)."""

    e: Array
    k: Array
    log_q: Array
    has_k: tuple[bool, ...]


def half(
    e: Sequence[Array], k: Sequence[Array], log_q: Sequence[Array], gap: Sequence[int], gaps: int
) -> Half:
    """Combine the menus of some leaves, the last varying fastest.

    Parameters
    ----------
    e, k, log_q
        By leaf: E (M, G), weighted K (M,), ln Q (M,).
    gap
        By leaf: the gap where it joins.
    gaps
        Number of gaps G.
    """
    out_e, out_k, out_q = np.ones((1, gaps)), np.zeros((1, gaps)), np.zeros(1)
    for one_e, one_k, one_q, at in zip(e, k, log_q, gap, strict=True):
        joined = out_k[:, None, :] * one_e
        joined[:, :, at] += out_e[:, None, at] * (one_k * one_e[:, at])
        out_e = (out_e[:, None, :] * one_e).reshape(-1, gaps)
        out_k = joined.reshape(-1, gaps)
        out_q = (out_q[:, None] + one_q).reshape(-1)
    return Half(out_e, out_k, out_q, tuple(g in set(gap) for g in range(gaps)))


def best_pair(base: Array, a: Half, b: Half, log_q_least: float | None) -> tuple[float, int, int]:
    """Return the least J and the plans of both halves, or (inf, −1, −1) if none is allowed.

    Parameters
    ----------
    base
        B by gap, (G,).
    a, b
        The halves.
    log_q_least
        ln Q of a pair must be at least this; ``None`` for no limit.
    """
    left, right = _factors(base, a, b)
    if log_q_least is None:
        return _least(left, right)
    rows = np.argsort(-a.log_q, kind="stable")
    columns = np.argsort(-b.log_q, kind="stable")
    falling = -b.log_q[columns]
    allowed = np.searchsorted(falling, a.log_q[rows] - log_q_least, side="right")
    right = np.ascontiguousarray(right[:, columns])
    value, row, column = _least_of_prefixes(left[rows], right, allowed)
    if row < 0:
        return value, row, column
    return value, int(rows[row]), int(columns[column])


def _factors(base: Array, a: Half, b: Half) -> tuple[Array, Array]:
    left, right = [], []
    for g in range(len(base)):
        if b.has_k[g] and not a.has_k[g]:
            left.append(a.e[:, g])
            right.append(base[g] * b.e[:, g] + b.k[:, g])
            continue
        left.append(base[g] * a.e[:, g] + a.k[:, g])
        right.append(b.e[:, g])
        if b.has_k[g]:
            left.append(a.e[:, g])
            right.append(b.k[:, g])
    return np.ascontiguousarray(np.stack(left, axis=1)), np.ascontiguousarray(np.stack(right))


def _least(left: Array, right: Array) -> tuple[float, int, int]:
    best = (np.inf, -1, -1)
    columns = right.shape[1]
    rows = max(1, _ROWS_BYTES // 8 // columns)
    product = np.empty((min(rows, len(left)), columns))
    for low in range(0, len(left), rows):
        part = left[low : low + rows]
        out = np.matmul(part, right, out=product[: len(part)])
        at = int(out.argmin())
        value = float(out.reshape(-1)[at])
        if value < best[0]:
            best = (value, low + at // columns, at % columns)
    return best


def _least_of_prefixes(
    left: Array, right: Array, allowed: NDArray[np.intp]
) -> tuple[float, int, int]:
    """Like ``_least``, over the first ``allowed[row]`` columns; rows come with falling prefixes."""
    best = (np.inf, -1, -1)
    low = 0
    while low < len(left) and allowed[low] > 0:
        widest = int(allowed[low])
        rows = max(1, _ROWS_BYTES // 8 // widest)
        part = left[low : low + rows]
        prefix = allowed[low : low + len(part)]
        out = part @ right[:, :widest]
        narrowest = int(prefix[-1])
        if narrowest < widest:
            strip = out[:, narrowest:]
            strip[np.arange(narrowest, widest) >= prefix[:, None]] = np.inf
        at = int(out.argmin())
        value = float(out.reshape(-1)[at])
        if value < best[0]:
            best = (value, low + at // widest, at % widest)
        low += len(part)
    return best
