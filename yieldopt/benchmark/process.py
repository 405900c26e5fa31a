"""Workloads of whole processes: the installed command, from start to exit, bytecode compiled."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from yieldopt.benchmark.work import Effort, Task, Work


def command(*words: str) -> Callable[[Effort], Task]:
    """Return a workload of the whole command with the given words, best of a few."""
    return lambda effort: Task(lambda: _run(*words))


def _report(effort: Effort) -> Task:
    """The page of the largest case, plan and all studies, written to a file."""
    case = "minimal" if effort.small else "accelerators_2026"

    def run() -> None:
        with TemporaryDirectory() as folder:
            _run("report", case, "-o", str(Path(folder) / "report.html"))

    return Task(run)


def _run(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "yieldopt", *words], check=True, capture_output=True)


WORKS = (
    Work("yieldopt --version", "s", 0.15, command("--version")),
    Work("yieldopt solve b200_class", "s", 1.5, command("solve", "b200_class")),
    Work("yieldopt report accelerators_2026", "s", 5.0, _report),
)
