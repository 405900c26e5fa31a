"""What is given in place of a case by mistake: the message says what to do with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.test_cli import run


@pytest.mark.parametrize("command", ["solve", "check", "diff"])
def test_a_workbook_in_place_of_a_case_is_told_to_be_imported(command: str, tmp_path: Path) -> None:
    run("new", tmp_path / "book.xlsx", "--xlsx")
    more = ["minimal"] if command == "diff" else []
    said = run(command, tmp_path / "book.xlsx", *more, code=2).stderr
    assert "book.xlsx" in said
    assert "not UTF-8 text; `yieldopt import` makes a case of a workbook" in said


def test_other_bytes_are_no_workbook(tmp_path: Path) -> None:
    (tmp_path / "case.toml").write_bytes(b'name = "caf\xe9"\n')
    said = run("check", tmp_path / "case.toml", code=2).stderr
    assert "not UTF-8 text; save the file as UTF-8" in said


def test_a_result_where_only_a_case_will_do_and_its_folder(tmp_path: Path) -> None:
    run("solve", "minimal", "--out", tmp_path / "out")
    result = tmp_path / "out" / "result.json"
    said = run("export", result, "-o", tmp_path / "book.xlsx", code=2).stderr
    assert "not TOML" in said
    assert "a result (.json) is for `yieldopt report`, `charts` and `diff`" in said
    for command in (["diff", result.parent, "minimal"], ["report", result.parent]):
        said = run(*command, code=2).stderr
        assert f"out: is a directory, not a file; did you mean '{result}'?" in said
    said = run("check", tmp_path, code=2).stderr
    assert said.endswith("is a directory, not a file\n")
