"""All plans of trunk combinations as matrix products.

The leaves are split in halves a and b. Each term of J is (B + K_a)·E_a·E_b + E_a·(K_b·E_b), so J
over all pairs is a product whose inner dimension is the number of gaps, plus those where both
halves have a K. Under a DPPM limit both are sorted by ln Q: what is allowed is a prefix per row.
The use of a limited resource is a product of the same shape, taken where J is of interest.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yieldopt.optimize.terms import Terms, rows_of

Array = NDArray[np.float64]
Index = NDArray[np.intp]
_DENSE = 1 << 12  # plans of a trunk combination that are not worth sorting by quality
_ROWS_BYTES = 1 << 18  # a block of the product stays in the cache: 32k numbers


@dataclass(frozen=True)
class Half:
    """Plans of some leaves in T trunk combinations: E by gap (T, P, G), K·E by table and gap
    (R, T, P, G), ln Q (T, P).
    """

    e: Array
    k: Array
    log_q: Array
    has_k: tuple[bool, ...]


def half(
    e: Sequence[Array], k: Sequence[Array], log_q: Sequence[Array], gap: Sequence[int], base: Array
) -> Half:
    """Combine the menus of some leaves, the last varying fastest.

    Parameters
    ----------
    e, k, log_q
        By leaf: E (T, M, G), weighted K of every table (R, T, M), ln Q (T, M).
    gap
        By leaf: the gap where it joins.
    base
        B by table and gap, (R, T, G): only its shape counts.
    """
    tables, count, gaps = base.shape
    out_e, out_k = np.ones((count, 1, gaps)), np.zeros((tables, count, 1, gaps))
    out_q = np.zeros((count, 1))
    for one_e, one_k, one_q, at in zip(e, k, log_q, gap, strict=True):
        joined = out_k[:, :, :, None, :] * one_e[:, None]
        joined[..., at] += out_e[:, :, None, at] * (one_k * one_e[..., at])[:, :, None, :]
        out_e = (out_e[:, :, None, :] * one_e[:, None]).reshape(count, -1, gaps)
        out_k = joined.reshape(tables, count, -1, gaps)
        out_q = (out_q[:, :, None] + one_q[:, None]).reshape(count, -1)
    return Half(out_e, out_k, out_q, tuple(g in set(gap) for g in range(gaps)))


@dataclass(frozen=True)
class Pairs:
    """All plans of one trunk combination: pairs of a row and a column.

    Parameters
    ----------
    left, right
        Factors of J and of the use of each limited resource: (A, D) and (D, C) each.
    log_q
        ln Q of rows (A,) and columns (C,), the trunk's own in the rows.
    most
        What each use may come to.
    members, sizes
        Leaves of both halves; number of entries of every leaf.
    """

    left: Sequence[Array]
    right: Sequence[Array]
    log_q: tuple[Array, Array]
    most: tuple[float, ...]
    members: tuple[list[int], list[int]]
    sizes: tuple[int, ...]

    def entries(self, rows: Index, columns: Index) -> Index:
        """Return the entry of every leaf (N, n) at pairs of rows (N,) and columns (N,)."""
        out = np.zeros((len(rows), len(self.sizes)), dtype=np.intp)
        for side, numbers in zip(self.members, (rows, columns), strict=True):
            sizes = tuple(self.sizes[i] for i in side)
            picks = np.unravel_index(numbers, sizes) if sizes else ()
            for i, pick in zip(side, picks, strict=True):
                out[:, i] = pick
        return out

    def sorted(self) -> tuple[Pairs, Index, Index]:
        """Return the pairs by falling ln Q of rows and columns, and both orders."""
        rows = np.argsort(-self.log_q[0], kind="stable")
        columns = np.argsort(-self.log_q[1], kind="stable")
        left = [np.ascontiguousarray(table[rows]) for table in self.left]
        right = [np.ascontiguousarray(table[:, columns]) for table in self.right]
        log_q = (self.log_q[0][rows], self.log_q[1][columns])
        return Pairs(left, right, log_q, self.most, self.members, self.sizes), rows, columns

    def prefixes(self, log_q_least: float | None) -> Index:
        """Return how many columns are allowed in each row, if sorted."""
        if log_q_least is None:
            return np.full(len(self.left[0]), self.right[0].shape[1], dtype=np.intp)
        falling, needed = -self.log_q[1], self.log_q[0] - log_q_least
        return np.searchsorted(falling, needed, side="right").astype(np.intp)

    def blocks(self, allowed: Index) -> Iterator[tuple[int, Array]]:
        """Yield (first row, J) of blocks of rows that stay in the cache.

        ``allowed`` counts the columns of each row, falling; J is inf beyond. The array is used
        again for the next block.
        """
        left, right = self.left[0], self.right[0]
        buffer = np.empty(max(_ROWS_BYTES // 8, right.shape[1]))
        low = 0
        while low < len(left) and allowed[low] > 0:
            widest = int(allowed[low])
            part = left[low : low + max(1, _ROWS_BYTES // 8 // widest)]
            out = buffer[: len(part) * widest].reshape(len(part), widest)
            np.matmul(part, right[:, :widest], out=out)
            prefix = allowed[low : low + len(part)]
            narrowest = int(prefix[-1])
            if narrowest < widest:
                strip = out[:, narrowest:]
                strip[np.arange(narrowest, widest) >= prefix[:, None]] = np.inf
            yield low, out
            low += len(part)

    def forbid(self, low: int, out: Array) -> None:
        """Set J of a block to inf where a resource is used too much."""
        count, widest = out.shape
        for left, right, most in zip(self.left[1:], self.right[1:], self.most, strict=True):
            out[left[low : low + count] @ right[:, :widest] > most] = np.inf


@dataclass(frozen=True)
class ManyPairs:
    """All plans of some trunk combinations T: :class:`Pairs` of each, one after the other.

    ``left``, ``right``: (T, A, D) and (T, D, C) by table; ``log_q``: (T, A) and (T, C).
    """

    left: Sequence[Array]
    right: Sequence[Array]
    log_q: tuple[Array, Array]
    most: tuple[float, ...]
    members: tuple[list[int], list[int]]
    sizes: tuple[int, ...]

    def one(self, at: int) -> Pairs:
        """Return those of one trunk combination."""
        return Pairs(
            [left[at] for left in self.left],
            [right[at] for right in self.right],
            (self.log_q[0][at], self.log_q[1][at]),
            self.most,
            self.members,
            self.sizes,
        )


def pairs(terms: Terms, t: int) -> Pairs:
    """Return all plans of a trunk combination ``t``, the larger half in the columns."""
    return many_pairs(terms, np.array([t])).one(0)


def many_pairs(terms: Terms, rows: Index) -> ManyPairs:
    """Return all plans of some trunk combinations, computed together."""
    tables = [terms.k, *(use.k for use in terms.uses)]
    base = np.stack([terms.base[rows], *(use.base[rows] for use in terms.uses)])
    sizes = tuple(k.shape[1] for k in terms.k)
    members = _split(sizes)
    halves = [
        half(
            [np.exp(terms.log_e[i][rows]) for i in side],
            [
                terms.weight[rows, i, None] * np.stack([rows_of(k[i], rows) for k in tables])
                for i in side
            ],
            [terms.log_q[i][rows] for i in side],
            [terms.gap[i] for i in side],
            base,
        )
        for side in members
    ]
    factors = [_factors(base[r], halves[0], halves[1], r) for r in range(len(base))]
    return ManyPairs(
        [left for left, _ in factors],
        [right for _, right in factors],
        (halves[0].log_q + terms.log_q_trunk[rows, None], halves[1].log_q),
        tuple(use.allowed for use in terms.uses),
        members,
        sizes,
    )


def best_of(
    many: ManyPairs, log_q_least: float | None, known: float = math.inf
) -> tuple[float, int, tuple[int, ...]]:
    """Return the least J below ``known``, its place among the trunk combinations, and its entries.

    (known, −1, ()) where there is none. Parameters as of :func:`best_pair`.
    """
    best: tuple[float, int, tuple[int, ...]] = (known, -1, ())
    if many.most or many.left[0].shape[1] * many.right[0].shape[2] > _DENSE:
        for at in range(len(many.left[0])):
            one = many.one(at)
            value, row, column = best_pair(one, log_q_least, best[0])
            if row >= 0:
                best = value, at, _entries(one, row, column)
        return best
    found = many.left[0] @ many.right[0]
    if log_q_least is not None:
        rows, columns = many.log_q
        found[-columns[:, None, :] > (rows - log_q_least)[:, :, None]] = np.inf
    at, row, column = (int(n) for n in np.unravel_index(int(found.argmin()), found.shape))
    value = float(found[at, row, column])
    return (value, at, _entries(many.one(at), row, column)) if value < known else best


def _entries(found: Pairs, row: int, column: int) -> tuple[int, ...]:
    return tuple(int(m) for m in found.entries(np.array([row]), np.array([column]))[0])


def best_pair(
    all_pairs: Pairs, log_q_least: float | None, known: float = math.inf
) -> tuple[float, int, int]:
    """Return the least J below ``known`` and its row and column, or (known, −1, −1).

    Parameters
    ----------
    all_pairs
        The pairs of one trunk combination.
    log_q_least
        ln Q of a pair must be at least this; ``None`` for no limit.
    known
        Only a smaller J is of interest.
    """
    if log_q_least is None:
        return _least(all_pairs, all_pairs.prefixes(None), known)
    ordered, rows, columns = all_pairs.sorted()
    value, row, column = _least(ordered, ordered.prefixes(log_q_least), known)
    return (value, row, column) if row < 0 else (value, int(rows[row]), int(columns[column]))


def _least(all_pairs: Pairs, allowed: Index, known: float) -> tuple[float, int, int]:
    best = (known, -1, -1)
    for low, out in all_pairs.blocks(allowed):
        at = int(out.argmin())
        value = float(out.reshape(-1)[at])
        if value < best[0] and all_pairs.most:
            all_pairs.forbid(low, out)
            at = int(out.argmin())
            value = float(out.reshape(-1)[at])
        if value < best[0]:
            best = (value, low + at // out.shape[1], at % out.shape[1])
    return best


def _factors(base: Array, a: Half, b: Half, r: int) -> tuple[Array, Array]:
    """Return the factors of one table, (T, A, D) and (T, D, C)."""
    left, right = [], []
    for g in range(base.shape[1]):
        own = base[:, g, None]
        if b.has_k[g] and not a.has_k[g]:
            left.append(a.e[..., g])
            right.append(own * b.e[..., g] + b.k[r, ..., g])
            continue
        left.append(own * a.e[..., g] + a.k[r, ..., g])
        right.append(b.e[..., g])
        if b.has_k[g]:
            left.append(a.e[..., g])
            right.append(b.k[r, ..., g])
    return np.stack(left, axis=2), np.stack(right, axis=1)


def _split(sizes: Sequence[int]) -> tuple[list[int], list[int]]:
    """Split leaves into halves of about equal numbers of plans, the larger one second."""
    halves: tuple[list[int], list[int]] = ([], [])
    products = [1, 1]
    for i in sorted(range(len(sizes)), key=lambda i: -sizes[i]):
        side = 0 if products[0] <= products[1] else 1
        halves[side].append(i)
        products[side] *= sizes[i]
    return halves if products[0] <= products[1] else (halves[1], halves[0])
