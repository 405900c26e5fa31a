"""Products studied in processes of their own: the same answers, and nothing left behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from yieldopt import load
from yieldopt.optimize.budget import Budget
from yieldopt.study import study_case
from yieldopt.study.side_by_side import products_of

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


def test_a_time_limit_is_shared_out(path: Path) -> None:
    late = study_case(path, processes=2, time_limit_s=1e-6)
    assert all(str(one.tornado.status) == "unknown" for one in late.products)


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


def test_few_products_are_studied_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise BrokenProcessPool

    monkeypatch.setattr("yieldopt.study.side_by_side.ProcessPoolExecutor", refuse)
    assert len(study_case("minimal", processes=2).products) == 1
