"""The planner against every recipe written out as one MILP, and its written tables checked.

The reference and the checker were written from the rules' description alone, by someone who had not
seen the planner, and are solved by SCIP; the planner uses HiGHS. Each rule alone, then many
together. The planner proves its plans to 1e-9; SCIP's tolerances are 1e-9 of each row: 1e-6 covers
both.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.planning.checker import check_folder
from tests.planning.random_plans import RULES, random_case
from tests.planning.reference import reference
from tests.seeds import seeds
from yieldopt import load
from yieldopt.report.files import write_all
from yieldopt.solving import solve_whole

AGREE = 1e-6


def check(rules: set[str], seed: int, tmp_path: Path) -> None:
    path = tmp_path / "case.toml"
    path.write_text(random_case(seed, rules))
    case = load(path)
    status, best_usd, _ = reference(case)
    solved = solve_whole(case)
    found = solved.result
    assert str(found.status) == status
    if best_usd is None:
        assert found.objective_usd is None
        return
    assert found.objective_usd == pytest.approx(best_usd, rel=AGREE)
    assert found.bound_usd is not None
    assert found.bound_usd <= best_usd + AGREE * abs(best_usd)
    made_of = sum(row["discounted_usd"] for row in found.costs)
    assert made_of == pytest.approx(found.objective_usd, rel=1e-9)
    write_all(solved, tmp_path / "out", path)
    assert check_folder(case, tmp_path / "out") == []


@pytest.mark.parametrize("seed", seeds(range(20, 23), 1))
@pytest.mark.parametrize("rule", RULES)
def test_each_rule_alone(rule: str, seed: int, tmp_path: Path) -> None:
    check({rule}, seed, tmp_path)


@pytest.mark.parametrize("seed", seeds(range(12), 6))
def test_many_rules_together(seed: int, tmp_path: Path) -> None:
    chosen = np.random.default_rng([seed, 91]).choice(sorted(RULES), 6, replace=False)
    check(set(chosen), seed, tmp_path)
