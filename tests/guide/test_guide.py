"""Every command and code block of README and docs runs, and prints what is shown."""

from __future__ import annotations

import contextlib
import re
import sys
from pathlib import Path

import click
import pytest

from tests.guide.blocks import Block, blocks, edited, same
from tests.guide.runner import DOCUMENTS, FRESH, NOT_RUN, ROOT, Reader, environment, reader
from yieldopt.cli import main as cli

LONG = {  # more than some seconds
    "docs/case-file.md",
    "docs/concepts.md",
    "docs/howto/ask-what-if.md",
    "docs/howto/draw-a-chart.md",
    "docs/howto/workbook.md",
    "docs/reference/commands.md",
    "docs/tutorial.md",
}
COMMANDS = cli.list_commands(click.Context(cli)) if isinstance(cli, click.Group) else []
CODE = re.compile(r"(?<![`\w])`([^`\n]+)`(?!`)")
# Not run, but what they link to must be there.
LINKED = [*DOCUMENTS, *(ROOT / one for one in ("DESIGN.md", "models/README.md", "bench/README.md"))]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize(
    "path",
    [pytest.param(p, marks=[pytest.mark.long] if name(p) in LONG else []) for p in DOCUMENTS],
    ids=name,
)
def test_every_block_runs(path: Path, tmp_path: Path) -> None:
    with reader(tmp_path) as one:
        one.read(path)


@pytest.mark.parametrize("path", LINKED, ids=name)
def test_links_lead_somewhere(path: Path) -> None:
    for link in (a or b for a, b in LINK.findall(path.read_text(encoding="utf-8"))):
        if not link.startswith(("http://", "https://", "#")):
            target = path.parent / link.partition("#")[0]
            assert target.exists(), f"{name(path)} links to {link}"
            if "#" in link:
                assert link.partition("#")[2] in anchors(target), f"{name(path)} links to {link}"


def anchors(path: Path) -> set[str]:
    """The anchors that the headings of a document have on GitHub."""
    heads = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_commands_in_the_text_are_those_that_there_are(path: Path) -> None:
    """Code within a sentence is not run; its command and options must be known all the same."""
    assert isinstance(cli, click.Group)
    flags = {
        key: {flag for one in command.params for flag in one.opts} | {"--help"}
        for key, command in ((key, cli.get_command(click.Context(cli), key)) for key in COMMANDS)
        if command is not None
    }
    for words in CODE.findall(path.read_text(encoding="utf-8")):
        first, *rest = words.removeprefix("yieldopt ").split() or [""]
        given = {word for word in (first, *rest) if word.startswith("--")}
        if words.startswith("yieldopt ") and not first.startswith(("-", "COMMAND")):
            assert first in COMMANDS, f"{name(path)}: {words}"
        if first in COMMANDS:
            assert given <= flags[first], f"{name(path)}: {words}"
        elif first.startswith("--"):
            assert given <= set().union(*flags.values()), f"{name(path)}: {words}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_make_has_the_targets_that_are_named(path: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for words in re.findall(r"`make ([^`]+)`", path.read_text(encoding="utf-8")):
        assert {word for word in words.split() if "=" not in word} <= targets, words


def test_what_is_not_run_is_there() -> None:
    there = {
        (name(path), command.partition("  #")[0].rstrip())
        for path in DOCUMENTS
        for block in blocks(path)
        if block.kind == "console"
        for _, command, _ in block.commands
    }
    assert FRESH | set(NOT_RUN) <= there


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


@pytest.mark.parametrize(
    ("shown", "printed", "alike"),
    [
        (["a  1.50"], ["a 1.50"], True),
        (["a 1.50"], ["a 1.51"], False),
        (["a 1.5"], ["a 1.50"], False),
        (["in 0.04 s"], ["in 12.3 s"], True),
        (["a", "…", "b"], ["a", "x", "y", "b"], True),
        (["a", "…"], ["a"], True),
        (["a"], ["a", "b"], False),
        (["a", "b"], ["a"], False),
        (["a …"], ["a and more"], True),
        (["a …", "b"], ["a and more"], False),
    ],
)
def test_outputs_are_compared(shown: list[str], printed: list[str], alike: bool) -> None:
    assert same(shown, printed) == alike


@pytest.mark.parametrize(
    ("kind", "lines", "fault"),
    [
        ("console", ["$ false"], "false"),
        ("console", ["$ echo a", "b"], "shows something else"),
        ("sh", ["false", "true"], "false"),
        ("toml", ["a = 1"], "which file"),
        ("diff", ["-a", "+b"], "which file"),
        ("python", ["assert 1 == 2"], "AssertionError"),
        ("text", ["a"], "whose output"),
    ],
)
def test_a_wrong_block_is_seen(kind: str, lines: list[str], fault: str, tmp_path: Path) -> None:
    one = Reader(tmp_path, environment(Path(sys.executable).parent))
    with contextlib.closing(one), pytest.raises(AssertionError, match=fault):
        one._run(Block(kind, 1, tuple(lines)), "here:1", "")


@pytest.mark.parametrize(
    ("edit", "after"),
    [
        (("-b = 2", "+b = 3"), "a = 1\nb = 3  # why\nc = 4\n"),
        (("-b = 2", "+b = 3", "+d = 5"), "a = 1\nb = 3  # why\nd = 5\nc = 4\n"),
        (("-a = 1", "-b = 2", "+b = 3"), "b = 3\nc = 4\n"),
        (("+d = 5", " a = 1"), "d = 5\na = 1\nb = 2  # why\nc = 4\n"),
        (("-a = 1", "…", "-c", "+e"), "b = 2  # why\ne = 4\n"),
    ],
)
def test_a_file_is_edited_as_by_hand(edit: tuple[str, ...], after: str) -> None:
    assert edited("a = 1\nb = 2  # why\nc = 4\n", edit, "here") == after


@pytest.mark.parametrize("edit", [("-d", "+e"), ("-a", "+b"), ("+e",), ("a",), ("-a = 1", "-c")])
def test_an_edit_that_fits_nowhere_or_twice_is_seen(edit: tuple[str, ...]) -> None:
    with pytest.raises(AssertionError, match="here"):
        edited("a = 1\na = 2\nb = 1\nc = 4\n", edit, "here")


@pytest.mark.parametrize(
    "line", ["``` console", "```{.toml}", "  ```sh", "- ```sh", "> ```sh", "~~~", "    $ yieldopt"]
)
def test_code_in_a_form_that_no_test_would_run_is_seen(line: str, tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text(f"# A\n\n{line}\nb\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="no test would run"):
        list(blocks(path))
