"""The checker, and the random plans that it is to check.

The reference's plan of every rule alone must pass. It must not pass where it cannot be right: the
better of the optima with and without a rule breaks the case that has the worse one, else that
would not be its optimum.
"""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import pytest

from tests.planning.checker import check_folder
from tests.planning.neutral import without
from tests.planning.random_plans import RULES, random_case
from tests.planning.reference import Plan, reference
from tests.planning.written import write_plan
from yieldopt import load
from yieldopt.schema.case import Case

# Seeds at which each rule moves the optimum.
BINDS = dict.fromkeys(RULES, 1) | {
    "one_programme": 2, "shares": 0, "share_region": 0, "budget_capital": 3, "lumps": 3,
}  # fmt: skip


def case_of(folder: Path, seed: int, rules: set[str]) -> Case:
    path = folder / "case.toml"
    path.write_text(random_case(seed, rules))
    return load(path)


def solved(case: Case) -> tuple[float, Plan]:
    status, usd, plan = reference(case)
    assert status == "optimal"
    assert usd is not None and plan is not None
    return usd, plan


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_alone_binds_and_its_breach_is_found(rule: str, tmp_path: Path) -> None:
    case = case_of(tmp_path, BINDS[rule], {rule})
    found = []
    for name, own in (("with", case), ("without", without(case, rule))):
        status, usd, plan = reference(own)
        found.append((math.inf if usd is None else usd, tmp_path / name, own))
        assert (plan is None) == (status == "infeasible")
        if usd is not None and plan is not None:
            write_plan(own, usd, plan, tmp_path / name)
            assert check_folder(own, tmp_path / name) == []
    (low, better, _), (high, _, dear) = sorted(found, key=lambda row: row[0])
    assert high - low > 1e-6 * abs(low)
    assert check_folder(dear, better) != []


MANY = [  # seeds at which the plan books, or builds and qualifies, and leaves demand unmet
    (6, {"lines", "stock", "late", "lumps", "bookings", "discount", "changes", "surcharges"}),
    (3, {"qualification", "lots", "one_programme", "margin", "pooled", "share_each", "lumps"}),
]


@pytest.fixture(scope="module", params=MANY, ids=["first", "second"])
def many(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple:
    case = case_of(tmp_path_factory.mktemp("many"), *request.param)
    usd, plan = solved(case)
    return case, usd, plan


def test_many_rules_together_pass(many: tuple, tmp_path: Path) -> None:
    write_plan(*many, tmp_path)
    assert check_folder(many[0], tmp_path) == []


def change(path: Path, row: int, column: str, value: object) -> None:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    rows[row][column] = str(value)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def first(path: Path, column: str) -> float:
    with path.open(newline="") as file:
        return float(next(csv.DictReader(file))[column])


@pytest.mark.parametrize(
    ("table", "column", "factor", "word"),
    [
        ("allocation", "packages", 1.001, "packages that come and go"),
        ("unmet", "packages", 1.001, "packages that come and go"),
        ("recipes", "cost_per_good_usd", 1.0 + 1e-6, "not what the engine says"),
        ("recipes", "quality", 1.0 - 1e-6, "not what the engine says"),
        ("uses", "per_good", 1.001, "not what the engine says"),
        ("decisions", "cost_usd", 1.001, "cost of|booking"),
        ("decisions", "amount", 0.5, "lumps|one qualification|booking|cost of"),
    ],
)
def test_a_wrong_number_is_found(
    table: str, column: str, factor: float, word: str, many: tuple, tmp_path: Path
) -> None:
    write_plan(*many, tmp_path)
    path = tmp_path / f"{table}.csv"
    change(path, 0, column, first(path, column) * factor)
    found = check_folder(many[0], tmp_path)
    assert any(part in line for line in found for part in word.split("|")), found


@pytest.mark.parametrize("level", ["f990", "f999", "f9995", "no_such_level"])
def test_a_wrong_level_is_found(level: str, many: tuple, tmp_path: Path) -> None:
    write_plan(*many, tmp_path)
    path = tmp_path / "levels.csv"
    with path.open(newline="") as file:
        at, row = next(
            (at, row) for at, row in enumerate(csv.DictReader(file))
            if row["insertion"] == "package/final_test"
        )  # fmt: skip
    change(path, at, "level", level)
    assert (check_folder(many[0], tmp_path) == []) == (level == row["level"])


def test_a_wrong_objective_is_found(many: tuple, tmp_path: Path) -> None:
    case, usd, plan = many
    write_plan(case, usd + 1e-3 * abs(usd), plan, tmp_path)
    assert [line for line in check_folder(case, tmp_path) if line.startswith("objective")]


def test_no_plan_says_so(many: tuple, tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text(
        json.dumps({"status": "infeasible", "objective_usd": None})
    )
    assert check_folder(many[0], tmp_path) == ["no plan: infeasible"]
