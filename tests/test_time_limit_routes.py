"""Routes weighed until time ends: what is not known is never said to be excluded."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from tests.test_time_limit import SHIPPING, Clock, stopping
from yieldopt import Status, load, solve
from yieldopt.breakeven import BreakEven, breakeven
from yieldopt.breakeven.search import Search
from yieldopt.cli import main
from yieldopt.comparison import compare
from yieldopt.optimize import budget
from yieldopt.optimize.budget import Budget
from yieldopt.optimize.coverage import Found, Proof
from yieldopt.optimize.search import search
from yieldopt.report.comparison import breakeven_text, comparison_text
from yieldopt.report.result import result_text

ROUTES = ("cowos_s", "osat_2p5d")


def loose(*args: Any, **how: Any) -> Found:
    """A search that leaves a gap of a tenth."""
    found = search(*args, **how)
    lower = 0.9 * found.proof.lower_bound_usd
    return replace(found, proof=replace(found.proof, lower_bound_usd=lower))


def test_a_column_that_time_ended_on_is_not_excluded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "any_search", stopping(1))
    columns = compare(load("minimal"))
    assert [column.status for column in columns] == [Status.OPTIMAL, Status.UNKNOWN]
    assert [column.stopped for column in columns] == [False, True]
    text = comparison_text(columns)
    assert "not known\nosat_2p5d  no plan found within 120 s" in text
    assert "excluded" not in text
    monkeypatch.setattr(budget, "any_search", stopping(1))
    out = CliRunner().invoke(main, ("compare", "minimal", "--time-limit", "1000"))
    assert out.exit_code == 0  # one route is answered


def test_a_column_says_what_its_proof_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = compare(load("minimal"), time_limit_s=1e6)
    assert whole == compare(load("minimal"))
    assert "others may be less by" not in comparison_text(whole)
    monkeypatch.setattr(budget, "any_search", loose)
    columns = compare(load("minimal"))
    assert {column.status for column in columns} == {Status.FEASIBLE}
    assert [column.gap for column in columns] == [pytest.approx(0.1, rel=1e-6)] * 2
    assert "others may be less by" in comparison_text(columns)


class Late(Search):
    """Costs as plain functions; time ends after so many values."""

    def __init__(self, one: Any, other: Any, values: int) -> None:
        super().__init__("no file", "key", "product", ("a", "b"))
        self.curves, self.left = (one, other), values

    def candidates(self, value: float) -> Any:
        if value not in self.found:
            self.left -= 1
            self.late[value] = (self.left < 0,) * 2
            one, other = (None if self.left < 0 else curve(value) for curve in self.curves)
            self.found[value] = held(one), held(other)
        return self.found[value]


def held(cost: float | None) -> Any:
    if cost is None:
        return None
    proof = Proof("enumeration", 1, 0, 0, cost)
    recipe = SimpleNamespace(cost_per_good_usd=cost, proof=proof, waterfall_usd={})
    return SimpleNamespace(recipes=[recipe])


def end(value: float) -> float | None:
    return 0.53 if value < 0.7 else None


CURVES = {
    "one": (lambda v: v, lambda v: 0.53, [0.53]),
    "two": (lambda v: abs(v - 0.5), lambda v: 0.21, [0.29, 0.71]),
    "jump": (lambda v: 1.0 if v < 0.4 else 3.0, lambda v: 2.0, [0.4]),
    "end": (lambda v: v, end, [0.53]),
    "none": (lambda v: 1.0, lambda v: 2.0, []),
}


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("values", [*range(24), 30, 40, 60, 200])
def test_crossings_of_any_moment_are_true(name: str, values: int) -> None:
    one, other, true = CURVES[name]
    found = Late(one, other, values).run(0.0, 0.5, 1.0)
    for crossing in found.crossings:
        assert any(crossing.not_below <= at <= crossing.value * (1 + 1e-9) for at in true)
        assert not crossing.is_jump or name == "jump"
        low, high = (one(v) < other(v) for v in (crossing.not_below, crossing.value))
        assert (low, high) == (crossing.cheaper_below == "a", crossing.cheaper_above == "a")
    assert found.status is statuses(found, values)
    if found.status is Status.OPTIMAL:
        assert len(found.crossings) == len(true)
        assert all(c.value - c.not_below <= 1.01e-7 for c in found.crossings)
    else:  # what time ended on is not closed in on: the points of the scan, and a middle for each
        assert 0 < len(found.not_known) <= 18 + len(true) + 2
    for route, costs in found.costs.items():
        for value, cost, late in zip((0.0, 0.5, 1.0), costs, found.stopped[route], strict=True):
            assert late == (value in found.not_known)
            assert (cost is None) == (late or (name == "end" and route == "b" and value == 1.0))
    assert ("stopped" in breakeven_text(found)) == any(map(any, found.stopped.values()))


def statuses(found: BreakEven, values: int) -> Status:
    if not found.not_known:
        return Status.OPTIMAL
    return Status.FEASIBLE if values else Status.UNKNOWN


@pytest.mark.parametrize("looks", [0, 1, 9, 12])
def test_a_break_even_stopped_in_time(looks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(looks)
    monkeypatch.setattr(Budget, "is_spent", property(lambda _: clock() > 0.0))
    found = breakeven("minimal", SHIPPING, ROUTES, low=0.0, high=20.0, time_limit_s=1e6)
    late = list(zip(*found.stopped.values(), strict=True))
    assert any(map(any, late))
    known = [not one for ends in found.stopped.values() for one in ends]
    assert known == [cost is not None for ends in found.costs.values() for cost in ends]
    text = breakeven_text(found)
    assert "stopped" in text
    assert "cannot" not in text
    assert "no break-even in this range" not in text
    if any(not any(pair) for pair in late):
        assert found.status is Status.FEASIBLE
        assert "time ended at" in text
    else:
        assert found.status is Status.UNKNOWN
        assert "unknown: no plan found within" in text


def test_a_break_even_says_what_its_proofs_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "any_search", loose)
    found = breakeven("minimal", SHIPPING, ROUTES, low=30.0, high=40.0)
    assert (found.status, found.not_known) == (Status.FEASIBLE, ())
    assert found.gap == pytest.approx(0.1, rel=1e-6)
    assert "other levels may cost less than those compared, by 1.0e-01" in breakeven_text(found)


def two_products() -> Any:
    own = {
        "routes": ["cowos_s", "osat_2p5d"],
        "interposer_mm": [32.0, 44.0],
        "substrate_mm": [68.5, 68.5],
        "dppm_limit": 1000.0,
        "slots": {
            "logic": [{"part": "tpu_die", "count": 1}],
            "memory": [{"part": "hbm3e_8h", "count": 4}],
            "substrate": [{"part": "abf_68"}],
        },
    }
    products = [own | {"name": name, "demand": 10.0} for name in ("first", "second")]
    return load("minimal", {"products": products})


def test_products_solved_in_time_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second product has no plan when time ends: unknown, but the first keeps its plan."""
    case = two_products()
    whole = solve(case)
    assert whole.status is Status.OPTIMAL
    monkeypatch.setattr(budget, "any_search", stopping(2))
    late = solve(case)
    assert (late.status, late.objective_usd, late.allocation) == (Status.UNKNOWN, None, ())
    first, second = late.products
    assert first.cost_per_good_usd == whole.products[0].cost_per_good_usd
    assert (first.dppm, first.made, first.unmet) == (whole.products[0].dppm, 0.0, 10.0)
    assert (second.cost_per_good_usd, second.dppm, second.standalone) == (None, None, None)
    (recipe,) = late.recipes
    assert (recipe.product, recipe.levels) == ("first", whole.recipes[0].levels)
    text = result_text(late)
    assert text.startswith("unknown; no plan was found in time:")
    assert "nothing is allocated" in text
    assert f"recipe {recipe.id}" in text


def test_an_infeasible_answer_shows_no_plan() -> None:
    """Firm demand that no capacity meets: plans by themselves are no answer."""
    some = next(iter(solve(load("minimal")).recipes[0].uses_per_good))
    scarce = [{"name": some, "capacity": 1e-9, "source": "assumed: for the test"}]
    changes = {"resources": scarce, "products.asic.demand": 1.0}
    found = solve(load("minimal", changes | {"products.asic.routes": ["osat_2p5d"]}))
    assert found.status is Status.INFEASIBLE
    assert (found.recipes, found.products[0].cost_per_good_usd) == ((), None)
    assert found.products[0].unmet == 1.0
