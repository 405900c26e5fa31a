"""A study of a whole case: its parts are those of the single commands, and fit each other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from yieldopt import CaseError, load, solve
from yieldopt.breakeven import breakeven
from yieldopt.comparison import compare
from yieldopt.explanation import explain
from yieldopt.optimize.frontier_case import product_frontier
from yieldopt.plan import Status
from yieldopt.study import ProductStudy, Study, study_case
from yieldopt.study.tornado import tornado

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def study() -> Study:
    return study_case("minimal")


@pytest.fixture(scope="module")
def asic(study: Study) -> ProductStudy:
    (found,) = study.products
    return found


def test_the_parts_are_those_of_the_single_studies(study: Study, asic: ProductStudy) -> None:
    case = load("minimal")
    assert (study.case, study.title) == (case.name, case.title)
    assert study.result.objective_usd == pytest.approx(solve(case).objective_usd, rel=1e-12)
    assert asic.routes == compare(case)
    assert asic.tornado.rows == tornado(case, "asic").rows
    explained = explain(case, "asic").explanation
    assert asic.explanation.explanation == explained
    front = product_frontier(case, "asic", most=200).frontier
    assert asic.frontier.frontier is not None and front is not None
    assert asic.frontier.frontier.points == front.points


def test_they_fit_each_other(asic: ProductStudy) -> None:
    assert asic.best is not None and asic.best.recipe is not None
    cost = asic.best.recipe.cost_per_good_usd
    assert asic.tornado.cost_per_good_usd == pytest.approx(cost, rel=1e-12)
    assert asic.funnel is not None
    spent = sum(row.cost_usd_per_good for row in asic.funnel.steps)
    assert spent == pytest.approx(cost, rel=1e-11)
    scrap = sum(asic.funnel.scrap_by_cause_usd.values())
    assert scrap == pytest.approx(asic.best.recipe.waterfall_usd["scrap"], rel=1e-9)
    keys = {one.key for one in asic.inputs}
    assert {row.input.key for row in asic.tornado.rows} <= keys


@pytest.mark.long
def test_the_crossover_is_over_the_input_that_changes_the_best_route(asic: ProductStudy) -> None:
    """The largest swing, that of the memory's price, changes nothing: both routes pay it."""
    found = asic.crossover
    assert found is not None
    assert asic.tornado.rows[0].input.key == "parts.hbm3e_8h.price_usd"
    assert found.key == asic.tornado.rows[1].input.key == "processes.cow_osat.cost_usd"
    assert (found.low, found.high) == (7500.0, 19450.0)
    told = breakeven("minimal", found.key, ("osat_2p5d", "cowos_s"))
    assert [one.value for one in found.crossings] == [one.value for one in told.crossings]


def test_plain_data_are_json(study: Study) -> None:
    data = json.loads(json.dumps(study.to_dict(), allow_nan=False))
    (product,) = data["products"]
    assert set(product) == {
        "product", "routes", "explanation", "frontier", "tornado", "funnel", "crossover",
        "route_map", "inputs",
    }  # fmt: skip
    assert data["result"]["status"] == "optimal"
    assert product["funnel"]["steps"][0]["pass_frac"] <= 1.0


def test_a_plan_that_is_known_is_not_solved_again(monkeypatch: pytest.MonkeyPatch) -> None:
    result = solve(load("minimal"))
    monkeypatch.setattr("yieldopt.study.whole.solve", None)
    assert study_case("minimal", result=result).result is result


def test_a_product_of_no_route_has_reasons_and_no_more(tmp_path: Path) -> None:
    text = (ROOT / "cases" / "minimal.toml").read_text()
    (tmp_path / "c.toml").write_text(text.replace("dppm_limit = 1000.0", "dppm_limit = 0.001"))
    study = study_case(tmp_path / "c.toml")
    (one,) = study.products
    assert study.result.status is Status.INFEASIBLE
    assert one.best is one.funnel is one.crossover is one.route_map is None
    assert one.inputs == one.tornado.rows == ()
    assert one.tornado.status is Status.INFEASIBLE
    assert all(column.reasons for column in one.routes)


def test_one_route_has_no_crossover() -> None:
    (one,) = study_case("b200_class").products
    assert one.best is not None
    assert one.crossover is one.route_map is None


def test_a_time_limit_holds_for_all_and_is_said() -> None:
    with pytest.raises(CaseError, match="must be above 0"):
        study_case("minimal", time_limit_s=0.0)
    (one,) = study_case("minimal", time_limit_s=1e-6).products
    assert one.explanation.status is Status.UNKNOWN
    assert one.tornado.status is Status.UNKNOWN
    assert one.crossover is None
