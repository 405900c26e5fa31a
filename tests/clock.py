"""A clock that only the workloads move, so that every figure of a benchmark is exact."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from yieldopt.benchmark import work


class Clock:
    """Seconds that pass only where a workload says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def takes(self, seconds: float) -> Callable[[], None]:
        def run() -> None:
            self.now += seconds

        return run


def set_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Give the benchmark this clock for the wall's and the processor's."""
    made = Clock()
    for name in ("perf_counter", "processor_seconds"):
        monkeypatch.setattr(work, name, lambda: made.now)
    return made
