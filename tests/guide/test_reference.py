"""docs/reference says what the code says, and the README's picture what the case says."""

from __future__ import annotations

import re

import pytest

from tests.guide.docstrings import markdown
from tests.guide.pictures import FOLDER as DOCS
from tests.guide.pictures import pictures
from tests.guide.reference import FOLDER, documents

MADE = documents()
WORDS = re.compile(r">([^<>]+)</text>")


@pytest.mark.parametrize("name", MADE)
def test_the_reference_is_up_to_date(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert text == MADE[name], "run `make docs`"


def test_nothing_else_is_there() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(MADE)


def test_every_key_says_what_it_holds() -> None:
    rows = [line for text in MADE.values() for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) > 250
    for row in rows[2:]:
        assert "anything" not in row
        assert row.count("|") - row.count("\\|") == 4, row


def test_every_command_is_there() -> None:
    heads = [line for line in MADE["commands.md"].splitlines() if line.startswith("## ")]
    assert {"## solve", "## report", "## charts", "## schema", "## diff"} <= set(heads)


def test_the_picture_says_what_the_case_says() -> None:
    """Its words and numbers; how a line is drawn may differ between versions of the library."""
    for name, text in pictures().items():
        drawn = (DOCS / name).read_text(encoding="utf-8")
        assert WORDS.findall(drawn) == WORDS.findall(text), "run `make docs`"
        assert len(drawn) < 50_000


def test_a_docstring_becomes_markdown() -> None:
    text = "Say ``a``.\n\nParameters\n----------\na, b\n    One\n    :func:`two`.\n"
    shown = markdown(f"{text}\nExamples\n--------\nSo:\n\n>>> 1\n1\n")
    assert shown == (
        "Say `a`.\n\n**Parameters**\n\n- `a`, `b`: One `two`.\n\n"
        "**Examples**\n\nSo:\n\n```pycon\n>>> 1\n1\n```\n"
    )


def test_nothing_of_a_docstring_is_left_unshaped() -> None:
    assert "\n---" not in MADE["python.md"]
    in_code = False
    for line in MADE["python.md"].splitlines():
        in_code ^= line.startswith("```")
        assert in_code or not line.startswith((">>>", "    ", ":")), line
