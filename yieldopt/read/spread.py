"""How evenly lines can be spread over places, where a line may count in several."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def least_share(places: Sequence[Collection[str]]) -> float:
    """Return the least share that the place with the largest can have, at least.

    The shares of n places sum to k or more where every line counts in k or more, so one of them is
    k/n or more; it is 1 where all lines have a place in common. That is the least share itself
    where each line counts once. Where it is not, the answer says what a share forbids
    (:mod:`yieldopt.planning.blocked`).

    Parameters
    ----------
    places
        For each line the names under which it is counted; at least one line.

    Returns
    -------
    float
        Between 0, where a line counts nowhere, and 1.

    Examples
    --------
    >>> least_share([{"a"}, {"b"}, {"a", "c"}])
    0.5
    >>> least_share([{"a", "b"}, {"b", "c"}, {"a", "b", "c"}])
    1.0
    """
    lines = {frozenset(names) for names in places}
    # One that counts wherever another does, and elsewhere too, is of no help.
    lines = {line for line in lines if not any(other < line for other in lines)}
    if frozenset.intersection(*lines):
        return 1.0
    return min(map(len, lines)) / max(1, len(frozenset().union(*lines)))
