"""What differs in the answers of two cases, and the command."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from yieldopt import CaseError, load, solve
from yieldopt.cli import main
from yieldopt.data import bundled_cases
from yieldopt.difference import difference
from yieldopt.difference.answers import answer_changes

LIMIT = "products.asic.dppm_limit"


def run(*args: object) -> Result:
    return CliRunner().invoke(main, ["diff", *map(str, args)])


@pytest.fixture
def stricter(tmp_path: Path) -> Path:
    path = tmp_path / "stricter.toml"
    text = bundled_cases()["minimal"].read_text()
    path.write_text(text.replace("dppm_limit = 1000.0", "dppm_limit = 300.0"))
    return path


def test_answers_are_those_of_solve() -> None:
    case = load("minimal")
    other = case.replace(LIMIT, 300.0)
    found = difference(case, other)
    told = {change.key: (change.before, change.after) for change in found.answers}
    before, after = solve(case), solve(other)
    assert told["objective_usd"] == (before.objective_usd, after.objective_usd)
    costs = (before.products[0].cost_per_good_usd, after.products[0].cost_per_good_usd)
    assert told["products.asic.cost_per_good_usd"] == costs
    levels = (before.recipes[0].levels, after.recipes[0].levels)
    moved = {
        place: (a, levels[1][place]) for place, a in levels[0].items() if levels[1][place] != a
    }
    line = after.recipes[0].line
    assert moved
    assert moved == {place: told[f'recipes.asic.{line}.levels."{place}"'] for place in moved}
    assert len([key for key in told if ".levels." in key]) == len(moved)
    assert "status" not in told


def test_another_line_is_told_by_its_packages() -> None:
    case = load("minimal")
    line = solve(case).recipes[0].line
    (other,) = {"cowos_s", "osat_2p5d"} - {line}
    found = difference(case, case.replace("products.asic.routes", [other]))
    told = {change.key: (str(change.what), change.before, change.after) for change in found.answers}
    assert told[f"products.asic.made.{line}"] == ("removed", 1.0, None)
    assert told[f"products.asic.made.{other}"] == ("added", None, 1.0)


def test_several_recipes_on_a_line_go_by_their_levels() -> None:
    result = solve(load("minimal"))
    one = result.recipes[0]
    two = replace(one, id="asic/2", levels={**one.levels, "package/final_test": "other"})
    both = replace(result, recipes=(two, replace(one, id="asic/9")))
    assert list(answer_changes(both, replace(both, recipes=both.recipes[::-1]))) == []
    (row,) = answer_changes(both, result)
    assert (str(row.what), row.after) == ("removed", None)
    assert "package/final_test other" in row.key


def test_rounding_and_run_time_are_no_difference() -> None:
    result = solve(load("minimal"))
    assert result.objective_usd is not None
    later = replace(result, runtime_s=99.0, objective_usd=result.objective_usd * (1.0 + 1e-12))
    assert list(answer_changes(result, later)) == []
    dearer = replace(result, objective_usd=result.objective_usd * 1.001)
    (row,) = answer_changes(result, dearer)
    assert row.relative == pytest.approx(0.001)


def test_no_plan_any_more_is_a_changed_status() -> None:
    case = load("minimal")
    found = difference(case, case.replace("products.asic.interposer_mm", [90.0, 90.0]))
    told = {change.key: (change.before, change.after) for change in found.answers}
    assert told["status"] == ("optimal", "infeasible")
    assert told["binding"][0] == []


def test_the_same_inputs_are_not_solved(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any, **__: Any) -> None:
        raise AssertionError

    monkeypatch.setattr("yieldopt.difference.whole.solve", never)
    case = load("minimal")
    assert difference(case, load("minimal")).same
    only = difference(case, case.replace(LIMIT, 300.0), answers=False)
    assert (only.same, only.solved, only.answers) == (False, False, ())
    with pytest.raises(CaseError, match="above 0"):
        difference(case, case, time_limit_s=0.0)


def test_the_command_exits_as_diff_does(stricter: Path) -> None:
    same = run("minimal", "minimal")
    assert (same.exit_code, same.output) == (0, "minimal and minimal: no difference\n")
    other = run("minimal", stricter)
    assert other.exit_code == 1
    assert f"{LIMIT}" in other.output
    assert "-70.000%" in other.output
    assert "products.asic.cost_per_good_usd" in other.output
    wrong = run("minimal", "minimul")
    assert wrong.exit_code == 2
    assert "did you mean 'minimal'?" in wrong.output


def test_inputs_alone(stricter: Path) -> None:
    found = run("minimal", stricter, "--inputs", "--json")
    data = json.loads(found.output)
    assert found.exit_code == 1
    assert data["answers"] == []
    change = {"key": LIMIT, "what": "changed", "before": 1000.0, "after": 300.0}
    assert data["inputs"] == [change | {"relative": -0.7}]
    assert (data["same"], data["solved"]) == (False, False)


def test_json_and_text_tell_the_same_rows(stricter: Path) -> None:
    data = json.loads(run("minimal", stricter, "--json").output)
    text = run("minimal", stricter).output
    assert len(data["answers"]) > 3
    for row in data["inputs"] + data["answers"]:
        assert row["key"] in text


def test_long_values_are_cut_in_the_text_alone(tmp_path: Path, stricter: Path) -> None:
    title = "<script>" * 2000
    stricter.write_text(stricter.read_text().replace("One accelerator", title))
    text = run("minimal", stricter, "--inputs").output
    assert max(map(len, text.splitlines())) < 250
    assert (
        title
        in json.loads(run("minimal", stricter, "--inputs", "--json").output)["inputs"][0]["after"]
    )


def test_two_results_are_compared_by_their_answers(tmp_path: Path, stricter: Path) -> None:
    paths = tmp_path / "a.json", tmp_path / "b.json"
    for path, case in zip(paths, ("minimal", stricter), strict=True):
        path.write_text(json.dumps(solve(load(case)).to_dict()))
    found = run(*paths, "--json")
    assert found.exit_code == 1
    data = json.loads(found.output)
    assert data["inputs"] == []
    assert data["answers"] == json.loads(run("minimal", stricter, "--json").output)["answers"]
    assert run(paths[0], paths[0]).exit_code == 0
    for wrong in ((paths[0], stricter), (*paths, "--inputs")):
        refused = run(*wrong)
        assert refused.exit_code == 2
        assert "answers alone are known" in refused.output
    paths[1].write_text("{}")
    assert run(*paths).exit_code == 2


def test_cases_of_one_name_are_told_apart_by_their_files(stricter: Path) -> None:
    assert run("minimal", stricter, "--inputs").output.startswith(f"from minimal to {stricter}\n")


def test_what_all_but_vanishes_or_all_but_stays_is_not_rounded_off(tmp_path: Path) -> None:
    path = tmp_path / "case.toml"
    text = bundled_cases()["minimal"].read_text()
    path.write_text(
        text.replace("dppm_limit = 1000.0", "dppm_limit = 0.001\npower_w = 500.0000001")
    )
    other = tmp_path / "other.toml"
    other.write_text(path.read_text().replace("500.0000001", "500.0"))
    assert "-99.9999%" in run("minimal", path, "--inputs").output
    assert "-2e-08%" in run(path, other, "--inputs").output


def test_a_text_of_several_lines_stays_in_its_row(tmp_path: Path) -> None:
    path = tmp_path / "case.toml"
    text = bundled_cases()["minimal"].read_text()
    path.write_text(text.replace('title = "', 'title = "\\n\\u001b[2J', 1))
    (row,) = [r for r in run("minimal", path, "--inputs").output.splitlines() if "title" in r]
    assert r"\n\x1b[2J" in row
    assert row.endswith("changed")
