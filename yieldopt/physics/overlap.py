"""What several tests together leave unseen, when a later one sees partly the same faults again.

Every fault has a hardness h, uniform on [0, 1]. A *nested* test of coverage c finds exactly the
faults with h < c, an *independent* one each fault with chance c. Real pattern sets lie between.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from yieldopt.physics.arguments import check
from yieldopt.physics.yields import Value


def unseen_frac(tests: Sequence[tuple[Value, float]]) -> Value:
    """Return the fraction of the fault mass that none of the tests has looked at.

    Parameters
    ----------
    tests
        (coverage c [0…1], nested share ν [0…1]) of each; c is a scalar or an (n,) array. ν = 1 is
        nested, ν = 0 independent. The order does not matter.

    Returns
    -------
    float or (n,) array
        1 without tests; max(0, 1 − c) for one test, whatever its ν.

    Raises
    ------
    CaseError
        A coverage or share outside [0, 1], or NaN; all at once.

    Notes
    -----
    A test finds a fault with chance a = ν + (1−ν)c where h < c and b = (1−ν)c elsewhere: its mean
    over h is c. What is left at hardness h is Π (1−a or 1−b), constant between the coverages
    sorted by size, so the integral over h is a sum of as many terms as there are tests. Derivation
    in DESIGN.md, section 2 ("coverage is area"); the two ends are the max and the union of
    section 1.3 of [1]_.

    References
    ----------
    .. [1] ``bushnell_agrawal`` lecture digest: coverage and defect level of several tests.

    Examples
    --------
    >>> round(unseen_frac([(0.9, 1.0), (0.8, 1.0)]), 6)  # nested: the larger counts
    0.1
    >>> round(unseen_frac([(0.9, 0.0), (0.8, 0.0)]), 6)  # independent: the product is left
    0.02
    >>> round(unseen_frac([(0.9, 1.0), (0.8, 0.5)]), 6)
    0.06
    """
    check(
        *(
            argument
            for at, (covered, share) in enumerate(tests)
            for argument in (
                (f"tests[{at}].coverage", covered, "[0, 1]"),
                (f"tests[{at}].nested_share", share, "one [0, 1]"),
            )
        )
    )
    left = unseen(tests)
    return left if np.ndim(left) else float(left)


def unseen(tests: Sequence[tuple[Value, float]]) -> Value:
    """Return :func:`unseen_frac` of coverages known to be fine, arrays of any one shape.

    Parameters
    ----------
    tests
        As in :func:`unseen_frac`, not checked; the coverages are scalars or arrays of one shape.

    Returns
    -------
    float or array of that shape
        Fraction of the fault mass [-].

    Examples
    --------
    >>> np.round(unseen([(np.array([[0.5, 0.9]]), 1.0), (0.8, 0.0)]), 6).tolist()
    [[0.1, 0.02]]
    """
    if not tests:
        return 1.0
    covered = np.stack(np.broadcast_arrays(*(np.asarray(c, float) for c, _ in tests)))
    share = np.array([nu for _, nu in tests]).reshape(-1, *([1] * (covered.ndim - 1)))
    easy_left = (1.0 - share) * (1.0 - covered)  # 1 − a
    hard_left = 1.0 - (1.0 - share) * covered  # 1 − b
    order = np.argsort(covered, axis=0)
    edges = np.take_along_axis(covered, order, axis=0)
    below = np.cumprod(np.take_along_axis(hard_left, order, axis=0), axis=0)
    above = np.cumprod(np.take_along_axis(easy_left, order, axis=0)[::-1], axis=0)[::-1]
    ones = np.ones_like(edges[:1])
    widths = np.diff(edges, axis=0, prepend=0.0 * ones, append=ones)
    left = np.concatenate([ones, below]) * np.concatenate([above, ones])
    total: Value = (widths * left).sum(axis=0)[()]
    return total
