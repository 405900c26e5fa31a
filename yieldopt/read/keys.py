"""Key paths as faults name them: dotted, list places in brackets, other signs quoted."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from typing import Any

from yieldopt.errors import CaseError, Fault

Path = tuple[str | int, ...]
_PART = r"""[ \t]*(?:[A-Za-z0-9_-]+|"(?:\\.|[^"\\\n])*"|'[^'\n]*')[ \t]*"""
_SHORT = 0xFFFF  # the last sign that four digits write


def path_of(key: str) -> Path:
    """Return the parts of a key path: ``a[2]."b.c"`` → ``("a", 2, "b.c")``."""
    tokens = re.finditer(r'"((?:\\.|[^"\\])*)"|\[(\d+)\]|([^.\[\]]+)', key)
    return tuple(int(found[2]) if found[2] else found[3] or _unquoted(found[1]) for found in tokens)


def parent_key(key: str) -> str:
    """Return the key path one level up: ``a.b[2]`` → ``a.b`` → ``a`` → ``""``."""
    if key.endswith("]") and "[" in key:
        return key[: key.rindex("[")]
    return re.sub(r"\.?(\"(\\.|[^\"])*\"|[^.\[\]]+)$", "", key) if "." in key else ""


def join_key(parts: Iterable[str | int]) -> str:
    """Return a key path: ``("a", 2, "b.c")`` → ``a[2]."b.c"``."""
    out = ""
    for part in parts:
        if isinstance(part, int):
            out += f"[{part}]"
        else:
            name = part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else f'"{_quoted(part)}"'
            out += f".{name}" if out else name
    return out


def _quoted(name: str) -> str:
    return "".join(map(_sign, name))


def _sign(sign: str) -> str:
    """Return a sign as TOML has it between quotes: what prints as it is, all else as a number."""
    if sign in '"\\':
        return f"\\{sign}"
    if sign.isprintable():
        return sign
    return f"\\u{ord(sign):04x}" if ord(sign) <= _SHORT else f"\\U{ord(sign):08x}"


def _unquoted(text: str) -> str:
    def sign(found: re.Match[str]) -> str:
        return chr(int(found[1][1:], 16)) if found[1][1:] else found[1]

    return re.sub(r"\\(u[0-9a-f]{4}|U[0-9a-f]{8}|.)", sign, text)


def key_parts(key: str) -> tuple[str, ...]:
    """Return the parts of a dotted key, written as in TOML: ``a."b.c"`` → ``("a", "b.c")``.

    Raises
    ------
    CaseError
        Not a key.
    """
    refused = Fault("not a dotted key", value=key, hint='quote a part as in a."b/c"')
    if not re.fullmatch(rf"{_PART}(\.{_PART})*", key):  # a line of TOML can hold more than a key
        raise CaseError(refused)
    try:
        data: Any = tomllib.loads(f"{key} = 0")
    except tomllib.TOMLDecodeError:
        raise CaseError(refused) from None
    parts: list[str] = []
    while isinstance(data, dict):
        ((name, data),) = data.items()
        parts.append(name)
    return tuple(parts)
