"""Whether two names are one name, misspelt: a slip of the keys, not a name near to another."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_WORD = re.compile(r"\d+|[^\W\d_]+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_KEYS = "qwertyuiop asdfghjkl zxcvbnm"
_SHORT = 5  # letters: of shorter words a letter more or less makes another word
_LONG = 8  # letters: of longer words any one letter may be wrong
# Places whose names are a letter apart, where a slip would be a letter too many.
_BOTH_ARE = {frozenset({"shanxi", "shaanxi"}), frozenset({"changzhou", "cangzhou"})}


def is_slip(one: str, other: str) -> bool:
    """Whether two different names are likely the same, with a slip in one.

    Case, blanks and signs do not tell names apart. A word of five letters and more may have one
    letter doubled, left out or put in, letters in another order, or a neighbour of the right key;
    of eight and more any wrong letter within it. Numbers and single letters tell places apart.

    Parameters
    ----------
    one, other
        The names.

    Examples
    --------
    >>> [is_slip("Taiwan", name) for name in ("taiwan ", "Tawian", "Taiwn", "Taiwwan")]
    [True, True, True, True]
    >>> [is_slip("Fab 12A", name) for name in ("Fab 14A", "Fab 12B", "Fab 12")]
    [False, False, False]
    >>> is_slip("North Korea", "South Korea"), is_slip("tsmc_tainan", "tsmc_taiwan")
    (False, False)
    """
    mine, theirs = _words(one), _words(other)
    if one == other or [w for w in mine if w.isdigit()] != [w for w in theirs if w.isdigit()]:
        return False
    if "".join(mine) == "".join(theirs):
        return bool(mine)
    if len(mine) != len(theirs):
        return False
    return all(a == b or _slipped(a, b) for a, b in zip(mine, theirs, strict=True))


@lru_cache(maxsize=4096)
def _words(name: str) -> tuple[str, ...]:
    """Return the words and numbers of a name; a capital in the middle begins another."""
    parted = _HUMP.sub(" ", unicodedata.normalize("NFKC", name))
    return tuple(_WORD.findall(parted.casefold()))


def _slipped(one: str, other: str) -> bool:
    least = min(len(one), len(other))
    if least < _SHORT or abs(len(one) - len(other)) > 1 or frozenset({one, other}) in _BOTH_ARE:
        return False
    if sorted(one) == sorted(other):
        return one[0] == other[0]  # letters in another order
    same = next((at for at in range(least) if one[at] != other[at]), least)
    if len(one) != len(other):
        shorter, longer = sorted((one, other), key=len)
        return shorter[same:] == longer[same + 1 :]
    if one[same + 1 :] != other[same + 1 :] or same in (0, least - 1):
        return False  # what begins or ends otherwise may be numbered by letters
    pair = one[same] + other[same]
    return least >= _LONG or pair in _KEYS or pair[::-1] in _KEYS
