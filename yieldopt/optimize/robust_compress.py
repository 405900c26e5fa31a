r"""A matrix product of large inner dimension in few: 64 scenarios have the rank of a handful.

Rows of the left factor are written in an orthonormal basis V of what they span, grown from the
rows that it misses most: L ≈ (L·Vᵀ)·V with ‖L_a − (L·Vᵀ)_a·V‖ ≤ δ_a·‖L_a‖ measured for every row,
so by Cauchy and Schwarz the product errs by δ_a·‖L_a‖·‖R_b‖ at most. That margin is of rank one: as
a further column it turns the small product into a lower bound of every entry. δ need not be small,
only small enough that few entries lie below a value when their bound does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.floating[Any]]
_MISSED = 1e-3  # δ asked for: relative length of a row outside the basis
_SAMPLE = 48  # rows looked at in a round
_WORTH = 16  # inner dimensions that are not worth compressing
_ROWS = 256  # a block of rows stays in the cache
_BEFORE = 64  # rounded operations behind an entry of the factors, at most


@dataclass
class Span:
    """Directions that rows of factors met before lie in; factors of like kind begin with them.

    Parameters
    ----------
    basis, size
        Orthonormal rows (r, n) of columns scaled by ``size`` (n,); ``None``: nothing is known.
    fresh
        Directions that the first factors needed. Where twice as many have come together, the next
        factors begin anew.
    """

    basis: Table | None = None
    size: Table | None = None
    fresh: int = 0

    def begin(self, size: Table) -> Table | None:
        """Return the directions in columns of another scale, or ``None``."""
        if self.basis is None or self.size is None or self.size.shape != size.shape:
            return None
        if self.basis.dtype != size.dtype or len(self.basis) > 2 * self.fresh:
            return None
        basis: Table = np.linalg.qr((self.basis * (size / self.size)).T)[0].T
        return basis

    def keep(self, basis: Table | None, size: Table, anew: bool) -> None:
        """Remember what was found; ``anew``: not begun with what was known."""
        if basis is not None and anew:
            self.fresh = len(basis)
        self.basis, self.size = basis, size


def lower_factors(
    left: Table, right: Table, span: Span | None = None, *, before: int = _BEFORE
) -> tuple[Table, Table]:
    """Return factors whose product is a lower bound of every entry of ``left @ right.T``.

    Parameters
    ----------
    left
        (P, n), single or double precision.
    right
        (Q, n), of the same.
    span
        What factors of like kind before these had in common; brought up to date.
    before
        Rounded operations behind an entry of the factors, at most.

    Returns
    -------
    Array, Array
        (P, r + 1) and (r + 1, Q). Below the true entry by no more than 2e-3·‖L_a‖·‖R_b‖ (in columns
        of like size); r = n where the rank is not small.

    Examples
    --------
    >>> x = np.linspace(0.5, 1.5, 40)
    >>> left, right = np.exp(np.outer(x, np.arange(40) / 40)), np.ones((3, 40))
    >>> a, b = lower_factors(left, right)
    >>> bool(a.shape[1] < 8), bool(np.all(a @ b <= left @ right.T))
    (True, True)
    """
    size = _column_size(right)
    inner = left.shape[1]
    found: _Found | None = None
    if min(inner, len(left)) > _WORTH:
        known = span.begin(size) if span else None
        found = _basis(left, size, known)
        if found is None and known is not None:
            known, found = None, _basis(left, size, None)
        if span:
            span.keep(found.basis if found else None, size, known is None)
    lengths = _lengths(right, 1.0 / size)
    if found is None:
        small, missed = left, np.zeros(len(left), left.dtype)
        other, length = right.T, _lengths(left, size)
    else:
        small, missed, length = found.small, found.missed, found.length
        other = (found.basis / size) @ right.T
    # Rounding of the factors and of the products themselves: n terms each way, twice over.
    unit = float(np.finfo(left.dtype).eps)
    margin = missed + (4.0 * (inner + small.shape[1]) + before) * unit * length
    margin = margin.astype(left.dtype)
    return np.column_stack([small, -margin]), np.concatenate([other, lengths[None, :]])


def _column_size(right: Table) -> Table:
    """Return the usual size of each inner column, so that none counts for its unit alone."""
    some = np.abs(right[:: max(1, len(right) // _SAMPLE)])
    size = np.median(some, axis=0)
    if np.any(size == 0.0):
        size = np.where(size > 0.0, size, np.abs(right).max(axis=0))
    return np.where(size > 0.0, size, 1.0).astype(right.dtype)


def _lengths(rows: Table, scale: Table) -> Table:
    """Return ‖row·scale‖ of every row."""
    out = np.empty(len(rows), rows.dtype)
    for low in range(0, len(rows), _ROWS):
        block = rows[low : low + _ROWS] * scale
        out[low : low + _ROWS] = np.sqrt(np.einsum("pn,pn->p", block, block))
    return out


@dataclass(frozen=True)
class _Found:
    """A basis (r, n) of scaled rows; rows in it (P, r); the length missed and the whole (P,)."""

    basis: Table
    small: Table
    missed: Table
    length: Table


def _basis(rows: Table, size: Table, known: Table | None) -> _Found | None:
    """Return an orthonormal basis of scaled rows, from the directions known on; ``None`` where half
    of the dimensions are needed.
    """
    basis = np.zeros((0, rows.shape[1]), rows.dtype)
    if known is None:
        pick = np.linspace(0, len(rows) - 1, min(_SAMPLE, len(rows))).astype(np.intp)
        basis = _grown(basis, rows[pick] * size)
    else:
        basis = known
    while 2 * len(basis) <= rows.shape[1]:
        found = _in_basis(rows, size, basis)
        share = found.missed / np.maximum(found.length, np.finfo(rows.dtype).tiny)
        if float(share.max()) <= _MISSED:
            return found
        basis = _grown(basis, rows[np.argsort(-share)[:_SAMPLE]] * size)
    return None


def _grown(basis: Table, some: Table) -> Table:
    """Return a basis with the directions that some rows have outside it."""
    some /= np.maximum(np.sqrt(np.einsum("pn,pn->p", some, some)), np.finfo(some.dtype).tiny)[
        :, None
    ]
    some -= (some @ basis.T) @ basis
    _, sizes, new = np.linalg.svd(some, full_matrices=False)
    basis = np.concatenate([basis, new[sizes > 0.3 * _MISSED]])
    out: Table = np.linalg.qr(basis.T)[0].T  # again: what is left of a row is not quite orthogonal
    return out


def _in_basis(rows: Table, size: Table, basis: Table) -> _Found:
    """Write scaled rows in a basis; measure what is missed, block by block in the cache."""
    small = np.empty((len(rows), len(basis)), rows.dtype)
    missed, length = np.empty(len(rows), rows.dtype), np.empty(len(rows), rows.dtype)
    for low in range(0, len(rows), _ROWS):
        part = slice(low, low + _ROWS)
        block = rows[part] * size
        length[part] = np.sqrt(np.einsum("pn,pn->p", block, block))
        small[part] = block @ basis.T
        block -= small[part] @ basis
        missed[part] = np.sqrt(np.einsum("pn,pn->p", block, block))
    return _Found(basis, small, missed, length)
