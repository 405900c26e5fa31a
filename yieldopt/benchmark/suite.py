"""Every workload of the suite; a new one is a function in a file of its theme and a line there."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from yieldopt.benchmark import engine, process, robust, search, stacks
from yieldopt.benchmark.work import Effort, Row, Work, measure

WORKS: tuple[Work, ...] = (
    *search.WORKS,
    *stacks.WORKS,
    *robust.WORKS,
    *engine.WORKS,
    *process.WORKS,
)


def run(
    effort: Effort, works: Iterable[Work] = WORKS, seen: Callable[[Row], object] | None = None
) -> list[Row]:
    """Measure every workload, one after the other.

    Parameters
    ----------
    effort
        ``FULL``, ``QUICK`` or ``SMOKE`` (small problems, once each, figures without meaning).
    works
        Those to run.
    seen
        Called with each row as soon as it is there.
    """
    rows = []
    for work in works:
        rows.append(measure(work, effort))
        if seen is not None:
            seen(rows[-1])
    return rows
