"""Lumps that were ordered before the first period: they stand, run, and are not paid again."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.planning.checker import check_folder
from tests.planning.random_plans import random_case
from tests.planning.reference import reference
from tests.planning.test_futures import AGREE, ASKED, SCENARIOS, SOURCE, with_losses, with_scenarios
from tests.planning.test_futures import check as check_futures
from tests.seeds import seeds
from yieldopt import CaseError, load
from yieldopt.planning.joint import Risk
from yieldopt.report.files import write_all
from yieldopt.solving import solve_whole

RULES = {"lumps", "qualification", "discount", "budget_all"}


def written(folder: Path, seed: int, rules: set[str], more: str = "") -> Path:
    """A random case of whose expansions some lumps were ordered before."""
    rng = np.random.default_rng([seed, 71])
    text = random_case(seed, rules)
    periods = len(re.findall(r'"q\d+"', text.partition("\n\n")[0]))

    def also(found: re.Match[str]) -> str:
        counts = rng.integers(0, 3, periods).tolist()
        return f"{found[0]}\ncommitted = {counts}"

    path = folder / "case.toml"
    path.write_text(re.sub(r"(?m)^\[\[expansions\]\]$", also, text) + more)
    return path


@pytest.mark.parametrize("seed", seeds(range(30, 42), 3))
def test_plans_with_lumps_ordered_before(seed: int, tmp_path: Path) -> None:
    path = written(tmp_path, seed, RULES)
    case = load(path)
    assert any(any(lump.committed) for lump in case.expansions)
    status, best_usd, _ = reference(case)
    solved = solve_whole(case)
    assert str(solved.result.status) == status
    if best_usd is None:
        return
    assert solved.result.objective_usd == pytest.approx(best_usd, rel=AGREE)
    made_of = sum(row["discounted_usd"] for row in solved.result.costs)
    assert made_of == pytest.approx(best_usd, rel=AGREE)
    write_all(solved, tmp_path / "out", path)
    assert check_folder(case, tmp_path / "out") == []


@pytest.mark.parametrize("seed", [44, 45])
def test_futures_with_lumps_ordered_before(seed: int, tmp_path: Path) -> None:
    check_futures(with_losses(load(written(tmp_path, seed, {"lumps"}, ASKED)), 0.15), Risk())
    check_futures(with_scenarios(load(written(tmp_path, seed, {"lumps"}, SCENARIOS))), Risk())


ONE = f"""
[[expansions]]
name = "hall"
resource = "interposer.%s"
amount_per_period = 6.0
cost_usd = 1e9
running_usd_per_period = 1000.0
lead_time_periods = 9
most = 0
committed = [2, 0, 1]
{SOURCE}
"""
Least = Callable[[str], float]


@pytest.fixture
def bare(tmp_path: Path) -> tuple[Path, str]:
    seed = next(s for s in range(99) if '"q3"]' in random_case(s))
    text = random_case(seed)
    route = re.search(r'name = "interposer\.(\w+)"', text)
    assert route is not None
    return tmp_path / "case.toml", text + ONE % route[1]


def test_what_was_bought_is_not_paid_again(bare: tuple[Path, str]) -> None:
    """As capacity of one's own with fixed costs: by hand, and with nothing left to order."""
    path, text = bare
    path.write_text(text)
    found = solve_whole(load(path)).result
    route = re.search(r'resource = "(interposer\.\w+)"', text)
    assert route is not None
    name = re.escape(route[1])
    plain = text.partition("\n[[expansions]]")[0]

    def more(line: re.Match[str]) -> str:
        own = [float(part) for part in line[2].split(",")]
        return f"{line[1]}{[n + 6.0 * lumps for n, lumps in zip(own, (2, 2, 3), strict=True)]}"

    pattern = rf'(?s)(name = "{name}".*?capacity = )\[([^]]*)\]'
    path.write_text(re.sub(pattern, more, plain, count=1))
    other = solve_whole(load(path)).result
    assert found.objective_usd is not None
    assert other.objective_usd is not None
    # Three periods of two lumps and one of the third, not discounted.
    assert found.objective_usd == pytest.approx(other.objective_usd + 7 * 1000.0, rel=1e-9)
    assert not found.decisions
    held = {row["period"]: row["capacity"] for row in found.resource_use
            if row["resource"] == route[1]}  # fmt: skip
    assert held == {row["period"]: pytest.approx(row["capacity"]) for row in other.resource_use
                    if row["resource"] == route[1]}  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("[2, 0, 1]", "[2, 0]", "committed: 2 numbers for 3 periods"),
        ("[2, 0, 1]", "[0, 0, 0]", "most: there is nothing to order, and nothing ordered"),
        ("[2, 0, 1]", "[2, 0, 0.5]", "committed"),
        ("[2, 0, 1]", "[2, 0, -1]", "committed"),
        ("most = 0", "most = 1", "lead_time_periods: it never stands"),
    ],
)
def test_faults(before: str, after: str, words: str, bare: tuple[Path, str]) -> None:
    path, text = bare
    path.write_text(text.replace(before, after))
    with pytest.raises(CaseError, match=re.escape(words)):
        load(path)
