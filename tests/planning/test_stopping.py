"""A plan that is stopped: the best so far is a plan, its bound holds, and Ctrl-C stops it."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from threading import Event

import pytest

from tests.planning.checker import check_folder
from tests.planning.random_plans import random_case
from tests.seeds import seeds
from yieldopt import Status, load
from yieldopt.commands.progress import stopped_by_ctrl_c
from yieldopt.planning.generation import Round
from yieldopt.report.files import write_all
from yieldopt.solving import solve_whole

RULES = {"lumps", "lots", "stock", "qualification", "late"}


@pytest.mark.parametrize("rounds", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("seed", seeds(range(4), 2))
def test_a_stopped_plan_keeps_every_rule(seed: int, rounds: int, tmp_path: Path) -> None:
    """Stopped after some rounds, the answer is a plan within its gap of the optimum, or none."""
    path = tmp_path / "case.toml"
    path.write_text(random_case(seed, RULES))
    case = load(path)
    best = solve_whole(case).result
    assert best.objective_usd is not None
    stop, seen = Event(), list[Round]()

    def progress(done: Round) -> None:
        seen.append(done)
        if len(seen) >= rounds:
            stop.set()

    solved = solve_whole(case, progress=progress, stop=stop)
    found = solved.result
    if found.objective_usd is None:
        assert found.status is Status.UNKNOWN
        return
    assert found.bound_usd is not None
    rounding = 1e-9 * abs(best.objective_usd)
    assert found.bound_usd <= best.objective_usd + rounding
    assert found.objective_usd >= best.objective_usd - rounding
    write_all(solved, tmp_path / "out", path)
    assert check_folder(case, tmp_path / "out") == []


def test_the_bound_of_every_round_is_below_the_optimum(tmp_path: Path) -> None:
    path = tmp_path / "case.toml"
    path.write_text(random_case(3, {"pooled", "surcharges", "stock"}))
    seen = list[Round]()
    best = solve_whole(load(path), progress=seen.append).result
    assert best.objective_usd is not None
    money = [done for done in seen if not done.is_short]
    assert len(money) > 2
    assert all(done.bound_usd <= best.objective_usd * (1 + 1e-9) for done in money)
    assert max(done.bound_usd for done in money) == pytest.approx(best.objective_usd, rel=1e-9)


def test_no_bound_is_below_nothing_where_nothing_earns_money(tmp_path: Path) -> None:
    """The Lagrangian bound of this plan begins at less than -1 million USD."""
    path = tmp_path / "case.toml"
    path.write_text(random_case(10, {"pooled", "surcharges", "stock"}))
    seen = list[Round]()
    solve_whole(load(path), progress=seen.append)
    assert min(done.bound_usd for done in seen) >= 0.0


@pytest.mark.parametrize("gap", [1e-2, 1e-4, 0.0])
def test_a_gap_that_is_asked_for_is_kept(gap: float, tmp_path: Path) -> None:
    path = tmp_path / "case.toml"
    path.write_text(random_case(5, RULES))
    found = solve_whole(load(path), gap=gap).result
    assert found.gap is not None
    assert found.gap <= max(gap, 1e-9)


def test_the_first_ctrl_c_stops_and_the_second_ends(capsys: pytest.CaptureFixture[str]) -> None:
    with stopped_by_ctrl_c() as stop:
        assert not stop.is_set()
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.is_set()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "best plan so far" in captured.err


@pytest.mark.parametrize("seed", seeds(range(6), 2))
def test_coverage_chosen_by_scarcity_never_costs_more(seed: int, tmp_path: Path) -> None:
    path = tmp_path / "case.toml"
    path.write_text(random_case(seed, {"lumps", "shares"}))
    found = solve_whole(load(path)).result
    if found.coverage_saving_usd is not None and found.objective_usd is not None:
        assert found.coverage_saving_usd >= -1e-9 * abs(found.objective_usd)
