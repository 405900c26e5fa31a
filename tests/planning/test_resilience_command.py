"""``resilience`` stopped, with a gap, and with ``--out``: bounds hold, files agree with JSON."""

from __future__ import annotations

import json
import math
from pathlib import Path
from threading import Event

import polars as pl
import pytest
from click.testing import CliRunner

from tests.planning.test_resilience import HIGH, LOW, PROBABLE, SAME, asked, written
from yieldopt import CaseError, load
from yieldopt.cli import main
from yieldopt.planning.generation import Round
from yieldopt.planning.prepared import Prepared
from yieldopt.planning.resilience import Resilience, resilience
from yieldopt.report.resilience import resilience_text
from yieldopt.report.resilience_files import TABLES, resilience_tables, write_resilience
from yieldopt.schema.case import Case

MORE = asked('lose = "region"', PROBABLE, "service_frac = 0.3") + LOW + HIGH


def plans(found: Resilience) -> dict[str, Prepared]:
    losses, told = found.losses, found.scenarios
    assert losses is not None
    assert told is not None
    held = {"base": losses.base, "prepared": losses.prepared, "plan": told.plan}
    return {name: plan for name, plan in held.items() if plan is not None}


def held_within(early: Resilience, whole: Resilience) -> None:
    """Bounds of what was stopped are below the optima, its values above."""
    best = plans(whole)
    for name, plan in plans(early).items():
        value = best[name].objective_usd
        assert value is not None
        slack = SAME * abs(value)
        if plan.bound_usd is not None:
            assert plan.bound_usd <= value + slack, name
        if plan.objective_usd is not None:
            assert plan.objective_usd >= value - slack, name
    told = early.scenarios
    assert told is not None
    for worth in (told.stochastic, told.information):
        assert worth.usd is None or worth.usd >= 0.0
        assert worth.low_usd is None or worth.low_usd >= 0.0
        if worth.low_usd is not None and worth.high_usd is not None:
            assert worth.low_usd <= worth.high_usd


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Case, Resilience]:
    path = written(tmp_path_factory.mktemp("whole"), MORE)
    case = load(path)
    return path, case, resilience(case)


@pytest.mark.parametrize("rounds", [1, 3, 10, 30, 100, 300])
def test_what_is_stopped_keeps_its_bounds(
    rounds: int, whole: tuple[Path, Case, Resilience]
) -> None:
    stop, seen = Event(), list[str]()

    def shown(done: Round, what: str) -> None:
        assert done.columns >= 0
        seen.append(what)
        if len(seen) >= rounds:
            stop.set()

    found = resilience(whole[1], shown=shown, stop=stop)
    assert found.status in ("optimal", "feasible", "unknown")
    assert resilience_text(found)
    assert resilience_tables(found).keys() == TABLES.keys()
    held_within(found, whole[2])


def test_progress_names_the_plan(whole: tuple[Path, Case, Resilience]) -> None:
    seen: dict[str, None] = {}
    resilience(whole[1], shown=lambda _, what: seen.update({what: None}))
    assert {"base plan", "base plan if Taiwan", "Taiwan known to be lost", "prepared plan",
            "plan for the scenarios", "mean-value plan", "high known"} <= seen.keys()  # fmt: skip


@pytest.mark.parametrize("gap", [0.5, 1e-2])
def test_a_gap_that_is_asked_for_is_kept(gap: float, whole: tuple[Path, Case, Resilience]) -> None:
    found = resilience(whole[1], gap=gap)
    for name, plan in plans(found).items():
        assert plan.gap is not None
        assert plan.gap <= gap, name
    held_within(found, whole[2])
    with pytest.raises(CaseError, match="gap: must be at least 0, and finite"):
        resilience(whole[1], gap=math.inf)


def test_out_writes_what_json_says(tmp_path: Path, whole: tuple[Path, Case, Resilience]) -> None:
    out = tmp_path / "out"
    command = ["resilience", str(whole[0]), "--json", "--out", str(out), "--gap", "0"]
    run = CliRunner().invoke(main, command)
    assert run.exit_code == 0, run.output
    data = json.loads(run.stdout)
    again = json.loads((out / "resilience.json").read_text())
    assert data == again
    names = {path.name for path in out.iterdir()}
    tables = {f"resilience_{name}.{end}" for name in TABLES for end in ("csv", "parquet")}
    assert names == {"resilience.json", "resilience.txt", "resilience.xlsx"} | tables
    frames = {name: pl.read_parquet(out / f"resilience_{name}.parquet") for name in TABLES}
    for name, frame in frames.items():
        assert tuple(frame.columns) == tuple(TABLES[name].columns)
        schema = frame.schema
        csv = pl.read_csv(out / f"resilience_{name}.csv", schema=schema)
        assert csv.equals(frame), name
        book = pl.read_excel(out / "resilience.xlsx", sheet_name=name, schema_overrides=schema)
        assert book.height == frame.height, name
    mine = frames["unmet"].filter(
        (pl.col("plan") == "base") & (pl.col("future") == "Taiwan")
    ).group_by("product").agg(pl.col("packages").sum())  # fmt: skip
    unmet = data["losses"]["base"]["futures"][2]["unmet"]
    assert dict(mine.iter_rows()) == pytest.approx(unmet)
    told = frames["futures"].filter((pl.col("study") == "scenarios") & (pl.col("plan") == "plan"))
    expected = float((told["probability"] * told["cost_usd"]).sum())
    assert expected == pytest.approx(data["scenarios"]["plan"]["objective_usd"], rel=SAME)
    bought = frames["decisions"].filter(pl.col("plan") == "prepared")
    assert len(bought) == len(data["losses"]["prepared"]["decisions"]) > 0


def test_out_is_refused_before_anything_is_solved(whole: tuple[Path, Case, Resilience]) -> None:
    path = whole[0]
    before = sorted(path.parent.iterdir())
    run = CliRunner().invoke(main, ["resilience", str(path), "--out", str(path.parent)])
    assert run.exit_code == 2
    assert "holds inputs" in run.output
    assert sorted(path.parent.iterdir()) == before


def test_a_failing_writer_leaves_the_old_file(
    tmp_path: Path, whole: tuple[Path, Case, Resilience], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "resilience.json").write_text("old")

    def full(self: Path, text: str, *_: object, **__: object) -> int:
        self.open("w").write(text[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(CaseError, match="no space left"):
        write_resilience(whole[2], out, whole[0])
    monkeypatch.undo()
    assert (out / "resilience.json").read_text() == "old"
    assert [path.name for path in out.iterdir()] == ["resilience.json"]
