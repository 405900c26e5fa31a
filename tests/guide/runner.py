"""Runs the blocks of a document in a folder, as a reader would."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.guide.blocks import GENERATED, KINDS, Block, blocks, edited, same

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FILE = re.compile(r"# ([\w./-]+\.(?:toml|csv))(, added)?$")

# Run in a fresh environment alone (test_first_ten_minutes.py), for they install: by document and
# command.
FRESH = {
    ("README.md", "make run"),
    ("docs/howto/another-solver.md", 'pip install -q "yieldopt[cbc]"'),
    ("docs/howto/another-solver.md", "yieldopt solve minimal --solver pulp:COIN_CMD"),
}
# Not run by any test, each with its reason.
NOT_RUN = {("README.md", "make test"): "it runs these tests"}


SESSION = """
import contextlib, io, json, sys, traceback
names = {}
for line in sys.stdin:
    said, fault = io.StringIO(), ""
    with contextlib.redirect_stdout(said):
        try:
            exec(compile(json.loads(line), "block", "exec"), names)
        except BaseException:
            fault = traceback.format_exc()
    print(json.dumps([said.getvalue(), fault]), flush=True)
"""


def environment(binaries: Path, root: Path | None = ROOT) -> dict[str, str]:
    """Return an environment in which `yieldopt` and `python` are those of this folder."""
    skip = ("PYTHON", "VIRTUAL_ENV", "COLUMNS", "LINES")
    env = {key: value for key, value in os.environ.items() if not key.startswith(skip)}
    env["PATH"] = f"{binaries}{os.pathsep}{env['PATH']}"
    if root is not None:
        env["PYTHONPATH"] = str(root)
    return env


class Reader:
    """A reader of one document: a folder, an environment, and one Python session."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.folder, self.env = folder, env
        self.session: subprocess.Popen[str] | None = None
        self.printed, self.skipped = "", FRESH | set(NOT_RUN)

    def read(self, path: Path) -> int:
        """Run the blocks of a document in order; return how many."""
        name, count, before = path.relative_to(ROOT).as_posix(), 0, ""
        for block in blocks(path):
            where = f"{name}:{block.line}"
            if name.startswith("docs/reference/") and block.kind in GENERATED:
                continue
            assert block.kind in KINDS, f"{where}: a block of an unknown kind {block.kind!r}"
            self._run(block, where, before)
            count += 1
            before = block.kind
        return count

    def _run(self, block: Block, where: str, before: str) -> None:
        if block.kind == "console":
            name = where.rpartition(":")[0]
            for line, command, shown in block.commands:
                if (name, command.partition("  #")[0].rstrip()) not in self.skipped:
                    self._console(f"{name}:{line}", command, shown)
        elif block.kind == "sh":
            self._shell(where, "set -eu\n" + block.text)
        elif block.kind == "toml":
            self._write(block, where)
        elif block.kind == "diff":
            self._edit(block, where)
        elif block.kind == "python":
            self._python(block, where)
        else:
            assert before == "python", f"{where}: whose output is this?"
            self._compare(where, list(block.lines), self.printed.splitlines())

    def _shell(self, where: str, command: str) -> str:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{where}: {command}\n{done.stdout}"
        return done.stdout

    def _console(self, where: str, command: str, shown: list[str]) -> None:
        printed = self._shell(where, command)
        if shown:
            self._compare(where, shown, printed.splitlines())

    def _compare(self, where: str, shown: list[str], printed: list[str]) -> None:
        got = "\n".join(printed)
        assert same(shown, printed), f"{where}: the document shows something else than\n{got}"

    def _edit(self, block: Block, where: str) -> None:
        head = FILE.match(block.lines[0])
        assert head and not head[2], f"{where}: the first line does not say which file it is"
        path = self.folder / head[1]
        before = path.read_text(encoding="utf-8")
        path.write_text(edited(before, block.lines[1:], where), encoding="utf-8")

    def _write(self, block: Block, where: str) -> None:
        head = FILE.match(block.lines[0])
        assert head, f"{where}: the first line does not say which file it is"
        path = self.folder / head[1]
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_text(encoding="utf-8") if head[2] else ""
        path.write_text(before + block.text, encoding="utf-8")

    def _python(self, block: Block, where: str) -> None:
        if self.session is None:
            self.session = subprocess.Popen(
                ["python", "-c", SESSION],
                cwd=self.folder,
                env=self.env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self.session.stdin and self.session.stdout
        self.session.stdin.write(json.dumps(block.text) + "\n")
        self.session.stdin.flush()
        self.printed, fault = json.loads(self.session.stdout.readline())
        assert not fault, f"{where}: {fault}"

    def close(self) -> None:
        """End the Python session, if there is one."""
        if self.session is not None:
            self.session.communicate()


@contextlib.contextmanager
def reader(folder: Path) -> Iterator[Reader]:
    """Give a reader with this Python's commands, in a folder that holds the cases and models."""
    for name in ("cases", "models"):
        (folder / name).symlink_to(ROOT / name, target_is_directory=True)
    with contextlib.closing(Reader(folder, environment(Path(sys.executable).parent))) as one:
        yield one
