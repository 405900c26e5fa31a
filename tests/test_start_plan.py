"""The start and buy plan: dates and amounts on paper, conservation, faults."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from yieldopt import CaseError, UnknownName, load, solve
from yieldopt.cli import main
from yieldopt.compile.schedule import schedule
from yieldopt.physics.geometry import dies_per_wafer
from yieldopt.plan import Result
from yieldopt.report.starts import starts_text
from yieldopt.schema.case import Case, Change
from yieldopt.schema.planning import LineShape
from yieldopt.start_plan import StartPlan, spread, start_plan

A = 'source = "assumed: a test"\n'
WAFER = f"""title = "W"
{A}carrier = "wafer"
diameter_mm = 300.0
edge_exclusion_mm = 3.0
street_mm = 0.1
cost_usd = 5000
law = "poisson"
"""
D0, CAUGHT_BY_SORT, CAUGHT, SCRAP = 0.5, 0.8, 0.95, 0.1
SIDES = (10.0, 8.0)
FILES = {
    "processes/t_logic": f'name = "t_logic"\nresource = "wafer.t"\ncategory = "die"\n{WAFER}'
    f'd0_per_cm2 = {D0}\nshares = {{logic = 1.0}}\n'
    'cycle_time_weeks = {base = 5, source = "assumed: a test"}\n',
    "processes/t_body": f'name = "t_body"\nresource = "wafer.b"\ncategory = "interposer"\n{WAFER}'
    "d0_per_cm2 = 0.0\nshares = {rdl = 1.0}\n",
    "parts/t_die": f'name = "t_die"\ntitle = "D"\n{A}category = "die"\npoint = "t_die"\n'
    f'process = "t_logic"\nwidth_mm = {SIDES[0]}\nheight_mm = {SIDES[1]}\n',
    "parts/t_inter": f'name = "t_inter"\ntitle = "I"\n{A}category = "interposer"\n'
    'process = "t_body"\nsize = "interposer"\n',
    "parts/t_mem": f'name = "t_mem"\ntitle = "M"\n{A}category = "memory"\nresource = "hbm.t"\n'
    "price_usd = 100\nwidth_mm = 11.0\nheight_mm = 10.0\n"
    'lead_time_weeks = {base = 10, source = "assumed: a test"}\n',
    "parts/t_sub": f'name = "t_sub"\ntitle = "S"\n{A}category = "substrate"\nprice_usd = 9\n'
    'size = "substrate"\n',
    "parts/t_pile": f'name = "t_pile"\ntitle = "P"\n{A}category = "memory"\nwidth_mm = 11.0\n'
    'height_mm = 10.0\nroute = "t_piling"\nuntil = "pile"\n'
    'slots.top = [{part = "t_die", count = 2}]\n',
    "routes/t_pack": f'name = "t_pack"\ntitle = "P"\n{A}lead_time_weeks = 9\ncarrier = "body"\n'
    "cycle_time_weeks = 6\nsites = [{name = \"here\", region = \"here\"}]\n"
    '[[steps]]\nmake = "body"\npart = "t_inter"\n'
    '[[steps]]\njoin = "package"\ninputs = ["body", "@logic", "@memory", "@substrate"]\n'
    f'[[steps]]\nwork = "bond"\nscrap = {SCRAP}\nuses = {{"bonder.t_h" = 0.25}}\n'
    '[[steps]]\npoint = "t_final"\n',
    "routes/t_piling": f'name = "t_piling"\ntitle = "P"\n{A}lead_time_weeks = 1\n'
    "cycle_time_weeks = 4\nsites = [{name = \"here\", region = \"here\"}]\n"
    '[[steps]]\njoin = "pile"\ninputs = ["@top"]\n[[steps]]\nwork = "press"\ncost_usd = 1\n'
    '[[steps]]\njoin = "never"\ninputs = ["pile"]\n',
    "insertions/t_sort": f'name = "t_sort"\ntitle = "T"\n{A}points = ["t_die"]\n'
    'overlap = "nested"\ntester = {resource = "tester.s_h", usd_per_h = {ate = 100}}\n'
    f'levels = {{off = {{}}, on = {{seconds = 36, coverage = {{logic = {CAUGHT_BY_SORT}}}, '
    'source = "assumed: a test"}}\n',
    "insertions/t_final": f'name = "t_final"\ntitle = "T"\n{A}points = ["t_final"]\n'
    'overlap = "nested"\ntester = {resource = "tester.f_h", usd_per_h = {ate = 100}}\n'
    f'levels = {{off = {{}}, on = {{seconds = 72, coverage = {{logic = {CAUGHT}}}, '
    'source = "assumed: a test"}}\n',
}  # fmt: skip
CASE = """name = "t"
include = ["own"]
insertions = ["t_sort", "t_final"]
periods = ["one", "two", "three"]
period_weeks = 4
[[products]]
name = "p"
routes = ["t_pack"]
interposer_mm = [30.0, 30.0]
substrate_mm = [40.0, 40.0]
demand = [100, 200, 400]
dppm_limit = 100000
levels = {"t_die/t_sort" = ["on"], "package/t_final" = ["on"]}
slots.logic = [{part = "t_die", count = 2}]
slots.memory = [{part = "t_mem", count = 3}]
slots.substrate = [{part = "t_sub"}]
"""
DEMAND = (100.0, 200.0, 400.0)
BEFORE = "before one"
# In rounding alone: sums of a few shares of amounts that the engine gives to 1e-14 or so.
ROUNDING = 1e-12


def case_of(folder: Path, text: str = CASE) -> Case:
    for name, body in FILES.items():
        path = folder / "own" / f"{name}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body)
    (folder / "case.toml").write_text(text)
    return load(folder / "case.toml")


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return case_of(tmp_path_factory.mktemp("starts"))


@pytest.fixture(scope="module")
def result(case: Case) -> Result:
    return solve(case)


@pytest.fixture(scope="module")
def plan(case: Case, result: Result) -> StartPlan:
    return start_plan(case, result)


def by_period(plan: StartPlan, name: str) -> dict[str, float]:
    found: dict[str, float] = defaultdict(float)
    for row in plan.rows:
        if row.name == name:
            found[row.period] += row.amount
    return dict(found)


def per_good() -> dict[str, float]:
    """What a good package takes, on paper: two dies of Poisson faults, one visible scrap."""
    mean = D0 * SIDES[0] * SIDES[1] / 100.0
    sort_pass = math.exp(-mean * CAUGHT_BY_SORT)
    final_pass = math.exp(-2 * mean * (CAUGHT - CAUGHT_BY_SORT))
    shipped = math.exp(2 * mean * (1 - CAUGHT))
    tested = shipped / final_pass
    joined = tested / (1 - SCRAP)
    rim = {"diameter_mm": 300.0, "edge_exclusion_mm": 3.0, "street_mm": 0.1}
    sorted_ = 2 * joined / sort_pass
    return {
        "wafer.t": sorted_ / dies_per_wafer(*SIDES, **rim),
        "tester.s_h": sorted_ * 36 / 3600,
        "wafer.b": joined / dies_per_wafer(30.0, 30.0, **rim),
        "hbm.t": 3 * joined,
        "t_sub": joined,
        "bonder.t_h": 0.25 * joined,
        "tester.f_h": tested * 72 / 3600,
        "t_pack": shipped,
    }


# Weeks before shipment: the route takes 6 in two stages, the die 5 before it, the memory 10; the
# line is asked 9 weeks before. By name: (what, unit, weeks, {period: packages whose need it is}).
DATES: dict[str, tuple[str, str, float, dict[str, float]]] = {
    "wafer.t": ("start", "wafers", 11.0, {BEFORE: 600.0, "one": 100.0}),
    "tester.s_h": ("book", "h", 6.0, {BEFORE: 200.0, "one": 300.0, "two": 200.0}),
    "wafer.b": ("start", "wafers", 6.0, {BEFORE: 200.0, "one": 300.0, "two": 200.0}),
    "hbm.t": ("order", "units", 16.0, {BEFORE: 700.0}),
    "t_sub": ("order", "units", 6.0, {BEFORE: 200.0, "one": 300.0, "two": 200.0}),
    "bonder.t_h": ("book", "h", 3.0, {BEFORE: 75.0, "one": 175.0, "two": 350.0, "three": 100.0}),
    "tester.f_h": ("book", "h", 0.0, {"one": 100.0, "two": 200.0, "three": 400.0}),
    "t_pack": ("order", "packages", 9.0, {BEFORE: 400.0, "one": 300.0}),
}


@pytest.mark.parametrize("name", DATES)
def test_dates_and_amounts_are_those_on_paper(plan: StartPlan, name: str) -> None:
    what, unit, weeks, packages = DATES[name]
    each = per_good()[name]
    wanted = {period: each * count for period, count in packages.items()}
    assert by_period(plan, name) == pytest.approx(wanted, rel=ROUNDING)
    rows = [row for row in plan.rows if row.name == name]
    assert {(row.what, row.unit, row.product) for row in rows} == {(what, unit, "p")}
    early = [row.weeks_before for row in rows if row.weeks_before is not None]
    assert early == ([weeks] if weeks else [])
    assert all((row.weeks_before is None) == (row.period != BEFORE) for row in rows)


def test_nothing_else_is_in_the_plan(plan: StartPlan) -> None:
    assert {row.name for row in plan.rows} == set(DATES)


def test_a_part_without_a_lead_time_is_named_and_taken_as_none(plan: StartPlan) -> None:
    assert plan.without_time == ("parts.t_sub.lead_time_weeks",)
    assert "no cycle or lead time given, 0 weeks taken: parts.t_sub" in starts_text(plan)


def test_the_gap_of_a_plan_that_was_stopped_is_shown(plan: StartPlan) -> None:
    assert starts_text(plan).startswith("optimal; packages")
    stopped = replace(plan, status="feasible", gap=0.031)
    assert starts_text(stopped).startswith("feasible, gap 3.1e-02; packages")
    unbounded = replace(plan, status="feasible", gap=None)
    assert starts_text(unbounded).startswith("feasible, no bound in the time; packages")


def test_what_falls_due_beyond_the_capacity_of_its_period_is_listed(tmp_path: Path) -> None:
    """Enough for what is shipped in each period, and in the first for a third of what is begun."""
    each = per_good()["wafer.b"]
    capacity = [1.0001 * each * packages for packages in DEMAND]

    def limited_to(amounts: list[float]) -> StartPlan:
        block = (
            f'[[resources]]\nname = "wafer.b"\nunit = "wafers"\ncapacity = {amounts}\n{A}'
            f'[[resources]]\nname = "tester.f_h"\nunit = "h"\ncapacity = 1000\n{A}[[products]]'
        )
        limited = case_of(tmp_path, CASE.replace("[[products]]", block))
        return start_plan(limited, solve(limited))

    found = limited_to(capacity)
    assert [(row.name, row.period) for row in found.beyond] == [("wafer.b", "one")]
    assert found.beyond[0].amount == pytest.approx(300.0 * each, rel=ROUNDING)
    assert found.beyond[0].capacity == pytest.approx(capacity[0], rel=ROUNDING)
    assert found.to_dict()["beyond"][0]["name"] == "wafer.b"
    shown = starts_text(found).partition("more than the capacity of the period")[2]
    assert [line.split() for line in shown.splitlines() if "wafer.b" in line] == [
        ["wafer.b", "300%"]
    ]
    assert limited_to([3.0 * amount for amount in capacity]).beyond == ()


def test_an_order_takes_no_capacity_in_the_period_in_which_it_is_placed(tmp_path: Path) -> None:
    """Ordered 6 weeks before shipment; the capacity of their maker is for what it delivers."""
    capacity = [1.0001 * per_good()["hbm.t"] * packages for packages in DEMAND]
    block = (
        "override.parts.t_mem.lead_time_weeks = 0\n"
        f'[[resources]]\nname = "hbm.t"\nunit = "stacks"\ncapacity = {capacity}\n{A}[[products]]'
    )
    limited = case_of(tmp_path, CASE.replace("[[products]]", block))
    found = start_plan(limited, solve(limited))
    assert by_period(found, "hbm.t")["one"] > 2.9 * capacity[0]
    assert found.beyond == ()


def test_a_route_and_a_process_without_a_cycle_time_are_named(tmp_path: Path) -> None:
    plain = case_of(tmp_path)
    route = plain.library.routes["t_pack"].model_copy(update={"cycle_time_weeks": None})
    process = plain.library.processes["t_logic"].model_copy(update={"cycle_time_weeks": None})
    library = replace(
        plain.library,
        routes={**plain.library.routes, "t_pack": route},
        processes={**plain.library.processes, "t_logic": process},
    )
    dates = schedule(library, plain.products[0], route)
    assert set(dates.without_time) == {
        "routes.t_pack.cycle_time_weeks",
        "processes.t_logic.cycle_time_weeks",
        "parts.t_sub.lead_time_weeks",
    }
    assert dates.nodes["t_die"].begun_weeks == dates.nodes["package"].done_weeks == 0.0


@pytest.mark.parametrize("seed", range(40))
def test_the_split_over_periods_is_the_overlap_of_the_moved_period(seed: int) -> None:
    rng = np.random.default_rng(seed)
    length = float(rng.uniform(0.5, 20.0))
    weeks = float(rng.uniform(0.0, 60.0)) if seed % 4 else float(rng.integers(0, 5)) * length
    period = int(rng.integers(0, 8))
    begin, end = period * length - weeks, (period + 1) * length - weeks
    wanted = {
        at: overlap / length
        for at in range(-140, 9)
        if (overlap := min(end, (at + 1) * length) - max(begin, at * length)) > 1e-9
    }
    shares = {at: share for at, share in spread(weeks, period, length) if share > 1e-9}
    assert shares == pytest.approx(wanted, abs=1e-11)  # the overlap subtracts dates up to 160
    assert sum(share for _, share in spread(weeks, period, length)) == pytest.approx(1, rel=1e-15)


def test_times_of_whole_periods_are_whole_in_spite_of_rounding() -> None:
    """6.2 weeks in three stages and 1.8 before: 8.000000000000002 weeks, which are two periods."""
    assert spread(6.2 / 3 * 3 + 1.8, 2, 4.0) == ((0, 1.0),)
    assert spread(7.2 / 3 * 3 + 0.8, 2, 4.0) == ((0, 1.0),)  # 7.999999999999999
    assert spread(8.001, 2, 4.0) == ((-1, pytest.approx(0.00025)), (0, pytest.approx(0.99975)))


@pytest.mark.parametrize("name", ["minimal", "accelerators_2026", "reference_memory"])
def test_all_that_the_plan_uses_falls_due_in_some_period(name: str) -> None:
    case = load(name)
    result = solve(case)
    recipes = {recipe.id: recipe for recipe in result.recipes}
    wanted: dict[tuple[str, str], float] = defaultdict(float)
    for row in result.allocation:
        for used, amount in recipes[row["recipe"]].uses_per_good.items():
            wanted[row["product"], used] += row["packages"] * amount
    found: dict[tuple[str, str], float] = defaultdict(float)
    plan = start_plan(case, result)
    for due in plan.rows:
        found[due.product, due.name] += due.amount
    assert len(wanted) > 3
    for key, amount in wanted.items():
        assert found[key] == pytest.approx(amount, rel=ROUNDING)
    assert plan.without_time == ()  # every model of these cases gives its times


def overridden(folder: Path, key: str, value: object) -> Case:
    return case_of(folder, CASE.replace("[[products]]", f"override.{key} = {value}\n[[products]]"))


@pytest.mark.parametrize(("key", "name", "others"), [
    ("processes.t_logic.cycle_time_weeks", "wafer.t", {"hbm.t", "tester.s_h"}),
    ("parts.t_mem.lead_time_weeks", "hbm.t", {"wafer.t", "tester.s_h"}),
    ("routes.t_pack.cycle_time_weeks", "tester.s_h", {"tester.f_h"}),
    ("routes.t_pack.lead_time_weeks", "t_pack", {"wafer.t", "hbm.t"}),
])  # fmt: skip
def test_a_longer_time_moves_its_starts_earlier_and_no_others(
    tmp_path: Path, key: str, name: str, others: set[str]
) -> None:
    heads = (BEFORE, "one", "two", "three")
    last: list[float] | None = None
    rest: dict[str, Any] = {}
    for weeks in (6.0, 6.5, 9.25, 12.0, 40.0):
        case = overridden(tmp_path, key, weeks)
        plan = start_plan(case, solve(case))
        amounts = by_period(plan, name)
        so_far = list(np.cumsum([amounts.get(head, 0.0) for head in heads]))
        if last is not None:
            assert all(now >= then - 1e-9 for now, then in zip(so_far, last, strict=True))
            assert so_far[-1] == pytest.approx(last[-1], rel=ROUNDING)
            assert sum(so_far) > sum(last) or last[0] == pytest.approx(last[-1], rel=ROUNDING)
            assert {other: by_period(plan, other) for other in others} == rest
        last, rest = so_far, {other: by_period(plan, other) for other in others}
    assert last is not None
    assert last[0] == pytest.approx(last[-1], rel=ROUNDING)  # 40 weeks: all of it before


def test_an_assembled_part_takes_the_stages_up_to_its_node(tmp_path: Path) -> None:
    """Two stages of two weeks; up to "pile" it takes the first alone."""
    text = CASE.replace('{part = "t_mem", count = 3}', '{part = "t_pile", count = 3}')
    text = text.replace('[{part = "t_die", count = 2}]', "[]")
    case = case_of(tmp_path, text)
    dates = schedule(case.library, case.products[0], case.library.routes["t_pack"])
    pile, die = dates.nodes["t_pile"], dates.nodes["t_die"]
    assert (pile.begun_weeks, pile.done_weeks) == (8.0, 6.0)
    assert (die.begun_weeks, die.done_weeks) == (13.0, 8.0)
    assert [(o.route, o.node, o.weeks) for o in dates.orders] == [
        ("t_pack", "package", 9.0), ("t_piling", "t_pile", 8.0),
    ]  # fmt: skip
    orders = by_period(start_plan(case, solve(case)), "t_piling")
    joined = by_period(start_plan(case, solve(case)), "t_sub")
    assert sum(orders.values()) == pytest.approx(3 * sum(joined.values()), rel=ROUNDING)


def test_a_line_has_its_own_resources_and_its_own_orders(case: Case, result: Result) -> None:
    line = LineShape(
        name="second", route="t_pack", resources={"bonder.t_h": "bonder.own"},
        source="assumed: a test",
    )  # fmt: skip
    there = [{**row, "line": "second"} for row in result.allocation]
    lined = start_plan(replace(case, lines=(line,)), replace(result, allocation=tuple(there)))
    plain = start_plan(case, result)
    assert by_period(lined, "bonder.own") == by_period(plain, "bonder.t_h")
    assert {row.unit for row in lined.rows if row.name == "bonder.own"} == {"h"}
    assert by_period(lined, "second") == by_period(plain, "t_pack")
    assert not by_period(lined, "bonder.t_h")
    assert not by_period(lined, "t_pack")
    assert by_period(lined, "wafer.t") == by_period(plain, "wafer.t")


def test_models_that_change_hold_from_their_period_on(tmp_path: Path) -> None:
    """From the third period on dies are begun 8 weeks, two periods, before the route."""
    other = overridden(tmp_path / "later", "processes.t_logic.cycle_time_weeks", 10)
    case = case_of(tmp_path / "now")
    plan = start_plan(replace(case, changes=(Change(2, other),)), solve(case))
    each = per_good()["wafer.t"]
    # 16 weeks: all of the third period's falls before the first.
    assert by_period(plan, "wafer.t") == pytest.approx({BEFORE: 700 * each}, rel=ROUNDING)
    rows = [row for row in plan.rows if row.name == "wafer.t"]
    assert [row.weeks_before for row in rows] == [11.0]  # the first period's is due first


@pytest.mark.parametrize(("key", "value", "words"), [
    ("recipe", "p/t_pack/9", "unknown recipe"), ("period", "too", "did you mean 'two'"),
])  # fmt: skip
def test_an_allocation_of_another_case_is_refused(
    case: Case, result: Result, key: str, value: str, words: str
) -> None:
    wrong = replace(result, allocation=({**result.allocation[0], key: value},))
    with pytest.raises(UnknownName, match=words):
        start_plan(case, wrong)


@pytest.mark.parametrize(("old", "new", "words"), [
    ("base = 10,", "base = -1,", "at least 0"),
    ("price_usd = 100", 'process = "t_logic"', "has no"),
])  # fmt: skip
def test_bad_times_are_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    case_of(tmp_path)
    path = tmp_path / "own" / "parts" / "t_mem.toml"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(CaseError, match=words):
        load(tmp_path / "case.toml")


def test_the_command_prints_tables_json_and_what_binds(tmp_path: Path) -> None:
    case_of(tmp_path)
    path = str(tmp_path / "case.toml")
    text = CliRunner().invoke(main, ["starts", path])
    assert text.exit_code == 0
    for words in ("wafers and panels to start", "to order", "to book", BEFORE, "16.0"):
        assert words in text.stdout
    shown = CliRunner().invoke(main, ["starts", path, "--json"])
    data = json.loads(shown.stdout)
    assert (data["status"], data["periods"]) == ("optimal", ["one", "two", "three"])
    memory = [row for row in data["rows"] if row["name"] == "hbm.t"]
    assert [(row["what"], row["period"], row["weeks_before"]) for row in memory] == [
        ("order", BEFORE, 16.0)
    ]
    case_of(tmp_path, CASE.replace("dppm_limit = 100000", "dppm_limit = 1"))
    none = CliRunner().invoke(main, ["starts", path])
    assert none.exit_code == 3
    assert "there is no plan" in none.stdout
    assert "DPPM" in none.stdout
    empty = json.loads(CliRunner().invoke(main, ["starts", path, "--json"]).stdout)
    assert list(empty) == list(data)
    assert (empty["status"], empty["rows"]) == ("infeasible", [])
    late = CliRunner().invoke(main, ["starts", path, "--time-limit", "1e-9", "--json"])
    assert (late.exit_code, json.loads(late.stdout)["status"]) == (4, "unknown")
