"""A new user's first ten minutes: the README in a copy of the checkout, from `make run` on.

Everything is installed anew in an environment of the copy's own, as the README says; then another
solver is, and a workbook is made and read, as the how-tos say.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.guide.runner import NOT_RUN, ROOT, Reader, environment

NEEDED = ("yieldopt", "cases", "models", "schemas", "docs")
FILES = ("pyproject.toml", "Makefile", "README.md", "LICENSE")


class Page(HTMLParser):
    """The headings of a page, and what it would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.tag, self.headings, self.fetched = "", list[str](), list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tag = tag
        held = dict(attrs)
        found = held.get("src") or (held.get("href") if tag == "link" else None)
        if found and not found.startswith("data:"):
            self.fetched.append(found)

    def handle_data(self, data: str) -> None:
        if self.tag in ("h1", "h2", "title"):
            self.headings.append(data)


@pytest.mark.long
def test_the_first_ten_minutes(tmp_path: Path) -> None:
    home = tmp_path / "checkout"
    for name in NEEDED:
        ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
        shutil.copytree(ROOT / name, home / name, ignore=ignored)
    for name in FILES:
        shutil.copy(ROOT / name, home / name)
    env = environment(home / ".venv" / "bin", None) | {"PYTHON": sys.executable}
    with contextlib.closing(Reader(home, env)) as user:
        user.skipped = set(NOT_RUN)
        user.read(ROOT / "README.md")
        for name in ("another-solver", "workbook"):
            user.read(ROOT / "docs" / "howto" / f"{name}.md")
    page = Page()
    page.feed((home / "report.html").read_text(encoding="utf-8"))
    assert any("One accelerator over two quarters" in heading for heading in page.headings)
    assert page.fetched == []
    assert {path.suffix for path in (home / "charts").iterdir()} == {".svg"}
    assert (home / "book.xlsx").read_bytes()[:2] == b"PK"
    assert (home / "out" / "result.json").exists()
