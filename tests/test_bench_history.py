"""The history of the benches and the comparison with it: exit codes, baselines, the picture.

No speed is asserted: the clock is moved by the workloads. One test slows a real workload down.
"""

from __future__ import annotations

import json
import os
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import compare, readme, store, trend
from tests.clock import Clock, set_clock
from yieldopt.benchmark import kernel
from yieldopt.benchmark.machine import machine, versions
from yieldopt.benchmark.work import QUICK, Effort, Row, Task, Work, measure

KEYS = ["name", "value", "unit", "ratio", "bar", "holds", "reason"]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return set_clock(monkeypatch)


def steady(clock: Clock, seconds: float, name: str = "steady", bar: float = 10.0) -> Work:
    """A workload of so many seconds against one of one second."""
    return Work(name, "x", bar, lambda effort: Task(clock.takes(seconds), clock.takes(1.0)))


def drawn(clock: Clock, takes: list[float], name: str = "drawn") -> Work:
    """A workload that takes another time whenever it is prepared again."""
    left = iter(takes)
    return Work(name, "x", 10.0, lambda effort: Task(clock.takes(next(left)), clock.takes(1.0)))


@pytest.fixture(autouse=True)
def fixed_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    """No git in the tests: it may be missing, and it is slow."""
    monkeypatch.setattr(store, "commit", lambda: ("c" * 40, False))


def history(folder: Path, *ratios: float, **more: Any) -> None:
    """Store runs of one row, a day apart, on this machine."""
    for day, ratio in enumerate(ratios):
        row = Row("steady", ratio, "x", ratio, 10.0, True)
        run = store.record([row], "full") | {"commit": f"{day:040x}", "dirty": False}
        store.write(run | {"date": f"2026-01-{day + 1:02d}T00:00:00+00:00"} | more, folder)


@pytest.mark.parametrize(("seconds", "code"), [(1.0, 0), (1.14, 0), (1.16, 1), (3.0, 1), (0.2, 0)])
def test_exit_code_of_a_slowdown(
    clock: Clock, tmp_path: Path, capsys: pytest.CaptureFixture[str], seconds: float, code: int
) -> None:
    history(tmp_path, 1.0, 1.02, 0.98)
    assert compare.main(["--history", str(tmp_path)], [steady(clock, seconds)]) == code
    assert ("SLOWER" in capsys.readouterr().out) == bool(code)


def test_one_noisy_repeat_is_no_slowdown(
    clock: Clock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history(tmp_path, 1.0)
    words = ["--history", str(tmp_path)]
    assert compare.main(words, [drawn(clock, [1.5, 1.01], "steady")]) == 0
    assert "noise" in capsys.readouterr().out
    assert compare.main(words, [drawn(clock, [1.5, 1.4], "steady")]) == 1


def test_a_real_workload_that_does_three_times_the_work_is_found(tmp_path: Path) -> None:
    """No clock of ours: the kernel against itself, then three of it."""
    once = Work("steady", "x", 10.0, lambda effort: Task(kernel.reference))
    before = measure(once, QUICK)
    history(tmp_path, before.ratio)

    def thrice() -> None:
        for _ in range(3):
            kernel.reference()

    slowed = Work("steady", "x", 10.0, lambda effort: Task(thrice))
    assert compare.main(["--quick", "--history", str(tmp_path)], [slowed]) == 1


def test_the_newest_stored_run_is_judged_by_those_before_it(clock: Clock, tmp_path: Path) -> None:
    history(tmp_path, 1.0, 1.0, 1.4)
    words = ["--latest", "--history", str(tmp_path)]
    assert compare.main(words, [steady(clock, 1.4)]) == 1
    assert compare.main(words, [steady(clock, 1.0)]) == 0  # the repeat is fine
    assert compare.main(words, []) == 1  # it cannot be repeated: the first counts


def test_without_history_a_fresh_run_is_new_and_the_latest_is_missing(
    clock: Clock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare.main(["--history", str(tmp_path)], [steady(clock, 1.0)]) == 0
    assert "new" in capsys.readouterr().out
    assert compare.main(["--latest", "--history", str(tmp_path)], []) == 2


def test_uncommitted_work_measured_before_is_not_its_own_baseline() -> None:
    now = {"commit": "b", "dirty": True, "date": "2026-01-03"}
    old = {"commit": "a", "dirty": True, "date": "2026-01-01"}
    same = {"commit": "b", "dirty": True, "date": "2026-01-02"}
    clean = {"commit": "b", "dirty": False, "date": "2026-01-02"}
    later = {"commit": "c", "dirty": False, "date": "2026-01-04"}
    assert store.before([old, same, clean, later], now) == [old, clean]
    assert store.before([same, later], now) == [same]  # better than none


def test_baseline_is_the_median_of_the_last_five_on_the_same_class_of_machine(
    tmp_path: Path,
) -> None:
    history(tmp_path, 9.0, 9.0, 1.0, 2.0, 3.0, 4.0, 50.0)
    runs = store.read(tmp_path)
    assert store.baseline(runs) == {"steady": 3.0}
    other = machine() | {"cpu": "another"}
    history(tmp_path / "other", 7.0, machine=other)
    both = [*runs, *store.read(tmp_path / "other")]
    assert store.alike(both, {"machine": machine()}) == runs
    assert store.alike(runs, {"machine": other}) == runs  # none alike: all


def test_a_stored_run_says_where_and_with_what(tmp_path: Path) -> None:
    path = store.write(store.record([Row("a", 1.0, "x", 1.0, 2.0, True)], "full"), tmp_path)
    (run,) = store.read(tmp_path)
    assert json.loads(path.read_text(encoding="utf-8")) == run
    assert list(run) == ["commit", "dirty", "date", "effort", "machine", "versions", "rows"]
    assert set(run["machine"]) == {"cpu", "cores", "system", "simd", "blas"}
    assert run["machine"]["cores"] == os.cpu_count()
    assert run["versions"]["numpy"] == np.__version__ == versions()["numpy"]
    assert list(run["rows"][0]) == KEYS


def test_trend_has_a_chart_for_every_row(tmp_path: Path) -> None:
    history(tmp_path, 1.0, 1.0, 1.0, 2.0)
    text = trend.picture(store.read(tmp_path))
    root = ET.fromstring(text)
    name = "{http://www.w3.org/2000/svg}"
    (line,) = root.iter(f"{name}polyline")
    heights = [float(point.split(",")[1]) for point in line.attrib["points"].split()]
    assert len(heights) == 4
    assert heights[0] == heights[2] > heights[3]  # slower stands higher
    assert [dot.attrib["fill"] for dot in root.iter(f"{name}circle")][-1] == "#d64545"
    assert trend.picture([]).startswith("<svg")


def test_the_readme_takes_the_figures_between_its_marks(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(f"above\n{readme.BEGIN}\nstale\n{readme.END}\nbelow\n", encoding="utf-8")
    run = store.record([Row("a|b", 1.0, "x", 1.0, 2.0, True)], "full")
    readme.refresh(run, path)
    text = path.read_text(encoding="utf-8")
    assert text.startswith("above\n") and text.endswith("below\n")
    assert "stale" not in text and r"| a\|b | 1 | x | 2 | yes | 1 |" in text
    path.write_text("no marks", encoding="utf-8")
    with pytest.raises(ValueError, match="no marks"):
        readme.refresh(run, path)
    assert readme.BEGIN in readme.README.read_text(encoding="utf-8")


def test_a_workload_that_fails_is_named_and_is_no_baseline(
    clock: Clock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: Effort) -> Task:
        raise RuntimeError("no plan")

    history(tmp_path, 1.0)
    works = [steady(clock, 1.0), Work("broken", "s", 1.0, broken)]
    assert compare.main(["--history", str(tmp_path)], works) == 1
    out = capsys.readouterr().out
    assert "failed: broken: RuntimeError: no plan" in out
    assert "none slower" in out
    failed = Row("a", None, "x", None, 2.0, False, "why")
    run = store.record([failed, Row("b", 1.0, "x", 1.5, 2.0, True)], "full")
    assert store.ratios(run) == {"b": 1.5}
    assert store.failures(run) == {"a": "why"}
