"""Workloads of whole processes: the installed command, from start to exit, bytecode compiled."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from yieldopt.benchmark.work import Effort, Task, Work


def command(*words: str) -> Callable[[Effort], Task]:
    """Return a workload of the whole command with the given words, best of a few."""
    line = [sys.executable, "-m", "yieldopt", *words]
    return lambda effort: Task(lambda: subprocess.run(line, check=True, capture_output=True))


WORKS = (
    Work("yieldopt --version", "s", 0.15, command("--version")),
    Work("yieldopt solve b200_class", "s", 1.5, command("solve", "b200_class")),
)
