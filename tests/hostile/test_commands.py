"""Every command on a case whose every name is hostile: no bug, no mark-up, the same numbers."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.hostile.commands import (
    FILES,
    QUESTIONS,
    answer,
    asked,
    elements_of,
    left_over,
    made,
    tags_of,
)
from tests.hostile.named import NAMES, PLAIN, hostile_case, numbers
from yieldopt import load, solve
from yieldopt.difference import difference

ALL = "".join(NAMES[key] for key in ("formula", "markup", "signs", "folder", "lines", "terminal"))
ALL += "".join(NAMES[key] for key in ("nul", "turned", "combined", "emoji", "slash"))
_ROUNDING = 1e-12  # sums in another order of names
_FINE = {0, 1}  # diff ends with 1 where something differs


@dataclass(frozen=True)
class Both:
    """The same case with plain and with hostile names."""

    plain: Path
    hostile: Path


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folder = tmp_path_factory.mktemp("both")
    cases = Both(hostile_case(folder / "plain", PLAIN), hostile_case(folder / "hostile", ALL))
    for path, name in ((cases.plain, PLAIN), (cases.hostile, ALL)):
        flow = asked("flow", path, name, as_json=True).stdout
        (path.parent / "flow.json").write_text(flow, encoding="utf-8")
    yield cases
    assert not left_over(folder)


_LONG = ("breakeven", "curve", "frontier", "diff")  # the first takes 5 s of CPU


@pytest.mark.parametrize(
    "command",
    [pytest.param(c, marks=pytest.mark.long) if c in _LONG else c for c in QUESTIONS],
)
def test_the_text_of_an_answer_prints(both: Both, command: str) -> None:
    assert asked(command, both.hostile, ALL).exit_code in _FINE


@pytest.mark.long
@pytest.mark.parametrize("command", [command for command in QUESTIONS if command != "check"])
def test_numbers_do_not_depend_on_names(both: Both, command: str) -> None:
    plain = asked(command, both.plain, PLAIN, as_json=True)
    hostile = asked(command, both.hostile, ALL, as_json=True)
    assert hostile.exit_code == plain.exit_code
    assert numbers(answer(hostile)) == pytest.approx(numbers(answer(plain)), rel=_ROUNDING)


_DEARER = ("solve_report", "resilience_out", "charts")
_DEAR = (*_DEARER, "export", "import", "same")


def test_every_file_is_whole(both: Both) -> None:
    """Made in the order in which one needs the other."""
    folder = both.hostile.parent
    for command in FILES:
        if command not in _DEAR:
            result = made(command, both.hostile, ALL)
            assert result.exit_code == 0, (command, result.output)
    for name in ("report", "of_result"):
        tags = tags_of((folder / f"{name}.html").read_text(encoding="utf-8"))
        assert not [tag for tag, attrs in tags if tag == "marquee" or "onload" in attrs]
    with (folder / "out" / "allocation.csv").open(encoding="utf-8", newline="") as file:
        assert {row["line"] for row in csv.DictReader(file)} == {f"'{ALL}"}  # no formula
    assert sorted(path.name for path in folder.parent.iterdir()) == ["hostile", "plain"]


@pytest.mark.long
def test_dear_files(both: Both) -> None:
    for command in _DEAR:
        result = made(command, both.hostile, ALL)
        assert result.exit_code == 0, (command, result.output)


@pytest.mark.long
def test_names_are_no_markup(both: Both) -> None:
    """A page, a picture and what a notebook shows have the elements of the plain case, no more."""
    shown = {}
    for path, name in ((both.plain, PLAIN), (both.hostile, ALL)):
        folder = path.parent
        for command in ("report", "charts"):
            if not (folder / f"{command}.html").exists() and not (folder / command).exists():
                assert made(command, path, name).exit_code == 0
        page = (folder / "report.html").read_text(encoding="utf-8")
        drawn = [file.read_text(encoding="utf-8") for file in sorted((folder / "charts").iterdir())]
        case = load(path)
        solved = solve(case)
        notebook = (
            solved._repr_html_() + difference(case, load("minimal"), answers=False)._repr_html_()
        )
        kinds = set().union(*(elements_of(text) for text in drawn))
        lines = {("br", ())}  # a name of several lines has several in a notebook
        shown[name] = tags_of(page), kinds, tags_of(notebook) - lines, page.count("<script")
    assert shown[ALL] == shown[PLAIN]


_LESS = ("solve", "explain", "refine", "tornado")


@pytest.fixture(scope="module")
def plain_numbers(both: Both) -> dict[str, list[float]]:
    return {
        command: numbers(answer(asked(command, both.plain, PLAIN, as_json=True)))
        for command in _LESS
    }


@pytest.mark.long
@pytest.mark.parametrize("kind", NAMES)
def test_a_name_alone(kind: str, plain_numbers: dict[str, list[float]], tmp_path: Path) -> None:
    """Names that mean something as a whole: all goes well, or all is refused."""
    name = NAMES[kind]
    path = hostile_case(tmp_path / "case", name)
    checked = asked("check", path, name)
    assert checked.exit_code in (0, 2), checked.output
    for command in _LESS:
        result = asked(command, path, name, as_json=True)
        assert result.exit_code == checked.exit_code, result.output
        if result.exit_code == 0:
            found = numbers(answer(result))
            assert found == pytest.approx(plain_numbers[command], rel=_ROUNDING)
    before = set(path.parent.iterdir())
    for command in (command for command in FILES if command not in _DEARER):
        assert made(command, path, name).exit_code == checked.exit_code
    if checked.exit_code:
        assert set(path.parent.iterdir()) == before
        assert checked.stderr.startswith("error: ")
    assert not left_over(tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["case"]
