r"""A matrix product of large inner dimension in few: 64 scenarios have the rank of a handful.

Rows of the left factor are written in an orthonormal basis V of what they span, grown from the
rows that it misses most: L ≈ (L·Vᵀ)·V with ‖L_a − (L·Vᵀ)_a·V‖ ≤ δ_a·‖L_a‖ measured for every row,
so by Cauchy and Schwarz the product errs by δ_a·‖L_a‖·‖R_b‖ at most. That margin is of rank one: as
a further column it turns the small product into a lower bound of every entry. δ need not be small,
only small enough that few entries lie below a value when their bound does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.floating[Any]]
_MISSED = 1e-3  # δ asked for: relative length of a row outside the basis
_SAMPLE = 48  # rows looked at in a round
_WORTH = 16  # inner dimensions that are not worth compressing
_ROWS = 256  # a block of rows stays in the cache
_BEFORE = 64  # rounded operations behind an entry of the factors, at most


def lower_factors(left: Table, right: Table) -> tuple[Table, Table]:
    """Return factors whose product is a lower bound of every entry of ``left @ right.T``.

    Parameters
    ----------
    left
        (P, n), single or double precision.
    right
        (Q, n), of the same.

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
    found = _basis(left, size) if min(inner, len(left)) > _WORTH else None
    span = _lengths(right, 1.0 / size)
    if found is None:
        small, missed = left, np.zeros(len(left), left.dtype)
        other, length = right.T, _lengths(left, size)
    else:
        basis, small, missed, length = found
        other = (basis / size) @ right.T
    # Rounding of the factors and of the products themselves: n terms each way, twice over.
    unit = float(np.finfo(left.dtype).eps)
    margin = missed + (4.0 * (inner + small.shape[1]) + _BEFORE) * unit * length
    margin = margin.astype(left.dtype)
    return np.column_stack([small, -margin]), np.concatenate([other, span[None, :]])


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


def _basis(rows: Table, size: Table) -> tuple[Table, Table, Table, Table] | None:
    """Return an orthonormal basis (r, n) of scaled rows, the rows in it (P, r), and for every row
    the length missed and its whole length; ``None`` where half of the dimensions are needed.
    """
    basis = np.zeros((0, rows.shape[1]), rows.dtype)
    tiny = np.finfo(rows.dtype).tiny
    pick = np.linspace(0, len(rows) - 1, min(_SAMPLE, len(rows))).astype(np.intp)
    while True:
        some = rows[pick] * size
        some /= np.maximum(np.sqrt(np.einsum("pn,pn->p", some, some)), tiny)[:, None]
        some -= (some @ basis.T) @ basis
        _, sizes, new = np.linalg.svd(some, full_matrices=False)
        basis = np.concatenate([basis, new[sizes > 0.3 * _MISSED]])
        basis = np.linalg.qr(basis.T)[0].T  # again: what is left of a row is not quite orthogonal
        if 2 * len(basis) > rows.shape[1]:
            return None
        small = np.empty((len(rows), len(basis)), rows.dtype)
        missed, length = np.empty(len(rows), rows.dtype), np.empty(len(rows), rows.dtype)
        for low in range(0, len(rows), _ROWS):
            part = slice(low, low + _ROWS)
            block = rows[part] * size
            length[part] = np.sqrt(np.einsum("pn,pn->p", block, block))
            small[part] = block @ basis.T
            block -= small[part] @ basis
            missed[part] = np.sqrt(np.einsum("pn,pn->p", block, block))
        share = missed / np.maximum(length, tiny)
        if float(share.max()) <= _MISSED:
            return basis, small, missed, length
        pick = np.argsort(-share)[:_SAMPLE]
