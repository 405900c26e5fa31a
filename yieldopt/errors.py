"""Errors of yieldopt: one tree, and the fault that an input error is made of.

Wrong input raises :class:`CaseError` at the edge, with every fault found. An infeasible problem is
an answer, never an exception.
"""

from __future__ import annotations

import difflib
from bisect import bisect
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

_WIDTH = 60  # signs of a value or a name in a message
_LONG = 2000  # of any other part of one: names have no greatest length
_MOST = 200  # signs of a name that is compared with others
_NEAR = 50  # names on either side that are compared, by beginning and by end, where there are many


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with an input.

    Parameters
    ----------
    message
        What is wrong, in words.
    key
        Where: dotted path inside the file (``products[0].dppm_limit``), or empty.
    value
        The offending value; ``None`` when there is none (a missing key).
    hint
        What to do about it.
    file, line
        Where the value stands; empty and 0 when it came from Python.

    Examples
    --------
    >>> print(Fault("must be above 0", "products[0].dppm_limit", -5.0))
    products[0].dppm_limit: must be above 0 (got -5.0)
    """

    message: str
    key: str = ""
    value: Any = None
    hint: str = ""
    file: str = ""
    line: int = 0

    def at(self, file: str, line: int) -> Fault:
        """Return the fault with its place in a file.

        Examples
        --------
        >>> print(Fault("is missing", "products[0].name").at("mine.toml", 12))
        mine.toml:12: products[0].name: is missing
        """
        return replace(self, file=file, line=line)

    def under(self, prefix: str) -> Fault:
        """Return the fault with ``prefix`` set before its key path.

        Examples
        --------
        >>> Fault("is missing", "name").under("products[0]").key
        'products[0].name'
        """
        joint = "" if not self.key or self.key.startswith("[") else "."
        return replace(self, key=prefix + joint + self.key)

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.line else f"{self.file}: " if self.file else ""
        key = f"{_cut(self.key, _LONG)}: " if self.key else ""
        value = "" if self.value is None else f" (got {_short(self.value)})"
        hint = f"; {_cut(self.hint, _LONG)}" if self.hint else ""
        return plain(f"{place}{key}{_cut(self.message, _LONG)}{value}{hint}")


class YieldoptError(Exception):
    """Anything that yieldopt raises on purpose.

    Examples
    --------
    >>> from yieldopt import load
    >>> try:
    ...     load("minimal", {"period_weeks": -1.0})
    ... except YieldoptError as error:
    ...     print(type(error).__name__)
    CaseError
    """


class CaseError(YieldoptError, ValueError):
    """The input is wrong; ``faults`` holds everything that was found.

    Examples
    --------
    >>> from yieldopt import load
    >>> try:
    ...     load("minimal", {"period_weeks": -1.0, "products.asic.power_w": "high"})
    ... except CaseError as error:
    ...     print(*((fault.key, fault.message) for fault in error.faults), sep="\\n")
    ('period_weeks', 'must be above 0')
    ('products[0].power_w', 'must be a number')
    """

    def __init__(self, faults: Fault | str | Iterable[Fault]) -> None:
        if isinstance(faults, str):
            faults = Fault(faults)
        self.faults: tuple[Fault, ...] = (faults,) if isinstance(faults, Fault) else tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class UnknownName(CaseError):
    """A name that nothing carries.

    Examples
    --------
    >>> from yieldopt import load
    >>> try:
    ...     load("minimal").product("asci")
    ... except UnknownName as error:
    ...     print(error)
    unknown product (got 'asci'); did you mean 'asic'?
    """


class SolverError(YieldoptError):
    """A solver backend is missing or gave no answer that can be trusted.

    Examples
    --------
    >>> from yieldopt import load, solve
    >>> try:
    ...     solve(load("minimal"), solver="pulp:NO_SUCH_CMD")
    ... except SolverError as error:
    ...     print("NO_SUCH_CMD" in str(error))
    True
    """


def plain(text: str, kept: str = "") -> str:
    """Return a text with every sign that does not print as an escape, those of ``kept`` as are.

    What a terminal would take for a command, a mark that turns the direction of writing, or half a
    character that no file can hold: names in files are free, and come from others.

    Examples
    --------
    >>> print(plain("a\\x1b[2J\\nb"))
    a\\x1b[2J\\nb
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in kept else repr(c)[1:-1] for c in text)


def near_miss(name: object, known: Iterable[str]) -> str:
    """Return a hint for an unknown name: the nearest known one, or the list.

    Examples
    --------
    >>> near_miss("cowos_1", ["cowos_l", "foplp_chip_last"])
    "did you mean 'cowos_l'?"
    """
    names, forwards, backwards = _ordered(tuple(known))
    asked = str(name)
    near = _neighbours(asked, forwards)
    if len(near) < len(forwards):
        near += tuple(one[::-1] for one in _neighbours(asked[::-1], backwards))
    close = difflib.get_close_matches(asked, near, n=1) if len(asked) <= _MOST else []
    if close:
        return f"did you mean {close[0]!r}?"
    told = ", ".join(_cut(one, _WIDTH) for one in names[:12])
    return "known: " + told + (", …" if len(names) > 12 else "") if names else ""


@lru_cache(maxsize=8)  # a file may ask for thousands of names among the same
def _ordered(known: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return names in order, and those that are compared by how they begin and how they end."""
    names = tuple(sorted(set(known)))
    short = tuple(one for one in names if len(one) <= _MOST)  # a comparison's time grows squared
    return names, short, tuple(sorted(one[::-1] for one in short))


def _neighbours(asked: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return all names where they are few, else those that begin most like the one asked."""
    if len(names) <= 4 * _NEAR:
        return names
    at = bisect(names, asked)
    return names[max(at - _NEAR, 0) : at + _NEAR]


def _short(value: Any) -> str:
    try:
        return _cut(repr(value), _WIDTH)
    except (ValueError, RecursionError):  # a whole number of more digits than Python writes
        return f"a very large {type(value).__name__}"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
