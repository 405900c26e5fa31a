"""Rows as a table for people, as Markdown for the README and as JSON for scripts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from yieldopt.benchmark.work import Row
from yieldopt.report.text import columns, to_json

HEAD = ("work", "value", "unit", "bar", "holds", "ratio")


def cells(row: Row) -> tuple[str, ...]:
    """Return the cells of one row under ``HEAD``."""
    return (
        row.name,
        f"{row.value:.3g}",
        row.unit,
        f"{row.bar:.3g}",
        "yes" if row.holds else "NO",
        f"{row.ratio:.3g}",
    )


def table(rows: Iterable[Row]) -> str:
    """Return aligned columns and what holds."""
    listed = list(rows)
    missed = sum(not row.holds for row in listed)
    verdict = "every bar holds" if not missed else f"{missed} of {len(listed)} bars missed"
    return columns([HEAD, *map(cells, listed)], right=(1, 3, 5)) + f"\n\n{verdict}"


def markdown(rows: Iterable[Row]) -> str:
    """Return a Markdown table."""

    def line(words: Sequence[str]) -> str:
        return "| " + " | ".join(word.replace("|", r"\|") for word in words) + " |"

    rule = line(["---", "---:", "---", "---:", "---", "---:"])
    return "\n".join([line(HEAD), rule, *(line(cells(row)) for row in rows)])


def json_rows(rows: Iterable[Row]) -> str:
    """Return a JSON list of ``name, value, unit, ratio, bar, holds``."""
    return to_json([row.to_dict() for row in rows])
