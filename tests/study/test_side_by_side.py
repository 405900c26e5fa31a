"""Products studied in processes of their own: the same answers, and nothing left behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from yieldopt import load
from yieldopt.optimize.budget import Budget
from yieldopt.study import study_case
from yieldopt.study.side_by_side import _study, products_of

MINIMAL = Path(__file__).parents[2] / "cases" / "minimal.toml"
NAMES = ["one", "two", "three"]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a case with the product of `minimal` three times."""
    head, product = MINIMAL.read_text().split("[[products]]")
    head = "".join(line for line in head.splitlines(True) if not line.startswith("#"))
    named = [product.replace('"asic"', f'"{name}"') for name in NAMES]
    path = tmp_path_factory.mktemp("three") / "case.toml"
    path.write_text("[[products]]".join([head, *named]))
    return path


@pytest.mark.long
def test_processes_give_what_one_gives(path: Path) -> None:
    alone, beside = study_case(path), study_case(path, processes=2)
    assert beside.products == alone.products
    assert [one.product for one in beside.products] == NAMES
    assert not multiprocessing.active_children()


def test_a_time_limit_is_shared_out(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yieldopt.study.side_by_side._SHORT_S", 0.0)
    late = study_case(path, processes=2, time_limit_s=1e-6)
    assert all(str(one.tornado.status) == "unknown" for one in late.products)


def test_what_a_process_takes_to_begin_counts(path: Path) -> None:
    """A minute of time asked for a minute ago is none."""
    late = _study(load(path), 0, 60.0, time.time() - 61.0)
    assert str(late.tornado.status) == "unknown"
    assert str(_study(load(path), 0, 60.0, time.time()).tornado.status) == "optimal"


def test_a_process_that_dies_costs_no_answer(path: Path) -> None:
    case = load(path)
    with products_of(case, Budget(), 2) as products:
        children = multiprocessing.active_children()
        assert children
        for child in children:
            assert child.pid is not None
            os.kill(child.pid, signal.SIGKILL)
        found = products.all()
    assert [one.product for one in found] == NAMES


def test_what_ends_the_study_ends_the_processes(path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), products_of(load(path), Budget(), 2):
        raise KeyboardInterrupt
    assert not multiprocessing.active_children()


def test_processes_of_others_are_left_alone(path: Path) -> None:
    other = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60.0,))
    with pytest.raises(KeyboardInterrupt), products_of(load(path), Budget(), 2):
        other.start()
        raise KeyboardInterrupt
    try:
        assert multiprocessing.active_children() == [other]
    finally:
        other.kill()
        other.join()


KILLED = """
import multiprocessing, sys, time
from yieldopt import load
from yieldopt.optimize.budget import Budget
from yieldopt.study.side_by_side import products_of
with products_of(load(sys.argv[1]), Budget(), 2):
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    time.sleep(60.0)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
def test_a_program_that_is_killed_leaves_no_process(path: Path) -> None:
    """As `timeout` does, or a system short of memory: no handler of the program runs."""
    command = [sys.executable, "-c", KILLED, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        pids = [int(pid) for pid in program.stdout.readline().split()]
        assert pids
        program.kill()
    end = time.monotonic() + 20.0
    while (left := [pid for pid in pids if _runs(pid)]) and time.monotonic() < end:
        time.sleep(0.05)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def refuse(*_: object, **__: object) -> None:
    raise OSError("no more processes")


@pytest.mark.parametrize("what", ["yieldopt.study.side_by_side.ProcessPoolExecutor",
                                  "multiprocessing.context.SpawnProcess.start"])  # fmt: skip
def test_a_system_that_begins_no_processes_costs_no_answer(
    what: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No semaphores, as in some sandboxes, or too many processes."""
    monkeypatch.setattr(what, refuse)
    assert [one.product for one in study_case(path, processes=2).products] == NAMES


def test_few_products_or_seconds_are_studied_here(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise BrokenProcessPool

    monkeypatch.setattr("yieldopt.study.side_by_side.ProcessPoolExecutor", refuse)
    assert len(study_case("minimal", processes=2).products) == 1
    assert len(study_case(path, processes=2, time_limit_s=0.2).products) == len(NAMES)
