"""What differs between two cases, for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from yieldopt.difference import Change, Difference
from yieldopt.report.text import columns

_KEY, _WIDE = 90, 48  # characters of a key and of a value; the JSON has all


def difference_text(found: Difference) -> str:
    """Return the inputs that differ, and the answers."""
    if found.same:
        return f"{found.before} and {found.after}: no difference"
    parts = [f"from {found.before} to {found.after}", _table("inputs", found.inputs)]
    if found.answers:
        parts.append(_table("answers", found.answers))
    elif found.solved:
        parts.append("the answers are the same")
    return "\n\n".join(parts)


def _table(title: str, changes: Iterable[Change]) -> str:
    rows: list[Sequence[str]] = [(title, "before", "after", "")]
    for change in changes:
        relative = change.relative
        grown = str(change.what) if relative is None else f"{relative:+.3%}"
        rows.append((_cut(change.key, _KEY), _value(change.before), _value(change.after), grown))
    return columns(rows, right=(1, 2, 3))


def _value(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.10g}"
    if isinstance(value, list):
        text = ", ".join(_value(item) for item in value)
    else:
        text = {True: "true", False: "false"}.get(value, str(value)) if value != "" else '""'
    return _cut(text, _WIDE)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
