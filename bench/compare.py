"""Set a run against the stored history: a table, a trend picture, and whether anything got slower.

``python -m bench.compare`` measures now; ``--latest`` takes the newest stored run instead. A row is
slower when its ratio is more than 15 % above the baseline (the median of the last runs on the same
class of machine, else of all) and is so again when its workload is measured a second time. Exit 1
if any is, or if a workload failed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import store, trend
from yieldopt.benchmark.machine import machine_class
from yieldopt.benchmark.report import cells
from yieldopt.benchmark.suite import WORKS, run
from yieldopt.benchmark.work import FULL, QUICK, Effort, Row, Work, measure
from yieldopt.report.text import columns

WORSE = 0.15  # more than this above the baseline, twice: slower
Again = Callable[[str], float | None]


@dataclass(frozen=True)
class Verdict:
    """One row against its baseline; ``second`` is the repeat, where the first was worse."""

    name: str
    base: float | None
    first: float
    second: float | None = None
    repeated: bool = False

    @property
    def slower(self) -> bool:
        """Whether both repeats are worse; a row that cannot be repeated counts by its first."""
        if self.base is None or not _worse(self.first, self.base):
            return False
        return self.second is None or _worse(self.second, self.base)

    def cells(self) -> tuple[str, ...]:
        """Return the cells of the table."""
        if self.base is None:
            return self.name, "", f"{self.first:.3g}", "", "", "new"
        change = f"{(self.first / self.base - 1) * 100:+.0f} %"
        second = "" if self.second is None else f"{self.second:.3g}"
        word = "SLOWER" if self.slower else "noise" if self.repeated else "ok"
        return self.name, f"{self.base:.3g}", f"{self.first:.3g}", change, second, word


def _worse(ratio: float, base: float) -> bool:
    return ratio > base * (1.0 + WORSE)


def verdicts(now: Mapping[str, float], base: Mapping[str, float], again: Again) -> list[Verdict]:
    """Judge every row; ``again`` measures one by name once more, ``None`` if it cannot."""
    found = []
    for name, first in now.items():
        known = base.get(name)
        if known is not None and _worse(first, known):
            found.append(Verdict(name, known, first, again(name), repeated=True))
        else:
            found.append(Verdict(name, known, first))
    return found


def repeat(works: Sequence[Work], effort: Effort) -> Again:
    """Return what measures a row again; rows of the peers are measured by their own module."""

    def again(name: str) -> float | None:
        for work in works:
            if work.called(effort) == name:
                return measure(work, effort).ratio
        from bench.peers import rows

        make = rows.PEERS.get(name)
        return make(effort).ratio if make else None

    return again


def table(found: Sequence[Verdict]) -> str:
    """Return the table of verdicts and what they come to."""
    head = ("work", "baseline", "now", "change", "again", "")
    slower = sum(verdict.slower for verdict in found)
    limit = f"{WORSE:.0%}"
    said = f"{slower} slower by more than {limit}, twice" if slower else f"none slower by {limit}"
    return columns([head, *(v.cells() for v in found)], right=(1, 2, 3, 4)) + f"\n\n{said}"


def _progress(row: Row) -> None:
    name, value, unit, _, _, ratio = cells(row)
    print(f"  {name}: {value} {unit}, ratio {ratio}", file=sys.stderr)


def main(words: Sequence[str] | None = None, works: Sequence[Work] = WORKS) -> int:
    """Compare, print, draw; return the exit code: 1 if anything is slower."""
    parser = argparse.ArgumentParser(prog="bench.compare", description=__doc__)
    parser.add_argument("--latest", action="store_true", help="judge the newest stored run")
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--history", type=Path, default=store.HISTORY)
    asked = parser.parse_args(words)
    effort = QUICK if asked.quick else FULL
    stored = store.read(asked.history)
    if asked.latest and not stored:
        print("the history is empty: run `make bench` first", file=sys.stderr)
        return 2
    if asked.latest:
        now = stored[-1]
        effort = QUICK if now["effort"] == QUICK.name else FULL
    else:
        now = store.record(run(effort, works, _progress), effort.name)
    older = store.alike(store.before(stored, now), now)
    found = verdicts(store.ratios(now), store.baseline(older), repeat(works, effort))
    place = machine_class(now["machine"])
    print(f"{len(older)} stored runs to compare with; this one is on {place}\n")
    print(table(found))
    failed = store.failures(now)
    for name, reason in failed.items():
        print(f"failed: {name}: {reason}")
    picture = asked.history / "trend.svg"
    picture.write_text(trend.picture([*older, now]), encoding="utf-8")
    print(f"trend: {picture.name} of {asked.history.name}/")
    return 1 if failed or any(verdict.slower for verdict in found) else 0


if __name__ == "__main__":
    sys.exit(main())
