"""Files that cannot be written: a clear error, what was there stays, no half of a file is left."""

from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from yieldopt.cli import main
from yieldopt.data import bundled_cases

LONG_TITLE = "t" * 5000  # no file is so small that it fits below the limit of a full disc
WRITERS = {
    "solve_out": "solve case/case.toml --out to/out",
    "solve_report": "solve case/case.toml --report to/page.html",
    "report": "report case/result.json -o to/page.html",
    "charts": "charts case/case.toml --out to/charts",
    "export": "export case/case.toml -o to/book.xlsx",
    "import": "import case/book.xlsx -o to/case.toml",
    "new": "new to/case.toml",
    "new_book": "new to/book.xlsx --xlsx",
}
FOLDERS = ("solve_out", "charts")  # what makes a folder of files, with those above it
_DEAR = ("charts", "solve_report", "report")  # s of CPU: 2 each


def writers(*without: str) -> list[Any]:
    """Return the writers as parameters, dear ones marked long."""
    return [
        pytest.param(one, marks=pytest.mark.long) if one in _DEAR else one
        for one in WRITERS
        if one not in without
    ]


def ran(words: str) -> Result:
    result = CliRunner().invoke(main, words.split())
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case, its result and its workbook."""
    folder = tmp_path_factory.mktemp("case")
    text = bundled_cases()["minimal"].read_text(encoding="utf-8")
    text = text.replace('title = "One', f'title = "{LONG_TITLE} One')
    (folder / "case.toml").write_text(text, encoding="utf-8")
    result = ran(f"solve {folder}/case.toml --json").stdout
    (folder / "result.json").write_text(result, encoding="utf-8")
    assert ran(f"export {folder}/case.toml -o {folder}/book.xlsx").exit_code == 0
    return folder


@pytest.fixture
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a link to the inputs, in which commands run; ``to`` is for what they write."""
    (tmp_path / "case").symlink_to(made)
    (tmp_path / "to").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tree(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, and every folder that is empty."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in folder.rglob("*")
        if path.is_file() or not any(path.iterdir())
    }


@contextmanager
def no_room(most_bytes: int = 1024) -> Iterator[None]:
    """Let no file grow beyond a size: to the writer as a disc that is full in mid-write."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("writer", writers())
def test_a_full_disc(writer: str, here: Path) -> None:
    before = tree(here), tree(here / "case")
    with no_room():
        result = ran(WRITERS[writer])
    assert result.exit_code == 2, result.output
    assert "cannot be written: file too large" in result.stderr
    assert (tree(here), tree(here / "case")) == before


def _patched(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fails(*args: object, **how: object) -> None:
        raise error

    monkeypatch.setattr(os, "replace", fails)


@pytest.mark.parametrize("writer", writers("new"))
@pytest.mark.parametrize("kind", ["refused", "interrupted"])
def test_the_last_move_fails(
    writer: str, kind: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system refuses to move the finished file into its place, or Ctrl-C comes then."""
    before = tree(here)
    error = (
        OSError(errno.EROFS, "Read-only file system") if kind == "refused" else KeyboardInterrupt()
    )
    _patched(monkeypatch, error)
    result = ran(WRITERS[writer])
    assert result.exit_code == (2 if kind == "refused" else 130), result.output
    told = "cannot be written: read-only file system" if kind == "refused" else "interrupted"
    assert told in result.stderr
    assert tree(here) == before


@pytest.mark.parametrize("writer", [one for one in WRITERS if one not in FOLDERS])
def test_a_folder_that_is_not_there(writer: str, here: Path) -> None:
    (here / "to").rmdir()
    before = tree(here)
    result = ran(WRITERS[writer])
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert tree(here) == before


@pytest.mark.parametrize("writer", WRITERS)
def test_a_folder_in_place_of_a_file_and_a_file_in_place_of_a_folder(
    writer: str, here: Path
) -> None:
    target = here / WRITERS[writer].split("to/")[1].split()[0]
    target = here / "to" / target.name
    if writer in FOLDERS:
        target.write_text("mine", encoding="utf-8")
    else:
        target.mkdir()
    before = tree(here)
    result = ran(WRITERS[writer])
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("error: ")
    assert tree(here) == before


@pytest.mark.parametrize(
    "words",
    [
        "solve case.toml --out .",
        "charts case.toml --out .",
        "report result.json -o result.json",
        "export case.toml -o case.toml",
        "export case.toml -o book.xlsx",
        "import book.xlsx -o book.xlsx",
        "import book.xlsx -o case.toml",
        "new case.toml",
        "new book.xlsx --xlsx",
    ],
)
def test_an_input_is_never_written_over(
    words: str, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(made)
    before = tree(made)
    assert ran(words).exit_code == 2
    assert tree(made) == before


@pytest.mark.parametrize("words", ["solve case/case.toml", "check case/case.toml"])
def test_a_full_standard_output_is_an_error(words: str, here: Path) -> None:
    command = [sys.executable, "-m", "yieldopt", *words.split()]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "error: the answer cannot be printed: no space left on device\n"


def test_an_encoding_that_lacks_a_sign(here: Path) -> None:
    """Text is escaped, JSON stays JSON."""
    case = (here / "case" / "case.toml").read_text(encoding="utf-8")
    (here / "case.toml").write_text(case.replace('"asic"', '"\u4e2d\U0001f600"'), encoding="utf-8")
    for more, shown in (([], r"\u4e2d\U0001f600"), (["--json"], r'"\u4e2d\ud83d\ude00"')):
        command = [sys.executable, "-m", "yieldopt", "solve", "case.toml", *more]
        env = os.environ | {"PYTHONIOENCODING": "ascii"}
        done = subprocess.run(command, capture_output=True, env=env, check=True)
        assert shown in done.stdout.decode("ascii")
        if more:
            assert json.loads(done.stdout)["products"][0]["name"] == "\u4e2d\U0001f600"


@pytest.mark.long
@pytest.mark.parametrize("writer", ["solve_out", "solve_report", "charts", "export"])
def test_two_at_once(writer: str, here: Path) -> None:
    """Each file is whole, whoever comes last; one of the two may find the name taken."""
    command = [sys.executable, "-m", "yieldopt", *WRITERS[writer].split()]
    pair = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for one in pair:
        one.communicate()
    codes = sorted(one.returncode for one in pair)
    assert codes in ([0, 0], [0, 2])
    both = tree(here / "to")
    ran(WRITERS[writer].replace("to/", "once_"))
    alone = {name.removeprefix("once_") for name in tree(here) if name.startswith("once_")}
    assert set(both) == alone
    assert all(both.values())
