"""What differs in the inputs of two cases: one row for one change, wherever it was made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from yieldopt import load
from yieldopt.data import bundled_cases
from yieldopt.difference.inputs import input_changes

Row = tuple[str, str, Any, Any]


def rows(before: object, after: object) -> list[Row]:
    return [(c.key, str(c.what), c.before, c.after) for c in input_changes(before, after)]


@pytest.mark.parametrize("name", ["minimal", "accelerators_2026", "ask_ramp_programme"])
def test_a_case_does_not_differ_from_itself(name: str) -> None:
    assert rows(load(name), load(name)) == []


@pytest.mark.parametrize(
    ("key", "value", "row"),
    [
        ("period_weeks", 4, ("period_weeks", "changed", 13.0, 4.0)),
        ("products.asic.dppm_limit", 300, ("products.asic.dppm_limit", "changed", 1000.0, 300.0)),
        ("products.asic.power_w", 400.0, ("products.asic.power_w", "added", None, 400.0)),
        ("products.asic.demand", [5.0], ("products.asic.demand", "changed", 0.0, [5.0])),
        (
            "products.asic.slots.memory",
            [{"part": "hbm3e_8h", "count": 6}],
            ("products.asic.slots.memory.hbm3e_8h.count", "changed", 4.0, 6.0),
        ),
        (
            "processes.n5.d0_per_cm2.base",
            0.09,
            ("processes.n5.d0_per_cm2", "changed", 0.1, 0.09),
        ),
        (
            "processes.n5.d0_per_cm2.high",
            0.2,
            ("processes.n5.d0_per_cm2.high", "changed", 0.11, 0.2),
        ),
        (
            "routes.cowos_s.steps.interposer.part",
            "si_interposer_osat",
            ("routes.cowos_s.steps.interposer.part", "changed", "si_interposer",
             "si_interposer_osat"),
        ),
        (
            "insertions.final_test.points",
            ["final", "system"],
            ("insertions.final_test.points", "changed", ["final"], ["final", "system"]),
        ),
    ],
)  # fmt: skip
def test_one_change_is_one_row(key: str, value: Any, row: Row) -> None:
    case = load("minimal")
    assert rows(case, case.replace(key, value)) == [row]
    back = {"changed": "changed", "added": "removed"}[row[1]]
    assert rows(case.replace(key, value), case) == [(row[0], back, row[3], row[2])]


def test_a_default_written_down_is_no_difference(tmp_path: Path) -> None:
    text = bundled_cases()["minimal"].read_text()
    path = tmp_path / "minimal.toml"
    path.write_text(text.replace("[[products]]", "period_weeks = 13\n[[products]]", 1))
    assert rows(load("minimal"), load(path)) == []


def test_models_that_inherit_a_change_show_it_too() -> None:
    case = load("minimal")
    changed = rows(case, case.replace("processes.si_interposer_65.edge_exclusion_mm", 4.0))
    assert ("processes.si_interposer_65.edge_exclusion_mm", "changed", 3.0, 4.0) in changed
    assert {key.rpartition(".")[2] for key, *_ in changed} == {"edge_exclusion_mm"}
    assert len(changed) > 1


def test_an_included_model_is_one_row_and_what_it_is_used_for_another(tmp_path: Path) -> None:
    (tmp_path / "own" / "parts").mkdir(parents=True)
    (tmp_path / "own" / "parts" / "mine.toml").write_text(
        'extends = "hbm3e_8h"\nname = "mine"\ntitle = "Mine"\nprice_usd = 320\n'
    )
    text = bundled_cases()["minimal"].read_text()
    path = tmp_path / "minimal.toml"
    included = text.replace("[[products]]", 'include = ["own"]\n[[products]]', 1)
    path.write_text(included)
    assert rows(load("minimal"), load(path)) == [("parts.mine", "added", None, None)]
    path.write_text(included.replace('"hbm3e_8h"', '"mine"'))
    assert rows(load("minimal"), load(path)) == [
        ("products.asic.slots.memory.hbm3e_8h.part", "removed", "hbm3e_8h", None),
        ("products.asic.slots.memory.hbm3e_8h.count", "removed", 4.0, None),
        ("products.asic.slots.memory.mine.part", "added", None, "mine"),
        ("products.asic.slots.memory.mine.count", "added", None, 4.0),
        ("parts.mine", "added", None, None),
    ]


def test_steps_go_by_name_and_their_order_counts() -> None:
    case = load("minimal")
    route = case.library.routes["cowos_s"]
    turned = route.model_copy(update={"steps": route.steps[::-1]})
    routes = {**case.library.routes, "cowos_s": turned}
    other = replace(case, library=replace(case.library, routes=routes))
    (row,) = rows(case, other)
    assert row[0] == "routes.cowos_s.steps"
    assert row[2] == row[3][::-1]


CHANGING = """
periods = ["a", "b"]
[[changes]]
begins = "b"
override.processes.n5.d0_per_cm2 = 0.08
source = "assumed: learning"
[[products]]"""
SCENARIOS = """
[[scenarios]]
name = "bad"
probability = 0.25
override.processes.n5.d0_per_cm2 = 0.2
[[scenarios]]
name = "usual"
probability = 0.75
"""


def test_what_changes_over_time_and_scenarios_are_told(tmp_path: Path) -> None:
    text = bundled_cases()["minimal"].read_text()
    one, two = tmp_path / "one.toml", tmp_path / "two.toml"
    changing = text.replace("[[products]]", CHANGING, 1)
    one.write_text(changing)
    two.write_text(changing.replace("0.08", "0.07"))
    key = "changes.b.processes.n5.d0_per_cm2"
    assert rows(load(one), load(two)) == [(key, "changed", 0.08, 0.07)]
    one.write_text(changing + SCENARIOS)
    assert [key for key, *_ in rows(load(two), load(one))] == [
        key,
        "scenarios.bad.probability",
        "scenarios.bad.processes.n5.d0_per_cm2",
        "scenarios.usual.probability",
    ]
    two.write_text(changing + SCENARIOS.replace("0.2\n", "0.3\n"))
    assert rows(load(one), load(two)) == [
        ("scenarios.bad.processes.n5.d0_per_cm2", "changed", 0.2, 0.3)
    ]
