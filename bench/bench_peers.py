"""Peers beside us: agreement with their answers, and the time that both take, in one run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bench.peers.rows import PEERS
from yieldopt.benchmark.work import Effort, Row


@pytest.mark.parametrize("name", PEERS)
def test_peer(effort: Effort, judge: Callable[[Row], None], name: str) -> None:
    if "SciPy" in name:
        pytest.importorskip("scipy", reason="the extra `bench` is not installed")
    judge(PEERS[name](effort))
