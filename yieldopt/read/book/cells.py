"""Values of a case as cells, exactly: numbers and flags as such, text as text, the rest as TOML.

Text in a cell is that text. Lists and tables are written as TOML, in a cell that begins with ``[``
or ``{``; so is text that a cell would not keep as it is, in quotes.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from yieldopt.errors import CaseError, Fault
from yieldopt.read.book.layout import Cell
from yieldopt.read.book.toml import toml_key, toml_value
from yieldopt.read.keys import key_parts

_TOML = ("[", "{", '"', "'")
_CODED = re.compile("_(?=x[0-9a-fA-F]{4}_)")  # spreadsheet programs read _x0041_ as A
_ASIDE = "put text in quotes that begins with a bracket or a quote"


def cell_of(value: Any) -> Cell:
    """Return the cell of a value; :func:`value_of` gives the value back.

    Examples
    --------
    >>> [cell_of(value) for value in (0.5, "cowos_l", ["a", 2.0], {"part": "x"}, "[1]", " a")]
    [0.5, 'cowos_l', '["a", 2.0]', '{ part = "x" }', '"[1]"', '" a"']
    """
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, str) and _is_plain(value):
        return value
    return _inline(value)


def value_of(cell: Cell) -> Any:
    """Return the value of a cell.

    Raises
    ------
    CaseError
        It begins like TOML and is none.

    Examples
    --------
    >>> [value_of(cell) for cell in (0.5, "cowos_l", '["a", 2.0]', '"[1]"')]
    [0.5, 'cowos_l', ['a', 2.0], '[1]']
    """
    if not isinstance(cell, str) or not cell.startswith(_TOML):
        return cell
    try:
        found = tomllib.loads(f"value = {cell}")
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise CaseError(Fault(f"not TOML: {error}", value=cell, hint=_ASIDE)) from None
    if list(found) != ["value"]:
        raise CaseError(Fault("not one value", value=cell, hint=_ASIDE))
    return found["value"]


def key_text(parts: Iterable[str]) -> str:
    """Return a dotted key as TOML has it; :func:`parts_of` gives the parts back.

    Examples
    --------
    >>> key_text(("levels", "logic/probe", "é"))
    'levels."logic/probe"."é"'
    """
    return _CODED.sub(r"\\u005f", toml_key(parts, _is_kept))


def parts_of(key: str) -> tuple[str, ...]:
    """Return the parts of a dotted key.

    Raises
    ------
    CaseError
        Not a key.
    """
    try:
        return key_parts(key)
    except CaseError:
        raise
    except ValueError:  # a line of TOML, and more than a key
        raise CaseError(Fault("not a dotted key", value=key)) from None


def leaves(
    table: Mapping[str, Any], above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield (path, value) of everything in a table that is no table, or an empty one.

    Examples
    --------
    >>> list(leaves({"a": {"b": 1, "c": {}}, "d": [2]}))
    [(('a', 'b'), 1), (('a', 'c'), {}), (('d',), [2])]
    """
    for key, value in table.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, (*above, key))
        else:
            yield (*above, key), value


def _is_plain(text: str) -> bool:
    """Return whether text stands in a cell as it is, and comes back from there."""
    kept = bool(text) and text == text.strip() and text.isprintable() and not _CODED.search(text)
    return kept and not text.startswith(_TOML)


def _inline(value: Any) -> str:
    """Return a value as TOML on one line, of signs that a cell keeps."""
    return _CODED.sub(r"\\u005f", toml_value(value, _is_kept))


def _is_kept(key: str) -> bool:
    return not _CODED.search(key)
