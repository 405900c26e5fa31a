"""The benchmark suite: how a row comes about, the command, the workloads and the peers.

No speed is asserted here: where times matter, the clock is moved by the workloads.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest
from click.testing import CliRunner

from bench.peers import actuary, milp
from bench.peers.coverage_problem import DPPM, tables, template
from tests.clock import Clock, set_clock
from tests.test_golden import rows as golden_rows
from yieldopt import evaluate
from yieldopt.benchmark import problems, search, stacks, suite, work
from yieldopt.benchmark.engine import b200_flow, varied
from yieldopt.benchmark.report import json_rows, markdown, table
from yieldopt.benchmark.threads import VARIABLES
from yieldopt.benchmark.work import FULL, QUICK, SMOKE, Effort, Row, Task, Work, measure
from yieldopt.cli import main
from yieldopt.optimize.coverage import best_levels
from yieldopt.optimize.problem import prepare

KEYS = ["name", "value", "unit", "ratio", "bar", "holds", "reason"]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return set_clock(monkeypatch)


@pytest.mark.parametrize(
    ("unit", "count", "value"),
    [("s", 1.0, 3.0), ("ms", 1.0, 3e3), ("ns", 6.0, 5e8), ("x", 6.0, 1.5)],
)
def test_a_row_is_seconds_by_count_or_the_ratio(
    clock: Clock, unit: str, count: float, value: float
) -> None:
    task = Task(clock.takes(3.0), clock.takes(2.0), count)
    row = measure(Work("three over two", unit, value, lambda effort: task), FULL)
    assert (row.value, row.ratio, row.holds) == (value, 1.5, True)
    tight = measure(Work("three over two", unit, 0.999 * value, lambda effort: task), FULL)
    assert not tight.holds


@pytest.mark.parametrize(("scale", "rounds"), [(0.01, 7), (0.1, 4), (0.5, 1)])
def test_the_least_time_of_alternating_rounds_counts(
    clock: Clock, scale: float, rounds: int
) -> None:
    """Rounds of 13, 9, 6, 6 … times the scale: half a second, four rounds, or no more than 3 s."""
    order: list[str] = []
    left = iter([9.0, 5.0, *[2.0] * 50])

    def run() -> None:
        order.append("run")
        clock.now += scale * next(left)

    def other() -> None:
        order.append("other")
        clock.now += scale * 4.0

    row = measure(Work("uneven", "s", 10.0, lambda effort: Task(run, other)), QUICK)
    assert order == ["run", "other"] * rounds
    least = 2.0 if rounds > 2 else 9.0
    assert row.value == pytest.approx(scale * least, rel=1e-9)
    assert row.ratio == pytest.approx(least / 4.0, rel=1e-9)


def test_what_others_take_moves_the_value_and_not_the_ratio(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that works one second in four; where the wall decides, all four count."""
    worked = Clock()
    monkeypatch.setattr(work, "processor_seconds", lambda: worked.now)

    def run() -> None:
        clock.now += 4.0
        worked.now += 1.0

    def other() -> None:
        clock.now += 1.0
        worked.now += 1.0

    for wall, ratio in ((False, 1.0), (True, 4.0)):
        task = Task(run, other, wall=wall)
        row = measure(Work("busy machine", "s", 9.0, lambda effort, task=task: task), QUICK)
        assert (row.value, row.ratio) == (4.0, ratio)


def test_what_a_process_that_was_started_works_counts() -> None:
    """Half a second of another process: the clock of the processor moves by about as much."""
    code = "import time\nwhile time.process_time() < 0.5: pass"
    before = work.processor_seconds()
    subprocess.run([sys.executable, "-c", code], check=True)
    if sys.platform != "win32":
        assert work.processor_seconds() - before >= 0.5


def test_a_smoke_run_calls_everything_once(clock: Clock) -> None:
    calls = []
    measure(Work("once", "s", 1.0, lambda e: Task(lambda: calls.append(e.small), clock.takes(1))),
            SMOKE)  # fmt: skip
    assert calls == [True]


def test_every_workload_runs_small_and_gives_a_row() -> None:
    inside = [w for w in suite.WORKS if not w.name.startswith("yieldopt")]
    seen: list[Row] = []
    found = suite.run(SMOKE, inside, seen.append)
    assert found == seen
    assert [row.name for row in found] == [w.called(SMOKE) for w in inside]
    assert [row.reason for row in found if row.failed] == []
    assert all(math.isfinite(row.value) and row.value > 0.0 for row in found)
    assert len({w.name for w in suite.WORKS}) == len(suite.WORKS)


def test_a_row_says_how_many_seeds_were_run() -> None:
    """The stacks: the number in the name is the number of problems of a run."""
    for stack in stacks.WORKS:
        names = []
        for effort in (FULL, QUICK):
            names.append(stack.called(effort))
            assert names[-1].endswith(f"mean of {stack.prepare(effort).count:g} seeds")
        assert len(set(names)) == 2
    plain = Work("plain", "s", 1.0, lambda effort: Task(lambda: None))
    assert plain.called(QUICK) == plain.called(FULL) == "plain"


def broken(_: Effort) -> Task:
    raise RuntimeError("no plan: it measures nothing")


def test_a_workload_that_fails_is_a_row_and_the_others_go_on(clock: Clock) -> None:
    def late(_: Effort) -> Task:
        return Task(lambda: 1 / 0)

    works = [
        Work("first", "s", 9.0, lambda effort: Task(clock.takes(1.0), clock.takes(1.0))),
        Work("unready", "ms", 1.0, broken),
        Work("late", "x", 1.0, late),
        Work("last", "s", 9.0, lambda effort: Task(clock.takes(2.0), clock.takes(1.0))),
    ]
    seen: list[Row] = []
    found = suite.run(QUICK, works, seen.append)
    assert found == seen
    assert [row.value for row in found] == [1.0, None, None, 2.0]
    assert [row.failed for row in found] == [False, True, True, False]
    assert found[1] == Row(
        "unready", None, "ms", None, 1.0, False, "RuntimeError: no plan: it measures nothing"
    )
    assert found[2].reason.startswith("ZeroDivisionError")
    assert json.loads(json_rows(found))[1]["value"] is None
    text = table(found)
    assert "2 of 4 workloads failed; of the others every bar holds" in text
    assert "  unready: RuntimeError: no plan: it measures nothing" in text
    assert "failed" in markdown(found)


@pytest.mark.usefixtures("no_threads_asked")
def test_the_command_exits_1_when_a_workload_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    works = [Work("unready", "s", 1.0, broken)]
    run = partial(suite.run, works=works)

    monkeypatch.setattr(suite, "run", run)
    for words in ([], ["--json"]):
        done = CliRunner().invoke(main, ["bench", "--quick", *words])
        assert done.exit_code == 1
        assert "it measures nothing" in done.output
        assert isinstance(done.exception, SystemExit)


@pytest.fixture
def no_threads_asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in VARIABLES:
        monkeypatch.setenv(name, "1")  # put back to what it was, afterwards
        monkeypatch.delenv(name)
    return iter(())


@pytest.mark.usefixtures("no_threads_asked")
@pytest.mark.parametrize(("words", "effort"), [([], FULL), (["--quick"], QUICK)])
def test_bench_command(monkeypatch: pytest.MonkeyPatch, words: list[str], effort: Effort) -> None:
    given = [Row("a", 1.0, "ms", 3.0, 2.0, True), Row("b", 5.0, "x", 5.0, 2.0, False)]
    asked: list[Effort] = []

    def run(effort: Effort) -> list[Row]:
        asked.append(effort)
        return given

    monkeypatch.setattr(suite, "run", run)
    done = CliRunner().invoke(main, ["bench", "--json", *words])
    assert done.exit_code == 0
    assert [list(row) for row in json.loads(done.output)] == [KEYS, KEYS]
    assert done.output.strip() == json_rows(given)
    text = CliRunner().invoke(main, ["bench", *words]).output
    assert text.strip() == table(given)
    assert "1 of 2 bars missed" in text
    assert asked == [effort, effort]
    assert all(os.environ[name] == "1" for name in VARIABLES)


def test_tables_of_all_kinds() -> None:
    rows = [Row("a", 1.0, "ms", 3.0, 2.0, True)]
    assert "every bar holds" in table(rows)
    assert markdown(rows).splitlines()[-1] == "| a | 1 | ms | 2 | yes | 3 |"


def test_problems_are_as_large_as_they_say() -> None:
    assert prepare(problems.long_menus()).combinations == 138_240_000
    assert prepare(problems.four_dies_six_tests()).combinations == 2**27
    b200 = search.b200_template(problems.b200_levels())
    assert {len(choice.options) for choice in b200.choices().values()} == {12}
    assert prepare(b200).combinations == 12**7


def test_finer_levels_lie_between_the_bundled_ones() -> None:
    """The ends are the bundled ones; in between seconds and coverage rise where those do."""
    coarse = {i.name: i for i in problems.b200_case().insertions}["final_test"].menu()
    fine = {i.name: i for i in problems.b200_levels(11).insertions}["final_test"].menu()
    assert fine["off"] == coarse["off"]
    assert list(fine.values())[-1].coverage == list(coarse.values())[-1].coverage
    seconds = [level.seconds.base for level in fine.values()]
    assert seconds == sorted(seconds)
    middle = list(fine.values())[1]  # half way from off to the first
    second = list(coarse.values())[1]
    assert middle.seconds.base == pytest.approx(second.seconds.base / 2, rel=1e-15)
    assert {k: v.base for k, v in middle.coverage.items()} == pytest.approx(
        {k: v.base / 2 for k, v in second.coverage.items()}, rel=1e-15
    )


def test_varied_scenarios_lie_around_the_flow() -> None:
    flow = b200_flow()
    out, base = evaluate(varied(flow, 2_000), details=False), evaluate(flow)
    costs = np.asarray(out.cost_per_good_usd)
    assert costs.shape == (2_000,)
    assert costs.min() < base.cost_per_good_usd < costs.max()


def test_actuary_algebra_gives_the_peers_stored_numbers_and_our_flow_the_same() -> None:
    """Both to 1e-12: a dozen double operations. SI has no stored rows; its two printed costs do."""
    for row in golden_rows("actuary_package", 440):
        count, package = int(row.n_chiplets), row.package[:2]
        area = row.total_module_area * 1.1 / count
        once = row.distinct_chiplets == "False"
        system = actuary.System(f"{row.node:.0f}", area, count, package, once)
        theirs = actuary.recurring_usd(system)
        assert theirs == pytest.approx(row.RE_total, rel=1e-12)
        assert evaluate(actuary.flow(system)).cost_per_good_usd == pytest.approx(theirs, rel=1e-12)
    for once, printed in ((True, 551.19), (False, 559.37)):
        system = actuary.System("5", 220.0, 4, "SI", once)
        assert actuary.recurring_usd(system) == pytest.approx(printed, abs=0.005)
        ours = evaluate(actuary.flow(system)).cost_per_good_usd
        assert ours == pytest.approx(actuary.recurring_usd(system), rel=1e-12)


def test_peers_solve_the_same_problem() -> None:
    """Their tables against ``evaluate`` at random plans, and the MILP's optimum against ours."""
    plan = template(SMOKE)
    problem = prepare(plan)
    known = tables(problem, 2 * DPPM)
    rng = np.random.default_rng(4)
    trunk = rng.integers(problem.trunk_count, size=20)
    picks = [rng.integers(len(leaf.cost), size=20) for leaf in problem.leaves]
    cost, log_q = known.evaluate(trunk, picks)
    for at in range(20):
        levels = problem.levels(int(trunk[at]), tuple(int(pick[at]) for pick in picks))
        out = evaluate(plan.at(levels))
        assert cost[at] == pytest.approx(out.cost_per_good_usd, rel=1e-12)
        assert log_q[at] == pytest.approx(math.log(out.quality), rel=1e-12)
    ours = best_levels(problem, dppm_limit=2 * DPPM)
    theirs = milp.solve(known)
    assert ours.value_usd == pytest.approx(theirs.value_usd, rel=1e-12)
    assert theirs.bound_usd == pytest.approx(ours.value_usd, rel=milp.GAP)
