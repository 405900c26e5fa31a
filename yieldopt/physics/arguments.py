"""Arguments of the physics: which numbers they may be, and what is said of those they may not."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from yieldopt.errors import CaseError, Fault


def check(*given: tuple[str, object, str | int]) -> None:
    """Refuse arguments outside their ranges, all at once.

    Parameters
    ----------
    given
        Name, value and range of each argument. A range such as ``"[0, 1)"`` takes a number or an
        (n,) array, ``"one [0, 1)"`` a number only, and k one whole number that is at least k.

    Raises
    ------
    CaseError
        One fault for each wrong argument, with its first wrong entry (NaN is always wrong), and
        one for arrays of different lengths.

    Examples
    --------
    >>> check(("share", 1.5, "[0, 1]"), ("spares", 0.5, 0))
    Traceback (most recent call last):
    yieldopt.errors.CaseError: share: must be a number in [0, 1] (got 1.5)
    spares: must be a whole number, at least 0 (got 0.5)
    """
    faults = faults_of(*given)
    if faults:
        raise CaseError(faults)


def faults_of(*given: tuple[str, object, str | int]) -> list[Fault]:
    """Return what `check` would refuse, to be raised together with faults of another kind.

    Parameters
    ----------
    given
        Name, value and range of each argument, as in `check`.

    Returns
    -------
    list of Fault
        In the order of the arguments, arrays of different lengths last; empty if all is well.

    Examples
    --------
    >>> [fault.key for fault in faults_of(("mean", -1.0, "[0, inf)"), ("blocks", 4, 1))]
    ['mean']
    """
    faults = [fault for one in given for fault in _faults(*one)]
    lengths = {
        name: len(value)
        for name, value, _ in given
        if isinstance(value, np.ndarray) and value.ndim == 1
    }
    if len(set(lengths.values())) > 1:
        faults.append(Fault("arrays of different lengths", ", ".join(lengths)))
    return faults


def _faults(key: str, value: object, allowed: str | int) -> list[Fault]:
    """Return the fault of one argument, or none."""
    if isinstance(allowed, int):
        if isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= allowed:
            return []
        return [_fault(f"must be a whole number, at least {allowed}", key, value)]
    if type(value) is float and _is_inside(value, *_ends(allowed)):  # nearly always
        return []
    ends = allowed.removeprefix("one ")
    text = f"must be a number in {ends}"
    plain = isinstance(value, int | float | np.number | np.ndarray) and not isinstance(value, bool)
    numbers = np.asarray(value if plain else None)
    if numbers.dtype.kind not in "iuf" or numbers.ndim > (ends == allowed):
        return [_fault(text, key, value)]
    wrong = np.ravel(numbers)[~np.ravel(_is_inside(numbers, *_ends(allowed)))]
    return [_fault(text, key, wrong[0].item())] if wrong.size else []


@cache
def _ends(allowed: str) -> tuple[float, float, bool, bool]:
    """Return the ends of a range, and whether it is closed at the lower and the upper one."""
    ends = allowed.removeprefix("one ")
    low, high = (float(end) for end in ends[1:-1].split(","))
    return low, high, ends[0] == "[", ends[-1] == "]"


def _is_inside(value: Any, low: float, high: float, from_low: bool, to_high: bool) -> Any:
    above = value >= low if from_low else value > low
    below = value <= high if to_high else value < high
    return above & below


def _fault(text: str, key: str, value: object) -> Fault:
    """Return a fault that shows the value, None too."""
    return Fault(text, key, "nothing" if value is None else value)
