"""Key paths as faults name them: dotted, list places in brackets, other signs quoted."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable
from typing import Any

from yieldopt.errors import CaseError, Fault

Path = tuple[str | int, ...]


def path_of(key: str) -> Path:
    """Return the parts of a key path: ``a[2]."b.c"`` → ``("a", 2, "b.c")``."""
    tokens = re.findall(r'"(?:\\.|[^"\\])*"|\[\d+\]|[^.\[\]]+', key)
    return tuple(
        int(t[1:-1]) if t.startswith("[") else json.loads(t) if t.startswith('"') else t
        for t in tokens
    )


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
            name = part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else json.dumps(part)
            out += f".{name}" if out else name
    return out


def key_parts(key: str) -> tuple[str, ...]:
    """Return the parts of a dotted key, written as in TOML: ``a."b.c"`` → ``("a", "b.c")``.

    Raises
    ------
    CaseError
        Not a key.
    """
    try:
        data: Any = tomllib.loads(f"{key} = 0")
    except tomllib.TOMLDecodeError:
        raise CaseError(
            Fault("not a dotted key", value=key, hint='quote a part as in a."b/c"')
        ) from None
    parts: list[str] = []
    while isinstance(data, dict):
        ((name, data),) = data.items()
        parts.append(name)
    return tuple(parts)
