"""Every case solves, states its answer, and gives what it gave (``make golden`` accepts a move)."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.golden_cases import CASES, FOLDER, differences, solved, stored

# The optimum is exact; what is left is rounding of other processors and BLAS kernels.
ROUNDING = 1e-7


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_case_gives_what_is_stored(path: Path) -> None:
    now = json.loads(json.dumps(solved(path)))
    assert now["status"] == "optimal"
    assert differences(stored(path), now, ROUNDING) == []


def test_nothing_is_stored_that_is_no_case() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == {path.stem for path in CASES}


QUESTIONS = [path for path in CASES if path.stem.startswith("ask_")]


@pytest.mark.parametrize("path", QUESTIONS, ids=lambda path: path.stem)
def test_a_question_is_asked_and_answered(path: Path) -> None:
    head = path.read_text().split("\nname =")[0]
    assert re.search(r"^# Question: .+\?", head, re.MULTILINE)
    assert re.search(r"^# Answer: .{40,}", head, re.MULTILINE)
    assert "TODO" not in head


def test_a_move_is_shown_with_its_size() -> None:
    old = {"a": {"x": 2.0, "y": "s"}, "b": 1.0}
    new = {"a": {"x": 2.2, "y": "t"}, "b": 1.0 + 1e-12}
    assert differences(old, new, 1e-9) == ["a.x: 2 -> 2.2 (+10 %)", "a.y: s -> t"]
