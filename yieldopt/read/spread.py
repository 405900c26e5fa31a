"""How evenly lines can be spread over places, where a line may count in several."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fractions import Fraction

_Row = list[Fraction]


def least_share(places: Sequence[Collection[str]]) -> Fraction:
    """Return the least share that the place with the largest has, over all ways to share out.

    With shares ``y`` of lines that sum to 1, it is ``min max_place sum of y of the lines there``:
    the value of a matrix game, ``1 / max sum x`` with ``sum of x in each place <= 1``
    (von Neumann 1928). The simplex method finds it in fractions, without rounding, by Bland's rule
    (1977), which ends.

    Parameters
    ----------
    places
        For each line the names under which it is counted; at least one line.

    Returns
    -------
    Fraction
        Between 0, where a line counts nowhere, and 1, where all lines have a place in common.

    Examples
    --------
    >>> least_share([{"a"}, {"b"}, {"a", "c"}])
    Fraction(1, 2)
    >>> least_share([{"a", "b"}, {"b", "c"}, {"a", "c"}])
    Fraction(2, 3)
    """
    lines = _least({frozenset(names) for names in places})
    if not lines[0]:
        return Fraction(0)
    names = sorted(frozenset().union(*lines))
    width = len(lines)
    # One row for each place: lines, slack, right-hand side; the last row is the objective.
    table = [
        [Fraction(name in line) for line in lines]
        + [Fraction(name == own) for own in names]
        + [Fraction(1)]
        for name in names
    ]
    goal = [Fraction(-1)] * width + [Fraction(0)] * (len(names) + 1)
    basis = list(range(width, width + len(names)))
    while (enters := next((at for at, c in enumerate(goal[:-1]) if c < 0), None)) is not None:
        _pivot(table, goal, basis, enters)
    return 1 / goal[-1]


def _least(lines: set[frozenset[str]]) -> list[frozenset[str]]:
    """Return the lines that count in no more places than need be, the fewest first."""
    kept: list[frozenset[str]] = []
    for line in sorted(lines, key=lambda names: (len(names), sorted(names))):
        if not any(other <= line for other in kept):
            kept.append(line)
    return kept


def _pivot(table: list[_Row], goal: _Row, basis: list[int], enters: int) -> None:
    """Bring a column into the basis; every column of a line has a place, so one leaves."""
    leaves = min(
        (at for at, row in enumerate(table) if row[enters] > 0),
        key=lambda at: (table[at][-1] / table[at][enters], basis[at]),
    )
    head = table[leaves][enters]
    table[leaves] = [value / head for value in table[leaves]]
    for row in (*table[:leaves], *table[leaves + 1 :], goal):
        factor = row[enters]
        if factor:
            row[:] = [mine - factor * own for mine, own in zip(row, table[leaves], strict=True)]
    basis[leaves] = enters
