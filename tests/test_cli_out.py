"""``solve --out``: files written whole or not at all, and never beside the inputs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.test_cli import ROOT, case, run, scarce, strict
from yieldopt import CaseError, load, solve
from yieldopt.report.files import check_folder, write_all
from yieldopt.solving import Solved


def test_out_writes_files(tmp_path: Path) -> None:
    out = tmp_path / "a" / "b"
    printed = run("solve", scarce(tmp_path), "--json", "--out", out).stdout
    names = {path.name for path in out.iterdir()}
    assert {"result.json", "result.txt", "recipes.csv", "allocation.csv", "routes.csv",
            "allocation.lp", "allocation.mps"} <= names  # fmt: skip
    assert not [name for name in names if name.startswith(".")]
    assert strict((out / "result.json").read_text()) == strict(printed)
    alone = strict(run("solve", scarce(tmp_path), "--json").stdout)
    assert alone | {"runtime_s": 0} == strict(printed) | {"runtime_s": 0}
    rows = (out / "allocation.csv").read_text().splitlines()
    assert len(rows) == 1 + len(strict(printed)["allocation"])


def test_a_failing_writer_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from yieldopt.optimize.backends import pulp_lp

    out = tmp_path / "out"
    out.mkdir()
    for name in ("result.json", "allocation.lp", "allocation.mps"):
        (out / name).write_text("old")

    def half(_: object, path: Path) -> None:
        path.write_text("half a pro")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pulp_lp, "write", half)
    result = run("solve", "minimal", "--json", "--out", out, code=2)
    assert "no space left" in result.stderr
    assert strict(result.stdout)["objective_usd"] > 0.0  # the answer is not lost
    names = {path.name for path in out.iterdir()}
    assert names == {"result.json", "allocation.lp", "allocation.mps"}
    assert {(out / name).read_text() for name in names} == {"old"}  # not half of another plan
    monkeypatch.undo()

    def full(self: Path, text: str, *_: object, **__: object) -> int:
        with self.open("w") as handle:
            handle.write(text[:10])
        raise OSError(28, "No space left on device")

    (out / "result.json").write_text("old")
    monkeypatch.setattr(Path, "write_text", full)
    run("solve", "minimal", "--json", "--out", out, code=2)
    assert (out / "result.json").read_text() == "old"
    assert not list(out.glob(".*"))


def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_solved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("old")
    (tmp_path / "nowhere").symlink_to(tmp_path / "no" / "such")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    places = {
        "file": "not a folder",
        "file/below": "is no folder",
        "nowhere": "is no folder",
        "loop": "is no folder",
        "n" * 300: "too long",
    }
    for place, words in places.items():
        with pytest.raises(CaseError, match=words):
            check_folder(tmp_path / place, tmp_path / "elsewhere" / "case.toml")
    check_folder(tmp_path / "new" / "newer", tmp_path / "elsewhere" / "case.toml")
    assert not (tmp_path / "new").exists()
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write everywhere
    with pytest.raises(CaseError, match="may not be written"):
        check_folder(tmp_path / "new" / "newer", tmp_path / "elsewhere" / "case.toml")


def test_a_folder_in_place_of_a_file_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    taken = tmp_path / "out" / "plan.xlsx"
    taken.mkdir(parents=True)
    result = run("solve", "minimal", "--json", "--out", tmp_path / "out", code=2)
    assert "plan.xlsx cannot be written: is a directory" in result.stderr
    assert list((tmp_path / "out").iterdir()) == [taken]


def test_write_protected_files_are_named_and_nothing_is_written(tmp_path: Path) -> None:
    """Also a programme that the answer has not, and that would be removed."""
    out = tmp_path / "out"
    out.mkdir()
    for name in ("result.json", "plan.xlsx", "allocation.lp"):
        (out / name).write_text("old")
    solved = Solved(solve(load("minimal")), None)
    for held in ("result.json", "plan.xlsx", "allocation.lp"):
        (out / held).chmod(0o444)
        with pytest.raises(CaseError, match=f"are write-protected: {held} "):
            write_all(solved, out, tmp_path / "case.toml")
        (out / held).chmod(0o644)
    (out / "result.json").chmod(0o444)
    told = run("solve", "minimal", "--json", "--out", out, code=2).stderr
    assert "--out: holds files that are write-protected: result.json" in told
    assert "; allow them to be written, or choose another folder" in told
    assert {path.read_text() for path in out.iterdir()} == {"old"}
    assert len(list(out.iterdir())) == 3


def test_an_answer_without_a_programme_leaves_none_of_another_plan(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run("solve", "minimal", "--json", "--out", out)
    assert {"allocation.lp", "allocation.mps"} <= {path.name for path in out.iterdir()}
    (out / "mine.txt").write_text("mine")
    write_all(Solved(solve(load("minimal")), None), out, tmp_path / "case.toml")
    names = {path.name for path in out.iterdir()}
    assert not {"allocation.lp", "allocation.mps"} & names
    assert {"mine.txt", "plan.xlsx"} <= names


def test_files_may_be_read_by_whom_the_user_lets(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        run("solve", "minimal", "--json", "--out", tmp_path / "out")
    finally:
        os.umask(old)
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "out").iterdir()} == {0o600}


def test_outputs_never_go_beside_inputs(tmp_path: Path) -> None:
    path = case(tmp_path)
    before = path.read_text()
    places = [path.parent, path.parent / ".", ROOT / "cases", ROOT / "models", path]
    for place in [*places, ROOT / "models" / "parts"]:
        result = run("solve", path, "--out", place, code=2)
        assert "--out" in result.stderr
    assert path.read_text() == before
    assert list(path.parent.iterdir()) == [path]


def test_outputs_never_go_over_tables_or_models_that_the_case_names(tmp_path: Path) -> None:
    """A planner's own products.csv would be overwritten by the answer's."""
    bundled = ROOT / "cases" / "plan_tables"
    for path in bundled.iterdir():
        (tmp_path / "tables" / path.name).parent.mkdir(exist_ok=True)
        (tmp_path / "tables" / path.name).write_text(path.read_text())
    (tmp_path / "own" / "parts").mkdir(parents=True)
    (tmp_path / "case").mkdir()
    text = (ROOT / "cases" / "plan_from_tables.toml").read_text()
    text = text.replace("plan_tables/", "../tables/")
    planned = tmp_path / "case" / "case.toml"
    planned.write_text(text.replace("[[tables]]", 'include = ["../own"]\n[[tables]]', 1))
    for case_, place in (
        (planned, tmp_path / "tables"),
        (planned, tmp_path / "own"),
        (planned, tmp_path / "own" / "parts"),
        (Path("plan_from_tables"), bundled),
    ):
        with pytest.raises(CaseError, match="holds inputs"):
            check_folder(place, case_)
    for place in (tmp_path / "tables" / "out", tmp_path / "own" / "out"):
        check_folder(place, planned)
    planned.write_text("tables = 3")  # what is wrong with a case is told by reading it
    check_folder(tmp_path / "tables", planned)
