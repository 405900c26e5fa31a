"""Scenarios of a case file: each a case of its own, every fault at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from yieldopt import CaseError, load
from yieldopt.data import bundled_cases

MINIMAL = bundled_cases()["minimal"].read_text()
GOOD = """
[[scenarios]]
name = "base"
probability = 0.7

[[scenarios]]
name = "dirty"
title = "N5 at twice its defects"
probability = 0.3
source = "assumed: a guess"
[scenarios.override.processes.n5]
d0_per_cm2 = 0.2
[scenarios.override.routes.cowos_s.steps.mould_and_grind]
scrap = 0.05
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "case.toml"
    path.write_text(MINIMAL + text)
    return path


def faults(folder: Path, text: str) -> list[str]:
    path = written(folder, text)
    with pytest.raises(CaseError) as caught:
        load(path)
    return [str(fault).replace(str(path), "case") for fault in caught.value.faults]


def test_a_scenario_is_the_case_with_other_values(tmp_path: Path) -> None:
    case = load(written(tmp_path, GOOD))
    base, dirty = case.scenarios
    assert (base.name, base.probability, dirty.probability) == ("base", 0.7, 0.3)
    assert base.case.library.processes["n5"] == case.library.processes["n5"]
    assert dirty.case.library.processes["n5"].d0_per_cm2.base == 0.2
    steps = {step.work: step for step in dirty.case.library.routes["cowos_s"].steps}
    assert steps["mould_and_grind"].scrap is not None
    assert steps["mould_and_grind"].scrap.base == 0.05
    assert dirty.case.scenarios == ()
    assert load("minimal").scenarios == ()


def test_a_scenario_stands_over_what_the_case_overrides(tmp_path: Path) -> None:
    text = "[override.processes.n5]\nd0_per_cm2 = 0.3\n"
    base, dirty = load(written(tmp_path, text + GOOD)).scenarios
    assert base.case.library.processes["n5"].d0_per_cm2.base == 0.3
    assert dirty.case.library.processes["n5"].d0_per_cm2.base == 0.2


def line_of(text: str, words: str) -> int:
    return (MINIMAL + text).split(words)[0].count("\n") + 1


def test_wrong_numbers_and_names_are_all_said(tmp_path: Path) -> None:
    text = """
[[scenarios]]
name = "a"
probability = 0.0
[[scenarios]]
name = "a"
probability = 1.5
colour = "red"
[[scenarios]]
probability = 0.2
source = "nowhere"
[scenarios.override.process.n5]
d0_per_cm2 = 1.0
"""
    found = faults(tmp_path, text)
    assert len(found) == 6
    for words in (
        "scenarios[0].probability: must be above 0",
        "scenarios[1].probability: must be at most 1",
        "scenarios[1].colour: unknown key",
        "scenarios[1].name: duplicate name (got 'a')",
        "scenarios[2].name: ",
        "scenarios[2].source: ",
    ):
        assert sum(words in fault for fault in found) == 1, (words, found)


def test_probabilities_and_kinds(tmp_path: Path) -> None:
    text = GOOD.replace("0.7", "0.6").replace("override.processes", "override.proceses")
    found = faults(tmp_path, text)
    assert len(found) == 2
    assert "scenarios[1].override.proceses: unknown kind; did you mean 'processes'?" in found[0]
    assert "scenarios: probabilities must sum to 1 (got 0.89" in found[1]


def test_faults_of_an_override_stand_at_the_scenario(tmp_path: Path) -> None:
    text = (
        GOOD.replace("d0_per_cm2 = 0.2", "d0_per_cm2 = -1.0")
        .replace("mould_and_grind", "mold_and_grind")
        .replace("probability = 0.7", "probability = 0.7\noverride.processes.n55 = {yield = 1}")
    )
    found = faults(tmp_path, text)
    assert len(found) == 3
    heads = ("override.processes.n55", "d0_per", "[scenarios.override.routes")
    at = [line_of(text, words) for words in heads]
    assert found[0].startswith(f"case:{at[0]}: scenarios[0].override.processes.n55: unknown name")
    assert found[1].startswith(f"case:{at[1]}: scenarios[1].override.processes.n5.d0_per_cm2: ")
    assert found[2].startswith(f"case:{at[2]}: scenarios[1].override.routes.cowos_s.steps.mold")


def test_what_a_scenario_breaks_elsewhere_names_it(tmp_path: Path) -> None:
    text = GOOD + '[scenarios.override.insertions.wafer_sort]\npoints = ["nowhere"]\n'
    found = faults(tmp_path, text)
    assert found
    assert all("scenarios[1]" in fault or "in scenario dirty: " in fault for fault in found)
