"""The map of the cheapest route: every point against the case read again with both numbers."""

from __future__ import annotations

import itertools
import json
import math
import threading
from typing import Any

import pytest

from yieldopt import load
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.weighing import candidate_on, weigh
from yieldopt.report.charts.route_map import cheapest_routes
from yieldopt.schema.case import Case
from yieldopt.study import nearby
from yieldopt.study.inputs import inputs_of
from yieldopt.study.route_map import RouteMap, route_map
from yieldopt.study.tornado import tornado

RELATIVE = 1e-11  # of sums in another order


def mapped(case: Case, product: str, budget: Budget | None = None) -> RouteMap | None:
    candidates, _ = weigh(case, case.product(product))
    return route_map(case, candidates, tornado(case, product), budget)


@pytest.fixture(scope="module")
def minimal() -> RouteMap:
    found = mapped(load("minimal"), "asic")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "product"),
    [
        ("minimal", "asic"),
        pytest.param("accelerators_2026", "tpu_class", marks=pytest.mark.long),
        pytest.param("accelerators_2026", "switch_class", marks=pytest.mark.long),
    ],
)
def test_every_point_is_what_the_changed_case_gives(name: str, product: str) -> None:
    case = load(name)
    found = mapped(case, product)
    assert found is not None
    wanted = list(itertools.product(found.y.values, found.x.values))
    assert [(point.y, point.x) for point in found.points] == wanted
    for point in found.points[:: 1 if name == "minimal" else 3]:
        there = load(name, {found.x.key: point.x, found.y.key: point.y})
        costs = {}
        for route in found.routes:
            candidate, _ = candidate_on(there, there.product(product), route)
            costs[route] = candidate.recipes[0].cost_per_good_usd if candidate else None
        for route, cost in costs.items():
            assert point.costs[route] == (cost and pytest.approx(cost, rel=RELATIVE))
        known = {route: cost for route, cost in costs.items() if cost is not None}
        assert point.cheapest == min(known, key=lambda route: known[route])
    assert found.gap < RELATIVE


def test_the_routes_are_the_cheapest_and_the_rest_is_named() -> None:
    case = load("accelerators_2026")
    candidates, _ = weigh(case, case.product("h100_class"))
    found = mapped(case, "h100_class")
    assert found is not None
    order = sorted(candidates, key=lambda one: one.recipes[0].cost_per_good_usd)
    assert found.routes == tuple(one.route for one in order[:3])
    assert found.left_out == tuple(one.route for one in order[3:])
    assert all(name in cheapest_routes("m", found).line for name in found.left_out)


def test_no_other_inputs_move_the_two_further_apart(minimal: RouteMap) -> None:
    """Each input of both routes at its ends by itself, levels chosen anew on both."""
    case = load("minimal")
    apart = {}
    keys = {
        one.key: one
        for route in minimal.routes
        for one in inputs_of(case, "asic", route)
        if one.has_range
    }
    tried = {row.input.key for row in tornado(case, "asic").rows[:10]}
    tried |= {key for key in keys if key.startswith(("routes.cowos_s", "processes.cow_s"))}
    for key in tried:
        one = keys[key]
        differences = []
        for value in (one.low, one.base, one.high):
            there = load("minimal", {} if value in (None, one.base) else {key: value})
            pair = [candidate_on(there, there.products[0], name)[0] for name in minimal.routes]
            usd = [c.recipes[0].cost_per_good_usd if c else math.inf for c in pair]
            differences.append(usd[0] - usd[1])
        apart[key] = max(differences) - min(differences)
    finite = [key for key in apart if math.isfinite(apart[key])]
    assert sorted(finite, key=lambda key: -apart[key])[:2] == [minimal.x.key, minimal.y.key]


def test_the_base_is_in_the_middle(minimal: RouteMap) -> None:
    case = load("minimal")
    (point,) = [
        point for point in minimal.points if (point.x, point.y) == (minimal.x.base, minimal.y.base)
    ]
    for route, cost in point.costs.items():
        candidate, _ = candidate_on(case, case.products[0], route)
        assert candidate is not None
        assert cost == candidate.recipes[0].cost_per_good_usd
    assert point.cheapest == minimal.routes[0]
    assert json.loads(json.dumps(minimal.to_dict(), allow_nan=False))["product"] == "asic"


def test_one_route_has_no_map() -> None:
    assert mapped(load("b200_class"), "b200_class") is None


def test_time_that_ends_is_said(monkeypatch: pytest.MonkeyPatch, minimal: RouteMap) -> None:
    """Time ends after the first route: its costs stand, no point has a cheapest route."""
    case = load("minimal")
    candidates, _ = weigh(case, case.products[0])
    ranges = tornado(case, "asic")
    budget = Budget(600.0, math.inf, threading.Event())
    search = nearby.best_of_each
    assert budget.stop is not None
    stop = budget.stop

    def once(*asked: Any, **how: Any) -> Any:
        found = search(*asked, **how)
        stop.set()
        return found

    monkeypatch.setattr(nearby, "best_of_each", once)
    found = route_map(case, candidates, ranges, budget)
    assert found is not None
    first, second = found.routes
    assert all(point.costs[first] is not None for point in found.points)
    late = [point for point in found.points if point.is_late]
    assert late
    assert all(point.cheapest is None and point.costs[second] is None for point in late)
    assert f"{len(late)} points not reached in time" in cheapest_routes("m", found).line
    assert route_map(case, candidates, ranges, budget) is None


def test_the_picture_holds_every_point(minimal: RouteMap) -> None:
    picture = cheapest_routes("m", minimal)
    assert len(picture.rows) == len(minimal.points) == 25
    for row, point in zip(picture.rows, minimal.points, strict=True):
        assert row == (point.x, point.y, point.cheapest, *point.costs.values())
    (rows,) = picture.spec(check=True)["datasets"].values()
    assert [row["now"] for row in rows].count(True) == 1
    assert picture.line.startswith("Of 25 points, cheapest is osat_2p5d at ")
