r"""A workload, how it is timed, and the row that comes of it.

Timed are a run and what it is set against, in alternating rounds, so that a machine that slows down
slows both; of each the least time counts (noise only ever adds). With t, c the seconds of one run
on the wall clock and of the processor, and r those of the processor of its comparison,

    value = t / count in the row's unit, or the ratio itself (unit "x") ,        ratio = c / r .

Other programs take time on the wall but none of this process (and of those that it starts): the
ratio of a busy machine is that of a quiet one. Where threads share the work, and where the
processor's clock is coarse (Windows), the ratio is one of times on the wall. Where a row names no
comparison of its own, r is the reference kernel (:mod:`.kernel`): a fixed mix of what the package
spends its time on, so that the ratio, unlike the seconds, travels between machines.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter, process_time
from typing import Any

from yieldopt.benchmark.kernel import reference

UNITS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
_SLICE_S = 0.01  # a short run is repeated for so long in every round
Run = Callable[[], object]

if sys.platform == "win32":
    processor_seconds = process_time
else:
    import resource

    def processor_seconds() -> float:
        """Return seconds of the processor of this process and of its children that have ended."""
        below = resource.getrusage(resource.RUSAGE_CHILDREN)
        return process_time() + below.ru_utime + below.ru_stime


@dataclass(frozen=True)
class Effort:
    """How long to measure.

    Parameters
    ----------
    name
        As the history says it.
    rounds, seconds
        Both at least, the first round cold.
    most_seconds
        No further round is begun after this; one is always run.
    small
        Small problems, in a smoke run.
    """

    name: str
    rounds: int
    seconds: float
    most_seconds: float
    small: bool = False


SMOKE = Effort("smoke", 1, 0.0, 0.0, small=True)
QUICK = Effort("quick", 4, 0.5, 3.0)
FULL = Effort("full", 8, 2.0, 30.0)


@dataclass(frozen=True)
class Task:
    """A workload made ready.

    Parameters
    ----------
    run
        What is measured.
    against
        What it is set against; ``None``: the reference kernel.
    count
        Items of a run.
    wall
        The ratio is one of times on the wall: threads share the work.
    """

    run: Run
    against: Run | None = None
    count: float = 1.0
    wall: bool = sys.platform == "win32"


@dataclass(frozen=True)
class Seconds:
    """Seconds of one call: the least on the wall, of the processor the least mean of a slice."""

    wall: float = float("inf")
    cpu: float = float("inf")

    def least(self, other: Seconds) -> Seconds:
        """Return the lesser of both, each for itself."""
        return Seconds(min(self.wall, other.wall), min(self.cpu, other.cpu))


@dataclass(frozen=True)
class Work:
    """One row to measure.

    Parameters
    ----------
    name
        Words that say what is measured; the row's name in the history.
    unit
        ``"s"``, ``"ms"``, ``"us"``, ``"ns"`` per item, or ``"x"``: times the comparison.
    bar
        The most that the value may be, in the unit.
    prepare
        Makes the task ready; not timed.
    quick_name
        The name where less is run than in a full run, and the name says how much.
    """

    name: str
    unit: str
    bar: float
    prepare: Callable[[Effort], Task]
    quick_name: str | None = None

    def called(self, effort: Effort) -> str:
        """Return the name of the row at an effort."""
        return self.name if effort == FULL else self.quick_name or self.name


@dataclass(frozen=True)
class Row:
    """What was measured: a value, its ratio to the comparison, the bar on the value.

    Where the workload failed there is no value and no ratio, and ``reason`` says why.
    """

    name: str
    value: float | None
    unit: str
    ratio: float | None
    bar: float
    holds: bool
    reason: str = ""

    @property
    def failed(self) -> bool:
        """Whether nothing could be measured."""
        return self.value is None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def measure(work: Work, effort: Effort) -> Row:
    """Measure one workload.

    Examples
    --------
    >>> nothing = Work("nothing at all", "s", 1.0, lambda effort: Task(lambda: None))
    >>> row = measure(nothing, SMOKE)
    >>> row.unit, row.holds
    ('s', True)
    """
    return measured(work, work.prepare(effort), effort)


def measured(work: Work, task: Task, effort: Effort) -> Row:
    """Measure a task that is ready."""
    run, other = least_seconds([task.run, task.against or reference], effort)
    ratio = run.wall / other.wall if task.wall else run.cpu / other.cpu
    value = ratio if work.unit == "x" else run.wall / task.count * UNITS[work.unit]
    name = work.called(effort)
    return Row(name, value, work.unit, ratio, work.bar, value <= work.bar)


def least_seconds(runs: Sequence[Run], effort: Effort) -> list[Seconds]:
    """Return the least seconds of one call of each run, timed in alternating rounds.

    Parameters
    ----------
    runs
        What is timed, in this order in every round.
    effort
        How many rounds. The first is cold: its times are hardly ever the least.
    """
    best = [Seconds()] * len(runs)
    begun = perf_counter()
    done, spent = 0, 0.0
    while done == 0 or (
        spent < effort.most_seconds and (done < effort.rounds or spent < effort.seconds)
    ):
        for at, run in enumerate(runs):
            best[at] = best[at].least(_of_slice(run, 0.0 if effort.small else _SLICE_S))
        done, spent = done + 1, perf_counter() - begun
    return best


def _of_slice(run: Run, seconds: float) -> Seconds:
    """Repeat a run for a while: the least on the wall, the mean of the processor.

    The clock of the processor is set right now and then (for what a virtual machine was not given),
    by more than a short call takes: of single calls the least would be a fluke.
    """
    wall, calls = float("inf"), 0
    begun, worked = perf_counter(), processor_seconds()
    while True:
        start = perf_counter()
        run()
        now = perf_counter()
        wall, calls = min(wall, now - start), calls + 1
        if now - begun >= seconds:
            return Seconds(wall, (processor_seconds() - worked) / calls)
