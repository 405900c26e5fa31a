"""``yieldopt tornado``: its ends against the case read again with the input changed."""

from __future__ import annotations

import itertools
import json
import math
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.test_assembly import CASE, case_of
from yieldopt import CaseError, UnknownName, evaluate, load
from yieldopt.cli import main
from yieldopt.compile import compile_template
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.weighing import candidate_on
from yieldopt.plan import Status
from yieldopt.read.replacing import replaced
from yieldopt.report.tornado import tornado_text
from yieldopt.study import ends, nearby
from yieldopt.study.inputs import _is_used, inputs_of
from yieldopt.study.tornado import Tornado, tornado, tornado_of, varied

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def minimal() -> Tornado:
    return tornado(load("minimal"), "asic")


def run(*args: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["tornado", *args])
    assert result.exit_code == code, result.output
    return result


def saved(folder: Path, more: str) -> Path:
    path = folder / "own.toml"
    path.write_text((ROOT / "cases" / "minimal.toml").read_text() + more)
    return path


def test_every_fifth_end_is_what_the_case_gives_when_it_is_read_again(minimal: Tornado) -> None:
    """``load(path, {key: value})``, then the search on that route: the same to the last bit but
    rounding."""
    for row in minimal.rows[::5]:
        for end in (row.low, row.high):
            case = load("minimal", {row.input.key: end.value})
            candidate, _ = candidate_on(case, case.products[0], "osat_2p5d")
            assert candidate is not None
            cost = candidate.recipes[0].cost_per_good_usd
            assert end.cost_per_good_usd == pytest.approx(cost, rel=1e-12), row.input.key


def test_levels_are_chosen_anew_and_never_lose_to_the_plan_held(minimal: Tornado) -> None:
    case = load("minimal")
    candidate, _ = candidate_on(case, case.products[0], "osat_2p5d")
    assert candidate is not None
    held, better = candidate.recipes[0].levels, 0
    for row in minimal.rows:
        for end in (row.low, row.high):
            other = replaced(case, row.input.key, end.value)
            route = other.library.routes["osat_2p5d"]
            out = evaluate(compile_template(other, other.products[0], route).at(held))
            if float(out.dppm) <= 1000.0 and end.cost_per_good_usd is not None:
                assert end.cost_per_good_usd <= float(out.cost_per_good_usd) * (1 + 1e-9)
                better += end.cost_per_good_usd < float(out.cost_per_good_usd) * (1 - 1e-9)
    assert better > 0  # the property is not an empty one


def test_swings_are_the_spread_and_fall(minimal: Tornado) -> None:
    swings = []
    for row in minimal.rows:
        costs = (row.low.cost_per_good_usd, row.high.cost_per_good_usd, minimal.cost_per_good_usd)
        assert None not in costs
        known = [cost for cost in costs if cost is not None]
        assert row.swing_usd == max(known) - min(known) > 0.0
        swings.append(row.swing_usd)
    assert all(left >= right for left, right in itertools.pairwise(swings))
    assert minimal.status is Status.OPTIMAL
    assert "routes.osat_2p5d.lead_time_weeks" in minimal.without_effect


def test_all_inputs_with_a_range_are_accounted_for(minimal: Tornado) -> None:
    case = load("minimal")
    candidate, _ = candidate_on(case, case.products[0], "osat_2p5d")
    assert candidate is not None
    levels = candidate.recipes[0].levels
    wanted = [o.key for o in inputs_of(case, "asic", "osat_2p5d", levels) if o.has_range]
    rows = [row.input.key for row in minimal.rows]
    assert sorted([*rows, *minimal.without_effect]) == sorted(wanted)
    unused = {o.key for o in inputs_of(case, "asic", "osat_2p5d")} - set(wanted)
    assert not unused & set(rows)
    levels_used = {key.split(".")[3] for key in wanted if key.startswith("insertions.wafer_sort.l")}
    assert levels_used == {levels["tpu_die/wafer_sort"]}


def test_an_end_where_the_product_cannot_be_made_says_why_and_comes_first() -> None:
    found = tornado(load("b200_class"), "b200_class")
    first = found.rows[0]
    assert first.swing_usd is None
    assert first.input.key == "routes.cowos_l.limits.bump_pitch_um"
    assert first.high.reasons == ("bump pitch 40 um is below the smallest of 55 um",)
    assert f"{first.input.key} at 55: {first.high.reasons[0]}" in tornado_text(found)


def test_a_share_that_cannot_vary_alone_is_named(tmp_path: Path) -> None:
    shares = "[override.processes.n5.shares]\nlogic = {low = 0.6, base = 0.7, high = 0.8}\n"
    found = tornado(load(saved(tmp_path, shares)), "asic")
    ((key, why),) = found.alone_refused
    assert key == "processes.n5.shares.logic"
    assert "the shares sum to 0.9, not to 1" in why
    assert f"not varied alone: {key}" in tornado_text(found)


def test_when_time_ends_the_largest_are_done_and_it_is_said_what_was_not(
    monkeypatch: pytest.MonkeyPatch, minimal: Tornado
) -> None:
    """Time ends once twenty ends are known: ten inputs, or eleven of one end."""
    case = load("minimal")
    best, verdict = candidate_on(case, case.products[0], "osat_2p5d")
    assert best is not None
    budget = Budget(600.0, math.inf, threading.Event())
    search = nearby.best_of_each

    def slow(*asked: Any, **how: Any) -> Any:
        found = search(*asked, **how)
        budget.stop.set()
        return [*found[:20], *[None] * (len(found) - 20)]

    monkeypatch.setattr(nearby, "best_of_each", slow)
    found = tornado_of(case, "asic", best, [verdict], budget)
    assert found.status is Status.FEASIBLE
    done = [row.input.key for row in found.rows]
    assert 10 <= len(done) <= 12
    all_keys = [*(row.input.key for row in minimal.rows), *minimal.without_effect]
    assert sorted([*done, *found.without_effect, *found.not_done]) == sorted(all_keys)
    assert "routes.osat_2p5d.lead_time_weeks" in found.without_effect  # it takes no search
    # The plan held moves the most by those that the search finds to move the most.
    assert {row.input.key for row in minimal.rows[:8]} <= set(done)
    assert found.not_done[0] in tornado_text(found)


@pytest.mark.parametrize("name", ["minimal", "b200_class", "reference_memory"])
def test_searched_by_itself_every_end_is_the_same(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = load(name)
    product = case.products[-1].name
    together = tornado(case, product)
    monkeypatch.setattr(
        nearby, "best_of_each", lambda kin, known, ones, until, **how: [None] * len(ones)
    )
    alone = tornado(case, product)
    assert together.rows
    assert [row.input.key for row in together.rows] == [row.input.key for row in alone.rows]
    for one, other in zip(together.rows, alone.rows, strict=True):
        for mine, theirs in ((one.low, other.low), (one.high, other.high)):
            assert mine.value == theirs.value
            assert mine.reasons == theirs.reasons
            if theirs.cost_per_good_usd is None:
                assert mine.cost_per_good_usd is None
            else:
                assert mine.cost_per_good_usd == pytest.approx(theirs.cost_per_good_usd, rel=1e-12)
    assert together.without_effect == alone.without_effect
    assert together.gap == alone.gap == 0.0


@pytest.mark.parametrize(("low", "base", "high"), [(0.0, 0.75, 0.9), (0.0, 0.0, 0.75)])
def test_ends_at_which_an_insertion_comes_or_goes(
    low: float, base: float, high: float, tmp_path: Path
) -> None:
    """Of dies that are bonded blind a test that repairs nothing is none."""
    shares = f"{{low = {low}, base = {base}, high = {high}}}"
    mends = (
        "coverage = {logic = 0.8}",
        f"coverage = {{logic = 0.8}}, repair = {{logic = {shares}}}",
    )
    text = CASE.replace("power_w", 'levels = {"t_base/t_sort" = ["twice"]}\npower_w')
    case = case_of(tmp_path, text, insertions__t_sort=mends)
    found = tornado(case, "p")
    (row,) = found.rows
    assert row.input.key == "insertions.t_sort.levels.twice.repair.logic"
    menus = []
    for end in (row.low, row.high):
        there = replaced(case, row.input.key, end.value)
        candidate, _ = candidate_on(there, there.products[0], "t_pack")
        assert candidate is not None
        assert end.cost_per_good_usd == candidate.recipes[0].cost_per_good_usd
        menus.append("t_die/t_sort" in candidate.template.choices())
    assert menus == [False, True]


def test_no_end_is_compiled_once_time_has_ended(
    monkeypatch: pytest.MonkeyPatch, minimal: Tornado
) -> None:
    case = load("minimal")
    best, verdict = candidate_on(case, case.products[0], "osat_2p5d")
    assert best is not None
    budget, compiled = Budget(600.0, math.inf, threading.Event()), []

    def slow(*asked: Any) -> Any:
        compiled.append(asked)
        if len(compiled) == 5:
            budget.stop.set()
        return replaced(*asked)

    monkeypatch.setattr(nearby, "replaced", slow)
    monkeypatch.setattr(Budget, "part", lambda *_: Budget(1.0, -math.inf))  # none is held before
    found = tornado_of(case, "asic", best, [verdict], budget)
    assert len(compiled) == 5
    assert found.rows == ()
    assert len(found.not_done) + len(found.without_effect) == len(minimal.rows) + len(
        minimal.without_effect
    )


def test_time_that_ends_before_anything_was_varied() -> None:
    case = load("minimal")
    best, _ = candidate_on(case, case.products[0], "osat_2p5d")
    assert best is not None
    inputs = [one for one in inputs_of(case, "asic", "osat_2p5d") if one.has_range]
    late = Budget(1.0, -math.inf)
    found = varied(best, [], inputs, ends.Ends(case, best, late))
    assert found.rows == found.without_effect == ()
    assert len(found.not_done) == len(inputs)


def test_an_input_without_effect_changes_no_flow(minimal: Tornado) -> None:
    """What is not searched again: the cost at both ends is that at base all the same."""
    for key in minimal.without_effect[::4]:
        one = next(o for o in inputs_of(load("minimal"), "asic", "osat_2p5d") if o.key == key)
        for value in (one.low, one.high):
            case = load("minimal", {key: value})
            candidate, _ = candidate_on(case, case.products[0], "osat_2p5d")
            assert candidate is not None
            assert candidate.recipes[0].cost_per_good_usd == minimal.cost_per_good_usd


def test_the_command_prints_the_same_numbers(minimal: Tornado) -> None:
    data = json.loads(run("minimal", "--product", "asic", "--json").stdout)
    assert data["status"] == "optimal"
    assert [row["key"] for row in data["rows"]] == [row.input.key for row in minimal.rows]
    assert data["rows"][0]["unit"] == "USD"
    assert data["rows"][0]["cost_low_usd"] == minimal.rows[0].low.cost_per_good_usd
    assert {row["is_assumed"] for row in data["rows"]} == {True, False}
    text = run("minimal", "--product", "asic").stdout
    assert text.splitlines()[3].split()[-1] == f"{minimal.rows[0].swing_usd:,.2f}"


def test_wrong_names_and_limits_are_refused() -> None:
    case = load("minimal")
    with pytest.raises(UnknownName, match="unknown product"):
        tornado(case, "asci")
    with pytest.raises(UnknownName, match="none of the routes of asic"):
        tornado(case, "asic", route="cowos_l")
    with pytest.raises(CaseError, match="must be above 0"):
        tornado(case, "asic", time_limit_s=0.0)


def test_without_a_route_the_answer_is_infeasible() -> None:
    result = run("b200_class", "--product", "b200_class", "--route", "osat_2p5d", code=3)
    assert result.stdout.startswith("infeasible: b200_class can be made on none of these routes")
    data = json.loads(
        run(
            "b200_class", "--product", "b200_class", "--route", "osat_2p5d", "--json", code=3
        ).stdout
    )
    assert data["rows"] == [] and data["binding"]


def test_the_place_of_an_insertion_whose_name_ends_as_anothers() -> None:
    """``die/q/x`` is a place of ``q/x``, not of ``x``."""
    library = SimpleNamespace(insertions={n: SimpleNamespace(curve=None) for n in ("x", "q/x")})
    insertions = [SimpleNamespace(name=name) for name in library.insertions]
    case: Any = SimpleNamespace(insertions=insertions, library=library)
    levels = {"die/x": "off", "die/q/x": "full"}
    assert not _is_used(case, ("insertions", "x", "tester"), levels)
    assert _is_used(case, ("insertions", "q/x", "tester"), levels)
