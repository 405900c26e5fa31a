"""Plain text and JSON."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from yieldopt.errors import CaseError
from yieldopt.flow import Flow, Outcome

_ROUND = 1e3  # amounts from here on are shown whole

_TOO_LARGE = "a result is too large for a double: check the sizes of the input"


def to_json(data: Any) -> str:
    """Return strict JSON (NaN and infinity refused), two spaces deep."""
    try:
        return json.dumps(data, indent=2, allow_nan=False, ensure_ascii=False)
    except ValueError:
        raise CaseError(_TOO_LARGE) from None


def outcome_data(out: Outcome) -> dict[str, Any]:
    """Return what ``eval --json`` prints: the same keys also where nothing can pass a step."""
    data = out.to_dict()
    blocked = data.pop("blocked", None)
    if blocked is None:
        tables = (out.waterfall_usd, out.visits, out.uses)
        numbers = [out.cost_per_good_usd, *(value for table in tables for value in table.values())]
        if not all(np.isfinite(value).all() for value in numbers):
            raise CaseError(_TOO_LARGE)
        return {"status": "evaluated"} | data | {"binding": []}
    empty: dict[str, Any] = {
        key: {} if isinstance(value, dict) else None for key, value in data.items()
    }
    return {"status": "infeasible"} | empty | {"binding": [blocked]}


def usd(value: float) -> str:
    """Return money to the cent, thousands marked."""
    return f"{value:,.2f}"


def quantity(value: float) -> str:
    """Return an amount: whole with thousands marked from a thousand on, else six digits.

    Examples
    --------
    >>> quantity(7652310.4), quantity(92.12345)
    ('7,652,310', '92.1235')
    """
    return f"{value:,.0f}" if value >= _ROUND else f"{value:.6g}"


def columns(rows: Iterable[Sequence[str]], right: Iterable[int] = ()) -> str:
    """Return rows as aligned columns; those of index ``right`` to the right.

    Examples
    --------
    >>> print(columns([("训练卡", "1"), ("gpu", "2,000")], right=[1]))
    训练卡      1
    gpu     2,000
    """
    table = [list(row) for row in rows]
    widths = [max(map(_places, column)) for column in zip(*table, strict=True)]
    flush = set(right)
    lines = [
        "  ".join(
            _filled(cell, width, at in flush)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]
    return "\n".join(lines)


def _filled(cell: str, width: int, to_the_right: bool) -> str:
    blank = " " * (width - _places(cell))
    return blank + cell if to_the_right else cell + blank


def _places(text: str) -> int:
    """Return how many places a text takes in a terminal: a wide letter two, an accent none."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(each) in "WF" for each in text)
    return len(text) + wide - sum(unicodedata.combining(each) > 0 for each in text)


def outcome_text(flow: Flow, out: Outcome) -> str:
    """Return what one evaluated flow gives, for people."""
    head = [
        ("cost per good package", usd(float(out.cost_per_good_usd)) + " USD"),
        ("cost per shipped package", usd(float(out.cost_per_shipped_usd)) + " USD"),
        ("shipped quality", f"{float(out.quality):.6f}"),
        ("DPPM", f"{float(out.dppm):,.1f}"),
    ]
    parts = [columns(head, right=(1,))]
    falls = [(name, usd(float(value))) for name, value in out.waterfall_usd.items()]
    parts.append("waterfall, USD per good package\n" + columns(falls, right=(1,)))
    steps = [("node/step", "charged runs per shipped", "USD per run")]
    for node in flow.nodes:
        for step in node.steps:
            name = f"{node.name}/{step.name}"
            steps.append((name, f"{float(out.visits[name]):.6f}", usd(float(step.cost_usd))))
    parts.append(columns(steps, right=(1, 2)))
    if out.uses:
        uses = [(name, f"{float(value):.6g}") for name, value in out.uses.items()]
        parts.append("resource use per shipped package\n" + columns(uses, right=(1,)))
    return "\n\n".join(parts)
