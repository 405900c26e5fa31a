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
        _number(row.value),
        row.unit,
        f"{row.bar:.3g}",
        "yes" if row.holds else "NO",
        _number(row.ratio),
    )


def _number(value: float | None) -> str:
    return "failed" if value is None else f"{value:.3g}"


def table(rows: Iterable[Row]) -> str:
    """Return aligned columns, what holds, and why a workload failed."""
    listed = list(rows)
    failed = [row for row in listed if row.failed]
    missed = sum(not row.holds for row in listed) - len(failed)
    verdict = f"{missed} of {len(listed)} bars missed" if missed else "every bar holds"
    if failed:
        verdict = f"{len(failed)} of {len(listed)} workloads failed; of the others {verdict}"
    why = [f"  {row.name}: {row.reason}" for row in failed]
    shown = columns([HEAD, *map(cells, listed)], right=(1, 3, 5))
    return "\n".join([shown, "", verdict, *why])


def markdown(rows: Iterable[Row]) -> str:
    """Return a Markdown table."""

    def line(words: Sequence[str]) -> str:
        return "| " + " | ".join(word.replace("|", r"\|") for word in words) + " |"

    rule = line(["---", "---:", "---", "---:", "---", "---:"])
    return "\n".join([line(HEAD), rule, *(line(cells(row)) for row in rows)])


def json_rows(rows: Iterable[Row]) -> str:
    """Return a JSON list of ``name, value, unit, ratio, bar, holds, reason``."""
    return to_json([row.to_dict() for row in rows])
