"""Options of the benches, and the rows that they leave behind.

``--smoke`` runs small problems once and judges no time; ``--record`` stores the rows of the run in
``history/``, prints them as Markdown and puts them into ``README.md``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bench import readme, store
from yieldopt.benchmark.report import markdown
from yieldopt.benchmark.work import FULL, SMOKE, Effort, Row, Work, measured

ROWS: list[Row] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--smoke", action="store_true", help="small problems, once, no bars")
    parser.addoption("--record", action="store_true", help="store the rows in bench/history")


@pytest.fixture(scope="session")
def effort(request: pytest.FixtureRequest) -> Effort:
    return SMOKE if request.config.getoption("--smoke") else FULL


@pytest.fixture(autouse=True)
def small_constants(
    request: pytest.FixtureRequest, effort: Effort, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a smoke run a bench with sizes and limits of its own is made small and lenient too."""
    if effort.small:
        for name, value in (("SCENARIOS", 5_000), ("LIMIT", float("inf"))):
            if hasattr(request.module, name):
                monkeypatch.setattr(request.module, name, value)


@pytest.fixture
def judge(effort: Effort) -> Callable[[Row], None]:
    """Keep a row and hold it to its bar, unless this is a smoke run."""

    def kept(row: Row) -> None:
        ROWS.append(row)
        print(f"\n{row.name}: {row.value:.3g} {row.unit} (bar {row.bar:.3g}), {row.ratio:.3g} x")
        assert row.holds or effort.small, f"{row.value:.3g} {row.unit} misses {row.bar:.3g}"

    return kept


@pytest.fixture
def held(benchmark: Any, effort: Effort, judge: Callable[[Row], None]) -> Callable[[Work], None]:
    """Measure a workload of the suite; its plain times go to pytest-benchmark as well."""

    def run(work: Work) -> None:
        task = work.prepare(effort)
        benchmark.pedantic(task.run, rounds=min(effort.rounds, 3))
        row = measured(work, task, effort)
        benchmark.extra_info.update(row.to_dict())
        judge(row)

    return run


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if ROWS and config.getoption("--record") and not config.getoption("--smoke"):
        run = store.record(ROWS, FULL.name)
        path = store.write(run)
        readme.refresh(run)
        terminalreporter.write_line(
            f"stored: bench/history/{path.name}, table of bench/README.md\n"
        )
        terminalreporter.write_line(markdown(ROWS))
