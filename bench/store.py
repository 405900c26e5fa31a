"""The stored history: one JSON a run, with commit, machine, versions and rows."""

from __future__ import annotations

import json
import statistics
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from yieldopt.benchmark.machine import machine, machine_class, versions
from yieldopt.benchmark.work import Row

HISTORY = Path(__file__).parent / "history"
_WRITTEN = ("bench/history/", "bench/README.md")
LAST = 5  # runs whose median is the baseline
Record = Mapping[str, Any]


def _git(*words: str) -> str:
    place = Path(__file__).parent
    done = subprocess.run(
        ["git", *words], cwd=place, capture_output=True, text=True, encoding="utf-8", check=False
    )
    return done.stdout.strip() if done.returncode == 0 else ""


def commit() -> tuple[str, bool]:
    """Return the commit (``"unknown"`` outside git) and whether files differ from it.

    What a run writes itself, the history and the figures of the README, does not count.
    """
    changed = [line for line in _git("status", "--porcelain").splitlines() if line]
    changed = [line for line in changed if not any(own in line for own in _WRITTEN)]
    return _git("rev-parse", "HEAD") or "unknown", bool(changed)


def record(rows: Iterable[Row], effort: str) -> dict[str, Any]:
    """Return what is stored of a run."""
    name, dirty = commit()
    return {
        "commit": name,
        "dirty": dirty,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "effort": effort,
        "machine": machine(),
        "versions": versions(),
        "rows": [row.to_dict() for row in rows],
    }


def write(run: Record, folder: Path = HISTORY) -> Path:
    """Store a run; return its file, named by date and commit."""
    folder.mkdir(parents=True, exist_ok=True)
    stamp = str(run["date"])[:19].replace("-", "").replace(":", "")
    mark = "-dirty" if run["dirty"] else ""
    path = folder / f"{stamp}Z_{str(run['commit'])[:7]}{mark}.json"
    text = json.dumps(run, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
    return path


def read(folder: Path = HISTORY) -> list[Record]:
    """Return the stored runs, oldest first."""
    paths = sorted(folder.glob("*.json"))
    runs: list[Record] = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    return sorted(runs, key=lambda run: str(run["date"]))


def ratios(run: Record) -> dict[str, float]:
    """Return the ratio of every row by name; a workload that failed has none."""
    rows = (row for row in run["rows"] if row["ratio"] is not None)
    return {row["name"]: float(row["ratio"]) for row in rows}


def failures(run: Record) -> dict[str, str]:
    """Return why workloads failed, by name."""
    return {row["name"]: row.get("reason", "") for row in run["rows"] if row["ratio"] is None}


def alike(runs: Sequence[Record], to: Record) -> list[Record]:
    """Return the runs of the same class of machine; where there are none, all."""
    wanted = machine_class(to["machine"])
    return [run for run in runs if machine_class(run["machine"]) == wanted] or list(runs)


def before(runs: Sequence[Record], now: Record) -> list[Record]:
    """Return the runs older than ``now`` that are not of the same uncommitted work.

    A slow change that was measured once before it was committed must not become its own baseline.
    Where there are no others, they are better than none.
    """
    older = [run for run in runs if run["date"] < now["date"]]
    same = (now["commit"], True) if now["dirty"] else None
    return [run for run in older if (run["commit"], run["dirty"]) != same] or older


def baseline(runs: Sequence[Record]) -> dict[str, float]:
    """Return for each row the median ratio of the last runs that have it."""
    found: dict[str, list[float]] = {}
    for run in runs:
        for name, ratio in ratios(run).items():
            found.setdefault(name, []).append(ratio)
    return {name: statistics.median(values[-LAST:]) for name, values in found.items()}
