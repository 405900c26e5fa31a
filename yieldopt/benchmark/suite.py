"""Every workload of the suite; a new one is a function in a file of its theme and a line there."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from yieldopt.benchmark import engine, planning, process, robust, search, stacks
from yieldopt.benchmark.work import Effort, Row, Work, measure

WORKS: tuple[Work, ...] = (
    *search.WORKS,
    *stacks.WORKS,
    *robust.WORKS,
    *engine.WORKS,
    *planning.WORKS,
    *process.WORKS,
)


def run(
    effort: Effort, works: Iterable[Work] = WORKS, seen: Callable[[Row], object] | None = None
) -> list[Row]:
    """Measure every workload, one after the other; one that fails does not stop the others.

    Parameters
    ----------
    effort
        ``FULL``, ``QUICK`` or ``SMOKE`` (small problems, once each, figures without meaning).
    works
        Those to run.
    seen
        Called with each row as soon as it is there.

    Returns
    -------
    list of Row
        In the order of the workloads; of one that failed without value and ratio, with the reason.
    """
    rows = []
    for work in works:
        try:
            rows.append(measure(work, effort))
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            name = work.called(effort)
            rows.append(Row(name, None, work.unit, None, work.bar, False, reason))
        if seen is not None:
            seen(rows[-1])
    return rows
