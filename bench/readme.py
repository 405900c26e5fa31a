"""The table of figures in ``README.md``, written from a stored run: ``python -m bench.readme``."""

from __future__ import annotations

import sys
from pathlib import Path

from bench import store
from yieldopt.benchmark.machine import machine_class
from yieldopt.benchmark.report import markdown
from yieldopt.benchmark.work import Row

README = Path(__file__).parent / "README.md"
BEGIN, END = "<!-- figures: written by `make bench` -->", "<!-- end of figures -->"


def figures(run: store.Record) -> str:
    """Return what stands between the marks."""
    versions = ", ".join(f"{name} {number}" for name, number in run["versions"].items())
    changed = ", with uncommitted changes" if run["dirty"] else ""
    return (
        f"{str(run['date'])[:10]}, commit {str(run['commit'])[:7]}{changed}.\n"
        f"{machine_class(run['machine'])}; {run['machine']['blas']}; {versions}.\n\n"
        + markdown(Row(**row) for row in run["rows"])
    )


def refresh(run: store.Record, path: Path = README) -> None:
    """Replace the figures of the README by those of a run."""
    text = path.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    _, mark, tail = rest.partition(END)
    if not mark:
        raise ValueError(f"{path.name} has no marks to write the figures between")
    path.write_text(f"{head}{BEGIN}\n{figures(run)}\n{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    stored = store.read()
    if not stored:
        sys.exit("the history is empty: run `make bench` first")
    refresh(stored[-1])
