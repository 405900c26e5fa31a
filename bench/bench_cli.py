"""Whole processes: ``--version``, the B200-class case and the case of ``make run``.

Wall-clock seconds of the installed command, best of a few, with bytecode compiled. Bars: 0.15 s,
1.5 s, 20 s.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

BARS_S = {
    "--version": 0.15,
    "solve b200_class": 1.5,
    "solve accelerators_2026": 20.0,
}


@pytest.mark.parametrize("words", BARS_S)
def test_whole_process(benchmark: Any, words: str) -> None:
    command = [sys.executable, "-m", "yieldopt", *words.split()]
    rounds = 10 if words == "--version" else 3
    benchmark.pedantic(
        lambda: subprocess.run(command, check=True, capture_output=True),
        rounds=rounds,
        warmup_rounds=1,
    )
    best = benchmark.stats.stats.min
    print(f"\n{words}: {best:.3f} s (bar {BARS_S[words]} s)")
    assert best <= BARS_S[words]
