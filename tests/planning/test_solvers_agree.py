"""Three solvers on every bundled case: the same optimum, and JSON that stays clean.

A case's answer is proved to 1e-9 by each; what is written through PuLP's files has some 1e-7.
"""

from __future__ import annotations

import json

import pulp
import pytest
from click.testing import CliRunner

from yieldopt import load, solve
from yieldopt.cli import main
from yieldopt.data import bundled_cases
from yieldopt.optimize.backends import BACKENDS

AGREE = 1e-6
OTHERS = [name for name in BACKENDS if name != "highs"]
# What is short of something: the rest has no row that binds, and each solver one number to give.
CASES = sorted(name for name in bundled_cases() if load(name).resources)
LONG = ("accelerators_2026",)
AVAILABLE = pulp.listSolvers(onlyAvailable=True)
FOUND = ["HiGHS", *(name for name in ("PULP_CBC_CMD", "COIN_CMD") if name in AVAILABLE)]


@pytest.mark.parametrize(
    "case",
    [pytest.param(name, marks=pytest.mark.long) if name in LONG else name for name in CASES],
)
def test_all_solvers_agree(case: str) -> None:
    found = solve(load(case))
    assert found.objective_usd is not None
    if found.stand_alone_coverage_usd is not None:  # else no such plan keeps every rule
        rounding = 1e-9 * abs(found.objective_usd)
        assert found.stand_alone_coverage_usd >= found.objective_usd - rounding
    for solver in OTHERS:
        other = solve(load(case), solver=solver)
        assert other.status == found.status
        assert other.objective_usd == pytest.approx(found.objective_usd, rel=AGREE)
        assert other.solver == solver
        made = {p.name: p.made for p in found.products}
        for product in other.products:  # several plans may cost the same: what is made hardly may
            assert product.made == pytest.approx(made[product.name], rel=1e-3, abs=1.0)


@pytest.mark.parametrize("name", FOUND)
def test_a_solver_that_pulp_finds(name: str) -> None:
    """HiGHS is always there; CBC with PuLP 3, and with PuLP 4 by the extra ``cbc``."""
    found = solve(load("plan_from_tables"), solver=f"pulp:{name}")
    best = solve(load("plan_from_tables")).objective_usd
    assert found.objective_usd == pytest.approx(best, rel=AGREE)


@pytest.mark.parametrize("solver", BACKENDS)
def test_json_is_all_that_is_printed(solver: str) -> None:
    ran = CliRunner().invoke(main, ["solve", "plan_from_tables", "--json", "--solver", solver])
    assert ran.exit_code == 0
    assert json.loads(ran.stdout)["solver"] == solver
