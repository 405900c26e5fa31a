"""A user's script passes `mypy --strict` on the package's own types, and its mistakes do not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPT = '''\
"""A user's script: what a cleaner process is worth, and what limits it."""

from __future__ import annotations

import polars as pl

import yieldopt
from yieldopt import Case, CaseError, Outcome, Result, load, solve
from yieldopt.breakeven import breakeven
from yieldopt.comparison import compare
from yieldopt.difference import difference
from yieldopt.explanation import explain
from yieldopt.optimize.frontier_case import product_frontier


def cost_usd(case: Case) -> float | None:
    result: Result = solve(case, time_limit_s=60.0)
    return result.products[0].cost_per_good_usd


def main() -> None:
    case = load("minimal")
    costs = [cost_usd(case.replace("processes.n5.d0_per_cm2", d0)) for d0 in (0.06, 0.08)]
    print([f"{cost:,.2f}" for cost in costs if cost is not None])
    strict = case.replace({"products.asic.dppm_limit": 300.0, "period_weeks": 4.0})
    print([change.key for change in difference(case, strict).inputs])
    frames: dict[str, pl.DataFrame] = solve(case).to_polars()
    print(frames["products"].height, yieldopt.to_pandas(solve(case))["levels"].shape)
    print([column.route for column in compare(case)])
    explained = explain(case, "asic").explanation
    front = product_frontier(case, "asic", most=5).frontier
    if explained is not None and front is not None:
        print(explained.plan.dppm >= front.points[-1].dppm)
    node = {"name": "die", "steps": [{"name": "fab", "kind": "process", "cost_usd": 1.0}]}
    outcome: Outcome = yieldopt.evaluate(yieldopt.read_flow({"ship": "die", "nodes": [node]}))
    print(float(outcome.cost_per_good_usd))
    key = "routes.osat_2p5d.steps.ship_to_osat.cost_usd"
    print(breakeven(case, key, ("cowos_s", "osat_2p5d"), low=0.0, high=20.0).crossings[0].value)
    try:
        load("minimul")
    except CaseError as error:
        print(error.faults[0].hint)


main()
'''
WRONG = """\
import yieldopt
yieldopt.solve("minimal")
yieldopt.load("minimal").replace(1, 2)
cost: float = yieldopt.solve(yieldopt.load("minimal")).products[0].cost_per_good_usd
yieldopt.sovle
"""


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, cwd=folder, env=env, check=False
    )


@pytest.mark.long
def test_a_script_is_checked_against_our_types(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "wrong.py").write_text(WRONG)
    mypy = ("-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"))
    good = run(tmp_path, *mypy, "script.py")
    assert good.returncode == 0, good.stdout
    bad = run(tmp_path, *mypy, "wrong.py")
    assert bad.returncode == 1
    assert re.findall(r"wrong.py:(\d+): error", bad.stdout) == ["2", "3", "4", "5"], bad.stdout
    done = run(tmp_path, "script.py")
    assert done.returncode == 0, done.stderr
    assert "did you mean 'minimal'?" in done.stdout
