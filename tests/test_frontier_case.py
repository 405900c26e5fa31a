"""``yieldopt frontier``: text, JSON, errors; the points against every plan of a shipped case."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.optimize.test_frontier import SAME, supported
from tests.random_templates import all_plans
from yieldopt import CaseError, UnknownName, evaluate, load, solve
from yieldopt.cli import main
from yieldopt.compile import compile_template
from yieldopt.optimize import frontier_case
from yieldopt.optimize.frontier import frontier
from yieldopt.optimize.frontier_case import product_frontier
from yieldopt.optimize.weighing import candidate_on
from yieldopt.report.frontier import frontier_text
from yieldopt.schema.case import Case

SMALL = ("ask_two_mature_dies", "two_mature", "organic_mcm")  # 252 plans


def run(*args: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["frontier", *args])
    assert result.exit_code == code, result.output
    return result


def reference(case: Case, one_off_usd: float = 0.0) -> list[tuple[float, float]]:
    """(cost, DPPM) of the plans of the small case that none beats, from the cheapest on."""
    _, name, route = SMALL
    product = case.product(name)
    escape = product.escape_cost_usd.base if product.escape_cost_usd else 0.0
    template = compile_template(case, product, case.library.routes[route])
    rows = []
    for levels in all_plans(template):
        if any(levels[p] in out for p, out in product.forbidden_levels.items()):
            continue
        out = evaluate(template.at(levels))
        q = float(out.quality)
        cost = float(out.cost_per_good_usd) + escape * (1 - q) / q + one_off_usd
        rows.append((cost, float(out.dppm)))
    points: list[tuple[float, float]] = []
    for cost, dppm in sorted(rows):
        if not points or dppm < points[-1][1] * (1 - SAME):
            if points and cost <= points[-1][0] * (1 + SAME):
                points.pop()
            points.append((cost, dppm))
    return points


CHANGES: list[dict[str, Any]] = [
    {},
    {"escape_cost_usd": 2000.0},
    {"forbidden_levels": {"package/final_test": ["f9995", "off"]}, "dppm_limit": 700.0},
]


@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_the_frontier_of_a_product_equals_brute_force(changes: dict[str, Any]) -> None:
    case = load(SMALL[0], {f"products.{SMALL[1]}.{k}": v for k, v in changes.items()} or None)
    found = product_frontier(case, SMALL[1], route=SMALL[2])
    points = reference(case)
    assert found.frontier is not None
    assert found.frontier.complete
    assert len(points) > 10
    assert len(found.frontier.points) == len(points)
    for at, (point, (cost, dppm)) in enumerate(zip(found.frontier.points, points, strict=True)):
        assert point.value_usd == pytest.approx(cost, rel=1e-11)
        assert point.dppm == pytest.approx(dppm, rel=1e-9)
        assert point.supported == supported(points, at)
    candidate, _ = candidate_on(case, case.product(SMALL[1]), SMALL[2])
    assert candidate is not None
    assert found.chosen is not None
    chosen = found.frontier.points[found.chosen]
    assert chosen.levels == candidate.recipes[0].levels
    assert chosen.value_usd == pytest.approx(candidate.recipes[0].cost_per_good_usd, rel=1e-11)


def test_one_off_cost_is_in_every_point_and_in_no_price() -> None:
    plain = product_frontier(load(SMALL[0]), SMALL[1], route=SMALL[2])
    changes = {
        f"products.{SMALL[1]}.volume": 1e5,
        f"routes.{SMALL[2]}.one_off_cost_usd": 2e6,
    }
    dear = product_frontier(load(SMALL[0], changes), SMALL[1], route=SMALL[2])
    assert plain.frontier is not None
    assert dear.frontier is not None
    for one, other in zip(plain.frontier.points, dear.frontier.points, strict=True):
        assert other.value_usd == pytest.approx(one.value_usd + 20.0, rel=1e-12)
        assert other.usd_per_ppm == one.usd_per_ppm


def test_the_command_prints_what_the_function_finds() -> None:
    found = product_frontier(load("minimal"), "asic")
    printed = json.loads(run("minimal", "--product", "asic", "--json").stdout)
    assert printed == json.loads(json.dumps(found.to_dict()))
    assert printed["status"] == "optimal"
    assert found.frontier is not None
    assert len(printed["frontier"]["points"]) == len(found.frontier.points)
    alone = solve(load("minimal")).products[0].standalone
    assert alone is not None
    assert printed["route"] == alone.route
    best = printed["frontier"]["points"][printed["chosen"]]
    assert best["value_usd"] == pytest.approx(alone.cost_per_good_usd, rel=1e-11)


def test_the_table_has_a_line_for_each_point_and_says_what_changes() -> None:
    text = run(SMALL[0], "--product", SMALL[1], "--route", SMALL[2]).stdout
    found = product_frontier(load(SMALL[0]), SMALL[1], route=SMALL[2]).frontier
    assert found is not None
    lines = text.splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith("USD per good"))
    rows = lines[start + 1 : start + 1 + len(found.points)]
    levels = dict(found.points[0].levels)
    assert [k for k in levels if f"{k}  " not in text.split("levels of the first point")[1]] == []
    for row, point in zip(rows, found.points, strict=True):
        assert row.split()[:2] == [f"{point.value_usd:,.2f}", f"{point.dppm:,.2f}"]
        assert ("*" in row) == point.supported
        changed = {k: v for k, v in point.levels.items() if v != levels[k]}
        assert row.count("/") == len(changed)
        assert [k for k, v in changed.items() if f"{k} {v}" not in row] == []
        levels = dict(point.levels)
    (chosen,) = (row for row in rows if "<" in row)
    assert "699.63" in chosen
    assert "(limit 800 DPPM)" in lines[0]


def test_fewer_points_are_the_cheapest_and_the_chosen_and_the_rest_is_said() -> None:
    """Of all points the four cheapest are above the limit: the plan chosen is a fifth."""
    args = (SMALL[0], "--product", SMALL[1], "--route", SMALL[2], "--most", "4")
    printed = json.loads(run(*args, "--json").stdout)
    found = product_frontier(load(SMALL[0]), SMALL[1], route=SMALL[2])
    whole, chosen = found.frontier, found.chosen
    assert whole is not None
    assert chosen is not None
    assert chosen > 4
    assert (found.hidden, found.skipped, whole.complete) == (0, 0, True)
    points = printed["frontier"]["points"]
    shown = [*whole.points[:4], whole.points[chosen]]
    assert points == [json.loads(json.dumps(asdict(point))) for point in shown]
    assert not printed["frontier"]["complete"]
    hidden = len(whole.points) - 5
    assert (printed["chosen"], printed["hidden"], printed["skipped"]) == (4, hidden, chosen - 4)
    text = run(*args).stdout
    assert (
        f"the 4 cheapest of {len(whole.points)} points and the one chosen; {hidden} below" in text
    )
    assert f"down to {whole.points[-1].dppm:.6g}, are not" in text
    rows = text.splitlines()
    at = next(n for n, row in enumerate(rows) if "<" in row)
    assert rows[at - 1].split() == ["…", f"{chosen - 4}", "not", "shown"]
    assert rows[at].split()[0] == f"{whole.points[chosen].value_usd:,.2f}"
    after = len(whole.points) - 1 - chosen
    assert rows[at + 1].split()[:2] == ["…", f"{after}"]


@pytest.mark.parametrize("most", [1, 5, 9, 10, 11, 12, 100])
def test_the_chosen_plan_is_always_shown(most: int) -> None:
    whole = product_frontier(load(SMALL[0]), SMALL[1], route=SMALL[2])
    found = product_frontier(load(SMALL[0]), SMALL[1], route=SMALL[2], most=most)
    assert found.frontier is not None
    assert whole.frontier is not None
    assert found.chosen is not None
    assert whole.chosen is not None
    assert found.frontier.points[found.chosen] == whole.frontier.points[whole.chosen]
    assert found.hidden == len(whole.frontier.points) - len(found.frontier.points)
    assert len(found.frontier.points) <= most + 1
    assert found.frontier.complete == (found.hidden == 0) == (found.frontier.note == "")


def test_a_search_that_stops_shows_the_chosen_plan_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeated searches, as of plans too many to enumerate: two points and the chosen one."""
    whole = product_frontier(load(SMALL[0]), SMALL[1], route=SMALL[2])
    monkeypatch.setattr(frontier_case, "frontier", partial(frontier, most_plans=0.0))
    found = product_frontier(load(SMALL[0]), SMALL[1], route=SMALL[2], most=2)
    assert found.frontier is not None
    assert whole.frontier is not None
    assert whole.chosen is not None
    assert (found.chosen, found.hidden, found.skipped) == (2, None, None)
    last = found.frontier.points[-1]
    best = whole.frontier.points[whole.chosen]
    assert last.levels == best.levels
    assert last.value_usd == pytest.approx(best.value_usd, rel=SAME)
    assert {point.supported for point in found.frontier.points} == {None}
    text = frontier_text(found)
    assert text.count("more, not counted") == 2
    assert "? not known" in text


def test_wrong_names_and_numbers_are_refused() -> None:
    for args, words in (
        (("--product", "asik"), "unknown product (got 'asik'); did you mean 'asic'?"),
        (("--product", "asic", "--route", "cowos"), "none of the routes of asic (got 'cowos')"),
        (("--product", "asic", "--most", "0"), "0 is not in the range x>=1"),
    ):
        result = run("minimal", *args, code=2)
        assert result.stdout == ""
        assert words in result.stderr
    with pytest.raises(UnknownName):
        product_frontier(load("minimal"), "asic", route="emib")
    with pytest.raises(CaseError, match="must be at least 1"):
        product_frontier(load("minimal"), "asic", most=0)


def test_infeasible_is_an_answer_with_its_reasons() -> None:
    args = ("b200_class", "--product", "b200_class", "--route", "osat_2p5d")
    text = run(*args, code=3).stdout
    assert text.startswith("infeasible: b200_class can be made on none of these routes")
    assert "osat_2p5d: power 1000 W exceeds the limit of 850 W" in text
    printed = json.loads(run(*args, "--json", code=3).stdout)
    assert printed["status"] == "infeasible"
    assert printed["frontier"] is None
    assert "osat_2p5d: power 1000 W exceeds the limit of 850 W" in printed["binding"]
