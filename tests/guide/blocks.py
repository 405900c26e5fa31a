"""The code blocks of a Markdown document, and how each kind is run.

| block | what happens |
|---|---|
| `console` | each line `$ command` is run by bash and must exit 0; below: its output |
| `sh` | run as a whole, must exit 0; output is not compared |
| `toml` | the first line `# FILE` says where it is written; `# FILE, added`: appended |
| `diff` | an edit by hand of the file that the first line `# FILE` names: see `edited` |
| `python` | run in one namespace for the document; a `text` block right below is what it prints |

In docs/reference, which is generated, `py` is a signature and `pycon` an example of a docstring,
which the doctests run.

In outputs a line `…` stands for any lines, `…` at the end of a line for its rest, and times in
seconds are not compared. Everything else is: numbers to the digits shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```(\w*)\s*$")
LIKE_A_FENCE = re.compile(r"^[\s>*+-]*(```|~~~)")
KINDS = {"console", "sh", "toml", "diff", "python", "text"}
GENERATED = {"py", "pycon"}  # in docs/reference alone: signatures, and examples run as doctests
# What Markdown shows as code by its indent alone, and is no code.
FORMULAS = {"    S(x) = Y(x·λ)"}


@dataclass(frozen=True)
class Block:
    """A fenced block: its kind, the line of the document at which it starts, its lines."""

    kind: str
    line: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"

    @property
    def commands(self) -> list[tuple[int, str, list[str]]]:
        """Of a `console` block: line, command, and the output shown below it."""
        found: list[tuple[int, str, list[str]]] = []
        for at, line in enumerate(self.lines):
            if line.startswith("$ "):
                found.append((self.line + at + 1, line[2:], []))
            elif found and found[-1][1].endswith("\\") and not found[-1][2]:
                found[-1] = (found[-1][0], found[-1][1] + "\n" + line, [])
            else:
                assert found, f"line {self.line + at + 1}: output without a command"
                found[-1][2].append(line)
        return found


def blocks(path: Path) -> Iterator[Block]:
    """Yield the fenced blocks of a document in order; code that would not be seen is a fault."""
    kind, start, held = None, 0, list[str]()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        fence = FENCE.match(line)
        if kind is None and not fence:
            unseen = LIKE_A_FENCE.match(line) or (line.startswith("    ") and line not in FORMULAS)
            assert not unseen, f"{path}:{number}: code in a form that no test would run"
        if kind is None and fence:
            kind, start, held = fence[1], number, []
        elif kind is not None and line == "```":
            yield Block(kind, start, tuple(held))
            kind = None
        elif kind is not None:
            held.append(line)
    assert kind is None, f"{path}: the block of line {start} does not end"


def edited(text: str, edit: tuple[str, ...], where: str) -> str:
    """Return a text after an edit: lines `-old` become `+new`, those after a blank stay.

    An old line is known by how it begins and keeps the rest, so no comment need be shown. The old
    lines of an edit follow each other and stand in the text once; `…` parts two edits.
    """
    for hunk in "\n".join(edit).split("\n…\n"):
        marked = [(line[:1], line[1:]) for line in hunk.splitlines()]
        assert all(mark in ("-", "+", " ") for mark, _ in marked), f"{where}: no edit: {hunk}"
        old = [line for mark, line in marked if mark != "+"]
        lines = text.splitlines()
        found = [
            at
            for at in range(len(lines) - len(old) + 1)
            if all(there.startswith(line) for there, line in zip(lines[at:], old, strict=False))
        ]
        assert old and len(found) == 1, f"{where}: found {len(found)} times: {hunk}"
        new, rests, at = list[str](), list[str](), found[0]
        for mark, line in marked:
            if mark == "+":
                new.append(line + (rests.pop(0) if rests else ""))
                continue
            if mark == " ":
                new.append(lines[at])
            else:
                rests.append(lines[at][len(line) :])
            at += 1
        text = "\n".join([*lines[: found[0]], *new, *lines[at:]]) + "\n"
    return text


def plain(line: str) -> str:
    """A line as it is compared: runs of blanks are one, times are masked."""
    line = re.sub(r"\b\d+(\.\d+)? s\b", "T s", line)
    return re.sub(r"\s+", " ", line).strip()


def same(shown: list[str], printed: list[str]) -> bool:
    """Whether the output shown is what was printed; blank lines at the end do not count."""
    pattern = ""
    for line in map(plain, shown):
        if line == "…":
            pattern += r"(?:.*\n)*"
        elif line.endswith("…"):
            pattern += re.escape(line[:-1].rstrip()) + r".*\n"
        else:
            pattern += re.escape(line) + r"\n"
    text = "".join(plain(line) + "\n" for line in printed).rstrip("\n") + "\n"
    return re.fullmatch(pattern + r"\n*", text) is not None
