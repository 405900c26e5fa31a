"""What differs between two cases, for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from yieldopt.difference import Change, Difference
from yieldopt.errors import plain
from yieldopt.report.text import columns

_KEY, _WIDE = 90, 48  # characters of a key and of a value; the JSON has all


def difference_text(found: Difference) -> str:
    """Return the inputs that differ, and the answers."""
    if found.same:
        return f"{found.before} and {found.after}: no difference"
    parts = [f"from {found.before} to {found.after}"]
    if found.inputs:
        parts.append(_table("inputs", found.inputs))
    if found.answers:
        parts.append(_table("answers", found.answers))
    elif found.solved:
        parts.append("the answers are the same")
    return "\n\n".join(parts)


def _table(title: str, changes: Iterable[Change]) -> str:
    rows: list[Sequence[str]] = [(title, "before", "after", "")]
    for change in changes:
        relative = change.relative
        grown = str(change.what) if relative is None else _grown(relative)
        rows.append((_cut(change.key, _KEY), _value(change.before), _value(change.after), grown))
    return columns(rows, right=(1, 2, 3))


def _grown(relative: float) -> str:
    """Three digits of a percent; more where these say that nothing is left, or nothing changed.

    Examples
    --------
    >>> _grown(0.25), _grown(-1.0), _grown(-0.999999), _grown(3e-8)
    ('+25.000%', '-100.000%', '-99.9999%', '+3e-06%')
    """
    text = f"{relative:+.3%}"
    exact = relative in (0.0, -1.0) or text not in ("-100.000%", "+0.000%", "-0.000%")
    return text if exact else f"{100.0 * relative:+.6g}%"


def _value(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.10g}"
    if isinstance(value, list):
        text = ", ".join(_value(item) for item in value)
    else:
        told = {True: "true", False: "false"}.get(value, str(value)) if value != "" else '""'
        text = plain(told)
    return _cut(text, _WIDE)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
