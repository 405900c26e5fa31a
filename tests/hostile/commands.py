"""Every command on one hostile case, and what its output may not hold."""

from __future__ import annotations

import html.parser
import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from tests.hostile.named import toml_text
from yieldopt.cli import main

JSON = "--json"
# (words, whether they take --json); CASE, NAME, PLACE and FOLDER are put in.
_QUESTIONS: dict[str, tuple[list[str], bool]] = {
    "check": (["check", "CASE"], False),
    "solve": (["solve", "CASE"], True),
    "explain": (["explain", "CASE", "--product", "NAME", "--route", "NAME"], True),
    "curve": (["explain", "CASE", "--product", "NAME", "--insertion", "PLACE"], True),
    "frontier": (["frontier", "CASE", "--product", "NAME", "--route", "NAME"], True),
    "compare": (["compare", "CASE"], True),
    "robust": (["robust", "CASE", "--product", "NAME"], True),
    "refine": (["refine", "CASE", "--product", "NAME", "--route", "NAME"], True),
    "tornado": (["tornado", "CASE", "--product", "NAME", "--route", "NAME"], True),
    "breakeven": (["breakeven", "CASE", "--vary", "KEY", "--between", "NAME", "cowos_s"], True),
    "why": (["why", "CASE"], True),
    "starts": (["starts", "CASE"], True),
    "resilience": (["resilience", "CASE"], True),
    "flow": (["flow", "CASE", "--product", "NAME", "--route", "NAME"], True),
    "eval": (["eval", "FOLDER/flow.json"], True),
    "diff": (["diff", "CASE", "minimal", "--inputs"], True),
}
_FILES: dict[str, list[str]] = {
    "out": ["solve", "CASE", "--out", "FOLDER/out"],
    "report": ["report", "CASE", "-o", "FOLDER/report.html"],
    "of_result": ["report", "FOLDER/out/result.json", "-o", "FOLDER/of_result.html"],
    "solve_report": ["solve", "CASE", "--report", "FOLDER/solved.html"],
    "resilience_out": ["resilience", "CASE", "--out", "FOLDER/resilience"],
    "charts": ["charts", "CASE", "--out", "FOLDER/charts"],
    "export": ["export", "CASE", "-o", "FOLDER/book.xlsx"],
    "import": ["import", "FOLDER/book.xlsx", "-o", "FOLDER/again.toml"],
    "same": ["diff", "CASE", "FOLDER/again.toml", "--inputs"],
}
QUESTIONS, FILES = list(_QUESTIONS), list(_FILES)


def asked(command: str, case: Path, name: str, as_json: bool = False) -> Result:
    """Ask a question of a case; a bug would show as an exception."""
    words, has_json = _QUESTIONS[command]
    more = [JSON] if as_json and has_json else []
    return _run([*words, *more], case, name)


def made(command: str, case: Path, name: str) -> Result:
    """Make files of a case, in its folder."""
    return _run(_FILES[command], case, name)


def _run(words: list[str], case: Path, name: str) -> Result:
    put = {
        "CASE": str(case),
        "NAME": name,
        "PLACE": f"{name}/{name}",
        "KEY": f"processes.{toml_text(name)}.d0_per_cm2",
    }
    full = [put.get(word, word.replace("FOLDER", str(case.parent))) for word in words]
    result = CliRunner().invoke(main, full)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    for line in (result.stdout + result.stderr).splitlines():
        assert line.isprintable(), (full[0], line)
    return result


class _Tags(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[tuple[str, tuple[str, ...]]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add((tag, tuple(sorted(name for name, _ in attrs))))


def tags_of(text: str) -> set[tuple[str, tuple[str, ...]]]:
    """Return every kind of element of a page, with the names of its attributes."""
    parser = _Tags()
    parser.feed(text)
    parser.close()
    return parser.found


def elements_of(text: str) -> set[str]:
    """Return every kind of element of an SVG picture; it must be XML."""
    return {element.tag for element in ET.fromstring(text).iter()}


def answer(result: Result) -> Any:
    """Return the JSON of an answer."""
    return json.loads(result.stdout)


def left_over(folder: Path) -> list[str]:
    """Return what a command that stopped half-way would leave."""
    return [str(path) for path in folder.rglob("*") if path.name.startswith((".", "~", "tmp"))]
